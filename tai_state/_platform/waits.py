"""Waiting for one another: wake-ups and mutual exclusion, in both colours."""

import threading
from typing import TYPE_CHECKING

from tai_state._platform.interrupts import Interruptible

if TYPE_CHECKING:
    import asyncio
else:
    from tai_state._platform import late_asyncio as asyncio

_SLICE_SECONDS = 0.05


class AsyncMutex:
    """Mutual exclusion between the tasks of one loop."""

    def __init__(self) -> None:
        """Make it free."""
        self._lock = asyncio.Lock()

    async def acquire(self, timeout: float) -> bool:
        """Take it, waiting at most *timeout* seconds; return whether it was taken."""
        if not self._lock.locked():
            return await self._lock.acquire()
        try:
            async with asyncio.timeout(timeout):
                return await self._lock.acquire()
        except TimeoutError:
            return False

    def release(self) -> None:
        """Free it."""
        self._lock.release()


class Mutex:
    """Mutual exclusion between threads."""

    def __init__(self) -> None:
        """Make it free."""
        self._lock = threading.Lock()

    def acquire(self, timeout: float) -> bool:
        """Take it, waiting at most *timeout* seconds; return whether it was taken."""
        if self._lock.acquire(blocking=False):
            return True
        # Not one long wait that can be interrupted: an interrupt behind it would leave the mutex taken by nobody.
        for _ in range(int(min(timeout, threading.TIMEOUT_MAX) / _SLICE_SECONDS) + 1):
            with Interruptible():
                pass
            if self._lock.acquire(timeout=min(timeout, _SLICE_SECONDS)):
                return True
        return False

    def release(self) -> None:
        """Free it."""
        self._lock.release()


class AsyncSignal:
    """A one-place wake-up for one waiting task; it may be set from any thread.

    Setting it twice before the waiter looks wakes the waiter once.
    """

    def __init__(self) -> None:
        """Belong to the running loop; not set."""
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the waiter, or let its next wait return at once."""
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:
            # The loop is closed, and the waiter with it. Any other trouble is ours.
            if not self._loop.is_closed():
                raise

    async def wait(self, timeout: float) -> bool:
        """Wait until it is set or *timeout* seconds have passed; return whether it was set, and unset it."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Signal:
    """The sync twin of AsyncSignal, for one waiting thread."""

    def __init__(self) -> None:
        """Start unset."""
        self._event = threading.Event()

    def set(self) -> None:
        """Wake the waiter, or let its next wait return at once."""
        self._event.set()

    def wait(self, timeout: float) -> bool:
        """Wait until it is set or *timeout* seconds have passed; return whether it was set, and unset it."""
        with Interruptible():
            was_set = self._event.wait(timeout)
        if was_set:
            self._event.clear()
        return was_set
