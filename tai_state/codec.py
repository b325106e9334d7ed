"""Payload encodings: how a value that a user gave is checked, compared and stored.

Inside the package a payload is its canonical JSON: bytes that nobody can mutate,
equal for equal values, and hashed for the event chain. Stored, it is one of
three shapes, told apart by type: a native map while it is small (a person reads it in the
console), one JSON text, or zstd-compressed JSON bytes.
"""

import base64
import hashlib
import math
import re
from datetime import datetime
from enum import Enum
from typing import Any

import orjson
import zstandard
from pydantic import BaseModel

from tai_state.config import Encoding
from tai_state.conversion import plain
from tai_state.documents import Value
from tai_state.errors import DocumentTooLargeError, InvalidDataError

LEVELS_MAX = 20
"""How deep a value may nest; the outermost dict is level 1, lists count."""


INT_MIN, INT_MAX = -(2**63), 2**63 - 1


_PLAIN = frozenset({type(None), bool, bytes})


PAYLOAD_BYTES_MAX = 64 * 1024 * 1024
"""How large a value may be, in bytes of JSON: what is stored can be read again, however well it compressed."""


_NATIVE_LEVELS_MAX = 16


# Firestore takes 1,500 bytes for the whole path of keys to a field. Counted in characters of up to 4 bytes, with
# room for the name of the field that holds the value; what is longer is stored as JSON text instead.
_NATIVE_PATH_CHARACTERS_MAX = 350


# What JSON has no type for is a dict of one tag; a user's dict that looks like one is wrapped.
_BYTES, _TIME, _MAP = "$bytes", "$time", "$map"


_TAGS = frozenset({_BYTES, _TIME, _MAP})


# A number, at its place in the text, that some release might write with an exponent, or does.
_ODD_NUMBER = re.compile(rb"(?:^|[:,\[])-?(?:0\.000|[0-9]{16}|[0-9.]+[eE])")


_JSON_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS


def _refuse(message: str, path: str) -> InvalidDataError:
    return InvalidDataError(message, path=path)


