"""Transactions of several processes: nobody waits for one that died, and who goes on meeting conflicts queues."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import tai_state
from tai_state import LockConfig, LockManager, SystemClock, TransactionManager, connect
from tai_state.config import QUEUE_AFTER
from tests._sync.accounts import BANK, amounts, open_accounts, transfer

ROOT = Path(tai_state.__file__).parents[1]
TTL = 2.0
LONG = 60.0
AT_ONCE = 15.0
"""Seconds in which a busy machine makes a transfer; a server's own transaction would keep others out for 50."""

SOME_TIME = 0.5
"""Seconds in which a body that waits for nobody has run again."""

monotonic = SystemClock().monotonic

# Takes the lock, moves money, and stands still inside the transaction until it is killed.
VICTIM = """
import sys
from tai_state import LockConfig, LockManager, TransactionManager, connect
from tests._sync.accounts import transfer
url, moment, ttl = sys.argv[1], sys.argv[2], float(sys.argv[3])
store = connect(url, actor="victim")
def stand():
    print("inside", flush=True)
    sys.stdin.readline()
commit = store.runtime.access.backend.commit
def standing(writes, *, timeout):
    if moment == "before its commit":
        stand()
    result = commit(writes, timeout=timeout)
    stand()
    return result
def body(tx):
    transfer(tx, "a", "b", 10)
    if moment == "in its body":
        stand()
lock = LockManager(store, LockConfig(ttl=ttl)).acquire("bank", owner="victim", heartbeat=False)
if moment != "in its body":
    store.runtime.access.backend.commit = standing
TransactionManager(store).run(body, lock=lock)
"""


def kill_inside(url, moment):
    """Let a process die at *moment* of a transaction."""
    process = subprocess.Popen(
        [sys.executable, "-c", VICTIM, url, moment, str(TTL)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "inside\n"
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.mark.parametrize(
    ("moment", "made"), [("in its body", 0), ("before its commit", 0), ("before the reply", 1)], ids=str
)
def test_a_killed_transaction_keeps_nobody_waiting(url, moment, made):
    """Others change the same documents at once, its lock is free after its ttl; it was made or it was not."""
    with connect(url, actor="tester") as store:
        open_accounts(store, a=100, b=0)
        kill_inside(url, moment)
        died = monotonic()
        manager = TransactionManager(store)
        manager.run(lambda tx: transfer(tx, "a", "b", 1))
        assert monotonic() - died < AT_ONCE
        with LockManager(store, LockConfig(ttl=TTL)).hold("bank", timeout=LONG) as lock:
            assert monotonic() - died < TTL + AT_ONCE
            manager.run(lambda tx: transfer(tx, "a", "b", 1), lock=lock)
        assert amounts(store, "a", "b") == [98 - 10 * made, 2 + 10 * made]
        assert sum(1 for _ in manager.list_transactions()) == 2 + made
        assert store.stats(BANK).events == 2 + 2 * (2 + made)


# Meets as many conflicts as it takes to queue, and then stands still inside the transaction.
QUEUED = """
import sys
from tests.children import end_with_parent
end_with_parent()
from tai_state import TransactionManager, connect
from tests._sync.accounts import BANK, transfer
url, conflicts = sys.argv[1], int(sys.argv[2])
store, other = connect(url, actor="first"), connect(url, actor="other")
runs = []
def body(tx):
    transfer(tx, "a", "b", 1)
    runs.append(1)
    if len(runs) <= conflicts:
        other.save_state(BANK, "a", other.get_state(BANK, "a")[0].data)
    elif len(runs) == conflicts + 1:
        print("queued", flush=True)
        sys.stdin.readline()
TransactionManager(store).run(body)
print("done", flush=True)
"""


def test_runs_of_several_processes_that_go_on_meeting_conflicts_queue(url):
    """One that met as many as another, whose turn it is, runs its body no more before that one is through."""
    with connect(url, actor="tester") as store, connect(url, actor="other") as other:
        open_accounts(store, a=100, b=0)
        process = subprocess.Popen(
            [sys.executable, "-c", QUEUED, url, str(QUEUE_AFTER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        asked, told = process.stdin, process.stdout
        assert asked is not None
        assert told is not None
        is_released = threading.Event()
        runs: list[bool] = []

        def release():
            is_released.set()
            asked.write("\n")
            asked.flush()

        timer = threading.Timer(SOME_TIME, release)

        def body(tx):
            runs.append(is_released.is_set())
            transfer(tx, "a", "b", 1)
            if len(runs) <= QUEUE_AFTER:
                other.save_state(BANK, "b", other.get_state(BANK, "b")[0].data)
            if len(runs) == QUEUE_AFTER:
                timer.start()

        try:
            assert told.readline() == "queued\n"
            TransactionManager(store).run(body)
            assert told.readline() == "done\n"
        finally:
            timer.cancel()
            process.kill()
            process.wait()
            asked.close()
            told.close()
        # Its own commit is one conflict more.
        assert runs[:QUEUE_AFTER] == [False] * QUEUE_AFTER
        assert all(runs[QUEUE_AFTER:])
        assert amounts(store, "a", "b") == [98, 2]
