# Generated from tests/_async/backends/test_sqlite_copies.py by .ci/generate_sync.py; do not edit.
"""Backups of a live file, their restoration, and plain copies, which a file tells by itself."""
import logging
import shutil
import sqlite3

import pytest

from tai_state import (
    LockManager,
    SqliteStore,
    StateMachinePersister,
    ConfigurationError,
    DamagedStoreError,
    SqliteStore,
    StoreInUseError,
    StoreMissingError,
    export_store,
    verify,
    change_context,
)
from tai_state.backends.sqlite import copies
from tests._sync.machines import COUNTER


@pytest.fixture
def store(tmp_path):
    """A store on a file, open."""
    with SqliteStore(tmp_path / "store.db", actor="tester") as store:
        persister = StateMachinePersister(store, COUNTER)
        persister.start("g", "s", {"n": 0}, idempotency_key="k1")
        persister.transition("g", "s", "add", 1, idempotency_key="k2")
        yield store


def problems(store):
    """Return the kinds of all that a check finds."""
    return [one.kind for report in verify(store) for one in report.problems]


def origin(store, state_id):
    """Return which store made the last change of a state."""
    return [event.origin for event in store.get_events("g", state_id)][-1]


# Backups.


def test_a_backup_is_the_store_as_of_one_moment(store, tmp_path, monkeypatch):
    """Whoever writes between its steps goes on, and is not in it; it does not begin anew for that."""
    monkeypatch.setattr(copies, "PAGES", 4)
    for number in range(60):
        store.save_state("g", f"x{number}", {"text": "x" * 900})
    told = []
    with SqliteStore(tmp_path / "store.db") as other:

        def write(done, total):
            told.append((done, total))
            other.save_state("g", f"y{len(told)}", {})
            other.save_state("g", "x1", {"n": len(told)})

        size = store.backup(tmp_path / "copy.db", progress=write)
    assert size == (tmp_path / "copy.db").stat().st_size
    assert len(told) > 4
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    with SqliteStore(tmp_path / "copy.db") as copy:
        assert [one.state_id for one in copy.list_states("g", limit=1, after="x9")] == []
        assert (copy.get_state("g", "x1"))[1] == 1
        assert problems(copy) == []
        assert copy.copied_at() is None


def test_a_backup_takes_no_other_file_s_place(store, tmp_path):
    """Unless it is told to; nothing else is left beside it."""
    (tmp_path / "copy").mkdir()
    file = tmp_path / "copy" / "copy.db"
    file.write_text("mine")
    with pytest.raises(FileExistsError, match="it is there already"):
        store.backup(file)
    assert file.read_text() == "mine"
    store.backup(file, overwrite=True)
    assert [one.name for one in file.parent.iterdir()] == ["copy.db"]


def test_nobody_else_may_read_a_copy(store, tmp_path):
    """It has the permissions of its store, and what takes the place of a store those of that one."""
    (tmp_path / "store.db").chmod(0o600)
    store.backup(tmp_path / "copy.db")
    store.close()
    (tmp_path / "store.db").chmod(0o640)
    SqliteStore.restore(tmp_path / "copy.db", tmp_path / "store.db", overwrite=True)
    SqliteStore.restore(tmp_path / "copy.db", tmp_path / "new.db")
    modes = [(tmp_path / f"{name}.db").stat().st_mode & 0o777 for name in ("copy", "store", "new")]
    assert modes == [0o600, 0o640, 0o600]


def test_a_damaged_store_is_not_backed_up(tmp_path):
    """It is told, and no file is left that looks like a backup."""
    with SqliteStore(tmp_path / "store.db") as store:
        for number in range(60):
            store.save_state("g", f"x{number}", {"text": "x" * 900})
    content = (tmp_path / "store.db").read_bytes()
    (tmp_path / "store.db").write_bytes(content[:40_000] + b"\xff" * 8_000 + content[48_000:])
    (tmp_path / "copy").mkdir()
    store = SqliteStore(tmp_path / "store.db")
    with pytest.raises(DamagedStoreError):
        store.backup(tmp_path / "copy" / "copy.db")
    store.close()
    assert list((tmp_path / "copy").iterdir()) == []


# Restoration.


