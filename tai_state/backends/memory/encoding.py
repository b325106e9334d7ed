"""What the memory backend takes: from the port's writes to JSON, as strict as Firestore in production."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from tai_state.codec import dump_fields
from tai_state.conversion import INT_MAX, INT_MIN, LEVELS_MAX, normalize, normalize_data
from tai_state.documents import DocumentPath, Json, Limits, Put, Value, Write, check_stamp
from tai_state.errors import DocumentTooLargeError, InvalidDataError, InvalidIdError

LIMITS = Limits(document_bytes=1_048_576, commit_bytes=10_485_760)
"""Firestore's limits in production, here measured on the canonical JSON of the fields."""

LOOKS_AT_ALL = False
"""Whether also those documents are looked into that are sound by how they were made. In the tests of this package they
are, so that all of them prove that they are."""

_ID_BYTES_MAX = 1_500
_KEY_PATH_BYTES_MAX = 1_500
# As characters of up to 4 bytes each.
_KEY_PATH_CHARACTERS = 350
_ODD_BEGINNINGS = frozenset({"", "__"})
_RESERVED = re.compile(r"__.*__", re.DOTALL)
_PLAIN_ID = re.compile(r"[A-Za-z0-9_@%-]{1,1500}", re.ASCII)


def encode(writes: Sequence[Write]) -> list[bytes]:
    """Check all that can be checked without the store, and return each Put's fields as JSON."""
    paths: set[DocumentPath] = set()
    encoded = []
    for write in writes:
        if write.path in paths:
            raise InvalidDataError(f"a commit writes {write.path} twice; merge the two writes into one")
        paths.add(write.path)
        if LOOKS_AT_ALL or type(write) is not Put or not write.is_sound:
            _check_path(write.path)
        encoded.append(_encode_fields(write) if isinstance(write, Put) else b"")
    size = sum(map(len, encoded))
    if size > LIMITS.commit_bytes:
        raise DocumentTooLargeError(size, LIMITS.commit_bytes, "the commit")
    return encoded


def _encode_fields(write: Put) -> bytes:
    if write.stamped is not None:
        check_stamp(write)
    try:
        encoded = dump_fields(write.fields if write.is_sound and not LOOKS_AT_ALL else _checked(write))
    except TypeError:
        # A text that is no Unicode: a second look names it.
        for name, value in write.fields.items():
            _looked_at(value, name, write.path)
        raise
    if len(encoded) > LIMITS.document_bytes:
        raise DocumentTooLargeError(len(encoded), LIMITS.document_bytes, f"document {write.path}")
    return b"%b" % encoded


_SCALARS = frozenset({str, bool, type(None), bytes, Json})
"""Types that need no look: what may be wrong with a text shows when it is encoded."""


def _checked(write: Put) -> Mapping[str, Value]:
    """Return the fields as they are stored, each checked by itself, since Firestore counts levels from there."""
    fields = write.fields
    names = tuple(fields)
    if not _are_plain(names):
        _check_native(normalize_data(dict.fromkeys(names), path=str(write.path)), str(write.path))
    odd = {}
    for name, value in fields.items():
        kind = type(value)
        if kind in _SCALARS or (kind is int and INT_MIN <= value <= INT_MAX):
            continue
        if not (value.tzinfo is UTC if kind is datetime else _is_plain(value)):
            odd[name] = _looked_at(value, name, write.path)
    return {**fields, **odd} if odd else fields


def _is_plain(value: Value, room: int = _KEY_PATH_CHARACTERS, level: int = 1) -> bool:
    """Whether a glance tells that a value is stored as it is; nearly all are."""
    kind = type(value)
    if kind in _SCALARS:
        return True
    if kind is int:
        return bool(INT_MIN <= value <= INT_MAX)
    if kind is datetime:
        return value.tzinfo is UTC
    if kind is dict and level <= LEVELS_MAX:
        return not value or _is_plain_map(value, room, level + 1)
    if kind is list and level <= LEVELS_MAX:
        return not value or all(type(item) is not list and _is_plain(item, room, level + 1) for item in value)
    return False


def _is_plain_map(value: dict[Any, Value], room: int, level: int) -> bool:
    # No ``all``: a step of a generator costs as much as a call.
    for key, item in value.items():
        if type(key) is not str or key[:2] in _ODD_BEGINNINGS or len(key) >= room:
            return False
        if not (type(item) in _SCALARS or _is_plain(item, room - len(key) - 1, level)):
            return False
    return True


def _looked_at(value: Value, name: str, path: DocumentPath) -> Value:
    """Return a value as it is stored, or refuse it by its place."""
    normal = normalize(value, path=f"{path}.{name}")
    if isinstance(normal, dict | list):
        _check_native(normal, f"{path}.{name}", len(name.encode()) + 1)
    return normal


@lru_cache(maxsize=256)
def _are_plain(names: tuple[object, ...]) -> bool:
    """Whether a document's fields have names that need no closer look; most documents have those of one before."""
    return all(
        type(name) is str and name.isidentifier() and name.isascii() and name[0] != "_" and len(name) < _ID_BYTES_MAX
        for name in names
    )


@lru_cache(maxsize=256)
def _is_plain_path(collection: str) -> bool:
    """Whether *collection* needs no closer look."""
    segments = collection.split("/")
    return len(segments) % 2 == 1 and all(
        _PLAIN_ID.fullmatch(segment) and not segment.startswith("__") for segment in segments
    )


def _check_path(path: DocumentPath) -> None:
    if _is_plain_path(path.collection) and not path.id.startswith("__") and _PLAIN_ID.fullmatch(path.id):
        return
    segments = path.collection.split("/")
    if len(segments) % 2 == 0:
        raise InvalidIdError(f"{path.collection!r} is no collection but a document", value=path.collection)
    for id_ in (path.id, *segments):
        if not id_ or "/" in id_ or id_ in {".", ".."} or (id_.startswith("__") and _RESERVED.fullmatch(id_)):
            raise InvalidIdError(f"{id_!r} in {path} cannot be stored as an id", value=id_)
        if len(id_.encode()) > _ID_BYTES_MAX:
            raise InvalidIdError(f"the id {id_[:40]!r}... has more than {_ID_BYTES_MAX} bytes", value=id_)


def _check_native(value: Value, path: str, above: int = 0) -> None:
    """Refuse what JSON can hold and Firestore cannot; the codec wraps such values before they come here.

    Args:
        above: The bytes of the keys that lead to *value*, a dot behind each. It is the whole dotted path
            that may have 1,500 bytes (measured on the emulator).
    """
    if isinstance(value, dict):
        for key, item in value.items():
            key_bytes = above + len(key.encode())
            if not key or (key.startswith("__") and _RESERVED.fullmatch(key)) or key_bytes > _KEY_PATH_BYTES_MAX:
                raise InvalidDataError(f"the key {key[:40]!r} is empty, reserved or too long", path=path)
            _check_native(item, f"{path}.{key}", key_bytes + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, list):
                raise InvalidDataError("a list directly in a list", path=f"{path}[{index}]")
            _check_native(item, f"{path}[{index}]", above)
