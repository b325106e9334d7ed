# Generated from tests/_async/commits/test_persister_commits.py by .ci/generate_sync.py; do not edit.
"""Replies that are lost: a change succeeds exactly once, or says that nobody knows."""
import pickle

import pytest

from tai_state import (
    StateMachinePersister,
    DeadlineExceededError,
    OutcomeUnknownError,
    RetryPolicy,
    StateExistsError,
    TransitionNotAllowedError,
    VersionConflictError,
)
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tai_state.testing.clock import ManualClock
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, contents

PATHS = state_layout("g", "s")
THREE = RetryPolicy(attempts=3, wait_initial=0.0, wait_max=0.0)


@pytest.fixture
def other(place):
    """Another writer in the same place, with a state at version 1."""
    persister = StateMachinePersister(place.store(), COUNTER)
    persister.start("g", "s", {"n": 0})
    return persister


def faulty(place, *faults, **options):
    store, backend = place.faulty(*faults, **options)
    return StateMachinePersister(store, COUNTER), backend


def total(persister):
    """Return the state's number and its version, once the log is found sound."""
    report = persister.validate_consistency("g")
    assert report.problems == []
    snapshot = (persister.load_state("g", "s")).snapshot
    return snapshot.data["n"], snapshot.version


@pytest.mark.parametrize(
    "faults",
    [
        ("reply lost",),
        ("request lost",),
        ("request lost", "reply lost"),
        ("request lost", "request lost", "request lost"),
        ("reply lost", "request lost", "request lost"),
    ],
    ids=str,
)
def test_a_lost_reply_makes_the_change_once(place, other, faults):
    """Whether or not it was applied: the result is that of one change."""
    persister, backend = faulty(place, *faults)
    result = persister.transition("g", "s", "add", 5)
    assert (result.version, result.replayed) == (2, False)
    assert total(other) == (5, 2)
    (event,) = [one for one in other.store.get_events("g", "s", after=1)]
    assert event == result.event
    assert len(backend.sent) == len(faults) + 1
    assert len(set(map(repr, backend.sent))) == 1, "only the identical commit is sent again"


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
def test_every_change_survives_a_lost_reply(place, other, fault):
    """Start, save, update, delete, log and rollback alike."""
    persister, backend = faulty(place)
    store = persister.store
    changes = [
        lambda: persister.start("g", "t"),
        lambda: store.save_state("g", "t", {"n": 1}),
        lambda: store.update_state("g", "t", {"n": 2}, 2),
        lambda: persister.log_transition("g", "t", "a", to_status="shut", data={}),
        lambda: persister.rollback("g", "t", 2),
        lambda: store.delete_state("g", "t"),
    ]
    for version, change in enumerate(changes, start=1):
        backend.faults.append(fault)
        result = change()
        assert (result if isinstance(result, int) else result.version) == version
    assert [event.version for event in other.store.get_events("g", "t")] == [1, 2, 3, 4, 5, 6]


def test_the_first_change_of_all_survives_a_lost_reply(place):
    """Though the store's own document is made with it."""
    persister, _ = faulty(place, "reply lost")
    assert (persister.start("g", "s", {"n": 0})).version == 1
    assert (persister.transition("g", "s", "add", 1)).version == 2
    assert total(persister) == (1, 2)


def test_a_move_goes_on_from_a_settled_head(place, other):
    """What was settled by reading is a sound base for the next move."""
    persister, backend = faulty(place, "reply lost")
    persister.transition("g", "s", "add", 5)
    sent = len(backend.sent)
    assert (persister.transition("g", "s", "add", 5)).snapshot.data == {"n": 10}
    assert len(backend.sent) == sent + 1


def test_a_winner_behind_our_applied_commit_changes_nothing(place, other):
    """Ours was applied, another writer went on from it: our call succeeded, once."""
    persister, backend = faulty(place, "reply lost")
    backend.between = lambda: other.transition("g", "s", "add", 100)
    result = persister.transition("g", "s", "add", 5)
    assert (result.version, result.snapshot.data) == (2, {"n": 5})
    assert total(other) == (105, 3)
    assert (persister.transition("g", "s", "add", 1)).snapshot.data == {"n": 106}


def test_a_winner_instead_of_our_lost_commit_is_a_conflict(place, other):
    """Ours was not applied, another writer took the version: ours is made again on top."""
    persister, backend = faulty(place, "request lost")
    backend.between = lambda: other.transition("g", "s", "add", 100)
    result = persister.transition("g", "s", "add", 5)
    assert (result.version, result.event.from_state, result.snapshot.data) == (3, {"n": 100}, {"n": 105})
    assert total(other) == (105, 3)


def test_a_winner_who_closed_the_state_refuses_ours(place, other):
    """The machine judges the fresh state, and nothing of ours is written."""
    persister, backend = faulty(place, "request lost")
    backend.between = lambda: other.transition("g", "s", "shut")
    with pytest.raises(TransitionNotAllowedError):
        persister.transition("g", "s", "add", 5)
    assert total(other) == (0, 2)


