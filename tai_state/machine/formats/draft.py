"""What becomes of a definition in another format: a machine file in the making, and all that has no place in it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

from tai_state.errors import InvalidMachineError
from tai_state.machine.definition import Machine
from tai_state.machine.problems import MachineProblem

LeftKind: TypeAlias = Literal["structure", "event", "effect", "data", "guard", "unknown", "comment"]
"""What sort of thing is left out; ``comment`` is what no machine does anything by."""


class LeftOut(NamedTuple):
    """Something of a definition that the machine does not have.

    Attributes:
        kind: What sort of thing.
        place: Where it is: a line of XML, or a path in JSON.
        message: What it is, in a sentence.
    """

    kind: LeftKind
    place: str
    message: str

    def __str__(self) -> str:
        """Return it as a line."""
        return f"{self.place}: {self.message}"


class Converted(NamedTuple):
    """What a definition in another format comes to.

    Attributes:
        format: Which one it is.
        machine: The machine, whose guards have their names and cannot run; None where it has problems.
        left_out: What the machine does not have of it, in its order.
        problems: What keeps the rest from being a machine.
    """

    format: str
    machine: Machine[Any] | None
    left_out: tuple[LeftOut, ...]
    problems: tuple[MachineProblem, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing but comments is left out."""
        return self.machine is not None and all(one.kind == "comment" for one in self.left_out)


@dataclass(slots=True)
class Draft:
    """A machine file in the making."""

    format: str
    name: str
    initial: object = None
    terminal: list[str] = field(default_factory=list)
    transitions: list[dict[str, object]] = field(default_factory=list)
    timeouts: dict[str, dict[str, object]] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    def leave(self, kind: LeftKind, place: str, message: str) -> None:
        """Say that something is left out."""
        self.left_out.append(LeftOut(kind, place, message))

    def move(self, action: object, source: str, target: object, guard: str | None = None) -> None:
        """Add a transition."""
        row = {"action": action, "source": source, "target": target}
        self.transitions.append(row if guard is None else {**row, "guard": guard})

    def later(self, status: str, seconds: float, action: str, place: str) -> None:
        """Let *action* be due some time after *status* was entered."""
        if status in self.timeouts:
            self.leave("event", place, f"status {status!r} has a timeout already, and can have one")
            return
        whole = int(seconds) if float(seconds).is_integer() else seconds
        self.timeouts[status] = {"after": whole, "action": action}

    def keys_left(
        self, place: str, given: Mapping[str, Any], known: Iterable[str], sorts: Mapping[str, LeftKind]
    ) -> None:
        """Leave out every key of *given* that is not *known*, each of the sort that *sorts* has for it."""
        for key in given:
            if key not in known:
                kind = sorts.get(key, "unknown")
                self.leave(kind, f"{place}.{key}" if place else key, f"{key!r} has no place in a machine")

    def converted(self) -> Converted:
        """Return what it comes to."""
        form: dict[str, object] = {"name": self.name, "initial": self.initial}
        if self.terminal:
            form["terminal"] = self.terminal
        if self.timeouts:
            form["timeouts"] = self.timeouts
        form["transitions"] = self.transitions
        try:
            machine, problems = Machine.from_json(json.dumps(form)), ()
        except InvalidMachineError as error:
            listed = (
                one if isinstance(one, MachineProblem) else MachineProblem("shape", one) for one in error.problems
            )
            return Converted(self.format, None, tuple(self.left_out), tuple(listed))
        return Converted(self.format, machine, tuple(self.left_out), problems)


def unreadable(message: str, place: str = "") -> InvalidMachineError:
    """Return the error of a text that is no definition."""
    return InvalidMachineError([MachineProblem("shape", message, place)])
