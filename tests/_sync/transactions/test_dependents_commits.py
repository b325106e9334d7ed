# Generated from tests/_async/transactions/test_dependents_commits.py by .ci/generate_sync.py; do not edit.
"""The one commit of a cascade: exactly once whatever happens to it, never torn, and none where nobody depends."""
from typing import Any

import pytest

from tai_state import (
    BackendStore,
    LockManager,
    StateMachinePersister,
    TransactionManager,
    ChangeMetadata,
    DocumentTooLargeError,
    FencedOutError,
    IdempotencyMismatchError,
    Machine,
    OutcomeUnknownError,
    RetryPolicy,
    Transition,
)
from tai_state._sync.locking.lock import handle_of
from tai_state._platform.tasks import together
from tai_state.errors import DeadlineExceededError
from tai_state.testing.clock import ManualClock
from tests._sync.accounts import MeddledBackend, over
from tests._sync.deaths import forget_every_lock
from tests._sync.dependents import marks, start_all, statuses, persister_of
from tests._sync.stores import WrappedBackend, contents, in_memory

THREE = RetryPolicy(attempts=3, wait_initial=0.0, wait_max=0.0)


@pytest.fixture
def other(place):
    """Another writer in the same place: c depends on b, b on a."""
    jobs = persister_of(place.store())
    start_all(jobs, a=(), b=["a"], c=["b"])
    return jobs


def sound(jobs, *state_ids):
    """Return the versions of the states, once everything is found sound."""
    report = jobs.validate_consistency("g")
    assert report.problems == []
    return [(jobs.store.get_state("g", one))[1] for one in state_ids]


def test_a_move_that_concerns_nobody_is_one_commit(place, other):
    """Of a state without dependents, and of one whose dependents do not react to the status."""
    store, backend = place.counting()
    jobs = persister_of(store)
    for action in ("run", "note", "note"):
        jobs.transition("g", "a", action)
        jobs.transition("g", "c", action)
    assert backend.taken() == ["get_many", "commit"] * 2 + ["commit"] * 4
    assert sound(other, "a", "b", "c") == [4, 1, 4]


@in_memory
def test_a_cascade_reads_once_for_each_level(place, other):
    """The state twice, since a refusal to go alone rests on a fresh read; then level by level."""
    store, backend = place.counting()
    jobs = persister_of(store)
    jobs.transition("g", "a", "run")
    backend.taken()
    jobs.transition("g", "a", "fail")
    assert backend.taken() == ["get_many"] * 4 + ["commit"]
    jobs.start("g", "d", depends_on=["c"])
    assert backend.taken() == ["get_many", "commit"]


@in_memory
def test_the_mover_is_the_author_of_all(place, other):
    """Of the reactions, too."""
    metadata = ChangeMetadata(changed_by="ann", reason="a drill", context={"ticket": 7})
    other.transition("g", "a", "fail", metadata=metadata)
    snapshot, _ = other.store.get_state("g", "c")
    assert snapshot.metadata == metadata.model_copy(update={"parent_version": 1})


def test_a_cascade_leaves_no_record_of_a_transaction(place, other):
    """It is known by its events, as a single change is; also where its reply was lost."""
    other.transition("g", "a", "fail")
    store, _ = place.faulty("reply lost", "request lost")
    persister_of(store).rollback("g", "a", 1)
    assert [one for one in TransactionManager(other.store).list_transactions()] == []


@pytest.mark.parametrize(
    "faults",
    [("reply lost",), ("request lost",), ("reply lost", "request lost")],
    ids=str,
)
def test_a_lost_reply_makes_the_cascade_once(place, other, faults):
    """Only the identical commit is sent again; nobody moves twice."""
    store, backend = place.faulty(*faults)
    result = persister_of(store).transition("g", "a", "fail")
    assert (result.version, result.replayed) == (2, False)
    assert len({repr(writes) for writes in backend.sent}) == 1
    assert statuses(other.store, "a", "b", "c") == ["failed", "blocked", "blocked"]
    assert sound(other, "a", "b", "c") == [2, 2, 2]
    (event,) = [one for one in other.store.get_events("g", "a", after=1)]
    assert event == result.event


@in_memory
def test_a_lost_reply_makes_the_start_once(place, other):
    """Of a state that is marked, and that reacts at once."""
    other.transition("g", "a", "fail")
    store, _ = place.faulty("reply lost")
    result = persister_of(store).start("g", "d", depends_on=["a"])
    assert (result.version, result.snapshot.version) == (1, 2)
    assert sound(other, "d") == [2]


@in_memory
def test_a_winner_instead_of_a_lost_cascade_is_a_conflict(place, other):
    """Ours was not applied, a dependent moved meanwhile: all of it is decided anew."""
    store, backend = place.faulty("request lost")

    def meanwhile():
        other.transition("g", "b", "run")
        other.transition("g", "b", "finish")

    backend.between = meanwhile
    persister_of(store).transition("g", "a", "fail")
    assert statuses(other.store, "a", "b", "c") == ["failed", "done", "new"]
    assert sound(other, "a", "b", "c") == [2, 3, 1]


