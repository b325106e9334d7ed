"""The change that a merge is, and what is written of events that are brought as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tai_state.authors import Author
from tai_state.codec import NULL, Payload
from tai_state.config import Encoding
from tai_state.documents import MustNotExist, Put
from tai_state.layout import StateLayout
from tai_state.rules.commits.change import Change, Merges, Needs, Target
from tai_state.rules.records.documents import event_fields
from tai_state.rules.records.erased import erased, is_from_before
from tai_state.rules.records.occasional import Foreign
from tai_state.rules.records.record import EventRecord, StateRecord
from tai_state.rules.replicas.standing import clock_of

MERGE = "merge"
"""The kind of the change, and its action."""


def merge_change(
    paths: StateLayout,
    author: Author,
    before: StateRecord,
    foreign: EventRecord,
    target: Target,
    *,
    erases: bool = False,
) -> Change:
    """Return the change that makes *target* of the state as it is *before*, and of the *foreign* head.

    Args:
        erases: Whether what was here is to be erased.
    """
    merges = Merges(
        Foreign(foreign.origin, foreign.version, foreign.hash),
        clock_of(before).merge(clock_of(foreign)).to_dict(),
        max(before.timestamp, foreign.timestamp),
        erases,
    )
    return Change(
        paths=paths,
        kind=MERGE,
        action=MERGE,
        payload=NULL,
        needs=Needs.EVER,
        target_of=lambda _: target,
        author=author,
        request=NULL,
        expected_version=before.version,
        merges=merges,
    )


def told_in(author: Author, resolver: str, fields: tuple[str, ...], siblings: tuple[Any, ...]) -> Author:
    """Return an author whose context tells how a conflict was resolved."""
    said: dict[str, Any] = {"resolver": resolver}
    if fields:
        said["fields"] = list(fields)
    if siblings:
        said["siblings"] = list(siblings)
    return author._replace(context=Payload.given({**author.context.value(), MERGE: said}, "metadata.context"))


def target_as(event: EventRecord) -> Target:
    """Return what makes of a state what *event* has made of it elsewhere."""
    return Target(
        event.to_status,
        event.to_state,
        event.last_error,
        event.schema_version,
        deleted=event.deleted,
        machine=event.machine,
        labels=event.labels,
    )


def without_erased(event: EventRecord, tombstones: Sequence[Mapping[str, int]]) -> EventRecord:
    """Return an event as it may be sent: without its values where an erasure is known that it does not know of."""
    is_gone = event.seal is not None and any(is_from_before(event, clock) for clock in tombstones)
    return erased(event) if is_gone else event


def brought(event: EventRecord) -> EventRecord:
    """Return an event of another store as it stands in the line of this one."""
    tells_of_there = bool(event.due is not None or event.fences or event.depends_on or event.signals)
    return replace(event, brought=tells_of_there)


def event_put(paths: StateLayout, event: EventRecord, encoding: Encoding) -> Put:
    """Return the write of an event that is brought as it is."""
    fields = {**event_fields(event, encoding), "committed_at": event.committed_at}
    return Put(paths.event(event.version), fields, MustNotExist(), is_sound=True)
