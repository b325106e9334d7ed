"""Where what is due is looked for follows the store: behind a repair, an import, and in a copy with its own id."""

from datetime import timedelta

import pytest

from tai_state import (
    AsyncSqliteStore,
    AsyncStateMachinePersister,
    Machine,
    PersistenceConfig,
    Transition,
    async_export_store,
    async_import_store,
)
from tai_state.documents import Delete
from tai_state.due import Timeout
from tai_state.layout import META, state_layout
from tests._async.stores import TIMEOUT, AsyncPlace, async_document_at, async_plant

BOOT = timedelta(minutes=1)
SERVER = Machine(
    "server",
    "boot",
    [Transition("run", "boot", "running"), Transition("fail", "boot", "failed")],
    timeouts={"boot": Timeout(BOOT, "fail")},
)
PATHS = state_layout("g", "s")


@pytest.fixture
async def server(store):
    """A persister that looks under several keys, and a state that is due."""
    persister = AsyncStateMachinePersister(store, SERVER, PersistenceConfig(due_shards=8))
    await persister.start("g", "s", {"n": 0})
    return persister


async def async_key(store):
    """Return under which key a state is looked for."""
    return (await async_document_at(store, PATHS.state)).fields["due_key"]


async def async_id(store):
    """Return a store's id."""
    return (await async_document_at(store, META)).fields["store_id"]


@pytest.mark.parametrize("damage", ["missing", "damaged", "another status"])
async def test_a_repair_writes_where_it_is_looked_for(server, damage):
    """Under the first key, which every worker looks at."""
    store, before = server.store, (await server.load_state("g", "s")).snapshot
    if damage == "missing":
        await store.runtime.access.backend.commit([Delete(PATHS.state)], timeout=TIMEOUT)
    elif damage == "damaged":
        await async_plant(store, PATHS.state, version="x")
    else:
        await async_plant(store, PATHS.state, status="elsewhere", due_at=None)
    report = await server.recover("g")
    assert report.unresolved == []
    assert (await server.load_state("g", "s")).snapshot == before
    assert await async_key(store) == f"{await async_id(store)}:server:0"


async def test_a_snapshot_of_a_state_that_lost_its_document_is_kept(server):
    """It writes the state again as it is, and so must say where it is looked for."""
    await server.store.runtime.access.backend.commit([Delete(PATHS.state)], timeout=TIMEOUT)
    await server.create_snapshot("g", "s")
    assert await async_key(server.store) == f"{await async_id(server.store)}:server:0"


async def test_an_import_writes_where_it_is_looked_for_there(server, tmp_path):
    """Under the id of the store that it is brought to, which is given one where it had none."""
    file = str(tmp_path / "store.jsonl")
    await async_export_store(server.store, file)
    assert "due_key" not in (tmp_path / "store.jsonl").read_text(encoding="utf-8")
    place = AsyncPlace("sqlite", path=tmp_path / "other.db")
    other = place.store()
    await async_import_store(other, file)
    assert await async_id(other) != await async_id(server.store)
    assert await async_key(other) == f"{await async_id(other)}:server:0"
    there = AsyncStateMachinePersister(other, SERVER)
    shown = (await there.load_state("g", "s")).snapshot
    assert shown.due_at == (await server.load_state("g", "s")).snapshot.due_at
    assert (await there.validate_consistency("g")).is_consistent
    moved = await there.transition("g", "s", "run")
    assert moved.event.origin == await async_id(other)
    await place.close()


async def test_a_copy_with_an_id_of_its_own_looks_under_that(tmp_path):
    """Many states, more than one commit writes; the store that it was copied from goes on."""
    async with AsyncSqliteStore(tmp_path / "a.db", actor="tester") as store:
        persister = AsyncStateMachinePersister(store, SERVER)
        for number in range(60):
            await persister.start("g", f"s{number}", {})
        await store.save_state("g", "plain", {})
        await store.backup(tmp_path / "copy.db")
    await AsyncSqliteStore.restore(tmp_path / "copy.db", tmp_path / "b.db")
    async with AsyncSqliteStore(tmp_path / "b.db") as copy:
        keys = set()
        for number in range(60):
            keys.add((await async_document_at(copy, state_layout("g", f"s{number}").state)).fields["due_key"])
        assert keys == {f"{await async_id(copy)}:server:0"}
        assert (await AsyncStateMachinePersister(copy, SERVER).validate_consistency("g")).is_consistent
