"""The hash chain over a state's events, and the digest of a state document.

Layout 2 of the hash covers every field of an event by name; an optional field that is not there is not named, so that
what is added later changes no hash of before. In the place of the values that may have to be erased (payload, data,
who and why) it covers their digests, salted by the event's own random salt. The digests stay when the values and the
salt are erased: the chain still holds, and nobody can guess a small value from its digest.

Layout 1, of events without a seal, covers unsalted digests by position; it is read and verified, and written no more.
"""

import hashlib
from binascii import b2a_base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tai_state.codec import EMPTY, NULL, Payload, dump_json
from tai_state.rules.records.record import EventRecord, MachineStamp, Seal, Signal, StateRecord

GENESIS = "0" * 64
"""The ``previous_hash`` of the first event."""


def erasable(event: EventRecord) -> dict[str, bytes]:
    """Return the values that may have to be erased, as JSON by name; what is not there is left out."""
    payloads = {"payload": event.payload, "from_state": event.from_state, "to_state": event.to_state}
    found = {name: payload.json for name, payload in payloads.items() if payload.json != NULL.json}
    if event.metadata.context.json != EMPTY.json:
        found["context"] = event.metadata.context.json
    texts = {
        "changed_by": event.metadata.changed_by,
        "reason": event.metadata.reason,
        "last_error": event.last_error,
        "idempotency_key": event.idempotency_key,
    }
    found |= {name: dump_json(text) for name, text in texts.items() if text}
    return found


def make_seal(event: EventRecord, salt: str) -> Seal:
    """Return the seal over an event's values under a *salt* of its own."""
    prefix = salt.encode()
    return Seal(salt, {name: _salted(prefix, name, value) for name, value in erasable(event).items()})


def _salted(salt: bytes, name: str, value: bytes) -> str:
    """Return a digest in base64 without padding, in the alphabet for URLs (RFC 4648, 5)."""
    # The salt has one length and no name holds a NUL: two different inputs never run together.
    digest = hashlib.sha256(b"%b%b\0%b" % (salt, name.encode(), value)).digest()
    return b2a_base64(digest, newline=False).translate(_FOR_URLS).rstrip(b"=").decode()


_FOR_URLS = bytes.maketrans(b"+/", b"-_")


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
    covered = _by_position(event) if event.seal is None else _by_name(event, event.seal)
    # No number in it is a float, which is all that releases of orjson differ in: as it is dumped, it is canonical.
    return hashlib.sha256(dump_json(covered)).hexdigest()


def _by_name(event: EventRecord, seal: Seal) -> dict[str, Any]:
    """Return what layout 2 covers."""
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
        "timestamp": event.timestamp.isoformat(timespec="microseconds"),
        "created_at": event.created_at.isoformat(timespec="microseconds"),
        "previous_hash": event.previous_hash,
    }
    optional: dict[str, Any] = {
        "machine": _machine(event.machine),
        "fencing_token": event.fencing_token,
        "fences": _pairs(event.fences),
        "depends_on": list(event.depends_on),
        "signals": _signals(event.signals),
        "occurred_at": _moment(event.occurred_at),
    }
    return covered | {name: value for name, value in optional.items() if value}


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
        event.timestamp.isoformat(timespec="microseconds"),
        event.created_at.isoformat(timespec="microseconds"),
        event.previous_hash,
    ]
    # Behind the rest, so that the hashes of events from before there were dependencies stay what they were.
    return [*covered, list(event.depends_on), _signals(event.signals)] if event.depends_on or event.signals else covered


def state_digest(record: StateRecord) -> str:
    """Return the SHA-256, in hexadecimal, over all that a state document says: its content and its marks.

    Not over the times that the engine sets. It tells what was altered beside the package, which no precondition sees.
    """
    marks = record.marks
    covered: dict[str, Any] = {
        "governor_id": record.governor_id,
        "state_id": record.state_id,
        "version": record.version,
        "status": record.status,
        "data": record.data.digest,
        "last_error": record.last_error,
        "deleted": record.deleted,
        "schema_version": record.schema_version,
        "changed_by": record.metadata.changed_by,
        "reason": record.metadata.reason,
        "parent_version": record.metadata.parent_version,
        "context": record.metadata.context.digest,
        "causality": dict(record.causality),
        "transition_id": record.transition_id,
        "timestamp": record.timestamp.isoformat(timespec="microseconds"),
        "created_at": record.created_at.isoformat(timespec="microseconds"),
        "hash": record.hash,
        "sealed_through": marks.sealed_through,
        "trimmed_through": marks.trimmed_through,
        "trimmed_hash": marks.trimmed_hash,
        "snapshots": list(marks.snapshots),
    }
    optional: dict[str, Any] = {
        "machine": _machine(record.machine),
        "fences": _pairs(record.fences),
        "depends_on": list(record.depends_on),
        "signals": _signals(record.signals),
        "dependents": Payload.of(dict(marks.dependents)).digest if marks.dependents else None,
    }
    return hashlib.sha256(dump_json(covered | {name: value for name, value in optional.items() if value})).hexdigest()


def _machine(machine: MachineStamp | None) -> list[Any] | None:
    return [machine.name, machine.version, machine.fingerprint] if machine else None


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="microseconds") if moment is not None else None


def _pairs(fences: Mapping[str, int]) -> list[list[Any]]:
    # In their order, which says which lock wrote last; keys of a map would be sorted.
    return [[resource, token] for resource, token in fences.items()]


def _signals(signals: tuple[Signal, ...]) -> list[list[str]]:
    return [[signal.state_id, signal.status] for signal in signals]
