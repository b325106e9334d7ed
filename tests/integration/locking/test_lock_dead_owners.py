"""The lease of a dead process on a store of one host: granted at once where one can see that it is dead."""

import subprocess
import sys

import pytest

from tai_state import LockLostError, LockManager, LockTimeoutError, MemoryStore, SqliteStore, SystemClock
from tai_state._platform.processes import is_dead, this_process
from tai_state.rules.locking.leases import lease_path
from tests._sync.deaths import forget_every_lock
from tests._sync.stores import TIMEOUT, document_at, plant

monotonic = SystemClock().monotonic

# Takes the lock, says its ticket, and waits to be killed, or ends without releasing it.
HOLDER = """
import os, sys
from tai_state import LockManager, SqliteStore
lock = LockManager(SqliteStore(sys.argv[1])).acquire("r", owner="holder", ttl=600, heartbeat=sys.argv[2] == "heartbeat")
if sys.argv[3] == "renewed":
    lock.ticket, lock.renew()
print(lock.ticket, flush=True)
sys.stdin.readline()
os._exit(0)
"""


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@pytest.fixture
def store(tmp_path):
    """A store in a file that processes share."""
    with SqliteStore(tmp_path / "store.db") as store:
        yield store


@pytest.fixture
def holder(tmp_path):
    """Start a process that holds the lock, and end it; returns its ticket."""

    def run(heartbeat="heartbeat", renewed="", end="kill"):
        command = [sys.executable, "-c", HOLDER, str(tmp_path / "store.db"), heartbeat, renewed]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            ticket = process.stdout.readline().strip()
            if end == "kill":
                process.kill()
            process.communicate("\n" if end == "exit" else None)
        return ticket

    return run


@pytest.mark.parametrize("end", ["kill", "exit"])
def test_the_lock_of_a_dead_process_is_had_at_once(store, holder, end):
    """Long before its ttl is over, by a caller who would not even wait."""
    holder(end=end)
    lock = LockManager(store).acquire("r", owner="next", timeout=0)
    assert (lock.fencing_token, lock.held) == (2, True)


def test_a_zombie_is_dead(store, tmp_path):
    """A process that was killed and that its parent has not looked after yet runs no more."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "store.db"), "heartbeat", ""]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(LockTimeoutError):
            LockManager(store).acquire("r", owner="next", timeout=0)
        process.kill()
        assert LockManager(store).acquire("r", owner="next", timeout=TIMEOUT).fencing_token == 2


@pytest.mark.parametrize(
    "change", [{"pid_namespace": "pid:[1]"}, {"boot_id": "another"}], ids=["a container beside us", "another boot"]
)
def test_who_cannot_be_seen_is_not_dead(store, holder, change):
    """Its lease ends with its ttl, as everywhere."""
    holder()
    stored = document_at(store, lease_path("r")).fields["process"]
    assert isinstance(stored, dict)
    plant(store, lease_path("r"), process={**stored, **change})
    with pytest.raises(LockTimeoutError):
        LockManager(store).acquire("r", owner="next", timeout=0)


def test_a_number_that_was_given_again_is_another_process():
    """One that started later; and this one lives."""
    here = this_process()
    assert here is not None
    assert not is_dead(here)
    fields = {name: getattr(here, name) for name in ("boot_id", "pid_namespace", "pid")}
    assert is_dead(type(here)(**fields, started=here.started - 1))


def test_a_lock_without_a_heartbeat_outlives_its_process(store, holder):
    """Nobody renews it there: it may be meant for another one, who goes on with it by its ticket."""
    ticket = holder(heartbeat="")
    locks = LockManager(store)
    with pytest.raises(LockTimeoutError):
        locks.acquire("r", owner="next", timeout=0)
    with locks.attach(ticket) as lock:
        assert (lock.owner, lock.fencing_token) == ("holder", 1)
    assert locks.acquire("r", owner="next", timeout=0).fencing_token == 2


def test_a_lock_whose_ticket_was_taken_outlives_its_process(store, holder):
    """From the next renewal on."""
    ticket = holder(renewed="renewed")
    locks = LockManager(store)
    with pytest.raises(LockTimeoutError):
        locks.acquire("r", owner="next", timeout=0)
    assert locks.attach(ticket).held


def test_a_ticket_of_a_dead_process_whose_lock_was_taken_is_refused(store, holder):
    """Whoever came first has it."""
    ticket = holder()
    locks = LockManager(store)
    locks.acquire("r", owner="next", timeout=0)
    with pytest.raises(LockLostError, match="stolen"):
        locks.attach(ticket)


def test_only_a_store_of_one_host_asks_for_processes():
    """Elsewhere a lease says nothing of them."""
    store = MemoryStore()
    LockManager(store).acquire("r")
    assert "process" not in document_at(store, lease_path("r")).fields
