"""Fields of stored documents: taken by name and exact type, so that what is damaged or foreign is told."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from tai_state.codec import Payload
from tai_state.documents import DAMAGED, Document, Value
from tai_state.errors import InvalidDataError, SchemaVersionError
from tai_state.layout import FORMAT

T = TypeVar("T")


class FieldError(ValueError):
    """A field is missing or of another type than ours; the message names it."""


def take(fields: Mapping[str, Value], name: str, kind: type[T]) -> T:
    """Return a field that must be there, of exactly this type.

    Raises:
        FieldError: It is missing, or of another type.
    """
    value = fields.get(name)
    # By exact type: to Python True is an int, and a bool where a version should be is damage.
    if type(value) is not kind:
        message = f"field {name!r} should be {kind.__name__}, it is {type(value).__name__}"
        raise FieldError(message)
    return value


def take_or_none(fields: Mapping[str, Value], name: str, kind: type[T]) -> T | None:
    """Return a field of exactly this type, or None where it is null or missing.

    Raises:
        FieldError: It is something else.
    """
    return None if fields.get(name) is None else take(fields, name, kind)


def take_time(fields: Mapping[str, Value], name: str) -> datetime:
    """Return a field that must be a datetime, of whatever subclass: a test that freezes time puts its own in.

    Raises:
        FieldError: It is missing, or something else.
    """
    value = fields.get(name)
    if not isinstance(value, datetime):
        message = f"field {name!r} should be datetime, it is {type(value).__name__}"
        raise FieldError(message)
    return value


def take_time_or_none(fields: Mapping[str, Value], name: str) -> datetime | None:
    """Return a field that must be a datetime, None where it is null or missing; see ``take_time``.

    Raises:
        FieldError: It is something else.
    """
    return None if fields.get(name) is None else take_time(fields, name)


def written_at(document: Document) -> datetime:
    """Return when a document that is replaced in place was written: of one that was imported, when it was there.

    Raises:
        FieldError: The field that says so is something else.
    """
    return take_time_or_none(document.fields, "committed_at") or document.update_time


def take_list(fields: Mapping[str, Value], name: str, kind: type[T]) -> tuple[T, ...]:
    """Return a field that must be a list of exactly this type, as a tuple.

    Raises:
        FieldError: It is something else.
    """
    values = take(fields, name, list)
    if any(type(value) is not kind for value in values):
        message = f"field {name!r} should be a list of {kind.__name__}"
        raise FieldError(message)
    return tuple(values)


def take_counters(fields: Mapping[str, Value], name: str) -> dict[str, int]:
    """Return a field that must be a map of ints.

    Raises:
        FieldError: It is something else.
    """
    counters = take(fields, name, dict)
    if any(type(count) is not int for count in counters.values()):
        message = f"field {name!r} should be a map of ints"
        raise FieldError(message)
    return counters


def take_payload(fields: Mapping[str, Value], name: str) -> Payload:
    """Return the payload in a field, in whichever shape it was stored.

    Raises:
        FieldError: It is missing or damaged.
    """
    if name not in fields:
        message = f"field {name!r} is missing"
        raise FieldError(message)
    try:
        return Payload.stored(fields[name])
    except InvalidDataError as error:
        message = f"field {name!r}: {error}"
        raise FieldError(message) from error


def take_object(fields: Mapping[str, Value], name: str) -> Payload:
    """Return the payload in a field that must hold a map.

    Raises:
        FieldError: It is something else.
    """
    payload = take_payload(fields, name)
    # Told by its canonical JSON: parsing a large payload only to see what it is costs more than all the rest.
    if not payload.json.startswith(b"{"):
        message = f"field {name!r} should hold a map"
        raise FieldError(message)
    return payload


def take_version(fields: Mapping[str, Value], name: str = "version") -> int:
    """Return the field *name*, a version, which counts from 1; 0 is that of a state which is only prepared to be.

    Raises:
        FieldError: It is something else.
    """
    version = take(fields, name, int)
    least = 0 if name == "version" and "prepared" in fields else 1
    if version < least:
        message = f"field {name!r} should be at least {least}, it is {version}"
        raise FieldError(message)
    return version


def check_format(fields: Mapping[str, Value], what: object, *, newest: int = FORMAT) -> None:
    """Refuse a document of a newer format.

    Raises:
        SchemaVersionError: Its format number is above the *newest* that this build reads.
        FieldError: It has none, or could not be read at all.
    """
    if DAMAGED in fields:
        raise FieldError(str(fields[DAMAGED]))
    stored = take(fields, "format", int)
    if stored < 1:
        message = f"field 'format' should be at least 1, it is {stored}"
        raise FieldError(message)
    if stored > newest:
        raise SchemaVersionError(stored, newest, f"document {what}")
