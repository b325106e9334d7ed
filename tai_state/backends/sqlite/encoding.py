"""From the port's writes to statements: each precondition is part of the statement that it guards."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tai_state.backends.sqlite.failures import damaged
from tai_state.backends.sqlite.packing import PACKED_MAX, PACKED_MIN, new_packer, packers
from tai_state.backends.stamps import with_stamp
from tai_state.codec import dump_fields, dump_plain
from tai_state.documents import Check, DocumentPath, Limits, MustNotExist, Put, UpdatedAt, Value, Write, check_stamp
from tai_state.errors import DocumentTooLargeError, InvalidDataError
from tai_state.lifetimes import EXPIRES_AT, Lifetime, lifetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

LIMITS = Limits(document_bytes=1_048_576, commit_bytes=10 * 1_048_576)

# A change is refused where the document's time is not below the commit's (see store_clock.py, 4). Arguments go by their
# places, in the order in which ``GroupApplier`` gives them, which is half as dear as by name.
CREATE = """INSERT INTO documents (collection, id, create_time, update_time, body, expires_at, terms, sought)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"""
UPSERT = """INSERT INTO documents (collection, id, create_time, update_time, body, expires_at, terms, sought)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET update_time = excluded.update_time, body = excluded.body,
    expires_at = excluded.expires_at, terms = excluded.terms, sought = excluded.sought
    WHERE update_time < excluded.update_time"""
_SET = "UPDATE documents SET update_time = ?, body = ?, expires_at = ?, terms = ?, sought = ?"
REPLACE = f"{_SET} WHERE collection = ? AND id = ? AND update_time < ?"
REPLACE_AT = f"{_SET} WHERE collection = ? AND id = ? AND update_time = ? AND update_time < ?"
REMOVE = "DELETE FROM documents WHERE collection = ? AND id = ? AND update_time < ?"
REMOVE_AT = "DELETE FROM documents WHERE collection = ? AND id = ? AND update_time = ? AND update_time < ?"
_PUTS = {None: UPSERT, False: CREATE, True: REPLACE}


class Step(NamedTuple):
    """One write, ready to run.

    Attributes:
        statement: What changes the document; None for a mere check.
        body: What it writes, JSON or that compressed (see ``packing.py``); None where it leaves no document behind.
        present: Whether the document must be there (True) or not (False), None where both will do.
        expected_us: The update_time that it must have, if any.
        lasting: How long the document counts, None for one that stays.
        terms: What its list of terms holds, as JSON; None for a document without one. See ``terms.py``.
        stamped: The field in which the commit's time is set, if any.
        sought: What its collection is looked through by, if it has that; see ``SOUGHT``.
        size: How many bytes of JSON it writes.
    """

    path: DocumentPath
    statement: str | None
    body: bytes | None
    present: bool | None
    expected_us: int | None
    lasting: Lifetime | None = None
    terms: bytes | None = None
    stamped: str | None = None
    sought: str | int | None = None
    size: int = 0

    def body_at(self, moment_us: int) -> bytes | None:
        """Return what a commit at *moment_us* writes."""
        if self.stamped is None or self.body is None:
            return self.body
        return with_stamp(self.body, self.stamped, from_us(moment_us))

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
        if step.body is not None:
            puts.append(step.path)
            size += step.size
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
    if not isinstance(write, Put):
        # To delete what must not be there is to check that it is not.
        is_check = isinstance(write, Check) or present is False
        statement = None if is_check else REMOVE if expected_us is None else REMOVE_AT
        return Step(path, statement, None, present, expected_us)
    fields, stamped = write.fields, write.stamped
    if stamped is not None:
        check_stamp(write)
    try:
        body = dump_fields(fields)
    except (TypeError, ValueError) as error:
        raise InvalidDataError(f"a value cannot be stored: {error}", path=str(path)) from error
    size = len(body)
    if size > LIMITS.document_bytes:
        raise DocumentTooLargeError(size, LIMITS.document_bytes, f"the document {path}")
    lasting = lifetime(fields) if EXPIRES_AT in fields else None
    terms: bytes | None = None
    sought: str | int | None = None
    kind = path.collection.rpartition("/")[2]
    if kind == PACKED:
        moment = fields.get(SOUGHT[kind])
        sought = (moment - _EPOCH) // _MICROSECOND if isinstance(moment, datetime) and moment.tzinfo else None
        body = _packed(body) if stamped is None else body
    elif kind == TERMS.collection:
        status = fields.get(SOUGHT[kind])
        sought = status if isinstance(status, str) else None
        terms = _terms(fields[TERMS.field]) if TERMS.field in fields else None
    statement = _PUTS[present] if expected_us is None else REPLACE_AT
    return Step(path, statement, body, present, expected_us, lasting, terms, stamped, sought, size)


SOUGHT = {"states": "status", "events": "timestamp"}
"""By which of their fields documents are looked for among many, by the last part of their collections.

Its value stands in a column beside the document, so that an index on it needs no look into the JSON: a status as it is,
a time in microseconds since 1970; NULL for anything else.
"""

PACKED = "events"
"""The last part of the collections whose documents are compressed."""


def _packed(text: bytes) -> bytes:
    """Return the JSON of an event as it is stored; see ``packing.py``."""
    if not PACKED_MIN <= len(text) <= PACKED_MAX:
        return text
    try:
        packer = packers.pop()
    except IndexError:
        packer = new_packer()
    packed = packer.compress(text)
    packers.append(packer)
    return packed


class Terms(NamedTuple):
    """The field whose lists are looked into, and the last part of the collections that have it."""

    collection: str
    field: str


TERMS = Terms("states", "labels")


def _terms(stored: Value) -> bytes | None:
    """Return what can be looked for of the list in that field."""
    if not isinstance(stored, list):
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
        DamagedStoreError: There is no such time.
    """
    try:
        if type(moment_us) is int:
            return _EPOCH + timedelta(microseconds=moment_us)
    except OverflowError:
        pass
    raise damaged(f"it holds the time {moment_us!r} us, which no calendar has")
