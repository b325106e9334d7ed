# Generated from tests/_async/locking/test_locks_reserved.py by .ci/generate_sync.py; do not edit.
"""Being next for several locks: all of them are reserved, and nobody is kept out who may be waited for."""
import pytest

from tai_state import LockManager, SystemClock, lock_owner
from tai_state._platform.tasks import sleep, together
from tai_state.rules.locking.leases import lease_path
from tai_state.rules.locking.reservations import Waiter, reservation_path, reserve_write
from tests._sync.deaths import forget_every_lock
from tests._sync.stores import TIMEOUT, document_at, find, plant

LONG = 60.0
monotonic = SystemClock().monotonic


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


def test_who_was_passed_over_for_one_lock_reserves_the_free_ones_too(place):
    """Else whoever wants one of those alone would pass him for ever: they are rarely free at one moment."""
    store = place.store()
    locks, others = LockManager(store), LockManager(place.store())
    held = others.acquire("a", owner="holder", ttl=600, heartbeat=False)
    seen: list[bool] = []

    def several():
        with locks.acquire_many(["a", "b"], owner="several", timeout=LONG, heartbeat=False):
            seen.append(False)

    def passing():
        # He has looked once when he stands for it; then somebody else gets the lock before him.
        sleep(0.5)
        plant(store, lease_path("a"), fencing_token=held.fencing_token + 1)
        ends = monotonic() + 15
        while not seen and monotonic() < ends:
            if find(store, reservation_path("b")) is not None:
                seen.append(True)
            sleep(0.02)
        plant(store, lease_path("a"), ttl_seconds=0.001)

    together([several, passing])
    assert seen[0]


def test_who_holds_a_lock_passes_the_reservation_of_one_who_wants_several(place):
    """That one may be waiting for the lock that is held: they would wait for each other, and nobody could tell."""
    store = place.store()
    locks = LockManager(store)
    with lock_owner("nested"):
        with locks.hold("a", ttl=600, heartbeat=False) as lock:
            # Only what was held before is left to whoever is next.
            (locks.acquire("b", heartbeat=False)).release()
            since = (document_at(store, lease_path("a"))).create_time
            waiter = Waiter("several", "first of all", since, wants_several=True)
            write = reserve_write("b", waiter, None, round_=1, now=since)
            store.runtime.access.backend.commit([write], timeout=TIMEOUT)
            with locks.hold("b", timeout=0, heartbeat=False) as other:
                assert (lock.held, other.held) == (True, True)
