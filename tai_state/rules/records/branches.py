"""Branches: events of other stores, word for word, beside the line of this one."""

from typing import Any, NamedTuple

from tai_state.config import Encoding
from tai_state.documents import Document, MustNotExist, Put, UpdatedAt
from tai_state.errors import CorruptLogError
from tai_state.layout import StateLayout
from tai_state.rules.records.chain import event_hash, seal_is_sound
from tai_state.rules.records.documents import event_fields, read_event
from tai_state.rules.records.fields import FieldError, take_or_none
from tai_state.rules.records.formats import FORMATS
from tai_state.rules.records.record import EventRecord

PREVIOUS = "previous_origin"
"""The field that says which store made the event before: the event itself names its version and its hash alone."""


class Ref(NamedTuple):
    """Names an event: the store that made it, its version there, and its hash."""

    origin: str
    version: int
    hash: str


class Held(NamedTuple):
    """An event, and what is known of the store that made the one before; None: nothing is, since that was trimmed."""

    event: EventRecord
    previous_origin: str | None

    @property
    def ref(self) -> Ref:
        """What names it."""
        return ref_of(self.event)

    @property
    def parents(self) -> list[Ref]:
        """The events that it follows, as far as they are known: the one before, and of a merge the foreign one."""
        event, origin = self.event, self.previous_origin
        is_known = event.version > 1 and origin is not None
        before = [Ref(origin or "", event.version - 1, event.previous_hash)] if is_known else []
        return before + foreign_parents(event)

    @property
    def is_first(self) -> bool:
        """Whether nothing is known of what came before it, though something did."""
        return self.event.version > 1 and self.previous_origin is None


def ref_of(event: EventRecord) -> Ref:
    """Return what names an event."""
    return Ref(event.origin, event.version, event.hash)


def foreign_parents(event: EventRecord) -> list[Ref]:
    """Return the event of another store that a merge follows; none of any other event."""
    foreign = event.foreign_parent
    return [] if foreign is None else [Ref(foreign.origin, foreign.version, foreign.hash)]


def branch_put(paths: StateLayout, held: Held, encoding: Encoding, found: Document | None) -> Put:
    """Return the write of an event of a branch; *found* is what is in its place and is not it."""
    precondition = MustNotExist() if found is None else UpdatedAt(found.update_time)
    path = paths.branch(held.event.origin, held.event.version)
    return Put(path, branch_fields(held, encoding), precondition, is_sound=True)


def read_branch(document: Document, governor_id: str, state_id: str) -> Held:
    """Return the event in a document of a branch.

    Raises:
        CorruptLogError: It is damaged, or another state's.
        SchemaVersionError: A newer release wrote it.
    """
    event = read_event(document, governor_id, state_id)
    try:
        held = Held(event, take_or_none(document.fields, PREVIOUS, str))
        _check(event)
    except FieldError as error:
        reason = f"branch document {document.path}: {error}"
        raise CorruptLogError(governor_id, state_id, event.version, reason) from error
    return held


def _check(event: EventRecord) -> None:
    if event_hash(event) != event.hash:
        message = "its content does not match its hash"
        raise FieldError(message)
    if not seal_is_sound(event):
        message = "its values do not match their digests"
        raise FieldError(message)


def branch_fields(held: Held, encoding: Encoding) -> dict[str, Any]:
    """Return the fields of an event of a branch."""
    fields = {**event_fields(held.event, encoding), "committed_at": held.event.committed_at}
    if held.previous_origin is not None:
        fields[PREVIOUS] = held.previous_origin
    # No build that knows no branches is to take it for something else.
    fields["format"] = FORMATS["foreign_parent"]
    return fields
