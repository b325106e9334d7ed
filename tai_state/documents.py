"""The port's words: what every backend reads and writes.

A document is a map of fields at a path, with the times at which the store
created and last changed it. Paths hold *stored* ids (see ``layout.py``), so no
segment contains a slash and every engine sorts them alike.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from tai_state.errors import InvalidDataError, UnsupportedOperationError
from tai_state.frozen import quick_dataclass

Value = Any
"""None, bool, int (64 bit), float, str, bytes, aware datetime, list or dict of these; in what is written also Json.

Lists inside lists and empty or reserved keys never reach a backend: the codec
wraps such values first.
"""

Fields = Mapping[str, Value]


@quick_dataclass(frozen=True, slots=True)
class Json:
    """A map in the fields of a Put, given as its canonical JSON (see ``codec``); read back it is a dict.

    An engine that stores JSON embeds the text as it is, which nobody has to parse and write a second time.
    """

    text: bytes


DAMAGED = "tai_damaged"
"""The one field of a document whose content cannot be read: what is wrong with it.

A backend gives such a document in the place of an error: it is a finding for those who know what it should hold, and no
reason to refuse its neighbours.
"""


class Capability(StrEnum):
    """What a backend declares that it can do, and the conformance suite proves."""

    DURABLE = "durable"  # what was acknowledged survives the death of the process
    SHARED = "shared"  # several processes may use the same store at once
    WATCH = "watch"  # changes of a document wake a waiter
    READ_AT = "read_at"  # reads can be of an earlier moment
    STEADY_READS = "steady_reads"  # a batch is as of one moment even when it need not be consistent
    ONE_HOST = "one_host"  # all that use it run on one host, where one process sees that another has died
    BY_UPDATE_TIME = "by_update_time"  # a query can be of the time at which documents were last changed


@quick_dataclass(frozen=True, slots=True)
class Limits:
    """The sizes that a backend takes; None where it has no such limit of its own."""

    document_bytes: int
    commit_bytes: int
    commit_writes: int | None = None


class DocumentPath(NamedTuple):
    """A document's place: its collection, such as ``governors/g/states``, and its stored id."""

    collection: str
    id: str

    def __str__(self) -> str:
        """Return ``collection/id``."""
        return f"{self.collection}/{self.id}"


@quick_dataclass(frozen=True, slots=True)
class Document:
    """A document as read. The store's clock gives both times; ``update_time`` rises with every change.

    ``size`` is about how many bytes the engine sent for it, 0 where a backend does not tell: pages are bounded by it.
    """

    path: DocumentPath
    fields: dict[str, Value]
    create_time: datetime
    update_time: datetime
    size: int = field(default=0, compare=False)

    @property
    def body(self) -> bytes | None:
        """The very bytes that the engine keeps of the fields, where it keeps bytes: equal ones are equal fields."""
        return None

    def value_of(self, name: str) -> Value:
        """Return what a range by *name* compares: a field's value, None where there is none, or the update time."""
        return self.update_time if name == UPDATE_TIME else self.fields.get(name)


@quick_dataclass(frozen=True, slots=True)
class MustNotExist:
    """The document must not be there."""


@quick_dataclass(frozen=True, slots=True)
class MustExist:
    """The document must be there, whatever it holds."""


@quick_dataclass(frozen=True, slots=True)
class UpdatedAt:
    """The document must be there, unchanged since *update_time*."""

    update_time: datetime


Precondition = MustNotExist | MustExist | UpdatedAt


@quick_dataclass(frozen=True, slots=True)
class Put:
    """Create the document or replace all its fields.

    Attributes:
        stamped: The name of one more field, in which the engine sets its own time with this very commit: to the
            millisecond at least, maybe a little before or behind the commit's time. Such a Put is always a change.
        is_sound: Whether path and fields are made, by this package, of parts that were checked one by one, so that
            every engine can hold them: a backend need not look into them again.
    """

    path: DocumentPath
    fields: Fields
    precondition: Precondition | None = None
    stamped: str | None = None
    is_sound: bool = field(default=False, compare=False)


