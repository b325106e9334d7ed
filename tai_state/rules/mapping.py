"""Records to document fields and back. What somebody else wrote, or damaged, is told by name."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from tai_state.codec import Encoding, Payload
from tai_state.documents import Document, Value
from tai_state.errors import CorruptLogError, InvalidDataError, InvalidIdError, SchemaVersionError
from tai_state.layout import FORMAT, unescape
from tai_state.rules.records import Content, EventRecord, MachineStamp, Marks, MetadataRecord, Signal, StateRecord

T = TypeVar("T")
Fields = dict[str, Value]


class FieldError(ValueError):
    """A field is missing or of another type than ours; the message names it."""


def take(fields: Mapping[str, Value], name: str, kind: type[T]) -> T:
    """Return a field that must be there, of exactly this type.

    Raises:
        FieldError: It is missing, or of another type.
    """
    value = fields.get(name)
    if type(value) is not kind:
        message = f"field {name!r} should be {kind.__name__}, it is {type(value).__name__}"
        raise FieldError(message)
    return value


def _take_or_none(fields: Mapping[str, Value], name: str, kind: type[T]) -> T | None:
    return None if fields.get(name) is None else take(fields, name, kind)


def _take_list(fields: Mapping[str, Value], name: str, kind: type[T]) -> tuple[T, ...]:
    values = take(fields, name, list)
    if any(type(value) is not kind for value in values):
        message = f"field {name!r} should be a list of {kind.__name__}"
        raise FieldError(message)
    return tuple(values)


def _take_counters(fields: Mapping[str, Value], name: str) -> dict[str, int]:
    counters = take(fields, name, dict)
    if any(type(count) is not int for count in counters.values()):
        message = f"field {name!r} should be a map of ints"
        raise FieldError(message)
    return counters


def _take_payload(fields: Mapping[str, Value], name: str) -> Payload:
    if name not in fields:
        message = f"field {name!r} is missing"
        raise FieldError(message)
    try:
        return Payload.stored(fields[name])
    except InvalidDataError as error:
        message = f"field {name!r}: {error}"
        raise FieldError(message) from error


def _take_object(fields: Mapping[str, Value], name: str) -> Payload:
    payload = _take_payload(fields, name)
    if not payload.json.startswith(b"{"):
        message = f"field {name!r} should hold a map"
        raise FieldError(message)
    return payload


def _take_version(fields: Mapping[str, Value]) -> int:
    version = take(fields, "version", int)
    if version < 1:
        message = f"field 'version' should be at least 1, it is {version}"
        raise FieldError(message)
    return version


def check_format(fields: Mapping[str, Value], what: object) -> None:
    """Refuse a document of a newer format.

    Raises:
        SchemaVersionError: Its format number is above ours.
        FieldError: It has none.
    """
    stored = take(fields, "format", int)
    if stored > FORMAT:
        raise SchemaVersionError(stored, FORMAT, f"document {what}")


def _metadata_fields(metadata: MetadataRecord, encoding: Encoding) -> Fields:
    return {
        "changed_by": metadata.changed_by,
        "reason": metadata.reason,
        "parent_version": metadata.parent_version,
        "context": metadata.context.field(encoding),
    }


def _metadata_from(fields: Mapping[str, Value]) -> MetadataRecord:
    stored = take(fields, "metadata", dict)
    return MetadataRecord(
        changed_by=take(stored, "changed_by", str),
        reason=take(stored, "reason", str),
        parent_version=_take_or_none(stored, "parent_version", int),
        context=_take_payload(stored, "context"),
    )


def _machine_from(fields: Mapping[str, Value]) -> MachineStamp | None:
    name = _take_or_none(fields, "machine_name", str)
    if name is None:
        return None
    return MachineStamp(name, take(fields, "machine_version", int), take(fields, "machine_fingerprint", str))


def _dependence_fields(content: Content) -> Fields:
    """Return the fields about dependencies; most states have none, and their documents none of these fields."""
    fields: Fields = {}
    if content.depends_on:
        fields["depends_on"] = list(content.depends_on)
    if content.signals:
        fields["signals"] = [{"state_id": one.state_id, "status": one.status} for one in content.signals]
    return fields


def _signals_from(fields: Mapping[str, Value]) -> tuple[Signal, ...]:
    stored = _take_list(fields, "signals", dict) if "signals" in fields else ()
    return tuple(Signal(take(one, "state_id", str), take(one, "status", str)) for one in stored)


def _dependents_from(fields: Mapping[str, Value]) -> dict[str, str]:
    if "dependents" not in fields:
        return {}
    dependents: dict[str, str] = _take_object(fields, "dependents").value()
    if any(type(machine) is not str for machine in dependents.values()):
        message = "field 'dependents' should be a map of str"
        raise FieldError(message)
    return dependents


def _content_fields(content: Content, encoding: Encoding) -> Fields:
    machine = content.machine
    return {
        "format": FORMAT,
        "governor_id": content.governor_id,
        "state_id": content.state_id,
        "version": content.version,
        "last_error": content.last_error,
        "deleted": content.deleted,
        "schema_version": content.schema_version,
        "machine_name": machine.name if machine else None,
        "machine_version": machine.version if machine else None,
        "machine_fingerprint": machine.fingerprint if machine else None,
        "metadata": _metadata_fields(content.metadata, encoding),
        "causality": dict(content.causality),
        "fences": dict(content.fences),
        "transition_id": content.transition_id,
        "timestamp": content.timestamp,
        "created_at": content.created_at,
        "hash": content.hash,
        **_dependence_fields(content),
    }


def _content_from(fields: Mapping[str, Value]) -> dict[str, Any]:
    return {
        "governor_id": take(fields, "governor_id", str),
        "state_id": take(fields, "state_id", str),
        "version": _take_version(fields),
        "last_error": _take_or_none(fields, "last_error", str),
        "deleted": take(fields, "deleted", bool),
        "schema_version": take(fields, "schema_version", int),
        "machine": _machine_from(fields),
        "metadata": _metadata_from(fields),
        "causality": _take_counters(fields, "causality"),
        "fences": _take_counters(fields, "fences"),
        "transition_id": take(fields, "transition_id", str),
        "timestamp": take(fields, "timestamp", datetime),
        "created_at": take(fields, "created_at", datetime),
        "hash": take(fields, "hash", str),
        "depends_on": _take_list(fields, "depends_on", str) if "depends_on" in fields else (),
        "signals": _signals_from(fields),
    }


def state_fields(record: StateRecord, encoding: Encoding) -> Fields:
    """Return the fields of a state document."""
    marks = record.marks
    # As a payload: it may grow, and as a native map each of its keys would be indexed.
    dependents = {"dependents": Payload.of(dict(marks.dependents)).field(encoding)} if marks.dependents else {}
    return {
        **_content_fields(record, encoding),
        "status": record.status,
        "data": record.data.field(encoding),
        "sealed_through": marks.sealed_through,
        "trimmed_through": marks.trimmed_through,
        "trimmed_hash": marks.trimmed_hash,
        "snapshots": list(marks.snapshots),
        **dependents,
    }


def _state_from(fields: Mapping[str, Value]) -> StateRecord:
    return StateRecord(
        **_content_from(fields),
        status=take(fields, "status", str),
        data=_take_object(fields, "data"),
        marks=Marks(
            sealed_through=take(fields, "sealed_through", int),
            trimmed_through=take(fields, "trimmed_through", int),
            trimmed_hash=take(fields, "trimmed_hash", str),
            snapshots=_take_list(fields, "snapshots", int),
            dependents=_dependents_from(fields),
        ),
    )


def event_fields(event: EventRecord, encoding: Encoding) -> Fields:
    """Return the fields of an event document; ``committed_at`` is the document's own create_time."""
    return {
        **_content_fields(event, encoding),
        "action": event.action,
        "kind": event.kind,
        "payload": event.payload.field(encoding),
        "idempotency_key": event.idempotency_key,
        "from_status": event.from_status,
        "to_status": event.to_status,
        "from_state": event.from_state.field(encoding),
        "to_state": event.to_state.field(encoding),
        "origin": event.origin,
        "parents": list(event.parents),
        "fencing_token": event.fencing_token,
        "previous_hash": event.previous_hash,
    }


