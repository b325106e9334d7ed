"""Vector clocks (Fidge 1988, Mattern 1989): a counter for each store that changed a state."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema


class VectorClock:
    """How many changes of each store a version knows of; an absent store counts 0. It never changes.

    In a pydantic model it is a field like any: read from a map of counters, and dumped as one.
    """

    __slots__ = ("root",)

    root: Mapping[str, int]
    """The counters by store, those of 0 left out; a copy of its own."""

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
