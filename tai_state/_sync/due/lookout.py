# Generated from tai_state/_async/due/lookout.py by .ci/generate_sync.py; do not edit.
"""What a worker remembers between its looks: how far it looked, what it steps past, and what is due next."""
import threading
from datetime import datetime, timedelta

from tai_state._platform.forks import anew_in_children
from tai_state.documents import DocumentPath
from tai_state.rules.due.looking import FULL_SECONDS, OVERLAP

STEPPED_MAX = 10_000
"""How many states a worker steps past at most; one that it forgets is only tried again."""

_STEP_SECONDS = 5.0
_STEP_SECONDS_MAX = 300.0


class Lookout:
    """The memory of one worker; times are the store's, but for ``monotonic``, the seconds of its own clock.

    Whoever arms something tells it, from any thread, and so do the moves that the worker makes side by side.
    """

    def __init__(self) -> None:
        """Remember nothing: the first look sees everything."""
        self.begin_anew()
        anew_in_children(self)
        self._looked_until: datetime | None = None
        self._full_at: float | None = None
        self._stepped: dict[DocumentPath, tuple[float, float]] = {}
        self.next_due: datetime | None = None

    def begin_anew(self) -> None:
        """Be free: no thread of a fork's child is inside the lock, whoever was at that moment."""
        self._guard = threading.Lock()

    def since(self, monotonic: float) -> datetime | None:
        """Return from when on to look; None: from the beginning."""
        if self._looked_until is None or self._full_at is None or monotonic - self._full_at >= FULL_SECONDS:
            return None
        return self._looked_until - OVERLAP

    def begin(self) -> None:
        """Forget what is due next: the look tells it anew."""
        self.next_due = None

    def looked(self, until: datetime, monotonic: float, *, was_full: bool) -> None:
        """Note a look that came to its end.

        Args:
            until: Up to when it saw what is due.
        """
        self._looked_until = until
        if was_full:
            self._full_at = monotonic

    def expect(self, moment: datetime) -> None:
        """Note that something is due at *moment*, which is to come."""
        with self._guard:
            if self.next_due is None or moment < self.next_due:
                self.next_due = moment

    def is_stepped_past(self, path: DocumentPath, monotonic: float) -> bool:
        """Whether a state is left alone yet."""
        stepped = self._stepped.get(path)
        return stepped is not None and monotonic < stepped[0]

    def step_past(self, path: DocumentPath, monotonic: float) -> None:
        """Leave a state alone for a while, each time for longer."""
        with self._guard:
            _, seconds = self._stepped.pop(path, (0.0, _STEP_SECONDS / 2))
            seconds = min(2 * seconds, _STEP_SECONDS_MAX)
            if len(self._stepped) >= STEPPED_MAX:
                del self._stepped[next(iter(self._stepped))]
            self._stepped[path] = (monotonic + seconds, seconds)

    def done(self, path: DocumentPath) -> None:
        """Forget that a state was stepped past."""
        with self._guard:
            self._stepped.pop(path, None)


def seconds_until(moment: datetime, now: datetime) -> float:
    """Return how many seconds *moment* is away; 0.0 where it has come."""
    return max(0.0, (moment - now) / timedelta(seconds=1))
