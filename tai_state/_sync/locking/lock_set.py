# Generated from tai_state/_async/locking/lock_set.py by .ci/generate_sync.py; do not edit.
"""Several locks in one hand, and what a caller may give as ``lock=``."""
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from tai_state._sync.locking.handle import LockHandle
from tai_state._sync.locking.lock import Lock, handle_of
from tai_state._platform.interrupts import shield
from tai_state.clock import TimeLimit
from tai_state.errors import (
    ConfigurationError,
    TaiStateError,
)


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

    def renew(self, *, timeout: TimeLimit = None) -> None:
        """Extend each lease by its ttl from now.

        Raises:
            LockLostError: One is lost.
        """
        for lock in self.locks:
            lock.renew(timeout=timeout)

    def release(self, *, timeout: TimeLimit = None) -> None:
        """Free every one; the first error is raised once all were tried.

        Raises:
            LockLostError: One was released before, or is lost.
        """
        shield(self._release, timeout)

    def _release(self, timeout: TimeLimit) -> None:
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
        """Release every one; the body's exception goes first.

        Raises:
            LockLostError: One of them was lost inside the body, which ended without an exception.
        """
        shield(self._leave, error)

    def _leave(self, error: BaseException | None) -> None:
        failed: BaseException | None = error
        for lock in self.locks:
            try:
                handle_of(lock).leave(failed)
            except Exception as lost:  # noqa: BLE001 - the others must be released all the same
                failed = lost
        if failed is not None and failed is not error:
            raise failed


def handles_of(lock: Lock | LockSet) -> tuple[LockHandle, ...]:
    """Return what stands behind the locks in what a caller gave as ``lock=``.

    Raises:
        ConfigurationError: It is no lock, or one of the other colour.
    """
    if isinstance(lock, LockSet):
        return tuple(handle_of(one) for one in lock.locks)
    if not _is_lock(lock):
        message = f"lock= takes what acquire or acquire_many of the same colour returned, not {type(lock).__name__}"
        raise ConfigurationError(message)
    return (handle_of(lock),)


def _is_lock(value: object) -> bool:
    return isinstance(value, Lock)
