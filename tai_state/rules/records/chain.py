"""The hash chain over a state's events, and the digest of a state document.

Layout 2 of the hash covers every field of an event by name; an optional field that is not there is not named, so that
what is added later changes no hash of before. In the place of the values that may have to be erased (payload, data,
who and why) it covers their digests, salted by the event's own random salt. The digests stay when the values and the
salt are erased: the chain still holds, and nobody can guess a small value from its digest.

Layout 1, of events without a seal, covers unsalted digests by position; it is read and verified, and written no more.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

from tai_state.codec import EMPTY, NULL, Payload, dump_plain, time_text, utc_text
from tai_state.rules.records.formats import occasional_format
from tai_state.rules.records.occasional import cover_due, cover_event, prepared_field
from tai_state.rules.records.record import Content, EventRecord, MachineStamp, Seal, Signal, StateRecord

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

GENESIS = "0" * 64
"""The ``previous_hash`` of the first event."""

_EMPTY_DIGEST = EMPTY.digest


def erasable(event: EventRecord) -> dict[str, bytes]:
    """Return the values that may have to be erased, as JSON by name; what is not there is left out."""
    found: dict[str, bytes] = {}
    if event.payload.json != NULL.json:
        found["payload"] = event.payload.json
    if event.from_state.json != NULL.json:
        found["from_state"] = event.from_state.json
    if event.to_state.json != NULL.json:
        found["to_state"] = event.to_state.json
    metadata = event.metadata
    if metadata.context.json != EMPTY.json:
        found["context"] = metadata.context.json
    if metadata.changed_by:
        found["changed_by"] = b"%b" % dump_plain(metadata.changed_by)
    if metadata.reason:
        found["reason"] = b"%b" % dump_plain(metadata.reason)
    if event.last_error:
        found["last_error"] = b"%b" % dump_plain(event.last_error)
    if event.idempotency_key:
        found["idempotency_key"] = b"%b" % dump_plain(event.idempotency_key)
    if event.labels:
        found["labels"] = b"%b" % dump_plain(list(event.labels))
    return found


def make_seal(event: EventRecord, salt: str) -> Seal:
    """Return the seal over an event's values under a *salt* of its own."""
    return seal_of(erasable(event), salt)


def seal_of(values: Mapping[str, bytes], salt: str) -> Seal:
    """Return the seal over *values*, see ``erasable``, under a *salt* of their own.

    Digests are in base64 without padding, in the alphabet for URLs (RFC 4648, 5).
    """
    if not values:
        return Seal(salt, {})
    prefix, sha256 = salt.encode(), hashlib.sha256
    raw: list[bytes] = []
    for name, value in values.items():
        # The salt has one length and no name holds a NUL: two different inputs never run together.
        raw += sha256(b"%b%b\0%b" % (prefix, name.encode(), value)).digest(), b"\0"
    # Each with a byte more fills groups of four characters to the last, which is of that byte alone: 44 a digest.
    text = b2a_base64(b"".join(raw), newline=False).translate(FOR_URLS).decode()
    digests: dict[str, str] = {}
    for name in values:
        digests[name], text = text[:43], text[44:]
    return Seal(salt, digests)


FOR_URLS = bytes.maketrans(b"+/", b"-_")
"""From the plain alphabet of base64 to the one for URLs."""


def seal_is_sound(event: EventRecord) -> bool:
    """Whether the values of an event are those that its digests were made of; erased ones must be gone, all of them."""
    if event.seal is None:
        return True
    if event.seal.salt is None:
        # A tombstone's data and a state's are maps, the empty one where it was erased.
        return erasable(event).items() <= {("to_state", EMPTY.json), ("from_state", EMPTY.json)}
    return make_seal(event, event.seal.salt).digests == event.seal.digests


def event_hash(event: EventRecord) -> str:
    """Return the SHA-256, in hexadecimal, over everything in *event* but its hash and the commit's time."""
    text = dump_plain(_by_position(event)) if event.seal is None else covered_text(event, event.seal)
    return hashlib.sha256(text).hexdigest()


def covered_text(event: EventRecord, seal: Seal) -> bytes:
    """Return what layout 2 covers: all but the hash itself."""
    covered: dict[str, Any] = {
        "layout": 2,
        "digests": dict(seal.digests),
        "governor_id": event.governor_id,
        "state_id": event.state_id,
        "version": event.version,
        "action": event.action,
        "kind": event.kind,
        "from_status": event.from_status,
        "to_status": event.to_status,
        "deleted": event.deleted,
        "schema_version": event.schema_version,
        "parent_version": event.metadata.parent_version,
        "causality": dict(event.causality),
        "origin": event.origin,
        "parents": list(event.parents),
        "transition_id": event.transition_id,
        "timestamp": utc_text(event.timestamp) if event.timestamp.tzinfo is UTC else time_text(event.timestamp),
        "created_at": utc_text(event.created_at) if event.created_at.tzinfo is UTC else time_text(event.created_at),
        "previous_hash": event.previous_hash,
    }
    if event.fencing_token:
        covered["fencing_token"] = event.fencing_token
    if event.occurred_at is not None:
        covered["occurred_at"] = time_text(event.occurred_at)
    machine = event.machine
    if machine is not None:
        covered["machine"] = [machine.name, machine.version, machine.fingerprint]
    if event.fences or event.depends_on or event.signals:
        _cover_bonds(covered, event)
    if event.due is not None or event.cause is not None or event.foreign_parent is not None:
        cover_event(covered, event)
    # No number in it is a float, which is all that releases of orjson differ in: as it is dumped, it is canonical.
    return b"%b" % dump_plain(covered)


