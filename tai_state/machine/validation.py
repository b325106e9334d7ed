"""Whether a definition makes a sound machine: every problem of it, found at once.

Nothing here trusts a type: a definition may come from a file, or from code that no
type checker has seen. What cannot be read is reported and left out of the graph,
with the benefit of the doubt, so that one mistake does not show up as five.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tai_state.machine.graph import graph_problems
from tai_state.machine.problems import MachineProblem
from tai_state.machine.reactions import reaction_problems
from tai_state.machine.readable import action_defect, listed, readable_sources, status_defect, text_defect
from tai_state.machine.timeouts import timeout_problems
from tai_state.machine.transition import ANY, Transition
from tai_state.typed import is_model_class


def find_problems(
    name: object,
    initial: object,
    transitions: object,
    *,
    version: object,
    data_type: object,
    terminal: object,
    on_dependency: object,
    timeouts: object,
) -> list[MachineProblem]:
    """Return every problem of a definition; see ``Machine`` for the rules."""
    items = listed(transitions)
    problems = [*_header_problems(name, version, data_type)]
    if defect := status_defect(initial):
        problems.append(MachineProblem("invalid_initial", f"initial {defect}", "initial"))
    if items is None:
        message = f"transitions must be a list of Transition, not {type(transitions).__name__}"
        problems.append(MachineProblem("invalid_transition", message, "transitions"))
    known = [(index, item) for index, item in enumerate(items or ()) if isinstance(item, Transition)]
    for index, item in enumerate(items or ()):
        problems += _transition_problems(f"transitions[{index}]", item)
    problems += _duplicates(known)
    problems += _terminal_defects(terminal)
    start = str.__str__(initial) if isinstance(initial, str) and not status_defect(initial) else None
    readable = [item for _, item in known]
    if items is not None:
        problems += graph_problems(start, readable, terminal)
    whole = items is not None and len(readable) == len(items)
    problems += reaction_problems(on_dependency, start, readable if whole else None, terminal)
    problems += timeout_problems(timeouts, start, readable if whole else None, terminal)
    return problems


def _header_problems(name: object, version: object, data_type: object) -> Iterator[MachineProblem]:
    if defect := text_defect(name):
        yield MachineProblem("invalid_name", f"name {defect}", "name")
    if not isinstance(version, int) or isinstance(version, bool):
        yield MachineProblem("invalid_version", f"version must be an int, not {type(version).__name__}", "version")
    elif version < 1:
        yield MachineProblem("invalid_version", f"version must be at least 1, not {version}", "version")
    if data_type is not None and not is_model_class(data_type):
        yield MachineProblem(
            "invalid_data_type", f"data_type must be a pydantic model class, not {data_type!r}", "data_type"
        )


def _transition_problems(place: str, item: object) -> Iterator[MachineProblem]:
    if not isinstance(item, Transition):
        yield MachineProblem("invalid_transition", f"{place} must be a Transition, not {type(item).__name__}", place)
        return
    if defect := action_defect(item.action):
        yield MachineProblem("invalid_action", f"{place}.action {defect}", f"{place}.action")
    for defect in _source_defects(item.source):
        yield MachineProblem("invalid_source", f"{place}.source {defect}", f"{place}.source")
    if defect := status_defect(item.target):
        yield MachineProblem("invalid_target", f"{place}.target {defect}", f"{place}.target")
    for part, function, called in (
        ("guard", item.guard, item.guard_name),
        ("apply", item.apply, item.apply_name),
    ):
        if defect := _function_defect(function, called):
            yield MachineProblem("invalid_function", f"{place}.{part} {defect}", f"{place}.{part}")


def _source_defects(source: object) -> Iterator[str]:
    if not isinstance(source, tuple):
        if source != ANY and (defect := text_defect(source)):
            yield defect
        return
    if not source:
        yield "must name at least one status"
    for index, status in enumerate(source):
        if status == ANY:
            yield '"*" must stand alone, it already means every status'
        elif defect := text_defect(status):
            yield f"names a status that {defect}"
        elif status in source[:index]:
            yield f"names {status!r} more than once"


def _function_defect(function: object, called: object) -> str | None:
    if function is None:
        return "has a name but no function" if called is not None else None
    defect = call_defect(function, called, "data", "payload")
    if defect is not None:
        return defect
    defect = text_defect(called)
    return f"name {defect}" if defect else None


def call_defect(function: object, called: object, *arguments: str) -> str | None:
    """Return why a user's *function*, *called* so in messages, cannot be called with *arguments*; None where it can."""
    if not callable(function):
        return f"must be callable, not {type(function).__name__}"
    # Coroutines and generators are always true: such a guard would let everything pass.
    lazy = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    call = getattr(type(function), "__call__", None)  # noqa: B004 - the method itself is meant
    if any(is_lazy(function) or is_lazy(call) for is_lazy in lazy):
        return f"{called!r} is async or a generator; it must be a plain function"
    if not _takes(function, len(arguments)):
        return f"{called!r} cannot be called as {called}({', '.join(arguments)})"
    return None


def _takes(function: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(function).bind(*[None] * count)
    except ValueError:  # A builtin that does not tell.
        return True
    except TypeError:
        return False
    return True


def _duplicates(known: Sequence[tuple[int, Transition[Any]]]) -> Iterator[MachineProblem]:
    """Yield each transition that an earlier one without a guard always beats."""
    final: dict[tuple[str, str], int] = {}
    for index, item in known:
        if text_defect(item.action):
            continue
        for source in dict.fromkeys(readable_sources(item)):
            earlier = final.get((item.action, source))
            if earlier is not None:
                message = (
                    f"transitions[{index}] can never win from {source!r}: "
                    f"transitions[{earlier}] takes action {item.action!r} there first and has no guard"
                )
                yield MachineProblem("duplicate", message, f"transitions[{index}]")
            elif item.guard is None:
                final[item.action, source] = index


def _terminal_defects(terminal: object) -> Iterator[MachineProblem]:
    if terminal is None:
        return
    statuses = listed(terminal)
    if statuses is None:
        message = f"terminal must be a list of statuses, not {type(terminal).__name__}"
        yield MachineProblem("invalid_terminal", message, "terminal")
        return
    for status in statuses:
        if defect := status_defect(status):
            yield MachineProblem("invalid_terminal", f"terminal names a status that {defect}", "terminal")