@quick_dataclass(frozen=True, slots=True)
class Delete:
    """Remove the document; without a precondition a missing one is fine."""

    path: DocumentPath
    precondition: Precondition | None = None


@quick_dataclass(frozen=True, slots=True)
class Check:
    """Change nothing, but let the whole commit fail unless *precondition* holds."""

    path: DocumentPath
    precondition: Precondition


Write = Put | Delete | Check


@quick_dataclass(frozen=True, slots=True)
class CommitResult:
    """The outcome of a commit: its time, and the update_time of each document that a Put left behind, by path."""

    commit_time: datetime
    update_times: Mapping[DocumentPath, datetime]


@quick_dataclass(frozen=True, slots=True)
class Read:
    """What one read saw: the documents that exist, by path, as of ``read_time`` of the store's clock."""

    documents: Mapping[DocumentPath, Document]
    read_time: datetime

    def get(self, path: DocumentPath) -> Document | None:
        """Return the document at *path*, or None where there was none."""
        return self.documents.get(path)


@quick_dataclass(frozen=True, slots=True)
class FieldEquals:
    """A condition of a query: the top-level field *name* equals *value* (a str, int or bool)."""

    name: str
    value: str | int | bool


@quick_dataclass(frozen=True, slots=True)
class FieldContains:
    """A condition of a query: the top-level field *name* is a list in which *value*, a str, is."""

    name: str
    value: str

    def holds(self, stored: Value) -> bool:
        """Whether a field that is *stored* meets it."""
        return isinstance(stored, list) and any(type(item) is str and item == self.value for item in stored)


UPDATE_TIME = "__update_time__"
"""What a range names in the place of a field to be of the time of the last change; no field can have such a name."""

Bound = str | int | datetime
"""What a range may begin or end with; True is none, since to the engines it is no number."""


@quick_dataclass(frozen=True, slots=True)
class FieldRange:
    """A condition of a query: ``at_least <= field < below``, of which one may be left out.

    A field of another type than the bounds is in no range: text among texts, numbers among numbers, times among times.
    """

    name: str
    at_least: Bound | None = None
    below: Bound | None = None

    def __post_init__(self) -> None:
        """Refuse a range of nothing, of two types, or of a field whose name is no plain word.

        Raises:
            InvalidDataError: It is one.
        """
        kinds = {kind_of(bound) for bound in (self.at_least, self.below) if bound is not None}
        if len(kinds) != 1 or None in kinds or (self.name == UPDATE_TIME and kinds != {datetime}):
            message = "a range needs one or two bounds of one type: str, int or an aware datetime"
            raise InvalidDataError(message, path=self.name)
        # The engines sort by the field: they must be able to name it. An equality is compared here, if need be.
        if not (self.name.isascii() and self.name.isidentifier()):
            message = "a range is of a field whose name is a plain word"
            raise InvalidDataError(message, path=self.name)

    def holds(self, value: Value) -> bool:
        """Whether a field's *value* is in the range."""
        bound = self.at_least if self.at_least is not None else self.below
        if kind_of(value) is not kind_of(bound):
            return False
        return (self.at_least is None or value >= self.at_least) and (self.below is None or value < self.below)


def kind_of(value: Value) -> type | None:
    """Return what *value* can be compared with, None for nothing: a str, a number (as float), or an aware datetime."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float
    if isinstance(value, datetime):
        return datetime if value.utcoffset() is not None else None
    return str if isinstance(value, str) else None


@quick_dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the order of a query: behind the document at *path*, whose field of the range has this *value*."""

    path: DocumentPath
    value: Value = None