def test_a_restored_store_is_sound_and_one_of_its_own(store, tmp_path):
    """Work goes on there, on the history and under the keys of before, and under another id."""
    store.backup(tmp_path / "copy.db")
    with change_context(reason="a drill"):
        SqliteStore.restore(tmp_path / "copy.db", tmp_path / "new.db", actor="ann")
    with SqliteStore(tmp_path / "new.db") as restored:
        assert problems(restored) == []
        assert restored.copied_at() is None
        persister = StateMachinePersister(restored, COUNTER)
        assert (persister.transition("g", "s", "add", 1, idempotency_key="k2")).replayed
        assert (persister.transition("g", "s", "add", 1)).version == 3
        assert origin(restored, "s") != origin(store, "s")
        (entry,) = [one.fields for one in restored.runtime.access.scan("audit")]
    told = (entry["kind"], entry["file"], entry["changed_by"], entry["reason"], entry["store_id"])
    assert told == ("restored", str(tmp_path / "copy.db"), "ann", "a drill", origin(store, "s"))


def test_no_token_of_before_is_valid_in_a_restored_store(store, tmp_path):
    """Neither one from before the backup, nor one that was given out since, also of a lock that is new since."""
    locks = LockManager(store)
    (locks.acquire("r", heartbeat=False)).release()
    store.backup(tmp_path / "copy.db")
    for resource, times in (("r", 5), ("later", 3)):
        for _ in range(times):
            (locks.acquire(resource, heartbeat=False)).release()
    store.close()
    SqliteStore.restore(tmp_path / "copy.db", tmp_path / "store.db", overwrite=True)
    with SqliteStore(tmp_path / "store.db") as restored:
        locks = LockManager(restored)
        assert (locks.acquire("r", heartbeat=False)).fencing_token == 6 + 2**20 + 1
        assert (locks.acquire("later", heartbeat=False)).fencing_token == 3 + 2**20 + 1


