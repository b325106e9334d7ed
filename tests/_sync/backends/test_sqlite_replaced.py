# Generated from tests/_async/backends/test_sqlite_replaced.py by .ci/generate_sync.py; do not edit.
"""The file of an open SQLite store is removed or replaced: nothing is acknowledged into nothing, and health tells."""
import shutil
import sqlite3

import pytest

from tai_state import SqliteStore, StoreReplacedError


def remove(path):
    path.unlink()


def replace(path):
    other = path.with_name("other.db")
    shutil.copy(path, other)
    other.replace(path)


TAKEN = pytest.mark.parametrize("take", [remove, replace])


@pytest.fixture
def path(tmp_path):
    """Where the store's file is."""
    return tmp_path / "store.db"


@pytest.fixture
def store(path):
    """A store that was used."""
    with SqliteStore(path, actor="tester") as store:
        store.save_state("g", "s", {"n": 1})
        yield store


@TAKEN
def test_the_next_commit_is_refused(store, path, take):
    """With a typed error that names the file; also the one after it."""
    take(path)
    for _ in range(2):
        with pytest.raises(StoreReplacedError, match=r"store\.db was re"):
            store.save_state("g", "s", {"n": 2})


@TAKEN
def test_reads_are_refused(store, path, take):
    """What they would tell is not what anybody else sees."""
    take(path)
    with pytest.raises(StoreReplacedError):
        store.get_state("g", "s")


@TAKEN
def test_health_tells(store, path, take):
    """It is not well, and says why."""
    assert (store.health()).ok
    take(path)
    health = store.health()
    assert not health.ok
    assert "was re" in health.message


def test_a_store_opened_anew_finds_what_is_there_now(store, path):
    """The replacement, with what it holds."""
    replace(path)
    with SqliteStore(path) as anew:
        assert (anew.get_state("g", "s"))[1] == 1


def test_a_file_that_is_moved_away_and_back_is_the_same(store, path):
    """What counts is the file, not that somebody touched it."""
    away = path.with_name("away.db")
    path.rename(away)
    away.rename(path)
    assert store.save_state("g", "s", {"n": 2}) == 2


@TAKEN
@pytest.mark.parametrize("beside", ["-wal", "-shm"])
def test_a_commit_behind_another_log_is_refused(store, path, take, beside):
    """Nobody else would see it, or somebody would write at once; nor is the store used again when a log is back."""
    take(path.with_name(path.name + beside))
    for _ in range(2):
        with pytest.raises(StoreReplacedError, match=f"{beside} was re"):
            store.save_state("g", "s", {"n": 2})
    with pytest.raises(StoreReplacedError, match=beside):
        store.get_state("g", "s")
    health = store.health()
    assert not health.ok
    assert beside in health.message


@pytest.mark.parametrize("beside", ["-wal", "-shm"])
def test_a_log_that_goes_before_the_first_commit_is_noticed(path, beside):
    """A store that has only read so far has it open, too."""
    with SqliteStore(path, actor="tester") as other, SqliteStore(path, actor="tester") as store:
        other.save_state("g", "s", {"n": 1})
        store.get_state("g", "s")
        replace(path.with_name(path.name + beside))
        with pytest.raises(StoreReplacedError, match=beside):
            store.save_state("g", "s", {"n": 2})


def test_a_log_that_another_process_folds_up_is_no_loss(store, path):
    """A checkpoint empties it, and leaves it where it is."""
    for number in range(3):
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        assert store.save_state("g", "s", {"n": number}) == number + 2
