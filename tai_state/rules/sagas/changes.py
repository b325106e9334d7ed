"""The changes of sagas: each a move of their machine, with what is due behind it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tai_state.codec import Payload
from tai_state.errors import LockLostError, TransitionNotAllowedError
from tai_state.frozen import quick_dataclass
from tai_state.machine import Machine
from tai_state.models import KEEP, Keep
from tai_state.rules.commits.change import Change, Target
from tai_state.rules.commits.kinds import Call, transition_change
from tai_state.rules.commits.scheduled import Check
from tai_state.rules.commits.starting import start_change
from tai_state.rules.due.arming import NOTHING_DUE, Wanted
from tai_state.rules.records.record import StateRecord, complete
from tai_state.rules.sagas.definition import Saga
from tai_state.rules.sagas.machine import RESUME, TURN_BACK, action_of, machine_of, shape_of
from tai_state.rules.sagas.progress import BEGUN, COMPENSATING, ENDS, first_data, is_under_way

_AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)


@quick_dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What becomes of a saga.

    Attributes:
        action: Of its machine.
        payload: What the machine's functions are given, and the event keeps.
        after: When it is due then: behind its lease, or its wait; None: at once.
        error: What becomes of its last error.
    """

    action: str
    payload: dict[str, Any]
    after: timedelta | None = None
    error: str | Keep | None = KEEP


def step_move(
    verb: str,
    step: str,
    told: dict[str, Any],
    *,
    after: timedelta | None = None,
    error: str | Keep | None = KEEP,
) -> Move:
    """Return a move of a step."""
    return Move(action=action_of(verb, step), payload={"step": step} | told, after=after, error=error)


def start_saga_change(call: Call, saga: Saga, key: str, given: object) -> Change:
    """Start a saga, due at once."""
    change = start_change(call, saga.machine, first_data(saga.name, key, given, list(saga.shape)))
    # Its key is another one each time: who asks again asks for the same saga and the same data.
    complete(change, "request", Payload.given({"saga": saga.name, "input": given}, "data"))
    target_of, wanted = change.target_of, Wanted(RESUME, saga.machine.name, at=_AT_ONCE)

    def due(state: StateRecord | None) -> Target:
        target = target_of(state)
        complete(target, "due", wanted)
        return target

    complete(change, "target_of", due)
    return change


def saga_change(call: Call, machine: Machine[dict[str, Any]], move: Move, check: Check) -> Change:
    """Make *move* of a saga, where *check* lets it."""
    change = transition_change(call, machine, move.action, move.payload, move.error)
    target_of = change.target_of

    def checked(state: StateRecord | None) -> Target:
        assert state is not None
        check(state)
        target = target_of(state)
        # What was put off, and turned back instead, waits for no further attempt.
        has_turned = target.status == COMPENSATING != state.status and target.data.value()["claim"] is None
        complete(target, "due", _wanted(target, machine.name, None if has_turned else move.after))
        return target

    complete(change, "target_of", checked)
    return change


def _wanted(target: Target, name: str, after: timedelta | None) -> Wanted:
    if target.status in ENDS:
        return NOTHING_DUE
    return Wanted(RESUME, name, at=_AT_ONCE) if after is None else Wanted(RESUME, name, after=after)


def by_hand_change(call: Call, record: StateRecord, action: str, payload: dict[str, Any]) -> Change:
    """Let a saga turn back, or go on, by hand; *record* is the saga as it was read, and tells its machine.

    Its target raises TransitionNotAllowedError where it can do neither.
    """
    data = record.data.value()
    machine = machine_of(data["saga"], shape_of(data))
    change = transition_change(call, machine, action, payload, KEEP)
    target_of = change.target_of

    def target(state: StateRecord | None) -> Target:
        assert state is not None
        found = state.data.value()
        if action == RESUME and is_under_way(found):
            reason = "a step is under way, or is taken up again when its worker's lease ends"
            raise TransitionNotAllowedError(state.status, action, machine.allowed(state.status), reason)
        made = target_of(state)
        # A worker that is in the middle of a step keeps its lease, and turns back behind it.
        if not (action == TURN_BACK and any(step["stage"] == BEGUN for step in found["steps"])):
            complete(made, "due", _wanted(made, machine.name, None))
        return made

    complete(change, "target_of", target)
    return change


def fenced(resource: str, claim: str) -> Check:
    """Return the check that *claim* is the one that has a saga in hand.

    It raises LockLostError where it is not.
    """

    def check(state: StateRecord) -> None:
        reason = loss_of(state, claim)
        if reason is not None:
            raise LockLostError(resource, reason)

    return check


def loss_of(state: StateRecord, claim: str) -> str | None:
    """Return how the claim of a saga was lost, as ``LockLostError`` tells it; None: it was not."""
    if state.deleted:
        return "broken"
    if state.data.value()["claim"] != claim:
        return "stolen"
    return "released" if state.status in ENDS else None
