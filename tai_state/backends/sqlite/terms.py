"""What lists hold: a table beside the documents, in which a term leads to those whose list has it.

SQLite has no index on the items of a list. The column ``terms`` is written with a document and holds its terms;
triggers keep the table like it, whoever writes or removes the document, in the same transaction. They are made with
the first document that has any: without them a commit is a few percent faster.
"""

import sqlite3

from tai_state.backends.sqlite.encoding import TERMS, is_term
from tai_state.documents import Query

# The path with an end of each part that sorts before whatever an id is made of; see ``querying``.
_PLACE = "replace({row}.collection || '/' || {row}.id, '/', char(1))"
_ITEMS = "json_each(CASE WHEN json_valid({row}.terms) THEN {row}.terms ELSE '[]' END)"

_NEW = f"""INSERT OR IGNORE INTO terms (term, place, collection, id)
    SELECT value, {_PLACE.format(row="new")}, new.collection, new.id FROM {_ITEMS.format(row="new")};"""  # noqa: S608 - of constants alone
_OLD = f"""DELETE FROM terms WHERE place = {_PLACE.format(row="old")}
    AND term IN (SELECT value FROM {_ITEMS.format(row="old")});"""  # noqa: S608 - as above

COLUMN = "ALTER TABLE documents ADD COLUMN terms TEXT"
HAS_COLUMN = "SELECT 1 FROM pragma_table_info('documents') WHERE name = 'terms'"

_STATEMENTS = (
    """CREATE TABLE terms (
        term TEXT NOT NULL,
        place TEXT NOT NULL,
        collection TEXT NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (term, place)
    ) WITHOUT ROWID""",
    f"CREATE TRIGGER terms_of_new AFTER INSERT ON documents WHEN new.terms IS NOT NULL BEGIN {_NEW} END",
    f"""CREATE TRIGGER terms_of_changed AFTER UPDATE OF terms ON documents WHEN new.terms IS NOT old.terms
        BEGIN {_OLD} {_NEW} END""",
    f"CREATE TRIGGER terms_of_removed AFTER DELETE ON documents WHEN old.terms IS NOT NULL BEGIN {_OLD} END",
)
_HAS_TERMS = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'terms'"


def has_terms(connection: sqlite3.Connection | sqlite3.Cursor) -> bool:
    """Whether the file has the table."""
    return bool(connection.execute(_HAS_TERMS).fetchall())


def keep_terms(cursor: sqlite3.Cursor) -> None:
    """Have the table, and what keeps it, in the file from this transaction on: the first document with terms comes."""
    if not has_terms(cursor):
        for statement in _STATEMENTS:
            cursor.execute(statement)


def is_kept(query: Query) -> bool:
    """Whether what *query* asks a list for stands in the table, if there is one: without it, no document has it."""
    one = query.contains
    last = query.collection.rpartition("/")[2]
    return one is not None and (last, one.name) == TERMS and is_term(one.value)
