"""What is written to make something sound again, and the records of it.

A repair is one commit: what is mended, under the precondition that it is as it was found, and its record in ``audit``.
What cannot be repaired is copied to ``quarantine``, once, and stays where it is. An event that stands where the next
change would have to go is moved there: it is kept, and in nobody's way.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tai_state.codec import Payload, to_json
from tai_state.config import Encoding, Maintenance
from tai_state.documents import (
    DAMAGED,
    Check,
    Delete,
    Document,
    DocumentPath,
    Fields,
    MustNotExist,
    Precondition,
    Put,
    UpdatedAt,
    Write,
)
from tai_state.layout import FORMAT, StateLayout, owner_and_version
from tai_state.rules.history.replay import contradiction
from tai_state.rules.history.segments import build_segment, is_sound_run
from tai_state.rules.history.snapshots import snapshot_fields
from tai_state.rules.records.documents import event_fields, state_put
from tai_state.rules.records.fields import FieldError
from tai_state.rules.records.occasional import Prepared
from tai_state.rules.records.parts import dependents_from
from tai_state.rules.records.record import EventRecord, StateRecord
from tai_state.rules.recovery.findings import STRAY, Finding, Made

_SHOWN_BYTES_MAX = 16 * 1024
"""A value larger than this is told in a record by its digest."""

STATES = frozenset({"state_missing", "corrupt_state", "state_mismatch", "state_behind", "stale_marks"})
EVENTS = frozenset({"missing_event", "corrupt_event"})
SNAPSHOTS = frozenset({"missing_snapshot", "corrupt_snapshot"})
SEGMENTS = frozenset({"missing_segment", "corrupt_segment"})
QUARANTINED = frozenset(
    {"missing_event", "corrupt_event", "broken_chain", "corrupt_state", "state_mismatch", "state_behind"}
    | {"state_missing", "extra_event", "corrupt_snapshot", "corrupt_segment", "corrupt_receipt", "corrupt_branch"}
)
"""What is copied there where it cannot be repaired: damage to what is ours, which a person may be able to read."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Who repairs, why and when, and the id of the record."""

    changed_by: str
    reason: str
    now: datetime
    audit_id: str


@dataclass(frozen=True, slots=True)
class Mending:
    """What is written about one finding, without its record; no writes: it is to be looked at again."""

    finding: Finding
    message: str
    path: DocumentPath
    writes: tuple[Write, ...]
    before: Fields | None
    after: Fields | None


def as_found(document: Document | None) -> Precondition:
    """Return the precondition that a document is as it was read, or not there."""
    return MustNotExist() if document is None else UpdatedAt(document.update_time)


def written_since(finding: Finding) -> Mending:
    """Return that nothing is to be written: somebody wrote there since it was found."""
    return Mending(finding, "it was written since", finding.path, (), None, None)


def mend_state(
    finding: Finding,
    paths: StateLayout,
    found: Document | None,
    dependents: Mapping[str, str],
    encoding: Encoding,
    *,
    keys: tuple[str, str] = ("", ""),
    prepared: Prepared | None = None,
) -> Mending | None:
    """Return the write of the state document that the log determines; None: it does not.

    Args:
        dependents: The states that depend on it, each with its machine.
        keys: Where it is looked for when it is due, if its marks do not say; and among what has changed.
        prepared: The mark of a transaction over several stores that has it in hand, where there is one.
    """
    truth = finding.truth
    if not isinstance(truth, StateRecord):
        return None
    due_key, feed_key = keys
    marks = replace(truth.marks, dependents=dependents, due_key=truth.marks.due_key or due_key, feed_key=feed_key)
    marks = marks if prepared is None else replace(marks, prepared=prepared)
    record = replace(truth, marks=marks)
    put = state_put(paths, record, encoding, found.update_time if found is not None else None, keeps_mark=True)
    message = f"the state document is written again as its log tells it, at version {record.version}"
    return Mending(finding, message, put.path, (put,), _fields(found), put.fields)


def told_dependents(paths: StateLayout, found: Document | None) -> dict[str, str]:
    """Return the dependents that a state's document names, whatever else of it is damaged, unless it is another's."""
    fields = {} if found is None else found.fields
    if (fields.get("governor_id"), fields.get("state_id")) != (paths.governor_id, paths.state_id):
        return {}
    try:
        return dependents_from(fields)
    except FieldError:
        return {}


def mend_event(finding: Finding, found: Document | None, encoding: Encoding) -> Mending | None:
    """Return the write of the event that its segment, or its neighbours, prove; None: nothing does."""
    truth = finding.truth
    if not isinstance(truth, EventRecord):
        return None
    fields = event_fields(truth, encoding)
    # What the engine says of this document is the time of its repair.
    if truth.committed_at is not None and (found is None or found.create_time != truth.committed_at):
        fields["committed_at"] = truth.committed_at
    put = Put(finding.path, fields, as_found(found))
    message = f"event {truth.version} is restored: its hash in the chain proves it"
    return Mending(finding, message, put.path, (put,), _fields(found), fields)


def is_stray(finding: Finding) -> bool:
    """Whether what an event should be was found in the place of another one."""
    return finding.other == STRAY


