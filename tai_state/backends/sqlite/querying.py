"""Queries by fields: how they are spelled, so that SQLite finds the index, and checked again here.

SQLite narrows down and sorts; what it cannot tell apart (true and 1, a map and its text) is told apart in Python. A
field is read by one expression, which is NULL where the document's JSON is damaged, so that an index can be on it.
"""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from tai_state.backends.sqlite.reading import PAGE_BYTES_MAX, document
from tai_state.codec import dump_json
from tai_state.documents import Cursor, Document, DocumentPath, FieldEquals, FieldRange, Query, Value

Scalar = str | int | float | None

# SQLite before 3.45 reads JSON from text alone.
_FIELD = "CASE WHEN json_valid(CAST(fields AS TEXT)) THEN json_extract(CAST(fields AS TEXT), '$.\"{name}\"') END"
# The path with an end of each part that sorts before whatever an id is made of.
_PLACE = "replace(collection || '/' || id, '/', char(1))"


class Index(NamedTuple):
    """An index of the file: on one field of the collections whose paths end like this."""

    collection: str
    field: str
    is_group: bool = False

    @property
    def name(self) -> str:
        """What it is called in the file."""
        return f"documents_{self.collection}_{self.field}{'_group' if self.is_group else ''}"

    @property
    def statement(self) -> str:
        """Make it, where it is not there."""
        field, of = _FIELD.format(name=self.field), _of(self.collection)
        columns = f"{field}, {_PLACE}" if self.is_group else f"collection, {field}, id"
        return f"CREATE INDEX IF NOT EXISTS {self.name} ON documents ({columns}) WHERE {of}"


INDEXES = (Index("states", "status"), Index("events", "timestamp"))
"""The fields that are looked for among many documents; each costs every change of such a document a little.

Whether a state is deleted is not one of them: nearly all are not. Nor is whether a segment is alone: they are few.
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page goes on: behind the row whose field is *value* and that is at *place* in the order of paths."""

    value: Scalar
    place: str


class QueryPage(NamedTuple):
    """Documents that a query takes, and the place to go on from; None when no more can follow."""

    documents: list[Document]
    rest: Place | None


def place_of(query: Query) -> Place | None:
    """Return where *query* goes on."""
    if query.after is None:
        return None
    return Place(_scalar(query.after.value), _path_key(query, query.after))


def _path_key(query: Query, cursor: Cursor) -> str:
    return str(cursor.path).replace("/", "\x01") if query.is_group else cursor.path.id


def _scalar(value: Value) -> Scalar:
    """Return what SQLite reads from a field that holds *value*: a time is a map to it."""
    if isinstance(value, datetime):
        return dump_json(value.astimezone(UTC)).decode()
    return value if isinstance(value, str | int | float) else None


def spell(query: Query, after: Place | None, limit: int) -> tuple[str, list[Scalar]]:
    """Return the statement for a page of *query* behind *after*, and its arguments."""
    arguments: list[Scalar] = []
    field = _FIELD.format(name=query.within.name) if query.within is not None else "NULL"
    place = _PLACE if query.is_group else "id"
    conditions = [_where(query, arguments)]
    for one in query.equal:
        if _is_plain(one):
            conditions.append(f"{_FIELD.format(name=one.name)} = ?")
            arguments.append(one.value)
    low, high = (None, None) if query.within is None else _bounds(query.within)
    if after is not None and query.within is not None:
        low, high = (low, after.value) if query.is_descending else (after.value, high)
    beyond = "<" if query.is_descending else ">"
    if low is not None:
        conditions.append(f"{field} >= ?")
        arguments.append(low)
    if high is not None:
        # The page before may have ended within the documents of one value.
        conditions.append(f"{field} {'<=' if query.is_descending and after is not None else '<'} ?")
        arguments.append(high)
    if after is not None and query.within is not None:
        conditions.append(f"({field} {beyond} ? OR {place} {beyond} ?)")
        arguments += [after.value, after.place]
    elif after is not None:
        conditions.append(f"{place} {beyond} ?")
        arguments.append(after.place)
    direction = " DESC" if query.is_descending else ""
    ordered = f"{field}{direction}, {place}{direction}" if query.within is not None else place
    arguments.append(limit)
    statement = f"""SELECT collection, id, create_time, update_time, fields, {field}, {place} FROM documents
        WHERE {" AND ".join(conditions)} ORDER BY {ordered} LIMIT ?"""  # noqa: S608 - of identifiers alone
    return statement, arguments


def _where(query: Query, arguments: list[Scalar]) -> str:
    if query.is_group:
        return _of(query.collection)
    arguments.append(query.collection)
    last = query.collection.rpartition("/")[2]
    # Always true; it is what a partial index asks for.
    return f"collection = ? AND {_of(last)}" if "/" in query.collection and last.isidentifier() else "collection = ?"


def _of(collection: str) -> str:
    """Return the condition that a path is one of a group, by its last part."""
    assert collection.isascii()
    assert collection.isidentifier(), collection
    return f"(collection = '{collection}' OR collection GLOB '*/{collection}')"


def _bounds(within: FieldRange) -> tuple[Scalar, Scalar]:
    """Return the least value of a range as SQLite sorts them, and the one that ends it; None: there is no need."""
    low, high = _scalar(within.at_least), _scalar(within.below)
    if isinstance(within.at_least or within.below, datetime):
        return low or '{"$time":"', high or '{"$time":"~'
    if isinstance(low if high is None else high, str):
        return low or "", high
    # Numbers sort before every text.
    return low, "" if high is None else high


def read(connection: sqlite3.Connection, query: Query, after: Place | None, limit: int) -> QueryPage:
    """Return the next documents of *query* behind *after*: what *limit* rows at most hold of it, or 4 MiB of JSON."""
    statement, arguments = spell(query, after, limit)
    documents: list[Document] = []
    size = count = 0
    rest = None
    cursor = connection.execute(statement, arguments)
    try:
        for collection, id_, created_us, updated_us, body, value, place in cursor:
            count += 1
            size += len(body)
            rest = Place(value, place)
            found = document(DocumentPath(collection, id_), (created_us, updated_us, body))
            if query.takes(found.fields):
                documents.append(found)
            if size >= PAGE_BYTES_MAX:
                return QueryPage(documents, rest)
    finally:
        cursor.close()  # ends the snapshot
    return QueryPage(documents, rest if count == limit else None)


def _is_plain(condition: FieldEquals) -> bool:
    """Whether SQLite can look for the condition; what it cannot spell is compared in Python alone."""
    texts = (condition.name, condition.value) if isinstance(condition.value, str) else (condition.name,)
    return "'" not in condition.name and not any(
        character < " " or character in '"\\' for text in texts for character in text
    )
