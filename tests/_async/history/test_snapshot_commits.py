"""Snapshots made by hand whose replies are lost: what is told of them is so; and those that are made by time."""

from datetime import timedelta

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    CorruptLogError,
    OutcomeUnknownError,
    PersistenceConfig,
    RetryPolicy,
)
from tai_state.layout import state_layout
from tai_state.testing.clock import ManualClock
from tests._async.machines import COUNTER
from tests._async.stores import async_document_at, async_plant, in_memory

ONCE = RetryPolicy(attempts=1)


@pytest.fixture
async def other(place):
    """Another caller's persister, whose state is at version 1."""
    persister = AsyncStateMachinePersister(place.store(), COUNTER)
    await persister.start("g", "s", {"n": 1})
    return persister


def faulty(place, *faults, **options):
    store, backend = place.faulty(*faults, **options)
    return AsyncStateMachinePersister(store, COUNTER), backend


async def async_kept(persister):
    return [snapshot.version async for snapshot in persister.list_snapshots("g", "s")]


@pytest.mark.parametrize("faults", [("reply lost",), ("request lost",), ("reply lost", "reply lost")])
async def test_a_lost_reply_is_settled(place, other, faults):
    """It is sent again as it is, or its mark is found: the snapshot is kept, once."""
    persister, backend = faulty(place, *faults)
    assert (await persister.create_snapshot("g", "s")).version == 1
    assert await async_kept(other) == [1]
    assert all(writes == backend.sent[0] for writes in backend.sent)


async def test_the_last_reply_is_lost_and_a_read_tells(place, other):
    """The attempts are spent: its mark tells that it was applied."""
    persister, _ = faulty(place, "reply lost", retry=ONCE)
    assert (await persister.create_snapshot("g", "s")).version == 1
    assert await async_kept(other) == [1]


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
async def test_what_nobody_can_tell_is_not_called_unwritten(place, other, fault):
    """The error says that it may have been kept; asked for again it is."""
    persister, backend = faulty(place, fault, retry=ONCE)
    backend.unread = 1
    with pytest.raises(OutcomeUnknownError, match="snapshot"):
        await persister.create_snapshot("g", "s")
    assert (await persister.create_snapshot("g", "s")).version == 1
    assert await async_kept(other) == [1]


async def test_a_state_that_moved_meanwhile_is_kept_as_it_is_then(place, other):
    """The first commit met another writer, and can never be applied: the next one is of the newer version."""
    persister, backend = faulty(place, "request lost")
    backend.between = lambda: other.transition("g", "s", "add")
    assert (await persister.create_snapshot("g", "s")).version == 2
    assert await async_kept(other) == [2]


async def test_a_state_that_was_altered_is_not_kept(place, other):
    """Whoever altered it meant something by it; one that is damaged is kept as its log tells it."""
    store = place.store()
    paths = state_layout("g", "s")
    sound = await async_document_at(store, paths.state)
    persister = AsyncStateMachinePersister(store, COUNTER)
    await async_plant(store, paths.state, status="another")
    with pytest.raises(CorruptLogError, match="altered by hand"):
        await persister.create_snapshot("g", "s")
    assert await async_kept(other) == []
    await async_plant(store, paths.state, **{**sound.fields, "status": 7})
    assert (await persister.create_snapshot("g", "s")).version == 1
    assert await async_kept(other) == [1]


@in_memory
async def test_snapshots_are_made_by_time_too(place):
    """With the first change in each period, and with each multiple of the interval."""
    clock = ManualClock()
    config = PersistenceConfig(snapshot_interval=4, snapshot_every=timedelta(days=1))
    persister = AsyncStateMachinePersister(place.store(clock=clock), COUNTER, config)
    await persister.start("g", "s", {"n": 1})
    for hours in (0, 25, 0, 0, 0, 72, 0):
        clock.advance(hours * 3600)
        await persister.transition("g", "s", "add")
    assert await async_kept(persister) == [3, 4, 7, 8]
