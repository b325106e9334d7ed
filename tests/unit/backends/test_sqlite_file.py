"""The SQLite file: recognised, made once, and left alone where it is not ours."""

import hashlib
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.backends.sqlite import schema
from tai_state.documents import DocumentPath, MustNotExist, Put
from tai_state.errors import ConfigurationError, SchemaVersionError, StoreError, StoreReplacedError

AT = DocumentPath("governors/g/states", "s")


def contents(folder: Path) -> dict[str, str]:
    """Return a digest of every file; shared memory is no content, any reader of a WAL may make it."""
    files = [file for file in folder.iterdir() if not file.name.endswith("-shm")]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.stat().st_size}


def foreign_in_rollback_mode(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (a)")
    connection.close()


def foreign_with_a_left_wal(path: Path) -> None:
    script = f"""
import os, sqlite3
connection = sqlite3.connect({str(path)!r}, isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("CREATE TABLE theirs (a)")
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
    assert path.with_name(path.name + "-wal").stat().st_size > 0


def no_database(path: Path) -> None:
    path.write_bytes(b"a letter to my friend\n" * 500)


def header_only(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA application_id = 77")
    connection.close()


@pytest.mark.parametrize("make", [foreign_in_rollback_mode, foreign_with_a_left_wal, no_database, header_only])
def test_a_foreign_file_is_refused_and_stays_as_it_is(tmp_path, make):
    """Whoever points the store at somebody else's file is told so, and no byte of it changes."""
    path = tmp_path / "theirs.db"
    make(path)
    before = contents(tmp_path)
    backend = SqliteBackend(path)
    with pytest.raises(ConfigurationError, match="left as it is"):
        backend.commit([Put(AT, {"n": 1})], timeout=5)
    backend.close()
    assert contents(tmp_path) == before


def test_a_newer_file_is_refused_and_stays_as_it_is(tmp_path):
    """A file of a later format names both numbers, and no byte of it changes."""
    path = tmp_path / "newer.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 7")
    connection.execute("CREATE TABLE documents (a)")
    connection.close()
    before = contents(tmp_path)
    backend = SqliteBackend(path)
    with pytest.raises(SchemaVersionError) as caught:
        backend.get(AT, timeout=5)
    backend.close()
    assert (caught.value.stored, caught.value.ours) == (7, schema.FORMAT)
    assert contents(tmp_path) == before


def test_nothing_is_made_before_first_use(tmp_path):
    """The constructor does no I/O."""
    SqliteBackend(tmp_path / "store.db").close()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_named(tmp_path):
    """The store makes no folders: a mistyped path would hide."""
    backend = SqliteBackend(tmp_path / "no" / "store.db")
    with pytest.raises(ConfigurationError, match=str(tmp_path / "no")):
        backend.get(AT, timeout=5)


def test_a_folder_is_no_file(tmp_path):
    """A path that is a folder is refused by name."""
    with pytest.raises(ConfigurationError, match="is a folder"):
        SqliteBackend(tmp_path).get(AT, timeout=5)


@pytest.mark.parametrize(("path", "options"), [(":memory:", {}), ("", {}), ("x.db", {"synchronous": "OFF"})])
def test_options_that_cannot_be_are_refused(path, options):
    """Neither a file that is memory nor writes that are not flushed."""
    with pytest.raises(ConfigurationError):
        SqliteBackend(path, **options)


@pytest.mark.parametrize("name", ["a b?c#d%41.db", "état 1.db"])
def test_any_file_name_will_do(tmp_path, name):
    """What means something in a URI is part of the name."""
    backend = SqliteBackend(tmp_path / name)
    backend.commit([Put(AT, {"n": 1})], timeout=5)
    backend.close()
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_an_empty_file_becomes_a_store(tmp_path):
    """An empty file is an empty database: nobody's yet."""
    path = tmp_path / "empty.db"
    path.touch()
    backend = SqliteBackend(path)
    assert backend.commit([Put(AT, {"n": 1}, MustNotExist())], timeout=5)
    backend.close()


def test_a_deleted_file_is_not_made_anew_by_a_read(tmp_path):
    """A store whose file was taken away says so; an empty one in its place would look like lost data."""
    path = tmp_path / "store.db"
    backend = SqliteBackend(path)
    backend.server_time(timeout=5)
    for file in tmp_path.iterdir():
        file.unlink()
    with pytest.raises(StoreReplacedError, match="was removed"):
        backend.get(AT, timeout=5)
    backend.close()
    assert not path.exists()


