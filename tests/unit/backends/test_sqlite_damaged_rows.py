"""Rows that no schema would have let in, as a torn page leaves them: each is told as damage, whoever meets it."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from tai_state import DamagedStoreError, PreconditionFailedError, SqliteStore
from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.documents import DocumentPath, MustExist, MustNotExist, Put
from tests.uses import fill, strange_errors

ODD = {
    "null": "NULL",
    "text": "'zz'",
    "bytes": "x'ff00'",
    "real": "1.5",
    "huge": "1 << 62",
    "negative": "-(1 << 62)",
    "no Unicode": "CAST(x'ff' AS TEXT)",
}
COLUMNS = ("id", "collection", "create_time", "update_time", "body", "expires_at", "terms", "sought")
MARKS = ("boot_id", "clock_offset", "clock_mark", "file_inode", "file_copied")


def loosen(path):
    """Have the schema take anything, as the pages of a file do."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        for said in (" NOT NULL", " TEXT", " INTEGER", " BLOB"):
            connection.execute("UPDATE sqlite_schema SET sql = replace(sql, ?, '') WHERE type = 'table'", (said,))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the path of a store that has some of everything."""
    path = tmp_path_factory.mktemp("made") / "store.db"
    with SqliteStore(path, actor="maker") as store:
        fill(store)
    loosen(path)
    return path


def damage(made, folder, statement, *arguments):
    """Return the path of a copy in which *statement* has changed what it could."""
    path = folder / "store.db"
    shutil.copy(made, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute(statement, arguments).rowcount > 0
    return path


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("odd", ODD)
def test_what_no_schema_lets_in_is_told_as_damage(column, odd, made, tmp_path):
    """Whatever a column holds: each use gives an answer, or an error of ours."""
    path = damage(made, tmp_path, f"UPDATE OR IGNORE documents SET {column} = {ODD[odd]}")
    assert strange_errors(lambda: SqliteStore(path, actor="judge")) == []


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("odd", ODD)
def test_what_the_file_says_of_itself_is_checked_too(mark, odd, made, tmp_path):
    """Its clock, above all, which no commit may follow to where it cannot have been."""
    path = damage(made, tmp_path, f"INSERT OR REPLACE INTO meta (key, value) VALUES (?, {ODD[odd]})", mark)
    assert strange_errors(lambda: SqliteStore(path, actor="judge")) == []


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("precondition", [None, MustExist(), MustNotExist()])
def test_no_commit_passes_over_a_time_that_is_none(precondition, odd, made, tmp_path):
    """It is neither followed nor taken for no document: what is acknowledged is there."""
    path = damage(made, tmp_path, f"UPDATE documents SET update_time = {ODD[odd]} WHERE id = 's'")
    place = DocumentPath("governors/g/states", "s")
    with closing(SqliteBackend(path)) as backend:
        try:
            backend.commit([Put(place, {"n": 7}, precondition)], timeout=5)
        except (DamagedStoreError, PreconditionFailedError):
            # Nor does it harm the next one.
            backend.commit([Put(DocumentPath("others", "o"), {})], timeout=5)
        else:
            assert backend.get_many([place], timeout=5).documents[place].fields == {"n": 7}
