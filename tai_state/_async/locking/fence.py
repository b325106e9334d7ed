"""Locks as the guard of a commit: their turns, the time they leave, and what the commit makes of their leases."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from tai_state._async.access.access import AsyncAccess
from tai_state._async.commits.guard import AsyncGuardHandle, AsyncGuarding
from tai_state._async.locking.handle import AsyncLockHandle
from tai_state._async.locking.lock import AsyncLock
from tai_state._async.locking.lock_set import AsyncLockSet, async_handles_of
from tai_state._async.locking.trust_window import FORKED
from tai_state.clock import Deadline
from tai_state.documents import DocumentPath
from tai_state.errors import ConfigurationError, DeadlineExceededError, FencedOutError, LockLostError, TaiStateError
from tai_state.rules.commits.guards import Guard
from tai_state.rules.locking.fence import Fence, check_leases


def async_fence_of(access: AsyncAccess, lock: AsyncLock | AsyncLockSet) -> AsyncGuarding | None:
    """Return how a commit through *access* is guarded by *lock*; None where that is a set of none.

    Raises:
        ConfigurationError: It is no lock, or one of the other colour.
    """
    locks = async_handles_of(lock)
    return partial(async_fenced, access, locks) if locks else None


@dataclass(frozen=True, slots=True)
class AsyncLockFence:
    """The locks of one commit, their turns held.

    ``deadline`` ends with the first of their leases: a commit that is sent later could not be ours any more.
    """

    carries: Fence
    deadline: Deadline
    locks: tuple[AsyncLockHandle, ...]
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


@asynccontextmanager
async def async_fenced(
    access: AsyncAccess, locks: Sequence[AsyncLockHandle], deadline: Deadline
) -> AsyncIterator[AsyncGuardHandle]:
    """Hold the turn of each lock, and give their leases as last known.

    A lock that turns out to be somebody else's is told so. One that its holder cannot trust any more is refused
    before anything is sent, with what the store says of it: nothing but a fresh read leads to a refusal.

    Raises:
        FencedOutError: One of them was taken over or broken.
        LockLostError: One of them has run out, or was released.
        ConfigurationError: One of them is of another store; it is left as it is.
    """
    await _async_check_store(access, locks)
    # Always in the order of their names: two commits that share two locks never wait for each other.
    ordered = sorted(locks, key=lambda one: one.resource)
    async with AsyncExitStack() as turns:
        try:
            leases = [await turns.enter_async_context(lock.turn(deadline)) for lock in ordered]
        except LockLostError as error:
            if error.reason != FORKED:
                await _async_refuse(ordered, deadline, error)
            raise
        ends = min(ordered, key=lambda one: one.remaining())
        fence = AsyncLockFence(
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
                await _async_refuse([ends], deadline, error)
                ends.check_held()
            raise


async def _async_check_store(access: AsyncAccess, locks: Sequence[AsyncLockHandle]) -> None:
    """Refuse a lock of another store, in which the commit would find no lease of it, and take it for broken.

    Raises:
        ConfigurationError: One of them is.
    """
    for lock in locks:
        theirs, ours = lock.access.backend, access.backend
        if theirs is not ours and await theirs.place() != await ours.place():
            message = (
                f"lock {lock.resource!r} was acquired in another store than the one that is written to: "
                "a lock guards the changes of its own store"
            )
            raise ConfigurationError(message)


def _tell(locks: Sequence[AsyncLockHandle], error: FencedOutError) -> None:
    for lock in locks:
        if lock.resource == error.resource:
            lock.lose("stolen" if error.current > error.token else "broken")


async def _async_refuse(locks: Sequence[AsyncLockHandle], deadline: Deadline, error: TaiStateError) -> None:
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
            [lock.lease for lock in lost], (await access.read([lock.lease.path for lock in lost], deadline)).documents
        )
    except FencedOutError as fenced:
        _tell(lost, fenced)
        raise fenced from error
    except TaiStateError as unread:
        error.add_note(f"and the store could not be asked: {unread}")
