"""What only transactions change is sealed by no change of it: maintenance seals it, and loses nothing."""

from functools import partial
from typing import Any

from tai_state import AsyncBackendStore, AsyncTransactionManager
from tai_state._async.recovery.unsealed import AsyncUnsealed
from tai_state._platform.tasks import async_gather
from tai_state.documents import Delete, Put
from tai_state.rules.records.documents import read_state
from tests._async.recovery.test_gc import COMPACT, S, async_check, async_ids, async_versions, persisted
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_contents, async_document_at, in_memory


class AsyncOvertakenBackend(AsyncWrappedBackend):
    """Lets another writer go before the first commits of a segment."""

    times = 0
    overtaking: Any = None

    async def commit(self, writes, *, timeout):
        is_sealing = any(isinstance(one, Put) and one.path.collection == S.governor.segments for one in writes)
        if is_sealing and self.times:
            self.times -= 1
            await self.overtaking()
        return await super().commit(writes, timeout=timeout)


async def async_saved(store, count=10, state_id="s"):
    """Bring a state to a version by transactions alone; a segment holds three events."""
    manager = AsyncTransactionManager(store)
    for number in range(count):

        async def body(tx, number=number):
            await tx.save_state("g", state_id, {"n": number})

        await manager.run(body)


async def test_what_transactions_wrote_is_sealed_and_compacted(store):
    """By the first run; the next has nothing to do, and the state goes on."""
    await async_saved(store)
    assert await async_ids(store, "segments") == []
    events = [event async for event in store.get_events("g", "s")]
    persister = persisted(store)
    report = await persister.gc("g", dry_run=True)
    assert (report.sealed, report.documents, await async_ids(store, "segments")) == (9, 0, [])
    report = await persister.gc("g")
    assert (report.sealed, report.documents, report.left) == (9, 0, [])
    assert await async_ids(store, "segments") == [1, 4, 7]
    report = await persister.gc("g", history=COMPACT)
    assert (report.sealed, report.events, await async_ids(store, "events")) == (0, 9, [10])
    assert [event async for event in store.get_events("g", "s")] == events
    await async_saved(store, 1)
    assert await async_versions(store) == [*range(1, 12)]
    await async_check(store)


async def test_a_writer_that_is_faster_is_not_lost(place):
    """Its change stands, and what was due is sealed behind it."""
    backend = AsyncOvertakenBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend)
    await async_saved(store)
    backend.times, backend.overtaking = 1, lambda: async_saved(store, 1)
    report = await persisted(store).gc("g")
    assert (report.sealed, backend.times) == (9, 0)
    assert await async_versions(store) == [*range(1, 12)]
    await async_check(store)


@in_memory
async def test_a_state_that_never_rests_holds_up_no_other(place):
    """It is left to the next run, whole; those behind it are sealed."""
    backend = AsyncOvertakenBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend)
    for state_id in ("s", "t"):
        await async_saved(store, state_id=state_id)
    backend.times, backend.overtaking = 3, lambda: async_saved(store, 1)
    report = await persisted(store).gc("g")
    assert (report.sealed, report.states, report.left) == (9, 2, [])
    assert await async_versions(store) == [*range(1, 14)]
    await async_check(store)
    assert (await persisted(store).gc("g")).sealed == 12


@in_memory
async def test_a_state_that_is_lost_meanwhile_ends_no_run(store):
    """Its document was removed between two looks: recover rebuilds it."""
    await async_saved(store)
    persister = persisted(store)
    backend = store.runtime.access.backend
    paths, record = S, read_state(await async_document_at(store, S.state), "g", "s")
    await backend.commit([Delete(S.state)], timeout=TIMEOUT)
    unsealed = AsyncUnsealed(store.runtime.access, persister.settings, None)
    assert await unsealed.sealed(paths, record) is record


async def test_two_runs_at_once_seal_the_same(store):
    """Whoever comes second finds it done."""
    await async_saved(store)
    await async_gather([partial(persisted(store).gc, "g") for _ in range(3)])
    assert await async_ids(store, "segments") == [1, 4, 7]
    await async_check(store)


@in_memory
async def test_a_gap_is_not_sealed(store):
    """Nothing is invented: what is damaged stays as it is, for who repairs it."""
    await async_saved(store)
    await store.runtime.access.backend.commit([Delete(S.event(2))], timeout=TIMEOUT)
    before = await async_contents(store)
    assert (await persisted(store).gc("g")).sealed == 0
    assert await async_contents(store) == before
