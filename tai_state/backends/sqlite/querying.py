"""Queries by fields: how they are spelled, so that SQLite finds the index, and checked again here.

SQLite narrows down and sorts; what it cannot tell apart (true and 1, a map and its text) is told apart in Python. A
field is read by one expression, which is NULL where the document's JSON is damaged, so that an index can be on it. The
fields that documents are looked for by among many stand in a column (``SOUGHT``), but for those that an earlier release
wrote: of these the JSON tells.
"""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from tai_state.backends.sqlite.encoding import PACKED, SOUGHT, is_plain_text, to_us
from tai_state.backends.sqlite.reading import PAGE_BYTES_MAX, document
from tai_state.backends.sqlite.terms import has_terms, is_kept
from tai_state.codec import dump_json
from tai_state.documents import UPDATE_TIME, Cursor, Document, DocumentPath, FieldEquals, Query, Value

Scalar = str | int | float | None

# SQLite before 3.45 reads JSON from text alone.
_FIELD = "CASE WHEN json_valid(CAST({body} AS TEXT)) THEN json_extract(CAST({body} AS TEXT), '$.\"{name}\"') END"
_TYPE = "CASE WHEN json_valid(CAST({body} AS TEXT)) THEN json_type(CAST({body} AS TEXT), '$.\"{name}\"') END"
# Of a time that an earlier release wrote, in UTC, to the microsecond: '{"$time":"2026-03-01T12:00:00.000000+00:00"}'.
_MICROSECONDS = "strftime('%s', substr({text}, 11, 19)) * 1000000 + substr({text}, 31, 6)"
UPDATED = "update_time"
_NOTHING = "NULL"
_PLAIN = "plain(body)"
# The path with an end of each part that sorts before whatever an id is made of.
_END, _BEHIND_END = "\x01", "\x02"
_PLACE = "replace({of}collection || '/' || {of}id, '/', char(1))"
# A table's name before a column is refused in an index, and needed where two tables are read.
_DOCUMENTS = "documents."


class Index(NamedTuple):
    """An index of the file: on one field of the collections whose paths end like this.

    Attributes:
        then: A second field, by which documents of one value are sorted; those without the first are left out.
    """

    collection: str
    field: str
    is_group: bool = False
    then: str | None = None

    @property
    def name(self) -> str:
        """What it is called in the file."""
        return f"documents_{self.collection}_{self.field.strip('_')}{'_group' if self.is_group else ''}"

    @property
    def statement(self) -> str:
        """Make it, where it is not there."""
        field, place, of = _sort_key(self.collection, self.field), _PLACE.format(of=""), _of(self.collection, "")
        columns = f"{field}, {place}" if self.is_group else f"collection, {field}, id"
        if self.then is not None:
            columns = f"{field}, {_sort_key(self.collection, self.then)}, {place}"
            of = f"{of} AND {field} IS NOT NULL"
        return f"CREATE INDEX IF NOT EXISTS {self.name} ON documents ({columns}) WHERE {of}"

    def serves(self, query: Query) -> bool:
        """Whether *query* looks through the documents by it."""
        if _last(query) != self.collection or query.contains is not None:
            return False
        if query.is_group is not self.is_group:
            return False
        if query.within is not None:
            return query.within.name == (self.then or self.field)
        return self.then is None and any(one.name == self.field for one in query.equal)


LATE_INDEXES = (
    Index("states", "status"),
    Index("events", "timestamp"),
    Index("states", UPDATE_TIME, is_group=True),
    Index("states", "due_key", is_group=True, then="due_at"),
    Index("states", UPDATE_TIME),
)
"""Those that a file gets when they are first asked for, since most files never are: each is one more page that a commit
writes.

Whether a state is deleted has none: nearly all are not. Nor has whether a segment is alone: they are few.
"""


def late_index(query: Query) -> Index | None:
    """Return the index that a file may have to get for *query*."""
    return next((one for one in LATE_INDEXES if one.serves(query)), None)


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
    return Place(_bound(query, query.after.value), _path_key(query, query.after))


def _path_key(query: Query, cursor: Cursor) -> str:
    return str(cursor.path).replace("/", _END) if query.is_group else cursor.path.id


def _scalar(value: Value) -> Scalar:
    """Return what SQLite reads from a field that holds *value*: a time is a map to it."""
    if isinstance(value, datetime):
        return dump_json(value.astimezone(UTC)).decode()
    return value if isinstance(value, str | int | float) else None


