"""What a caller gives as ``lock=``, as the guard of his commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tai_state._async.access.access import AsyncAccess
    from tai_state._async.commits.guard import AsyncGuarding
    from tai_state._async.locking.lock import AsyncLock
    from tai_state._async.locking.lock_set import AsyncLockSet


def async_guarding(access: AsyncAccess, lock: AsyncLock | AsyncLockSet | None) -> AsyncGuarding | None:
    """Return how a commit through *access* is guarded by what a caller gave as ``lock=``; None where it is not.

    Raises:
        ConfigurationError: It is no lock, or one of the other colour.
    """
    if lock is None:
        return None
    from tai_state._async.locking.fence import async_fence_of  # noqa: PLC0415 - most programs take no locks

    return async_fence_of(access, lock)
