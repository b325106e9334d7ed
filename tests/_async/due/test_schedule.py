"""Schedules: set and ended by events of their own, with what is refused told by type."""

from datetime import UTC, datetime, timedelta

import pytest

from tai_state import (
    AsyncStateMachinePersister,
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
from tests._async.stores import in_memory

ORDER = Machine(
    "order",
    "new",
    [Transition("pay", "new", "paid"), Transition("remind", "new", "new"), Transition("expire", "new", "expired")],
    timeouts={"new": Timeout(timedelta(days=1), "expire")},
)
HOUR = timedelta(hours=1)


@pytest.fixture
async def order(store):
    """A persister, and a state that is new."""
    persister = AsyncStateMachinePersister(store, ORDER)
    await persister.start("g", "s", {"n": 1})
    return persister


async def test_a_schedule_takes_the_place_of_the_timeout(order):
    """At a time, by an event that says so; the state is as it was in all else."""
    when = datetime(2099, 1, 1, tzinfo=UTC)
    before = (await order.load_state("g", "s")).snapshot
    done = await order.schedule("g", "s", "remind", at=when)
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
    await order.transition("g", "s", "remind")
    assert (await order.load_state("g", "s")).snapshot.due_at == when


async def test_a_schedule_after_a_delay_counts_from_its_commit(order):
    """About, in the event; what counts is the commit, and the delay is kept for that."""
    done = await order.schedule("g", "s", "remind", after=HOUR)
    assert done.event.committed_at is not None
    assert done.event.due_at is not None
    assert abs(done.event.due_at - done.event.committed_at - HOUR) < timedelta(seconds=5)
    assert done.event.payload == {"action": "remind", "after": 3600.0}


async def test_a_time_that_has_passed_is_now(order):
    """By the store's clock: nobody looks for what is due long ago."""
    done = await order.schedule("g", "s", "remind", at=datetime(2001, 1, 1, tzinfo=UTC))
    assert done.event.due_at is not None
    assert done.event.committed_at is not None
    assert abs(done.event.due_at - done.event.committed_at) < timedelta(seconds=5)


async def test_unschedule_ends_what_is_due_whatever_set_it(order):
    """By an event; a second call finds nothing, and writes none."""
    done = await order.unschedule("g", "s")
    assert done is not None
    assert (done.event.kind, done.snapshot.due_at, done.snapshot.version) == ("unschedule", None, 2)
    assert await order.unschedule("g", "s") is None
    assert (await order.load_state("g", "s")).snapshot.version == 2


async def test_a_schedule_goes_with_its_status(order):
    """It was for where the state stood."""
    await order.schedule("g", "s", "remind", after=HOUR)
    assert (await order.transition("g", "s", "pay")).snapshot.due_at is None


async def test_what_is_due_survives_verification_and_replay(order):
    """Its events are as good as any other."""
    await order.schedule("g", "s", "remind", after=HOUR)
    await order.unschedule("g", "s")
    await order.schedule("g", "s", "expire", after=HOUR)
    assert (await order.validate_consistency("g")).is_consistent
    assert await order.replay("g", "s") == (await order.load_state("g", "s")).snapshot


async def test_a_keyed_schedule_is_made_once(order):
    """And another one under its key is told."""
    first = await order.schedule("g", "s", "remind", after=HOUR, idempotency_key="k")
    again = await order.schedule("g", "s", "remind", after=HOUR, idempotency_key="k")
    assert (again.replayed, again.event) == (True, first.event)
    with pytest.raises(IdempotencyMismatchError):
        await order.schedule("g", "s", "expire", after=HOUR, idempotency_key="k")


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
async def test_what_cannot_be_scheduled_is_refused(order, action, when, error):
    """By type, and nothing is written."""
    with pytest.raises(error):
        await order.schedule("g", "s", action, **when)
    assert (await order.load_state("g", "s")).snapshot.version == 1


@in_memory
async def test_nothing_is_scheduled_where_nothing_moves(order):
    """In a terminal status, of a state that is not there, without a machine, or by another machine."""
    with pytest.raises(StateNotFoundError):
        await order.schedule("g", "none", "remind", after=HOUR)
    with pytest.raises(StateNotFoundError):
        await order.unschedule("g", "none")
    with pytest.raises(ConfigurationError):
        await AsyncStateMachinePersister(order.store).schedule("g", "s", "remind", after=HOUR)
    other = AsyncStateMachinePersister(order.store, Machine("other", "a", [Transition("remind", "a", "b")]))
    with pytest.raises(MachineVersionError):
        await other.schedule("g", "s", "remind", after=HOUR)
    with pytest.raises(MachineVersionError):
        await other.unschedule("g", "s")
    await order.transition("g", "s", "pay")
    with pytest.raises(TransitionNotAllowedError, match="terminal"):
        await order.schedule("g", "s", "remind", after=HOUR)
