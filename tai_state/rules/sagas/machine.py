"""The machine of a saga: for each step, what may become of it."""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

from tai_state.machine import Machine, Transition
from tai_state.rules.sagas import progress
from tai_state.rules.sagas.progress import (
    COMPENSATED,
    COMPENSATING,
    COMPENSATION_FAILED,
    COMPLETED,
    RUNNING,
    Data,
    status_of,
)

BEGIN: Final = progress.BEGIN
FINISH: Final = "finish"
RETRY: Final = "retry"
FAIL: Final = progress.FAIL
COMPENSATE: Final = progress.COMPENSATE
COMPENSATED_STEP: Final = "compensated"
RECOMPENSATE: Final = "recompensate"
GIVE_UP: Final = progress.GIVE_UP
TURN_BACK: Final = "turn_back"
RESUME: Final = "resume"

Shape = tuple[tuple[str, bool], ...]
"""The steps of a saga by their names, and whether they can be compensated: what its machine follows from."""


class _Move(NamedTuple):
    apply: Callable[[Data, Data], Data]
    source: str
    targets: tuple[str, ...]


_FORWARD: Final = {
    BEGIN: _Move(progress.begun, RUNNING, (RUNNING,)),
    FINISH: _Move(progress.finished, RUNNING, (RUNNING, COMPLETED, COMPENSATING, COMPENSATED)),
    RETRY: _Move(progress.put_off, RUNNING, (RUNNING, COMPENSATING, COMPENSATED)),
    FAIL: _Move(progress.failed, RUNNING, (COMPENSATING, COMPENSATED)),
}
_BACKWARD: Final = {
    COMPENSATE: _Move(progress.undoing, COMPENSATING, (COMPENSATING,)),
    COMPENSATED_STEP: _Move(progress.undone, COMPENSATING, (COMPENSATING, COMPENSATION_FAILED, COMPENSATED)),
    RECOMPENSATE: _Move(progress.undo_put_off, COMPENSATING, (COMPENSATING,)),
    GIVE_UP: _Move(progress.passed_over, COMPENSATING, (COMPENSATING, COMPENSATION_FAILED)),
}
_BY_HAND: Final = (
    (TURN_BACK, _Move(progress.turned_back, RUNNING, (RUNNING, COMPENSATING, COMPENSATED))),
    (TURN_BACK, _Move(progress.turned_back, COMPLETED, (COMPENSATING, COMPENSATED))),
    (RESUME, _Move(progress.resumed, RUNNING, (RUNNING,))),
    (RESUME, _Move(progress.resumed, COMPENSATING, (COMPENSATING,))),
    (RESUME, _Move(progress.resumed, COMPENSATION_FAILED, (COMPENSATING,))),
)


def action_of(verb: str, step: str) -> str:
    """Return the action by which a step is moved; no verb has a space, so that no two actions are one."""
    return f"{verb} {step}"


def machine_name(saga: str) -> str:
    """Return what the machine of a saga is called."""
    return f"tai_saga:{saga}"


@lru_cache(maxsize=256)
def machine_of(saga: str, shape: Shape) -> Machine[dict[str, Any]]:
    """Return the machine of a saga that has these steps."""
    return Machine(machine_name(saga), RUNNING, list(_transitions(shape)))


def shape_of(data: Data) -> Shape:
    """Return the steps of the definition by which a saga was begun."""
    return tuple((step["name"], step["compensates"]) for step in data["steps"])


def _transitions(shape: Shape) -> Iterator[Transition[Any]]:
    # Where no step can be compensated nothing ever leads there.
    can_go_back = any(compensates for _, compensates in shape)
    unused = frozenset[str]() if can_go_back else frozenset({COMPENSATING, COMPENSATION_FAILED})
    for name, compensates in shape:
        for verb, move in (_FORWARD | (_BACKWARD if compensates else {})).items():
            yield from _to_each(action_of(verb, name), move, unused)
    for action, move in _BY_HAND:
        if move.source not in unused:
            yield from _to_each(action, move, unused)


def _to_each(action: str, move: _Move, unused: frozenset[str]) -> Iterator[Transition[Any]]:
    apply, targets = move.apply, [target for target in move.targets if target not in unused]
    for target in targets:
        is_last = target == targets[-1]
        yield Transition(
            action,
            move.source,
            target,
            None if is_last else partial(_leads_to, apply, target),
            apply,
            guard_name=None if is_last else f"{apply.__name__}_leads_to_{target}",
        )


def _leads_to(apply: Callable[[Data, Data], Data], target: str, data: Data, payload: Data) -> bool:
    return status_of(apply(data, payload)) == target
