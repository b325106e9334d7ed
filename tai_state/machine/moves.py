"""The table of a machine's moves: what each action does in each status."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from tai_state.machine.transition import ANY, DataT, Transition

Moves: TypeAlias = dict[tuple[str, str], tuple[Transition[DataT], ...]]
"""(status, action) -> the candidates, in the order in which they are tried."""


def statuses_of(initial: str, transitions: Iterable[Transition[Any]]) -> tuple[str, ...]:
    """Return every status in the order of its first mention, the initial one first."""
    mentioned = {initial: None}
    for transition in transitions:
        mentioned.update(dict.fromkeys((*transition.sources, transition.target)))
    return tuple(status for status in mentioned if status != ANY)


def moves_of(
    statuses: Iterable[str], transitions: Sequence[Transition[DataT]], terminal: Collection[str]
) -> Moves[DataT]:
    """Return the table of moves, keyed in the order of definition within each status.

    Candidates that name the status come first, then those from "*", as long as no candidate
    before them goes without a guard: as in SCXML, where an event that no transition of the inner
    state takes goes on to the outer one. "*" does not stand for a declared *terminal* status.
    """
    named: dict[tuple[str, str], list[Transition[DataT]]] = {}
    for transition in transitions:
        for source in dict.fromkeys(transition.sources):
            named.setdefault((source, transition.action), []).append(transition)
    moves = {}
    actions = dict.fromkeys(transition.action for transition in transitions)
    for status in statuses:
        for action in actions:
            candidates = named.get((status, action), [])
            if status not in terminal and all(candidate.guard is not None for candidate in candidates):
                candidates = candidates + named.get((ANY, action), [])
            if candidates:
                moves[status, action] = tuple(candidates)
    return moves


def targets_of(statuses: Iterable[str], moves: Moves[Any]) -> dict[str, set[str]]:
    """Return for each status the statuses that one move leads to."""
    targets: dict[str, set[str]] = {status: set() for status in statuses}
    for (status, _), candidates in moves.items():
        targets[status].update(candidate.target for candidate in candidates)
    return targets


def reachable_from(starts: Iterable[str], targets: Mapping[str, set[str]]) -> set[str]:
    """Return *starts* and every status that moves lead to from there."""
    reached = set(starts)
    waiting = deque(reached)
    while waiting:
        found = targets[waiting.popleft()] - reached
        reached |= found
        waiting.extend(found)
    return reached


def has_way_out(status: str, targets: Mapping[str, set[str]]) -> bool:
    """Whether a move leads from *status* to another one; a loop to itself does not."""
    return bool(targets[status] - {status})
