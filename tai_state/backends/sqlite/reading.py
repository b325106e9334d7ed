"""The reads: each is one short transaction on a connection of its own, so none waits for a writer's flush."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from tai_state.backends.json_documents import json_document
from tai_state.backends.sqlite.encoding import from_us
from tai_state.backends.sqlite.failures import damaged
from tai_state.backends.sqlite.packing import MAGIC, text_of
from tai_state.documents import Document, DocumentPath
from tai_state.errors import InvalidDataError

PAGE_DOCUMENTS_MAX = 256
PAGE_BYTES_MAX = 4 * 1_048_576

_GET = "SELECT create_time, update_time, body FROM documents WHERE collection = ? AND id = ?"
_SCAN = """SELECT id, create_time, update_time, body FROM documents
    WHERE collection = ? AND id >= ?{below} ORDER BY id LIMIT ?"""
_BELOW = " AND id < ?"

Row = tuple[int, int, bytes]


class Page(NamedTuple):
    """Documents of a collection, and the id to go on from; None when no more can follow."""

    documents: list[Document]
    next_start: str | None


def after(stored_id: str) -> str:
    """Return the least text above *stored_id*."""
    return stored_id + "\0"


def document(path: DocumentPath, row: Row) -> Document:
    """Return the stored row as a fresh document; one whose JSON is damaged says so.

    Raises:
        DamagedStoreError: It has no place or no time, which SQLite lets a damaged page say.
    """
    created_us, updated_us, body = row
    if type(path.id) is not str or type(path.collection) is not str:
        raise damaged(f"it holds a document of the collection {path.collection!r} with the id {path.id!r}")
    if type(body) is not bytes:
        body = str(body).encode()
    elif body.startswith(MAGIC):
        body = _unpacked(body)
    created = from_us(created_us)
    return json_document(path, body, created, created if updated_us == created_us else from_us(updated_us))


def _unpacked(body: bytes) -> bytes:
    try:
        return text_of(body)
    except InvalidDataError:
        return body  # which is no JSON, and is told as that


def get_rows(connection: sqlite3.Connection, paths: Sequence[DocumentPath]) -> list[tuple[DocumentPath, Row]]:
    """Return the rows that exist at *paths*, all of one snapshot."""
    if len(paths) == 1:
        # One statement is one snapshot.
        (path,) = paths
        rows = connection.execute(_GET, path).fetchall()
        return [(path, rows[0])] if rows else []
    connection.execute("BEGIN")
    found: list[tuple[DocumentPath, Row]] = []
    for path in paths:
        rows = connection.execute(_GET, (path.collection, path.id)).fetchall()
        found += [(path, row) for row in rows]
    connection.execute("COMMIT")
    return found


def scan(connection: sqlite3.Connection, collection: str, *, start: str, stop: str | None, limit: int) -> Page:
    """Return the first documents with ``start <= id < stop``, *limit* at most, or 4 MiB of JSON."""
    arguments: list[str | int] = [collection, start, *([] if stop is None else [stop]), limit]
    documents: list[Document] = []
    size = 0
    cursor = connection.execute(_SCAN.format(below="" if stop is None else _BELOW), arguments)
    try:
        for found, created_us, updated_us, body in cursor:
            documents.append(document(DocumentPath(collection, found), (created_us, updated_us, body)))
            size += documents[-1].size
            if size >= PAGE_BYTES_MAX:
                return Page(documents, after(found))
    finally:
        cursor.close()  # ends the snapshot
    return Page(documents, after(documents[-1].path.id) if len(documents) == limit else None)


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
