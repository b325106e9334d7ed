"""Locks of processes that really freeze and die."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tai_state
from tai_state import LockConfig, LockManager, StateMachinePersister, SystemClock, connect
from tests._sync.machines import COUNTER
from tests.waits import patience

TTL = 1.0
LONG = 60.0
ROOT = Path(tai_state.__file__).parents[1]
monotonic = SystemClock().monotonic

# Says its token, waits for a line, checks its lock, stops itself where it is told to, and writes.
HOLDER = """
import json, os, signal, sys
from tai_state import LockConfig, LockManager, StateMachinePersister, TaiStateError, connect
from tests._sync.machines import COUNTER
url, ttl, moment = sys.argv[1], float(sys.argv[2]), sys.argv[3]
store = connect(url, actor="holder")
persister = StateMachinePersister(store, COUNTER)
if moment == "inside the commit":
    commit = store.runtime.access.backend.commit
    def frozen(writes, *, timeout):
        if len(writes) > 2:
            os.kill(os.getpid(), signal.SIGSTOP)
        return commit(writes, timeout=timeout)
    store.runtime.access.backend.commit = frozen
lock = LockManager(store, LockConfig(ttl=ttl)).acquire("r", owner="holder")
print(lock.fencing_token, flush=True)
sys.stdin.readline()
if moment == "before the check":
    os.kill(os.getpid(), signal.SIGSTOP)
try:
    lock.check()
    if moment == "behind the check":
        os.kill(os.getpid(), signal.SIGSTOP)
    persister.transition("g", "s", "add", 1, lock=lock)
    print(json.dumps("written"), flush=True)
except TaiStateError as error:
    told = [type(error).__name__, getattr(error, "token", None), getattr(error, "current", None)]
    print(json.dumps(told), flush=True)
print(json.dumps(lock.lost), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def store(url):
    """A store in the place, with a state in it."""
    with connect(url, actor="tester") as store:
        StateMachinePersister(store, COUNTER).start("g", "s", {"n": 0})
        yield store


@pytest.fixture
def start(url, store):
    """Start a holder in a process of its own, which ends with the test; returns it and its token."""
    started = []

    def start(moment="", ttl=TTL):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, url, str(ttl), moment],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        started.append(process)
        assert process.stdout is not None
        return process, int(process.stdout.readline())

    yield start
    for process in started:
        process.kill()
        process.wait()
        for pipe in filter(None, (process.stdin, process.stdout)):
            pipe.close()


def go(process):
    process.stdin.write("go\n")
    process.stdin.flush()


def say(process):
    return json.loads(process.stdout.readline())


@pytest.mark.parametrize("moment", ["behind the check", "inside the commit"])
def test_a_frozen_holder_is_fenced_out(store, start, moment):
    """It is stopped between its check and its write for longer than its ttl, and another takes over meanwhile."""
    process, token = start(moment)
    go(process)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    persister = StateMachinePersister(store, COUNTER)
    with LockManager(store, LockConfig(ttl=TTL)).hold("r", owner="other", timeout=LONG) as lock:
        assert lock.fencing_token == token + 1
        persister.transition("g", "s", "add", 10, lock=lock)
        process.send_signal(signal.SIGCONT)
        assert say(process) == ["FencedOutError", token, token + 1]
        assert say(process) is True
    assert persister.load_state("g", "s").snapshot.data == {"n": 10}


def test_a_holder_that_was_frozen_for_too_long_knows_it(store, start):
    """Its check tells the truth as soon as it goes on, from the boot clock: no request, no heartbeat has told it."""
    process, token = start("before the check")
    go(process)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    with LockManager(store, LockConfig(ttl=TTL)).hold("r", owner="other", timeout=LONG) as lock:
        assert lock.fencing_token == token + 1
        process.send_signal(signal.SIGCONT)
        assert say(process) == ["LockLostError", None, None]
        assert say(process) is True


def test_a_holder_that_was_only_frozen_for_a_moment_goes_on(store, start):
    """Nothing was taken from it."""
    process, _ = start("behind the check", ttl=LONG)
    go(process)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    process.send_signal(signal.SIGCONT)
    assert say(process) == "written"
    assert say(process) is False


def test_a_killed_holder_is_followed_after_its_ttl_and_a_retry_period(store, start):
    """Its heartbeat ends with it; the rest is an allowance, larger on a busy machine."""
    process, token = start()
    locks = LockManager(store, LockConfig(ttl=TTL))
    process.kill()
    process.wait()
    killed = monotonic()
    with locks.hold("r", owner="other", timeout=LONG) as lock:
        assert monotonic() - killed < TTL + TTL / 15 + patience(1.0)
        assert lock.fencing_token == token + 1


def test_a_living_holder_is_not_followed(store, start):
    """Its heartbeat renews the lease, in a process of its own."""
    ttl = patience(TTL)
    process, token = start(ttl=ttl)
    locks = LockManager(store, LockConfig(ttl=ttl))
    with pytest.raises(tai_state.LockTimeoutError):
        locks.acquire("r", owner="other", timeout=2.5 * ttl)
    go(process)
    assert say(process) == "written"
    found = locks.inspect("r")
    assert found is not None
    assert (found.holder, found.fencing_token) == ("holder", token)
