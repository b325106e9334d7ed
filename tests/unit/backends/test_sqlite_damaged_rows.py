"""Rows that no schema would have let in, as a torn page leaves them: each is told as damage, whoever meets it."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from tai_state import (
    DamagedStoreError,
    LockManager,
    PreconditionFailedError,
    SqliteStore,
    StateMachinePersister,
    TaiStateError,
    verify,
)
from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.documents import DocumentPath, MustExist, MustNotExist, Put
from tests._sync.machines import COUNTER

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
    """Return a store with states, events, snapshots and receipts."""
    path = tmp_path_factory.mktemp("made") / "store.db"
    with SqliteStore(path, actor="maker") as store:
        persister = StateMachinePersister(store, COUNTER)
        for state_id in ("s", "t"):
            persister.start("g", state_id, {"n": 0}, labels={"colour": "red"})
            for number in range(3):
                persister.transition("g", state_id, "add", 1, idempotency_key=f"{state_id}{number}")
            persister.create_snapshot("g", state_id)
        LockManager(store).acquire("lock")
    loosen(path)
    return path


USES = {
    "load": lambda store, persister: persister.load_state("g", "s"),
    "move": lambda store, persister: persister.transition("g", "s", "add", 1),
    "move again": lambda store, persister: persister.transition("g", "s", "add", 1, idempotency_key="s1"),
    "start": lambda store, persister: persister.start("g", "u"),
    "states": lambda store, persister: list(persister.list_states("g")),
    "all states": lambda store, persister: list(store.list_states("g")),
    "governors": lambda store, persister: list(store.list_governors()),
    "found": lambda store, persister: list(store.find(status="open")),
    "labelled": lambda store, persister: list(store.find(labels={"colour": "red"})),
    "counted": lambda store, persister: store.count(status="open"),
    "events": lambda store, persister: list(store.get_events("g", "s")),
    "history": lambda store, persister: list(persister.history("g", "s")),
    "replay": lambda store, persister: persister.replay("g", "s"),
    "judged": lambda store, persister: persister.validate_consistency("g"),
    "snapshots": lambda store, persister: list(persister.list_snapshots("g", "s")),
    "locks": lambda store, persister: list(LockManager(store).list()),
    "usage": lambda store, persister: store.usage("g"),
    "recovered": lambda store, persister: persister.recover("g"),
    "verified": lambda store, persister: list(verify(store)),
    "collected": lambda store, persister: persister.gc(),
    "erased": lambda store, persister: store.erase_governor("g", reason="test"),
}


def damage(made, folder, statement, *arguments):
    """Return the path of a copy in which *statement* has changed what it could."""
    path = folder / "store.db"
    shutil.copy(made, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connection.execute(statement, arguments).rowcount > 0
    return path


def strangers(path):
    """Return what each use raises of errors that are not ours."""
    strange = []
    for name, use in USES.items():
        try:
            # Each opens the file anew, as the next process does.
            with SqliteStore(path, actor="judge") as store:
                use(store, StateMachinePersister(store, COUNTER))
        except TaiStateError:
            continue
        except Exception as error:  # noqa: BLE001 - told by the test
            strange.append((name, repr(error)))
    return strange


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("odd", ODD)
def test_what_no_schema_lets_in_is_told_as_damage(column, odd, made, tmp_path):
    """Whatever a column holds: each use gives an answer, or an error of ours."""
    path = damage(made, tmp_path, f"UPDATE OR IGNORE documents SET {column} = {ODD[odd]}")
    assert strangers(path) == []


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("odd", ODD)
def test_what_the_file_says_of_itself_is_checked_too(mark, odd, made, tmp_path):
    """Its clock, above all, which no commit may follow to where it cannot have been."""
    path = damage(made, tmp_path, f"INSERT OR REPLACE INTO meta (key, value) VALUES (?, {ODD[odd]})", mark)
    assert strangers(path) == []


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
