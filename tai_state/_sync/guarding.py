# Generated from tai_state/_async/guarding.py by .ci/generate_sync.py; do not edit.
"""Locks that guard a commit: their turns, the time they leave, and what the commit makes of their leases."""
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Self

from tai_state._sync.lock import Lock, Timeout
from tai_state.clock import Deadline
from tai_state.errors import FencedOutError, TaiStateError
from tai_state.rules.guards import NO_GUARD, Guarded
from tai_state.rules.leases import Lease


class LockSet:
    """Several locks that were acquired together; ``with`` releases them, and ``lock=`` takes them all."""

    def __init__(self, locks: Sequence[Lock]) -> None:
        """Hold *locks*, in the order of their resources."""
        self.locks = tuple(locks)

    @property
    def held(self) -> bool:
        """Whether every one can be trusted now."""
        return all(lock.held for lock in self.locks)

    @property
    def lost(self) -> bool:
        """Whether one was lost without being released."""
        return any(lock.lost for lock in self.locks)

    def check(self) -> None:
        """Do nothing while every one can be trusted.

        Raises:
            LockLostError: One cannot.
        """
        for lock in self.locks:
            lock.check()

    def renew(self, *, timeout: Timeout = None) -> None:
        """Extend each lease by its ttl from now.

        Raises:
            LockLostError: One is lost.
        """
        for lock in self.locks:
            lock.renew(timeout=timeout)

    def release(self, *, timeout: Timeout = None) -> None:
        """Free every one; the first error is raised once all were tried.

        Raises:
            LockLostError: One was released before, or is lost.
        """
        first: TaiStateError | None = None
        for lock in self.locks:
            try:
                lock.release(timeout=timeout)
            except TaiStateError as error:
                first = first or error
        if first is not None:
            raise first

    def __enter__(self) -> Self:
        """Return the set itself, which is held already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release every one; the body's exception goes first."""
        failed: BaseException | None = error
        for lock in self.locks:
            try:
                lock.__exit__(type(failed) if failed else None, failed, trace)
            except TaiStateError as lost:
                failed = lost
        if failed is not None and failed is not error:
            raise failed


def locks_of(lock: Lock | LockSet | None) -> tuple[Lock, ...]:
    """Return the locks in what a caller gave as ``lock=``."""
    if isinstance(lock, LockSet):
        return lock.locks
    return () if lock is None else (lock,)


@dataclass(frozen=True, slots=True)
class Guard:
    """The locks of one commit, their turns held.

    ``deadline`` ends with the first of their leases: a commit that is sent later could not be ours any more.
    """

    guarded: Guarded
    deadline: Deadline
    locks: tuple[Lock, ...] = ()
    began: float = 0.0

    def renewed(self, leases: Sequence[Lease], update_times: Sequence[datetime | None]) -> None:
        """Tell the locks what the commit made of their leases.

        Where the time of it is unknown, because the reply was lost, the next commit finds out by reading.
        """
        for lock, lease, moment in zip(self.locks, leases, update_times, strict=False):
            if moment is not None:
                lock.adopt(replace(lease, update_time=moment), self.began)


@contextmanager
def guarded(locks: Sequence[Lock], deadline: Deadline) -> Iterator[Guard]:
    """Hold the turn of each lock, and give their leases as last known.

    A lock that turns out to be somebody else's is told so.

    Raises:
        LockLostError: One of them cannot be trusted any more.
    """
    if not locks:
        yield Guard(NO_GUARD, deadline)
        return
    # Always in the order of their names: two commits that share two locks never wait for each other.
    ordered = sorted(locks, key=lambda one: one.resource)
    with ExitStack() as turns:
        leases = [turns.enter_context(lock.turn(deadline)) for lock in ordered]
        ends = min(ordered, key=lambda one: one.remaining())
        try:
            yield Guard(
                Guarded(tuple(leases)), ends.deadline(deadline), tuple(ordered), ends.engine.clock.monotonic()
            )
        except FencedOutError as error:
            for lock in ordered:
                if lock.resource == error.resource:
                    lock.lose("stolen" if error.current > error.token else "broken")
            raise
