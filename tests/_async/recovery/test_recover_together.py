"""What a recovery writes in one commit: as little as is safe, and never more than a store takes without telling."""

from tai_state import AsyncBackendStore, AsyncStateMachinePersister, DocumentTooLargeError
from tests._async.machines import COUNTER
from tests._async.recovery.damages import CASES, CONFIG, S, T, async_live, async_sound_contents
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_document_at, async_plant

WRITES_OF_TWO_REPAIRS = 4


async def test_only_what_overwrites_another_event_shares_its_commit(place):
    """Two events changed places, and eight are missing that their segments have: each of these goes for itself."""
    store, backend = place.counting()
    persister = await async_live(store)
    sound = await async_sound_contents(store)
    await CASES["unsealed events swapped"].damage(store)
    await CASES["all sealed events deleted"].damage(store)
    backend.commits.clear()
    report = await persister.recover("g")
    assert (len(report.repaired), report.unresolved) == (10, [])
    assert max(map(len, backend.commits)) == WRITES_OF_TWO_REPAIRS
    assert await async_sound_contents(store) == sound


async def test_an_event_that_is_missing_and_stands_elsewhere_shares_the_commit_of_that_place(place):
    """The place is the only copy of it: nothing is lost between the two."""
    store, backend = place.counting()
    persister = await async_live(store)
    sound = await async_sound_contents(store)
    await CASES["distant events swapped"].damage(store)
    backend.commits.clear()
    assert (await persister.recover("g")).unresolved == []
    (together,) = [commit for commit in backend.commits if len(commit) == WRITES_OF_TWO_REPAIRS]
    assert {S.event(9), S.event(11)} <= {write.path for write in together}
    assert await async_sound_contents(store) == sound


class AsyncNarrowBackend(AsyncWrappedBackend):
    """Takes so few writes in one commit that two repairs are too many."""

    async def commit(self, writes, *, timeout):
        if len(writes) >= WRITES_OF_TWO_REPAIRS:
            raise DocumentTooLargeError(len(writes), WRITES_OF_TWO_REPAIRS - 1, "the commit")
        return await super().commit(writes, timeout=timeout)


async def test_what_no_commit_takes_is_left_and_the_rest_is_mended(place):
    """It is told as unresolved, with a copy in quarantine; the run goes on behind it."""
    store = place.store()
    await async_live(store)
    await CASES["unsealed events swapped"].damage(store)
    await async_plant(store, T.state, status="open", data={"n": 99})
    swapped = [await async_document_at(store, S.event(version)) for version in (9, 10)]
    narrow = AsyncBackendStore(AsyncNarrowBackend(store.runtime.access.backend), actor="tester")
    for mended in (["corrupt_state"], []):
        report = await AsyncStateMachinePersister(narrow, COUNTER, CONFIG).recover("g")
        assert [one.kind for one in report.repaired] == mended
        assert [(one.kind, one.version) for one in report.unresolved] == [("corrupt_event", 9), ("corrupt_event", 10)]
    assert [await async_document_at(store, S.event(version)) for version in (9, 10)] == swapped
    assert len([one async for one in store.runtime.access.backend.scan(S.governor.quarantine, timeout=TIMEOUT)]) == 2
