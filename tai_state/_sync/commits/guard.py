# Generated from tai_state/_async/commits/guard.py by .ci/generate_sync.py; do not edit.
"""What guards a commit while it is under way: the I/O half of ``rules.commits.guards``.

The commit protocol knows nothing of locks: it enters a guarding, carries what its guard carries, and tells it what
became of that, by path.
"""
from collections.abc import Iterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Protocol

from tai_state.clock import Deadline
from tai_state.documents import DocumentPath
from tai_state.errors import FencedOutError, PreparedError
from tai_state.rules.commits.guards import Guard


class GuardHandle(Protocol):
    """One commit's guard."""

    @property
    def carries(self) -> Guard:
        """What the commit carries, as last known."""
        ...

    @property
    def deadline(self) -> Deadline:
        """Until when the commit may be sent: the caller's deadline, or the end of what guards it."""
        ...

    def committed(self, carried: Guard, update_times: Mapping[DocumentPath, datetime]) -> None:
        """Note what a commit made of what it *carried*; a path without a time was committed, nobody knows when."""
        ...

    def stands(self, carried: Guard) -> None:
        """Note that a fresh read found *carried*, ours still."""
        ...

    def refused(self, error: FencedOutError) -> None:
        """Note that the store refuses it."""
        ...


Guarding = Callable[[Deadline], AbstractContextManager[GuardHandle]]
"""Guards a commit for as long as the block runs, given the caller's deadline."""

SettleMarked = Callable[[PreparedError, Deadline], bool]
"""Settles what keeps a change from being made, where its lease is over; returns whether it is settled."""


@contextmanager
def guarded(guarding: Guarding | None, deadline: Deadline) -> Iterator[GuardHandle | None]:
    """Guard a commit inside the block where there is anything that guards it."""
    if guarding is None:
        yield None
    else:
        with guarding(deadline) as guard:
            yield guard
