"""Which changes are known: sets of dots, each the nth change of a node, kept as ranges.

What is known of a node may have gaps while deltas are under way, so that one number a node would not do.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tai_state.crdt.stored import Stored, check_node, read_count, refused
from tai_state.errors import InvalidDataError

Range = tuple[int, int]


class Dot(NamedTuple):
    """The nth change of a node, from 1 on."""

    node: str
    number: int


class Dots:
    """A set of dots; it never changes."""

    __slots__ = ("ranges",)

    def __init__(self, ranges: Mapping[str, Iterable[Range]] | None = None) -> None:
        """Take the ranges of each node, in any order, overlapping or not."""
        joined = {node: _joined(found) for node, found in (ranges or {}).items()}
        self.ranges = {node: found for node, found in joined.items() if found}

    @classmethod
    def of(cls, dots: Iterable[Dot]) -> "Dots":
        """Return the set of *dots*."""
        ranges: dict[str, list[Range]] = {}
        for dot in dots:
            ranges.setdefault(dot.node, []).append((dot.number, dot.number))
        return cls(ranges)

    def __contains__(self, dot: Dot) -> bool:
        """Whether *dot* is known."""
        return any(first <= dot.number <= last for first, last in self.ranges.get(dot.node, ()))

    def next(self, node: str) -> Dot:
        """Return the next dot of *node*."""
        found = self.ranges.get(node)
        return Dot(node, read_count(found[-1][1] + 1 if found else 1, "node"))

    def union(self, other: "Dots") -> "Dots":
        """Return the dots of both."""
        nodes = self.ranges.keys() | other.ranges.keys()
        return Dots({node: (*self.ranges.get(node, ()), *other.ranges.get(node, ())) for node in nodes})

    def without(self, other: "Dots") -> "Dots":
        """Return the dots that *other* does not have."""
        return Dots({node: _without(found, other.ranges.get(node, ())) for node, found in self.ranges.items()})

    def data(self) -> dict[str, list[list[int]]]:
        """Return them as plain data."""
        return {node: [[first, last] for first, last in found] for node, found in self.ranges.items()}

    @classmethod
    def stored(cls, stored: Stored, name: str) -> "Dots":
        """Return the dots in a field of stored data.

        Raises:
            InvalidDataError: They are damaged; names the place.
        """

        def read(value: object, path: str) -> list[Range]:
            if not isinstance(value, list):
                raise refused(path, "a list", value)
            return [_read_range(item, f"{path}[{index}]") for index, item in enumerate(value)]

        return cls(stored.by_node(name, read))


def read_dot(items: list[Any], path: str) -> Dot:
    """Return the dot whose parts are the first two of *items*.

    Raises:
        InvalidDataError: They are none; names the place.
    """
    node, count = check_node(items[0], f"{path}[0]"), read_count(items[1], f"{path}[1]")
    if not count:
        message = "must be at least 1: the first change of a node"
        raise InvalidDataError(message, path=f"{path}[1]")
    return Dot(node, count)


def _read_range(value: object, path: str) -> Range:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - the first and the last one
        raise refused(path, "a list of two counts", value)
    first, last = (read_count(item, f"{path}[{index}]") for index, item in enumerate(value))
    if not 1 <= first <= last:
        message = f"must be a range, from 1 on, not {value!r}"
        raise InvalidDataError(message, path=path)
    return first, last


def _joined(found: Iterable[Range]) -> tuple[Range, ...]:
    joined: list[Range] = []
    for first, last in sorted(found):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def _without(found: Iterable[Range], taken: Iterable[Range]) -> list[Range]:
    rest = list(found)
    for first, last in taken:
        parts = [((low, min(high, first - 1)), (max(low, last + 1), high)) for low, high in rest]
        rest = [part for pair in parts for part in pair if part[0] <= part[1]]
    return rest
