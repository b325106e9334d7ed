"""What is removed only where it was observed: a register of all last values, and a set in which an addition wins.

Both are values under the dots at which they were written, beside all dots that are known (Almeida, Shoker and Baquero,
Delta State Replicated Data Types, 2018): a dot that is known and has no value was removed.
"""

from collections.abc import Mapping
from typing import Any, Self

from tai_state.codec import Payload
from tai_state.crdt.dots import Dot, Dots, read_dot
from tai_state.crdt.stored import Crdt, Stored, check_node, refused
from tai_state.errors import InvalidDataError


class _Observed(Crdt):
    """Values by the dots at which they were written."""

    __slots__ = ("held", "seen")

    def __init__(self, held: Mapping[Dot, Payload] | None = None, seen: Dots | None = None) -> None:
        """Hold values, and know dots; those of the values are known in any case."""
        self.held = dict(held or {})
        self.seen = (seen or Dots()).union(Dots.of(self.held))

    def merge(self, other: Self) -> Self:
        """Return what both hold, and what one holds that the other did not know of."""
        held = {dot: value for dot, value in self.held.items() if dot in other.held or dot not in other.seen} | {
            dot: value for dot, value in other.held.items() if dot in self.held or dot not in self.seen
        }
        return type(self)(held, self.seen.union(other.seen))

    def delta(self, since: Self) -> Self:
        """Return what was written since, and that what was held then is gone, where it is."""
        held = {dot: value for dot, value in self.held.items() if dot not in since.seen}
        removed = Dots.of(dot for dot in since.held if dot not in self.held and dot in self.seen)
        return type(self)(held, self.seen.without(since.seen).union(removed))

    def _parts(self) -> dict[str, Any]:
        held = sorted(self.held.items())
        return {"held": [[dot.node, dot.number, value.value()] for dot, value in held], "seen": self.seen.data()}

    @classmethod
    def _of(cls, stored: Stored) -> Self:
        held = stored.list("held", _read_held)
        if len(dict(held)) < len(held):
            message = "the same change is there twice"
            raise InvalidDataError(message, path=f"{stored.path}.held")
        return cls(dict(held), Dots.stored(stored, "seen"))

    def _values(self) -> list[Payload]:
        """Return the distinct values, in an order that is the same everywhere."""
        return sorted(set(self.held.values()), key=lambda value: value.json)


class MVRegister(_Observed):
    """A value of which concurrent writes are all kept: ``value`` is the list of them, mostly of one."""

    __slots__ = ()
    kind = "mv_register"

    @property
    def value(self) -> list[Any]:
        """The values that were written and that no later write has seen."""
        return [value.value() for value in self._values()]

    def set(self, node: str, value: object) -> Self:
        """Return it after *node* has written *value*, in the place of all that are there.

        Raises:
            InvalidDataError: The value cannot be stored.
        """
        return type(self)({self.seen.next(check_node(node)): Payload.given(value, "value")}, self.seen)


class ORSet(_Observed):
    """A set of texts and whole numbers; what is added and removed at a time is in it."""

    __slots__ = ()
    kind = "or_set"

    @property
    def value(self) -> frozenset[str | int]:
        """The items."""
        return frozenset(value.value() for value in self.held.values())

    def __contains__(self, item: object) -> bool:
        """Whether *item* is in it."""
        return item in self.value

    def add(self, node: str, item: str | int) -> Self:
        """Return it after *node* has added *item*.

        Raises:
            InvalidDataError: The item is neither a text nor a whole number of 64 bits.
        """
        added = Payload.given(_checked_item(item, "item"), "item")
        held = {dot: value for dot, value in self.held.items() if value != added}
        return type(self)({**held, self.seen.next(check_node(node)): added}, self.seen)

    def remove(self, item: str | int) -> Self:
        """Return it without *item*, as far as it is known here; what is added elsewhere meanwhile stays.

        Raises:
            InvalidDataError: The item cannot be one.
        """
        removed = Payload.given(_checked_item(item, "item"), "item")
        return type(self)({dot: value for dot, value in self.held.items() if value != removed}, self.seen)

    @classmethod
    def _of(cls, stored: Stored) -> Self:
        made = super()._of(stored)
        for index, item in enumerate(stored.fields.get("held", [])):
            _checked_item(item[2], f"{stored.path}.held[{index}][2]")
        return made


def _checked_item(item: object, path: str) -> str | int:
    # To Python True is 1: it would be the same item.
    if type(item) is str or type(item) is int:
        return item
    raise refused(path, "a str or an int", item)


def _read_held(value: object, path: str) -> tuple[Dot, Payload]:
    if not isinstance(value, list) or len(value) != 3:  # noqa: PLR2004 - node, count and value
        raise refused(path, "a list of node, count and value", value)
    return read_dot(value, path), Payload.given(value[2], f"{path}[2]")
