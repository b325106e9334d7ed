"""The async SQLite backend keeps its callers' time: it counts from the call, not from the turn of a thread."""

import asyncio
import sqlite3
import threading
import time

import pytest

from tai_state._async.backends.sqlite import AsyncSqliteBackend
from tai_state.documents import DocumentPath, Put
from tai_state.errors import StoreUnavailableError

ONE, TWO = DocumentPath("c", "one"), DocumentPath("c", "two")


@pytest.fixture
async def backend(tmp_path):
    backend = AsyncSqliteBackend(tmp_path / "store.db")
    await backend.commit([Put(ONE, {"n": 1})], timeout=5)
    yield backend
    await backend.close()


@pytest.fixture
def locked(tmp_path, backend):
    """The write lock of the file is another's until the fixture is called."""
    connection = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection.close
    connection.close()


async def test_a_commit_behind_a_patient_one_ends_in_its_own_time(backend, locked):
    """The thread is busy with one that waits for a lock; the second is withdrawn, and certainly not applied."""
    patient = asyncio.ensure_future(backend.commit([Put(ONE, {"n": 2})], timeout=60))
    await asyncio.sleep(0)
    began = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="not applied"):
        await backend.commit([Put(TWO, {"n": 1})], timeout=0.2)
    assert time.monotonic() - began < 30
    assert not patient.done()
    locked()
    await patient
    assert list((await backend.get_many([ONE, TWO], timeout=5)).documents) == [ONE]


async def test_commits_go_on_behind_a_withdrawn_one(backend, locked, monkeypatch):
    """A cancelled commit is nobody's to lead for: the thread that had begun with it comes to an end."""
    led = threading.Event()
    group = backend._engine._session.group
    begin = group._begin

    def noted(*given):
        led.set()
        return begin(*given)

    monkeypatch.setattr(group, "_begin", noted)
    call = asyncio.ensure_future(backend.commit([Put(TWO, {"n": 1})], timeout=60))
    await asyncio.to_thread(led.wait, 20)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    locked()
    await asyncio.wait_for(backend.commit([Put(ONE, {"n": 2})], timeout=20), 20)
    assert list((await backend.get_many([ONE, TWO], timeout=5)).documents) == [ONE]


async def test_a_read_behind_a_slow_one_ends_in_its_own_time(backend):
    """Its time counts from the call, and is over before the thread comes to it."""
    go_on = threading.Event()
    slow = asyncio.ensure_future(backend._reads.run(go_on.wait))
    await asyncio.sleep(0)
    try:
        with pytest.raises(StoreUnavailableError, match="busy with the disk"):
            await backend.get_many([ONE], timeout=0.1)
    finally:
        go_on.set()
        await slow


async def test_the_loop_goes_on_while_a_store_closes(tmp_path):
    """A read that still runs is waited for, and the loop does something else meanwhile."""
    backend = AsyncSqliteBackend(tmp_path / "store.db")
    await backend.commit([Put(ONE, {"n": 1})], timeout=5)
    go_on = threading.Event()
    slow = asyncio.ensure_future(backend._reads.run(lambda: go_on.wait(20)))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(backend.close())
    done, _ = await asyncio.wait([closing], timeout=0.2)
    go_on.set()
    await closing
    assert not done
    assert await slow


async def test_a_watch_that_has_to_wait_keeps_no_loop_waiting(backend):
    """Another thread has the connection that watches, or opens or closes it: the loop goes on, and changes are told."""
    watching = backend._engine._session._watching
    changes = backend.watch(ONE, timeout=60)
    await anext(changes)
    with watching:
        told = asyncio.ensure_future(anext(changes))
        await backend.commit([Put(ONE, {"n": 2})], timeout=5)
        # It looks every 10 ms. On the loop it would wait for this block, which would never end.
        await asyncio.sleep(0.1)
        assert not told.done()
    await asyncio.wait_for(told, 30)
    await changes.aclose()


async def test_a_watch_whose_connection_was_closed_opens_another(backend):
    """As it is before a fork; a change in between is told."""
    changes = backend.watch(ONE, timeout=60)
    await anext(changes)
    await backend.commit([Put(ONE, {"n": 2})], timeout=5)
    backend._engine._session._drop_watcher()
    await asyncio.wait_for(anext(changes), 30)
    await changes.aclose()
