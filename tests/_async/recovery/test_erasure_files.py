"""Erasing in files: no byte is left, whoever has them open, and whichever release wrote them."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tai_state import (
    AsyncSqliteStore,
    DeadlineExceededError,
    StoreUnavailableError,
    async_recover,
    async_verify,
)
from tests._async.recovery.erasing import MARK, async_marked
from tests._async.recovery.test_gc import async_check

FORMAT_1 = Path(__file__).parents[2] / "data" / "format1" / "store.db"


def holding_files(path):
    """Return the files of a store that hold the mark."""
    return [one for one in (path, Path(f"{path}-wal")) if one.exists() and MARK.encode() in one.read_bytes()]


@pytest.mark.parametrize("backend_kind", ["sqlite"])
async def test_no_byte_is_left_in_the_file(place):
    """Nor in the log beside it, though others have it open."""
    store = place.store()
    path = Path(store.runtime.access.backend._engine.path)
    await async_marked(store)
    assert holding_files(path) != []
    other = place.store()
    assert await other.exists("g", "s")
    await store.erase_state("g", "s", reason="they asked")
    assert holding_files(path) == []
    assert await other.save_state("g", "s", {"n": 1}) == 16
    assert await store.save_state("g", "s", {"n": 2}) == 17
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    assert isinstance(store, AsyncSqliteStore)


async def test_what_an_earlier_release_wrote_is_erased(tmp_path):
    """Its events have no salt, and are trimmed: nothing of them is left, and the state goes on."""
    shutil.copy(FORMAT_1, tmp_path / "store.db")
    async with AsyncSqliteStore(tmp_path / "store.db", actor="tester") as store:
        ids = [one.state_id async for one in store.list_states("shop", include_deleted=True)]
        versions = {
            one: (await store.batch_get_states("shop", [one], include_deleted=True)).found[one].version for one in ids
        }
        await store.erase_governor("shop", reason="they asked")
        await async_check(store)
        for state_id in ids:
            events = [one async for one in store.get_events("shop", state_id, after=versions[state_id])]
            assert [one.kind for one in events] == ["erase"]
            assert (await store.save_state("shop", state_id, {"n": 1})) == versions[state_id] + 2
        await async_check(store)


@pytest.mark.parametrize("backend_kind", ["sqlite"])
async def test_a_file_that_is_read_is_scrubbed_later(place):
    """While somebody reads it as it was the erasure is not finished, and says so; a recovery ends it."""
    store = place.store()
    path = Path(store.runtime.access.backend._engine.path)
    await async_marked(store, changes=3)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM documents").fetchall()
        with pytest.raises((DeadlineExceededError, StoreUnavailableError)):
            await store.erase_state("g", "s", reason="they asked", timeout=1)
    assert [one.kind async for report in async_verify(store) for one in report.problems] == ["unfinished_erasure"]
    [one async for one in async_recover(store, "g")]
    assert holding_files(path) == []
    await async_check(store)
