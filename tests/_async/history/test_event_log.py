"""The one reader of events: from segments where there are some, from documents else, and the same either way."""

from dataclasses import replace

import pytest

from tai_state import AsyncBackendStore, AsyncStateMachinePersister, CorruptLogError, PersistenceConfig
from tai_state._async.history import log
from tai_state.documents import Delete, DocumentPath
from tai_state.layout import state_layout
from tai_state.rules.history.segments import build_segment
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, AsyncCountingBackend, AsyncWrappedBackend, async_plant, in_memory

PATHS = state_layout("g", "s")
CONFIG = PersistenceConfig(snapshot_interval=1_000, segment_events=3)


class AsyncReadBackend(AsyncWrappedBackend):
    """Counts the documents that are read, and lets something happen before the first look at event documents."""

    def __init__(self, inner):
        super().__init__(inner)
        self.documents = {}
        self.before_events = None

    def _note(self, collection):
        self.documents[collection] = self.documents.get(collection, 0) + 1

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        for path in paths:
            self._note(path.collection)
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    async def scan(self, collection, *, start=None, stop=None, limit=None, timeout):
        if collection == PATHS.governor.events and self.before_events is not None:
            before, self.before_events = self.before_events, None
            await before()
        async for document in super().scan(collection, start=start, stop=stop, limit=limit, timeout=timeout):
            self._note(collection)
            yield document


async def async_grown(store, version=32, config=CONFIG):
    """Return a persister, and its state at a version; with that of 32, 1 to 30 are sealed, by threes."""
    persister = AsyncStateMachinePersister(store, COUNTER, config)
    await persister.start("g", "s", {"n": 0})
    for number in range(1, version):
        await persister.transition("g", "s", "add", number)
    return persister


async def async_remove(store, *versions):
    """Remove event documents."""
    await store.runtime.access.backend.commit([Delete(PATHS.event(one)) for one in versions], timeout=TIMEOUT)


async def async_listed(store, **options):
    return [event async for event in store.get_events("g", "s", **options)]


@in_memory
async def test_a_full_replay_reads_segments_and_the_tail(store, scale):
    """Of 10,000 events at most 205 documents: one for a hundred, and those that no segment has yet."""
    version = scale(1_000, 10_000)
    await async_grown(store, version, PersistenceConfig())
    backend = AsyncReadBackend(store.runtime.access.backend)
    persister = AsyncStateMachinePersister(AsyncBackendStore(backend), COUNTER)
    assert (await persister.replay("g", "s")).version == version
    assert sum(backend.documents.values()) <= version // 100 + 105
    assert backend.documents[PATHS.governor.segments] == version // 100 - 1


async def test_sealed_events_are_those_of_the_documents_in_every_field(store):
    """Also when the store committed them."""
    await async_grown(store)
    history = store.runtime.history
    from_documents = [event async for event in history.events(PATHS, sealed=False)]
    await async_remove(store, *range(1, 31))
    assert [event async for event in history.events(PATHS)] == from_documents
    assert [event.version for event in from_documents] == list(range(1, 33))


PARTS: tuple[dict[str, int], ...] = (
    *({}, {"after": 1}, {"after": 4}, {"after": 29}, {"until": 2}, {"until": 25}, {"after": 2, "until": 31}),
    *({"limit": 2}, {"limit": 25}, {"after": 3, "limit": 24}, {"after": 1, "until": 30, "limit": 25}),
    *({"until": 99}, {"after": 30}, {"after": 32}),
)


async def test_every_part_of_a_sealed_history_is_given(store):
    """The same without the documents as with them, each event once and in order."""
    await async_grown(store)
    before = [await async_listed(store, **options) for options in PARTS]
    await async_remove(store, *range(1, 31))
    assert [await async_listed(store, **options) for options in PARTS] == before
    for options, events in zip(PARTS, before, strict=True):
        after, until = options.get("after", 0), min(options.get("until", 32), 32)
        assert [one.version for one in events] == list(range(after + 1, until + 1))[: options.get("limit")], options


async def test_all_that_reads_a_history_needs_no_documents_of_sealed_events(store):
    """The history, replays, the way back, the rebuilt state and the check."""
    persister = await async_grown(store)
    times = [event.timestamp async for event in persister.history("g", "s")]
    before = [await persister.replay("g", "s", until_version=version) for version in (1, 14, 30, 32)]
    at_14 = [one for one in times if one <= times[13]]
    await async_remove(store, *range(1, 31))
    assert [await persister.replay("g", "s", until_version=version) for version in (1, 14, 30, 32)] == before
    assert (await persister.replay("g", "s", until_time=times[13])).version == len(at_14)
    assert len([event async for event in persister.history("g", "s")]) == 32
    back = await persister.rollback("g", "s", 14)
    assert back.snapshot.data == before[1].data
    await store.runtime.access.backend.commit([Delete(PATHS.state)], timeout=TIMEOUT)
    loaded = await persister.load_state("g", "s")
    assert (loaded.recovered, loaded.snapshot) == (True, back.snapshot)


