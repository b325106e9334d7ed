"""The kinds of change about what is due: a schedule, its end, a move that came due, and one that is refused."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from tai_state.codec import NULL, Payload, time_text
from tai_state.config import TTL_MAX
from tai_state.errors import InvalidDataError, TransitionNotAllowedError
from tai_state.models import KEEP
from tai_state.rules.commits.change import Change, Needs, Target
from tai_state.rules.commits.kinds import (
    AnyMachine,
    Call,
    check_machine,
    check_name,
    is_redefined,
    stamp,
    transition_change,
)
from tai_state.rules.due.arming import NOTHING_DUE, Wanted
from tai_state.rules.records.arguments import check_time
from tai_state.rules.records.occasional import Due
from tai_state.rules.records.record import StateRecord

Check = Callable[[StateRecord], None]
"""Raises where a change is not for a state as it stands."""


class NothingDueError(Exception):
    """What was to be changed is not due any more, or not yet: somebody moved the state meanwhile."""


def schedule_change(
    call: Call, machine: AnyMachine, action: object, *, at: datetime | None, after: timedelta | None
) -> Change:
    """Let *action* come due, in the place of whatever was due."""
    name = check_name(action, "action")
    if (at is None) is (after is None):
        message = "needs one of at and after"
        raise InvalidDataError(message, path="schedule")
    moment = None if at is None else check_time(at, "at")
    delay = None if after is None else _check_delay(after)
    wanted = Wanted(name, machine.name, moment, delay)
    mark = stamp(machine)

    def target_of(state: StateRecord | None) -> Target:
        assert state is not None
        _check_mover(call, state, machine)
        if name not in machine.actions:
            reason = f"machine {mark} has no action {name!r}"
            raise TransitionNotAllowedError(state.status, name, machine.allowed(state.status), reason)
        if state.status in machine.terminal:
            reason = "nothing becomes due in a terminal status"
            raise TransitionNotAllowedError(state.status, name, machine.allowed(state.status), reason)
        return replace(_as_it_is(state), due=wanted)

    told: dict[str, object] = {"action": name}
    told |= {"at": time_text(moment)} if moment is not None else {}
    told |= {"after": delay.total_seconds()} if delay is not None else {}
    payload = Payload.of(told)
    return call.change("schedule", "schedule", Needs.LIVE, target_of, request=payload, payload=payload)


def unschedule_change(call: Call, machine: AnyMachine) -> Change:
    """Let nothing come due in the status where the state is.

    Its target raises NothingDueError where nothing is.
    """

    def target_of(state: StateRecord | None) -> Target:
        assert state is not None
        _check_mover(call, state, machine)
        if state.due is None:
            raise NothingDueError
        return replace(_as_it_is(state), due=NOTHING_DUE)

    return call.change("unschedule", "unschedule", Needs.LIVE, target_of, request=NULL)


def due_change(call: Call, machine: AnyMachine, due: Due, at: datetime) -> Change:
    """Make the move that came due, if it still is as it was seen to be.

    Its target raises NothingDueError where it is not.

    Args:
        at: The time in force, which has come.
    """
    change = transition_change(call, machine, due.action, None, KEEP)
    target_of = change.target_of

    def still_due(state: StateRecord | None) -> Target:
        check_still(state, due, at)
        return target_of(state)

    return replace(change, target_of=still_due)


def refused_change(call: Call, machine: AnyMachine, due: Due, at: datetime, reason: str | None) -> Change:
    """Record that what came due is not done, so that nobody tries again for ever; all else stays.

    Its target raises NothingDueError where it is not due any more, or allowed after all.

    Args:
        reason: Why it cannot be done; None: the machine does not allow it, and says why.
    """
    move = transition_change(call, machine, due.action, None, KEEP).target_of
    told: dict[str, object] = {"due_at": time_text(at), "action": due.action}
    if reason is not None:
        told["reason"] = reason

    def target_of(state: StateRecord | None) -> Target:
        check_still(state, due, at)
        assert state is not None
        if reason is None:
            try:
                move(state)
            except TransitionNotAllowedError:
                pass
            else:
                raise NothingDueError
        # By this definition: a migration does not arm again what it refused.
        return replace(_as_it_is(state), machine=stamp(machine), due=NOTHING_DUE)

    payload = Payload.of(told)
    return call.change("refused", due.action, Needs.LIVE, target_of, request=payload, payload=payload)


def check_still(state: StateRecord | None, due: Due, at: datetime) -> None:
    """Refuse a state of which something else is due, or at another time.

    Raises:
        NothingDueError: It is.
    """
    if state is None or state.due != due or state.due_at != at:
        raise NothingDueError


def as_found(found: StateRecord) -> Check:
    """Return the check that a state is due as it was *found*.

    It raises NothingDueError: somebody was quicker, or the lease was renewed.
    """
    due, at = found.due, found.due_at
    assert due is not None
    assert at is not None

    def check(state: StateRecord) -> None:
        check_still(state, due, at)

    return check


def _as_it_is(state: StateRecord) -> Target:
    return Target(
        state.status,
        state.data,
        state.last_error,
        state.schema_version,
        machine=state.machine,
        signals=state.signals,
        fits=True,
    )


def _check_mover(call: Call, state: StateRecord, machine: AnyMachine) -> None:
    ours = stamp(machine)
    check_machine(state, ours)
    if call.notice is not None and is_redefined(state.machine, ours):
        call.notice(state, ours)


def _check_delay(after: object) -> timedelta:
    if not isinstance(after, timedelta) or not timedelta(0) <= after <= TTL_MAX:
        message = f"must be a timedelta of 0 to {TTL_MAX.days:,} days, not {after!r}"
        raise InvalidDataError(message, path="after")
    return after
