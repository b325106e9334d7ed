"""The block that holds a lock."""

from collections.abc import Awaitable, Callable
from types import TracebackType

from tai_state._async.locking.lock import AsyncLock


class AsyncHold:
    """A block that holds a lock.

    A class of its own rather than a generator: between the grant and the block there is no step at which an
    interrupt of the main thread could lose the lock.
    """

    def __init__(self, acquire: Callable[[], Awaitable[AsyncLock]]) -> None:
        """Acquire with the block."""
        self._acquire = acquire
        self._lock: AsyncLock | None = None

    async def __aenter__(self) -> AsyncLock:
        """Acquire the lock."""
        self._lock = await self._acquire()
        return self._lock

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release it, as leaving the lock itself does."""
        assert self._lock is not None
        await self._lock.__aexit__(kind, error, trace)
