"""Payload encodings: how a value that a user gave is checked, compared and stored.

Inside the package a payload is its canonical JSON: bytes that nobody can mutate,
equal for equal values, and hashed for the event chain. Stored, it is one of
three shapes, told apart by type: a native map while it is small (a person reads it in the
console), one JSON text, or zstd-compressed JSON bytes.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

import orjson

from tai_state.compression import PAYLOAD_BYTES_MAX, compress, decompress
from tai_state.config import Encoding
from tai_state.conversion import LEVELS_MAX, is_shallow, normalize
from tai_state.documents import Json, Value
from tai_state.errors import DocumentTooLargeError, InvalidDataError
from tai_state.native import NATIVE_LEVELS_MAX, NATIVE_PATH_CHARACTERS_MAX, is_native_map

# What JSON has no type for is a dict of one tag; a user's dict that looks like one is wrapped.
_BYTES, _TIME, _MAP = "$bytes", "$time", "$map"
_TAGS = frozenset({_BYTES, _TIME, _MAP})
_DOLLAR = ord("$")  # looked for as a byte, which is quicker than any text

_TIMES, _PAYLOADS = ("timestamp", "created_at"), ("data", "from_state", "to_state")  # of all states and events
_CONTAINERS = frozenset({dict, list})

# A number, at its place in the text, that some release might write with an exponent, or does.
_ODD_NUMBER = re.compile(rb"(?:^|[:,\[])-?(?:0\.000|[0-9]{16}|[0-9.]+[eE])")

# Digits as 0: in what is left each such number shows by a few bytes, which are found 20 times faster.
_DIGITS_AS_0 = bytes.maketrans(b"123456789E", b"000000000e")

_JSON_OPTIONS = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_SUBCLASS
    | orjson.OPT_PASSTHROUGH_DATACLASS
)


@lru_cache(maxsize=1024)
def utc_text(moment: datetime) -> str:
    """Return how a moment in UTC is written; of others equal ones have several texts."""
    return moment.isoformat(timespec="microseconds")


def time_text(moment: datetime) -> str:
    """Return how an aware datetime is written, in documents and under the hashes."""
    return utc_text(moment) if moment.tzinfo is UTC else moment.isoformat(timespec="microseconds")


def _tag(value: object) -> dict[str, str] | orjson.Fragment:
    if isinstance(value, Json):
        return orjson.Fragment(value.text)
    if isinstance(value, bytes):
        return {_BYTES: base64.b64encode(value).decode()}
    assert isinstance(value, datetime)
    return {_TIME: time_text(value)}


def _wrapped(value: Value) -> Value:
    """Return *value* with each dict that looks like a tag wrapped in one."""
    if isinstance(value, dict):
        wrapped = {key: _wrapped(item) for key, item in value.items()}
        return {_MAP: wrapped} if len(value) == 1 and not _TAGS.isdisjoint(value) else wrapped
    if isinstance(value, list):
        return [_wrapped(item) for item in value]
    return value


def _untagged(value: Any) -> Value:
    kind = type(value)
    if kind is list:
        return [_untagged(item) if type(item) in _CONTAINERS else item for item in value]
    if kind is not dict:
        return value
    if len(value) == 1:
        ((key, item),) = value.items()
        if key == _BYTES:
            return base64.b64decode(item, validate=True)
        if key == _TIME:
            return datetime.fromisoformat(item)
        if key == _MAP:
            value = item
    # Most of what a document holds are texts and numbers, which need no call each.
    return {name: _untagged(inner) if type(inner) in _CONTAINERS else inner for name, inner in value.items()}


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

    def tag(item: object) -> dict[str, str] | orjson.Fragment:
        nonlocal tags
        if type(item) is Json:
            tags += item.text.count(b'"$')
            return orjson.Fragment(item.text)
        tags += 1
        return {_TIME: time_text(item)} if isinstance(item, datetime) else _tag(item)

    encoded = orjson.dumps(value, default=tag, option=_JSON_OPTIONS)
    # Each tag of ours puts one '"$' into the text. One more, and the value may hold a dict that looks like a tag.
    if encoded.count(b'"$') != tags:
        encoded = orjson.dumps(_wrapped(value), default=_tag, option=_JSON_OPTIONS)
    # A copy, here and wherever it is kept: what orjson returns holds on to the 4 KiB or more that it was written in.
    return b"%b" % encoded


def dump_fields(fields: Mapping[str, Value]) -> bytes:
    """Return a document's fields as JSON, as ``dump_json`` does; their texts and numbers cost no look."""
    tags = 0

    def tag(item: object) -> dict[str, str] | orjson.Fragment:
        nonlocal tags
        if type(item) is Json:
            tags += item.text.count(_DOLLAR)
            return orjson.Fragment(item.text)
        if type(item) is not datetime:
            raise TypeError
        tags += 1
        return {_TIME: time_text(item)}

    shown = dict(fields)
    for name in _TIMES:
        moment = shown.get(name)
        if type(moment) is datetime and moment.tzinfo is UTC:
            shown[name] = {_TIME: utc_text(moment)}
            tags += 1
    for name in _PAYLOADS:
        if type(payload := shown.get(name)) is Json:
            tags += payload.text.count(_DOLLAR)
            shown[name] = orjson.Fragment(payload.text)
    try:
        encoded = orjson.dumps(shown, default=tag, option=_JSON_OPTIONS)
    except TypeError:
        return dump_json(dict(fields))
    # One more of these than ours and those in payloads, and a value may look like a tag.
    return encoded if encoded.count(_DOLLAR) == tags else dump_json(dict(fields))


