# Generated from tests/_async/due/test_schedule.py by .ci/generate_sync.py; do not edit.
"""Schedules: set and ended by events of their own, with what is refused told by type."""
from datetime import UTC, datetime, timedelta

import pytest

from tai_state import (
    StateMachinePersister,
    ConfigurationError,
    IdempotencyMismatchError,
    InvalidDataError,
    Machine,
    MachineVersionError,
    StateNotFoundError,
    Transition,
    TransitionNotAllowedError,
    VersionConflictError,
)
from tai_state.due import Timeout
from tests._sync.stores import in_memory

ORDER = Machine(
    "order",
    "new",
    [Transition("pay", "new", "paid"), Transition("remind", "new", "new"), Transition("expire", "new", "expired")],
    timeouts={"new": Timeout(timedelta(days=1), "expire")},
)
HOUR = timedelta(hours=1)


@pytest.fixture
def order(store):
    """A persister, and a state that is new."""
    persister = StateMachinePersister(store, ORDER)
    persister.start("g", "s", {"n": 1})
    return persister


def test_a_schedule_takes_the_place_of_the_timeout(order):
    """At a time, by an event that says so; the state is as it was in all else."""
    when = datetime(2099, 1, 1, tzinfo=UTC)
    before = (order.load_state("g", "s")).snapshot
    done = order.schedule("g", "s", "remind", at=when)
    assert (done.event.kind, done.event.action, done.event.due_action, done.event.due_at) == (
        "schedule",
        "schedule",
        "remind",
        when,
    )
    assert done.event.payload == {"action": "remind", "at": "2099-01-01T00:00:00.000000+00:00"}
    after = done.snapshot
    assert (after.due_action, after.due_at, after.version) == ("remind", when, 2)
    assert (after.status, after.data, after.last_error) == (before.status, before.data, before.last_error)
    order.transition("g", "s", "remind")
    assert (order.load_state("g", "s")).snapshot.due_at == when


def test_a_schedule_after_a_delay_counts_from_its_commit(order):
    """About, in the event; what counts is the commit, and the delay is kept for that."""
    done = order.schedule("g", "s", "remind", after=HOUR)
    assert done.event.committed_at is not None
    assert done.event.due_at is not None
    assert abs(done.event.due_at - done.event.committed_at - HOUR) < timedelta(seconds=5)
    assert done.event.payload == {"action": "remind", "after": 3600.0}


def test_a_time_that_has_passed_is_now(order):
    """By the store's clock: nobody looks for what is due long ago."""
    done = order.schedule("g", "s", "remind", at=datetime(2001, 1, 1, tzinfo=UTC))
    assert done.event.due_at is not None
    assert done.event.committed_at is not None
    assert abs(done.event.due_at - done.event.committed_at) < timedelta(seconds=5)


def test_unschedule_ends_what_is_due_whatever_set_it(order):
    """By an event; a second call finds nothing, and writes none."""
    done = order.unschedule("g", "s")
    assert done is not None
    assert (done.event.kind, done.snapshot.due_at, done.snapshot.version) == ("unschedule", None, 2)
    assert order.unschedule("g", "s") is None
    assert (order.load_state("g", "s")).snapshot.version == 2


def test_a_schedule_goes_with_its_status(order):
    """It was for where the state stood."""
    order.schedule("g", "s", "remind", after=HOUR)
    assert (order.transition("g", "s", "pay")).snapshot.due_at is None


def test_what_is_due_survives_verification_and_replay(order):
    """Its events are as good as any other."""
    order.schedule("g", "s", "remind", after=HOUR)
    order.unschedule("g", "s")
    order.schedule("g", "s", "expire", after=HOUR)
    assert (order.validate_consistency("g")).is_consistent
    assert order.replay("g", "s") == (order.load_state("g", "s")).snapshot


def test_a_keyed_schedule_is_made_once(order):
    """And another one under its key is told."""
    first = order.schedule("g", "s", "remind", after=HOUR, idempotency_key="k")
    again = order.schedule("g", "s", "remind", after=HOUR, idempotency_key="k")
    assert (again.replayed, again.event) == (True, first.event)
    with pytest.raises(IdempotencyMismatchError):
        order.schedule("g", "s", "expire", after=HOUR, idempotency_key="k")


NOW = datetime(2030, 1, 1, tzinfo=UTC)


@in_memory
@pytest.mark.parametrize(
    ("action", "when", "error"),
    [
        ("remind", {}, InvalidDataError),
        ("remind", {"at": NOW, "after": HOUR}, InvalidDataError),
        ("remind", {"at": datetime(2030, 1, 1)}, InvalidDataError),  # noqa: DTZ001 - that is what is refused
        ("remind", {"at": 5}, InvalidDataError),
        ("remind", {"after": -HOUR}, InvalidDataError),
        ("remind", {"after": 30}, InvalidDataError),
        ("remind", {"after": timedelta(days=40_000)}, InvalidDataError),
        ("", {"after": HOUR}, InvalidDataError),
        ("dance", {"after": HOUR}, TransitionNotAllowedError),
        ("remind", {"after": HOUR, "expected_version": 7}, VersionConflictError),
    ],
)
def test_what_cannot_be_scheduled_is_refused(order, action, when, error):
    """By type, and nothing is written."""
    with pytest.raises(error):
        order.schedule("g", "s", action, **when)
    assert (order.load_state("g", "s")).snapshot.version == 1


@in_memory
def test_nothing_is_scheduled_where_nothing_moves(order):
    """In a terminal status, of a state that is not there, without a machine, or by another machine."""
    with pytest.raises(StateNotFoundError):
        order.schedule("g", "none", "remind", after=HOUR)
    with pytest.raises(StateNotFoundError):
        order.unschedule("g", "none")
    with pytest.raises(ConfigurationError):
        StateMachinePersister(order.store).schedule("g", "s", "remind", after=HOUR)
    other = StateMachinePersister(order.store, Machine("other", "a", [Transition("remind", "a", "b")]))
    with pytest.raises(MachineVersionError):
        other.schedule("g", "s", "remind", after=HOUR)
    with pytest.raises(MachineVersionError):
        other.unschedule("g", "s")
    order.transition("g", "s", "pay")
    with pytest.raises(TransitionNotAllowedError, match="terminal"):
        order.schedule("g", "s", "remind", after=HOUR)
