# Generated from tests/_async/commits/test_persister_keys.py by .ci/generate_sync.py; do not edit.
"""A move with an idempotency key is made once."""
import pytest

from tai_state import (
    StateMachinePersister,
    ChangeMetadata,
    IdempotencyMismatchError,
    TransitionNotAllowedError,
)
from tai_state._platform.tasks import together
from tests._sync.machines import COUNTER
from tests._sync.stores import contents


@pytest.fixture
def counter(store):
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s")
    return persister


def test_a_repeat_returns_the_first_result(counter, store):
    """Event and snapshot are the first one's, and nothing is written."""
    first = counter.transition("g", "s", "add", 5, idempotency_key="k")
    before = contents(store)
    again = counter.transition("g", "s", "add", 5, idempotency_key="k")
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.event, again.snapshot) == (first.event, first.snapshot)
    assert contents(store) == before


def test_a_repeat_returns_the_first_result_after_other_moves(counter, place):
    """Through another store too, where the action is not even allowed any more."""
    first = counter.transition("g", "s", "add", 5, idempotency_key="k")
    counter.transition("g", "s", "add", 1)
    counter.transition("g", "s", "shut")
    for persister in (counter, StateMachinePersister(place.store(), COUNTER)):
        again = persister.transition("g", "s", "add", 5, idempotency_key="k")
        assert (again.event, again.snapshot, again.replayed) == (first.event, first.snapshot, True)


def test_a_repeated_start_returns_the_first_result(counter):
    """Though the state exists by now."""
    first = counter.start("g", "t", {"n": 1}, idempotency_key="k")
    again = counter.start("g", "t", {"n": 1}, idempotency_key="k")
    assert (again.event, again.replayed) == (first.event, True)


def test_a_repeated_rollback_is_made_once(counter):
    """As every change."""
    counter.transition("g", "s", "add", 5)
    first = counter.rollback("g", "s", 1, idempotency_key="k")
    again = counter.rollback("g", "s", 1, idempotency_key="k")
    assert (first.version, again.version, again.replayed) == (3, 3, True)


def test_another_payload_or_action_is_a_mismatch(counter, store):
    """Nothing is written."""
    counter.transition("g", "s", "add", 5, idempotency_key="k")
    before = contents(store)
    for action, payload in (("add", 6), ("add", None), ("add", 5.0), ("shut", 5), ("shut", None)):
        with pytest.raises(IdempotencyMismatchError):
            counter.transition("g", "s", action, payload, idempotency_key="k")
    assert contents(store) == before


def test_the_error_and_the_author_are_no_part_of_the_request(counter):
    """The fingerprint is action and payload."""
    counter.transition("g", "s", "add", 5, idempotency_key="k")
    again = counter.transition(
        "g", "s", "add", 5, idempotency_key="k", metadata=ChangeMetadata(changed_by="x"), expected_version=1
    )
    assert again.replayed


def test_equal_payloads_are_the_same_request(counter):
    """Whatever the order of their keys."""
    first = counter.transition("g", "s", "shut", {"a": 1, "b": {"c": 2, "d": 3}}, idempotency_key="k")
    again = counter.transition("g", "s", "shut", {"b": {"d": 3, "c": 2}, "a": 1}, idempotency_key="k")
    assert again.event == first.event


def test_a_refused_move_leaves_its_key_free(counter):
    """The key is not used up by a refusal."""
    counter.transition("g", "s", "shut")
    with pytest.raises(TransitionNotAllowedError):
        counter.transition("g", "s", "add", 5, idempotency_key="k")
    counter.transition("g", "s", "reopen")
    assert not (counter.transition("g", "s", "add", 5, idempotency_key="k")).replayed


def test_the_same_key_at_the_same_time_makes_one_event(counter, place):
    """Through several stores in one place, and twice through each."""
    persisters = [StateMachinePersister(place.store(), COUNTER) for _ in range(3)] * 2

    def move(persister):
        return lambda: persister.transition("g", "s", "add", 5, idempotency_key="k")

    results = together([move(persister) for persister in persisters])
    assert [one.version for one in results] == [2] * 6
    assert sorted(one.replayed for one in results) == [False] + [True] * 5
    assert len({one.event.transition_id for one in results}) == 1
    assert (counter.load_state("g", "s")).snapshot.data == {"n": 5}


def test_different_keys_at_the_same_time_all_count(counter, place):
    """Conflicts are retried on the fresh state; nothing is lost, nothing made twice."""
    persisters = [counter] + [StateMachinePersister(place.store(), COUNTER) for _ in range(2)]

    def move(persister, number):
        return lambda: persister.transition("g", "s", "add", 1, idempotency_key=f"k{number}")

    calls = [move(persister, number) for number, persister in enumerate(persisters * 3)]
    results = together(calls)
    assert sorted(one.version for one in results) == list(range(2, 11))
    assert (counter.load_state("g", "s")).snapshot.data == {"n": 9}
    assert (counter.validate_consistency("g")).is_consistent