class Texts(NamedTuple):
    """What the chain holds of an event, as texts: a run of them is sealed as these.

    A process keeps thousands of them, and the garbage collector has one object of each to look at.

    Attributes:
        covered: What the hash covers.
        values: What its digests are of; see ``erasable``.
        format: Of what holds it beside the text of its fields; see ``occasional_format``.
    """

    version: int
    hash: str
    covered: bytes
    values: Mapping[str, bytes]
    salt: str
    committed_at: datetime | None
    format: int


def texts_of(event: EventRecord, covered: bytes, values: Mapping[str, bytes]) -> Texts | None:
    """Return the texts of *event*; None where they would not tell all of it.

    Args:
        covered: Its ``covered_text``.
        values: Those that are ``erasable``.
    """
    seal = event.seal
    # What has no text is taken for None. Of what stands beside the hash there is no more than when it was committed.
    is_told = event.last_error != "" and event.idempotency_key != "" and event.fencing_token != 0 and not event.brought
    if seal is None or not is_told:
        return None
    # Asked here, since nearly all are, and each move comes by here.
    is_usual = event.due is None and event.cause is None and event.foreign_parent is None and not event.labels
    number = 1 if is_usual else occasional_format(event)
    return Texts(event.version, event.hash, covered, values, seal.salt or "", event.committed_at, number)


def _cover_bonds(covered: dict[str, Any], content: Content) -> None:
    """Put into *covered* what most events and states do not have: locks that guarded them, and dependencies."""
    if content.fences:
        # In their order, which says which lock wrote last; keys of a map would be sorted.
        covered["fences"] = [[resource, token] for resource, token in content.fences.items()]
    if content.depends_on:
        covered["depends_on"] = list(content.depends_on)
    if content.signals:
        covered["signals"] = _signals(content.signals)


def _by_position(event: EventRecord) -> list[Any]:
    """Return what layout 1 covers."""
    covered: list[Any] = [
        1,
        event.governor_id,
        event.state_id,
        event.version,
        event.action,
        event.kind,
        event.payload.digest,
        event.idempotency_key,
        event.from_status,
        event.to_status,
        event.from_state.digest,
        event.to_state.digest,
        event.last_error,
        event.deleted,
        event.schema_version,
        _machine(event.machine),
        [
            event.metadata.changed_by,
            event.metadata.reason,
            event.metadata.parent_version,
            event.metadata.context.digest,
        ],
        dict(event.causality),
        dict(event.fences),
        event.origin,
        list(event.parents),
        event.transition_id,
        event.fencing_token,
        time_text(event.timestamp),
        time_text(event.created_at),
        event.previous_hash,
    ]
    # Behind the rest, so that the hashes of events from before there were dependencies stay what they were.
    return [*covered, list(event.depends_on), _signals(event.signals)] if event.depends_on or event.signals else covered


def state_digest(record: StateRecord) -> str:
    """Return the SHA-256, in hexadecimal, over all that a state document says: its content and its marks.

    Not over the times that the engine sets, nor over ``due_key`` and ``feed_key``, which are others in a copy. It tells
    what was altered beside the package, which no precondition sees.
    """
    marks = record.marks
    covered: dict[str, Any] = {
        "governor_id": record.governor_id,
        "state_id": record.state_id,
        "version": record.version,
        "status": record.status,
        "data": hashlib.sha256(record.data.json).hexdigest(),
        "last_error": record.last_error,
        "deleted": record.deleted,
        "schema_version": record.schema_version,
        "changed_by": record.metadata.changed_by,
        "reason": record.metadata.reason,
        "parent_version": record.metadata.parent_version,
        "context": _EMPTY_DIGEST if record.metadata.context is EMPTY else record.metadata.context.digest,
        "causality": dict(record.causality),
        "transition_id": record.transition_id,
        "timestamp": utc_text(record.timestamp) if record.timestamp.tzinfo is UTC else time_text(record.timestamp),
        "created_at": utc_text(record.created_at) if record.created_at.tzinfo is UTC else time_text(record.created_at),
        "hash": record.hash,
        "sealed_through": marks.sealed_through,
        "trimmed_through": marks.trimmed_through,
        "trimmed_hash": marks.trimmed_hash,
        "snapshots": list(marks.snapshots),
    }
    if marks.dependents:
        covered["dependents"] = Payload.of(dict(marks.dependents)).digest
    if marks.erased_through:
        covered["erased_through"] = marks.erased_through
    machine = record.machine
    if machine is not None:
        covered["machine"] = [machine.name, machine.version, machine.fingerprint]
    if record.fences or record.depends_on or record.signals:
        _cover_bonds(covered, record)
    if record.due is not None:
        cover_due(covered, record.due)
        if marks.due_moved_to is not None:
            covered["due_moved_to"] = time_text(marks.due_moved_to)
        if marks.due_tries:
            covered["due_tries"] = marks.due_tries
    if record.labels:
        covered["labels"] = list(record.labels)
    if marks.prepared is not None:
        covered["prepared"] = prepared_field(marks.prepared)
    return hashlib.sha256(dump_plain(covered)).hexdigest()


def _machine(machine: MachineStamp | None) -> list[Any] | None:
    return [machine.name, machine.version, machine.fingerprint] if machine else None


def _signals(signals: tuple[Signal, ...]) -> list[list[str]]:
    return [[signal.state_id, signal.status] for signal in signals]
