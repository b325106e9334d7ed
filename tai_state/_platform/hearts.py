"""What beats in the background: in a task of its own, or on a thread."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable


class AsyncHeart:
    """Calls *beat* again and again in a task of its own, each time after the seconds that the last one returned.

    It ends by itself when *beat* returns None.
    """

    def __init__(self, beat: Callable[[], Awaitable[float | None]], name: str) -> None:
        """Start nothing yet."""
        self._beat = beat
        self._name = name
        self._task: asyncio.Task[None] | None = None

    def start(self, seconds: float) -> None:
        """Beat for the first time after *seconds*, on the running loop."""
        self._task = asyncio.create_task(self._run(seconds), name=self._name)

    async def _run(self, seconds: float | None) -> None:
        while seconds is not None:
            await asyncio.sleep(seconds)
            seconds = await self._beat()

    def stop_soon(self) -> None:
        """Let it end, from any thread; from inside a beat, after this one."""
        task = self._task
        if task is None or task.done():
            return
        loop, running = task.get_loop(), _running_loop()
        if loop is running:
            if task is not asyncio.current_task():
                task.cancel()
        elif not loop.is_closed():
            # The loop may close in this very moment, and its tasks end with it.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)

    async def stop(self, timeout: float) -> None:
        """End it; a beat under way is waited for, *timeout* seconds at most, save on another loop."""
        task = self._task
        self.stop_soon()
        if task is None or task.done() or task is asyncio.current_task() or task.get_loop() is not _running_loop():
            return
        await asyncio.wait([task], timeout=timeout)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class Heart:
    """The sync twin of AsyncHeart, on a thread of its own."""

    def __init__(self, beat: Callable[[], float | None], name: str) -> None:
        """Start nothing yet."""
        self._beat = beat
        self._name = name
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, seconds: float) -> None:
        """Beat for the first time after *seconds*."""
        self._thread = threading.Thread(target=self._run, args=(seconds,), name=self._name, daemon=True)
        self._thread.start()

    def _run(self, seconds: float | None) -> None:
        while seconds is not None and not self._stopped.wait(seconds):
            seconds = self._beat()

    def stop_soon(self) -> None:
        """Let it end, from any thread; from inside a beat, after this one."""
        self._stopped.set()

    def stop(self, timeout: float) -> None:
        """End it; a beat under way is waited for, *timeout* seconds at most."""
        self.stop_soon()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)