@quick_dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked for: the documents of one collection, or of a group, that meet every condition, in one order.

    Attributes:
        collection: The collection; with ``is_group`` the last part of the path of each one that is meant.
        equal: Fields with what they must equal.
        within: The one range, by whose field the documents are ordered, then by their path; None: by their path alone,
            part by part, as UTF-8 bytes compare. By ``UPDATE_TIME`` only where ``BY_UPDATE_TIME`` is declared.
        contains: The one list that must hold something.
        below: The path of a collection or a document: of a group, only what is below it. Only in the order of paths.
        is_descending: The order turned around, that of the paths too; something must be asked of the documents then.
        after: Where to go on; None: at the beginning.
    """

    collection: str
    equal: tuple[FieldEquals, ...] = ()
    within: FieldRange | None = None
    is_group: bool = False
    is_descending: bool = False
    after: Cursor | None = None
    contains: FieldContains | None = None
    below: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no engine offers.

        Raises:
            InvalidDataError: A group's name is a path; what is none, or is in the order of a range, has a bound; or all
                of a collection is to be descending.
        """
        if self.is_group and "/" in self.collection:
            message = "a group is named by the last part of its collections' paths"
            raise InvalidDataError(message, path=self.collection)
        # Firestore reads no paths from their end, unless an index has them behind something else.
        if self.is_descending and self.within is None and not (self.equal or self.contains):
            message = "without any condition, paths are read from their beginning"
            raise InvalidDataError(message, path=self.collection)
        # An engine has one range, and looks for paths by it.
        if self.below is not None and (self.within is not None or not self.is_group):
            message = "only a group in the order of its paths is bounded by one"
            raise InvalidDataError(message, path=self.collection)

    def takes(self, document: Document) -> bool:
        """Whether a *document* meets every condition, in value and in type."""
        fields = document.fields
        return (
            all(_equals(fields.get(one.name), one.value) for one in self.equal)
            and (self.within is None or self.within.holds(document.value_of(self.within.name)))
            and (self.contains is None or self.contains.holds(fields.get(self.contains.name)))
        )

    def covers(self, collection: str) -> bool:
        """Whether the documents of *collection* are asked for."""
        if not self.is_group:
            return collection == self.collection
        is_below = self.below is None or collection.startswith(f"{self.below}/") or collection == self.below
        return is_below and collection.rpartition("/")[2] == self.collection

    def arranged(self, found: Iterable[Document]) -> list[Document]:
        """Return documents that it takes in its order, those behind its cursor: for an engine that does not sort."""
        ordered = sorted(found, key=self._place_of, reverse=self.is_descending)
        if self.after is None:
            return ordered
        cursor = _place(self.after)
        if self.is_descending:
            return [document for document in ordered if self._place_of(document) < cursor]
        return [document for document in ordered if self._place_of(document) > cursor]

    def _place_of(self, document: Document) -> tuple[Value, list[str]]:
        value = None if self.within is None else document.value_of(self.within.name)
        return _place(Cursor(document.path, value))

    def behind(self, last: Document) -> "Query":
        """Return what of it comes behind *last*."""
        value = None if self.within is None else last.value_of(self.within.name)
        return replace(self, after=Cursor(last.path, value))


def _place(cursor: Cursor) -> tuple[Value, list[str]]:
    # Ids hold no slash: these are the parts of the path, and compare one by one.
    return cursor.value, str(cursor.path).split("/")


def _equals(stored: Value, value: Value) -> bool:
    # To Python True is 1; to the engines they are of two types.
    return isinstance(stored, bool) is isinstance(value, bool) and bool(stored == value)


def refuse_past(at: datetime | None) -> None:
    """Refuse to read an earlier moment: what a backend does that does not declare ``READ_AT``.

    Raises:
        UnsupportedOperationError: *at* is given.
    """
    if at is not None:
        message = "this backend reads the present alone"
        raise UnsupportedOperationError(message)


def refuse_update_times(query: Query) -> None:
    """Refuse to ask for the time of the last change: what a backend does that does not declare ``BY_UPDATE_TIME``.

    Raises:
        UnsupportedOperationError: *query* does.
    """
    if query.within is not None and query.within.name == UPDATE_TIME:
        message = "this backend does not look for documents by the time of their last change"
        raise UnsupportedOperationError(message)


def check_stamp(write: Put) -> None:
    """Refuse a stamp in a field that the document has, or whose name is no plain word.

    Raises:
        InvalidDataError: It is one.
    """
    name = write.stamped
    if name is not None and (name in write.fields or not (name.isascii() and name.isidentifier())):
        message = f"{name!r} cannot be stamped: it is no plain word, or a field of the document"
        raise InvalidDataError(message, path=str(write.path))
