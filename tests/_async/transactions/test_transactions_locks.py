"""Transactions under a lock: the store itself refuses a holder who was replaced."""

import pytest

from tai_state import AsyncStateMachinePersister, FencedOutError, LockLostError, OutcomeUnknownError, RetryPolicy
from tai_state._async.api.lock_manager import AsyncLockManager
from tai_state.rules.locking.leases import lease_path
from tests._async.accounts import (
    BANK,
    AsyncMeddledBackend,
    async_amounts,
    async_open_accounts,
    async_put,
    async_transfer,
    manager_of,
    over,
)
from tests._async.machines import COUNTER
from tests._async.stores import async_contents, async_find, async_plant


@pytest.fixture
async def other(place):
    """Another client of the same place, where two accounts are open."""
    store = place.store()
    await async_open_accounts(store, a=100, b=0)
    return store


async def async_acquire(store, resource="r", **options):
    """Acquire a lock without a heartbeat."""
    return await AsyncLockManager(store).acquire(resource, timeout=0, heartbeat=False, **options)


def breaker(store, lock):
    """Return a call that breaks *lock* as an operator does."""
    return lambda: AsyncLockManager(store).break_lock(lock.resource, lock.fencing_token, "it hangs")


async def test_a_held_lock_guards_and_stays_usable(place, other):
    """Its token is in every event, and the commit renews it."""
    store = place.store()
    lock = await async_acquire(store)
    for number in range(3):
        await manager_of(store).run(lambda tx: async_transfer(tx, "a", "b", 1), lock=lock)
        assert await async_amounts(other, "b") == [number + 1]
    events = [event async for event in other.get_events(BANK, "a", after=1)]
    assert [event.fencing_token for event in events] == [lock.fencing_token] * 3
    await lock.renew()
    await lock.release()


async def test_a_guarded_transaction_is_two_requests(place, other):
    """The lease goes with the commit."""
    store, backend = place.counting()
    lock = await async_acquire(store)
    backend.taken()
    for _ in range(2):
        await manager_of(store).run(lambda tx: async_transfer(tx, "a", "b", 1), lock=lock)
        assert backend.taken() == ["get_many", "commit"]
    assert lock.held


async def test_a_broken_lock_is_fenced_out(place, other):
    """Broken between the body and the commit: the store refuses, nothing is written, and the lock knows."""
    store, backend = over(place, AsyncMeddledBackend)
    lock = await async_acquire(store)
    backend.before_commits.append(breaker(other, lock))
    before = await async_contents(other, BANK)
    with pytest.raises(FencedOutError) as caught:
        await manager_of(store).run(lambda tx: async_transfer(tx, "a", "b", 1), lock=lock)
    assert caught.value.token == lock.fencing_token
    assert await async_contents(other, BANK) == before
    assert [one async for one in manager_of(other).list_transactions()] == []
    assert lock.lost
    with pytest.raises((LockLostError, FencedOutError)):
        await manager_of(store).run(lambda tx: async_put(tx, "a", 1), lock=lock)


async def test_a_lock_that_was_taken_over_is_fenced_out(place, other):
    """The error gives the token in force."""
    store, backend = over(place, AsyncMeddledBackend)
    lock = await async_acquire(store)

    async def take_over():
        await breaker(other, lock)()
        await async_acquire(other, owner="they")

    backend.before_commits.append(take_over)
    with pytest.raises(FencedOutError) as caught:
        await manager_of(store).run(lambda tx: async_transfer(tx, "a", "b", 1), lock=lock)
    assert (caught.value.token, caught.value.current) == (lock.fencing_token, lock.fencing_token + 1)
    assert await async_amounts(other, "a", "b") == [100, 0]


async def test_a_state_that_a_later_holder_wrote_is_fenced_off(place, other):
    """Even if the lease itself had been set back: the state remembers the highest token."""
    store = place.store()
    lock = await async_acquire(store)
    kept = await async_find(other, lease_path(lock.resource))
    assert kept is not None
    await breaker(other, lock)()
    later = await async_acquire(other, owner="they")
    persister = AsyncStateMachinePersister(other, COUNTER)
    await persister.start("g", "s", {"n": 0})
    await persister.transition("g", "s", "add", lock=later)
    await async_plant(other, kept.path, **kept.fields)
    persister = AsyncStateMachinePersister(store, COUNTER)
    with pytest.raises(FencedOutError) as caught:
        await manager_of(store).run(lambda tx: tx.transition(persister, "g", "s", "add"), lock=lock)
    assert caught.value.current == later.fencing_token
    assert lock.lost


