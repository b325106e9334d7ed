"""Locks that guard a commit: their turns, the time they leave, and what the commit makes of their leases."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Self

from tai_state._async.lock import AsyncLock, Timeout
from tai_state._platform import async_shield
from tai_state.clock import Deadline
from tai_state.errors import (
    ConfigurationError,
    DeadlineExceededError,
    FencedOutError,
    LockLostError,
    TaiStateError,
)
from tai_state.rules.guards import NO_GUARD, Guarded, check_leases
from tai_state.rules.leases import Lease


class AsyncLockSet:
    """Several locks that were acquired together; ``async with`` releases them, and ``lock=`` takes them all."""

    def __init__(self, locks: Sequence[AsyncLock]) -> None:
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

    async def check(self) -> None:
        """Do nothing while every one can be trusted.

        Raises:
            LockLostError: One cannot.
        """
        for lock in self.locks:
            await lock.check()

    async def renew(self, *, timeout: Timeout = None) -> None:
        """Extend each lease by its ttl from now.

        Raises:
            LockLostError: One is lost.
        """
        for lock in self.locks:
            await lock.renew(timeout=timeout)

    async def release(self, *, timeout: Timeout = None) -> None:
        """Free every one; the first error is raised once all were tried.

        Raises:
            LockLostError: One was released before, or is lost.
        """
        await async_shield(self._release, timeout)

    async def _release(self, timeout: Timeout) -> None:
        first: TaiStateError | None = None
        for lock in self.locks:
            try:
                await lock.release(timeout=timeout)
            except TaiStateError as error:
                first = first or error
        if first is not None:
            raise first

    async def __aenter__(self) -> Self:
        """Return the set itself, which is held already."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release every one; the body's exception goes first.

        Raises:
            LockLostError: One of them was lost inside the body, which ended without an exception.
        """
        await async_shield(self._leave, error)

    async def _leave(self, error: BaseException | None) -> None:
        failed: BaseException | None = error
        for lock in self.locks:
            try:
                await lock.__aexit__(type(failed) if failed else None, failed, None)
            except Exception as lost:  # noqa: BLE001 - the others must be released all the same
                failed = lost
        if failed is not None and failed is not error:
            raise failed


def async_locks_of(lock: AsyncLock | AsyncLockSet | None) -> tuple[AsyncLock, ...]:
    """Return the locks in what a caller gave as ``lock=``.

    Raises:
        ConfigurationError: It is no lock, or one of the other colour.
    """
    if lock is None:
        return ()
    if isinstance(lock, AsyncLockSet):
        return lock.locks
    if not _is_lock(lock):
        message = f"lock= takes what acquire or acquire_many of the same colour returned, not {type(lock).__name__}"
        raise ConfigurationError(message)
    return (lock,)


def _is_lock(value: object) -> bool:
    return isinstance(value, AsyncLock)


@dataclass(frozen=True, slots=True)
class AsyncGuard:
    """The locks of one commit, their turns held.

    ``deadline`` ends with the first of their leases: a commit that is sent later could not be ours any more.
    """

    guarded: Guarded
    deadline: Deadline
    locks: tuple[AsyncLock, ...] = ()
    began: float = 0.0

    def renewed(self, leases: Sequence[Lease], update_times: Sequence[datetime | None]) -> None:
        """Tell the locks what the commit made of their leases.

        Where the time of it is unknown, because the reply was lost, the next commit finds out by reading.
        """
        for lock, lease, moment in zip(self.locks, leases, update_times, strict=False):
            if moment is not None:
                lock.adopt(replace(lease, update_time=moment), self.began)


@asynccontextmanager
async def async_guarded(locks: Sequence[AsyncLock], deadline: Deadline) -> AsyncIterator[AsyncGuard]:
    """Hold the turn of each lock, and give their leases as last known.

    A lock that turns out to be somebody else's is told so. One that its holder cannot trust any more is refused
    before anything is sent, with what the store says of it: nothing but a fresh read leads to a refusal.

    Raises:
        FencedOutError: One of them was taken over or broken.
        LockLostError: One of them has run out, or was released.
    """
    if not locks:
        yield AsyncGuard(NO_GUARD, deadline)
        return
    # Always in the order of their names: two commits that share two locks never wait for each other.
    ordered = sorted(locks, key=lambda one: one.resource)
    async with AsyncExitStack() as turns:
        try:
            leases = [await turns.enter_async_context(lock.turn(deadline)) for lock in ordered]
        except LockLostError as error:
            await _async_refuse(ordered, deadline, error)
            raise
        ends = min(ordered, key=lambda one: one.remaining())
        try:
            yield AsyncGuard(
                Guarded(tuple(leases)), ends.deadline(deadline), tuple(ordered), ends.engine.clock.monotonic()
            )
        except FencedOutError as error:
            _tell(ordered, error)
            raise
        except DeadlineExceededError as error:
            if not deadline.passed and not ends.held:
                # It was not the caller's time that ran out, but the lease's.
                await _async_refuse([ends], deadline, error)
                ends.check_held()
            raise


def _tell(locks: Sequence[AsyncLock], error: FencedOutError) -> None:
    for lock in locks:
        if lock.resource == error.resource:
            lock.lose("stolen" if error.current > error.token else "broken")


async def _async_refuse(locks: Sequence[AsyncLock], deadline: Deadline, error: TaiStateError) -> None:
    """Ask the store whose the locks are that are lost, and refuse with what it says.

    Raises:
        FencedOutError: One of them was taken over or broken.
    """
    lost = [lock.lease for lock in locks if lock.lost]
    if not lost:
        return
    engine = locks[0].engine
    try:
        check_leases(lost, (await engine.read([lease.path for lease in lost], deadline)).documents)
    except FencedOutError as fenced:
        _tell(locks, fenced)
        raise fenced from error
    except TaiStateError as unread:
        error.add_note(f"and the store could not be asked: {unread}")
