# Generated from tests/_async/access/test_turns.py by .ci/generate_sync.py; do not edit.
"""Lines of callers: who stands in one may be taken along, and answered, by another thread at any moment."""
import threading

from tai_state._sync.access.turns import Lines
from tai_state.clock import Deadline, SystemClock

SOON = Deadline(SystemClock(), 60.0)


class Guard:
    """A mutex behind which, as soon as it is free, another thread is quicker than the one that freed it."""

    def __init__(self):
        self._lock = threading.Lock()
        self.quicker = None

    def __enter__(self):
        self._lock.acquire()

    def __exit__(self, *_):
        self._lock.release()
        quicker, self.quicker = self.quicker, None
        if quicker is not None:
            quicker()


def test_a_caller_who_is_answered_at_once_has_its_answer(monkeypatch):
    """The one who has the turn sees it stand there before it has come back from entering."""
    lines, guard = Lines(), Guard()
    monkeypatch.setattr(lines, "_guard", guard)
    first, second = lines.turn("key", SOON), lines.turn("key", SOON, "wish")

    def answer():
        lines.answer([(taken, f"{taken.wish} done") for taken in lines.take(first, 9)])

    with first:
        guard.quicker = answer
        with second:
            assert second.answer == "wish done"
    assert lines.is_empty("key")
