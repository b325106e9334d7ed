"""Finding events of a whole governor by their time: what the engine is asked for, and what is looked at here."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tai_state.documents import Cursor, FieldEquals, FieldRange, Query
from tai_state.layout import GovernorLayout
from tai_state.rules.records.record import EventRecord

FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for.

    Attributes:
        since, until: The first and the last moment, both included.
        after: The place behind which to go on.
        action, changed_by: What an event must have; None: whatever it has.
    """

    governor: GovernorLayout
    since: datetime
    until: datetime | None
    after: Cursor | None
    action: str | None
    changed_by: str | None

    @property
    def query(self) -> Query | None:
        """What the engine is asked for; None: nothing can be there."""
        since = self.since if self.after is None else max(self.since, self.after.value)
        if self.until is not None and since > self.until:
            return None
        # Of a range the end is left out, to the microsecond; the last moment of all has none behind it.
        below = None if self.until is None or self.until == LAST_MOMENT else self.until + timedelta(microseconds=1)
        # A place before the beginning is none to go on from.
        after = self.after if self.after is not None and self.after.value >= self.since else None
        within = FieldRange("timestamp", self.since, below)
        return Query(collection=self.governor.events, within=within, after=after)

    @property
    def is_filtered(self) -> bool:
        """Whether events that the engine sends are left out here."""
        return self.action is not None or self.changed_by is not None

    def takes(self, event: EventRecord) -> bool:
        """Whether an event in the time is one that is wanted."""
        return (self.action is None or event.action == self.action) and (
            self.changed_by is None or event.metadata.changed_by == self.changed_by
        )


def alone_segments(governor_id: str) -> Query:
    """Return the query for the segments that are all that there is of their events."""
    return Query(collection=GovernorLayout(governor_id).segments, equal=(FieldEquals("alone", value=True),))