dump_plain: Callable[[Value], bytes] = partial(orjson.dumps, option=_JSON_OPTIONS)
"""Returns the JSON of what holds texts, ints, bools, None, lists and dicts alone, the keys in order."""


def to_json(value: Value) -> bytes:
    """Return the canonical JSON of a normalized value: equal values, equal bytes, with every release."""
    encoded = dump_json(value)
    # Releases of orjson write the exponents of floats differently: those are written by Python, always the same.
    if has_odd_number(encoded):
        return b"%b" % orjson.dumps(_plain_floats(_wrapped(value)), default=_tag, option=_JSON_OPTIONS)
    return encoded


def has_odd_number(encoded: bytes) -> bool:
    """Whether a JSON text holds a number that releases of orjson may write differently, or an int of 16 digits."""
    shape = encoded.translate(_DIGITS_AS_0)
    if b"0e" in shape or b"0.000" in shape or b"0000000000000000" in shape:
        return _ODD_NUMBER.search(encoded) is not None
    return False


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


def _has_more_tags(encoded: bytes, count: int) -> bool:
    """Whether more than *count* places of a text look like a tag; ten times as quick as counting them all."""
    place = encoded.find(b'"$')
    while place >= 0 and count:
        place = encoded.find(b'"$', place + 2)
        count -= 1
    return place >= 0


def load_fields(encoded: bytes) -> Value:
    """Return a document's fields from their JSON, as ``from_json`` does; their times cost no look into all the rest.

    Raises:
        InvalidDataError: It is no JSON that ``dump_fields`` made.
    """
    try:
        fields = orjson.loads(encoded)
        times = 0
        if type(fields) is dict and len(fields) > 1:
            for name, value in fields.items():
                if type(value) is dict and _TIME in value and len(value) == 1:
                    fields[name] = datetime.fromisoformat(value[_TIME])
                    times += 1
        # One more, and there is a tag deeper inside, or a text that looks like one.
        return _untagged(fields) if _has_more_tags(encoded, times) else fields
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