async def test_a_conflict_under_a_lock_runs_the_body_again(place, other):
    """The lock is not the reason, and stays."""
    store, backend = over(place, AsyncMeddledBackend)
    lock = await async_acquire(store)
    backend.before_commits.append(lambda: other.save_state(BANK, "a", {"n": 50}))
    await manager_of(store).run(lambda tx: async_transfer(tx, "a", "b", 10), lock=lock)
    assert await async_amounts(other, "a", "b") == [40, 10]
    await lock.release()


async def test_a_lock_goes_on_being_renewed_while_the_body_runs(place, other):
    """The body may even use it: nothing waits for the end of the transaction."""
    store = place.store()
    lock = await async_acquire(store)
    persister = AsyncStateMachinePersister(store, COUNTER)

    async def body(tx):
        await lock.renew(timeout=5)
        await persister.start("g", "inside", {"n": 0})
        await persister.transition("g", "inside", "add", lock=lock, timeout=5)
        await async_transfer(tx, "a", "b", 1)

    await manager_of(store).run(body, lock=lock)
    assert await async_amounts(other, "a", "b") == [99, 1]
    await lock.release()


async def test_several_locks_guard_together(place, other):
    """One of them broken is enough to be refused."""
    store, backend = over(place, AsyncMeddledBackend)
    locks = await AsyncLockManager(store).acquire_many(["r", "s"], timeout=0, heartbeat=False)
    await manager_of(store).run(lambda tx: async_transfer(tx, "a", "b", 1), lock=locks)
    backend.before_commits.append(breaker(other, locks.locks[1]))
    with pytest.raises(FencedOutError) as caught:
        await manager_of(store).run(lambda tx: async_transfer(tx, "a", "b", 1), lock=locks)
    assert caught.value.resource == "s"
    assert await async_amounts(other, "a", "b") == [99, 1]
    assert [lock.lost for lock in locks.locks] == [False, True]


async def test_a_lost_reply_under_a_lock(place, other):
    """The lock goes on from what the commit made of its lease."""
    store, _ = place.faulty()
    lock = await async_acquire(store)
    store.runtime.access.backend.faults.append("reply lost")
    await manager_of(store).run(lambda tx: async_transfer(tx, "a", "b", 1), lock=lock)
    await manager_of(store).run(lambda tx: async_transfer(tx, "a", "b", 1), lock=lock)
    assert await async_amounts(other, "a", "b") == [98, 2]
    await lock.release()


async def test_an_unknown_outcome_under_a_lock(place, other):
    """Applied, and nobody heard of it: the next transaction finds its lease renewed by itself."""
    store, backend = place.faulty(retry=RetryPolicy(attempts=1))
    lock = await async_acquire(store)
    backend.faults.append("reply lost")
    backend.unread = 1
    with pytest.raises(OutcomeUnknownError):
        await manager_of(store).run(lambda tx: async_transfer(tx, "a", "b", 1), lock=lock)
    await manager_of(store).run(lambda tx: async_transfer(tx, "a", "b", 1), lock=lock)
    assert await async_amounts(other, "a", "b") == [98, 2]


async def test_a_released_lock_guards_nothing(place, other):
    """Refused before the body runs."""
    lock = await async_acquire(other)
    await lock.release()
    runs = []

    async def body(tx):
        runs.append(1)

    with pytest.raises(LockLostError):
        await manager_of(other).run(body, lock=lock)
    assert runs == []


async def test_a_lock_lost_while_the_body_runs_commits_nothing(place, other):
    """Also where nobody took it over: it was released inside."""
    store, backend = place.counting()
    lock = await async_acquire(store)

    async def body(tx):
        await async_put(tx, "a", 1)
        await lock.release()
        backend.taken()

    with pytest.raises(LockLostError):
        await manager_of(store).run(body, lock=lock)
    assert backend.taken() == []
    assert await async_amounts(other, "a") == [100]
