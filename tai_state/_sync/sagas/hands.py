# Generated from tai_state/_async/sagas/hands.py by .ci/generate_sync.py; do not edit.
"""Hands: what a runner does side by side, each a task or a thread, while it waits where it can be interrupted."""
import threading
from collections.abc import Awaitable, Callable

from tai_state._platform.backgrounds import Background
from tai_state.clock import Deadline, SystemClock


class Hands:
    """So many at once, and what became of all that were begun.

    Attributes:
        done: How many of those that ended had something to do.
        failures: What those raised that did not end well.
    """

    def __init__(self, most: int, wake: Callable[[], None]) -> None:
        """Begin with all of them free; *wake* is called when one becomes free."""
        self.done = 0
        self.failures: list[BaseException] = []
        self._most = most
        self._wake = wake
        self._guard = threading.Lock()
        self._busy: set[object] = set()
        self._hands: list[Background] = []

    @property
    def is_busy(self) -> bool:
        """Whether any of them is at work."""
        return bool(self._busy)

    @property
    def has_room(self) -> bool:
        """Whether one of them is free."""
        return len(self._busy) < self._most

    def begin(self, call: Callable[[], bool]) -> None:
        """Let a free one make a call, which returns whether there was something to do."""
        mark = object()
        self._busy.add(mark)

        def run() -> None:
            try:
                has_done = call()
                with self._guard:
                    self.done += has_done
            except BaseException as error:  # noqa: BLE001 - whoever waits for all of them raises it
                self.failures.append(error)
            finally:
                self._busy.discard(mark)
                self._wake()

        self._hands = [hand for hand in self._hands if not hand.has_ended]
        self._hands.append(Background("tai-saga", run))

    def join(self, seconds: float) -> None:
        """Wait for those at work, *seconds* at most in all."""
        deadline = Deadline(SystemClock(), seconds)
        for hand in self._hands:
            hand.join(deadline.remaining())