def _bound(query: Query, value: Value) -> Scalar:
    """Return *value* as the expression of the range of *query* gives it."""
    return to_us(value) if _is_of_times(query) and isinstance(value, datetime) else _scalar(value)


def _last(query: Query) -> str:
    return query.collection.rpartition("/")[2]


def _is_of_times(query: Query) -> bool:
    """Whether the range of *query* is of times that stand beside the documents, as microseconds."""
    within = query.within
    if within is None or within.name == UPDATE_TIME:
        return within is not None
    is_sought = SOUGHT.get(_last(query)) == within.name
    return is_sought and isinstance(within.at_least or within.below, datetime)


def _sort_key(collection: str, name: str) -> str:
    """Return what an index on a field holds of the documents of a collection, which is told by its last part."""
    if name == UPDATE_TIME:
        return UPDATED
    field = _FIELD.format(name=name, body="body")
    if SOUGHT.get(collection) != name:
        return field
    return f"coalesce(sought, {_MICROSECONDS.format(text=field) if collection == PACKED else field})"


def _value(collection: str, name: str) -> str:
    """Return what reads a field of the documents of a collection as their JSON has it."""
    is_packed = collection == PACKED and name != UPDATE_TIME
    return _FIELD.format(name=name, body=_PLAIN) if is_packed else _sort_key(collection, name)


def spell(query: Query, after: Place | None, limit: int) -> tuple[str, list[Scalar]]:
    """Return the statement for a page of *query* behind *after*, and its arguments."""
    spelled = _spelled(query, after)
    direction = " DESC" if query.is_descending else ""
    ordered = [f"{one}{direction}" for one in (spelled.field, spelled.place) if one != _NOTHING]
    columns = f"documents.collection, documents.id, create_time, update_time, body, {spelled.field}, {spelled.key}"
    statement = f"""SELECT {columns} FROM {spelled.source}
        WHERE {" AND ".join(spelled.conditions)} ORDER BY {", ".join(ordered)} LIMIT ?"""  # noqa: S608 - of identifiers alone
    return statement, [*spelled.arguments, limit]


def spell_count(query: Query) -> tuple[str, list[Scalar]] | None:
    """Return the statement that counts what *query* asks for; None where SQLite alone cannot tell."""
    is_exact = all(map(_is_plain, query.equal))
    is_exact = is_exact and (query.within is None or query.within.name == UPDATE_TIME)
    if not is_exact or not (query.contains is None or is_kept(query)):
        return None
    spelled = _spelled(query, place_of(query))
    conditions = spelled.conditions + [_typed(query, one) for one in query.equal if _has_likes(one)]
    return f"SELECT count(*) FROM {spelled.source} WHERE {' AND '.join(conditions)}", spelled.arguments  # noqa: S608 - as above


def _has_likes(condition: FieldEquals) -> bool:
    """Whether SQLite takes something else for the value: 1 for true, or a map for its text."""
    return not isinstance(condition.value, str) or condition.value.startswith(("{", "["))


def _typed(query: Query, condition: FieldEquals) -> str:
    """Return the condition that a field has the type of the value, which SQLite tells apart only so."""
    value = condition.value
    kind = "text" if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else "integer"
    body = _PLAIN if _last(query) == PACKED else "body"
    return f"{_TYPE.format(name=condition.name, body=body)} = '{kind}'"


class _Spelled(NamedTuple):
    """Where a query looks, what must hold, and its order: by *field*, then by *place*, which *key* stands for."""

    source: str
    conditions: list[str]
    arguments: list[Scalar]
    field: str
    place: str
    key: str


def _spelled(query: Query, after: Place | None) -> _Spelled:
    arguments: list[Scalar] = []
    conditions = [_where(query, arguments)]
    field = _range_key(query)
    source = "documents"
    place = key = _PLACE.format(of=_DOCUMENTS) if query.is_group else "documents.id"
    if query.contains is not None and is_kept(query):
        # SQLite keeps the order in which a CROSS JOIN is written: the few that hold the term come first.
        source = "terms CROSS JOIN documents ON documents.collection = terms.collection AND documents.id = terms.id"
        place = "terms.place"
        conditions.append("term = ?")
        arguments.append(query.contains.value)
        if not query.is_group:
            conditions.append(_below(place, query.collection, arguments))
            beginning = query.collection.replace("/", _END)
            after = None if after is None else Place(after.value, f"{beginning}{_END}{after.place}")
    if query.below is not None:
        conditions.append(_below(place, query.below, arguments))
    plain = [one for one in query.equal if _is_plain(one)]
    conditions += [f"{_value(_last(query), one.name)} = ?" for one in plain]
    arguments += [one.value for one in plain]
    if query.within is not None:
        more, bounds = _spelled_range(query, after, place)
        conditions += more
        arguments += bounds
    elif after is not None:
        conditions.append(f"{place} {'<' if query.is_descending else '>'} ?")
        arguments.append(after.place)
    return _Spelled(source, conditions, arguments, field, place, key)