@in_memory
def test_an_outcome_that_stays_unknown_can_be_asked_for(place, other):
    """The error names the move itself, and the persister finds it."""
    store, backend = place.faulty("reply lost", "late", "late", retry=THREE)
    backend.unread = 3
    jobs = persister_of(store)
    with pytest.raises(OutcomeUnknownError) as caught:
        jobs.transition("g", "a", "fail")
    error = caught.value
    assert (error.governor_id, error.state_id, error.version) == ("g", "a", 2)
    backend.faults.clear()
    result = jobs.outcome(error)
    assert result is not None
    assert (result.to_status, result.event.transition_id) == ("failed", error.transition_id)


def test_a_key_makes_the_cascade_once(place, other):
    """The receipt goes with the commit; a repetition is replayed, and moves nobody, whatever came between."""
    first = other.transition("g", "a", "fail", idempotency_key="k")
    other.transition("g", "b", "run")
    for store in (other.store, place.store()):
        again = persister_of(store).transition("g", "a", "fail", idempotency_key="k")
        assert again.replayed
        assert (again.event, again.snapshot) == (first.event, first.snapshot)
    with pytest.raises(IdempotencyMismatchError):
        other.transition("g", "a", "run", idempotency_key="k")
    assert statuses(other.store, "a", "b", "c") == ["failed", "running", "blocked"]
    assert sound(other, "a", "b", "c") == [2, 3, 2]


@in_memory
def test_two_who_race_with_one_key_make_one_cascade(place, other):
    """The one whose commit is refused returns the other's outcome."""
    store, backend = over(place, MeddledBackend)
    backend.before_commits.append(lambda: other.transition("g", "a", "fail", idempotency_key="k"))
    result = persister_of(store).transition("g", "a", "fail", idempotency_key="k")
    assert (result.replayed, result.version) == (True, 2)
    assert sound(other, "a", "b", "c") == [2, 2, 2]


def test_a_dependent_that_starts_first_is_not_missed(place, other):
    """Its start comes between the decision of a move that saw no such dependent, and the commit."""
    store, backend = over(place, MeddledBackend)
    persister_of(place.store()).start("g", "x")
    backend.before_commits.append(lambda: other.start("g", "y", depends_on=["x"]))
    persister_of(store).transition("g", "x", "fail")
    assert statuses(other.store, "x", "y") == ["failed", "blocked"]
    assert sound(other, "x", "y") == [2, 2]


def test_a_failure_that_comes_first_is_not_missed(place, other):
    """It comes between the decision of a start that saw a sound dependency, and the commit."""
    store, backend = over(place, MeddledBackend)
    backend.before_commits.append(lambda: other.transition("g", "a", "fail"))
    persister_of(store).start("g", "y", depends_on=["a"])
    assert statuses(other.store, "a", "y") == ["failed", "blocked"]
    assert sound(other, "a", "y") == [2, 2]


@in_memory
def test_a_start_that_marks_nobody_anew_is_not_missed_either(place, other):
    """The mark of a deleted state is there still, so only the commit's check can tell."""
    other.store.delete_state("g", "b")
    for who, what in (("start", "move"), ("move", "start")):
        governor_id = f"{who} first"
        start_all(other, governor_id, a=(), b=["a"])
        other.store.delete_state(governor_id, "b")
        store, backend = over(place, MeddledBackend)
        jobs = persister_of(store)
        ways = {
            "start": lambda one, at=governor_id: one.start(at, "b", depends_on=["a"]),
            "move": lambda one, at=governor_id: one.transition(at, "a", "fail"),
        }
        backend.before_commits.append(lambda way=ways[who]: way(other))
        ways[what](jobs)
        assert statuses(store, "a", "b", governor_id=governor_id) == ["failed", "blocked"]


@in_memory
def test_a_dependent_that_ends_first_is_left(place, other):
    """A dependent finishes, though the move had decided to block it: it stays done."""
    other.transition("g", "b", "run")
    store, backend = over(place, MeddledBackend)
    backend.before_commits.append(lambda: other.transition("g", "b", "finish"))
    persister_of(store).transition("g", "a", "fail")
    assert statuses(other.store, "a", "b", "c") == ["failed", "done", "new"]


def test_cascades_that_overlap_move_each_once(place, other):
    """Two failures at the same time, and one dependent of both."""
    start_all(other, x=(), y=["a", "x", "c"], z=["y"])
    movers = [persister_of(place.store()) for _ in range(2)]
    together(
        [
            lambda: movers[0].transition("g", "a", "fail"),
            lambda: movers[1].transition("g", "x", "fail"),
        ]
    )
    assert statuses(other.store, "a", "b", "c", "x", "y", "z") == ["failed", "blocked", "blocked"] * 2
    assert sound(other, "a", "b", "c", "x", "y", "z") == [2, 2, 2, 2, 2, 2]