def test_a_winner_is_a_conflict_for_who_expects_a_version(place, other):
    """Raised, and nothing of ours is written."""
    persister, backend = faulty(place, "request lost")
    backend.between = lambda: other.transition("g", "s", "add", 100)
    with pytest.raises(VersionConflictError) as caught:
        persister.transition("g", "s", "add", 5, expected_version=1)
    assert caught.value.actual == 2
    assert total(other) == (100, 2)


def test_a_store_made_by_somebody_else_refuses_nobody(place):
    """Ours was lost, another writer made the store's own document meanwhile: ours is made anew, with his store id."""
    persister, backend = faulty(place, "request lost")
    other = StateMachinePersister(place.store(), COUNTER)
    backend.between = lambda: other.start("g", "elsewhere", {"n": 1})
    result = persister.start("g", "s", {"n": 2})
    assert (result.version, result.replayed) == (1, False)
    assert list((other.load_state("g", "elsewhere")).snapshot.causality.root) == [result.event.origin]
    assert total(other) == (2, 1)


def test_two_creations_and_a_lost_reply(place):
    """The one whose creation was lost learns that the state is there."""
    persister, backend = faulty(place, "request lost")
    other = StateMachinePersister(place.store(), COUNTER)
    backend.between = lambda: other.start("g", "s", {"n": 1})
    with pytest.raises(StateExistsError):
        persister.start("g", "s", {"n": 2})
    assert total(other) == (1, 1)


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
def test_ambiguous_to_the_end_is_an_unknown_outcome(place, other, fault):
    """When the attempts are spent, and no read tells, the error names the change, and says neither yes nor no."""
    persister, backend = faulty(place, fault, "request lost", "request lost", retry=THREE)
    backend.unread = 3
    with pytest.raises(OutcomeUnknownError) as caught:
        persister.transition("g", "s", "add", 5, idempotency_key="k")
    error = caught.value
    assert (error.governor_id, error.state_id, error.version) == ("g", "s", 2)
    assert error.retryable
    assert len(backend.sent) == 3
    applied = fault == "reply lost"
    outcome = persister.outcome(pickle.loads(pickle.dumps(error)))
    assert (outcome is not None) is applied
    result = persister.transition("g", "s", "add", 5, idempotency_key="k")
    assert (result.version, result.replayed) == (2, applied)
    if outcome is not None:
        assert (outcome.event, outcome.snapshot) == (result.event, result.snapshot)
        assert result.event.transition_id == error.transition_id
    assert total(other) == (5, 2)


def test_a_commit_that_arrives_late_is_still_one(place, other):
    """Between the unknown outcome and the retry, the first commit arrives."""
    persister, backend = faulty(place, "late", "late", "late", retry=THREE)
    with pytest.raises(OutcomeUnknownError) as caught:
        persister.transition("g", "s", "add", 5, idempotency_key="k")
    assert persister.outcome(caught.value) is None
    backend.deliver()
    assert (persister.outcome(caught.value)).version == 2
    result = persister.transition("g", "s", "add", 5, idempotency_key="k")
    assert (result.event.transition_id, result.replayed) == (caught.value.transition_id, True)
    assert total(other) == (5, 2)


def test_an_outcome_of_a_change_that_lost_is_none(place, other):
    """Another writer's event at that version is not ours."""
    persister, _ = faulty(place, "request lost", "request lost", "request lost", retry=THREE)
    with pytest.raises(OutcomeUnknownError) as caught:
        persister.transition("g", "s", "add", 5)
    other.transition("g", "s", "add", 100)
    assert persister.outcome(caught.value) is None


def test_ambiguous_until_the_deadline_is_an_unknown_outcome(place, other):
    """The total time bounds the attempts, on the store's clock."""
    clock = ManualClock()
    persister, backend = faulty(place, *["request lost"] * 20, clock=clock)
    backend.clock, backend.attempt_seconds = clock, 4.0
    with pytest.raises(OutcomeUnknownError):
        persister.transition("g", "s", "add", 5, timeout=10)
    assert len(backend.sent) == 3
    assert clock.monotonic() == 12.0


def test_a_deadline_without_a_doubt_is_a_plain_one(place, other):
    """Conflicts are no doubt: nothing was written, and the error says so."""
    clock = ManualClock()
    persister, backend = faulty(place, clock=clock)
    backend.clock, backend.attempt_seconds = clock, 4.0
    before = contents(other.store)

    inner = backend.commit

    def overtaken(writes, *, timeout):
        other.transition("g", "s", "add", 1)
        return inner(writes, timeout=timeout)

    backend.commit = overtaken
    with pytest.raises(DeadlineExceededError, match="nothing was written"):
        persister.transition("g", "s", "add", 1000, timeout=10)
    assert (total(other))[0] < 1000
    assert len(contents(other.store)) == len(before) + len(backend.sent)


def test_an_event_that_is_gone_leaves_the_outcome_unknown(place, other):
    """The state is past our version and no event tells whose it was: nobody can say."""
    persister, backend = faulty(place, "reply lost")

    def lose():
        other.transition("g", "s", "add", 100)
        backend.inner.commit([Delete(PATHS.event(2))], timeout=TIMEOUT)

    backend.between = lose
    with pytest.raises(OutcomeUnknownError) as caught:
        persister.transition("g", "s", "add", 5)
    assert caught.value.version == 2
