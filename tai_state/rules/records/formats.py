"""Which fields make a document of a newer format."""

from collections.abc import Mapping

from tai_state.documents import Value
from tai_state.rules.records.record import EventRecord

FORMATS = {
    "digest": 2,
    "digests": 2,
    "occurred_at": 3,
    "stay": 4,
    "alone": 5,
    "trimmed": 5,
    "erased_through": 5,
    "packed": 6,
    "due_at": 7,
    "labels": 7,
    "cause": 7,
    "feed_key": 7,
    "prepared": 8,
    "foreign_parent": 8,
    "brought": 8,
}
"""Fields that an older build does not know: it would wipe them, since a Put replaces the whole document, or miss them
in a hash and call the event corrupt.

A document that has one of them is of that format, which such a build refuses to read; any other is of format 1. A field
that is there only where it is used makes only those documents new. A segment that lists its events is of the format of
its newest event.
"""

FORMAT_NEWEST = max(FORMATS.values())

SEALED = FORMATS["digests"]
"""What nearly all documents are of."""

LATER = tuple(name for name, number in FORMATS.items() if number > SEALED)
"""The fields that make a document of a later one."""


def format_of(fields: Mapping[str, Value]) -> int:
    """Return of which format a document with these *fields* is."""
    return max(map(FORMATS.__getitem__, FORMATS.keys() & fields.keys()), default=1)


def occasional_format(event: EventRecord) -> int:
    """Return the format of what holds *event* beside the text of its fields: higher where it has what few have."""
    if event.foreign_parent is not None:
        return FORMATS["foreign_parent"]
    is_higher = event.due is not None or event.labels or event.cause is not None
    return FORMATS["due_at"] if is_higher else 1
