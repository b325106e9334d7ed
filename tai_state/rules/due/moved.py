"""A due time that is moved without a change: its mark, and what became of a commit that was to set it."""

from dataclasses import replace
from datetime import datetime

from tai_state.documents import Document
from tai_state.rules.records.record import StateRecord


def moved(record: StateRecord, to: datetime, *, tries: int = 0) -> StateRecord:
    """Return a state whose due time is *to* instead of what its event says.

    Args:
        tries: How often its firing has failed.
    """
    assert record.due is not None
    return replace(record, marks=replace(record.marks, due_moved_to=to, due_tries=tries))


def has_moved(wanted: StateRecord, found: StateRecord | None) -> bool:
    """Whether the state that was *found* has the marks that were *wanted*, of the same due time."""
    if found is None or found.due != wanted.due:
        return False
    ours, theirs = wanted.marks, found.marks
    return (ours.due_moved_to, ours.due_tries) == (theirs.due_moved_to, theirs.due_tries)


def is_untouched(found: Document | None, based: datetime) -> bool:
    """Whether the document is as it was when the commit was decided."""
    return found is not None and found.update_time == based
