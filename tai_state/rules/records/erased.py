"""Erased events: their values and their salt are gone, their digests stay, and so does the chain.

What stays of one: its version, its status before and after, its action and kind, the machine, the times, the states
that it depends on, what was due, and the hash over all of it. Values that were stored in events without a seal (layout
1 of the hash) cannot be erased by themselves: their hash covers them as they are.
"""

from collections.abc import Mapping
from dataclasses import replace

from tai_state.codec import EMPTY, NULL
from tai_state.rules.records.record import EventRecord, MetadataRecord, Seal

ERASE = "erase"
"""The kind, and the action, of the event that an erasure leaves: a tombstone that says nothing of what was there."""


def is_erased(event: object) -> bool:
    """Whether the values of an event are gone."""
    return isinstance(event, EventRecord) and event.seal is not None and event.seal.salt is None


def erased(event: EventRecord) -> EventRecord:
    """Return an event without its values; its hash is what it was."""
    assert event.seal is not None
    return replace(
        event,
        payload=NULL,
        from_state=NULL if event.from_state == NULL else EMPTY,
        to_state=EMPTY,
        last_error=None,
        idempotency_key=None,
        labels=(),
        metadata=MetadataRecord("", "", event.metadata.parent_version, EMPTY),
        seal=Seal(None, event.seal.digests),
    )


def is_from_before(event: EventRecord, clock: Mapping[str, int]) -> bool:
    """Whether an event does not know of an erasure whose tombstone knows *clock*: its values are to go."""
    return not all(event.causality.get(node, 0) >= count for node, count in clock.items())
