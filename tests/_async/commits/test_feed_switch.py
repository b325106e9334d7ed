"""A store that feeds by keys: each state says when it was changed, whoever writes it, once it is switched on."""

from datetime import timedelta

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    ConfigurationError,
    TransitionRequest,
    async_export_store,
    async_import_store,
    async_recover,
)
from tai_state._async.backends.memory import AsyncMemoryBackend
from tai_state._async.commits.feeding import AsyncStamping, async_discovery
from tai_state.config import Encoding
from tai_state.documents import Capability, Delete, DocumentPath, Put
from tai_state.errors import PreconditionFailedError
from tai_state.layout import META, state_layout
from tai_state.rules.records.documents import plain_state_fields, read_state
from tai_state.rules.records.feeding import SETTLING, TRUST, Discovery
from tai_state.testing.clock import ManualClock
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, AsyncCountingBackend, async_document_at, async_plant, in_memory

SECOND = timedelta(seconds=1)


class AsyncKeyedBackend(AsyncCountingBackend):
    """One that does not find documents by the time of their last change, whatever is behind it."""

    def __init__(self, inner):
        super().__init__(inner)
        self.capabilities = inner.capabilities - {Capability.BY_UPDATE_TIME}


@pytest.fixture
def backend(place):
    return AsyncKeyedBackend(place.store().runtime.access.backend)


def opened(backend, **options):
    return AsyncBackendStore(backend, **{"actor": "tester", **options})


async def async_looked(store):
    """Return where changes are found, as whoever reads the feed asks for it."""
    runtime = store.runtime
    return await async_discovery(runtime.access, runtime.writer.feed, runtime.settings.encoding)


async def async_changed(store, discovery, since):
    """Return the states that changed since a moment, as the feed finds them."""
    found = []
    for query in discovery.queries(since):
        async for document in store.runtime.access.query(query):
            found.append((document.value_of(discovery.field), str(document.path)))  # noqa: PERF401 - has no twin
    return [path.removeprefix("governors/") for _, path in sorted(found)]


async def async_held(store, governor_id, state_id):
    return (await async_document_at(store, state_layout(governor_id, state_id).state)).fields


async def test_a_store_that_is_off_has_none_of_it(backend):
    """Neither its states nor its own document have a field of it; who relies on it is told how to switch it on."""
    store = opened(backend)
    await store.save_state("g", "s", {})
    await store.save_state("g", "s", {"n": 1})
    assert not {"feed_key", "changed_at"} & (await async_held(store, "g", "s")).keys()
    assert (await async_document_at(store, META)).fields.keys() == {"format", "store_id"}
    with pytest.raises(ConfigurationError, match="feed=True"):
        await async_looked(store)
    puts = [write for writes in backend.commits for write in writes if isinstance(write, Put)]
    assert [put.stamped for put in puts] == [None] * len(puts)


async def test_a_new_store_feeds_from_its_first_change(backend):
    """Each change stamps the one state that it writes, and nothing else; a store feeds for good."""
    store = opened(backend, feed=True)
    began = await backend.server_time(timeout=TIMEOUT)
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "b", {"n": 0})
    await opened(backend).save_state("g", "a", {})
    await persister.transition("g", "b", "add")
    await opened(backend).delete_state("g", "a")
    for writes in backend.commits:
        stamped = [write for write in writes if isinstance(write, Put) and write.stamped is not None]
        assert [write.path.collection for write in stamped] == ["governors/g/states"]
    discovery = await async_looked(opened(backend))
    assert len(discovery.keys) == 1
    assert await async_changed(store, discovery, began - SECOND) == ["g/states/b", "g/states/a"]
    assert await async_changed(store, discovery, began + 1000 * SECOND) == []


async def test_what_was_there_is_found_by_one_scan(backend):
    """Of all governors, deleted ones too; each state is written once, by the first who reads the feed."""
    before = opened(backend)
    for n in range(120):
        await before.save_state(f"g{n % 2}", f"s{n:03}", {})
    await before.delete_state("g0", "s000")
    store = opened(backend, feed=True)
    backend.commits.clear()
    discovery = await async_looked(store)
    of_states = [len(writes) for writes in backend.commits if str(writes[0].path).startswith("governors/")]
    # Of each governor 60, by 50 in a commit.
    assert of_states == [50, 10, 50, 10]
    since = (await async_document_at(store, META)).fields["feed"]["since"] - SECOND
    assert len(await async_changed(store, discovery, since)) == 120
    backend.commits.clear()
    assert await async_looked(before) == discovery
    assert backend.commits == []