class Payload:
    """An immutable JSON-like value: its canonical JSON, from which each reader gets a copy of its own.

    A commit stores it in several documents: what it is stored as is found out once, and kept until ``forget_forms``.
    """

    __slots__ = ("_digest", "_embedded", "compressed", "json")

    def __init__(self, json: bytes) -> None:
        """Wrap canonical JSON; use ``of`` and ``given`` for values."""
        self.json = json
        self._digest: str | None = None
        self._embedded: Json | None = None
        self.compressed: bytes | None = None

    def forget_forms(self) -> None:
        """Keep the JSON alone: the commit is made, and a cache may hold the value for long."""
        self.compressed = None

    @classmethod
    def given(cls, value: object, path: str = "data", what: str | None = None) -> "Payload":
        """Check and wrap a value that a user gave; see ``normalize``.

        Raises:
            InvalidDataError: Something in it cannot be stored and given back equal; names the *path*.
            DocumentTooLargeError: It is larger than what could be read again; names *what* it is.
        """
        # All of it in C: what JSON cannot hold is refused there, and what it holds as something else (a tuple, NaN, a
        # UUID) does not come back equal. Whatever is not plain is looked at in detail.
        try:
            encoded = orjson.dumps(value, option=_JSON_OPTIONS)
        except TypeError:
            return cls.of(normalize(value, path=path), what or path)
        if (
            len(encoded) <= PAYLOAD_BYTES_MAX
            and b'"$' not in encoded
            and not has_odd_number(encoded)
            # Most values have fewer brackets than they may have levels.
            and (encoded.count(b"{") + encoded.count(b"[") <= LEVELS_MAX or is_shallow(value))
            and orjson.loads(encoded) == value
        ):
            return cls(b"%b" % encoded)
        return cls.of(normalize(value, path=path), what or path)

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
        if isinstance(field, Json):
            return cls(field.text)
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

    def copy_of(self, value: object) -> Value:
        """Return a copy of *value* where a glance tells that it is this; None where it does not, or it is null.

        Two dumps are compared, and nothing is normalized.
        """
        try:
            encoded = orjson.dumps(value, option=_JSON_OPTIONS)
        except TypeError:
            return None
        if encoded != self.json or b'"$' in encoded:
            return None
        copy = orjson.loads(encoded)  # as in ``given``
        return copy if copy == value else None

    def value(self) -> Value:
        """Return a fresh copy of the value."""
        encoded = self.json
        # Most payloads are None, and most contexts empty.
        if encoded == b"null":
            return None
        if encoded == b"{}":
            return {}
        if b'"$' in encoded:
            return from_json(encoded)
        try:
            return orjson.loads(encoded)
        except ValueError:
            return from_json(encoded)  # which tells of it

    @property
    def digest(self) -> str:
        """The SHA-256 of the canonical JSON, in hexadecimal."""
        if self._digest is None:
            self._digest = hashlib.sha256(self.json).hexdigest()
        return self._digest

    def field(self, encoding: Encoding) -> Value:
        """Return what a document stores: None, a map (as Json), a JSON text or compressed JSON."""
        size = len(self.json)
        if self._embedded is not None and size < encoding.json_bytes_min and size < encoding.zstd_bytes_min:
            return self._embedded
        if self.json == b"null":
            return None
        if size >= encoding.zstd_bytes_min:
            if self.compressed is None:
                self.compressed = compress(self.json)
            return self.compressed
        if self.json == b"{}":
            return {}
        if size >= encoding.json_bytes_min or not self._is_native():
            return self.json.decode()
        self._embedded = Json(self.json)
        return self._embedded

    def _is_native(self) -> bool:
        """Whether it is a map that every engine can hold as a field."""
        encoded = self.json
        # A glance tells of most small maps; a text in one may look as if it were none.
        is_surely = (
            len(encoded) < NATIVE_PATH_CHARACTERS_MAX
            and encoded.count(b"{") + encoded.count(b"[") <= NATIVE_LEVELS_MAX
            and not (b'"$' in encoded or b'"":' in encoded or b'"__' in encoded)
            and not (b"[[" in encoded or b",[" in encoded)
        )
        return encoded.startswith(b"{") and (is_surely or is_native_map(self.value()))

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
