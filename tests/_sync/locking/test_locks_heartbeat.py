# Generated from tests/_async/locking/test_locks_heartbeat.py by .ci/generate_sync.py; do not edit.
"""The heartbeat of a lock: it outlives the ttl, tells of a loss, and gives up in time."""
import pytest

from tai_state import (
    BackendStore,
    LockManager,
    LockConfig,
    LockLostError,
    LockTimeoutError,
    SystemClock,
)
from tai_state._sync.locking.lock import handle_of
from tai_state._platform.tasks import sleep
from tai_state.clock import Deadline
from tests._sync.deaths import forget_every_lock
from tests._sync.stores import UnreachableBackend, plant
from tests.waits import patience

LONG = 60.0


@pytest.fixture
def quick():
    """A ttl that is soon over; on a busy machine it leaves the heartbeat time all the same."""
    return LockConfig(ttl=patience(0.6))


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


def seen(locks):
    """Return what the store says of the lock."""
    found = locks.inspect("r")
    assert found is not None
    return found


def until(condition, seconds=LONG):
    """Wait until *condition* holds."""
    deadline = Deadline(SystemClock(), seconds)
    while not condition():
        assert not deadline.passed, "it never came true"
        sleep(0.01)


def test_a_heartbeat_outlives_the_ttl(place, quick):
    """Whoever waits meanwhile does not get it; the lease document changes with each beat."""
    locks, others = LockManager(place.store(), quick), LockManager(place.store(), quick)
    with locks.hold("r", owner="a") as lock:
        with pytest.raises(LockTimeoutError):
            others.acquire("r", owner="b", timeout=2.5 * quick.ttl)
        assert lock.held
        assert handle_of(lock).lease.renewals >= 3
    (others.acquire("r", owner="b", timeout=LONG)).release()


def test_without_a_heartbeat_a_lease_ends(place, quick):
    """And somebody else gets the lock by waiting."""
    locks, others = LockManager(place.store(), quick), LockManager(place.store(), quick)
    lock = locks.acquire("r", owner="a", heartbeat=False)
    assert (others.acquire("r", owner="b", timeout=LONG)).fencing_token == 2
    assert lock.lost


def test_a_heartbeat_tells_of_a_broken_lock(place, quick):
    """Within a third of the ttl, with nobody looking."""
    locks = LockManager(place.store(), quick)
    lock = locks.acquire("r", owner="a")
    told: list[str] = []
    lock.on_lost(told.append)
    locks.break_lock("r", lock.fencing_token, "test")
    until(lambda: told)
    assert told == ["broken"]


def test_a_heartbeat_tells_of_a_stolen_lock(place, quick):
    """A later token in the store is somebody else's."""
    store = place.store()
    locks = LockManager(store, quick)
    lock = locks.acquire("r", owner="a")
    told: list[str] = []
    lock.on_lost(told.append)
    plant(store, handle_of(lock).lease.path, fencing_token=2, nonce="theirs", holder="b")
    until(lambda: told)
    assert told == ["stolen"]
    assert (seen(locks)).holder == "b"


def test_a_heartbeat_that_reaches_nobody_gives_up_before_the_lease_ends(store):
    """At the renew deadline, as unreachable."""
    backend = UnreachableBackend(store.runtime.access.backend)
    cut = LockManager(BackendStore(backend), LockConfig(ttl=60.0, renew_deadline=0.5, retry_period=0.1))
    lock = cut.acquire("r", owner="a")
    told: list[str] = []
    lock.on_lost(told.append)
    backend.is_cut = True
    until(lambda: told)
    assert told == ["unreachable"]
    assert (seen(LockManager(store))).held, "the others still have to wait"
    with pytest.raises(LockLostError, match="unreachable"):
        lock.check()


def test_a_heartbeat_survives_a_store_that_fails_for_a_while(store):
    """It is tried again until the renew deadline."""
    backend = UnreachableBackend(store.runtime.access.backend)
    locks = LockManager(BackendStore(backend), LockConfig(ttl=3.0, renew_deadline=2.8, retry_period=0.05))
    lock = locks.acquire("r", owner="a")
    backend.is_cut = True
    until(lambda: backend.refused >= 3)
    backend.is_cut = False
    until(lambda: handle_of(lock).lease.renewals >= 1)
    assert lock.held
