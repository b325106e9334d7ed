"""The heartbeat of a lock: it outlives the ttl, tells of a loss, and gives up in time."""

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    LockConfig,
    LockLostError,
    LockTimeoutError,
    SystemClock,
)
from tai_state._async.locking.lock import async_handle_of
from tai_state._platform.tasks import async_sleep
from tai_state.clock import Deadline
from tests._async.deaths import forget_every_lock
from tests._async.stores import AsyncUnreachableBackend, async_plant
from tests.waits import patience

LONG = 60.0


@pytest.fixture
async def quick():
    """A ttl that is soon over; on a busy machine it leaves the heartbeat time all the same."""
    return LockConfig(ttl=patience(0.6))


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


async def async_seen(locks):
    """Return what the store says of the lock."""
    found = await locks.inspect("r")
    assert found is not None
    return found


async def async_until(condition, seconds=LONG):
    """Wait until *condition* holds."""
    deadline = Deadline(SystemClock(), seconds)
    while not condition():
        assert not deadline.passed, "it never came true"
        await async_sleep(0.01)


async def test_a_heartbeat_outlives_the_ttl(place, quick):
    """Whoever waits meanwhile does not get it; the lease document changes with each beat."""
    locks, others = AsyncLockManager(place.store(), quick), AsyncLockManager(place.store(), quick)
    async with locks.hold("r", owner="a") as lock:
        with pytest.raises(LockTimeoutError):
            await others.acquire("r", owner="b", timeout=2.5 * quick.ttl)
        assert lock.held
        assert async_handle_of(lock).lease.renewals >= 3
    await (await others.acquire("r", owner="b", timeout=LONG)).release()


async def test_without_a_heartbeat_a_lease_ends(place, quick):
    """And somebody else gets the lock by waiting."""
    locks, others = AsyncLockManager(place.store(), quick), AsyncLockManager(place.store(), quick)
    lock = await locks.acquire("r", owner="a", heartbeat=False)
    assert (await others.acquire("r", owner="b", timeout=LONG)).fencing_token == 2
    assert lock.lost


async def test_a_heartbeat_tells_of_a_broken_lock(place, quick):
    """Within a third of the ttl, with nobody looking."""
    locks = AsyncLockManager(place.store(), quick)
    lock = await locks.acquire("r", owner="a")
    told: list[str] = []
    lock.on_lost(told.append)
    await locks.break_lock("r", lock.fencing_token, "test")
    await async_until(lambda: told)
    assert told == ["broken"]


async def test_a_heartbeat_tells_of_a_stolen_lock(place, quick):
    """A later token in the store is somebody else's."""
    store = place.store()
    locks = AsyncLockManager(store, quick)
    lock = await locks.acquire("r", owner="a")
    told: list[str] = []
    lock.on_lost(told.append)
    await async_plant(store, async_handle_of(lock).lease.path, fencing_token=2, nonce="theirs", holder="b")
    await async_until(lambda: told)
    assert told == ["stolen"]
    assert (await async_seen(locks)).holder == "b"


async def test_a_heartbeat_that_reaches_nobody_gives_up_before_the_lease_ends(store):
    """At the renew deadline, as unreachable."""
    backend = AsyncUnreachableBackend(store.runtime.access.backend)
    cut = AsyncLockManager(AsyncBackendStore(backend), LockConfig(ttl=60.0, renew_deadline=0.5, retry_period=0.1))
    lock = await cut.acquire("r", owner="a")
    told: list[str] = []
    lock.on_lost(told.append)
    backend.is_cut = True
    await async_until(lambda: told)
    assert told == ["unreachable"]
    assert (await async_seen(AsyncLockManager(store))).held, "the others still have to wait"
    with pytest.raises(LockLostError, match="unreachable"):
        await lock.check()


async def test_a_heartbeat_survives_a_store_that_fails_for_a_while(store):
    """It is tried again until the renew deadline."""
    backend = AsyncUnreachableBackend(store.runtime.access.backend)
    locks = AsyncLockManager(AsyncBackendStore(backend), LockConfig(ttl=3.0, renew_deadline=2.8, retry_period=0.05))
    lock = await locks.acquire("r", owner="a")
    backend.is_cut = True
    await async_until(lambda: backend.refused >= 3)
    backend.is_cut = False
    await async_until(lambda: async_handle_of(lock).lease.renewals >= 1)
    assert lock.held
