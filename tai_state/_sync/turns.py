# Generated from tai_state/_async/turns.py by .ci/generate_sync.py; do not edit.
"""Turns: the callers of one process that change the same state go one after the other.

Their commits would only refuse each other. Other processes are kept apart by the commit's
preconditions; correctness never rests on a turn. Here is where callers can be coalesced into one commit.
"""
import threading
from collections.abc import Iterator, Hashable
from contextlib import contextmanager

from tai_state._platform import Mutex
from tai_state.clock import Deadline
from tai_state.errors import DeadlineExceededError


class _Turn:
    __slots__ = ("mutex", "users")

    def __init__(self) -> None:
        self.mutex = Mutex()
        self.users = 0


class Turns:
    """A mutex for each key in use; a key that nobody uses takes no memory."""

    def __init__(self) -> None:
        """Start with no key in use."""
        self._turns: dict[Hashable, _Turn] = {}
        self._lock = threading.Lock()

    @contextmanager
    def of(self, key: Hashable, deadline: Deadline) -> Iterator[None]:
        """Wait for the turn at *key* and hold it inside the block.

        Raises:
            DeadlineExceededError: The turn did not come in time; nothing was done.
        """
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
            turn.users += 1
        try:
            if not turn.mutex.acquire(deadline.remaining()):
                message = f"other callers kept {key} busy for {deadline.seconds:g} seconds; nothing was written"
                raise DeadlineExceededError(message)
            try:
                yield
            finally:
                turn.mutex.release()
        finally:
            with self._lock:
                turn.users -= 1
                if not turn.users:
                    del self._turns[key]
