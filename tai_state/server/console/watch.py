"""What the process does, counted from when somebody first looks at the console: who never does pays nothing."""

from typing import TYPE_CHECKING

from tai_state import AsyncStateStore, Clock
from tai_state.telemetry import Monitor

if TYPE_CHECKING:
    from datetime import datetime


class Watch:
    """A monitor of a store, begun when it is first wanted.

    Attributes:
        since: When it began.
    """

    def __init__(self, store: AsyncStateStore, clock: Clock) -> None:
        """Watch *store* from the first visit on."""
        self._store = store
        self._clock = clock
        self._monitor: Monitor | None = None
        self.since: datetime | None = None

    def begin(self) -> None:
        """Count from now on, where that has not begun."""
        if self._monitor is None:
            self.since = self._clock.now()
            self._monitor = Monitor(self._store)

    @property
    def monitor(self) -> Monitor:
        """What counts; it has begun by whoever asks."""
        self.begin()
        assert self._monitor is not None
        return self._monitor
