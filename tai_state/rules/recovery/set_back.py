"""What documents say of times to come, in a store whose clock was set back: see ``backends.sqlite.set_back``."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tai_state.documents import Value
from tai_state.rules.due.moved import moved
from tai_state.rules.records.record import StateRecord

_OF_SUBSCRIPTIONS = ("since", "reached", "swept_at", "retry_at")


def due_again(record: StateRecord, now: datetime) -> StateRecord | None:
    """Return a state with its due time as far from *now* as its delay; None where it is due no later than that.

    One without a delay was set for a time of its own, and stays.
    """
    due, at = record.due, record.due_at
    if due is None or at is None or due.after is None or at <= now + due.after:
        return None
    return moved(record, now + due.after)


def looks_again(fields: Mapping[str, Value], floor: datetime, now: datetime) -> dict[str, Any] | None:
    """Return the fields of a subscription's document whose times to come are *floor*; None where it has none.

    All that was brought back is behind that: it is found again, and what was told of it is known by its version.
    """
    times = {name: fields.get(name) for name in _OF_SUBSCRIPTIONS}
    later = {name: floor for name, moment in times.items() if isinstance(moment, datetime) and moment > now}
    return {**fields, **later} if later else None
