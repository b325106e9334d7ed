"""The hash chain over a state's events.

A hash covers digests of payload, from_state, to_state and context rather than their bytes, so
that encoding them anew or erasing them lawfully keeps the chain.
"""

import hashlib

from tai_state.codec import to_json
from tai_state.rules.records.record import EventRecord

GENESIS = "0" * 64
"""The ``previous_hash`` of the first event."""


def event_hash(event: EventRecord) -> str:
    """Return the SHA-256, in hexadecimal, over everything in *event* but its hash and the commit's time."""
    covered = [
        1,  # the number of this list's layout
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
        [event.machine.name, event.machine.version, event.machine.fingerprint] if event.machine else None,
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
        *_dependence(event),
    ]
    return hashlib.sha256(to_json(covered)).hexdigest()


def _dependence(event: EventRecord) -> list[object]:
    """Return what is covered of an event that has to do with dependencies; nothing of any other."""
    # So the hashes of all the rest stay what they were before there were dependencies.
    if not event.depends_on and not event.signals:
        return []
    return [list(event.depends_on), [[signal.state_id, signal.status] for signal in event.signals]]
