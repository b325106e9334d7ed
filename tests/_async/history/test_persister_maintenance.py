"""Snapshots, retention and sealed segments: due by count, kept exactly, and never in a move's way."""

import random

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    ConfigurationError,
    CorruptLogError,
    Encoding,
    PersistenceConfig,
    StateNotFoundError,
)
from tai_state._async.history import sealing
from tai_state.codec import Payload
from tai_state.compression import decompress
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tai_state.rules.history import segments as rules
from tai_state.rules.history.segments import read_segment
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, async_contents, async_document_at, async_plant

PATHS = state_layout("g", "s")


def counting(store, interval=4, retention=2, segment=None):
    """Return a persister whose segments are as long as its interval, unless *segment* says otherwise."""
    config = PersistenceConfig(
        snapshot_interval=interval, snapshot_retention=retention, segment_events=segment or interval
    )
    return AsyncStateMachinePersister(store, COUNTER, config)


async def async_grow(persister, version, state_id="s"):
    """Start the state where there is none, and add until it is at *version*."""
    snapshot = await persister.store.find_state("g", state_id)
    if snapshot is None:
        await persister.start("g", state_id, {"n": 0})
    for number in range(snapshot.version if snapshot else 1, version):
        await persister.transition("g", state_id, "add", number)


async def async_kept_versions(store, kind):
    """Return the versions of the documents kept in the collection of that kind."""
    return [int(path[-19:]) for path in await async_contents(store) if f"/{kind}/s@" in path]


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5])
def test_a_number_of_maintenance_that_is_none_is_refused(wrong):
    """All are at least 1."""
    for name in ("snapshot_interval", "snapshot_retention", "segment_events"):
        with pytest.raises(ConfigurationError, match=name):
            PersistenceConfig(**{name: wrong})


async def test_snapshots_come_at_multiples(store):
    """In the commit that reaches one, and at no other version."""
    persister = counting(store, interval=4, retention=9)
    kept = []
    for version in range(1, 14):
        await async_grow(persister, version)
        kept.append(await async_kept_versions(store, "snapshots"))
    assert kept == [[]] * 3 + [[4]] * 4 + [[4, 8]] * 4 + [[4, 8, 12]] * 2


async def test_a_snapshot_is_in_the_commit_of_its_version(place):
    """No call of its own."""
    store, backend = place.counting()
    persister = counting(store)
    await async_grow(persister, 3)
    backend.taken()
    await persister.transition("g", "s", "add")
    assert backend.taken() == ["commit"]
    assert PATHS.snapshot(4) in [write.path for write in backend.commits[-1]]


async def test_exactly_the_newest_snapshots_are_kept(store):
    """The oldest goes in the commit that brings a new one."""
    persister = counting(store, interval=2, retention=3)
    for version in range(1, 14):
        await async_grow(persister, version)
        multiples = list(range(2, version + 1, 2))
        assert await async_kept_versions(store, "snapshots") == multiples[-3:]
    listed = [one.version async for one in persister.list_snapshots("g", "s")]
    assert listed == [8, 10, 12]


async def test_a_smaller_retention_takes_effect_with_the_next_snapshot(store):
    """All that are too many go at once."""
    await async_grow(counting(store, interval=2, retention=5), 11)
    assert await async_kept_versions(store, "snapshots") == [2, 4, 6, 8, 10]
    await async_grow(counting(store, interval=2, retention=1), 12)
    assert await async_kept_versions(store, "snapshots") == [12]


async def test_a_snapshot_is_the_state_of_its_version(store):
    """Every field of it."""
    persister = counting(store)
    await async_grow(persister, 4)
    state, _ = await store.get_state("g", "s")
    await async_grow(persister, 6)
    (snapshot,) = [one async for one in persister.list_snapshots("g", "s")]
    assert snapshot == state == await persister.replay("g", "s", until_version=4)


async def test_a_snapshot_by_hand(store):
    """Keeps the state as it is; the version stays, and a second one at that version changes nothing."""
    persister = counting(store, interval=100)
    await async_grow(persister, 3)
    state, _ = await store.get_state("g", "s")
    assert await persister.create_snapshot("g", "s") == state
    before = await async_contents(store)
    assert await persister.create_snapshot("g", "s") == state
    assert await async_contents(store) == before
    assert await async_kept_versions(store, "snapshots") == [3]
    assert (await store.get_state("g", "s"))[0] == state
    assert (await persister.validate_consistency("g")).is_consistent


async def test_snapshots_by_hand_count_in_the_retention(store):
    """The oldest goes."""
    persister = counting(store, interval=100, retention=2)
    for version in (1, 2, 3):
        await async_grow(persister, version)
        await persister.create_snapshot("g", "s")
    assert await async_kept_versions(store, "snapshots") == [2, 3]


