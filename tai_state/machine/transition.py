"""One move of a machine, and the outcome of choosing one."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, Never, TypeAlias, overload

from typing_extensions import TypeVar  # defaults of type variables came to typing with Python 3.13

from tai_state.errors import ConfigurationError

DataT = TypeVar("DataT", default=dict[str, Any])
# What a move takes: one without functions takes all data, and so has a place among the moves of any machine. To a
# lambda alone nothing tells it; the machine around it does, where a checker looks that far.
TakenT_contra = TypeVar("TakenT_contra", default=Any, contravariant=True)

Guard: TypeAlias = Callable[[DataT, Any], bool]
Apply: TypeAlias = Callable[[DataT, Any], DataT]

ANY = "*"
"""The source that stands for every status."""


def plain(value: object) -> object:
    """Return the exact ``str`` of a text such as a StrEnum member; anything else as it is."""
    # str() of a ``class Status(str, Enum)`` member is "Status.NEW"; str.__str__ is its value.
    return str.__str__(value) if isinstance(value, str) else value


def plain_sources(value: object) -> object:
    """Return a source in its one form: a status, or several as a sorted tuple."""
    if not isinstance(value, list | tuple | set | frozenset):
        return plain(value)
    items = [plain(item) for item in value]
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) < len(items):  # Left for the check to report; what is no text may not even sort.
        return tuple(items)
    return texts[0] if len(texts) == 1 else tuple(sorted(texts))


def function_name(function: object) -> str:
    """Return what a function is called in files, diagrams and errors, unless it was given a name."""
    name = getattr(function, "__name__", None)
    return name if isinstance(name, str) and name else type(function).__name__


@dataclass(frozen=True, slots=True)
class Transition(Generic[TakenT_contra]):
    """A move of a machine: *action* leads from *source* to *target*.

    ``guard`` and ``apply`` are pure and synchronous, and may run more than once: on a
    conflict they run again on the fresh state. Each call gets copies of its own.

    Attributes:
        source: A status, several, or "*" for every status. Several are kept as a sorted tuple.
        guard: ``guard(data, payload)`` returns True where the move is open, else False, and nothing else.
        apply: ``apply(data, payload)`` returns the new data; without it the data stays.
        guard_name: What the guard is called in files, diagrams and errors; its ``__name__`` if not given.
        apply_name: The same for ``apply``.
    """

    action: str
    source: str | Collection[str]
    target: str
    guard: Guard[TakenT_contra] | None = None
    apply: Apply[TakenT_contra] | None = None
    guard_name: str | None = field(default=None, kw_only=True)
    apply_name: str | None = field(default=None, kw_only=True)

    @overload
    def __init__(
        self: "Transition[object]",
        action: str,
        source: str | Collection[str],
        target: str,
        guard: None = None,
        apply: None = None,
        *,
        guard_name: str | None = None,
        apply_name: str | None = None,
    ) -> None: ...

    @overload
    def __init__(
        self,
        action: str,
        source: str | Collection[str],
        target: str,
        guard: Guard[TakenT_contra] | None = None,
        apply: Apply[TakenT_contra] | None = None,
        *,
        guard_name: str | None = None,
        apply_name: str | None = None,
    ) -> None: ...

    def __init__(
        self,
        action: str,
        source: str | Collection[str],
        target: str,
        guard: Guard[Any] | None = None,
        apply: Apply[Any] | None = None,
        *,
        guard_name: str | None = None,
        apply_name: str | None = None,
    ) -> None:
        """Bring every part into its one form; what is wrong with them is reported by the machine."""
        if guard is not None and guard_name is None:
            guard_name = function_name(guard)
        if apply is not None and apply_name is None:
            apply_name = function_name(apply)
        parts = {
            "action": plain(action),
            "source": plain_sources(source),
            "target": plain(target),
            "guard": guard,
            "apply": apply,
            "guard_name": plain(guard_name),
            "apply_name": plain(apply_name),
        }
        for name, part in parts.items():
            object.__setattr__(self, name, part)

    @property
    def sources(self) -> tuple[str, ...]:
        """The source as a tuple: one status, several, or ``("*",)``."""
        return (self.source,) if isinstance(self.source, str) else tuple(self.source)


class Choice(NamedTuple, Generic[DataT]):
    """The move that a state makes.

    Attributes:
        target: The status that it enters.
        data: Its new data; a copy of the old where ``transition.apply`` is None.
        transition: The transition that won; None where a mover made the data, and has none that could be shown.
    """

    target: str
    data: DataT
    transition: Transition[DataT] | None


@dataclass(frozen=True, slots=True)
class UnavailableFunction:
    """Stands for a guard or apply whose name was read from a file, but whose code is not at hand."""

    name: str

    def __call__(self, _data: object, _payload: object) -> Never:
        """Refuse to run.

        Raises:
            ConfigurationError: Always; names the function.
        """
        message = f"{self.name!r} cannot run: the machine was read without its functions (from_json(functions=...))"
        raise ConfigurationError(message)
