"""Rebuilding a state: whatever of snapshots, segments and events is left, as long as it covers every version."""

import pytest

from tai_state import AsyncStateMachinePersister, CorruptLogError, PersistenceConfig
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, async_plant

PATHS = state_layout("g", "s")


def event_paths(*versions):
    return [PATHS.event(version) for version in versions]


async def async_grown(store, snapshot_interval):
    """Return a persister, and its state at version 10: segments of 1 to 3, 4 to 6 and 7 to 9."""
    config = PersistenceConfig(snapshot_interval=snapshot_interval, snapshot_retention=1, segment_events=3)
    persister = AsyncStateMachinePersister(store, COUNTER, config)
    await persister.start("g", "s", {"n": 0})
    for payload in range(9):
        await persister.transition("g", "s", "add", payload)
    return persister, (await store.get_state("g", "s"))[0]


async def async_lose(store, *paths):
    await store.runtime.access.backend.commit([Delete(path) for path in (PATHS.state, *paths)], timeout=TIMEOUT)


async def async_rebuilt(persister):
    loaded = await persister.load_state("g", "s")
    assert loaded.recovered
    return loaded.snapshot


@pytest.mark.parametrize("first", [1, 4, 7])
async def test_the_events_of_a_missing_segment_are_read(store, first):
    """The first one, one in the middle, or the last."""
    persister, before = await async_grown(store, 100)
    await async_lose(store, PATHS.segment(first))
    assert await async_rebuilt(persister) == before


@pytest.mark.parametrize("first", [1, 4, 7])
async def test_behind_a_damaged_segment_the_next_ones_count(store, first):
    """Its own events are read; those of the others may be gone."""
    persister, before = await async_grown(store, 100)
    await async_plant(store, PATHS.segment(first), events=b"damaged")
    await async_lose(store, *event_paths(*(set(range(1, 10)) - set(range(first, first + 3)))))
    assert await async_rebuilt(persister) == before


async def test_a_segment_that_does_not_follow_is_passed_over(store):
    """One of another state's events, whole as it is, is no reason to give up."""
    persister, before = await async_grown(store, 100)
    other = AsyncStateMachinePersister(store, COUNTER, persister.config)
    await other.start("g", "t", {"n": 9})
    for _ in range(4):
        await other.transition("g", "t", "add")
    theirs = (await store.runtime.access.backend.get(state_layout("g", "t").segment(1), timeout=TIMEOUT)).documents
    (document,) = theirs.values()
    await async_plant(store, PATHS.segment(1), **document.fields)
    await async_lose(store)
    assert await async_rebuilt(persister) == before


@pytest.mark.parametrize("missing", [[9], [8, 9], [7, 8, 9]], ids=str)
async def test_a_gap_behind_the_snapshot_is_filled_by_segments(store, missing):
    """The newest snapshot leads nowhere: all from the first version on does."""
    persister, before = await async_grown(store, 6)
    await async_lose(store, *event_paths(*missing))
    assert await async_rebuilt(persister) == before


async def test_a_gap_that_nothing_covers_is_told(store):
    """Where it is, whatever else there is."""
    persister, _ = await async_grown(store, 100)
    await async_lose(store, PATHS.segment(4), *event_paths(5))
    with pytest.raises(CorruptLogError) as caught:
        await persister.load_state("g", "s")
    assert caught.value.version == 6