def test_many_starts_behind_one_state_that_fails(place, other):
    """Whatever the order: at the end every one of them is blocked, by one event."""
    names = [f"n{number}" for number in range(6)]
    stores = [place.store() for _ in range(3)]
    work: list[Any] = [
        lambda name=name, store=stores[index % 3]: persister_of(store).start("g", name, depends_on=["a"])
        for index, name in enumerate(names)
    ]
    work.insert(3, lambda: persister_of(stores[0]).transition("g", "a", "fail"))
    together(work)
    assert statuses(other.store, *names) == ["blocked"] * 6
    assert sound(other, *names) == [2] * 6
    assert sorted(marks(other.store, "a")) == ["b", *names]


@in_memory
def test_a_lock_guards_the_cascade(place, other):
    """The one lease goes with the commit, and its token into every event; a holder who was replaced moves nobody."""
    locks = LockManager(other.store)
    lock = locks.acquire("r", heartbeat=False)
    other.transition("g", "a", "fail", lock=lock)
    assert handle_of(lock).lease.renewals == 1
    tokens = [event.fencing_token for event in other.store.get_events("g", "c")]
    assert tokens == [None, 1]
    other.transition("g", "a", "run")
    other.transition("g", "b", "run")
    locks.break_lock("r", 1, "test")
    with pytest.raises(FencedOutError):
        other.transition("g", "a", "fail", lock=lock)
    assert lock.lost
    assert statuses(other.store, "a", "b") == ["running", "running"]
    forget_every_lock()


@in_memory
def test_a_cascade_ends_with_its_time(place, other):
    """A store that takes its time: the deadline of the call holds for all of it, and nothing was written."""
    clock = ManualClock()
    _, backend = over(place, MeddledBackend)
    store = BackendStore(backend, actor="tester", clock=clock)

    def wait():
        clock.advance(2)

    backend.before_reads += [wait] * 3
    before = contents(other.store)
    with pytest.raises(DeadlineExceededError):
        persister_of(store).transition("g", "a", "fail", timeout=5)
    assert contents(other.store) == before


class SmallBackend(WrappedBackend):
    """Takes no more than a few writes at once."""

    sent = 0

    def commit(self, writes, *, timeout):
        size, limit = len(writes) * 1000, 9_000
        if size > limit:
            raise DocumentTooLargeError(size, limit, "the commit")
        self.sent += 1
        return super().commit(writes, timeout=timeout)


@in_memory
def test_a_cascade_that_is_too_large_says_how_many_it_moves(place, other):
    """Before anything is sent."""
    start_all(other, **{f"n{number}": ["a"] for number in range(5)})
    store, backend = over(place, SmallBackend)
    before = contents(other.store)
    with pytest.raises(DocumentTooLargeError, match="the commit that moves g/a and 7 states with it has") as caught:
        persister_of(store).transition("g", "a", "fail")
    assert caught.value.limit == 9_000
    assert backend.sent == 0
    assert contents(other.store) == before


@in_memory
def test_a_hundred_dependents_are_one_commit(place):
    """Within the limits, however many."""
    store, backend = place.counting()
    jobs = persister_of(store)
    names = [f"dependent {number}" for number in range(100)]
    start_all(jobs, a=(), **{name: ["a"] for name in names})
    backend.commits.clear()
    jobs.transition("g", "a", "fail")
    assert len(backend.commits) == 1
    assert statuses(store, *names) == ["blocked"] * 100


@in_memory
def test_a_cascade_is_made_as_small_as_it_can_be(place, other):
    """Compressed, before it is refused, whoever's data it is; receipt and marks go with it as well."""
    other.store.save_state("g", "b", {"text": "x" * 5_000}, status="new")
    other.store.delete_state("g", "c")

    class TightBackend(WrappedBackend):
        def commit(self, writes, *, timeout):
            if "x" * 1_000 in repr(writes):
                raise DocumentTooLargeError(2, 1, "the commit")
            return super().commit(writes, timeout=timeout)

    store, _ = over(place, TightBackend)
    result = persister_of(store).transition("g", "a", "fail", idempotency_key="k")
    assert statuses(other.store, "a", "b") == ["failed", "blocked"]
    again = other.transition("g", "a", "fail", idempotency_key="k")
    assert (again.replayed, again.event) == (True, result.event)
    large = persister_of(store).start("g", "d", {"text": "x" * 5_000}, depends_on=["a"])
    assert (large.snapshot.status, large.snapshot.data["text"]) == ("blocked", "x" * 5_000)
    assert sound(other, "a", "b", "d") == [2, 3, 2]
    assert marks(other.store, "a") == {"b": "job", "d": "job"}


@in_memory
def test_a_guard_that_fails_refuses_the_whole(place, other):
    """An error of the dependent's own code passes through, and nothing was written."""

    def broken(data, payload):
        raise ZeroDivisionError

    fragile = Machine(
        "fragile", "whole", [Transition("break", "whole", "broken", broken)], on_dependency={"failed": "break"}
    )
    StateMachinePersister(other.store, fragile).start("g", "f", depends_on=["c"])
    with pytest.raises(ZeroDivisionError):
        persister_of(place.store(), machines=[fragile]).transition("g", "a", "fail")
    assert statuses(other.store, "a", "b", "c", "f") == ["new", "new", "new", "whole"]
