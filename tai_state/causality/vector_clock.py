"""Vector clocks (Fidge 1988, Mattern 1989): a counter for each store that changed a state."""

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, RootModel, field_validator


class VectorClock(RootModel[Mapping[str, int]]):
    """How many changes of each store a version knows of; an absent store counts 0."""

    model_config = ConfigDict(frozen=True)
    root: Mapping[str, int] = {}

    @field_validator("root")
    @classmethod
    def _check(cls, counters: Mapping[str, int]) -> Mapping[str, int]:
        for node, count in counters.items():
            if count < 0:
                message = f"the counter of {node!r} is negative: {count}"
                raise ValueError(message)
        # A counter of 0 says nothing, and would make equal clocks unequal.
        return {node: count for node, count in counters.items() if count}

    def __getitem__(self, node: str) -> int:
        """Return the counter of *node*, 0 when it is absent."""
        return self.root.get(node, 0)

    def __eq__(self, other: object) -> bool:
        """Whether both know the same."""
        return isinstance(other, VectorClock) and dict(self.root) == dict(other.root)

    def __hash__(self) -> int:
        """Hash by value."""
        return hash(frozenset(self.root.items()))

    def to_dict(self) -> dict[str, Any]:
        """Return the counters as a dict of its own."""
        return dict(self.root)
