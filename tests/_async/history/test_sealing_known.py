"""What a process wrote itself it seals without reading it, and only for as long as nobody else was at the state."""

from tai_state import AsyncStateMachinePersister, PersistenceConfig
from tai_state.codec import Payload
from tai_state.layout import state_layout
from tai_state.rules.history.segments import read_segment
from tests._async.machines import COUNTER
from tests._async.stores import async_document_at

PATHS = state_layout("g", "s")
CONFIG = PersistenceConfig(snapshot_interval=1_000, segment_events=4)


async def async_moves(persister, count):
    """Start the state, then add until it is at version *count*."""
    await persister.start("g", "s", {"n": 0, "long": "x" * 2_000, "blob": b"\x00\x01"})
    for number in range(1, count):
        await persister.transition("g", "s", "add", number, idempotency_key=f"k{number}")


async def async_sealed_and_log(store, first):
    """Return the events of the segment that begins with *first*, and those of the log at the same versions."""
    segment = read_segment(await async_document_at(store, PATHS.segment(first)), "g", "s")
    log = store.runtime.history.events(PATHS, after=first - 1, until=segment.last)
    return list(segment.events), [event async for event in log]


async def test_what_a_process_wrote_is_sealed_without_a_read(place):
    """A change that seals costs a commit, as any other, and what it seals is what the log holds."""
    store, backend = place.counting()
    persister = AsyncStateMachinePersister(store, COUNTER, CONFIG)
    await async_moves(persister, 8)
    backend.taken()
    await persister.transition("g", "s", "add")
    assert backend.taken() == ["commit"]
    for first in (1, 5):
        sealed, log = await async_sealed_and_log(store, first)
        assert sealed == log
        assert len(sealed) == 4
    assert (await persister.validate_consistency("g")).is_consistent


async def test_where_another_process_wrote_the_run_is_read(place):
    """One foreign event in it, and all of it is read."""
    persister = AsyncStateMachinePersister(place.store(), COUNTER, CONFIG)
    await async_moves(persister, 2)
    await AsyncStateMachinePersister(place.store(), COUNTER, CONFIG).transition("g", "s", "add", 9)
    await persister.transition("g", "s", "add")
    await persister.transition("g", "s", "add")
    sealed, log = await async_sealed_and_log(persister.store, 1)
    assert sealed == log
    assert [event.payload for event in sealed][2] == Payload.of(9)


async def test_who_touched_the_document_alone_ends_the_run_too(place):
    """An erasure, say, leaves the version as it is: what was known of the events before it may not hold any more."""
    store, backend = place.counting()
    persister = AsyncStateMachinePersister(store, COUNTER, CONFIG)
    await async_moves(persister, 3)
    await AsyncStateMachinePersister(place.store(), COUNTER, CONFIG).create_snapshot("g", "s")
    await persister.transition("g", "s", "add")
    backend.taken()
    await persister.transition("g", "s", "add")
    assert backend.taken() == ["get_many", "commit"]
    sealed, log = await async_sealed_and_log(store, 1)
    assert sealed == log