def test_a_full_disk_says_so_and_writes_nothing(tmp_path):
    """A commit that finds no room is refused for good, and the store goes on once there is some."""
    backend = SqliteBackend(tmp_path / "store.db")
    backend.commit([Put(AT, {"n": 1})], timeout=5)
    applier = backend._engine._session.group._applier
    assert applier is not None
    connection = applier.connection
    ((pages,),) = connection.execute("PRAGMA page_count").fetchall()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="disk is full") as caught:
        backend.commit([Put(AT, {"n": 2, "text": "x" * 100_000})], timeout=5)
    assert not caught.value.retryable
    assert backend.get(AT, timeout=5).documents[AT].fields == {"n": 1}
    assert backend.commit([Put(AT, {"n": 3})], timeout=5)
    backend.close()


def test_a_damaged_document_does_not_hide_its_neighbours(tmp_path):
    """A document that cannot be read comes back marked, in scans and queries too."""
    path = tmp_path / "store.db"
    backend = SqliteBackend(path)
    backend.commit([Put(DocumentPath("c", id_), {"n": 1}) for id_ in "abc"], timeout=5)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE documents SET body = x'00ff' WHERE id = 'b'")
    connection.commit()
    connection.close()
    found = {document.path.id: list(document.fields) for document in backend.scan("c", timeout=5)}
    assert found == {"a": ["n"], "b": ["tai_damaged"], "c": ["n"]}
    backend.close()


def test_a_damaged_clock_is_told(tmp_path):
    """No time of any calendar is made of it, for a reader or for a writer."""
    path = tmp_path / "store.db"
    backend = SqliteBackend(path)
    backend.commit([Put(DocumentPath("c", "a"), {"n": 1})], timeout=5)
    backend.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE meta SET value = 2478780169702432613 WHERE key IN ('clock_offset', 'clock_mark')")
    connection.commit()
    connection.close()
    damaged = SqliteBackend(path)
    with pytest.raises(StoreError, match="the file is damaged"):
        damaged.get(DocumentPath("c", "a"), timeout=5)
    with pytest.raises(StoreError, match="the file is damaged"):
        damaged.commit([Put(DocumentPath("c", "a"), {"n": 2})], timeout=5)
    damaged.close()


RACER = """
import sys
from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.documents import DocumentPath, Put
backend = SqliteBackend(sys.argv[1])
sys.stdin.readline()
backend.commit([Put(DocumentPath("racers", sys.argv[2]), {"n": 1})], timeout=30)
backend.close()
"""


def test_processes_that_race_make_one_file(tmp_path):
    """Of several first users, one makes the schema and every one's commit is there."""
    path = tmp_path / "store.db"
    racers = [
        subprocess.Popen([sys.executable, "-c", RACER, str(path), str(n)], stdin=subprocess.PIPE) for n in range(6)
    ]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write(b"go\n")
        racer.stdin.close()
    assert [racer.wait() for racer in racers] == [0] * 6
    backend = SqliteBackend(path)
    assert len(list(backend.scan("racers", timeout=5))) == 6
    backend.close()


def test_a_file_that_is_made_right_behind_the_look_for_it_is_used(tmp_path, monkeypatch):
    """It was not there when it was opened, and is when it is asked why."""
    place = schema.Place(str(tmp_path / "store.db"), "FULL")
    connect = schema.Place.connect

    def late(self, mode):
        monkeypatch.setattr(schema.Place, "connect", connect)
        try:
            return connect(self, mode)
        finally:
            schema.prepare(place)

    monkeypatch.setattr(schema.Place, "connect", late)
    schema.prepare(place)
    assert schema._look(place) is schema.Found.OURS


class Meddled:
    """A connection beside which somebody acts behind its first statement that reads."""

    def __init__(self, connection, meddle):
        self._connection = connection
        self._meddle = meddle

    def execute(self, statement):
        found = self._connection.execute(statement).fetchall()
        if statement.startswith("PRAGMA application_id"):
            self._meddle()
        return SimpleNamespace(fetchall=lambda: found)

    def close(self):
        self._connection.close()


def test_a_file_that_is_made_while_it_is_looked_at_is_no_other_applications(tmp_path, monkeypatch):
    """What tells our files from others' is read as of one moment."""
    place = schema.Place(str(tmp_path / "store.db"), "FULL")
    (tmp_path / "store.db").touch()
    connect = schema.Place.connect

    def make():
        monkeypatch.setattr(schema.Place, "connect", connect)
        with suppress(sqlite3.OperationalError):  # it has to wait for whoever looks
            schema.prepare(place)

    monkeypatch.setattr(schema.Place, "connect", lambda self, mode: Meddled(connect(self, mode), make))
    schema.prepare(place)
    with place.connect("ro") as connection:
        assert connection.execute("PRAGMA application_id").fetchall() == [(schema.APPLICATION_ID,)]
    connection.close()
