"""Where a worker looks, from when on what it found may be done, and when what could not be done is tried again."""

from datetime import UTC, datetime, timedelta

from tai_state.documents import FieldEquals, FieldRange, Query
from tai_state.rules.due.keys import DUE_KEY
from tai_state.rules.records.record import StateRecord

DUE_AT = "due_at"
"""The field of a state's document that says when it is due: the time in force."""

OVERLAP = timedelta(seconds=300)
"""How far before its last look a worker looks again: a commit that armed something may have been under way so long."""

FULL_SECONDS = 60.0
"""How often a worker looks at everything: what an import brought, and what was put off."""

TRIES_MAX = 5
"""How often a move is tried whose guard raises, before it is recorded as refused."""

_BACKOFF_SECONDS_MAX = 300.0
_REASON_MAX = 500


def look(key: str, since: datetime | None, until: datetime) -> Query:
    """Return the query for what is due under *key* before *until*, in the order of time.

    Args:
        since: From when on; None: whatever was due before, too.
    """
    within = FieldRange(DUE_AT, since, until)
    return Query(collection="states", equal=(FieldEquals(DUE_KEY, key),), within=within, is_group=True)


def earliest(record: StateRecord, committed_at: datetime) -> datetime:
    """Return the time from which on what is due of a state may be done.

    Args:
        committed_at: When the change that made it due was committed, or a later time: then it is an upper bound.
    """
    assert record.due is not None
    assert record.due_at is not None
    if record.due.after is None or record.marks.due_moved_to is not None:
        return record.due_at
    try:
        return max(record.due_at, committed_at + record.due.after)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def has_come(record: StateRecord, update_time: datetime, told: datetime) -> bool:
    """Whether the time of what is due has come.

    Args:
        update_time: When the state's document was last changed, by the store's clock.
        told: What that clock had reached before the document was read as it is.
    """
    due, at = record.due, record.due_at
    assert due is not None
    assert at is not None
    # A delay counts from the commit: one that was long under way may have landed with a time that was over.
    return at <= told and (due.after is None or update_time + due.after <= told)


def has_lease_ended(record: StateRecord, update_time: datetime, told: datetime) -> bool:
    """Whether the lease at whose end something is due has ended; arguments as for ``has_come``."""
    due, at = record.due, record.due_at
    assert due is not None
    assert due.after is not None
    assert at is not None
    # At its very end a lease still counts. By the last update, which a heartbeat is: so nobody's clock but the
    # store's is asked, however late the heartbeat landed.
    return at < told and update_time + due.after < told


def backoff_seconds(tries: int, roll: float) -> float:
    """Return how long to wait behind so many failed tries: twice as long with each, a part of it at random.

    Args:
        roll: From 0 to 1.
    """
    # Capped before it is a power: a count that was stored may be anything.
    longest = min(2.0 ** min(tries, 10), _BACKOFF_SECONDS_MAX)
    return longest * (0.5 + roll / 2)


def reason_of(error: Exception) -> str:
    """Return why a move could not be made, as it is recorded."""
    return f"{type(error).__name__}: {error}"[:_REASON_MAX]
