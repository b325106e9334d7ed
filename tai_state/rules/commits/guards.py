"""Guards: what a commit carries beside its change, and what must hold for it.

A commit knows guards, not locks. ``rules.locking.fence`` is the one guard today; whatever else may refuse a commit in
the store (a claim of a job, a mark of another transaction) is one more.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from tai_state.documents import Document, DocumentPath, Write


class Guard(Protocol):
    """What one commit carries. Immutable: the same guard gives the same writes again."""

    @property
    def paths(self) -> Sequence[DocumentPath]:
        """The documents that it rests on, and that a fresh read includes."""
        ...

    @property
    def token(self) -> int | None:
        """The fencing token that the event records, if there is one."""
        ...

    def as_read(self, documents: Mapping[DocumentPath, Document]) -> "Guard":
        """Return the guard as its *documents* stand in the store.

        Raises:
            FencedOutError: It does not hold any more.
        """
        ...

    def fences(self, before: Mapping[str, int]) -> Mapping[str, int]:
        """Return the highest tokens that wrote a state, this commit included, given those *before* it.

        Raises:
            FencedOutError: A later holder wrote it already.
        """
        ...

    def writes(self) -> Sequence[Write]:
        """Return what the commit writes for it: each path once, each unchanged since it was seen."""
        ...
