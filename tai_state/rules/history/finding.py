"""Finding events of a whole governor by their time: what the engine is asked for, and what is looked at here."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tai_state import models
from tai_state.documents import Cursor, FieldEquals, FieldRange, Query
from tai_state.errors import InvalidDataError
from tai_state.layout import GovernorLayout, state_layout
from tai_state.rules.records.arguments import check_time, check_version
from tai_state.rules.records.record import EventRecord

_FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)
_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)
_PLACE = 3


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
        below = None if self.until is None or self.until == _LAST_MOMENT else self.until + timedelta(microseconds=1)
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


def wanted_events(
    governor_id: str, *, since: object, until: object, action: object, changed_by: object, after: object
) -> Wanted:
    """Return what a caller asks for, checked.

    Raises:
        InvalidDataError: One of the arguments cannot be; names it.
        InvalidIdError: The governor's id cannot be one.
    """
    return Wanted(
        governor=GovernorLayout(governor_id),
        since=_FIRST_MOMENT if since is None else check_time(since, "since"),
        until=None if until is None else check_time(until, "until"),
        after=None if after is None else _cursor(governor_id, after),
        action=text_or_none(action, "action"),
        changed_by=text_or_none(changed_by, "changed_by"),
    )


def text_or_none(value: object, name: str) -> str | None:
    """Return what is looked for in a field as plain text; None: nothing.

    Raises:
        InvalidDataError: It is no text.
    """
    if value is None:
        return None
    if isinstance(value, str):
        # A subclass (a StrEnum member, say) is no text to some engines.
        return str.__str__(value)
    message = f"must be a str, not {type(value).__name__}"
    raise InvalidDataError(message, path=name)


def _cursor(governor_id: str, after: object) -> Cursor:
    if isinstance(after, models.Event):
        if after.governor_id != governor_id:
            message = f"is an event of governor {after.governor_id!r}, not of {governor_id!r}"
            raise InvalidDataError(message, path="after")
        after = (after.timestamp, after.state_id, after.version)
    if not isinstance(after, tuple) or len(after) != _PLACE:
        message = "must be an event, or its (timestamp, state_id, version)"
        raise InvalidDataError(message, path="after")
    timestamp, state_id, version = after
    path = state_layout(governor_id, state_id).event(check_version(version, "after"))
    return Cursor(path, check_time(timestamp, "after"))


def alone_segments(governor_id: str) -> Query:
    """Return the query for the segments that are all that there is of their events."""
    return Query(collection=GovernorLayout(governor_id).segments, equal=(FieldEquals("alone", value=True),))