def event_from(fields: Mapping[str, Value], committed_at: datetime | None) -> EventRecord:
    """Return the event in a document's fields.

    Raises:
        FieldError: They are not an event of ours.
    """
    return EventRecord(
        **_content_from(fields),
        action=take(fields, "action", str),
        kind=take(fields, "kind", str),
        payload=_take_payload(fields, "payload"),
        idempotency_key=_take_or_none(fields, "idempotency_key", str),
        from_status=_take_or_none(fields, "from_status", str),
        to_status=take(fields, "to_status", str),
        from_state=_take_payload(fields, "from_state"),
        to_state=_take_object(fields, "to_state"),
        origin=take(fields, "origin", str),
        parents=_take_list(fields, "parents", int),
        fencing_token=_take_or_none(fields, "fencing_token", int),
        previous_hash=take(fields, "previous_hash", str),
        committed_at=committed_at,
    )


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
        check_format(document.fields, document.path)
        record = _state_from(document.fields)
        _check_owner(record, governor_id, state_id)
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
        check_format(document.fields, document.path)
        event = event_from(document.fields, document.create_time)
        _check_owner(event, governor_id, state_id)
    except FieldError as error:
        raise CorruptLogError(
            governor_id, state_id, _version_in(document), f"event document {document.path}: {error}"
        ) from error
    return event


def _check_owner(content: Content, governor_id: str, state_id: str) -> None:
    if (content.governor_id, content.state_id) != (governor_id, state_id):
        message = f"it names governor {content.governor_id!r} and state {content.state_id!r}"
        raise FieldError(message)


def _version_in(document: Document) -> int | None:
    version = document.fields.get("version")
    return version if type(version) is int else None
