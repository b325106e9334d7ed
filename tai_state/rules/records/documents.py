"""Records to document fields and back. What somebody else wrote, or damaged, is told by name."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tai_state.codec import EMPTY, NULL, Payload
from tai_state.config import Encoding
from tai_state.documents import Document, MustNotExist, Precondition, Put, UpdatedAt, Value
from tai_state.errors import CorruptLogError, InvalidIdError
from tai_state.layout import StateLayout, unescape
from tai_state.rules.records.chain import state_digest
from tai_state.rules.records.feeding import CHANGED_AT, FEED_KEY
from tai_state.rules.records.fields import (
    FieldError,
    check_format,
    take,
    take_counters,
    take_list,
    take_object,
    take_or_none,
    take_payload,
    take_time,
    take_time_or_none,
    take_version,
)
from tai_state.rules.records.formats import FORMAT_NEWEST, LATER, SEALED, format_of
from tai_state.rules.records.occasional import (
    cause_field,
    cause_from,
    due_from,
    due_marks_from,
    foreign_field,
    foreign_from,
    labels_from,
    prepared_error,
    prepared_field,
    prepared_from,
    put_due_marks,
    put_occasional,
)
from tai_state.rules.records.parts import (
    dependents_from,
    fences_from,
    fences_list,
    machine_from,
    metadata_from,
    seal_from,
    signals_from,
)
from tai_state.rules.records.record import (
    Content,
    EventRecord,
    Marks,
    StateRecord,
)
from tai_state.rules.records.usual import usual_state

Fields = dict[str, Value]


class AlteredError(FieldError):
    """A document is whole, and is not what we wrote."""


def content_fields(content: Content, encoding: Encoding) -> Fields:
    """Return the fields that the documents of a state and of its events have in common."""
    machine, metadata = content.machine, content.metadata
    # As nearly all are; where everything is compressed, so is that.
    is_bare = metadata.context is EMPTY and encoding.zstd_bytes_min > len(EMPTY.json)
    fields: Fields = {
        "governor_id": content.governor_id,
        "state_id": content.state_id,
        "version": content.version,
        "last_error": content.last_error,
        "deleted": content.deleted,
        "schema_version": content.schema_version,
        "machine_name": machine.name if machine else None,
        "machine_version": machine.version if machine else None,
        "machine_fingerprint": machine.fingerprint if machine else None,
        "metadata": {
            "changed_by": metadata.changed_by,
            "reason": metadata.reason,
            "parent_version": metadata.parent_version,
            "context": {} if is_bare else metadata.context.field(encoding),
        },
        "causality": dict(content.causality),
        "fences": dict(content.fences),
        "transition_id": content.transition_id,
        "timestamp": content.timestamp,
        "created_at": content.created_at,
        "hash": content.hash,
    }
    # Most states depend on nothing, and their documents have none of these fields.
    if content.depends_on:
        fields["depends_on"] = list(content.depends_on)
    if content.signals:
        fields["signals"] = [{"state_id": one.state_id, "status": one.status} for one in content.signals]
    if content.due is not None or content.labels:
        put_occasional(fields, content)
    return fields


def _content_from(fields: Mapping[str, Value]) -> dict[str, Any]:
    return {
        "governor_id": take(fields, "governor_id", str),
        "state_id": take(fields, "state_id", str),
        "version": take_version(fields),
        "last_error": take_or_none(fields, "last_error", str),
        "deleted": take(fields, "deleted", bool),
        "schema_version": take(fields, "schema_version", int),
        "machine": machine_from(fields),
        "metadata": metadata_from(fields),
        "causality": take_counters(fields, "causality"),
        "fences": fences_from(fields),
        "transition_id": take(fields, "transition_id", str),
        "timestamp": take_time(fields, "timestamp"),
        "created_at": take_time(fields, "created_at"),
        "hash": take(fields, "hash", str),
        "depends_on": take_list(fields, "depends_on", str) if "depends_on" in fields else (),
        "signals": signals_from(fields),
        "due": due_from(fields),
        "labels": labels_from(fields),
    }


def state_put(
    paths: StateLayout,
    record: StateRecord,
    encoding: Encoding,
    found: datetime | None,
    common: Fields | None = None,
    *,
    keeps_mark: bool = False,
) -> Put:
    """Return the write of a state document, the only one that there is.

    Args:
        found: The update_time of the document that *record* was made from; None where there was none.
        common: The ``content_fields`` of the event that made it, where they are known.
        keeps_mark: Whether what is written leaves to a transaction over several stores what that has in hand.

    Raises:
        PreparedError: Such a transaction has the state in hand.
    """
    if record.marks.prepared is not None and not keeps_mark:
        raise prepared_error(record)
    assert record.due is None or record.marks.due_key, "nobody would find it when it is due"
    precondition: Precondition = MustNotExist() if found is None else UpdatedAt(found)
    stamped = CHANGED_AT if record.marks.feed_key else None
    return Put(paths.state, state_fields(record, encoding, common), precondition, stamped, is_sound=True)


def state_fields(record: StateRecord, encoding: Encoding, common: Fields | None = None) -> Fields:
    """Return the fields of a state document, with the digest that tells whether they were altered."""
    marks = record.marks
    fields = content_fields(record, encoding) if common is None else dict(common)
    fields["fences"] = fences_list(record.fences) if record.fences else []
    fields["status"] = record.status
    fields["data"] = record.data.field(encoding)
    fields["sealed_through"] = marks.sealed_through
    fields["trimmed_through"] = marks.trimmed_through
    fields["trimmed_hash"] = marks.trimmed_hash
    fields["snapshots"] = list(marks.snapshots)
    if marks.dependents:
        # As a payload: it may grow, and as a native map each of its keys would be indexed.
        fields["dependents"] = Payload.of(dict(marks.dependents)).field(encoding)
    if marks.erased_through:
        fields["erased_through"] = marks.erased_through
    if record.due is not None:
        put_due_marks(fields, marks)
    if marks.feed_key:
        fields[FEED_KEY] = marks.feed_key
    if marks.prepared is not None:
        fields["prepared"] = prepared_field(marks.prepared)
    fields["digest"] = state_digest(record)
    # Nearly all have nothing newer.
    fields["format"] = SEALED if fields.keys().isdisjoint(LATER) else format_of(fields)
    return fields


def plain_state_fields(record: StateRecord, encoding: Encoding) -> Fields:
    """Return the fields of a state document of format 1, but for its number."""
    fields = state_fields(record, encoding)
    fields["fences"] = dict(record.fences)
    del fields["digest"], fields["format"]
    return fields


def _state_from(fields: Mapping[str, Value]) -> StateRecord:
    return StateRecord(
        **_content_from(fields),
        status=take(fields, "status", str),
        data=take_object(fields, "data"),
        marks=Marks(
            sealed_through=take(fields, "sealed_through", int),
            trimmed_through=take(fields, "trimmed_through", int),
            trimmed_hash=take(fields, "trimmed_hash", str),
            snapshots=take_list(fields, "snapshots", int),
            dependents=dependents_from(fields),
            erased_through=take_or_none(fields, "erased_through", int) or 0,
            feed_key=take_or_none(fields, FEED_KEY, str) or "",
            prepared=prepared_from(fields),
            **due_marks_from(fields),
        ),
    )


def event_fields(event: EventRecord, encoding: Encoding, common: Fields | None = None) -> Fields:
    """Return the fields of an event document; ``committed_at`` is the document's own create_time.

    Args:
        common: Its ``content_fields``, where they are known.
    """
    fields = content_fields(event, encoding) if common is None else dict(common)
    fields["action"] = event.action
    fields["kind"] = event.kind
    fields["payload"] = None if event.payload is NULL else event.payload.field(encoding)
    fields["idempotency_key"] = event.idempotency_key
    fields["from_status"] = event.from_status
    fields["to_status"] = event.to_status
    fields["from_state"] = event.from_state.field(encoding)
    fields["to_state"] = event.to_state.field(encoding)
    fields["origin"] = event.origin
    fields["parents"] = list(event.parents)
    fields["fencing_token"] = event.fencing_token
    fields["previous_hash"] = event.previous_hash
    seal = event.seal
    if seal is not None:
        fields["digests"] = dict(seal.digests)
        fields["fences"] = fences_list(event.fences) if event.fences else []
        if seal.salt is not None:
            fields["salt"] = seal.salt
        if event.occurred_at is not None:
            fields["occurred_at"] = event.occurred_at
        if event.cause is not None:
            fields["cause"] = cause_field(event.cause)
        if event.foreign_parent is not None:
            fields["foreign_parent"] = foreign_field(event.foreign_parent)
        if event.brought:
            fields["brought"] = True
    is_usual = seal is not None and fields.keys().isdisjoint(LATER)
    fields["format"] = SEALED if is_usual else format_of(fields)
    return fields


def event_from(fields: Mapping[str, Value], committed_at: datetime | None) -> EventRecord:
    """Return the event in a document's fields.

    Raises:
        FieldError: They are not an event of ours.
    """
    seal = seal_from(fields)
    content = _content_from(fields)
    if seal is None:
        # Events without a seal are older than these fields: no hash of theirs covers them.
        content |= {"due": None, "labels": ()}
    return EventRecord(
        **content,
        action=take(fields, "action", str),
        kind=take(fields, "kind", str),
        payload=take_payload(fields, "payload"),
        idempotency_key=take_or_none(fields, "idempotency_key", str),
        from_status=take_or_none(fields, "from_status", str),
        to_status=take(fields, "to_status", str),
        from_state=take_payload(fields, "from_state"),
        to_state=take_object(fields, "to_state"),
        origin=take(fields, "origin", str),
        parents=take_list(fields, "parents", int),
        fencing_token=take_or_none(fields, "fencing_token", int),
        previous_hash=take(fields, "previous_hash", str),
        occurred_at=take_time_or_none(fields, "occurred_at") if seal is not None else None,
        committed_at=committed_at,
        seal=seal,
        cause=cause_from(fields) if seal is not None else None,
        foreign_parent=foreign_from(fields) if seal is not None else None,
        brought=seal is not None and take_or_none(fields, "brought", bool) is True,
    )


def committed_at(document: Document) -> datetime:
    """Return when the event in a document was committed.

    Raises:
        FieldError: The field that says so is something else.
    """
    # A document that was written again, from a copy, keeps the time of the commit that it is about.
    return take_time_or_none(document.fields, "committed_at") or document.create_time


def owner_of(document: Document, governor_id: str) -> str:
    """Return the id of the state whose document this is.

    Raises:
        CorruptLogError: It was never one of ours: its id is none that we store.
    """
    try:
        return unescape(document.path.id, document.path)
    except InvalidIdError as error:
        raise CorruptLogError(governor_id, document.path.id, None, str(error)) from error


def read_state(document: Document, governor_id: str, state_id: str) -> StateRecord:
    """Return the record in a state document that was read as that of *state_id*.

    Raises:
        CorruptLogError: It is damaged, or it says that it is another state's.
        SchemaVersionError: A newer release wrote it.
    """
    try:
        record = usual_state(document.fields, FORMAT_NEWEST)
        if record is None:
            check_format(document.fields, document.path, newest=FORMAT_NEWEST)
            record = _state_from(document.fields)
        check_owner(record, governor_id, state_id)
        _check_digest(record, document.fields)
    except FieldError as error:
        raise CorruptLogError(
            governor_id, state_id, _version_in(document), f"state document {document.path}: {error}"
        ) from error
    return record


def read_event(document: Document, governor_id: str, state_id: str) -> EventRecord:
    """Return the event in an event document that was read as one of *state_id*.

    Raises:
        CorruptLogError: It is damaged, or it says that it is another state's.
        SchemaVersionError: A newer release wrote it.
    """
    try:
        check_format(document.fields, document.path, newest=FORMAT_NEWEST)
        event = event_from(document.fields, committed_at(document))
        check_owner(event, governor_id, state_id)
    except FieldError as error:
        raise CorruptLogError(
            governor_id, state_id, _version_in(document), f"event document {document.path}: {error}"
        ) from error
    return event


def _check_digest(record: StateRecord, fields: Mapping[str, Value]) -> None:
    if fields["format"] > 1 and take(fields, "digest", str) != state_digest(record):
        message = "its content does not have its digest: it was altered by hand, or damaged"
        raise AlteredError(message)


def was_altered(error: CorruptLogError) -> bool:
    """Whether ``read_state`` raised *error* for a document that can be read, and does not say what we wrote."""
    return isinstance(error.__cause__, AlteredError)


def check_owner(content: Content, governor_id: str, state_id: str) -> None:
    """Refuse what says that it is another state's.

    Raises:
        FieldError: It does.
    """
    # A document that was copied to another place would make two states of one history.
    if (content.governor_id, content.state_id) != (governor_id, state_id):
        message = f"it names governor {content.governor_id!r} and state {content.state_id!r}"
        raise FieldError(message)


def _version_in(document: Document) -> int | None:
    version = document.fields.get("version")
    # For the message only: the document is damaged, so the version may be anything.
    return version if type(version) is int else None
