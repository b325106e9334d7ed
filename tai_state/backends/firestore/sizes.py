"""Sizes as Firestore counts them, checked before anything is sent.

The rules are Google's ("Storage size calculations"); the emulator enforces them to
the byte.
"""

from tai_state.codec import from_json
from tai_state.documents import DocumentPath, Json, Limits, Value
from tai_state.errors import DocumentTooLargeError

DOCUMENT_BYTES_MAX = 1_048_576
VALUE_BYTES_MAX = 1_048_487
"""The largest single text or bytes value."""

COMMIT_BYTES_MAX = 10 * 1024 * 1024
EMULATOR_COMMIT_BYTES_MAX = 4 * 1024 * 1024

_DOCUMENT_OVERHEAD = 32
_NAME_OVERHEAD = 16
_NUMBER_BYTES = 8


def limits(*, emulator: bool) -> Limits:
    """Return what production takes, or the emulator, whose requests may only have 4 MiB."""
    return Limits(DOCUMENT_BYTES_MAX, EMULATOR_COMMIT_BYTES_MAX if emulator else COMMIT_BYTES_MAX)


def may_be_too_large(wire_bytes: int) -> bool:
    """Whether what has so many bytes on the wire can be a document that Firestore refuses, or hold one."""
    # An int counts 8 bytes and takes at least 4 on the wire; nothing else grows more from there
    # to here. So twice the wire's size is never too little, and most commits end at this line.
    return 2 * wire_bytes > DOCUMENT_BYTES_MAX


def check_document(path: DocumentPath, relative_name: str, fields: Value) -> None:
    """Refuse a document that Firestore would.

    Args:
        relative_name: The name below ``documents/``.

    Raises:
        DocumentTooLargeError: It is larger than 1 MiB, or one of its values is than 1 MiB - 89 bytes.
    """
    size = document_bytes(relative_name, fields)
    if size > DOCUMENT_BYTES_MAX:
        raise DocumentTooLargeError(size, DOCUMENT_BYTES_MAX, f"document {path}")
    largest = _largest_value(fields)
    if largest > VALUE_BYTES_MAX:
        raise DocumentTooLargeError(largest, VALUE_BYTES_MAX, f"a value of document {path}")


def check_commit(size: int, limit: int) -> None:
    """Refuse a request of more than *limit* bytes.

    Raises:
        DocumentTooLargeError: It is larger.
    """
    if size > limit:
        raise DocumentTooLargeError(size, limit, "the commit")


def document_bytes(relative_name: str, fields: Value) -> int:
    """Return a document's size as Firestore counts it."""
    name = _NAME_OVERHEAD + sum(len(segment.encode()) + 1 for segment in relative_name.split("/"))
    return name + _DOCUMENT_OVERHEAD + _value_bytes(fields)


def _value_bytes(value: Value) -> int:
    if isinstance(value, str):
        return len(value.encode()) + 1
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, Json):
        return _value_bytes(from_json(value.text))
    if isinstance(value, dict):
        return sum(len(name.encode()) + 1 + _value_bytes(item) for name, item in value.items())
    if isinstance(value, list):
        return sum(map(_value_bytes, value))
    return 1 if value is None or isinstance(value, bool) else _NUMBER_BYTES


def _largest_value(value: Value) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, Json):
        return _largest_value(from_json(value.text))
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return max(map(_largest_value, inner), default=0)