async def test_after_a_snapshot_by_hand_the_multiples_go_on(store):
    """It neither takes the place of the next one nor brings it early."""
    persister = counting(store, interval=4, retention=9)
    await async_grow(persister, 5)
    await persister.create_snapshot("g", "s")
    await async_grow(persister, 9)
    assert await async_kept_versions(store, "snapshots") == [4, 5, 8]


async def test_a_snapshot_of_nothing_is_refused(store):
    """There is no state to keep."""
    with pytest.raises(StateNotFoundError):
        await counting(store).create_snapshot("g", "s")
    assert [one async for one in counting(store).list_snapshots("g", "s")] == []


async def test_a_damaged_snapshot_is_named(store):
    """Its digest tells."""
    persister = counting(store)
    await async_grow(persister, 4)
    await async_plant(store, PATHS.snapshot(4), data={"n": 99})
    with pytest.raises(CorruptLogError, match="snapshots/s@"):
        [one async for one in persister.list_snapshots("g", "s")]


async def test_a_full_run_of_events_is_sealed_by_the_next_commit(store):
    """Once there are as many as the interval, and never before."""
    persister = counting(store)
    sealed = []
    for version in range(1, 11):
        await async_grow(persister, version)
        sealed.append(await async_kept_versions(store, "segments"))
    assert sealed == [[]] * 4 + [[1]] * 4 + [[1, 5]] * 2
    assert (await async_document_at(store, PATHS.state)).fields["sealed_through"] == 8


async def test_segments_are_as_long_as_they_say(store):
    """Whatever the interval between two snapshots: a large one makes no large read."""
    persister = counting(store, interval=10_000, segment=3)
    await async_grow(persister, 8)
    assert await async_kept_versions(store, "segments") == [1, 4]
    assert await async_kept_versions(store, "snapshots") == []


