"""A lock and a fork: it belongs to the process that acquired it, and a child has lost it from the beginning."""

import pytest

from tai_state import AsyncLockManager, AsyncTransactionManager, LockLostError
from tai_state.rules.locking.leases import lease_path
from tests._async.deaths import forget_every_lock
from tests._async.stores import async_plant
from tests.forking import IGNORED, async_in_child

pytestmark = pytest.mark.filterwarnings(IGNORED)


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@pytest.fixture
async def locks(store):
    """A lock manager on the store."""
    return AsyncLockManager(store)


@pytest.fixture
async def lock(locks):
    """A lock that this process holds, without a heartbeat."""
    return await locks.acquire("r", heartbeat=False)


async def test_a_child_has_lost_its_parents_lock(lock):
    """There it is lost, and not held; the parent holds it all the same."""

    async def look():
        assert (lock.held, lock.lost) == (False, True)
        with pytest.raises(LockLostError) as error:
            await lock.check()
        assert error.value.reason == "forked"

    assert await async_in_child(look) == 0
    assert (lock.held, lock.lost) == (True, False)


@pytest.mark.parametrize("what", ["release", "renew", "__aexit__"])
async def test_what_a_child_does_to_a_lock_touches_nothing(locks, lock, what):
    """It can neither free nor renew it, nor by leaving its block: the parent's lease stands as it was."""
    before = await locks.inspect("r")

    async def touch():
        with pytest.raises(LockLostError) as error:
            await getattr(lock, what)(*([None] * 3 if what == "__aexit__" else []))
        assert error.value.reason == "forked"

    assert await async_in_child(touch) == 0
    found = await locks.inspect("r")
    assert (found.held, found.fencing_token) == (True, before.fencing_token)
    await lock.release()


async def test_a_child_cannot_write_under_its_parents_lock(store, lock):
    """A change with the lock is refused there before anything is sent."""

    async def write():
        async def change(tx):
            await tx.save_state("g", "s", {})

        with pytest.raises(LockLostError) as error:
            await AsyncTransactionManager(store).run(change, lock=lock)
        assert error.value.reason == "forked"

    assert await async_in_child(write) == 0
    assert not await store.exists("g", "s")


async def test_a_child_does_not_hear_of_its_parents_losses(lock):
    """Who asks there to be told is told at once: forked."""

    async def ask():
        told: list[str] = []
        lock.on_lost(told.append)
        assert told == ["forked"]

    assert await async_in_child(ask) == 0


async def test_a_lock_that_somebody_else_released_is_lost(store, lock):
    """Only the handle that asked for its release has released it; for any other one it is a loss."""
    told: list[str] = []
    lock.on_lost(told.append)
    await async_plant(store, lease_path("r"), holder=None)
    with pytest.raises(LockLostError):
        await lock.renew()
    assert (lock.lost, told) == (True, ["released"])


async def test_a_released_lock_is_not_lost(lock):
    """A release that its handle asked for is no loss."""
    told: list[str] = []
    lock.on_lost(told.append)
    await lock.release()
    assert (lock.held, lock.lost, told) == (False, False, [])
