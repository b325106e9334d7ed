"""A drawing of a machine file that may have problems: as far as it can be read, the problems marked."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tai_state.errors import InvalidMachineError
from tai_state.machine import json_form
from tai_state.machine.definition import Machine
from tai_state.machine.diagram import Edge, render
from tai_state.machine.problems import MachineProblem, entry_place
from tai_state.machine.readable import readable_statuses, status_defect
from tai_state.machine.timeouts import due_after
from tai_state.machine.transition import ANY, Transition

UNREADABLE = "?"
"""The status that stands in a drawing for one that cannot be read."""

_PLACE = re.compile(r"transitions\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Sketch:
    """A drawing as Mermaid, and every problem of what it shows: marked as PROBLEM on an arrow, in red on a status."""

    mermaid: str
    problems: list[MachineProblem]


def sketch(text: str, current: str | None = None) -> Sketch:
    """Draw the *text* of a machine file as a Mermaid ``stateDiagram-v2``, sound or not, the *current* status marked.

    Raises:
        InvalidMachineError: It is no JSON object, so there is nothing to draw.
        InvalidDataError: It is sound, and has no status *current*.
    """
    try:
        machine: Machine[Any] = Machine.from_json(text, functions=None)
    except InvalidMachineError as error:
        problems = [found for found in error.problems if isinstance(found, MachineProblem)]
        return Sketch(_drawn(json_form.readable(text), problems, current), problems)
    return Sketch(machine.to_mermaid(current), [])


def _drawn(parts: json_form.Readable, problems: list[MachineProblem], current: str | None) -> str:
    spoiled = {int(found[1]) for problem in problems if (found := _PLACE.match(problem.place))}
    initial = None if status_defect(parts.initial) else str(parts.initial)
    named = [] if initial is None else [initial]
    rows = [(at, item, *_ends_of(item)) for at, item in parts.transitions]
    for _, _, sources, target in rows:
        named += [status for status in (*sources, target) if status != ANY]
    statuses = list(dict.fromkeys(named))
    ends = [status for status in readable_statuses(parts.terminal) or () if status in statuses]
    edges = [
        Edge(
            source,
            target,
            _text_of(item.action),
            _name_of(item.guard_name),
            is_marked=at in spoiled,
            after=due_after(parts.timeouts, source, item.action),
        )
        for at, item, sources, target in rows
        for named_source in sources
        for source in (
            [named_source] if named_source != ANY else [each for each in statuses if each not in (*ends, UNREADABLE)]
        )
    ]
    marked = [status for status in statuses if status == UNREADABLE or any(map(_is_about(status), problems))]
    return render(statuses, initial, edges, ends, current if current in statuses else None, marked=marked)


def _ends_of(item: Transition[Any]) -> tuple[list[str], str]:
    given: object = item.source
    sources = given if isinstance(given, tuple) else (given,)
    read = [str(one) if one == ANY or not status_defect(one) else UNREADABLE for one in sources] or [UNREADABLE]
    return read, UNREADABLE if status_defect(item.target) else str(item.target)


def _is_about(status: str) -> Callable[[MachineProblem], bool]:
    # The problems of the graph as a whole have no place; each begins with the status that it is about.
    return lambda problem: (
        problem.startswith((f"status {status!r} ", f"initial {status!r} "))
        or f"{problem.place}.".startswith(f"{entry_place('timeouts', status)}.")
    )


def _text_of(value: object) -> str:
    return value if isinstance(value, str) and value else UNREADABLE


def _name_of(value: object) -> str | None:
    return None if value is None else _text_of(value)
