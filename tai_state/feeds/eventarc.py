"""Eventarc: what Firestore tells of its documents, as events of this package.

A trigger of the type ``google.cloud.firestore.document.v1.created`` for ``governors/{governor}/events/{event}`` (below
the store's root, where it has one) sends each event once or more, in no order. ``event_of`` reads one; ``deliver`` of a
``Subscription`` makes it count once and in order.

Nothing is needed but Google's client of Firestore: the data of such a CloudEvent, ``DocumentEventData``, holds the
document in the form in which the client reads it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tai_state.backends.firestore.values import read_fields, read_time
from tai_state.codec import Payload
from tai_state.documents import Document, DocumentPath
from tai_state.errors import InvalidDataError, InvalidIdError
from tai_state.layout import GOVERNORS, governor_of, owner_and_version, unescape
from tai_state.rules.records.documents import read_event

if TYPE_CHECKING:
    from tai_state.models import Event

__all__ = ["cloud_event_of", "event_of"]

_WHERE = "cloud_event"
_PARTS = 4


def cloud_event_of(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return the CloudEvent in an HTTP request, as Eventarc sends it: attributes in ``ce-`` headers, the data as body.

    A body of the type ``application/cloudevents+json`` is one by itself.

    Raises:
        InvalidDataError: It is none.
    """
    named = {name.lower(): value for name, value in headers.items()}
    kind = named.get("content-type", "")
    if kind.startswith("application/cloudevents+json"):
        return _object(body, "body")
    if "ce-type" not in named:
        message = "the request holds no CloudEvent: it has no header ce-type"
        raise InvalidDataError(message, path="headers")
    attributes = {name.removeprefix("ce-"): value for name, value in named.items() if name.startswith("ce-")}
    return {**attributes, "datacontenttype": kind, "data": body}


def event_of(cloud_event: object) -> Event:
    """Return the event whose document a CloudEvent of Firestore tells of.

    Args:
        cloud_event: A mapping with ``data`` or ``data_base64`` (what ``cloud_event_of`` returns, or a CloudEvent in
            JSON), or an object with an attribute ``data`` or a method ``get_data`` (the SDK's own class). The data may
            be protobuf or JSON.

    Raises:
        InvalidDataError: It holds no document of an event: it is about another document, one that was deleted, or none.
        CorruptLogError: The event is damaged.
        SchemaVersionError: A newer release wrote it.
    """
    raw = _document(_data(cloud_event))
    path = _path(raw.name)
    document = Document(path, read_fields(raw.fields, path), read_time(raw.create_time), read_time(raw.update_time))
    governor, _, _ = path.collection.removeprefix(f"{GOVERNORS}/").partition("/")
    try:
        owner, _ = owner_and_version(path.id)
        return read_event(document, governor_of(governor), unescape(owner)).public(Payload.value)
    except InvalidIdError as error:
        raise _none(f"{raw.name!r} is none: {error}") from error


def _data(cloud_event: object) -> object:
    if isinstance(cloud_event, Mapping):
        if "data_base64" in cloud_event:
            return _decoded(cloud_event["data_base64"])
        return cloud_event.get("data")
    get_data = getattr(cloud_event, "get_data", None)
    return get_data() if callable(get_data) else getattr(cloud_event, "data", None)


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except ValueError as error:
        raise _none(f"data_base64 is no base64: {error}") from error


def _document(data: object) -> Any:
    """Return the raw document in the data of a CloudEvent: JSON, read or as text, or protobuf."""
    # No message of the kind begins with this byte, and what begins with white space may be one.
    if isinstance(data, str) or (isinstance(data, bytes) and data[:1] == b"{"):
        data = _object(data, f"{_WHERE}.data")
    raw = _from_json(data) if isinstance(data, Mapping) else _from_protobuf(data)
    if not raw.name:
        raise _none("it tells of no document that is there")
    return raw


def _object(text: str | bytes, path: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"is no JSON: {error}"
        raise InvalidDataError(message, path=path) from error
    if not isinstance(found, dict):
        message = f"is no object of JSON, but {type(found).__name__}"
        raise InvalidDataError(message, path=path)
    return found


def _from_json(data: Mapping[str, Any]) -> Any:
    from google.cloud.firestore_v1.types import Document as Message  # noqa: PLC0415 - as for the engine
    from google.protobuf.json_format import ParseDict, ParseError  # noqa: PLC0415

    value = data.get("value") or {}
    try:
        return ParseDict(value, Message.pb(Message()), ignore_unknown_fields=True)
    except (ParseError, AttributeError, TypeError) as error:
        raise _none(f"its value is no document: {error}") from error


def _from_protobuf(data: object) -> Any:
    from google.cloud.firestore_v1.types import DocumentChange  # noqa: PLC0415 - as for the engine
    from google.protobuf.message import DecodeError  # noqa: PLC0415

    if not isinstance(data, bytes):
        raise _none(f"its data is {type(data).__name__}, neither JSON nor protobuf")
    # DocumentEventData has the document as its first field, and so has this one; what was there before, and what has
    # changed of it, are fields that this one does not know.
    change = DocumentChange.pb(DocumentChange())
    try:
        change.ParseFromString(data)
    except DecodeError as error:
        raise _none(f"its data is no protobuf of DocumentEventData: {error}") from error
    return change.document


def _path(name: str) -> DocumentPath:
    """Return the path of an event's document in a store, whatever its root."""
    parts = name.partition("/documents/")[2].split("/")[-_PARTS:]
    if len(parts) != _PARTS or parts[0] != GOVERNORS or parts[2] != "events":
        raise _none(f"{name!r} is none")
    return DocumentPath("/".join(parts[:3]), parts[3])


def _none(why: str) -> InvalidDataError:
    return InvalidDataError(f"holds no document of an event: {why}", path=_WHERE)
