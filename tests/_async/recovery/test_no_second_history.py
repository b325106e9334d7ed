"""A state that has lost its document is not made a second time, whatever of its first events was removed."""

import pytest

from tai_state import AsyncTransactionManager, CorruptLogError, StateExistsError, VersionConflictError
from tai_state.documents import Delete
from tests._async.recovery.test_gc import COMPACT, S, async_check, async_grown, persisted
from tests._async.stores import TIMEOUT, async_contents


async def async_compacted(persister):
    await persister.gc("g", history=COMPACT)


async def async_trimmed(persister):
    await persister.trim("g", "s", before_version=12)


async def async_started(store):
    await persisted(store).start("g", "s", {"n": 0})


async def async_saved(store):
    await store.save_state("g", "s", {"n": 0}, expected_version=0)


async def async_in_transaction(store):
    async def body(tx):
        await tx.save_state("g", "s", {"n": 0}, expected_version=0)
        await tx.save_state("g", "other", {"n": 0}, expected_version=0)

    await AsyncTransactionManager(store).run(body)


@pytest.mark.parametrize("made", [async_started, async_saved, async_in_transaction])
@pytest.mark.parametrize("removed", [async_compacted, async_trimmed])
async def test_a_lost_state_is_not_made_again(place, removed, made):
    """Its first event is gone, and its first segment refuses what the event would have refused."""
    store = place.store()
    await removed(await async_grown(store))
    await store.runtime.access.backend.commit([Delete(S.state)], timeout=TIMEOUT)
    before = await async_contents(store)
    with pytest.raises((StateExistsError, VersionConflictError), match="16"):
        await made(place.store())
    assert await async_contents(store) == before


@pytest.mark.parametrize("removed", [async_compacted, async_trimmed])
async def test_what_may_be_over_goes_on_from_the_log(place, removed):
    """A change that takes the state as it is finds it by what is left, and writes its document again."""
    store = place.store()
    await removed(await async_grown(store))
    await store.runtime.access.backend.commit([Delete(S.state)], timeout=TIMEOUT)
    assert await place.store().save_state("g", "s", {"n": 7}) == 17
    await async_check(store)


@pytest.mark.parametrize("made", [async_started, async_saved])
async def test_a_state_of_which_segments_alone_are_left_is_not_made_again(place, made):
    """It is told so at once, with what to do: to try again helps nobody."""
    store = place.store()
    await async_compacted(await async_grown(store))
    events = [Delete(S.event(version)) for version in range(1, 17)]
    await store.runtime.access.backend.commit([Delete(S.state), *events], timeout=TIMEOUT)
    before = await async_contents(store)
    with pytest.raises(CorruptLogError, match="run recover first"):
        await made(place.store())
    assert await async_contents(store) == before
