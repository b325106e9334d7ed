"""What every list of events shows of each: what happened, by whom, and why."""

from tai_state import Event
from tai_state.cli.program.tables import Column

WHAT_HAPPENED: list[Column[Event]] = [
    Column("action", lambda event: event.action),
    Column("from -> to", lambda event: f"{event.from_status or ''} -> {event.to_status}".lstrip()),
    Column("by", lambda event: event.metadata.changed_by),
    Column("reason", lambda event: event.metadata.reason),
]