def test_a_store_that_is_there_is_replaced_only_when_told(store, tmp_path):
    """And then all of it; nothing else is left beside it."""
    store.backup(tmp_path / "copy.db")
    store.save_state("g", "later", {})
    store.close()
    with pytest.raises(FileExistsError):
        SqliteStore.restore(tmp_path / "copy.db", tmp_path / "store.db")
    SqliteStore.restore(tmp_path / "copy.db", tmp_path / "store.db", overwrite=True)
    with SqliteStore(tmp_path / "store.db") as restored:
        assert [one.state_id for one in restored.list_states("g")] == ["s"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["copy.db", "store.db"]


def test_a_store_that_is_open_is_not_replaced(store, tmp_path):
    """By this process or another; it goes on as it was."""
    store.backup(tmp_path / "copy.db")
    with pytest.raises(StoreInUseError, match=r"store\.db-wal is there"):
        SqliteStore.restore(tmp_path / "copy.db", tmp_path / "store.db", overwrite=True)
    assert (store.save_state("g", "s", {"n": 2})) == 3


def test_a_store_that_was_opened_meanwhile_is_not_replaced(store, tmp_path, monkeypatch):
    """Its lock tells, where nothing lay beside it at first."""
    store.backup(tmp_path / "copy.db")
    monkeypatch.setattr(copies, "BESIDE", ())
    with pytest.raises(StoreInUseError, match="another connection has"):
        SqliteStore.restore(tmp_path / "copy.db", tmp_path / "store.db", overwrite=True)
    assert (store.save_state("g", "s", {"n": 2})) == 3


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-journal"])
def test_a_file_with_something_left_beside_it_is_not_replaced(store, tmp_path, suffix):
    """What a process left that died would be taken for the restored store's own."""
    store.backup(tmp_path / "copy.db")
    store.close()
    (tmp_path / f"store.db{suffix}").write_bytes(b"left")
    before = (tmp_path / "store.db").read_bytes()
    with pytest.raises(StoreInUseError, match=f"store.db{suffix} is there"):
        SqliteStore.restore(tmp_path / "copy.db", tmp_path / "store.db", overwrite=True)
    assert (tmp_path / "store.db").read_bytes() == before


def test_a_damaged_store_is_replaced(store, tmp_path):
    """That is what backups are for."""
    for number in range(60):
        store.save_state("g", f"x{number}", {"text": "x" * 900})
    store.backup(tmp_path / "copy.db")
    store.close()
    content = (tmp_path / "store.db").read_bytes()
    (tmp_path / "store.db").write_bytes(content[:4_096] + b"\xff" * (len(content) - 4_096))
    SqliteStore.restore(tmp_path / "copy.db", tmp_path / "store.db", overwrite=True)
    with SqliteStore(tmp_path / "store.db") as restored:
        assert problems(restored) == []


def test_what_is_no_backup_is_refused(store, tmp_path):
    """Nothing is made of it."""
    (tmp_path / "text").write_text("no database, but long enough to look at" * 100)
    sqlite3.connect(tmp_path / "empty").close()
    with pytest.raises(ConfigurationError, match="not an SQLite database"):
        SqliteStore.restore(tmp_path / "text", tmp_path / "new.db")
    with pytest.raises(StoreMissingError):
        SqliteStore.restore(tmp_path / "empty", tmp_path / "new.db")
    with pytest.raises(ConfigurationError, match="the store itself"):
        SqliteStore.restore(tmp_path / "store.db", tmp_path / "store.db", overwrite=True)
    assert not (tmp_path / "new.db").exists()
    assert (store.get_state("g", "s"))[1] == 2


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
@pytest.mark.parametrize("copied", [SqliteStore.backup, export_store])
def test_a_copy_never_takes_the_place_of_its_store(store, tmp_path, copied, ending):
    """Whatever may be overwritten, by whatever name: somebody may be writing to it."""
    (tmp_path / "link").symlink_to(tmp_path / f"store.db{ending}")
    for name in (f"store.db{ending}", "link"):
        with pytest.raises(ConfigurationError, match="the store itself"):
            copied(store, tmp_path / name, overwrite=True)
    store.save_state("g", "s", {"n": 3})
    with SqliteStore(tmp_path / "store.db") as again:
        assert (again.get_state("g", "s"))[1] == 3


def test_somebody_else_s_file_is_not_replaced(store, tmp_path):
    """It is left as it is, whatever is asked for."""
    store.backup(tmp_path / "copy.db")
    connection = sqlite3.connect(tmp_path / "theirs.db")
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = (tmp_path / "theirs.db").read_bytes()
    with pytest.raises(ConfigurationError, match="another application's"):
        SqliteStore.restore(tmp_path / "copy.db", tmp_path / "theirs.db", overwrite=True)
    assert (tmp_path / "theirs.db").read_bytes() == before


# Plain copies.


def test_a_plain_copy_of_an_open_file_is_told(store, tmp_path, caplog):
    """It opens as an empty store: one warning, and what is kept in the file for whoever asks later."""
    shutil.copy(tmp_path / "store.db", tmp_path / "copy.db")
    for is_first in (True, False):
        caplog.clear()
        with SqliteStore(tmp_path / "copy.db") as copy:
            assert [one for one in copy.list_governors()] == []
            assert copy.copied_at() is not None
        told = [record for record in caplog.records if getattr(record, "event", "") == "file_copied"]
        assert [record.levelno for record in told] == [logging.WARNING] * is_first
    assert store.copied_at() is None


def test_a_plain_copy_that_is_only_read_is_told_each_time(store, tmp_path, caplog):
    """Nothing is kept in it."""
    shutil.copy(tmp_path / "store.db", tmp_path / "copy.db")
    for _ in range(2):
        caplog.clear()
        with SqliteStore(tmp_path / "copy.db", read_only=True) as copy:
            assert copy.copied_at() is not None
        assert "is a copy" in caplog.text


def test_a_copy_with_its_log_is_whole(store, tmp_path, caplog):
    """Nothing is missing in it, and nothing is told."""
    for suffix in ("", "-wal"):
        shutil.copy(tmp_path / f"store.db{suffix}", tmp_path / f"copy.db{suffix}")
    with SqliteStore(tmp_path / "copy.db") as copy:
        assert (copy.get_state("g", "s"))[1] == 2
        assert copy.copied_at() is None
    assert "is a copy" not in caplog.text


def test_a_file_that_was_moved_is_no_copy(store, tmp_path, caplog):
    """It is the same file in another place."""
    store.close()
    (tmp_path / "store.db").rename(tmp_path / "moved.db")
    with SqliteStore(tmp_path / "moved.db") as moved:
        assert moved.copied_at() is None
    assert "is a copy" not in caplog.text


def test_a_file_of_an_earlier_release_is_no_copy(store, tmp_path, caplog):
    """It does not say where it was made; from now on it does."""
    store.close()
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("DELETE FROM meta WHERE key = 'file_inode'")
    connection.close()
    with SqliteStore(tmp_path / "store.db") as old:
        assert old.copied_at() is None
    shutil.copy(tmp_path / "store.db", tmp_path / "copy.db")
    with SqliteStore(tmp_path / "copy.db") as copy:
        assert copy.copied_at() is not None
