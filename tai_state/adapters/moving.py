"""How a machine of another library is run for a commit: what happens before it, and what is kept for behind it.

A definition runs a machine on data that nobody else has, and tells what came of it: the status, the data, and the
callbacks that were due and have not been called, its effects. Before the commit a run may happen several times, or for
nothing; its effects are called once, by whoever asked for the move, when the move is durable. Knows no framework.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from tai_state import ConfigurationError, InvalidDataError, MoverError

EFFECTS: Final = ("enter", "after")
"""What is called behind the commit unless something else is said: see ``docs/adapters.md``."""

SENT_MAX: Final = 100
"""How many moves the effects of one move, and theirs, may ask for."""


class Outbox:
    """What effects ask for: moves that are made behind them, by whoever calls them."""

    def __init__(self) -> None:
        """Be closed, and empty."""
        self.is_open = False
        self._asked: list[tuple[str, Any]] = []

    def put(self, action: str, payload: Any) -> None:
        """Take an action.

        Raises:
            ConfigurationError: Nobody calls effects now: what was asked for would be lost.
        """
        if not self.is_open:
            message = f"{action!r} would move a copy in memory: a persisted state is moved by fire({action!r}, ...)"
            raise ConfigurationError(message)
        self._asked.append((action, payload))

    def taken(self) -> list[tuple[str, Any]]:
        """Return what was asked for, and forget it."""
        asked, self._asked = self._asked, []
        return asked


@dataclass(slots=True)
class Ran:
    """One run of a machine.

    Attributes:
        status, data: What it came to.
        machine, model: The objects as the run left them.
        effects: What is to be called behind the commit, in order.
        outbox: Takes the actions that those ask for meanwhile.
    """

    status: str
    data: dict[str, Any]
    machine: Any
    model: Any
    effects: list[Callable[[], object]] = field(default_factory=list)
    outbox: Outbox = field(default_factory=Outbox)


class Definition(ABC):
    """A machine of another library, as it is run; a ``Mover`` whose effects nobody calls.

    Attributes:
        name, version, fingerprint: As of every ``Mover``.
        effects: Which groups of callbacks are kept for behind the commit.
    """

    refusals: ClassVar[tuple[type[Exception], ...]] = ()

    def __init__(self, name: str, version: int, effects: object) -> None:
        """Be called *name*; keep the groups *effects* for behind the commit.

        Raises:
            ConfigurationError: One of them is unknown.
        """
        self.name = name
        self.version = version
        self.fingerprint = ""
        chosen = [effects] if isinstance(effects, str) or not isinstance(effects, Iterable) else list(effects)
        if not all(one in EFFECTS for one in chosen):
            message = f"effects must be among {', '.join(EFFECTS)}, not {effects!r}"
            raise ConfigurationError(message)
        self.effects: Final = frozenset(map(str, chosen))

    def check_known(self, unknown: Iterable[str], status: str, action: str) -> None:
        """Refuse a state that is stored in statuses which the definition does not have: *unknown*.

        Raises:
            MoverError: There are any.
        """
        names = ", ".join(map(repr, unknown))
        if names:
            raise MoverError(self.name, status, action, f"it has no state {names} any more: its definition has changed")

    @abstractmethod
    def begin(self, data: dict[str, Any]) -> Ran:
        """Return what a new state begins as."""

    @abstractmethod
    def run(self, status: str, data: dict[str, Any], action: str, payload: Any) -> Ran:
        """Return what *action* comes to."""

    @abstractmethod
    def at(self, status: str, data: dict[str, Any]) -> Ran:
        """Return the machine and the model as they are in a state; nothing is called."""

    def start(self, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return where a new state begins."""
        ran = self.begin(data)
        return ran.status, ran.data

    def move(self, status: str, data: dict[str, Any], action: str, payload: Any) -> tuple[str, dict[str, Any]]:
        """Return where *action* leads."""
        ran = self.run(status, data, action, payload)
        return ran.status, ran.data


class Recording:
    """The mover of one call, which keeps its last run: the one that was committed."""

    def __init__(self, definition: Definition) -> None:
        """Run *definition*."""
        self._definition = definition
        self.name = definition.name
        self.version = definition.version
        self.fingerprint = definition.fingerprint
        self.refusals = definition.refusals
        self.ran: Ran | None = None

    def start(self, data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return where a new state begins."""
        self.ran = self._definition.begin(data)
        return self.ran.status, self.ran.data

    def move(self, status: str, data: dict[str, Any], action: str, payload: Any) -> tuple[str, dict[str, Any]]:
        """Return where *action* leads."""
        self.ran = self._definition.run(status, data, action, payload)
        return self.ran.status, self.ran.data


def arguments_of(payload: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return a payload as the arguments of callbacks: a dict by name, None as none, anything else as the only one."""
    if payload is None:
        return (), {}
    return ((), dict(payload)) if isinstance(payload, dict) else ((payload,), {})


def payload_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return arguments as the payload that stands for them.

    Raises:
        InvalidDataError: No payload does.
    """
    if not args:
        return kwargs or None
    lone, *others = args
    if kwargs or others or lone is None or isinstance(lone, dict):
        message = "must be all by name, or a single one that is no dict: nothing else is a payload"
        raise InvalidDataError(message, path="payload")
    return lone


def attributes_of(thing: object, left_out: frozenset[str]) -> dict[str, Any]:
    """Return the attributes of *thing* that are stored: those of the object itself whose names begin with a letter.

    Raises:
        ConfigurationError: It keeps its attributes somewhere else.
    """
    own = getattr(thing, "__dict__", None)
    if own is None:
        message = f"{type(thing).__name__} has slots: what is stored are the attributes in __dict__"
        raise ConfigurationError(message)
    return {name: value for name, value in own.items() if not name.startswith("_") and name not in left_out}


def restore(thing: object, data: dict[str, Any], taken: frozenset[str]) -> None:
    """Give *thing* the attributes in *data*.

    Args:
        taken: Names that stand for something else.

    Raises:
        InvalidDataError: One of them would take the place of something else.
    """
    for name, value in data.items():
        there = getattr(type(thing), name, None)
        is_taken = name in taken or callable(there) or isinstance(there, property)
        if is_taken or name.startswith("_") or not name.isidentifier():
            message = f"cannot be an attribute of {type(thing).__name__}: {name!r}"
            raise InvalidDataError(message, path=f"data.{name}")
        setattr(thing, name, value)


def called(function: object) -> str:
    """Return what a callback is called in a fingerprint."""
    if isinstance(function, str):
        return function
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    return name if isinstance(name, str) else type(function).__name__


def digest_of(form: Any) -> str:
    """Return the fingerprint of a definition that is written as *form*."""
    return hashlib.sha256(json.dumps(form, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def is_asked_for_later(result: object) -> bool:
    """Whether a callback has not done its work, but returned what would; it is closed where that can be."""
    if isinstance(result, Coroutine | Generator):
        result.close()
        return True
    return isinstance(result, Awaitable)
