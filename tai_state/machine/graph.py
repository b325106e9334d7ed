"""What is wrong with a definition as a whole: statuses without a way in, or without a way out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tai_state.machine.moves import Moves, has_way_out, moves_of, reachable_from, targets_of
from tai_state.machine.problems import MachineProblem
from tai_state.machine.readable import (
    raw_sources,
    readable_sources,
    readable_statuses,
    status_defect,
    text_defect,
)
from tai_state.machine.transition import ANY, Transition


@dataclass(frozen=True, slots=True)
class _Edges:
    """What leads where, as far as it can be read.

    Attributes:
        transitions: Those of which a source and the target can be read.
        open_targets: Targets of transitions whose sources cannot all be read: reached from anywhere, perhaps.
        open_sources: Sources of transitions whose target cannot be read: leading anywhere, perhaps.
    """

    transitions: list[Transition[Any]]
    open_targets: set[str]
    open_sources: set[str]


def _edges_of(items: Sequence[Transition[Any]]) -> _Edges:
    edges = _Edges([], set(), set())
    for index, item in enumerate(items):
        sources = readable_sources(item)
        if status_defect(item.target):
            edges.open_sources.update(sources)
            continue
        if len(sources) < len(raw_sources(item)) or not sources:
            edges.open_targets.add(item.target)
        if sources:
            # An action that cannot be read is followed too, as one that no other transition shares.
            action = f"\0{index}" if text_defect(item.action) else item.action
            edges.transitions.append(Transition(action, sources, item.target, item.guard))
    return edges


def graph_problems(initial: str | None, items: Sequence[Transition[Any]], terminal: object) -> list[MachineProblem]:
    """Return the problems of the graph that *items* make.

    From an *initial* that is unknown, or cannot be read (None), nothing can be said to be reachable
    or not; without declared *terminal* statuses no end is known to be dead.
    """
    edges = _edges_of(items)
    problems = []
    if initial is not None and items and not _is_known(initial, edges):
        message = f"initial {initial!r} is not a status of any transition"
        problems.append(MachineProblem("unknown_initial", message, "initial"))
        initial = None
    declared = readable_statuses(terminal)
    targets = _targets(initial, edges, declared or ())
    if initial is not None:
        problems += _unreachable(initial, edges.open_targets, targets)
    if declared is not None:
        problems += _wrong_ends(declared, targets, edges.open_sources)
    return problems


def open_actions(initial: str | None, items: Sequence[Transition[Any]], terminal: object) -> set[str] | None:
    """Return the actions that lead from a status that can be reached; None where that cannot be told."""
    edges = _edges_of(items)
    if initial is None or not _is_known(initial, edges) or edges.open_targets or edges.open_sources:
        return None
    moves = _moves(initial, edges, readable_statuses(terminal) or ())
    reached = reachable_from({initial}, targets_of(_statuses(initial, edges), moves))
    return {action for status, action in moves if status in reached}


def _targets(initial: str | None, edges: _Edges, declared: Sequence[str]) -> dict[str, set[str]]:
    return targets_of(_statuses(initial, edges), _moves(initial, edges, declared))


def _moves(initial: str | None, edges: _Edges, declared: Sequence[str]) -> Moves[Any]:
    return moves_of(_statuses(initial, edges), edges.transitions, declared)


def _statuses(initial: str | None, edges: _Edges) -> list[str]:
    mentioned = [] if initial is None else [initial]
    for item in edges.transitions:
        mentioned += (*item.sources, item.target)
    mentioned += sorted(edges.open_targets | edges.open_sources)
    return [status for status in dict.fromkeys(mentioned) if status != ANY]


def _is_known(initial: str, edges: _Edges) -> bool:
    known = edges.open_sources | edges.open_targets
    for item in edges.transitions:
        known.update((*item.sources, item.target))
    return initial in known or ANY in known


def _unreachable(initial: str, open_targets: set[str], targets: dict[str, set[str]]) -> Iterator[MachineProblem]:
    reached = reachable_from({initial, *open_targets}, targets)
    for status in targets:
        if status not in reached:
            message = f"status {status!r} is unreachable from the initial status {initial!r}"
            yield MachineProblem("unreachable", message)


def _wrong_ends(
    terminal: Sequence[str], targets: dict[str, set[str]], open_sources: set[str]
) -> Iterator[MachineProblem]:
    for status in terminal:
        if status not in targets:
            message = f"terminal names {status!r}, which is not a status of the machine"
            yield MachineProblem("unknown_terminal", message, "terminal")
        elif has_way_out(status, targets):
            message = f"status {status!r} is declared terminal, yet a transition leaves it"
            yield MachineProblem("terminal_left", message, "terminal")
    for status in targets:
        ends = status not in terminal and not has_way_out(status, targets)
        if ends and open_sources.isdisjoint((status, ANY)):
            message = f"status {status!r} is a dead end: no transition leaves it, and it is not declared terminal"
            yield MachineProblem("dead_end", message)