async def test_damaged_segments_are_passed_over_while_the_documents_are_there(store, caplog):
    """It is logged; the first, one in the middle, and the last."""
    persister = await async_grown(store)
    before = await async_listed(store)
    for first in (1, 13, 28):
        await async_plant(store, PATHS.segment(first), events=b"damaged")
        assert await async_listed(store) == before
        assert (await persister.replay("g", "s")).version == 32
        assert f"segments/s@{first:019d} is damaged" in caplog.text


async def test_a_whole_segment_that_does_not_follow_is_passed_over(store, caplog):
    """Its events are those of another life of the state: the documents count."""
    persister = await async_grown(store)
    other = AsyncStateMachinePersister(store, COUNTER, CONFIG)
    await other.start("h", "s", {"n": 9})
    for _ in range(4):
        await other.transition("h", "s", "add")
    theirs = [event async for event in store.runtime.history.events(state_layout("h", "s"))]
    forged = build_segment(PATHS, [replace(event, governor_id="g") for event in theirs[:3]])
    assert forged is not None
    assert forged.write is not None
    await store.runtime.access.backend.commit([forged.write], timeout=TIMEOUT)
    assert (await persister.replay("g", "s")).version == 32
    assert "passed over" in caplog.text


async def test_a_damaged_segment_without_its_documents_is_told(store):
    """What comes before is given, then the error names the damage."""
    persister = await async_grown(store)
    await async_plant(store, PATHS.segment(13), events=b"damaged")
    await async_remove(store, *range(1, 31))
    given = []

    async def read():
        async for event in store.get_events("g", "s"):
            given.append(event.version)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(CorruptLogError, match="s@0000000000000000013 is damaged"):
        await read()
    assert given == list(range(1, 13))
    with pytest.raises(CorruptLogError):
        await persister.replay("g", "s")
    with pytest.raises(CorruptLogError):
        await persister.rollback("g", "s", 14)


async def test_a_gap_is_told_by_a_list_of_events(store):
    """Nobody takes what is left for the whole."""
    await async_grown(store)
    await async_remove(store, 31)
    with pytest.raises(CorruptLogError) as caught:
        await async_listed(store)
    assert caught.value.version == 32


@pytest.mark.parametrize("options", [{}, {"until": 40}, {"limit": 5}], ids=str)
async def test_events_that_are_sealed_and_removed_meanwhile_are_found(store, options):
    """Between the look at the segments and the one at the documents."""
    await async_grown(store, 4)
    backend = AsyncReadBackend(store.runtime.access.backend)
    reader = AsyncBackendStore(backend, actor="tester")

    async def between():
        persister = AsyncStateMachinePersister(store, COUNTER, CONFIG)
        for _ in range(29):
            await persister.transition("g", "s", "add")
        await async_remove(store, *range(1, 31))

    backend.before_events = between
    versions = [event.version for event in await async_listed(reader, **options)]
    assert versions == list(range(1, 34))[: options.get("limit")]


@pytest.mark.parametrize("foreign", [1, 9])
async def test_documents_of_others_among_the_segments_end_nothing(store, foreign):
    """However many of them stand in one page, all that is sealed behind them is found."""
    await async_grown(store, 62)
    await async_remove(store, *range(1, 61))
    for number in range(foreign):
        path = DocumentPath(PATHS.governor.segments, f"s@0000000000000000004-{number}")
        await async_plant(store, path, mine=True)
    assert [event.version for event in await async_listed(store)] == [*range(1, 63)]


async def test_a_few_events_are_read_without_a_segment(store):
    """One by one they are less than what holds them sealed."""
    await async_grown(store)
    backend = AsyncReadBackend(store.runtime.access.backend)
    await async_listed(AsyncBackendStore(backend), after=3, limit=5)
    assert backend.documents == {PATHS.governor.events: 5}


async def test_the_tail_is_read_without_a_segment(store):
    """As one does who follows a state: its document, and what is new."""
    await async_grown(store)
    backend = AsyncReadBackend(store.runtime.access.backend)
    versions = [event.version for event in await async_listed(AsyncBackendStore(backend), after=30)]
    assert versions == [31, 32]
    assert backend.documents == {PATHS.governor.states: 1, PATHS.governor.events: 2}


@in_memory
@pytest.mark.parametrize("window", [1, 2, 4, 100])
async def test_events_are_given_from_within_a_segment_on(store, monkeypatch, window):
    """Also where it begins before the versions among which it is looked for first."""
    monkeypatch.setattr(log, "_WINDOW", window)
    await async_grown(store)
    await async_remove(store, *range(1, 31))
    for after in (*range(8), 29, 30, 31):
        assert [one.version for one in await async_listed(store, after=after)] == list(range(after + 1, 33))


@in_memory
async def test_the_segment_of_a_version_and_those_behind_it_are_found_by_one_look(store):
    """Besides the state, which tells that there are any, and the events that no segment has yet."""
    await async_grown(store, version=12)
    backend = AsyncCountingBackend(store.runtime.access.backend)
    await async_listed(AsyncBackendStore(backend), after=5)
    assert backend.taken() == ["get_many", "scan", "scan"]