def mend_snapshot(
    finding: Finding,
    found: Document | None,
    stands: Check,
    event: EventRecord | None,
    encoding: Encoding,
) -> Mending | None:
    """Return the write of a snapshot from the event of its version; None: that is not there.

    Args:
        stands: That the state is as it was found: a snapshot that it drops meanwhile is not to come back.
    """
    if event is None or contradicts_itself(event):
        return None
    fields = snapshot_fields(event.state(), encoding)
    put = Put(finding.path, fields, as_found(found))
    message = f"the snapshot of version {event.version} is written again from its event"
    return Mending(finding, message, put.path, (put, stands), _fields(found), fields)


def segment_run(finding: Finding, maintenance: Maintenance) -> range:
    """Return the versions that the segment of a finding is to be written again from."""
    _, first = owner_and_version(finding.path.id)
    most = first + maintenance.segment_events - 1
    # Of a run without any segment nobody knows how it was cut: as it would be now.
    last = most if finding.last is None else finding.last
    return range(first, (min(last, most) if finding.kind == "missing_segment" else last) + 1)


def mend_segment(
    finding: Finding, paths: StateLayout, found: Document | None, stands: Check, events: Sequence[EventRecord]
) -> Mending | None:
    """Return the write of a segment from its events; None: they are not all there and sound."""
    if not events or contradicts_itself(events[0]) or not is_sound_run(events):
        return None
    segment = build_segment(paths, events)
    if segment is None or segment.write is None:
        return None
    put = replace(segment.write, precondition=as_found(found))
    message = f"the segment of versions {segment.first} to {segment.last} is written again from the events"
    return Mending(finding, message, put.path, (put, stands), _fields(found), put.fields)


def move_event(finding: Finding, paths: StateLayout, found: Document, stands: Check, when: datetime) -> Mending | None:
    """Return the writes that move an event to quarantine, where it is in nobody's way; None: it cannot be copied."""
    if DAMAGED in found.fields:
        return None
    copy = quarantine_put(finding, paths.governor.quarantine, found, when)
    message = f"what stands at version {finding.version} is moved to {copy.path}"
    writes = (copy, Delete(found.path, as_found(found)), stands)
    return Mending(finding, message, found.path, writes, found.fields, None)


def mend_receipt(finding: Finding, found: Document) -> Mending | None:
    """Return the write of a receipt that names the change which its key made; None: nothing tells which."""
    truth = finding.truth
    if not isinstance(truth, Made):
        return None
    fields = {**found.fields, "version": truth.version, "transition_id": truth.transition_id}
    put = Put(found.path, fields, as_found(found))
    message = f"it names version {truth.version} again, which was made under its key"
    return Mending(finding, message, put.path, (put,), found.fields, fields)


def remove(finding: Finding, found: Document) -> Mending:
    """Return the removal of a document; its record keeps what it said."""
    message = "it is removed; the record keeps what it said"
    return Mending(finding, message, found.path, (Delete(found.path, as_found(found)),), found.fields, None)


def quarantine_put(finding: Finding, collection: str, found: Document | None, when: datetime) -> Put:
    """Return the copy of what cannot be repaired, which is made once, however often it is found."""
    digest = hashlib.sha256(f"{finding.kind} {finding.path}".encode()).hexdigest()
    fields = {
        "format": FORMAT,
        "kind": finding.kind,
        "state_id": finding.state_id,
        "version": finding.version,
        "path": str(finding.path),
        "message": finding.message,
        "timestamp": when,
        "content": None if found is None else _whole(found.fields),
    }
    return Put(DocumentPath(collection, digest), fields, MustNotExist())


def audit_put(mending: Mending, collection: str, signature: Signature) -> Put:
    """Return the record of a repair: who, when and why, what was there and what is."""
    finding = mending.finding
    fields = {
        "format": FORMAT,
        "kind": finding.kind,
        "state_id": finding.state_id,
        "version": finding.version,
        "path": str(mending.path),
        "message": mending.message,
        "changed_by": signature.changed_by,
        "reason": signature.reason,
        "timestamp": signature.now,
        "before": None if mending.before is None else _shown(mending.before),
        "after": None if mending.after is None else _shown(mending.after),
    }
    return Put(DocumentPath(collection, signature.audit_id), fields, MustNotExist())


def contradicts_itself(event: EventRecord) -> bool:
    """Whether an event does not match its own hash, or its own digests."""
    reason = contradiction(None, event)
    return reason is not None and reason.startswith(("its content", "its values"))


def _fields(found: Document | None) -> Fields | None:
    return None if found is None else found.fields


def _whole(fields: Fields) -> Any:
    # Compressed, whatever its size: the copy of what fitted fits, too.
    return Payload.of(dict(fields)).field(Encoding(zstd_bytes_min=0))


def _shown(fields: Fields) -> Any:
    shown: dict[str, Any] = {}
    for name, value in fields.items():
        encoded = to_json(value)
        large = {"sha256": hashlib.sha256(encoded).hexdigest(), "bytes": len(encoded)}
        shown[name] = value if len(encoded) <= _SHOWN_BYTES_MAX else large
    return Payload.of(shown).field(Encoding())
