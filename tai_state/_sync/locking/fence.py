# Generated from tai_state/_async/locking/fence.py by .ci/generate_sync.py; do not edit.
"""Locks as the guard of a commit: their turns, the time they leave, and what the commit makes of their leases."""
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from tai_state._sync.access.access import Access
from tai_state._sync.commits.guard import GuardHandle, Guarding
from tai_state._sync.locking.handle import LockHandle
from tai_state._sync.locking.lock import Lock
from tai_state._sync.locking.lock_set import LockSet, handles_of
from tai_state._sync.locking.trust_window import FORKED
from tai_state.clock import Deadline
from tai_state.documents import DocumentPath
from tai_state.errors import ConfigurationError, DeadlineExceededError, FencedOutError, LockLostError, TaiStateError
from tai_state.rules.commits.guards import Guard
from tai_state.rules.locking.fence import Fence, check_leases


def fence_of(access: Access, lock: Lock | LockSet) -> Guarding | None:
    """Return how a commit through *access* is guarded by *lock*; None where that is a set of none.

    Raises:
        ConfigurationError: It is no lock, or one of the other colour.
    """
    locks = handles_of(lock)
    return partial(fenced, access, locks) if locks else None


@dataclass(frozen=True, slots=True)
class LockFence:
    """The locks of one commit, their turns held.

    ``deadline`` ends with the first of their leases: a commit that is sent later could not be ours any more.
    """

    carries: Fence
    deadline: Deadline
    locks: tuple[LockHandle, ...]
    began: float

    def committed(self, carried: Guard, update_times: Mapping[DocumentPath, datetime]) -> None:
        """Tell the locks what the commit made of their leases.

        Where the time of it is unknown, because the reply was lost, the next commit finds out by reading.
        """
        assert isinstance(carried, Fence)
        for lock, lease in zip(self.locks, carried.renewed(), strict=True):
            moment = update_times.get(lease.path)
            if moment is not None:
                lock.adopt(replace(lease, update_time=moment), self.began)

    def stands(self, carried: Guard) -> None:
        """Tell the locks how their leases stand: a renewal whose reply was lost may have moved them."""
        assert isinstance(carried, Fence)
        for lock, lease in zip(self.locks, carried.leases, strict=True):
            lock.refresh(lease)

    def refused(self, error: FencedOutError) -> None:
        """Tell the lock that is meant that somebody else has it, or nobody."""
        _tell(self.locks, error)


@contextmanager
def fenced(
    access: Access, locks: Sequence[LockHandle], deadline: Deadline
) -> Iterator[GuardHandle]:
    """Hold the turn of each lock, and give their leases as last known.

    A lock that turns out to be somebody else's is told so. One that its holder cannot trust any more is refused
    before anything is sent, with what the store says of it: nothing but a fresh read leads to a refusal.

    Raises:
        FencedOutError: One of them was taken over or broken.
        LockLostError: One of them has run out, or was released.
        ConfigurationError: One of them is of another store; it is left as it is.
    """
    _check_store(access, locks)
    # Always in the order of their names: two commits that share two locks never wait for each other.
    ordered = sorted(locks, key=lambda one: one.resource)
    with ExitStack() as turns:
        try:
            leases = [turns.enter_context(lock.turn(deadline)) for lock in ordered]
        except LockLostError as error:
            if error.reason != FORKED:
                _refuse(ordered, deadline, error)
            raise
        ends = min(ordered, key=lambda one: one.remaining())
        fence = LockFence(
            Fence(tuple(leases)), ends.deadline(deadline), tuple(ordered), ends.access.clock.monotonic()
        )
        try:
            yield fence
        except FencedOutError as error:
            fence.refused(error)
            raise
        except DeadlineExceededError as error:
            if not deadline.passed and not ends.held:
                # It was not the caller's time that ran out, but the lease's.
                _refuse([ends], deadline, error)
                ends.check_held()
            raise


def _check_store(access: Access, locks: Sequence[LockHandle]) -> None:
    """Refuse a lock of another store, in which the commit would find no lease of it, and take it for broken.

    Raises:
        ConfigurationError: One of them is.
    """
    for lock in locks:
        theirs, ours = lock.access.backend, access.backend
        if theirs is not ours and theirs.place() != ours.place():
            message = (
                f"lock {lock.resource!r} was acquired in another store than the one that is written to: "
                "a lock guards the changes of its own store"
            )
            raise ConfigurationError(message)


def _tell(locks: Sequence[LockHandle], error: FencedOutError) -> None:
    for lock in locks:
        if lock.resource == error.resource:
            lock.lose("stolen" if error.current > error.token else "broken")


def _refuse(locks: Sequence[LockHandle], deadline: Deadline, error: TaiStateError) -> None:
    """Ask the store whose the locks are that are lost, and refuse with what it says.

    Raises:
        FencedOutError: One of them was taken over or broken.
    """
    lost = [lock for lock in locks if lock.lost]
    if not lost:
        return
    access = lost[0].access
    try:
        check_leases(
            [lock.lease for lock in lost], (access.read([lock.lease.path for lock in lost], deadline)).documents
        )
    except FencedOutError as fenced:
        _tell(lost, fenced)
        raise fenced from error
    except TaiStateError as unread:
        error.add_note(f"and the store could not be asked: {unread}")
