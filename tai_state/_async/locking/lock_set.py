"""Several locks in one hand, and what a caller may give as ``lock=``."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tai_state._async.locking.handle import AsyncLockHandle
from tai_state._async.locking.lock import AsyncLock, async_handle_of
from tai_state._platform.interrupts import async_shield
from tai_state.clock import TimeLimit
from tai_state.errors import (
    ConfigurationError,
    TaiStateError,
)


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

    async def renew(self, *, timeout: TimeLimit = None) -> None:
        """Extend each lease by its ttl from now.

        Raises:
            LockLostError: One is lost.
        """
        for lock in self.locks:
            await lock.renew(timeout=timeout)

    async def release(self, *, timeout: TimeLimit = None) -> None:
        """Free every one; the first error is raised once all were tried.

        Raises:
            LockLostError: One was released before, or is lost.
        """
        await async_shield(self._release, timeout)

    async def _release(self, timeout: TimeLimit) -> None:
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
                await async_handle_of(lock).leave(failed)
            except Exception as lost:  # noqa: BLE001 - the others must be released all the same
                failed = lost
        if failed is not None and failed is not error:
            raise failed


def async_handles_of(lock: AsyncLock | AsyncLockSet) -> tuple[AsyncLockHandle, ...]:
    """Return what stands behind the locks in what a caller gave as ``lock=``.

    Raises:
        ConfigurationError: It is no lock, or one of the other colour.
    """
    if isinstance(lock, AsyncLockSet):
        return tuple(async_handle_of(one) for one in lock.locks)
    if not _is_lock(lock):
        message = f"lock= takes what acquire or acquire_many of the same colour returned, not {type(lock).__name__}"
        raise ConfigurationError(message)
    return (async_handle_of(lock),)


def _is_lock(value: object) -> bool:
    return isinstance(value, AsyncLock)
