"""Erasing of whole governors, and what is brought from one store to another behind it."""

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncMemoryStore,
    async_export_store,
    async_import_store,
    async_recover,
)
from tai_state.documents import Delete, DocumentPath
from tests._async.recovery.erasing import T, async_holding, async_marked
from tests._async.recovery.test_gc import AsyncKilledBackend, KilledError, async_check
from tests._async.stores import TIMEOUT, async_contents


@pytest.mark.parametrize("is_gone", [False, True], ids=["over what is left", "where its documents are gone"])
async def test_an_import_brings_nothing_back(store, tmp_path, is_gone):
    """What a file of before the erasure holds is erased again, before the import has ended."""
    await async_marked(store)
    await async_export_store(store, tmp_path / "before.jsonl")
    await store.erase_state("g", "s", reason="they asked")
    if is_gone:
        gone = [path for path in await async_contents(store) if "/erasures/" not in path]
        writes = [Delete(DocumentPath(*path.rsplit("/", 1))) for path in gone]
        await store.runtime.access.backend.commit(writes, timeout=TIMEOUT)
    report = await async_import_store(store, tmp_path / "before.jsonl")
    assert report.is_sound
    assert await async_holding(store) == []
    assert not await store.exists("g", "s")
    await async_check(store)


async def test_an_export_of_what_was_erased_erases_where_it_goes(store, tmp_path):
    """An older copy of the state goes on with the erasure."""
    await async_marked(store)
    await async_export_store(store, tmp_path / "before.jsonl")
    await store.erase_state("g", "s", reason="they asked")
    await async_export_store(store, tmp_path / "after.jsonl")
    other = AsyncMemoryStore(actor="tester")
    await async_import_store(other, tmp_path / "before.jsonl")
    assert await async_holding(other) != []
    assert (await async_import_store(other, tmp_path / "after.jsonl")).is_sound
    assert await async_holding(other) == []
    await async_check(other)
    await other.close()


async def test_a_governor_is_erased(store):
    """Every state of it, those that have lost their documents, too."""
    for state_id in ("s", "s2", "t"):
        await async_marked(store, state_id, changes=4)
    await store.runtime.access.backend.commit([Delete(T.state)], timeout=TIMEOUT)
    await store.save_state("h", "s", {"text": "other"})
    report = await store.erase_governor("g", reason="they asked")
    assert (report.states, report.state_id) == (3, "")
    assert await async_holding(store) == []
    await async_check(store)
    assert await store.exists("h", "s")


async def test_a_governor_that_is_half_erased_is_ended_by_a_recovery(place):
    """However many states are left."""
    store = place.store()
    for state_id in ("s", "t"):
        await async_marked(store, state_id, changes=2)
    killed = AsyncBackendStore(AsyncKilledBackend(store.runtime.access.backend, 4), actor="tester")
    with pytest.raises(KilledError):
        await killed.erase_governor("g", reason="they asked")
    (report,) = [one async for one in async_recover(store, "g")]
    assert {one.kind for one in report.repaired} == {"unfinished_erasure"}
    assert await async_holding(store) == []
    await async_check(store)
