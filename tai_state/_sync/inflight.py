# Generated from tai_state/_async/inflight.py by .ci/generate_sync.py; do not edit.
"""The calls under way: counted, so that a store can end them in bounded time before it closes."""
import threading
from collections.abc import Iterator, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tai_state._platform import sleep
from tai_state.clock import Deadline, SystemClock
from tai_state.errors import StoreError

T = TypeVar("T")

_POLL_SECONDS = 0.005


class InFlight:
    """A count of calls under way, and a door that can be shut."""

    def __init__(self) -> None:
        """Begin open, with none under way."""
        self._count = 0
        self._shut = False
        self._lock = threading.Lock()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count one call for as long as the block runs.

        Raises:
            StoreError: The store is drained or closed.
        """
        with self._counted(is_new=True):
            yield

    @contextmanager
    def _counted(self, *, is_new: bool) -> Iterator[None]:
        # Under one lock: whoever drains sees the count of all that were let in.
        with self._lock:
            if is_new and self._shut:
                message = "the store is closed"
                raise StoreError(message)
            self._count += 1
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1

    def reading(self, items: Iterator[T]) -> Iterator[T]:
        """Pass *items* on, which are let in once; only the wait for each next one is a call under way.

        What the reader does between two of them is not: one who stops reading holds up nobody.

        Raises:
            StoreError: The store is drained or closed.
        """
        is_new = True
        while True:
            with self._counted(is_new=is_new):
                try:
                    item = next(items)
                except StopIteration:
                    return
            is_new = False
            yield item

    def refuse(self) -> None:
        """Let no new call in."""
        with self._lock:
            self._shut = True

    def drain(self, timeout: float) -> bool:
        """Let no new call in, wait up to *timeout* seconds for the others; return whether all ended."""
        self.refuse()
        # Real seconds: calls under way end in real time, whatever clock their store goes by.
        deadline = Deadline(SystemClock(), timeout)
        while self._count and not deadline.passed:
            sleep(_POLL_SECONDS)
        return not self._count
