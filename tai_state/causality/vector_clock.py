"""Vector clocks (Fidge 1988, Mattern 1989): a counter for each writer that changed a state."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


class Ordering(StrEnum):
    """How one vector clock stands to another one."""

    BEFORE = "before"
    AFTER = "after"
    EQUAL = "equal"
    CONCURRENT = "concurrent"


class VectorClock:
    """How many changes of each writer a version knows of; an absent writer counts 0. It never changes.

    A writer is a store, or a store and the ``node`` that it was opened as (see ``nodes``). Clocks are partially
    ordered: one happened before another where it knows no more of any writer, and less of one; two of which neither
    happened before the other, and that are not equal, are concurrent. ``merge`` is their least upper bound.

    In a pydantic model it is a field like any: read from a map of counters, and dumped as one.
    """

    __slots__ = ("root",)

    root: Mapping[str, int]
    """The counters by writer, those of 0 left out; a copy of its own."""

    def __init__(self, root: Mapping[str, int] | None = None) -> None:
        """Take the counters of *root*.

        Raises:
            ValueError: One of them is negative, or no whole number.
        """
        for node, count in (root or {}).items():
            if type(count) is not int or count < 0:
                message = f"the counter of {node!r} must be a whole number of at least 0, not {count!r}"
                raise ValueError(message)
        # A counter of 0 says nothing, and would make equal clocks unequal.
        counters = {node: count for node, count in (root or {}).items() if count}
        object.__setattr__(self, "root", counters)

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse every change."""
        message = f"a vector clock is frozen: {name} cannot be set"
        raise AttributeError(message)

    def __delattr__(self, name: str) -> None:
        """Refuse every change."""
        self.__setattr__(name, None)

    def __getitem__(self, node: str) -> int:
        """Return the counter of *node*, 0 when it is absent."""
        return self.root.get(node, 0)

    def get(self, node: str) -> int:
        """Return the counter of *node*, 0 when it is absent."""
        return self.root.get(node, 0)

    def increment(self, node: str) -> "VectorClock":
        """Return the clock of the next change that *node* makes."""
        return VectorClock({**self.root, node: self.get(node) + 1})

    def merge(self, other: "VectorClock") -> "VectorClock":
        """Return the least clock that knows what either knows: the greater counter of each writer."""
        return VectorClock(
            {node: max(self.get(node), other.get(node)) for node in self.root.keys() | other.root.keys()}
        )

    def meet(self, other: "VectorClock") -> "VectorClock":
        """Return the greatest clock that knows no more than both know: the lesser counter of each writer."""
        return VectorClock(
            {node: min(self.get(node), other.get(node)) for node in self.root.keys() & other.root.keys()}
        )

    def compare(self, other: "VectorClock") -> Ordering:
        """Return how this clock stands to *other*."""
        if self.root == other.root:
            return Ordering.EQUAL
        if _knows_no_more(self, other):
            return Ordering.BEFORE
        return Ordering.AFTER if _knows_no_more(other, self) else Ordering.CONCURRENT

    def happened_before(self, other: "VectorClock") -> bool:
        """Whether *other* knows all that this clock knows, and more."""
        return self.root != other.root and _knows_no_more(self, other)

    def concurrent_with(self, other: "VectorClock") -> bool:
        """Whether each knows what the other does not."""
        return self.compare(other) is Ordering.CONCURRENT

    def __eq__(self, other: object) -> bool:
        """Whether both know the same."""
        return isinstance(other, VectorClock) and self.root == other.root

    def __hash__(self) -> int:
        """Hash by value."""
        return hash(frozenset(self.root.items()))

    def __repr__(self) -> str:
        """Show the counters."""
        return f"VectorClock({self.to_dict()!r})"

    def __reduce__(self) -> tuple[type[Self], tuple[dict[str, int]]]:
        """Copy and pickle it by its counters."""
        return type(self), (self.to_dict(),)

    def to_dict(self) -> dict[str, Any]:
        """Return the counters as a dict of its own."""
        return dict(self.root)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        """Tell pydantic what it is in a model; only a model that checks or dumps one asks."""
        from pydantic_core import core_schema  # noqa: PLC0415 - whoever holds a clock need not load pydantic for it

        counters = core_schema.dict_schema(core_schema.str_schema(), core_schema.int_schema())
        made = core_schema.no_info_after_validator_function(cls, counters)
        return core_schema.json_or_python_schema(
            json_schema=made,
            python_schema=core_schema.union_schema([core_schema.is_instance_schema(cls), made]),
            serialization=core_schema.plain_serializer_function_ser_schema(
                cls.to_dict, return_schema=counters, when_used="always"
            ),
        )


def _knows_no_more(one: VectorClock, other: VectorClock) -> bool:
    return all(count <= other.get(node) for node, count in one.root.items())
