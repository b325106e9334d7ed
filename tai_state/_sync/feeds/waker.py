# Generated from tai_state/_async/feeds/waker.py by .ci/generate_sync.py; do not edit.
"""What wakes a worker: a change that its own store made, or that it is to end."""
from types import TracebackType
from typing import Self

from tai_state._sync.commits.writer import ChangeWriter
from tai_state._platform.waits import Signal
from tai_state.clock import TimeLimit
from tai_state.rules.records.record import EventRecord


class Waker:
    """Listens, for as long as its block runs; a wake-up is no more than that."""

    def __init__(self, writer: ChangeWriter) -> None:
        """Be woken by what *writer* writes."""
        self._listeners = writer.listeners
        self._signal: Signal | None = None

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._signal = Signal()
        self._listeners.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Listen no more."""
        if self in self._listeners:
            self._listeners.remove(self)

    def tell(self, event: EventRecord) -> None:
        """Be woken by a change."""
        del event
        self.wake()

    def wake(self) -> None:
        """Wake who waits, or let its next wait return at once; from any thread."""
        if self._signal is not None:
            self._signal.set()

    def stop_soon(self) -> None:
        """Wake who waits: its store is closed."""
        self.wake()

    def close(self, timeout: TimeLimit = None) -> bool:
        """Wake who waits: its store is drained."""
        del timeout
        self.wake()
        return True

    def wait(self, seconds: float) -> None:
        """Wait until it is woken, *seconds* at most."""
        assert self._signal is not None
        self._signal.wait(seconds)
