"""Who knew what when: clocks that tell whether versions are ordered or concurrent, and what becomes of the latter.

``VectorClock`` and ``LamportClock``. The resolvers ``LastWriteWins``, ``Causal``, ``HighestVersion``, ``Custom`` and
``MergeFields`` make one of two versions of which neither knew the other, the same one everywhere; ``ConflictHistory``
remembers where they had to.
"""

from typing import TYPE_CHECKING

from tai_state.causality.lamport import LamportClock
from tai_state.causality.nodes import node_key, store_of
from tai_state.causality.vector_clock import Ordering, VectorClock
from tai_state.late import late_names

if TYPE_CHECKING:
    from tai_state.causality.conflicts import Conflict, ConflictHistory, ConflictVersion
    from tai_state.causality.resolvers import (
        Causal,
        Custom,
        HighestVersion,
        LastWriteWins,
        MergeFields,
        Resolution,
        Resolver,
        Version,
    )

HOMES: dict[str, tuple[str, ...]] = {
    "tai_state.causality.conflicts": ("Conflict", "ConflictHistory", "ConflictVersion"),
    "tai_state.causality.resolvers": (
        "Causal",
        "Custom",
        "HighestVersion",
        "LastWriteWins",
        "MergeFields",
        "Resolution",
        "Resolver",
        "Version",
    ),
}
"""What is imported when it is asked for: models hold clocks, and resolvers know what data is."""

__all__ = [
    "Causal",
    "Conflict",
    "ConflictHistory",
    "ConflictVersion",
    "Custom",
    "HighestVersion",
    "LamportClock",
    "LastWriteWins",
    "MergeFields",
    "Ordering",
    "Resolution",
    "Resolver",
    "VectorClock",
    "Version",
    "node_key",
    "store_of",
]

if not TYPE_CHECKING:  # A type checker would take it for a promise of any name.
    __getattr__ = late_names(__name__, HOMES)

    def __dir__() -> list[str]:
        """List what has not been imported yet, too."""
        return sorted({*globals(), *__all__})
