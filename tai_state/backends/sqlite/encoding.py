"""From the port's writes to statements: each precondition is part of the statement that it guards."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tai_state.codec import dump_json
from tai_state.documents import (
    EXPIRES_AT,
    Check,
    DocumentPath,
    Fields,
    Lifetime,
    Limits,
    MustExist,
    MustNotExist,
    Put,
    UpdatedAt,
    Write,
    lifetime,
)
from tai_state.errors import DocumentTooLargeError, InvalidDataError, StoreError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

LIMITS = Limits(document_bytes=1_048_576, commit_bytes=10 * 1_048_576)

# A change is refused where the document's time is not below the commit's (see store_clock.py, 4). By name: from
# Python 3.14 on, sqlite3 refuses numbered arguments.
CREATE = """INSERT INTO documents (collection, id, create_time, update_time, fields, expires_at)
    VALUES (:collection, :id, :time, :time, :fields, :expires) ON CONFLICT DO NOTHING"""
UPSERT = """INSERT INTO documents (collection, id, create_time, update_time, fields, expires_at)
    VALUES (:collection, :id, :time, :time, :fields, :expires)
    ON CONFLICT DO UPDATE SET update_time = :time, fields = :fields, expires_at = :expires WHERE update_time < :time"""
REPLACE = """UPDATE documents SET update_time = :time, fields = :fields, expires_at = :expires
    WHERE collection = :collection AND id = :id AND update_time < :time"""
REPLACE_AT = """UPDATE documents SET update_time = :time, fields = :fields, expires_at = :expires
    WHERE collection = :collection AND id = :id AND update_time = :expected AND update_time < :time"""
REMOVE = "DELETE FROM documents WHERE collection = :collection AND id = :id AND update_time < :time"
REMOVE_AT = """DELETE FROM documents
    WHERE collection = :collection AND id = :id AND update_time = :expected AND update_time < :time"""
_PUTS = {None: UPSERT, False: CREATE, True: REPLACE}


class Step(NamedTuple):
    """One write, ready to run.

    Attributes:
        statement: What changes the document; None for a mere check.
        fields: The JSON that it writes, if any.
        present: Whether the document must be there (True) or not (False), None where both will do.
        expected_us: The update_time that it must have, if any.
        puts: Whether it leaves a document behind.
        lasting: How long the document counts, None for one that stays.
    """

    path: DocumentPath
    statement: str | None
    fields: bytes | None
    present: bool | None
    expected_us: int | None
    puts: bool
    lasting: Lifetime | None = None

    def expires_us(self, time_us: int) -> int | None:
        """Return after which time a document that is written at *time_us* may go; None: never."""
        return ends_us(self.lasting, time_us)


class Request(NamedTuple):
    """A checked commit: its steps, and its size in bytes of JSON."""

    steps: tuple[Step, ...]
    size: int


def encode(writes: Sequence[Write]) -> Request:
    """Return *writes* as a request.

    Raises:
        DocumentTooLargeError: A document, or all of them together, are larger than LIMITS.
        InvalidDataError: A path occurs twice, or a value cannot be stored.
    """
    steps: list[Step] = []
    paths: set[DocumentPath] = set()
    size = 0
    for write in writes:
        step = _step(write)
        steps.append(step)
        paths.add(step.path)
        size += len(step.fields or b"")
    if len(paths) != len(steps):
        raise InvalidDataError("a commit has two writes to the same document", path=_repeated(steps))
    if size > LIMITS.commit_bytes:
        raise DocumentTooLargeError(size, LIMITS.commit_bytes, "the commit")
    return Request(tuple(steps), size)


def _repeated(steps: Sequence[Step]) -> str:
    paths = [step.path for step in steps]
    return str(next(path for path in paths if paths.count(path) > 1))


def _step(write: Write) -> Step:
    path = write.path
    if not (path.collection.isascii() and path.id.isascii()):
        _check_path(path)
    present, expected_us = _required(write)
    if isinstance(write, Put):
        body = _body(write.fields, path)
        lasting = lifetime(write.fields) if EXPIRES_AT in write.fields else None
        statement = _PUTS[present] if expected_us is None else REPLACE_AT
        return Step(path, statement, body, present, expected_us, puts=True, lasting=lasting)
    if isinstance(write, Check) or present is False:
        # To delete what must not be there is to check that it is not.
        return Step(path, None, None, present, expected_us, puts=False)
    if expected_us is not None:
        return Step(path, REMOVE_AT, None, present, expected_us, puts=False)
    return Step(path, REMOVE, None, present, None, puts=False)


def _required(write: Write) -> tuple[bool | None, int | None]:
    """Return whether the document must be there, and with which update_time; None where either will do."""
    match write.precondition:
        case UpdatedAt(moment):
            return True, _expected(moment, write.path)
        case MustExist():
            return True, None
        case MustNotExist():
            return False, None
        case None:
            return None, None


def _expected(moment: datetime, path: DocumentPath) -> int:
    if moment.utcoffset() is None:
        raise InvalidDataError("the expected update_time needs a time zone", path=str(path))
    return to_us(moment)


def _check_path(path: DocumentPath) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InvalidDataError("the path is not valid Unicode text", path=repr(str(path))) from error


def _body(fields: Fields, path: DocumentPath) -> bytes:
    try:
        body = dump_json(fields if type(fields) is dict else dict(fields))
    except (TypeError, ValueError) as error:
        raise InvalidDataError(f"a value cannot be stored: {error}", path=str(path)) from error
    if len(body) > LIMITS.document_bytes:
        raise DocumentTooLargeError(len(body), LIMITS.document_bytes, f"the document {path}")
    return body


def ends_us(lasting: Lifetime | None, update_us: int) -> int | None:
    """Return the last microsecond at which a document of that update_time counts; None: it stays."""
    ends = lasting.ends(from_us(update_us)) if lasting is not None else None
    return None if ends is None else to_us(ends)


def to_us(moment: datetime) -> int:
    """Return the microseconds since 1970 of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(moment_us: int) -> datetime:
    """Return the datetime, in UTC, of *moment_us*.

    Raises:
        StoreError: There is no such time: the file is damaged.
    """
    try:
        return _EPOCH + timedelta(microseconds=moment_us)
    except OverflowError as error:
        message = f"the file is damaged: it holds the time {moment_us} us, which no calendar has"
        raise StoreError(message) from error
