"""What beats in the background: by timers of the loop, or on few threads for any number of hearts."""

import contextlib
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tai_state._platform.forks import anew_in_children
from tai_state.clock import Deadline, SystemClock

if TYPE_CHECKING:
    import asyncio
else:
    from tai_state._platform import late_asyncio as asyncio

log = logging.getLogger("tai_state")

IDLE_THREADS_MAX = 2
"""How many threads of one group wait for the next beat: one that beats, and one that looks out meanwhile."""

THREADS_MAX = 8
"""How many hearts of one group beat at once at most: one whose store does not answer delays no other for long."""


class AsyncHearts:
    """The hearts of one manager. The event loop is their scheduler: between two beats there is a timer, and no task."""

    def __init__(self, name: str) -> None:
        """Begin with none; *name* is that of each beat's task."""
        self._name = name

    def start(self, beat: Callable[[], Awaitable[float | None]], seconds: float) -> "AsyncHeart":
        """Call *beat* in *seconds*, on the running loop, and again each time after the seconds that it returned.

        It ends by itself when *beat* returns None.
        """
        return AsyncHeart(beat, self._name, seconds)


class AsyncHeart:
    """One of them."""

    def __init__(self, beat: Callable[[], Awaitable[float | None]], name: str, seconds: float) -> None:
        """Start it; made by ``AsyncHearts.start``."""
        self._beat = beat
        self._name = name
        self._loop = asyncio.get_running_loop()
        self._is_stopped = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = self._loop.call_later(seconds, self._begin)

    def _begin(self) -> None:
        self._timer = None
        if not self._is_stopped:
            self._task = self._loop.create_task(self._run(), name=self._name)

    async def _run(self) -> None:
        try:
            seconds = await self._beat()
        except asyncio.CancelledError:
            raise
        except BaseException:
            # Nobody waits for a beat, and beats see to their errors: what comes here ends the heart alone.
            log.debug("a heart of %s ended in the middle of a beat", self._name, exc_info=True)
            return
        if seconds is not None and not self._is_stopped:
            self._timer = self._loop.call_later(seconds, self._begin)

    def beat_in(self, seconds: float) -> None:
        """Put the next beat off, or forward, to in *seconds*; one under way decides for itself."""
        self._on_loop(lambda: self._wait_anew(seconds))

    def _wait_anew(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._loop.call_later(seconds, self._begin)

    def stop_soon(self) -> None:
        """Let it end, from any thread; from inside a beat, after this one."""
        self._is_stopped = True
        self._on_loop(self._end)

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is not None and self._task is not _current_task():
            self._task.cancel()

    def _on_loop(self, call: Callable[[], None]) -> None:
        if self._loop is _running_loop():
            call()
        elif not self._loop.is_closed():
            # The loop may close in this very moment, and its timers and tasks end with it.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(call)

    async def stop(self, timeout: float) -> None:
        """End it; a beat under way is waited for, *timeout* seconds at most, save on another loop."""
        self.stop_soon()
        task = self._task
        if task is None or task.done() or task is _current_task() or self._loop is not _running_loop():
            return
        await asyncio.wait([task], timeout=timeout)


def _running_loop() -> "asyncio.AbstractEventLoop | None":
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _current_task() -> "asyncio.Task[object] | None":
    return asyncio.current_task() if _running_loop() is not None else None


class Hearts:
    """The sync twin of AsyncHearts: one scheduler, whose threads wait together for whichever heart is due next.

    One thread serves a heart, two serve many: while one beats, the other looks out. Only where a beat takes so long
    that others are due meanwhile there are more, up to THREADS_MAX. They end with the last heart.
    """

    def __init__(self, name: str) -> None:
        """Begin with none; *name* is that of each thread."""
        self._name = name
        self._monotonic = SystemClock().monotonic
        self.begin_anew()
        anew_in_children(self)

    def begin_anew(self) -> None:
        """Begin with none: a fork's child has its parent's hearts without their threads."""
        self._changed = threading.Condition()
        self._due: dict[Heart, float] = {}
        self._beating: dict[Heart, threading.Thread] = {}
        self._threads: set[threading.Thread] = set()
        self._idle = 0

    def start(self, beat: Callable[[], float | None], seconds: float) -> "Heart":
        """Call *beat* in *seconds*, and again each time after the seconds that it returned.

        It ends by itself when *beat* returns None.
        """
        heart = Heart(self, beat)
        with self._changed:
            self._due[heart] = self._monotonic() + seconds
            self._changed.notify_all()
            self._keep_lookout()
        return heart

    def _keep_lookout(self) -> None:
        """Start a thread where all that there are beat."""
        if len(self._beating) == len(self._threads) < THREADS_MAX:
            thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
            self._threads.add(thread)
            thread.start()

    def _serve(self) -> None:
        while (heart := self._next()) is not None:
            seconds: float | None = None
            try:
                seconds = heart.beat()
            except BaseException:
                # As in the async twin.
                log.debug("a heart of %s ended in the middle of a beat", self._name, exc_info=True)
            with self._changed:
                del self._beating[heart]
                if seconds is not None and not heart.is_stopped:
                    self._due[heart] = self._monotonic() + seconds
                self._changed.notify_all()

    def _next(self) -> "Heart | None":
        """Wait until a heart is due, and return it; None when this thread is not needed any more."""
        with self._changed:
            self._idle += 1
            try:
                while self._due and self._idle <= IDLE_THREADS_MAX:
                    heart, due = min(self._due.items(), key=lambda item: item[1])
                    seconds = due - self._monotonic()
                    if seconds <= 0:
                        del self._due[heart]
                        self._beating[heart] = threading.current_thread()
                        if self._due:
                            self._keep_lookout()
                        return heart
                    self._changed.wait(min(seconds, threading.TIMEOUT_MAX))
                self._threads.discard(threading.current_thread())
                return None
            finally:
                self._idle -= 1

    def beat_in(self, heart: "Heart", seconds: float) -> None:
        """Put the next beat of *heart* off, or forward, to in *seconds*; one under way decides for itself."""
        with self._changed:
            if heart in self._due:
                self._due[heart] = self._monotonic() + seconds
                self._changed.notify_all()

    def drop(self, heart: "Heart") -> None:
        """Let *heart* beat no more."""
        with self._changed:
            if self._due.pop(heart, None) is not None:
                self._changed.notify_all()

    def settle(self, heart: "Heart", timeout: float) -> None:
        """Wait for a beat of *heart* under way, and with the last heart for the threads; *timeout* seconds at most."""
        me, deadline = threading.current_thread(), Deadline(SystemClock(), timeout)
        with self._changed:
            self._changed.wait_for(lambda: self._beating.get(heart) in {None, me}, timeout)
            ending = [] if self._due or self._beating else [one for one in self._threads if one is not me]
        for thread in ending:
            thread.join(deadline.remaining())


class Heart:
    """One of them."""

    def __init__(self, hearts: Hearts, beat: Callable[[], float | None]) -> None:
        """Belong to *hearts*; made by ``Hearts.start``."""
        self._hearts = hearts
        self.beat = beat
        self.is_stopped = False

    def beat_in(self, seconds: float) -> None:
        """Put the next beat off, or forward, to in *seconds*; one under way decides for itself."""
        self._hearts.beat_in(self, seconds)

    def stop_soon(self) -> None:
        """Let it end, from any thread; from inside a beat, after this one."""
        self.is_stopped = True
        self._hearts.drop(self)

    def stop(self, timeout: float) -> None:
        """End it; a beat under way is waited for, *timeout* seconds at most."""
        self.stop_soon()
        self._hearts.settle(self, timeout)
