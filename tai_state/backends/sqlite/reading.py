"""The reads: each is one short transaction on a connection of its own, so none waits for a writer's flush."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tai_state.backends.sqlite.encoding import from_us
from tai_state.backends.sqlite.failures import code_of
from tai_state.codec import from_json
from tai_state.documents import DAMAGED, Conditions, Document, DocumentPath, FieldEquals
from tai_state.errors import InvalidDataError

PAGE_DOCUMENTS_MAX = 256
_PAGE_BYTES_MAX = 4 * 1_048_576

_GET = "SELECT create_time, update_time, fields FROM documents WHERE collection = ? AND id = ?"
_SCAN = """SELECT id, create_time, update_time, fields FROM documents
    WHERE collection = ? AND id >= ?{conditions} ORDER BY id LIMIT ?"""
_BELOW = " AND id < ?"
# SQLite before 3.45 reads JSON from text alone.
_CONDITION = " AND json_extract(CAST(fields AS TEXT), ?) IS ?"

Row = tuple[int, int, bytes]


class Page(NamedTuple):
    """Documents of a collection, and the id to go on from; None when no more can follow."""

    documents: list[Document]
    next_start: str | None


def after(stored_id: str) -> str:
    """Return the least text above *stored_id*."""
    return stored_id + "\0"


def document(path: DocumentPath, row: Row) -> Document:
    """Return the stored row as a fresh document.

    One whose JSON is damaged comes back with the one field DAMAGED: it is a finding for those who know what
    it should hold, and no reason to refuse its neighbours.
    """
    created_us, updated_us, body = row
    try:
        fields = from_json(body)
        if not isinstance(fields, dict):
            fields = {DAMAGED: f"the stored JSON is a {type(fields).__name__}, not a map"}
    except InvalidDataError as error:
        fields = {DAMAGED: str(error)}
    created = from_us(created_us)
    updated = created if updated_us == created_us else from_us(updated_us)
    return Document(path, fields, created, updated, len(body))


def get_rows(connection: sqlite3.Connection, paths: Sequence[DocumentPath]) -> list[tuple[DocumentPath, Row]]:
    """Return the rows that exist at *paths*, all of one snapshot."""
    if len(paths) > 1:
        connection.execute("BEGIN")
    found: list[tuple[DocumentPath, Row]] = []
    for path in paths:
        rows = connection.execute(_GET, (path.collection, path.id)).fetchall()
        found += [(path, row) for row in rows]
    if len(paths) > 1:
        connection.execute("COMMIT")
    return found


def scan(
    connection: sqlite3.Connection,
    collection: str,
    conditions: Conditions,
    *,
    start: str,
    stop: str | None,
    limit: int,
) -> Page:
    """Return the first documents with ``start <= id < stop`` that meet every condition, *limit* at most.

    A page also ends after 4 MiB of JSON.
    """
    usable = [condition for condition in conditions if _is_plain(condition)]
    statement, arguments = _spell(usable, collection, start, stop, limit)
    try:
        return _fetch(connection.execute(statement, arguments), collection, conditions, limit)
    except sqlite3.OperationalError as error:
        if not usable or code_of(error) != sqlite3.SQLITE_ERROR:
            raise
    # SQLite met JSON that it cannot read: compare in Python alone.
    statement, arguments = _spell([], collection, start, stop, limit)
    return _fetch(connection.execute(statement, arguments), collection, conditions, limit)


def _spell(
    conditions: Conditions, collection: str, start: str, stop: str | None, limit: int
) -> tuple[str, list[str | int]]:
    arguments: list[str | int] = [collection, start]
    below = ""
    if stop is not None:
        below = _BELOW
        arguments.append(stop)
    for condition in conditions:
        arguments += [f'$."{condition.name}"', condition.value]
    arguments.append(limit)
    return _SCAN.format(conditions=below + _CONDITION * len(conditions)), arguments


def _fetch(cursor: sqlite3.Cursor, collection: str, conditions: Conditions, limit: int) -> Page:
    documents: list[Document] = []
    size = count = 0
    last = ""
    try:
        for last, created_us, updated_us, body in cursor:
            count += 1
            size += len(body)
            found = document(DocumentPath(collection, last), (created_us, updated_us, body))
            if not conditions or _meets(found, conditions):
                documents.append(found)
            if size >= _PAGE_BYTES_MAX:
                return Page(documents, after(last))
    finally:
        cursor.close()  # ends the snapshot
    return Page(documents, after(last) if count == limit else None)


def _is_plain(condition: FieldEquals) -> bool:
    """Whether SQLite can look for the condition; what it cannot spell is compared in Python alone."""
    texts: Iterable[str] = (condition.name, condition.value) if isinstance(condition.value, str) else (condition.name,)
    return not any(character < " " or character in '"\\' for text in texts for character in text)


def _meets(found: Document, conditions: Conditions) -> bool:
    """Whether the values are equal and of the same type: SQLite takes true for 1."""
    for condition in conditions:
        value = found.fields.get(condition.name)
        if isinstance(value, bool) is not isinstance(condition.value, bool) or value != condition.value:
            return False
    return True


_OWN_IDS = "SELECT id FROM documents WHERE collection = ? AND id >= ? ORDER BY id LIMIT ?"
_FIRST_BELOW = "SELECT collection FROM documents WHERE collection >= ? AND collection < ? ORDER BY collection LIMIT 1"
_AFTER_SLASH = "0"  # the character that follows "/"


class IdPage(NamedTuple):
    """Ids of a collection, and the id to go on from; None when no more can follow."""

    ids: list[str]
    next_start: str | None


def scan_ids(connection: sqlite3.Connection, collection: str, *, start: str, limit: int) -> IdPage:
    """Return the first ids >= *start* of documents and of parents, *limit* at most, all of one snapshot."""
    connection.execute("BEGIN")
    own = [found for (found,) in connection.execute(_OWN_IDS, (collection, start, limit)).fetchall()]
    own.reverse()
    parent = _next_parent(connection, collection, start)
    ids: list[str] = []
    while len(ids) < limit and (own or parent is not None):
        if parent is None or (own and own[-1] <= parent):
            ids.append(own.pop())
        else:
            ids.append(parent)
        if parent is not None and ids[-1] == parent:
            parent = _next_parent(connection, collection, after(parent))
    connection.execute("COMMIT")
    return IdPage(ids, after(ids[-1]) if len(ids) == limit else None)


def _next_parent(connection: sqlite3.Connection, collection: str, start: str) -> str | None:
    """Return the least id >= *start* below which a collection lies, by a few steps on the index.

    Collections do not sort as their parents' ids do: ``g/a-b/states`` comes before ``g/a/states``, since ``-``
    sorts before the slash. Only an id that begins another can come late like that, so of the first collection
    at or above *start* the beginnings of its id are looked up too.
    """
    root, end = f"{collection}/", f"{collection}{_AFTER_SLASH}"
    cursor = root + start
    while (found := _first_below(connection, cursor, end)) is not None:
        parent = found[len(root) :].partition("/")[0]
        if parent >= start:
            return _least_beginning(connection, root, parent, start)
        cursor = f"{root}{parent}{_AFTER_SLASH}"
    return None


def _least_beginning(connection: sqlite3.Connection, root: str, parent: str, start: str) -> str:
    for length in range(1, len(parent)):
        beginning = parent[:length]
        if parent[length] < "/" and beginning >= start:
            below = f"{root}{beginning}"
            if _first_below(connection, f"{below}/", f"{below}{_AFTER_SLASH}") is not None:
                return beginning
    return parent


def _first_below(connection: sqlite3.Connection, start: str, end: str) -> str | None:
    found = connection.execute(_FIRST_BELOW, (start, end)).fetchall()
    return found[0][0] if found else None
