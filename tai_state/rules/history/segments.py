"""Sealed segments: runs of events in one compressed document, so that recovery reads one instead of many."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tai_state.codec import compress, decompress, dump_json, from_json
from tai_state.config import INLINE, Maintenance
from tai_state.documents import Document, Put
from tai_state.errors import CorruptLogError, InvalidDataError
from tai_state.layout import FORMAT, StateLayout
from tai_state.rules.history.replay import contradiction
from tai_state.rules.records.documents import check_owner, event_fields, event_from
from tai_state.rules.records.fields import FieldError, check_format
from tai_state.rules.records.record import EventRecord, StateRecord

SEGMENT_BYTES_MAX = 900 * 1024
"""What a segment takes at most as stored: below the mebibyte that a document holds."""

SEGMENT_JSON_BYTES_MAX = 16 * 1024 * 1024
"""What it takes at most uncompressed: whoever reads it holds all of it in memory."""

_BATCH_BYTES = 2 * 1024 * 1024
"""What is read at a time of the events to be sealed, about: between two reads is seen whether there is time left."""

_SAME = "same"


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed run of events, ready to be written or as read."""

    first: int
    last: int
    write: Put | None = None
    events: tuple[EventRecord, ...] = ()


def segment_due(head: StateRecord, maintenance: Maintenance) -> range | None:
    """Return the versions that the next commit after *head* should seal, if a full run is unsealed."""
    first = head.marks.first_unsealed
    last = first + maintenance.segment_events - 1
    return range(first, last + 1) if head.version >= last else None


def batches(due: range, head: StateRecord) -> Iterator[range]:
    """Yield the versions that are to be read, those of one read at a time; together no more than a segment holds.

    How large an event is is not known before it is read: about as large as the data of *head*, which it holds twice.
    """
    size = len(head.data.json) + 1
    step = max(1, _BATCH_BYTES // (2 * size))
    wanted = due[: max(1, SEGMENT_JSON_BYTES_MAX // size)]
    return (wanted[first : first + step] for first in range(0, len(wanted), step))


def is_sound_run(events: Sequence[EventRecord]) -> bool:
    """Whether each of *events* follows from the one before: what contradicts itself is not sealed."""
    return all(contradiction(before, event) is None for before, event in pairwise(events))


def _sealed_fields(event: EventRecord, previous: EventRecord | None) -> dict[str, Any]:
    fields = {**event_fields(event, INLINE), "committed_at": event.committed_at}
    # Native and JSON forms of a payload are told apart by type inside JSON too.
    if previous is not None and previous.to_state == event.from_state:
        fields["from_state"] = _SAME
    return fields


def build_segment(paths: StateLayout, events: Sequence[EventRecord]) -> Segment | None:
    """Return the segment of as many leading *events* as fit; None when not even one does.

    Within 16 MiB as they are read, and 900 KiB compressed: of those, all, or a half, a quarter and so on.

    Args:
        events: Contiguous, ascending, sound.
    """
    pairs = zip(events, (None, *events), strict=False)
    sealed: list[bytes] = []
    size = 0
    for event, before in pairs:
        encoded = dump_json(_sealed_fields(event, before))
        size += len(encoded)
        if size > SEGMENT_JSON_BYTES_MAX:
            break
        sealed.append(encoded)
    while sealed:
        blob = compress(b"[" + b",".join(sealed) + b"]")
        if len(blob) <= SEGMENT_BYTES_MAX:
            return _segment(paths, events[: len(sealed)], blob)
        sealed = sealed[: len(sealed) // 2]
    return None


def _segment(paths: StateLayout, run: Sequence[EventRecord], blob: bytes) -> Segment:
    first, last = run[0], run[-1]
    fields = {
        "format": FORMAT,
        "governor_id": paths.governor_id,
        "state_id": paths.state_id,
        "first": first.version,
        "last": last.version,
        "hash": last.hash,
        "digest": hashlib.sha256(blob).hexdigest(),
        "events": blob,
    }
    # No precondition: the state's own decides, and a segment left by a lost race holds the same events.
    return Segment(first.version, last.version, Put(paths.segment(first.version), fields))


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
        for event in events:
            check_owner(event, governor_id, state_id)
    except (KeyError, TypeError, IndexError, FieldError, InvalidDataError) as error:
        version = document.fields.get("first")
        where = version if type(version) is int else None
        raise CorruptLogError(governor_id, state_id, where, f"segment {document.path} is damaged: {error}") from error
    return Segment(first, last, None, tuple(events))


def _unsealed(blob: bytes, digest: str, versions: range) -> list[EventRecord]:
    # Before it is unpacked: what is damaged is not fed to a decompressor.
    if hashlib.sha256(blob).hexdigest() != digest:
        message = "it does not match its digest"
        raise FieldError(message)
    events: list[EventRecord] = []
    for fields in from_json(decompress(blob)):
        if fields["from_state"] == _SAME:
            fields["from_state"] = events[-1].to_state.field(INLINE)
        events.append(event_from(fields, fields["committed_at"]))
    # A segment that holds other events than its id says would hide a gap.
    if [event.version for event in events] != list(versions):
        message = "its events are not those that it names"
        raise FieldError(message)
    return events
