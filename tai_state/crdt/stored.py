"""What the types have in common: they are values, stored as plain data that says of which type they are."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Self, TypeVar

from tai_state.codec import to_json
from tai_state.conversion import INT_MAX
from tai_state.errors import InvalidDataError
from tai_state.layout import check_id

KIND: Final = "crdt"
"""The field that says of which type a stored value is."""

T = TypeVar("T")


class Crdt(ABC):
    """A value that converges; it never changes.

    Each type has ``merge(other)``, the least value that knows what either knows, and ``delta(since)``, what *since*
    lacks of it: ``since.merge(delta)`` is ``since.merge(self)``. Only values of one type have to do with each other.
    """

    __slots__ = ()

    kind: ClassVar[str]
    """What ``to_data`` calls the type."""

    @property
    @abstractmethod
    def value(self) -> Any:
        """What it stands for, as a copy of its own."""

    @abstractmethod
    def _parts(self) -> dict[str, Any]:
        """Return the fields of its stored form, but for its type."""

    @classmethod
    @abstractmethod
    def _of(cls, stored: "Stored") -> Self:
        """Return the value whose stored form is given."""

    def to_data(self) -> dict[str, Any]:
        """Return it as plain data, which a state may hold."""
        return {KIND: self.kind, **self._parts()}

    @classmethod
    def from_data(cls, data: object, *, path: str = "data") -> Self:
        """Return the value that ``to_data`` gave as *data*.

        Raises:
            InvalidDataError: It holds none of this type, or a damaged one; names the place from *path* on.
        """
        stored = Stored(data, path)
        if stored.fields.get(KIND) != cls.kind:
            message = f"must be {cls.kind!r}, not {stored.fields.get(KIND)!r}"
            raise InvalidDataError(message, path=f"{path}.{KIND}")
        return cls._of(stored)

    def __eq__(self, other: object) -> bool:
        """Whether both are of one type, and know the same."""
        return type(other) is type(self) and to_json(self.to_data()) == to_json(other.to_data())

    def __hash__(self) -> int:
        """Hash by what it knows."""
        return hash(to_json(self.to_data()))

    def __repr__(self) -> str:
        """Show what it stands for."""
        return f"{type(self).__name__}({self.value!r})"


class Stored:
    """A map in stored data, read field by field: what is not as it should be is named by its place."""

    __slots__ = ("fields", "path")

    def __init__(self, data: object, path: str) -> None:
        """Read *data*, which is at *path*.

        Raises:
            InvalidDataError: It is no map of texts.
        """
        if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
            raise refused(path, "a map", data)
        self.fields: Mapping[str, Any] = data
        self.path = path

    def map(self, name: str, read: Callable[[object, str], T]) -> dict[str, T]:
        """Return the map in a field, of which *read* takes each value with its place; empty where there is none."""
        place = f"{self.path}.{name}"
        inner = Stored(self.fields.get(name, {}), place)
        return {key: read(value, f"{place}.{key}") for key, value in inner.fields.items()}

    def by_node(self, name: str, read: Callable[[object, str], T]) -> dict[str, T]:
        """Return the map in a field, as ``map`` does, whose keys are nodes."""
        found = self.map(name, read)
        for node in found:
            check_node(node, f"{self.path}.{name}.{node}")
        return found

    def list(self, name: str, read: Callable[[object, str], T]) -> list[T]:
        """Return the list in a field, of which *read* takes each item with its place; empty where there is none."""
        place, items = f"{self.path}.{name}", self.fields.get(name, [])
        if not isinstance(items, list):
            raise refused(place, "a list", items)
        return [read(item, f"{place}[{index}]") for index, item in enumerate(items)]

    def count(self, name: str) -> int:
        """Return the count in a field."""
        return read_count(self.fields.get(name), f"{self.path}.{name}")

    def node(self, name: str) -> str:
        """Return the node in a field."""
        return check_node(self.fields.get(name), f"{self.path}.{name}")


def refused(path: str, wanted: str, found: object) -> InvalidDataError:
    """Return the error that says what should be at *path*, and what is there."""
    return InvalidDataError(f"must be {wanted}, not {type(found).__name__}", path=path)


def read_count(value: object, path: str) -> int:
    """Return a count: a whole number of 64 bits, at least 0.

    Raises:
        InvalidDataError: It is none.
    """
    if type(value) is not int or not 0 <= value <= INT_MAX:
        message = f"must be a whole number from 0 to 2**63 - 1, not {value!r}"
        raise InvalidDataError(message, path=path)
    return value


def check_node(value: object, path: str = "node") -> str:
    """Return the name of a node.

    Raises:
        InvalidDataError: It cannot be one: it is no text, or empty.
    """
    try:
        return check_id(value, "the node")
    except ValueError as error:
        raise InvalidDataError(str(error), path=path) from error


def next_count(last: int, by: int = 1, path: str = "by") -> int:
    """Return a count that is raised.

    Raises:
        InvalidDataError: *by* is no count, or the sum does not fit into 64 bits.
    """
    return read_count(last + read_count(by, path), path)
