"""Our field values to and from Firestore's protobuf ``Value``, written by hand into raw messages.

The messages' own accessors are the fast path: no proto-plus wrapper, no copy of a
message into another. None of this needs a message class, so nothing is imported.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

from tai_state.codec import from_json
from tai_state.documents import Fields, Json, Value
from tai_state.errors import InvalidDataError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86_400
_NANOS = 1_000
_INT_MIN, _INT_MAX = -(2**63), 2**63 - 1


Maps = dict[bytes, Any]
"""What was written of JSON texts, by those, in one commit: it holds most of them twice, in a state and in an event."""


def write_fields(target: Any, fields: Fields, maps: Maps) -> None:
    """Write *fields* into *target*, the empty ``fields`` of a raw Document.

    Args:
        maps: Those of the commit.

    Raises:
        InvalidDataError: A value has no place in a document; names its path.
    """
    try:
        for name, value in fields.items():
            if type(value) is Json:
                _write_known(target[name], value, maps)
            else:
                _WRITERS[type(value)](target[name], value)
    except (KeyError, TypeError, ValueError) as error:
        raise _explain(fields, "") from error


def write_value(target: Any, value: Value) -> None:
    """Write one scalar *value* into the raw Value *target*."""
    _WRITERS[type(value)](target, value)


def read_value(value: Any) -> Value:
    """Return what the raw Value *value* holds.

    Raises:
        KeyError: It is of a type that tai_state never writes.
    """
    return _READERS[value.WhichOneof("value_type")](value)


def write_time(target: Any, time: datetime) -> None:
    """Write *time*, aware, into the raw Timestamp *target*."""
    elapsed = time - _EPOCH
    # Assigning makes the message present, also for the epoch, whose numbers are all zero.
    target.seconds = elapsed.days * _DAY_SECONDS + elapsed.seconds
    target.nanos = elapsed.microseconds * _NANOS


def read_fields(fields: Any, document: object) -> dict[str, Value]:
    """Return the plain Python values in the ``fields`` of the raw *document*, fresh for each call.

    Raises:
        InvalidDataError: A value is of a type that tai_state never writes; names its path.
    """
    try:
        return _read_map(fields)
    except KeyError as error:
        path, kind = _foreign(fields, "") or ("", "unknown")
        message = f"document {document} holds a {kind.removesuffix('_value')} here, which tai_state does not read"
        raise InvalidDataError(message, path=path) from error


def read_time(timestamp: Any) -> datetime:
    """Return the raw *timestamp* as a datetime in UTC.

    Raises:
        InvalidDataError: It is finer than microseconds: given back as a precondition it would not match.
    """
    micros, finer = divmod(timestamp.nanos, _NANOS)
    if finer:
        message = f"the stored time has {timestamp.nanos} nanoseconds, finer than microseconds"
        raise InvalidDataError(message)
    return _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=micros)


def _write_map(target: Any, fields: Mapping[str, Value]) -> None:
    for name, value in fields.items():
        _WRITERS[type(value)](target[name], value)


def _write_none(target: Any, _: Value) -> None:
    target.null_value = 0


def _write_bool(target: Any, value: Value) -> None:
    target.boolean_value = value


def _write_int(target: Any, value: Value) -> None:
    target.integer_value = value


def _write_float(target: Any, value: Value) -> None:
    target.double_value = value


def _write_text(target: Any, value: Value) -> None:
    target.string_value = value


def _write_bytes(target: Any, value: Value) -> None:
    target.bytes_value = value


def _write_datetime(target: Any, value: Value) -> None:
    write_time(target.timestamp_value, value)


def _write_list(target: Any, value: Value) -> None:
    array = target.array_value
    array.SetInParent()
    add = array.values.add
    for item in value:
        _WRITERS[type(item)](add(), item)


def _write_dict(target: Any, value: Value) -> None:
    inner = target.map_value
    inner.SetInParent()
    _write_map(inner.fields, value)


def _write_known(target: Any, value: Json, maps: Maps) -> None:
    known = maps.get(value.text)
    if known is None:
        maps[value.text] = target
        _write_json(target, value)
    else:
        # A copy in C.
        target.CopyFrom(known)


def _write_json(target: Any, value: Value) -> None:
    _write_dict(target, from_json(value.text))


class _Writers(dict[type, Callable[[Any, Value], None]]):
    """By exact type: a subclass (an Enum member, say) would come back as something else than it was.

    Those of datetime alone are taken: a test that freezes time puts its own in.
    """

    def __missing__(self, kind: type) -> Callable[[Any, Value], None]:
        """Return the writer of a subclass of datetime."""
        if issubclass(kind, datetime):
            return _write_datetime
        raise KeyError(kind)


_WRITERS = _Writers(
    {
        type(None): _write_none,
        bool: _write_bool,
        int: _write_int,
        float: _write_float,
        str: _write_text,
        bytes: _write_bytes,
        datetime: _write_datetime,
        list: _write_list,
        dict: _write_dict,
        Json: _write_json,
    }
)


def _explain(value: Value, path: str) -> InvalidDataError:
    """Return the error for the first thing in *value* that cannot be written, found by a slow second look."""
    return _flaw(value, path) or InvalidDataError("cannot be stored in Firestore", path=path)


def _flaw(value: Value, path: str) -> InvalidDataError | None:
    if isinstance(value, Mapping):
        return next((flaw for key, item in value.items() if (flaw := _entry_flaw(key, item, path))), None)
    if type(value) is list:
        return next((flaw for index, item in enumerate(value) if (flaw := _flaw(item, f"{path}[{index}]"))), None)
    return _scalar_flaw(value, path)


def _entry_flaw(key: object, item: Value, path: str) -> InvalidDataError | None:
    if type(key) is not str:
        return InvalidDataError(f"the key {key!r} is a {type(key).__name__}, keys must be str", path=path)
    return _scalar_flaw(key, path) or _flaw(item, f"{path}.{key}" if path else key)


def _scalar_flaw(value: Value, path: str) -> InvalidDataError | None:
    if isinstance(value, datetime):
        return InvalidDataError("a datetime needs a time zone", path=path) if value.utcoffset() is None else None
    if type(value) not in _WRITERS:
        return InvalidDataError(f"a {type(value).__name__} cannot be stored", path=path)
    if type(value) is int and not _INT_MIN <= value <= _INT_MAX:
        return InvalidDataError("an int must fit in 64 bits", path=path)
    if type(value) is str:
        try:
            value.encode()
        except UnicodeEncodeError as error:
            return InvalidDataError(f"not valid Unicode text: {error.reason} at position {error.start}", path=path)
    return None


def _read_map(fields: Any) -> dict[str, Value]:
    return {name: _READERS[value.WhichOneof("value_type")](value) for name, value in fields.items()}


def _read_list(value: Any) -> list[Value]:
    return [_READERS[item.WhichOneof("value_type")](item) for item in value.array_value.values]


_READERS: dict[str | None, Callable[[Any], Value]] = {
    "null_value": lambda _: None,
    "boolean_value": attrgetter("boolean_value"),
    "integer_value": attrgetter("integer_value"),
    "double_value": attrgetter("double_value"),
    "string_value": attrgetter("string_value"),
    "bytes_value": attrgetter("bytes_value"),
    "timestamp_value": lambda value: read_time(value.timestamp_value),
    "array_value": _read_list,
    "map_value": lambda value: _read_map(value.map_value.fields),
}


def _foreign(fields: Any, path: str) -> tuple[str, str] | None:
    """Return the path and the kind of the first value that has no reader."""
    for name, value in fields.items():
        if found := _foreign_value(value, f"{path}.{name}" if path else name):
            return found
    return None


def _foreign_value(value: Any, path: str) -> tuple[str, str] | None:
    kind = value.WhichOneof("value_type")
    if kind not in _READERS:
        return path, str(kind)
    if kind == "map_value":
        return _foreign(value.map_value.fields, path)
    if kind == "array_value":
        items = enumerate(value.array_value.values)
        return next((found for index, item in items if (found := _foreign_value(item, f"{path}[{index}]"))), None)
    return None
