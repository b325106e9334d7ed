"""Who may use which connection: readers come from a pool, one thread at a time each."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeVar

from tai_state.backends.sqlite.schema import Place, was_lifted
from tai_state.clock import Deadline
from tai_state.errors import StoreUnavailableError

T = TypeVar("T")

_IDLE_MAX = 16
_STEPS_BETWEEN_LOOKS = 20_000


class Reader:
    """A connection that only reads, and gives up when its caller's deadline has passed."""

    __slots__ = ("_place", "_resting", "connection", "deadline")

    def __init__(self, place: Place) -> None:
        """Open the connection."""
        self.deadline: Deadline | None = None
        self._place = place
        self._resting = place.resting()
        self.connection = place.open()
        try:
            self.connection.execute("PRAGMA query_only = ON")
            self.connection.set_progress_handler(self._is_late, _STEPS_BETWEEN_LOOKS)
        except BaseException:
            self.connection.close()
            raise

    def check(self) -> None:
        """Do nothing unless what was read may have been changed under the reader.

        Raises:
            StoreUnavailableError: Somebody began to write to a file that was taken to rest.
        """
        if self._resting is not None and self._place.resting() != self._resting:
            raise StoreUnavailableError(f"{self._place.path} was written while it was read; it is read again")

    def is_outdated(self) -> bool:
        """Whether what it was told of the file's format holds no more."""
        try:
            return self._place.read_only and was_lifted(self.connection)
        except sqlite3.Error:
            return False

    def _is_late(self) -> bool:
        return self.deadline is not None and self.deadline.passed

    def close(self) -> None:
        """Close the connection."""
        # The handler refers to this object: without it both are freed at once, in the thread that closes.
        self.connection.set_progress_handler(None, 0)
        self.connection.close()


class ReaderPool:
    """The readers of one process; as many as threads read at once, some of which stay open."""

    def __init__(self, place: Place) -> None:
        """Open nothing yet."""
        self._place = place
        self._idle: list[Reader] = []
        # Held without the condition's own methods, which take longer than all that is done under it.
        self._lock = threading.RLock()
        self._all_back = threading.Condition(self._lock)
        self._is_waited_for = False
        self._leased: set[Reader] = set()
        self._closed = False

    def run(self, call: Callable[[sqlite3.Connection], T], deadline: Deadline) -> T:
        """Return what *call* returns for a connection of its own; no transaction outlives it."""
        reader = self._take()
        try:
            reader.deadline = deadline
            found = call(reader.connection)
            reader.check()
        except StoreUnavailableError:
            self._give_back(reader, keep=False)
            raise
        except BaseException as error:
            is_outdated = isinstance(error, sqlite3.OperationalError) and reader.is_outdated()
            self._give_back(reader, keep=not is_outdated)
            if is_outdated:
                self.close_idle()
                message = f"{self._place.path} was lifted to a newer format while it was read; it is read again"
                raise StoreUnavailableError(message) from error
            raise
        self._give_back(reader)
        return found

    def _take(self) -> Reader:
        with self._lock:
            reader = self._idle.pop() if self._idle else Reader(self._place)
            self._leased.add(reader)
            return reader

    def _give_back(self, reader: Reader, *, keep: bool = True) -> None:
        reader.deadline = None
        with self._lock:
            self._leased.discard(reader)
            keep = keep and not self._closed and len(self._idle) < _IDLE_MAX
            try:
                if reader.connection.in_transaction:
                    reader.connection.rollback()
            except sqlite3.Error:
                keep = False  # what fails even to roll back is not lent again
            if keep:
                self._idle.append(reader)
            else:
                reader.close()
            if self._is_waited_for and not self._leased:
                self._all_back.notify_all()

    def close_idle(self) -> None:
        """Close the connections that nobody uses."""
        with self._lock:
            while self._idle:
                self._idle.pop().close()

    def hold(self, stack: ExitStack, seconds: float) -> None:
        """Close what is open once it is idle, *seconds* at most, and lend nothing until *stack* ends."""
        stack.enter_context(self._lock)
        self._is_waited_for = True
        self._all_back.wait_for(lambda: not self._leased, timeout=seconds)
        self._is_waited_for = False
        self.close_idle()

    def close(self) -> None:
        """Close all connections, those in use when they come back."""
        with self._lock:
            self._closed = True
        self.close_idle()
