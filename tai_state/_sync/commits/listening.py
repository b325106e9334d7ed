# Generated from tai_state/_async/commits/listening.py by .ci/generate_sync.py; do not edit.
"""Listeners: who is told, in this process, of each change that a store makes, once it is durable."""
import logging
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Protocol, Self

from tai_state._sync.commits.writer import ChangeWriter
from tai_state._platform.backgrounds import Background
from tai_state._platform.bodies import call_back, check_callback
from tai_state._platform.forks import anew_in_children
from tai_state._platform.waits import Signal
from tai_state.clock import TimeLimit
from tai_state.codec import Payload
from tai_state.config import DRAIN_SECONDS, check_count, drain_seconds
from tai_state.models import Event
from tai_state.rules.records.record import EventRecord

log = logging.getLogger("tai_state")

_IDLE_SECONDS = 3600.0


class Listener(Protocol):
    """Who is told of changes."""

    def tell(self, event: EventRecord) -> None:
        """Take a change; quickly, from any thread, and without raising."""
        ...

    def stop_soon(self) -> None:
        """Take no more."""
        ...

    def close(self, timeout: TimeLimit = None) -> bool:
        """Take no more, and end; return whether that took no longer than *timeout*."""
        ...


class ChangeListener:
    """What ``on_change`` returns: it is told of changes until it is closed; a context manager.

    What it is told waits in a buffer of its own, and is told one by one, beside those who make the changes: a slow
    listener delays nobody, and one that fails is told the next change all the same.
    """

    def __init__(
        self,
        writer: ChangeWriter,
        callback: Callable[[Event], object],
        *,
        governor_id: str | None,
        state_id: str | None,
        on_missed: Callable[[int], object] | None,
        buffer: int,
    ) -> None:
        """Listen to *writer*; made by ``on_change``.

        Raises:
            ConfigurationError: One of the callbacks is none, or *buffer* is no positive int.
        """
        check_callback(callback, "a listener")
        if on_missed is not None:
            check_callback(on_missed, "on_missed")
        self._listeners = writer.listeners
        self._callback, self._on_missed = callback, on_missed
        self._governor_id, self._state_id = governor_id, state_id
        self._most = check_count(buffer, "buffer", least=1)
        self._missed = 0
        self._is_closed = False
        self.begin_anew()
        anew_in_children(self)
        self._listeners.append(self)

    def begin_anew(self) -> None:
        """Begin with nothing to tell: what a fork's parent has in its buffer is the parent's to tell."""
        self._guard = threading.Lock()
        self._buffer: deque[EventRecord] = deque()
        self._untold = 0
        self._signal: Signal | None = None
        self._background: Background | None = None

    @property
    def missed(self) -> int:
        """How many changes it was not told of so far, since its buffer was full."""
        return self._missed

    def tell(self, event: EventRecord) -> None:
        """Take a change into the buffer; where that is full, the oldest one goes. From any thread; raises nothing."""
        if self._governor_id is not None and event.governor_id != self._governor_id:
            return
        if self._state_id is not None and event.state_id != self._state_id:
            return
        with self._guard:
            if self._is_closed:
                return
            if len(self._buffer) == self._most:
                self._buffer.popleft()
                self._missed += 1
                self._untold += 1
            self._buffer.append(event)
            if self._background is None or self._background.has_ended:
                # With the first change, and on the loop that makes it; one that ended with its loop is made again.
                self._signal = Signal()
                self._background = Background("tai-on-change", partial(self._run, self._signal))
            signal = self._signal
        if signal is not None:
            signal.set()

    def _run(self, signal: Signal) -> None:
        while True:
            with self._guard:
                untold, self._untold = self._untold, 0
                event = self._buffer.popleft() if self._buffer else None
                if event is None and self._is_closed:
                    return
            # Before what comes behind the gap.
            if untold:
                self._tell_missed(untold)
            if event is None:
                signal.wait(_IDLE_SECONDS)
            else:
                self._call(self._callback, event.public(Payload.value))

    def _tell_missed(self, count: int) -> None:
        if self._on_missed is None:
            log.warning("a listener is too slow: it was not told of %d changes", count)
        else:
            self._call(self._on_missed, count)

    @staticmethod
    def _call(callback: Callable[..., object], argument: object) -> None:
        try:
            call_back(callback, argument)
        except Exception as error:  # noqa: BLE001 - who looks on is in nobody's way
            # Its name alone: what it was about may stand in its text.
            log.error("a listener raised %s, which is passed over", type(error).__name__)  # noqa: TRY400 - as above

    def stop_soon(self) -> None:
        """Take no more, and let what is told end with what is in the buffer; from any thread."""
        with self._guard:
            self._is_closed = True
            signal = self._signal
        if self in self._listeners:
            self._listeners.remove(self)
        if signal is not None:
            signal.set()

    def close(self, timeout: TimeLimit = DRAIN_SECONDS) -> bool:
        """Take no more changes, and wait until those in the buffer are told; a second call does nothing.

        Args:
            timeout: How many seconds that may take; None: 10. What is not told by then is dropped. A callback that
                closes its own listener does not wait.

        Returns:
            Whether all of them were told.
        """
        self.stop_soon()
        if self._background is None or self._background.is_caller:
            return not self._buffer
        if self._background.join(drain_seconds(timeout)):
            return True
        with self._guard:
            self._buffer.clear()
        return False

    def __enter__(self) -> Self:
        """Return itself; it listens already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
