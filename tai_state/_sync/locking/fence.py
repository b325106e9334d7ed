# Generated from tai_state/_async/locking/fence.py by .ci/generate_sync.py; do not edit.
"""Locks that guard a commit: their turns, the time they leave, and what the commit makes of their leases."""
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from tai_state._sync.locking.lock import Lock
from tai_state.clock import Deadline
from tai_state.errors import (
    DeadlineExceededError,
    FencedOutError,
    LockLostError,
    TaiStateError,
)
from tai_state.rules.locking.fence import NO_GUARD, Guarded, check_leases
from tai_state.rules.locking.leases import Lease


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

    A lock that turns out to be somebody else's is told so. One that its holder cannot trust any more is refused
    before anything is sent, with what the store says of it: nothing but a fresh read leads to a refusal.

    Raises:
        FencedOutError: One of them was taken over or broken.
        LockLostError: One of them has run out, or was released.
    """
    if not locks:
        yield Guard(NO_GUARD, deadline)
        return
    # Always in the order of their names: two commits that share two locks never wait for each other.
    ordered = sorted(locks, key=lambda one: one.resource)
    with ExitStack() as turns:
        try:
            leases = [turns.enter_context(lock.turn(deadline)) for lock in ordered]
        except LockLostError as error:
            _refuse(ordered, deadline, error)
            raise
        ends = min(ordered, key=lambda one: one.remaining())
        try:
            yield Guard(
                Guarded(tuple(leases)), ends.deadline(deadline), tuple(ordered), ends.access.clock.monotonic()
            )
        except FencedOutError as error:
            _tell(ordered, error)
            raise
        except DeadlineExceededError as error:
            if not deadline.passed and not ends.held:
                # It was not the caller's time that ran out, but the lease's.
                _refuse([ends], deadline, error)
                ends.check_held()
            raise


def _tell(locks: Sequence[Lock], error: FencedOutError) -> None:
    for lock in locks:
        if lock.resource == error.resource:
            lock.lose("stolen" if error.current > error.token else "broken")


def _refuse(locks: Sequence[Lock], deadline: Deadline, error: TaiStateError) -> None:
    """Ask the store whose the locks are that are lost, and refuse with what it says.

    Raises:
        FencedOutError: One of them was taken over or broken.
    """
    lost = [lock.lease for lock in locks if lock.lost]
    if not lost:
        return
    access = locks[0].access
    try:
        check_leases(lost, (access.read([lease.path for lease in lost], deadline)).documents)
    except FencedOutError as fenced:
        _tell(locks, fenced)
        raise fenced from error
    except TaiStateError as unread:
        error.add_note(f"and the store could not be asked: {unread}")
