"""A register whose last write wins, and the stamp by which it is told which one that is."""

from datetime import UTC, datetime, timedelta
from functools import total_ordering
from typing import Any, Self

from tai_state.codec import NULL, Payload
from tai_state.conversion import normal_time
from tai_state.crdt.stored import Crdt, Stored, check_node, read_count

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@total_ordering
class Stamp:
    """When something was written, and by whom: the greater one is the later one, the same way everywhere.

    ``time`` is a hybrid logical time (Kulkarni et al. 2014): past every one that the writer had seen, and not before
    the moment that he gave, in microseconds since 1970. ``value`` decides between two writes under one stamp, which
    only a node makes whose name is used twice.
    """

    __slots__ = ("node", "time", "value")

    def __init__(self, time: int, node: str, value: Payload | None) -> None:
        """Say when *node* wrote *value*; None: it removed one."""
        self.time = time
        self.node = node
        self.value = value

    @property
    def _rank(self) -> tuple[int, str, bytes]:
        return self.time, self.node, b"" if self.value is None else self.value.json

    def __eq__(self, other: object) -> bool:
        """Whether both are the same write."""
        return isinstance(other, Stamp) and self._rank == other._rank

    def __lt__(self, other: "Stamp") -> bool:
        """Whether *other* is the later one."""
        return self._rank < other._rank

    def __hash__(self) -> int:
        """Hash by value."""
        return hash(self._rank)

    def fields(self) -> dict[str, Any]:
        """Return it as plain data."""
        said = {} if self.value is None else {"value": self.value.value()}
        return {"time": self.time, "node": self.node, **said}

    @classmethod
    def of(cls, stored: Stored) -> "Stamp":
        """Return the stamp in stored data.

        Raises:
            InvalidDataError: It is damaged; names the place.
        """
        path = f"{stored.path}.value"
        value = Payload.given(stored.fields["value"], path) if "value" in stored.fields else None
        return cls(stored.count("time"), stored.node("node"), value)


def next_stamp(last: int, node: str, value: object, at: datetime | None, path: str = "value") -> Stamp:
    """Return the stamp of a write behind time *last*.

    Raises:
        InvalidDataError: The value cannot be stored, *at* is no time since 1970, or the node cannot be one.
    """
    moment = 0 if at is None else (normal_time(at, "at") - _EPOCH) // _MICROSECOND
    time = read_count(max(last + 1, read_count(moment, "at")), "at")
    return Stamp(time, check_node(node), Payload.given(value, path))


class LWWRegister(Crdt):
    """A value whose last write wins: the one with the greatest stamp, of time and node."""

    __slots__ = ("stamp",)
    kind = "lww_register"

    def __init__(self, stamp: Stamp | None = None) -> None:
        """Hold what was written last; None: nothing ever was."""
        self.stamp = stamp

    @property
    def value(self) -> Any:
        """What was written last; None where nothing was."""
        held = NULL if self.stamp is None or self.stamp.value is None else self.stamp.value
        return held.value()

    def set(self, node: str, value: object, *, at: datetime | None = None) -> Self:
        """Return it after *node* has written *value*.

        Args:
            at: When, by the node's clock: of writes that did not know of each other the later one wins. None: the one
                that had seen more writes. What was seen is overwritten in any case.

        Raises:
            InvalidDataError: The value cannot be stored, or *at* is no time since 1970.
        """
        last = 0 if self.stamp is None else self.stamp.time
        return type(self)(next_stamp(last, node, value, at))

    def merge(self, other: Self) -> Self:
        """Return the one that was written last."""
        if self.stamp is None or other.stamp is None:
            return other if self.stamp is None else self
        return max(self, other, key=lambda register: register.stamp)  # type: ignore[arg-type, return-value]

    def delta(self, since: Self) -> Self:
        """Return it where it was written since; else an empty one."""
        is_new = self.stamp is not None and (since.stamp is None or since.stamp < self.stamp)
        return self if is_new else type(self)()

    def _parts(self) -> dict[str, Any]:
        return {} if self.stamp is None else self.stamp.fields()

    @classmethod
    def _of(cls, stored: Stored) -> Self:
        return cls(None if "time" not in stored.fields else Stamp.of(stored))
