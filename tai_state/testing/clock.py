"""A clock that moves when a test says so."""

import threading
from datetime import UTC, datetime, timedelta

_START = datetime(2026, 1, 1, tzinfo=UTC)
_NANOSECONDS = 1_000_000_000


class ManualClock:
    """A ``tai_state.clock.Clock`` that stands still until it is moved; usable from several threads."""

    def __init__(self, start: datetime = _START, *, monotonic: float = 0.0) -> None:
        """Start at the aware time *start*, with *monotonic* seconds elapsed.

        Raises:
            ValueError: *start* has no time zone.
        """
        if start.utcoffset() is None:
            raise ValueError("a clock starts at an aware datetime")
        self._lock = threading.Lock()
        self._start = start.astimezone(UTC)
        # Whole nanoseconds: ten steps of 0.1 s are one second.
        self._wall = 0
        self._elapsed = round(monotonic * _NANOSECONDS)

    def now(self) -> datetime:
        """Return the wall clock's time, in UTC."""
        with self._lock:
            return self._start + timedelta(microseconds=self._wall // 1_000)

    def monotonic(self) -> float:
        """Return the elapsed seconds, which no step of the wall clock changes."""
        with self._lock:
            return self._elapsed / _NANOSECONDS

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass on both clocks.

        Raises:
            ValueError: *seconds* is negative: time never runs back; ``step_wall`` steps the wall clock.
        """
        if seconds < 0:
            raise ValueError(f"time cannot pass by {seconds} s; use step_wall to set the wall clock back")
        nanoseconds = round(seconds * _NANOSECONDS)
        with self._lock:
            self._wall += nanoseconds
            self._elapsed += nanoseconds

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock forward by *seconds*, or back by negative ones; no time passes."""
        with self._lock:
            self._wall += round(seconds * _NANOSECONDS)
