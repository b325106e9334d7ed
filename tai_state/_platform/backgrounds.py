"""What runs beside its caller until it ends by itself: a task, or a thread of its own, in both colours."""

import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tai_state._platform.interrupts import Interruptible

if TYPE_CHECKING:
    import asyncio
else:
    from tai_state._platform import late_asyncio as asyncio


class AsyncBackground:
    """A task of the running loop, from when it is made."""

    def __init__(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Begin to *run*, which sees to its own errors."""
        self._task = asyncio.get_running_loop().create_task(self._run(run), name=name)

    @staticmethod
    async def _run(run: Callable[[], Awaitable[None]]) -> None:
        await run()

    @property
    def has_ended(self) -> bool:
        """Whether it runs no more: by itself, or with its loop."""
        return self._task.done() or self._task.get_loop().is_closed()

    @property
    def is_caller(self) -> bool:
        """Whether whoever asks is itself a part of it."""
        try:
            return asyncio.current_task() is self._task
        except RuntimeError:  # no loop runs here
            return False

    async def join(self, timeout: float) -> bool:
        """Wait for its end, *timeout* seconds at most, and return whether it has ended; then it is cancelled."""
        if self._task.get_loop() is not asyncio.get_running_loop():
            return self._task.done()
        await asyncio.wait([self._task], timeout=timeout)
        if self._task.done():
            return True
        self._task.cancel()
        await asyncio.wait([self._task], timeout=timeout)
        return False


class Background:
    """The sync twin of AsyncBackground: a thread, which ends with the process at the latest."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        """Begin to *run*, which sees to its own errors."""
        self._thread = threading.Thread(target=run, name=name, daemon=True)
        self._thread.start()

    @property
    def has_ended(self) -> bool:
        """Whether it runs no more."""
        return not self._thread.is_alive()

    @property
    def is_caller(self) -> bool:
        """Whether whoever asks is itself a part of it."""
        return threading.current_thread() is self._thread

    def join(self, timeout: float) -> bool:
        """Wait for its end, *timeout* seconds at most, and return whether it has ended; if not, it is left behind."""
        with Interruptible():
            self._thread.join(timeout)
        return not self._thread.is_alive()
