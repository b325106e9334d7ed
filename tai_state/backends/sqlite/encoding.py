"""From the port's writes to statements: each precondition is part of the statement that it guards."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tai_state.backends.stamps import with_stamp
from tai_state.codec import dump_fields, dump_plain
from tai_state.documents import Check, DocumentPath, Limits, MustNotExist, Put, UpdatedAt, Value, Write, check_stamp
from tai_state.errors import DocumentTooLargeError, InvalidDataError, StoreError
from tai_state.lifetimes import EXPIRES_AT, Lifetime, lifetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

LIMITS = Limits(document_bytes=1_048_576, commit_bytes=10 * 1_048_576)

# A change is refused where the document's time is not below the commit's (see store_clock.py, 4). By name: from
# Python 3.14 on, sqlite3 refuses numbered arguments.
CREATE = """INSERT INTO documents (collection, id, create_time, update_time, fields, expires_at, terms)
    VALUES (:collection, :id, :time, :time, :fields, :expires, :terms) ON CONFLICT DO NOTHING"""
_SET = "update_time = :time, fields = :fields, expires_at = :expires, terms = :terms"
UPSERT = f"""INSERT INTO documents (collection, id, create_time, update_time, fields, expires_at, terms)
    VALUES (:collection, :id, :time, :time, :fields, :expires, :terms)
    ON CONFLICT DO UPDATE SET {_SET} WHERE update_time < :time"""  # noqa: S608 - of constants alone
REPLACE = f"""UPDATE documents SET {_SET}
    WHERE collection = :collection AND id = :id AND update_time < :time"""  # noqa: S608 - as above
REPLACE_AT = f"""UPDATE documents SET {_SET}
    WHERE collection = :collection AND id = :id AND update_time = :expected AND update_time < :time"""  # noqa: S608 - as above
REMOVE = "DELETE FROM documents WHERE collection = :collection AND id = :id AND update_time < :time"
REMOVE_AT = """DELETE FROM documents
    WHERE collection = :collection AND id = :id AND update_time = :expected AND update_time < :time"""
_PUTS = {None: UPSERT, False: CREATE, True: REPLACE}


class Step(NamedTuple):
    """One write, ready to run.

    Attributes:
        statement: What changes the document; None for a mere check.
        fields: The JSON that it writes; None where it leaves no document behind.
        present: Whether the document must be there (True) or not (False), None where both will do.
        expected_us: The update_time that it must have, if any.
        lasting: How long the document counts, None for one that stays.
        terms: What its list of terms holds, as JSON; None for a document without one. See ``terms.py``.
        stamped: The field in which the commit's time is set, if any.
    """

    path: DocumentPath
    statement: str | None
    fields: bytes | None
    present: bool | None
    expected_us: int | None
    lasting: Lifetime | None = None
    terms: bytes | None = None
    stamped: str | None = None

    def body(self, moment_us: int) -> bytes | None:
        """Return the JSON that a commit at *moment_us* writes."""
        if self.stamped is None or self.fields is None:
            return self.fields
        return with_stamp(self.fields, self.stamped, from_us(moment_us))

    def expires_us(self, time_us: int) -> int | None:
        """Return after which time a document that is written at *time_us* may go; None: never."""
        return ends_us(self.lasting, time_us)


Request = tuple[Sequence[Step], Sequence[DocumentPath], int]
"""A checked commit: its steps, the documents that it leaves behind, and its size in bytes of JSON."""


def encode(writes: Sequence[Write]) -> Request:
    """Return *writes* as a request.

    Raises:
        DocumentTooLargeError: A document, or all of them together, are larger than LIMITS.
        InvalidDataError: A path occurs twice, or a value cannot be stored.
    """
    steps: list[Step] = []
    paths: set[DocumentPath] = set()
    puts: list[DocumentPath] = []
    size = 0
    for write in writes:
        step = _step(write)
        steps.append(step)
        paths.add(step.path)
        if step.fields is not None:
            puts.append(step.path)
            size += len(step.fields)
    if len(paths) != len(steps):
        raise InvalidDataError("a commit has two writes to the same document", path=_repeated(steps))
    if size > LIMITS.commit_bytes:
        raise DocumentTooLargeError(size, LIMITS.commit_bytes, "the commit")
    return steps, puts, size


def _repeated(steps: Sequence[Step]) -> str:
    paths = [step.path for step in steps]
    return str(next(path for path in paths if paths.count(path) > 1))


def _step(write: Write) -> Step:
    path, wanted = write.path, write.precondition
    if not (path.collection.isascii() and path.id.isascii()):
        _check_path(path)
    expected_us = None
    if isinstance(wanted, UpdatedAt):
        if wanted.update_time.utcoffset() is None:
            raise InvalidDataError("the expected update_time needs a time zone", path=str(path))
        expected_us = (wanted.update_time - _EPOCH) // _MICROSECOND
    present = None if wanted is None else not isinstance(wanted, MustNotExist)
    if isinstance(write, Put):
        fields = write.fields
        if write.stamped is not None:
            check_stamp(write)
        try:
            body = dump_fields(fields)
        except (TypeError, ValueError) as error:
            raise InvalidDataError(f"a value cannot be stored: {error}", path=str(path)) from error
        if len(body) > LIMITS.document_bytes:
            raise DocumentTooLargeError(len(body), LIMITS.document_bytes, f"the document {path}")
        lasting = lifetime(fields) if EXPIRES_AT in fields else None
        statement = _PUTS[present] if expected_us is None else REPLACE_AT
        terms = _terms(path, fields[TERMS.field]) if TERMS.field in fields else None
        return Step(path, statement, body, present, expected_us, lasting, terms, write.stamped)
    if isinstance(write, Check) or present is False:
        # To delete what must not be there is to check that it is not.
        return Step(path, None, None, present, expected_us)
    if expected_us is not None:
        return Step(path, REMOVE_AT, None, present, expected_us)
    return Step(path, REMOVE, None, present, None)


class Terms(NamedTuple):
    """The field whose lists are looked into, and the last part of the collections that have it."""

    collection: str
    field: str


TERMS = Terms("states", "labels")


def _terms(path: DocumentPath, stored: Value) -> bytes | None:
    """Return what can be looked for of the list in that field of the document at *path*."""
    if path.collection.rpartition("/")[2] != TERMS.collection or not isinstance(stored, list):
        return None
    terms = {term for term in stored if type(term) is str and is_term(term)}
    return dump_plain(sorted(terms)) if terms else None


def is_term(text: str) -> bool:
    """Whether the table of terms has a text of a list: SQLite ends what it takes out of JSON at a NUL."""
    return "\0" not in text


def is_plain_text(text: str) -> bool:
    """Whether SQLite spells a text within JSON as it is; what it does not is compared in Python alone."""
    return not any(character < " " or character in '"\\' for character in text)


def _check_path(path: DocumentPath) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InvalidDataError("the path is not valid Unicode text", path=repr(str(path))) from error


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
