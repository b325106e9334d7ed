# Generated from tai_state/_async/api/hold.py by .ci/generate_sync.py; do not edit.
"""The block that holds a lock."""
from collections.abc import Awaitable, Callable
from types import TracebackType

from tai_state._sync.locking.lock import Lock


class Hold:
    """A block that holds a lock.

    A class of its own rather than a generator: between the grant and the block there is no step at which an
    interrupt of the main thread could lose the lock.
    """

    def __init__(self, acquire: Callable[[], Lock]) -> None:
        """Acquire with the block."""
        self._acquire = acquire
        self._lock: Lock | None = None

    def __enter__(self) -> Lock:
        """Acquire the lock."""
        self._lock = self._acquire()
        return self._lock

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release it, as leaving the lock itself does."""
        assert self._lock is not None
        self._lock.__exit__(kind, error, trace)
