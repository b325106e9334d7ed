"""The file form of a machine: JSON text, its check, and the fingerprint made of it."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from tai_state.errors import ConfigurationError, InvalidMachineError
from tai_state.machine.problems import MachineProblem
from tai_state.machine.timeouts import Timeout, readable_timeouts, timeout_form, timeouts_of
from tai_state.machine.transition import Transition, UnavailableFunction
from tai_state.machine.validation import find_problems

if TYPE_CHECKING:
    from tai_state.machine.definition import Machine

Functions = Mapping[str, Callable[..., Any]]


class Definition(NamedTuple):
    """What a file says, its functions found."""

    name: str
    initial: str
    transitions: list[Any]
    version: int
    terminal: list[str] | None
    on_dependency: dict[str, str] | None
    timeouts: dict[str, Any] | None


def form_of(machine: "Machine[Any]") -> dict[str, Any]:
    """Return the machine as the JSON value of its file."""
    form: dict[str, Any] = {"name": machine.name, "version": machine.version, "initial": machine.initial}
    if machine.declared_terminal is not None:
        form["terminal"] = list(machine.declared_terminal)
    if machine.on_dependency:
        form["on_dependency"] = dict(sorted(machine.on_dependency.items()))
    if machine.timeouts:
        form["timeouts"] = {status: timeout_form(timeout) for status, timeout in sorted(machine.timeouts.items())}
    form["transitions"] = [_transition_form(transition) for transition in machine.transitions]
    return form


def _transition_form(transition: Transition[Any]) -> dict[str, Any]:
    source = transition.source if isinstance(transition.source, str) else list(transition.source)
    form = {"action": transition.action, "source": source, "target": transition.target}
    names = {"guard": transition.guard_name, "apply": transition.apply_name}
    return form | {part: name for part, name in names.items() if name is not None}


def fingerprint(machine: "Machine[Any]") -> str:
    """Return the SHA-256 of the canonical JSON of the file form, in hexadecimal."""
    canonical = json.dumps(form_of(machine), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def text_of(machine: "Machine[Any]") -> str:
    """Return the text of the machine's file.

    Raises:
        ConfigurationError: Two different functions of the machine have one name.
    """
    functions: dict[str | None, object] = {}
    for item in machine.transitions:
        for name, function in ((item.guard_name, item.guard), (item.apply_name, item.apply)):
            if function is not None and functions.setdefault(name, function) != function:
                message = (
                    f"two functions of machine {machine.name!r} are called {name!r}; "
                    "tell them apart by guard_name or apply_name"
                )
                raise ConfigurationError(message)
    return json.dumps(form_of(machine), ensure_ascii=False, indent=2)


def parse(text: str, functions: Functions | None) -> Definition:
    """Return what the *text* of a machine file says.

    Raises:
        InvalidMachineError: It is no JSON, or of the wrong shape; lists every problem of the definition.
    """
    problems: list[MachineProblem] = []
    value = _decoded(text, problems)
    problems += _shape_problems(value)
    if not isinstance(value, dict):
        raise InvalidMachineError(problems)
    # Of any type: the check of the definition reports what is wrong.
    part = cast("Callable[..., Any]", value.get)
    rows = part("transitions")
    listed = isinstance(rows, list)
    places = ((f"transitions[{index}]", row) for index, row in enumerate(rows if listed else ()))
    transitions = [_transition_of(row, place, functions, problems) for place, row in places]
    name, initial, version = part("name"), part("initial"), part("version", 1)
    terminal = part("terminal") if listed else None
    reactions = part("on_dependency") if listed else None
    timeouts = timeouts_of(part("timeouts")) if listed else None
    if problems:
        found = find_problems(
            name,
            initial,
            transitions,
            version=version,
            data_type=None,
            terminal=terminal,
            on_dependency=reactions,
            timeouts=timeouts,
        )
        raise InvalidMachineError([*problems, *_not_yet_said(problems, found)])
    return Definition(name, initial, transitions, version, terminal, reactions, timeouts)


class Readable(NamedTuple):
    """What can be read of a file, sound or not; each transition with its place in the file's list."""

    initial: object
    transitions: list[tuple[int, Transition[Any]]]
    terminal: object
    timeouts: Mapping[str, Timeout]


def readable(text: str) -> Readable:
    """Return what can be read of the *text* of a machine file.

    Raises:
        InvalidMachineError: It is no JSON object.
    """
    value = _decoded(text, [])
    if not isinstance(value, dict):
        raise InvalidMachineError(list(_shape_problems(value)))
    rows = value.get("transitions")
    read = enumerate(_transition_of(row, "", None, []) for row in (rows if isinstance(rows, list) else ()))
    transitions = [(at, item) for at, item in read if isinstance(item, Transition)]
    timeouts = readable_timeouts(timeouts_of(value.get("timeouts")))
    return Readable(value.get("initial"), transitions, value.get("terminal"), timeouts)


def _not_yet_said(said: Sequence[MachineProblem], found: Iterable[MachineProblem]) -> Iterator[MachineProblem]:
    """Yield what the definition's check *found* but at the places whose shape is wrong."""
    for problem in found:
        part = problem.place
        again = any(earlier.place == part or earlier.place.startswith(f"{part}[") for earlier in said)
        if not (again and problem.kind.startswith("invalid_")):
            yield problem


def _decoded(text: str, problems: list[MachineProblem]) -> Any:
    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # JSON leaves the meaning of a repeated key open; Python would keep the last one and say nothing.
        for key, count in Counter(key for key, _ in pairs).items():
            if count > 1:
                problems.append(MachineProblem("json", f"the key {key!r} is given {count} times in one object"))
        return dict(pairs)

    try:
        return json.loads(text, object_pairs_hook=distinct)
    except json.JSONDecodeError as error:
        problem = MachineProblem("json", f"line {error.lineno}, column {error.colno}: no JSON: {error.msg}")
        raise InvalidMachineError([problem]) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or endless nesting
        problem = MachineProblem("json", f"no JSON that can be read: {error}")
        raise InvalidMachineError([problem]) from error


def _shape_problems(value: object) -> Iterable[MachineProblem]:
    from tai_state.machine.file_shape import shape_problems  # noqa: PLC0415 - machines made in code have no file

    return shape_problems(value)


def _transition_of(row: object, place: str, functions: Functions | None, problems: list[MachineProblem]) -> object:
    """Return the transition of *row*, or *row* itself where it is no JSON object."""
    if not isinstance(row, dict):
        return row
    part = cast("Callable[[str], Any]", row.get)
    return Transition(
        part("action"),
        part("source"),
        part("target"),
        _function_of(part("guard"), f"{place}.guard", functions, problems),
        _function_of(part("apply"), f"{place}.apply", functions, problems),
        guard_name=part("guard"),
        apply_name=part("apply"),
    )


def _function_of(
    name: object, place: str, functions: Functions | None, problems: list[MachineProblem]
) -> Callable[..., Any] | None:
    if name is None:
        return None
    if functions is None or not isinstance(name, str):
        return UnavailableFunction(str(name))
    if name in functions:
        return functions[name]
    known = ", ".join(repr(known) for known in functions) or "none"
    message = f"{place} {name!r} is not among the functions given: {known}"
    problems.append(MachineProblem("unknown_function", message, place))
    return UnavailableFunction(name)
