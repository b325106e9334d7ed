"""What can be wrong with a machine's reactions to what its states depend on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tai_state.machine.graph import open_actions
from tai_state.machine.problems import MachineProblem, entry_place
from tai_state.machine.readable import status_defect, text_defect
from tai_state.machine.transition import Transition

_PLACE = "on_dependency"


def reaction_problems(
    on_dependency: object, initial: str | None, items: Sequence[Transition[Any]] | None, terminal: object
) -> Iterator[MachineProblem]:
    """Yield the problems of *on_dependency*, whose statuses are other machines' and whose actions are this one's.

    Args:
        items: The transitions; None, like an *initial* of None, where they cannot be read.
    """
    if on_dependency is None:
        return
    if not isinstance(on_dependency, Mapping):
        message = f"on_dependency must map statuses to actions, it is a {type(on_dependency).__name__}"
        yield MachineProblem("invalid_reaction", message, _PLACE)
        return
    known = items is not None and not any(text_defect(item.action) for item in items)
    actions = {item.action for item in items or ()}
    reachable = open_actions(initial, items or (), terminal)
    for status, action in on_dependency.items():
        if defect := status_defect(status):
            yield MachineProblem("invalid_reaction", f"on_dependency names a status that {defect}", _PLACE)
        place = entry_place(_PLACE, status)
        if defect := text_defect(action):
            yield MachineProblem("invalid_reaction", f"{place} {defect}", place)
        elif action not in actions:
            if known:
                message = f"{place} is {action!r}, which is not an action of the machine"
                yield MachineProblem("unknown_reaction", message, place)
        elif reachable is not None and action not in reachable:
            message = f"{place} is {action!r}, which no status that can be reached allows"
            yield MachineProblem("dead_reaction", message, place)