@in_memory
async def test_a_scan_tells_how_many_states_had_no_key(place):
    """Of all governors; one that is damaged is passed over, and the next scan finds none."""
    store = place.store()
    for n in range(51):
        await store.save_state("g", f"s{n:02}", {})
    await store.save_state("h", "s", {})
    await store.save_state("h", "damaged", {})
    await async_plant(store, state_layout("h", "damaged").state, version="1")
    scan = AsyncStamping(store.runtime.access, ("store-1", 1), store.runtime.settings.encoding, TIMEOUT)
    assert [await scan.run(), await scan.run()] == [52, 0]


async def test_states_are_spread_over_keys(backend):
    """Each under one of them, and together they are all."""
    store = opened(backend, feed=True, feed_shards=4)
    for n in range(24):
        await store.save_state("g", f"s{n:02}", {})
    discovery = await async_looked(store)
    since = (await async_document_at(store, META)).fields["feed"]["since"] - SECOND
    parts = [await async_changed(store, Discovery((key,)), since) for key in discovery.keys]
    assert len(parts) == 4
    assert all(parts)
    assert sorted(path for part in parts for path in part) == [f"g/states/s{n:02}" for n in range(24)]


async def test_every_way_to_write_a_state_keeps_it_in_the_feed(place, backend):
    """A transaction, a schedule, a snapshot by hand, a repair, a copy of it: each of them stamps."""
    store = opened(backend, feed=True)
    persister = AsyncStateMachinePersister(store, COUNTER)
    await AsyncTransactionManager(store).run(lambda tx: tx.start(persister, "g", "s", {"n": 0}))
    await persister.create_snapshot("g", "s")
    key = (await async_held(store, "g", "s"))["feed_key"]
    await backend.inner.commit([Delete(state_layout("g", "s").state)], timeout=TIMEOUT)
    reports = [report async for report in async_recover(store)]
    assert [len(report.repaired) for report in reports if report.repaired] == [1]
    assert (await async_held(store, "g", "s"))["feed_key"] == key
    await backend.inner.commit([Delete(state_layout("g", "s").state)], timeout=TIMEOUT)
    await persister.transition("g", "s", "add")
    fields = await async_held(store, "g", "s")
    assert fields["feed_key"] == key
    assert "changed_at" in fields
    writes = [write for writes in backend.commits for write in writes]
    puts = [write for write in writes if isinstance(write, Put) and write.path.collection == "governors/g/states"]
    assert {put.stamped for put in puts} == {"changed_at"}


async def test_an_import_is_found_by_its_own_key(backend, tmp_path):
    """What an export carries says nothing of the store that it comes from; what is brought here has changed here."""
    source = AsyncBackendStore(AsyncKeyedBackend(AsyncMemoryBackend()), actor="tester", feed=True)
    for state_id in "ab":
        await source.save_state("g", state_id, {"n": 1})
    file = tmp_path / "export.jsonl"
    # One of them as an earlier release wrote it.
    path = state_layout("g", "b").state
    document = await async_document_at(source, path)
    record = read_state(document, "g", "b")
    old = {**plain_state_fields(record, Encoding()), "format": 1}
    await source.runtime.access.backend.commit([Put(path, old)], timeout=TIMEOUT)
    await async_export_store(source, file)
    assert "changed_at" not in file.read_text(encoding="utf-8")
    assert "feed_key" not in file.read_text(encoding="utf-8")
    store = opened(backend, feed=True)
    await store.save_state("g", "z", {})
    began = await backend.server_time(timeout=TIMEOUT)
    await async_import_store(store, file)
    discovery = await async_looked(store)
    assert sorted(await async_changed(store, discovery, began)) == ["g/states/a", "g/states/b"]
    for state_id in "ab":
        assert (await async_held(store, "g", state_id))["feed_key"] in discovery.keys
        await store.save_state("g", state_id, {"n": 2})


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def shared(clock):
    """One store of two processes on a clock that a test moves."""
    return AsyncKeyedBackend(AsyncMemoryBackend(clock=clock))


async def test_who_does_not_know_writes_on_what_was_stamped(shared, clock):
    """His change of it is refused once, since it was written meanwhile: what he reads then tells him."""
    ignorant = AsyncStateMachinePersister(opened(shared, clock=clock), COUNTER)
    await ignorant.start("g", "s", {"n": 0})
    await async_looked(opened(shared, clock=clock, feed=True))
    clock.advance(1)
    moved = await ignorant.transition("g", "s", "add")
    fields = await async_held(ignorant.store, "g", "s")
    assert (moved.version, fields["version"]) == (2, 2)
    assert fields["changed_at"] > fields["timestamp"] - SECOND
    assert fields["feed_key"]


