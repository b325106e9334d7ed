"""An event that is too large for a segment stays in its own document, and sealing goes on behind it."""

import random

import pytest

from tai_state import AsyncStateMachinePersister, Machine, PersistenceConfig, Transition
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tai_state.rules.history import segments
from tests._async.stores import TIMEOUT, async_document_at, async_plant

PATHS = state_layout("g", "s")


def blob(payload):
    """Return data that no encoding makes smaller."""
    return {"blob": random.Random(payload["seed"]).randbytes(payload["kilobytes"] * 1024)}


MACHINE = Machine("blob", "on", [Transition("put", "on", "on", apply=lambda _, payload: blob(payload))])
CONFIG = PersistenceConfig(snapshot_interval=1_000, segment_events=3)


@pytest.fixture
def persister(store):
    return AsyncStateMachinePersister(store, MACHINE, CONFIG)


async def async_put(persister, *kilobytes):
    """Start the state with nothing, then give it data of each size."""
    await persister.start("g", "s", {})
    for number, size in enumerate(kilobytes):
        await persister.transition("g", "s", "put", {"kilobytes": size, "seed": number})


async def async_sealed_runs(store):
    """Return the first and last versions of each segment, and how many events it holds itself."""
    runs = []
    async for document in store.runtime.access.backend.scan(PATHS.governor.segments, timeout=TIMEOUT):
        segment = segments.read_segment(document, "g", "s")
        runs.append((segment.first, segment.last, len(segment.events)))
    return runs


async def async_lose_the_state(store):
    await store.runtime.access.backend.commit([Delete(PATHS.state)], timeout=TIMEOUT)


@pytest.fixture
def small(monkeypatch):
    """A segment takes 100 KiB: so much that one event of two large values has more, and its document has room."""
    monkeypatch.setattr(segments, "SEGMENT_BYTES_MAX", 100 * 1024)


@pytest.mark.usefixtures("small")
async def test_sealing_goes_on_behind_a_large_event(store, persister):
    """What comes behind it is sealed; what stays is named by a segment that holds nothing."""
    await async_put(persister, 1, 200, 1, 1, 1, 1, 1, 1)
    # The event of version 3 holds 200 KiB, that of version 4 as what was before.
    assert await async_sealed_runs(store) == [(1, 1, 1), (2, 2, 1), (3, 4, 0), (5, 7, 3)]
    assert (await async_document_at(store, PATHS.state)).fields["sealed_through"] == 7
    assert (await persister.validate_consistency("g")).is_consistent


@pytest.mark.usefixtures("small")
async def test_a_state_is_rebuilt_over_a_large_event(store, persister):
    """From segments and, between them, from the document of the event; and it goes on."""
    await async_put(persister, 1, 200, 1, 1, 1, 1, 1, 1)
    lost = await persister.load_state("g", "s")
    await async_lose_the_state(store)
    await store.runtime.access.backend.commit([Delete(PATHS.event(1)), Delete(PATHS.event(6))], timeout=TIMEOUT)
    found = await persister.load_state("g", "s")
    assert (found.snapshot, found.recovered) == (lost.snapshot, True)
    moved = await persister.transition("g", "s", "put", {"kilobytes": 1, "seed": 99})
    assert moved.version == lost.snapshot.version + 1
    assert (await async_document_at(store, PATHS.state)).fields["sealed_through"] >= 7


@pytest.mark.usefixtures("small")
async def test_large_events_alone_are_read_once(store, persister):
    """Where each event is large, as many as were read at once are passed over together."""
    await async_put(persister, *[200] * 7)
    runs = await async_sealed_runs(store)
    assert {held for _, _, held in runs} <= {0, 1}
    assert runs[-1][1] >= 4
    assert (await persister.validate_consistency("g")).is_consistent


async def test_the_largest_event_blocks_nothing(store, persister):
    """An event whose document is full, on each backend."""
    await async_put(persister, 381, 381, 381, 1, 1, 1, 1, 1)
    assert [held for _, _, held in await async_sealed_runs(store)].count(0) == 1
    assert (await async_document_at(store, PATHS.state)).fields["sealed_through"] == 7
    lost = await persister.load_state("g", "s")
    await async_lose_the_state(store)
    assert (await persister.load_state("g", "s")).snapshot == lost.snapshot


async def test_a_segment_at_its_bound_fits_into_a_document(store, persister):
    """However an engine spells bytes: what is sealed is stored."""
    # Of versions 4 to 6 it would hold four times 210 KiB.
    await async_put(persister, *[210] * 6)
    assert await async_sealed_runs(store) == [(1, 3, 3), (4, 4, 1)]


async def test_packed_events_have_a_format_of_their_own(store, persister):
    """An older build refuses the segment, rather than call it damaged."""
    await async_put(persister, 1, 1, 1, 1)
    assert (await async_document_at(store, PATHS.segment(1))).fields["format"] == 6


@pytest.mark.usefixtures("small")
async def test_a_segment_of_events_that_stay_has_a_format_of_its_own(store, persister):
    """An older build would look for its events there."""
    await async_put(persister, 200, 200, 1, 1, 1)
    kept = [document async for document in store.runtime.access.backend.scan(PATHS.governor.segments, timeout=TIMEOUT)]
    assert [one.fields["format"] for one in kept if "stay" in one.fields] == [4]


@pytest.mark.usefixtures("small")
async def test_a_segment_that_says_that_events_stay_and_lies_is_no_harm(store, persister):
    """The events are read where they are."""
    await async_put(persister, 1, 1, 1, 1)
    await async_plant(store, PATHS.segment(1), stay=True)
    lost = await persister.load_state("g", "s")
    await async_lose_the_state(store)
    assert (await persister.load_state("g", "s")).snapshot == lost.snapshot