async def test_a_segment_holds_no_more_than_a_reader_can(place, monkeypatch, scale):
    """Events that compress well fill it before their number does, and the rest waits for the next one."""
    bound = scale(2**20, rules.SEGMENT_JSON_BYTES_MAX)
    monkeypatch.setattr(rules, "SEGMENT_JSON_BYTES_MAX", bound)
    monkeypatch.setattr(sealing, "SECONDS_MAX", 30.0)
    monkeypatch.setattr(sealing, "SHARE", 1.0)
    persister = counting(place.store(), interval=10_000, segment=8)
    await persister.start("g", "s", {"n": 0, "text": "x" * (bound * 3 // 17)})
    await async_grow(persister, 8)
    # Another process, which has to read it.
    store = place.store()
    await async_grow(counting(store, interval=10_000, segment=8), 9)
    segment = read_segment(await async_document_at(store, PATHS.segment(1)), "g", "s")
    assert [event.version for event in segment.events] == [1, 2, 3, 4, 5]
    sealed = (await async_document_at(store, PATHS.segment(1))).fields["events"]
    assert len(decompress(sealed)) <= bound


async def test_a_segment_holds_its_events_as_they_were(store):
    """Every field, the time of their commit included, in both stored shapes."""
    persister = counting(store)
    await persister.start("g", "s", {"text": "é" * 3_000, "bytes": b"x"})
    for payload in (1, 2, 3, 4):
        await persister.transition("g", "s", "add", payload)
    document = await async_document_at(store, PATHS.segment(1))
    segment = read_segment(document, "g", "s")
    events = [event async for event in store.get_events("g", "s", until=4)]
    assert [event.public(Payload.value) for event in segment.events] == events
    assert (segment.first, segment.last) == (1, 4)


async def test_a_segment_leaves_out_what_it_can_tell(store):
    """A from_state is the to_state before it, and not stored a second time."""
    blob = {"text": "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(3_000))}
    persister = counting(store, interval=8)
    await persister.start("g", "s", blob)
    await async_grow(persister, 9)
    body = decompress((await async_document_at(store, PATHS.segment(1))).fields["events"])
    assert body.count(blob["text"].encode()) == 8


async def test_a_cold_commit_that_seals_adds_one_read(place):
    """Two reads and a commit."""
    await async_grow(counting(place.store()), 4)
    store, backend = place.counting()
    await counting(store).transition("g", "s", "add")
    assert backend.taken() == ["get_many", "get_many", "commit"]


@pytest.mark.parametrize("damage", ["missing", "damaged", "foreign"])
async def test_sealing_is_put_off_rather_than_fail_a_move(place, damage):
    """An event that cannot be sealed stops no move, and nothing wrong is sealed."""
    store = place.store()
    await async_grow(counting(store), 4)
    if damage == "missing":
        await store.runtime.access.backend.commit([Delete(PATHS.event(2))], timeout=TIMEOUT)
    elif damage == "damaged":
        await async_plant(store, PATHS.event(2), to_state=5)
    else:
        await async_plant(store, PATHS.event(2), to_status="shut")
    # A process that did not write it: who did need not read it.
    await async_grow(counting(place.store()), 10)
    assert await async_kept_versions(store, "segments") == []
    assert await async_kept_versions(store, "snapshots") == [4, 8]


async def test_a_snapshot_that_was_put_off_comes_with_the_next_commit(store):
    """A process with another interval does not make it; the next one that wants it does."""
    await async_grow(counting(store, interval=100), 9)
    assert await async_kept_versions(store, "snapshots") == []
    await async_grow(counting(store, interval=4, retention=9), 10)
    assert await async_kept_versions(store, "snapshots") == [10]


async def test_processes_with_different_intervals_share_a_state(place):
    """Moves go on, and what is sealed and kept is sound."""
    one, other = counting(place.store(), interval=3), counting(place.store(), interval=5, retention=1)
    for version in range(1, 31):
        await async_grow(one if version % 2 else other, version)
    assert (await one.validate_consistency("g")).is_consistent
    store = one.store
    firsts = await async_kept_versions(store, "segments")
    segments = [read_segment(await async_document_at(store, PATHS.segment(first)), "g", "s") for first in firsts]
    sealed = [event.version for segment in segments for event in segment.events]
    assert sealed == list(range(1, len(sealed) + 1))
    assert len(sealed) >= 25


async def test_maintenance_that_is_too_large_is_put_off(store):
    """A snapshot that no longer fits beside state and event stops no move."""
    persister = AsyncStateMachinePersister(store, COUNTER, PersistenceConfig(snapshot_interval=2, snapshot_retention=2))
    blob = random.Random(3).randbytes(300_000)
    await persister.start("g", "s", {"n": 0, "blob": blob})
    for version in (2, 3, 4):
        assert (await persister.transition("g", "s", "add")).version == version
    assert (await persister.load_state("g", "s")).snapshot.data["blob"] == blob
    assert (await persister.validate_consistency("g")).is_consistent


async def test_a_rebuild_passes_over_a_damaged_segment(store):
    """The events themselves are read instead."""
    persister = counting(store, interval=4, retention=1)
    await async_grow(persister, 7)
    lost, _ = await store.get_state("g", "s")
    await async_plant(store, PATHS.segment(1), events=b"damaged")
    writes = [Delete(PATHS.state), Delete(PATHS.snapshot(4))]
    await store.runtime.access.backend.commit(writes, timeout=TIMEOUT)
    loaded = await persister.load_state("g", "s")
    assert (loaded.snapshot, loaded.recovered) == (lost, True)


async def test_a_rebuild_reads_segments_in_place_of_events(store):
    """Sealed events may be gone."""
    persister = counting(store, interval=4, retention=1)
    await async_grow(persister, 10)
    lost, _ = await store.get_state("g", "s")
    gone = [PATHS.event(version) for version in range(1, 9)]
    writes = [Delete(path) for path in (PATHS.state, PATHS.snapshot(8), *gone)]
    await store.runtime.access.backend.commit(writes, timeout=TIMEOUT)
    loaded = await persister.load_state("g", "s")
    assert (loaded.snapshot, loaded.recovered) == (lost, True)


async def test_a_rebuild_reads_a_snapshot_and_what_follows(place):
    """Not the whole history: one look whether there is any, and then once more whether the state is missing still."""
    await async_grow(counting(place.store()), 10)
    store, backend = place.counting()
    await store.runtime.access.backend.commit([Delete(PATHS.state)], timeout=TIMEOUT)
    await store.runtime.access.backend.commit([Delete(PATHS.event(version)) for version in (1, 2, 3)], timeout=TIMEOUT)
    backend.taken()
    assert (await counting(store).load_state("g", "s")).recovered
    assert backend.taken() == ["get_many", "scan", "scan", "scan", "get_many"]


async def test_maintenance_follows_the_encoding(place):
    """Snapshots and segments of compressed data are read back, whatever the thresholds are by then."""
    compressed = Encoding(json_bytes_min=0, zstd_bytes_min=0)
    await async_grow(counting(place.store(encoding=compressed), retention=9), 9)
    plain = counting(place.store(encoding=Encoding(json_bytes_min=10**9, zstd_bytes_min=10**9)), retention=9)
    await async_grow(plain, 14)
    versions = [one.version async for one in plain.list_snapshots("g", "s")]
    assert versions == [4, 8, 12]
    assert (await plain.validate_consistency("g")).is_consistent
