"""What conflicts there were, and whether they come in a storm."""

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tai_state.clock import Clock, checked_clock, seconds_of
from tai_state.config import check_count, check_kind

CONFLICTS_MAX = 1000
"""How many conflicts a history remembers, where nobody says otherwise."""

STORM_CONFLICTS = 20
STORM_SECONDS = 60.0
"""How many conflicts within how many seconds are a storm, where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class ConflictVersion:
    """One of the versions that are in conflict.

    Attributes:
        origin: The id of the store whose change it is.
        version: Its number in the line of a store.
        changed_by: Who made it.
    """

    origin: str
    version: int
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """That two versions of a state did not know of each other, or could not be told to.

    Attributes:
        governor_id, state_id: The state.
        versions: The versions.
        kind: What it was: ``concurrent`` versions; ``no_base``, of which no nearest common one is known, so that they
            were merged two ways; ``key``, under which both had made a change; ``unequal``, whose clocks are equal and
            whose contents are not; ``prepared``, which a transaction over several stores had in hand; ``busy``, which
            was changed again and again meanwhile; ``damaged``.
        strategy: The name of the resolver; "" where none was asked.
        result: What became of it: ``resolved``, ``unresolved``, or ``reported`` where nothing had to.
        fields: The places in the data that both had changed, each in its own way.
        detail: What a person should know of it beside that.
        at: When it was recorded; None: it was not yet.
    """

    governor_id: str
    state_id: str
    versions: tuple[ConflictVersion, ...] = ()
    kind: str = "concurrent"
    strategy: str = ""
    result: str = "resolved"
    fields: tuple[str, ...] = ()
    detail: str = ""
    at: datetime | None = None


class ConflictHistory:
    """The last conflicts of a process, in the order in which they were recorded; no more than *size* of them."""

    def __init__(self, size: int = CONFLICTS_MAX, *, clock: Clock | None = None) -> None:
        """Remember *size* conflicts; *clock* says when each was recorded, and what the last minutes are."""
        self._conflicts: deque[Conflict] = deque(maxlen=check_count(size, "size", least=1))
        self._clock = checked_clock(clock)
        self.total = 0
        """How many were recorded, those included that are not remembered any more."""

    def record(self, conflict: Conflict) -> Conflict:
        """Remember a conflict, and return it with the time at which it was recorded, unless it has one."""
        check_kind(conflict, Conflict, "a conflict")
        timed = conflict if conflict.at is not None else replace(conflict, at=self._clock.now())
        self._conflicts.append(timed)
        self.total += 1
        return timed

    def recent(self, n: int = 10) -> list[Conflict]:
        """Return the last *n* conflicts, the newest first."""
        check_count(n, "n", least=0)
        return list(reversed(self._conflicts))[:n]

    def has_storm(
        self,
        threshold: int = STORM_CONFLICTS,
        window: float | timedelta = STORM_SECONDS,
        *,
        governor_id: str | None = None,
    ) -> bool:
        """Whether *threshold* conflicts or more were recorded within the last *window*, in seconds.

        More than are remembered cannot be counted: a *threshold* above that is never reached.

        Args:
            governor_id: Of the states of this governor alone.
        """
        check_count(threshold, "threshold", least=1)
        since = self._clock.now() - timedelta(seconds=seconds_of(window))
        met = [one for one in list(self._conflicts) if governor_id in {None, one.governor_id}]
        return sum(1 for one in met if one.at is not None and one.at >= since) >= threshold

    def count(self, governor_id: str) -> int:
        """Return how many of the conflicts that are remembered are of a governor's states."""
        return sum(1 for one in list(self._conflicts) if one.governor_id == governor_id)
