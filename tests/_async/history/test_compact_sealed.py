"""With ``compact_sealed`` the commit that seals events removes their documents, and nothing of a history is missed."""

import pytest

from tai_state import AsyncStateMachinePersister, PersistenceConfig, async_verify
from tai_state.documents import Delete, Put
from tai_state.layout import state_layout
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, async_document_at, async_plant

PATHS = state_layout("g", "s")
KEPT = PersistenceConfig(snapshot_interval=1_000, segment_events=4)
COMPACT = PersistenceConfig(snapshot_interval=1_000, segment_events=4, compact_sealed=True)


async def async_moved(persister, first, last):
    """Bring a state from one version to another, each move under a key of its own."""
    for version in range(first, last + 1):
        await persister.transition("g", "s", "add", version, idempotency_key=f"k{version}")


async def async_grown(store, config=COMPACT):
    """Return a persister, and its state at version 10: 1 to 8 are sealed, by fours."""
    persister = AsyncStateMachinePersister(store, COUNTER, config)
    await persister.start("g", "s", {"n": 0})
    await async_moved(persister, 2, 10)
    return persister


async def async_documents(store, collection):
    """Return the versions of a collection's documents."""
    found = store.runtime.access.backend.scan(collection, timeout=TIMEOUT)
    return [int(document.path.id.rpartition("@")[2]) async for document in found]


async def test_what_is_sealed_loses_its_documents(store):
    """In the same commit, and its segment says that it is alone; every read is as before."""
    persister = await async_grown(store)
    assert await async_documents(store, PATHS.governor.events) == [9, 10]
    assert [(await async_document_at(store, PATHS.segment(one))).fields["alone"] for one in (1, 5)] == [True, True]
    assert [event.version async for event in persister.history("g", "s")] == list(range(1, 11))
    assert [event.version async for event in store.get_events("g", "s", after=2, limit=3)] == [3, 4, 5]
    assert (await persister.replay("g", "s")).data == {"n": 54}
    assert (await persister.replay("g", "s", until_version=6)).data == {"n": 20}
    assert (await persister.transition("g", "s", "add", 3, idempotency_key="k3")).replayed
    assert [one async for report in async_verify(store) for one in report.problems] == []
    assert (await persister.rollback("g", "s", 6)).snapshot.data == {"n": 20}


async def test_what_is_sealed_goes_with_one_commit(place):
    """Of the state, the event, the segment and so many deletions."""
    store, backend = place.counting()
    await async_grown(store)
    sealing = backend.commits[4]
    assert [write.path for write in sealing if isinstance(write, Delete)] == [PATHS.event(one) for one in range(1, 5)]
    assert {write.path for write in sealing if isinstance(write, Put)} >= {
        PATHS.state,
        PATHS.event(5),
        PATHS.segment(1),
    }


async def test_what_another_process_made_loses_its_documents_too(place):
    """It is read before it is sealed."""
    persister = await async_grown(place.store(), KEPT)
    await AsyncStateMachinePersister(place.store(), COUNTER, KEPT).transition("g", "s", "add", 1)
    other = AsyncStateMachinePersister(place.store(), COUNTER, COMPACT)
    await async_moved(other, 12, 13)
    assert await async_documents(other.store, PATHS.governor.events) == [*range(1, 9), 13]
    assert (await persister.validate_consistency("g")).is_consistent


async def test_a_lost_state_of_sealed_events_is_recovered(store):
    """With its marks, from segments and what follows them."""
    persister = await async_grown(store)
    before = (await async_document_at(store, PATHS.state)).fields
    await store.runtime.access.backend.commit([Delete(PATHS.state)], timeout=TIMEOUT)
    report = await persister.recover("g")
    assert ([one.kind for one in report.repaired], report.unresolved) == (["state_missing"], [])
    assert (await async_document_at(store, PATHS.state)).fields == before


@pytest.mark.usefixtures("store")
async def test_a_damaged_event_is_neither_sealed_nor_removed(place):
    """Where it was read, and is not what follows: nobody removes what may be the only truth."""
    await async_grown(place.store(), KEPT)
    store = place.store()
    await async_moved(AsyncStateMachinePersister(store, COUNTER, KEPT), 11, 12)
    await async_plant(store, PATHS.event(10), to_status="shut")
    await async_moved(AsyncStateMachinePersister(place.store(), COUNTER, COMPACT), 13, 14)
    assert await async_documents(store, PATHS.governor.events) == list(range(1, 15))