async def test_who_does_not_know_is_found_by_the_second_scan(shared, clock):
    """A state that he makes within his trust has no key; then he looks, and the second scan finds it; none follows."""
    ignorant = opened(shared, clock=clock)
    await ignorant.save_state("g", "before", {})
    store = opened(shared, clock=clock, feed=True)
    discovery = await async_looked(store)
    began = await shared.server_time(timeout=TIMEOUT)
    await ignorant.save_state("g", "blind", {})
    assert "feed_key" not in await async_held(store, "g", "blind")
    clock.advance(TRUST.total_seconds() + 1)
    await ignorant.save_state("g", "seen", {})
    assert await async_changed(store, await async_looked(store), began) == ["g/states/seen"]
    clock.advance(SETTLING.total_seconds())
    assert await async_looked(store) == discovery
    assert await async_changed(store, discovery, began) == ["g/states/seen", "g/states/blind"]
    assert (await async_document_at(store, META)).fields["feed"]["is_complete"]
    shared.calls.clear()
    assert await async_looked(store) == discovery
    assert shared.calls == []


async def test_a_look_costs_a_document_a_minute(shared, clock):
    """And only who creates a state makes it, in the read that he makes anyway."""
    store = opened(shared, clock=clock)
    await store.save_state("g", "first", {})
    shared.calls.clear()
    reads = []
    inner = shared.get_many

    async def noted(paths, **options):
        reads.append([path == META for path in paths].count(True))
        return await inner(paths, **options)

    shared.get_many = noted
    for n in range(4):
        await store.save_state("g", f"s{n}", {})
    clock.advance(TRUST.total_seconds() + 1)
    for n in range(4):
        await store.save_state("g", f"t{n}", {})
        await store.save_state("g", "first", {"n": n})
    assert reads == [0, 0, 0, 0, 1, 0, 0, 0]


async def test_a_scan_that_is_overtaken_looks_again(shared, clock):
    """The states beside which somebody wrote are written one by one; a state that got its key meanwhile is left."""
    before = opened(shared, clock=clock)
    for state_id in "abc":
        await before.save_state("g", state_id, {})
    inner, is_first = shared.commit, True

    async def overtaken(writes, *, timeout):
        nonlocal is_first
        if is_first and any(isinstance(write, Put) and write.stamped for write in writes):
            is_first = False
            await AsyncBackendStore(shared.inner, actor="other").save_state("g", "b", {"n": 1})
            raise PreconditionFailedError(path="b")
        return await inner(writes, timeout=timeout)

    store = opened(shared, clock=clock, feed=True)
    await store.save_state("g", "d", {})
    shared.commit = overtaken
    discovery = await async_looked(store)
    since = (await async_document_at(store, META)).fields["feed"]["since"] - SECOND
    assert sorted(await async_changed(store, discovery, since)) == [f"g/states/{one}" for one in "abcd"]
    assert (await store.find_state("g", "b")).data == {"n": 1}


async def test_an_earlier_release_refuses_a_store_that_feeds(shared, clock):
    """It would make states that nobody finds: the number of the format tells it."""
    store = opened(shared, clock=clock, feed=True)
    await store.save_state("g", "s", {})
    assert (await async_document_at(store, META)).fields["format"] == 2
    assert (await async_held(store, "g", "s"))["format"] == 7


@pytest.mark.parametrize("options", [{"feed": 1}, {"feed": True, "feed_shards": 0}, {"feed": True, "feed_shards": 65}])
async def test_what_is_no_feed_is_refused(shared, options):
    """By name."""
    with pytest.raises(ConfigurationError, match=list(options)[-1]):
        opened(shared, **options)


async def test_an_engine_that_finds_changes_by_itself_needs_no_key(place):
    """SQLite and memory always feed: by the time of the last change, and feed=True writes nothing there."""
    store = place.store(feed=True)
    await store.save_state("g", "s", {})
    discovery = await async_looked(store)
    if place.kind == "firestore":
        assert discovery.field == "changed_at"
        return
    assert discovery == Discovery()
    assert "feed_key" not in await async_held(store, "g", "s")
    since = (await async_document_at(store, DocumentPath("governors/g/states", "s"))).update_time
    assert await async_changed(store, discovery, since) == ["g/states/s"]
    assert await async_changed(store, discovery, since + SECOND) == []


async def test_who_moves_many_states_trusts_no_longer_for_it(backend):
    """Whoever creates a state still looks whether the feed was switched on; a read of other documents told nothing."""
    clock = ManualClock()
    persister = AsyncStateMachinePersister(opened(backend, clock=clock), COUNTER)
    for state_id in ("a", "b"):
        await persister.start("g", state_id, {"n": 0})
    other = opened(backend, clock=clock, head_cache_size=0)
    many = AsyncStateMachinePersister(other, COUNTER)
    await many.start("g", "c", {"n": 0})
    clock.advance(TRUST.total_seconds() + 1)
    outcomes = await many.transition_many([TransitionRequest("g", one, "add", 1) for one in ("a", "b")])
    assert [getattr(one, "version", one) for one in outcomes] == [2, 2]
    assert other.runtime.writer.needs_meta()
