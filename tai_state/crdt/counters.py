"""Counters: one that only grows, and one that falls, too."""

from collections.abc import Mapping
from typing import Any, Self

from tai_state.crdt.stored import Crdt, Stored, check_node, next_count, read_count


class GCounter(Crdt):
    """A counter that only grows: the sum of what each node has counted."""

    __slots__ = ("counts",)
    kind = "g_counter"

    def __init__(self, counts: Mapping[str, int] | None = None) -> None:
        """Take what each node has counted.

        Raises:
            InvalidDataError: One of them is no count, or the name of no node.
        """
        checked = {check_node(node): read_count(count, f"counts.{node}") for node, count in (counts or {}).items()}
        # A count of 0 says nothing, and would make equal counters unequal.
        self.counts = {node: count for node, count in checked.items() if count}

    @property
    def value(self) -> int:
        """The sum."""
        return sum(self.counts.values())

    def increment(self, node: str, by: int = 1) -> Self:
        """Return it after *node* has counted *by* more.

        Raises:
            InvalidDataError: *by* is no count; or all that the node has counted does not fit into 64 bits.
        """
        return type(self)({**self.counts, node: next_count(self.counts.get(node, 0), by)})

    def merge(self, other: Self) -> Self:
        """Return the counter that knows all that either knows."""
        nodes = self.counts.keys() | other.counts.keys()
        return type(self)({node: max(self.counts.get(node, 0), other.counts.get(node, 0)) for node in nodes})

    def delta(self, since: Self) -> Self:
        """Return the counts that *since* does not know."""
        return type(self)({node: count for node, count in self.counts.items() if count > since.counts.get(node, 0)})

    def _parts(self) -> dict[str, Any]:
        return {"counts": dict(self.counts)}

    @classmethod
    def _of(cls, stored: Stored) -> Self:
        return cls(stored.by_node("counts", read_count))


class PNCounter(Crdt):
    """A counter that grows and falls: two that only grow, one of which is subtracted."""

    __slots__ = ("down", "up")
    kind = "pn_counter"

    def __init__(self, up: GCounter | None = None, down: GCounter | None = None) -> None:
        """Take what was counted up and down."""
        self.up = up or GCounter()
        self.down = down or GCounter()

    @property
    def value(self) -> int:
        """The difference."""
        return self.up.value - self.down.value

    def increment(self, node: str, by: int = 1) -> Self:
        """Return it after *node* has counted *by* up; raises as ``GCounter.increment`` does."""
        return type(self)(self.up.increment(node, by), self.down)

    def decrement(self, node: str, by: int = 1) -> Self:
        """Return it after *node* has counted *by* down; raises as ``GCounter.increment`` does."""
        return type(self)(self.up, self.down.increment(node, by))

    def merge(self, other: Self) -> Self:
        """Return the counter that knows all that either knows."""
        return type(self)(self.up.merge(other.up), self.down.merge(other.down))

    def delta(self, since: Self) -> Self:
        """Return the counts that *since* does not know."""
        return type(self)(self.up.delta(since.up), self.down.delta(since.down))

    def _parts(self) -> dict[str, Any]:
        return {"up": dict(self.up.counts), "down": dict(self.down.counts)}

    @classmethod
    def _of(cls, stored: Stored) -> Self:
        return cls(GCounter(stored.by_node("up", read_count)), GCounter(stored.by_node("down", read_count)))
