"""Units of work: a block that is one attempt of a transaction, committed with its end."""

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    DeadlineExceededError,
    LockLostError,
    StaleReadError,
    StoreClosedError,
    StoreError,
    UnsupportedOperationError,
)
from tai_state._platform.tasks import async_together
from tai_state.testing.clock import ManualClock
from tests._async.accounts import (
    BANK,
    AsyncMeddledBackend,
    async_amount,
    async_amounts,
    async_open_accounts,
    async_put,
    async_transfer,
    manager_of,
    over,
)


class Refusal(Exception):  # noqa: N818 - what a user's own exception may be called
    pass


@pytest.fixture
async def other(place):
    """Another writer in the same place, where two accounts are open."""
    store = place.store()
    await async_open_accounts(store, a=100, b=0)
    return store


async def test_a_block_is_committed_with_its_end(place, other):
    """One read, one commit, and a record."""
    store, backend = place.counting()
    async with manager_of(store).begin() as tx:
        await async_transfer(tx, "a", "b", 10)
        assert await async_amount(tx, "b") == 10
        assert await async_amounts(other, "a", "b") == [100, 0]
    assert backend.taken() == ["get_many", "commit"]
    assert await async_amounts(other, "a", "b") == [90, 10]
    assert (await manager_of(other).get_transaction(tx.transaction_id)).changed_by == "tester"


async def test_an_exception_of_the_block_writes_nothing(other):
    """It passes through as it is."""
    refusal, kept = Refusal(), []

    async def block():
        async with manager_of(other).begin() as tx:
            kept.append(tx)
            await async_put(tx, "a", 1)
            raise refusal

    with pytest.raises(Refusal) as caught:
        await block()
    assert caught.value is refusal
    assert await async_amounts(other, "a") == [100]
    with pytest.raises(StoreError, match="ended"):
        await async_put(kept[0], "a", 1)


async def test_a_block_that_read_nothing_sends_nothing(place, other):
    """There is nothing to commit."""
    store, backend = place.counting()
    async with manager_of(store).begin():
        pass
    assert backend.taken() == []


async def test_a_conflict_is_the_callers(place, other):
    """A block runs once: the commit that was refused is a StaleReadError, and nothing was written."""
    store, backend = over(place, AsyncMeddledBackend)
    backend.before_commits.append(lambda: other.save_state(BANK, "a", {"n": 50}))
    with pytest.raises(StaleReadError):
        async with manager_of(store).begin() as tx:
            await async_transfer(tx, "a", "b", 10)
    assert await async_amounts(other, "a", "b") == [50, 0]


async def test_a_guarded_block_needs_its_lock(other):
    """The commit carries it."""
    lock = await AsyncLockManager(other).acquire("bank")
    async with manager_of(other).begin(lock) as tx:
        await async_put(tx, "a", 1)

    async def block():
        async with manager_of(other).begin(lock=lock) as tx:
            await async_put(tx, "a", 2)
            await lock.release()

    with pytest.raises(LockLostError):
        await block()
    assert await async_amounts(other, "a") == [1]


async def test_a_block_has_the_time_of_a_run(place, other):
    """From its beginning on."""
    clock = ManualClock()
    store = AsyncBackendStore(place.store().runtime.access.backend, clock=clock)

    async def block():
        async with manager_of(store).begin(timeout=5) as tx:
            await async_put(tx, "a", 1)
            clock.advance(6)

    with pytest.raises(DeadlineExceededError):
        await block()
    assert await async_amounts(other, "a") == [100]


async def test_a_block_may_be_read_only(other):
    """It refuses to write."""
    with pytest.raises(UnsupportedOperationError):
        async with manager_of(other).begin(read_only=True) as tx:
            await async_put(tx, "a", 1)


async def test_a_drain_waits_for_a_block(place, other):
    """It is committed all the same; another is not let in."""
    store = place.store()
    drained = []

    async def drain():
        drained.append(await store.drain(timeout=0.01))

    async with manager_of(store).begin() as tx:
        await async_put(tx, "a", 1)
        await async_together([drain])
    assert drained == [False]
    assert await async_amounts(other, "a") == [1]
    assert await store.drain()
    with pytest.raises(StoreClosedError, match="drained"):
        async with manager_of(store).begin():
            pass