def _range_key(query: Query) -> str:
    """Return what a range of *query* is of."""
    if query.within is None:
        return _NOTHING
    read = _sort_key if _is_of_times(query) else _value
    return read(_last(query), query.within.name)


def _spelled_range(query: Query, after: Place | None, place: str) -> tuple[list[str], list[Scalar]]:
    """Return what keeps a field in its range, and behind *after* in the order of that field and the place."""
    field = _range_key(query)
    conditions: list[str] = []
    arguments: list[Scalar] = []
    low, high = _bounds(query)
    if after is not None:
        low, high = (low, after.value) if query.is_descending else (after.value, high)
    beyond = "<" if query.is_descending else ">"
    if low is not None:
        conditions.append(f"{field} >= ?")
        arguments.append(low)
    if high is not None:
        # The page before may have ended within the documents of one value.
        conditions.append(f"{field} {'<=' if query.is_descending and after is not None else '<'} ?")
        arguments.append(high)
    if after is not None:
        conditions.append(f"({field} {beyond} ? OR {place} {beyond} ?)")
        arguments += [after.value, after.place]
    return conditions, arguments


def _below(place: str, path: str, arguments: list[Scalar]) -> str:
    beginning = path.replace("/", _END)
    arguments += [f"{beginning}{_END}", f"{beginning}{_BEHIND_END}"]
    return f"{place} > ? AND {place} < ?"


def _where(query: Query, arguments: list[Scalar]) -> str:
    if query.is_group:
        return _of(query.collection)
    arguments.append(query.collection)
    last = _last(query)
    # Always true; it is what a partial index asks for.
    of = "documents.collection = ?"
    return f"{of} AND {_of(last)}" if "/" in query.collection and last.isidentifier() else of


def _of(collection: str, of: str = _DOCUMENTS) -> str:
    """Return the condition that a path is one of a group, by its last part."""
    assert collection.isascii()
    assert collection.isidentifier(), collection
    return f"({of}collection = '{collection}' OR {of}collection GLOB '*/{collection}')"


def _bounds(query: Query) -> tuple[Scalar, Scalar]:
    """Return the least value of a range as SQLite sorts them, and the one that ends it; None: there is no need."""
    within = query.within
    assert within is not None
    low, high = _bound(query, within.at_least), _bound(query, within.below)
    if _is_of_times(query):
        return low, high
    if isinstance(within.at_least or within.below, datetime):
        return low or '{"$time":"', high or '{"$time":"~'
    if isinstance(low if high is None else high, str):
        return low or "", high
    # Numbers sort before every text.
    return low, "" if high is None else high


def read(connection: sqlite3.Connection, query: Query, after: Place | None, limit: int) -> QueryPage:
    """Return the next documents of *query* behind *after*: what *limit* rows at most hold of it, or 4 MiB of JSON."""
    if is_kept(query) and not has_terms(connection):
        return QueryPage([], None)
    statement, arguments = spell(query, after, limit)
    documents: list[Document] = []
    size = count = 0
    rest = None
    cursor = connection.execute(statement, arguments)
    try:
        for collection, id_, created_us, updated_us, body, value, place in cursor:
            count += 1
            rest = Place(value, place)
            found = document(DocumentPath(collection, id_), (created_us, updated_us, body))
            size += found.size
            if query.takes(found):
                documents.append(found)
            if size >= PAGE_BYTES_MAX:
                return QueryPage(documents, rest)
    finally:
        cursor.close()  # ends the snapshot
    return QueryPage(documents, rest if count == limit else None)


def count(connection: sqlite3.Connection, query: Query) -> int | None:
    """Return how many documents *query* asks for; None where they must be looked at one by one."""
    if is_kept(query) and not has_terms(connection):
        return 0
    spelled = spell_count(query)
    if spelled is None:
        return None
    ((found,),) = connection.execute(*spelled).fetchall()
    return int(found)


def _is_plain(condition: FieldEquals) -> bool:
    """Whether SQLite can look for the condition; what it cannot spell is compared in Python alone."""
    value = condition.value
    is_plain_value = not isinstance(value, str) or is_plain_text(value)
    return "'" not in condition.name and is_plain_text(condition.name) and is_plain_value