def check_text(text: str, path: str, what: str = "the text") -> None:
    """Refuse a text that is not valid Unicode: it has no bytes."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            message = f"{what} is not valid Unicode text: {error.reason} at position {error.start}"
            raise _refuse(message, path) from error


def normalize(value: object, *, path: str = "data", level: int = 1) -> Value:
    """Return a checked deep copy of *value*: datetimes in UTC, enum members as their values, models as dicts.

    Raises:
        InvalidDataError: Something in it cannot be stored and given back equal; names the path.
    """
    kind = type(value)
    if kind is dict or kind is list:
        return _normalize_container(value, path, level)
    if isinstance(value, str) and kind is str:
        check_text(value, path)
    elif isinstance(value, int) and kind is int:
        if not INT_MIN <= value <= INT_MAX:
            message = "an int must fit in 64 bits"
            raise _refuse(message, path)
    elif isinstance(value, float) and kind is float:
        if not math.isfinite(value):
            message = f"a float must be finite, not {value}"
            raise _refuse(message, path)
    elif kind not in _PLAIN:
        converted = plain(value, path)
        return converted if isinstance(converted, datetime) else normalize(converted, path=path, level=level)
    return value


def _normalize_container(value: object, path: str, level: int) -> Value:
    if level > LEVELS_MAX:
        message = f"nested deeper than {LEVELS_MAX} levels"
        raise _refuse(message, path)
    if isinstance(value, list):
        return [normalize(item, path=f"{path}[{index}]", level=level + 1) for index, item in enumerate(value)]
    assert isinstance(value, dict)
    normal: dict[str, Value] = {}
    for given, item in value.items():
        key = given if type(given) is str else _normal_key(given, path)
        if not key.isascii():
            check_text(key, path, f"the key {key!r}")
        normal[key] = normalize(item, path=f"{path}.{key}", level=level + 1)
    if len(normal) < len(value):
        message = "a key is there twice, once as a member of an enum"
        raise _refuse(message, path)
    return normal


def _normal_key(given: object, path: str) -> str:
    key = given.value if isinstance(given, Enum) else given
    if type(key) is not str:
        message = f"the key {key!r} is a {type(key).__name__}, keys must be str"
        raise _refuse(message, path)
    return key


def normalize_data(data: object, *, path: str = "data") -> dict[str, Value]:
    """Return a checked deep copy of a state's data: a dict, or a pydantic model (see ``typed``).

    Raises:
        InvalidDataError: It is neither, or something in it cannot be stored.
    """
    normal: Any = normalize(data, path=path) if isinstance(data, dict | BaseModel) else None
    if type(normal) is not dict:
        message = f"must be a dict or a pydantic model, not {type(data).__name__}"
        raise _refuse(message, path)
    return normal


def _tag(value: object) -> dict[str, str]:
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    assert isinstance(value, datetime)
    return {_TIME: value.isoformat(timespec="microseconds")}


def _wrapped(value: Value) -> Value:
    """Return *value* with each dict that looks like a tag wrapped in one."""
    if isinstance(value, dict):
        wrapped = {key: _wrapped(item) for key, item in value.items()}
        return {_MAP: wrapped} if len(value) == 1 and not _TAGS.isdisjoint(value) else wrapped
    if isinstance(value, list):
        return [_wrapped(item) for item in value]
    return value


def _untagged(value: Any) -> Value:
    if isinstance(value, list):
        return [_untagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((key, item),) = value.items()
        if key == _BYTES:
            return base64.b64decode(item, validate=True)
        if key == _TIME:
            return datetime.fromisoformat(item)
        if key == _MAP:
            return {name: _untagged(inner) for name, inner in item.items()}
    return {key: _untagged(item) for key, item in value.items()}


def _plain_floats(value: Value) -> Value:
    """Return *value* with each float that has an exponent as the text that Python gives it."""
    if isinstance(value, dict):
        return {key: _plain_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain_floats(item) for item in value]
    return orjson.Fragment(repr(value)) if isinstance(value, float) else value


def dump_json(value: Value) -> bytes:
    """Return a normalized value as JSON that ``from_json`` reads back, for storing; not the same with every release."""
    tags = 0

    def tag(item: object) -> dict[str, str]:
        nonlocal tags
        tags += 1
        return _tag(item)

    encoded = orjson.dumps(value, default=tag, option=_JSON_OPTIONS)
    # Each tag of ours puts one '"$' into the text. One more, and the value may hold a dict that looks like a tag.
    if encoded.count(b'"$') == tags:
        return encoded
    return orjson.dumps(_wrapped(value), default=_tag, option=_JSON_OPTIONS)


def to_json(value: Value) -> bytes:
    """Return the canonical JSON of a normalized value: equal values, equal bytes, with every release."""
    encoded = dump_json(value)
    # Releases of orjson write the exponents of floats differently: those are written by Python, always the same.
    if _ODD_NUMBER.search(encoded):
        return orjson.dumps(_plain_floats(_wrapped(value)), default=_tag, option=_JSON_OPTIONS)
    return encoded


def from_json(encoded: bytes | str) -> Value:
    """Return the value whose canonical JSON is *encoded*.

    Raises:
        InvalidDataError: It is no JSON that ``to_json`` made.
    """
    try:
        value = orjson.loads(encoded)
        marked = b'"$' in encoded if isinstance(encoded, bytes) else '"$' in encoded
        return _untagged(value) if marked else value
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        message = f"not a stored JSON value: {error}"
        raise InvalidDataError(message) from error


def _canonical(stored: Value) -> bytes:
    """Return the canonical JSON of a value as it was stored, by us or by somebody else.

    An engine has types that we never store: a place on a map, a reference to a document.

    Raises:
        InvalidDataError: It is none of ours: nested deeper than anything that we store, say.
    """
    try:
        return to_json(stored)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"a stored value holds what was never stored by us: {error}"
        raise InvalidDataError(message) from error


def _is_native(value: Value, room: int = _NATIVE_PATH_CHARACTERS_MAX, level: int = 1) -> bool:
    """Whether every engine can hold *value* as a field: no list in a list, no odd key, not too deep, no long path."""
    if isinstance(value, dict):
        return level <= _NATIVE_LEVELS_MAX and all(
            len(key) < room and _is_native_key(key) and _is_native(item, room - len(key) - 1, level + 1)
            for key, item in value.items()
        )
    if isinstance(value, list):
        return level <= _NATIVE_LEVELS_MAX and all(
            not isinstance(item, list) and _is_native(item, room, level + 1) for item in value
        )
    return True


def _is_native_key(key: str) -> bool:
    return bool(key) and not (key.startswith("__") and key.endswith("__"))


def compress(raw: bytes) -> bytes:
    """Return *raw* as one zstd frame that tells its size."""
    return zstandard.ZstdCompressor(level=3).compress(raw)


def decompress(blob: bytes) -> bytes:
    """Return what ``compress`` was given.

    Raises:
        InvalidDataError: It is no such frame, or it would grow past 64 MiB.
    """
    try:
        size = zstandard.frame_content_size(blob)
        if not 0 <= size <= PAYLOAD_BYTES_MAX:
            message = f"a compressed value claims {size} bytes"
            raise InvalidDataError(message)
        return zstandard.ZstdDecompressor().decompress(blob)
    except zstandard.ZstdError as error:
        message = f"not a compressed value: {error}"
        raise InvalidDataError(message) from error


class Payload:
    """An immutable JSON-like value: its canonical JSON, from which each reader gets a copy of its own.

    A commit stores it in several documents: what it is stored as is found out once, and kept until ``forget_forms``.
    """

    __slots__ = ("_compressed", "_digest", "_native", "json")

    def __init__(self, json: bytes) -> None:
        """Wrap canonical JSON; use ``of`` for values."""
        self.json = json
        self._digest: str | None = None
        self.forget_forms()

    def forget_forms(self) -> None:
        """Keep the JSON alone: the commit is made, and a cache may hold the value for long."""
        self._native: dict[str, Value] | bool | None = None
        self._compressed: bytes | None = None

    @classmethod
    def of(cls, value: Value, what: str = "data") -> "Payload":
        """Wrap a *normalized* value (see ``normalize``).

        Raises:
            DocumentTooLargeError: It is larger than what could be read again; names *what* it is.
        """
        encoded = to_json(value)
        if len(encoded) > PAYLOAD_BYTES_MAX:
            raise DocumentTooLargeError(len(encoded), PAYLOAD_BYTES_MAX, f"{what}, as JSON,")
        return cls(encoded)

    @classmethod
    def stored(cls, field: Value) -> "Payload":
        """Wrap what ``field`` returned, whatever the thresholds were then.

        Raises:
            InvalidDataError: The field is of no shape that ``field`` makes.
        """
        if field is None:
            return cls(b"null")
        if isinstance(field, dict):
            return cls(_canonical(field))
        if isinstance(field, bytes):
            field = decompress(field)
        elif not isinstance(field, str):
            message = f"a stored value is a map, text or bytes, not {type(field).__name__}"
            raise InvalidDataError(message)
        # Parsed and encoded again: a text that somebody edited by hand is canonical only then.
        return cls(_canonical(from_json(field)))

    @property
    def is_json(self) -> bool:
        """Whether the canonical JSON reads as the value itself, without anything that JSON has no type for."""
        return b'"$' not in self.json or bool(orjson.loads(self.json) == self.value())

    def value(self) -> Value:
        """Return a fresh copy of the value."""
        return from_json(self.json)

    @property
    def digest(self) -> str:
        """The SHA-256 of the canonical JSON, in hexadecimal."""
        if self._digest is None:
            self._digest = hashlib.sha256(self.json).hexdigest()
        return self._digest

    def field(self, encoding: Encoding) -> Value:
        """Return what a document stores: None, a map, a JSON text or compressed JSON.

        A map is shared between calls: for documents only, which nobody changes.
        """
        size = len(self.json)
        if size >= encoding.zstd_bytes_min:
            if self._compressed is None:
                self._compressed = compress(self.json)
            return self._compressed
        if self.json == b"null":
            return None
        native = self._as_native() if size < encoding.json_bytes_min else False
        return self.json.decode() if native is False else native

    def _as_native(self) -> dict[str, Value] | bool:
        """Return the value as a map that every engine can hold, or False; found out once."""
        if self._native is None:
            value = self.value() if self.json.startswith(b"{") else None
            self._native = value if isinstance(value, dict) and _is_native(value) else False
        return self._native

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same value."""
        return isinstance(other, Payload) and self.json == other.json

    def __hash__(self) -> int:
        """Hash by value."""
        return hash(self.json)

    def __repr__(self) -> str:
        """Show the JSON, shortened."""
        return f"Payload({self.json[:80].decode(errors='replace')})"


EMPTY = Payload(b"{}")


NULL = Payload(b"null")
