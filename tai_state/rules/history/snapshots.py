"""Snapshots: full states at some versions, written with the commit that is due one; the newest are kept."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tai_state.codec import to_json
from tai_state.config import INLINE, Encoding
from tai_state.documents import Delete, Document, Put, Write
from tai_state.errors import CorruptLogError
from tai_state.layout import StateLayout
from tai_state.rules.records.documents import plain_state_fields, read_state, state_fields
from tai_state.rules.records.record import Marks, StateRecord


def snapshot_fields(record: StateRecord, encoding: Encoding) -> dict[str, Any]:
    """Return the fields of a snapshot document: those of the state, whose digest tells damage."""
    # The marks belong to the state as it is now, not to the version that is kept.
    return state_fields(replace(record, marks=Marks()), encoding)


def read_snapshot(document: Document, governor_id: str, state_id: str) -> StateRecord:
    """Return the state in a snapshot document.

    Raises:
        CorruptLogError: It is damaged: its content does not have its digest.
    """
    record = read_state(document, governor_id, state_id)
    if document.fields["format"] == 1 and document.fields.get("digest") != _digest_of_format_1(record):
        raise CorruptLogError(
            governor_id, state_id, record.version, f"snapshot {document.path} does not match its digest"
        )
    return record


def _digest_of_format_1(record: StateRecord) -> str:
    fields = plain_state_fields(replace(record, marks=Marks()), INLINE)
    return hashlib.sha256(to_json({**fields, "format": 1})).hexdigest()


def begins_period(before: StateRecord, record: StateRecord, every: timedelta) -> bool:
    """Whether *record* is the first version in a period: they are counted from 1970 on, in UTC."""
    return (before.timestamp - _EPOCH) // every < (record.timestamp - _EPOCH) // every


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def add_snapshot(
    paths: StateLayout, record: StateRecord, encoding: Encoding, retention: int
) -> tuple[StateRecord, list[Write]]:
    """Return *record* with a snapshot of it among its marks, and the writes: the new one, and the old ones dropped."""
    # A set: the same version may be snapshotted by hand and by the interval.
    kept = sorted({*record.marks.snapshots, record.version})
    dropped = kept[:-retention]
    marks = replace(record.marks, snapshots=tuple(kept[-retention:]))
    # No precondition: the state's own decides, and whoever snapshots a version writes the same content.
    writes: list[Write] = [Put(paths.snapshot(record.version), snapshot_fields(record, encoding))]
    writes += [Delete(paths.snapshot(version)) for version in dropped]
    return replace(record, marks=marks), writes
