"""From the port's writes to a script's arguments, and from its answers to the port's documents."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tai_state.backends.json_documents import json_document
from tai_state.backends.redis.keys import members_of
from tai_state.backends.redis.scripts import HEAD_BYTES
from tai_state.backends.stamps import with_stamp
from tai_state.codec import dump_fields, time_text
from tai_state.documents import (
    Delete,
    Document,
    DocumentPath,
    Limits,
    MustExist,
    MustNotExist,
    Precondition,
    Put,
    UpdatedAt,
    Write,
    check_stamp,
)
from tai_state.errors import DocumentTooLargeError, InvalidDataError
from tai_state.lifetimes import EXPIRES_AT, lifetime

FORMAT = b"1"
"""Of what is kept; a store of another one is refused."""

LIMITS = Limits(document_bytes=1_048_576, commit_bytes=10 * 1_048_576)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HEAD = re.compile(rb"[0-9]{32}[x-][0-9]{8}")
_MICROSECOND = timedelta(microseconds=1)
# Set in a document to see where a stamp stands in it.
_SOME_TIME = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)

Argument = str | bytes


class Request(NamedTuple):
    """A checked commit: the documents that it names, and the script's arguments for them.

    Attributes:
        puts: The documents that it leaves behind.
    """

    paths: list[DocumentPath]
    arguments: list[Argument]
    puts: list[DocumentPath]


def encode(writes: Sequence[Write]) -> Request:
    """Return *writes* as a request.

    Raises:
        DocumentTooLargeError: A document, or all of them together, are larger than LIMITS.
        InvalidDataError: A path occurs twice, or a value cannot be stored.
    """
    paths: list[DocumentPath] = []
    arguments: list[Argument] = []
    puts: list[DocumentPath] = []
    size = 0
    for write in writes:
        path = write.path
        _check_path(path)
        paths.append(path)
        wanted = _precondition(write.precondition, path)
        if isinstance(write, Put):
            fields, behind_stamp = _fields(write)
            size += len(fields) + len(behind_stamp)
            puts.append(path)
            members, expires = members_of(path, write.fields), _expires(write)
            arguments += (*path, "p", wanted, fields, behind_stamp, members, expires)
        else:
            # To delete what must not be there is to check that it is not.
            arguments += (*path, "d" if isinstance(write, Delete) else "c", wanted, b"", b"", b"", b"")
    if len(set(paths)) != len(paths):
        repeated = next(path for path in paths if paths.count(path) > 1)
        raise InvalidDataError("a commit has two writes to the same document", path=str(repeated))
    if size > LIMITS.commit_bytes:
        raise DocumentTooLargeError(size, LIMITS.commit_bytes, "the commit")
    return Request(paths, arguments, puts)


def _check_path(path: DocumentPath) -> None:
    if path.collection.isascii() and path.id.isascii():
        return
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InvalidDataError("the path is not valid Unicode text", path=repr(str(path))) from error


def _precondition(wanted: Precondition | None, path: DocumentPath) -> bytes:
    if wanted is None:
        return b""
    if isinstance(wanted, UpdatedAt):
        if wanted.update_time.utcoffset() is None:
            raise InvalidDataError("the expected update_time needs a time zone", path=str(path))
        return b"%016d" % to_us(wanted.update_time)
    assert isinstance(wanted, MustExist | MustNotExist)
    return b"0" if isinstance(wanted, MustNotExist) else b"1"


def _fields(write: Put) -> tuple[bytes, bytes]:
    """Return the JSON of a document; of one that is stamped, what comes before the stamp's text and what behind it."""
    if write.stamped is not None:
        check_stamp(write)
    try:
        encoded = dump_fields(write.fields)
    except (TypeError, ValueError) as error:
        raise InvalidDataError(f"a value cannot be stored: {error}", path=str(write.path)) from error
    if len(encoded) > LIMITS.document_bytes:
        raise DocumentTooLargeError(len(encoded), LIMITS.document_bytes, f"the document {write.path}")
    if write.stamped is None:
        return encoded, b""
    stamp = dump_fields({write.stamped: _SOME_TIME})[1:-1]
    before, _, behind = with_stamp(encoded, write.stamped, _SOME_TIME).rpartition(stamp)
    name, _, end = stamp.rpartition(time_text(_SOME_TIME).encode())
    return before + name, end + behind


def _expires(write: Put) -> bytes:
    """Return until when a document counts; b"" for one that stays."""
    lasting = lifetime(write.fields) if EXPIRES_AT in write.fields else None
    if lasting is None:
        return b""
    # One that ends beyond the calendar is a number, too, which no clock ever comes to.
    return b"%d %d" % (to_us(lasting.latest), lasting.ttl // _MICROSECOND)


def document(path: DocumentPath, stored: bytes | None) -> Document:
    """Return the document that is *stored* at *path*; None, for one that an index names and nobody has, is damage."""
    # As the scripts have it: what they take for none counts as of the first moment.
    if stored is None or not _HEAD.match(stored):
        return json_document(path, b"", _EPOCH, _EPOCH)
    created, updated, size = int(stored[:16]), int(stored[16:32]), int(stored[33:HEAD_BYTES])
    return json_document(path, stored[HEAD_BYTES + size :], from_us(created), from_us(updated))


def documents(paths: Sequence[DocumentPath], answers: Sequence[Any]) -> dict[DocumentPath, Document]:
    """Return those of *paths* that exist; a text of no length is none, to the scripts, too."""
    found = zip(paths, answers, strict=True)
    return {path: document(path, stored) for path, stored in found if stored}


def to_us(moment: datetime) -> int:
    """Return the microseconds since 1970 of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(moment_us: int) -> datetime:
    """Return the datetime, in UTC, of *moment_us*."""
    return _EPOCH + timedelta(microseconds=moment_us)
