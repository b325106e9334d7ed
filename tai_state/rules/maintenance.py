"""Snapshots, sealed segments and retention: what is due with a commit, derived from a state's marks."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tai_state.codec import Encoding, compress, decompress, dump_json, from_json, to_json
from tai_state.documents import Delete, Document, Put, Write
from tai_state.errors import ConfigurationError, CorruptLogError, InvalidDataError
from tai_state.layout import FORMAT, StateLayout
from tai_state.rules.mapping import (
    FieldError,
    check_format,
    event_fields,
    event_from,
    read_state,
    state_fields,
)
from tai_state.rules.records import EventRecord, Marks, StateRecord

SEGMENT_BYTES_MAX = 900 * 1024

_INLINE = Encoding(json_bytes_min=2**62, zstd_bytes_min=2**62)
_SAME = "same"


@dataclass(frozen=True, slots=True)
class Maintenance:
    """How often a state is snapshotted, and how many snapshots are kept."""

    snapshot_interval: int = 100
    snapshot_retention: int = 5

    def __post_init__(self) -> None:
        """Refuse numbers below 1."""
        for name in ("snapshot_interval", "snapshot_retention"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                message = f"{name} must be an int of at least 1, not {value!r}"
                raise ConfigurationError(message)


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed run of events, ready to be written or as read."""

    first: int
    last: int
    write: Put | None = None
    events: tuple[EventRecord, ...] = ()


def _digest(fields: dict[str, Any]) -> str:
    return hashlib.sha256(to_json(fields)).hexdigest()


def snapshot_fields(record: StateRecord, encoding: Encoding) -> dict[str, Any]:
    """Return the fields of a snapshot document: the state's own, and a digest that tells damage."""
    # The marks belong to the state as it is now, not to the version that is kept.
    kept = replace(record, marks=Marks())
    return {**state_fields(kept, encoding), "digest": _digest(state_fields(kept, _INLINE))}


def read_snapshot(document: Document, governor_id: str, state_id: str) -> StateRecord:
    """Return the state in a snapshot document.

    Raises:
        CorruptLogError: It is damaged: its content does not have its digest.
    """
    record = read_state(document, governor_id, state_id)
    if document.fields.get("digest") != _digest(state_fields(replace(record, marks=Marks()), _INLINE)):
        raise CorruptLogError(
            governor_id, state_id, record.version, f"snapshot {document.path} does not match its digest"
        )
    return record


def add_snapshot(
    paths: StateLayout, record: StateRecord, encoding: Encoding, retention: int
) -> tuple[StateRecord, list[Write]]:
    """Return *record* with a snapshot of it among its marks, and the writes: the new one, and the old ones dropped."""
    kept = sorted({*record.marks.snapshots, record.version})
    dropped = kept[:-retention]
    marks = replace(record.marks, snapshots=tuple(kept[-retention:]))
    writes: list[Write] = [Put(paths.snapshot(record.version), snapshot_fields(record, encoding))]
    writes += [Delete(paths.snapshot(version)) for version in dropped]
    return replace(record, marks=marks), writes


def snapshot_is_due(record: StateRecord, maintenance: Maintenance) -> bool:
    """Whether the commit that makes *record* carries a snapshot: it reaches a multiple of the interval.

    One that was put off there is due with the next commit.
    """
    multiple = record.version - record.version % maintenance.snapshot_interval
    return multiple > max(record.marks.snapshots, default=0)


def segment_due(head: StateRecord, maintenance: Maintenance) -> range | None:
    """Return the versions that the next commit after *head* should seal, if a full run is unsealed."""
    first = max(head.marks.sealed_through, head.marks.trimmed_through) + 1
    last = first + maintenance.snapshot_interval - 1
    return range(first, last + 1) if head.version >= last else None


def _sealed_fields(event: EventRecord, previous: EventRecord | None) -> dict[str, Any]:
    fields = {**event_fields(event, _INLINE), "committed_at": event.committed_at}
    # Native and JSON forms of a payload are told apart by type inside JSON too.
    if previous is not None and previous.to_state == event.from_state:
        fields["from_state"] = _SAME
    return fields


def build_segment(paths: StateLayout, events: Sequence[EventRecord]) -> Segment | None:
    """Return the segment of as many leading *events* as fit in 900 KiB; None when not even one does.

    Args:
        events: Contiguous, ascending, sound.
    """
    count = len(events)
    while count:
        run = events[:count]
        sealed = [_sealed_fields(event, before) for event, before in zip(run, (None, *run), strict=False)]
        blob = compress(dump_json(sealed))
        if len(blob) <= SEGMENT_BYTES_MAX:
            fields = {
                "format": FORMAT,
                "governor_id": paths.governor_id,
                "state_id": paths.state_id,
                "first": run[0].version,
                "last": run[-1].version,
                "hash": run[-1].hash,
                "digest": hashlib.sha256(blob).hexdigest(),
                "events": blob,
            }
            # No precondition: the state's own decides, and a segment left by a lost race holds the same events.
            return Segment(run[0].version, run[-1].version, Put(paths.segment(run[0].version), fields))
        count //= 2
    return None


def read_segment(document: Document, governor_id: str, state_id: str) -> Segment:
    """Return the segment in a document, its events with every field they had.

    Raises:
        CorruptLogError: It is damaged.
    """
    try:
        check_format(document.fields, document.path)
        first, last = document.fields["first"], document.fields["last"]
        blob = document.fields["events"]
        events = _unsealed(blob, document.fields["digest"], range(first, last + 1))
    except (KeyError, TypeError, IndexError, FieldError, InvalidDataError) as error:
        version = document.fields.get("first")
        where = version if type(version) is int else None
        raise CorruptLogError(governor_id, state_id, where, f"segment {document.path} is damaged: {error}") from error
    return Segment(first, last, None, tuple(events))


def _unsealed(blob: bytes, digest: str, versions: range) -> list[EventRecord]:
    if hashlib.sha256(blob).hexdigest() != digest:
        message = "it does not match its digest"
        raise FieldError(message)
    events: list[EventRecord] = []
    for fields in from_json(decompress(blob)):
        if fields["from_state"] == _SAME:
            fields["from_state"] = events[-1].to_state.field(_INLINE)
        events.append(event_from(fields, fields["committed_at"]))
    if [event.version for event in events] != list(versions):
        message = "its events are not those that it names"
        raise FieldError(message)
    return events
