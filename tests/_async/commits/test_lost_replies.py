"""Every kind of change whose reply is lost for good: asked for again under its key, it is made once."""

from datetime import timedelta

import pytest

from tai_state import (
    AsyncLockManager,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    OutcomeUnknownError,
    RetriesExhaustedError,
    RetryPolicy,
)
from tai_state.testing.clock import ManualClock
from tests._async.machines import COUNTER

ONCE = RetryPolicy(attempts=1)


def persisted(store):
    return AsyncStateMachinePersister(store, COUNTER)


async def async_save_in_transaction(store):
    async def body(tx):
        return await tx.save_state("g", "s", {"n": 9})

    return await AsyncTransactionManager(store, ONCE).run(body, idempotency_key="k")


async def async_version(call):
    return (await call).version


CHANGES = {
    "save": lambda store: store.save_state("g", "s", {"n": 9}, idempotency_key="k"),
    "update": lambda store: store.update_state("g", "s", {"n": 9}, 2, idempotency_key="k"),
    "delete": lambda store: store.delete_state("g", "s", idempotency_key="k"),
    "transition": lambda store: async_version(persisted(store).transition("g", "s", "add", 9, idempotency_key="k")),
    "log": lambda store: async_version(
        persisted(store).log_transition("g", "s", "a", to_status="shut", data={}, idempotency_key="k")
    ),
    "rollback": lambda store: async_version(persisted(store).rollback("g", "s", 1, idempotency_key="k")),
    "run": async_save_in_transaction,
}
"""Each makes version 3 of a state that is at version 2."""

REPEATABLE = ("save", "transition", "log", "rollback")


async def async_begin(store):
    await persisted(store).start("g", "s")
    await persisted(store).transition("g", "s", "add", 1)


async def async_events(store, state_id="s"):
    return [event.version async for event in store.get_events("g", state_id)]


async def async_holder(place):
    lease = await AsyncLockManager(place.store()).inspect("r")
    assert lease is not None
    return lease.holder


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_of_unknown_outcome_that_is_made_again_is_made_once(place, name, fault):
    """Whether the first one was applied or not, and whoever asks for it again."""
    await async_begin(place.store())
    store, backend = place.faulty(fault, retry=ONCE)
    backend.unread = 1
    with pytest.raises(OutcomeUnknownError) as caught:
        await CHANGES[name](store)
    assert caught.value.transition_id
    for again in (store, place.store()):
        assert await CHANGES[name](again) == 3
    assert await async_events(place.store()) == [1, 2, 3]
    assert (await persisted(place.store()).validate_consistency("g")).is_consistent


UNKEYED = {
    "save": lambda store, key: store.save_state("g", "s", {"n": 9}, idempotency_key=key),
    "transition": lambda store, key: persisted(store).transition("g", "s", "add", 9, idempotency_key=key),
    "cascade": lambda store, key: persisted(store).start("g", "t", depends_on=["s"], idempotency_key=key),
    "run": lambda store, key: AsyncTransactionManager(store, ONCE).run(async_save, idempotency_key=key),
}


async def async_save(tx):
    return await tx.save_state("g", "s", {"n": 9})


@pytest.mark.parametrize("key", [None, "k"])
@pytest.mark.parametrize("name", UNKEYED)
async def test_an_unknown_outcome_may_be_tried_again_under_a_key_alone(place, name, key):
    """A retry loop that asks ``retryable`` would apply the change twice."""
    await async_begin(place.store())
    store, _ = place.faulty("late", "late", retry=ONCE)
    with pytest.raises(OutcomeUnknownError) as caught:
        await UNKEYED[name](store, key)
    assert caught.value.retryable is (key is not None)


@pytest.mark.parametrize("name", CHANGES)
async def test_a_last_attempt_whose_reply_is_lost_is_told_by_one_read(place, name):
    """The attempts are spent, the time is not: whether it was applied is read, and it was."""
    await async_begin(place.store())
    store, backend = place.faulty("reply lost", retry=ONCE)
    assert await CHANGES[name](store) == 3
    assert len(backend.sent) == 1
    assert await async_events(place.store()) == [1, 2, 3]


@pytest.mark.parametrize("fault", ["request lost", "late"])
async def test_a_last_attempt_that_may_still_arrive_stays_unknown(place, fault):
    """The read finds nothing of it, and that is no verdict yet."""
    store, _ = place.faulty(fault, retry=ONCE)
    with pytest.raises(OutcomeUnknownError):
        await store.save_state("g", "s", {})


async def test_a_last_attempt_behind_another_writer_is_a_conflict(place):
    """What was read instead of a reply tells that it can never be applied: it is no unknown outcome."""
    store, backend = place.faulty("request lost", retry=ONCE)
    backend.between = lambda: place.store().save_state("g", "s", {})
    with pytest.raises(RetriesExhaustedError):
        await store.save_state("g", "s", {})
    assert await async_events(place.store()) == [1]


async def test_a_lock_whose_grant_is_not_replied_to_is_granted(place):
    """Also with the last attempt: one read finds the grant."""
    store, _ = place.faulty("reply lost", "reply lost", retry=ONCE)
    locks = AsyncLockManager(store)
    lock = await locks.acquire("r", heartbeat=False)
    assert lock.held
    await lock.release()
    assert await async_holder(place) is None


async def test_a_break_whose_reply_is_lost_is_made(place):
    """Its audit entry tells."""
    store, backend = place.faulty(retry=ONCE)
    locks = AsyncLockManager(store)
    lock = await locks.acquire("r", heartbeat=False)
    backend.faults.append("reply lost")
    await locks.break_lock("r", lock.fencing_token, "stuck")
    assert await async_holder(place) is None


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
async def test_a_start_of_unknown_outcome_that_is_made_again_is_made_once(place, fault):
    """Though the state may exist by then."""
    store, backend = place.faulty(fault, retry=ONCE)
    backend.unread = 1
    with pytest.raises(OutcomeUnknownError):
        await persisted(store).start("g", "s", idempotency_key="k")
    again = await persisted(place.store()).start("g", "s", idempotency_key="k")
    assert (again.version, again.replayed) == (1, fault == "reply lost")
    assert await async_events(place.store()) == [1]


@pytest.mark.parametrize("name", REPEATABLE)
async def test_a_receipt_that_has_expired_is_replaced(name):
    """It is not obeyed: the change is made anew, and remembered for a time of its own."""
    clock = ManualClock()
    async with AsyncMemoryStore(clock=clock, receipt_ttl=timedelta(hours=1)) as store:
        await async_begin(store)
        assert [await CHANGES[name](store) for _ in range(2)] == [3, 3]
        clock.advance(3601)
        assert [await CHANGES[name](store) for _ in range(2)] == [4, 4]
