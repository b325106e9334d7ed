"""Where an SQLite store may be: what is refused at once, and what is read without writing."""

import errno
import fcntl
import os
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tai_state import (
    ConfigurationError,
    DeadlineExceededError,
    SqliteStore,
    StoreError,
    StoreMissingError,
    StoreUnavailableError,
    UnsupportedOperationError,
    connect,
)
from tai_state._sync.backends.sqlite import SqliteBackend
from tai_state.backends.sqlite.connections import Reader
from tai_state.backends.sqlite.schema import Place
from tai_state.documents import DocumentPath, Put


@pytest.fixture
def path(tmp_path):
    """A store with one state, closed."""
    with SqliteStore(tmp_path / "s.db") as store:
        store.save_state("g", "s", {"n": 1})
    return tmp_path / "s.db"


def files(folder):
    return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in folder.iterdir()}


def test_a_fifo_is_refused_at_once(tmp_path):
    """Opening it would wait for somebody to write into it."""
    os.mkfifo(tmp_path / "pipe")
    with SqliteStore(tmp_path / "pipe") as store, pytest.raises(ConfigurationError, match="no regular file"):
        store.exists("g", "s")


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_a_device_is_refused_at_once(device):
    """Nothing that is written there can be read again."""
    with SqliteStore(device) as store, pytest.raises(ConfigurationError, match="no regular file"):
        store.save_state("g", "s", {})


@pytest.mark.parametrize("name", ["a#b?c%20d.db", "\udcff.db", "a\tb.db"])
def test_any_name_that_a_file_can_have_will_do(tmp_path, name):
    """Also one that is no UTF-8."""
    with SqliteStore(tmp_path / name) as store:
        store.save_state("g", "s", {})
    assert (tmp_path / name).is_file()


def test_two_slashes_name_no_host(path):
    """A path that begins with them is the same file."""
    with connect(f"sqlite:////{path}") as store:
        assert store.exists("g", "s")


def test_a_nul_in_a_path_is_refused():
    """SQLite would end the name there, and open another file."""
    with pytest.raises(ConfigurationError, match="NUL"):
        SqliteStore("a\0b")


def test_a_reader_changes_nothing(path):
    """No file is made, none is changed, and what it reads is right."""
    before = files(path.parent)
    with SqliteStore(path, read_only=True) as store:
        assert store.get_state("g", "s")[0].data == {"n": 1}
        assert [state.state_id for state in store.list_states("g")] == ["s"]
    assert files(path.parent) == before


def test_a_reader_of_another_boot_does_not_start_its_clock(path):
    """The file keeps the anchor that it has."""
    before = files(path.parent)
    backend = SqliteBackend(path, read_only=True)
    backend._engine._session._boot_id = "another"
    try:
        assert backend.server_time(timeout=5) is not None
    finally:
        backend.close()
    assert files(path.parent) == before


@pytest.mark.parametrize("make", [Path.touch, lambda path: None], ids=["empty", "missing"])
def test_a_reader_makes_no_store(tmp_path, make):
    """Not even of an empty file."""
    make(tmp_path / "x.db")
    before = files(tmp_path)
    with SqliteStore(tmp_path / "x.db", read_only=True) as store, pytest.raises((StoreMissingError, StoreError)):
        store.exists("g", "s")
    assert files(tmp_path) == before


def test_a_reader_refuses_to_change(path):
    """Before anything is tried."""
    backend = SqliteBackend(path, read_only=True)
    try:
        with pytest.raises(UnsupportedOperationError, match="read only"):
            backend.commit([Put(DocumentPath("governors/g/states", "t"), {})], timeout=5)
    finally:
        backend.close()


@pytest.fixture
def unwritable(monkeypatch):
    """Take from us the right to write anywhere: root has it in spite of any mode."""
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and real(path, mode))


def test_a_reader_beside_a_writer_sees_what_it_writes(path, unwritable):
    """Where there is a log it is read, too."""
    with SqliteStore(path) as writer, SqliteStore(path, read_only=True) as reader:
        writer.save_state("g", "s", {"n": 2})
        assert reader.get_state("g", "s")[0].data == {"n": 2}


def test_a_file_at_rest_that_is_written_is_read_again(path, unwritable):
    """A reader that took nobody to write finds that somebody did."""
    reader = Reader(Place(str(path), "FULL", read_only=True))
    try:
        reader.check()
        with SqliteStore(path) as writer:
            writer.save_state("g", "s", {"n": 2})
        with pytest.raises(StoreUnavailableError, match="read again"):
            reader.check()
    finally:
        reader.close()
    with SqliteStore(path, read_only=True) as store:
        assert store.get_state("g", "s")[0].data == {"n": 2}


@contextmanager
def locked(path):
    """Keep *path* locked for everybody."""
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        holder.close()


def test_a_file_system_without_locks_is_told_at_once(path, monkeypatch):
    """SQLite takes ENOLCK for a lock that somebody holds; waiting for it would never end."""

    def lockf(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    with locked(path), SqliteStore(path) as store:
        monkeypatch.setattr(fcntl, "lockf", lockf)
        began = time.monotonic()
        with pytest.raises(StoreError, match="has no locks") as caught:
            store.exists("g", "s")
        assert not caught.value.retryable
        assert time.monotonic() - began < 10


def test_a_lock_that_somebody_holds_is_waited_for(path):
    """On a file system that has locks."""
    with locked(path), SqliteStore(path) as store, pytest.raises(DeadlineExceededError):
        store.exists("g", "s", timeout=0.3)
