"""A move with an idempotency key is made once."""

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    ChangeMetadata,
    IdempotencyMismatchError,
    TransitionNotAllowedError,
)
from tai_state._platform.tasks import async_together
from tests._async.machines import COUNTER
from tests._async.stores import async_contents


@pytest.fixture
async def counter(store):
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s")
    return persister


async def test_a_repeat_returns_the_first_result(counter, store):
    """Event and snapshot are the first one's, and nothing is written."""
    first = await counter.transition("g", "s", "add", 5, idempotency_key="k")
    before = await async_contents(store)
    again = await counter.transition("g", "s", "add", 5, idempotency_key="k")
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.event, again.snapshot) == (first.event, first.snapshot)
    assert await async_contents(store) == before


async def test_a_repeat_returns_the_first_result_after_other_moves(counter, place):
    """Through another store too, where the action is not even allowed any more."""
    first = await counter.transition("g", "s", "add", 5, idempotency_key="k")
    await counter.transition("g", "s", "add", 1)
    await counter.transition("g", "s", "shut")
    for persister in (counter, AsyncStateMachinePersister(place.store(), COUNTER)):
        again = await persister.transition("g", "s", "add", 5, idempotency_key="k")
        assert (again.event, again.snapshot, again.replayed) == (first.event, first.snapshot, True)


async def test_a_repeated_start_returns_the_first_result(counter):
    """Though the state exists by now."""
    first = await counter.start("g", "t", {"n": 1}, idempotency_key="k")
    again = await counter.start("g", "t", {"n": 1}, idempotency_key="k")
    assert (again.event, again.replayed) == (first.event, True)


async def test_a_repeated_rollback_is_made_once(counter):
    """As every change."""
    await counter.transition("g", "s", "add", 5)
    first = await counter.rollback("g", "s", 1, idempotency_key="k")
    again = await counter.rollback("g", "s", 1, idempotency_key="k")
    assert (first.version, again.version, again.replayed) == (3, 3, True)


async def test_another_payload_or_action_is_a_mismatch(counter, store):
    """Nothing is written."""
    await counter.transition("g", "s", "add", 5, idempotency_key="k")
    before = await async_contents(store)
    for action, payload in (("add", 6), ("add", None), ("add", 5.0), ("shut", 5), ("shut", None)):
        with pytest.raises(IdempotencyMismatchError):
            await counter.transition("g", "s", action, payload, idempotency_key="k")
    assert await async_contents(store) == before


async def test_the_error_and_the_author_are_no_part_of_the_request(counter):
    """The fingerprint is action and payload."""
    await counter.transition("g", "s", "add", 5, idempotency_key="k")
    again = await counter.transition(
        "g", "s", "add", 5, idempotency_key="k", metadata=ChangeMetadata(changed_by="x"), expected_version=1
    )
    assert again.replayed


async def test_equal_payloads_are_the_same_request(counter):
    """Whatever the order of their keys."""
    first = await counter.transition("g", "s", "shut", {"a": 1, "b": {"c": 2, "d": 3}}, idempotency_key="k")
    again = await counter.transition("g", "s", "shut", {"b": {"d": 3, "c": 2}, "a": 1}, idempotency_key="k")
    assert again.event == first.event


async def test_a_refused_move_leaves_its_key_free(counter):
    """The key is not used up by a refusal."""
    await counter.transition("g", "s", "shut")
    with pytest.raises(TransitionNotAllowedError):
        await counter.transition("g", "s", "add", 5, idempotency_key="k")
    await counter.transition("g", "s", "reopen")
    assert not (await counter.transition("g", "s", "add", 5, idempotency_key="k")).replayed


async def test_the_same_key_at_the_same_time_makes_one_event(counter, place):
    """Through several stores in one place, and twice through each."""
    persisters = [AsyncStateMachinePersister(place.store(), COUNTER) for _ in range(3)] * 2

    def move(persister):
        return lambda: persister.transition("g", "s", "add", 5, idempotency_key="k")

    results = await async_together([move(persister) for persister in persisters])
    assert [one.version for one in results] == [2] * 6
    assert sorted(one.replayed for one in results) == [False] + [True] * 5
    assert len({one.event.transition_id for one in results}) == 1
    assert (await counter.load_state("g", "s")).snapshot.data == {"n": 5}


async def test_different_keys_at_the_same_time_all_count(counter, place):
    """Conflicts are retried on the fresh state; nothing is lost, nothing made twice."""
    persisters = [counter] + [AsyncStateMachinePersister(place.store(), COUNTER) for _ in range(2)]

    def move(persister, number):
        return lambda: persister.transition("g", "s", "add", 1, idempotency_key=f"k{number}")

    calls = [move(persister, number) for number, persister in enumerate(persisters * 3)]
    results = await async_together(calls)
    assert sorted(one.version for one in results) == list(range(2, 11))
    assert (await counter.load_state("g", "s")).snapshot.data == {"n": 9}
    assert (await counter.validate_consistency("g")).is_consistent
