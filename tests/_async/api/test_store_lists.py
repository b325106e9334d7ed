"""Several states: listed, filtered, read together, counted."""

from dataclasses import replace

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncTransactionManager,
    DamagedStatesError,
    InvalidDataError,
    InvalidIdError,
)
from tai_state.config import Encoding
from tai_state.documents import DocumentPath, Put
from tai_state.layout import escape, state_layout
from tai_state.rules.records.documents import read_state, state_put
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_document_at, in_memory

HOSTILE_IDS = (
    "user", "user2", "user-1", "user@1", "user@0000000000000000001", "user/1", "USER", "us", "..", ".", "__x__", "__",
    "état 1", "e\u0301tat 1", "x@3", "x-1", "x", "x%40", "%", "a b", "🙂", "\0", "\n", "漢字", "a:b", "a", "é" * 240,
)  # fmt: skip


async def async_listed(store, governor_id="g", **options):
    return [one.state_id async for one in store.list_states(governor_id, **options)]


async def async_save_many(store, state_ids, governor_id="g", **options):
    """Make states by the backend's own commits: one save gives the fields that the others share."""
    model = state_layout("model", "model")
    await store.save_state("model", "model", {"n": 1}, **options)
    document = await async_document_at(store, model.state)
    record = read_state(document, "model", "model")
    writes = [
        state_put(paths, replace(record, governor_id=governor_id, state_id=paths.state_id), Encoding(), None)
        for paths in (state_layout(governor_id, state_id) for state_id in state_ids)
    ]
    for first in range(0, len(writes), 200):
        await store.runtime.access.backend.commit(writes[first : first + 200], timeout=TIMEOUT)


class AsyncAskedBackend(AsyncWrappedBackend):
    """Notes how many documents each query and scan asks for; None: all."""

    def __init__(self, inner):
        super().__init__(inner)
        self.asked = []

    def query(self, query, *, limit=None, timeout):
        self.asked.append(limit)
        return super().query(query, limit=limit, timeout=timeout)

    def scan(self, collection, *, start=None, stop=None, limit=None, timeout):
        self.asked.append(limit)
        return super().scan(collection, start=start, stop=stop, limit=limit, timeout=timeout)

    def scan_ids(self, collection, *, start=None, limit=None, timeout):
        self.asked.append(limit)
        return super().scan_ids(collection, start=start, limit=limit, timeout=timeout)


@pytest.mark.parametrize("options", [{}, {"status": "on"}, {"descending": True}, {"include_deleted": True}], ids=str)
async def test_who_wants_a_few_has_the_engine_send_no_more(place, options):
    """What it sends is billed; what is damaged is made up for, and told."""
    backend = AsyncAskedBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend)
    ids = [f"s{number}" for number in range(9)]
    await async_save_many(store, ids, status="on")
    wanted = ids[::-1] if options.get("descending") else ids
    backend.asked.clear()
    assert (await async_listed(store, limit=3, **options), backend.asked) == (wanted[:3], [3])
    place_of_first = state_layout("g", wanted[0]).state
    damaged = Put(place_of_first, {"status": "on", "deleted": False})
    await backend.commit([damaged], timeout=TIMEOUT)
    found = []

    async def async_find():
        async for one in store.list_states("g", limit=3, **options):
            found.append(one.state_id)  # noqa: PERF401 - it ends with an error

    with pytest.raises(DamagedStatesError):
        await async_find()
    assert found == wanted[1:4]


async def test_who_wants_a_few_governors_is_sent_no_more(place):
    """What is none of ours is made up for."""
    backend = AsyncAskedBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend)
    for governor_id in "abcd":
        await store.save_state(governor_id, "s", {})
    backend.asked.clear()
    assert ([one async for one in store.list_governors(limit=2)], backend.asked) == (["a", "b"], [2])
    backend.asked.clear()
    # The first one again, so as to begin behind it.
    assert ([one async for one in store.list_governors(after="a", limit=2)], backend.asked) == (["b", "c"], [3])
    stranger = DocumentPath("governors/a.b/states", "s")
    await backend.commit([Put(stranger, {"x": 1})], timeout=TIMEOUT)
    backend.asked.clear()
    assert [one async for one in store.list_governors(limit=2)] == ["a", "b"]
    assert backend.asked == [2, None]


@in_memory
async def test_lists_of_locks_and_transactions_read_as_many_as_are_wanted(place):
    """As all lists do."""
    backend = AsyncAskedBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend)
    manager, locks = AsyncTransactionManager(store), AsyncLockManager(store)
    for number in range(4):
        async with manager.begin() as tx:
            await tx.save_state("g", f"s{number}", {})
        await (await locks.acquire(f"r{number}", heartbeat=False)).release()
    backend.asked.clear()
    assert len([one async for one in locks.list(limit=2)]) == 2
    assert len([one async for one in manager.list_transactions(limit=2)]) == 2
    assert backend.asked == [2, 2]


async def test_an_empty_governor_lists_nothing(store):
    """No states is no error."""
    assert await async_listed(store) == []


async def test_states_come_in_the_order_of_their_stored_ids(store):
    """The order is that of the escaped ids, the same on every backend."""
    for state_id in HOSTILE_IDS:
        await store.save_state("g", state_id, {"id": state_id})
    listed = [one async for one in store.list_states("g")]
    assert [one.state_id for one in listed] == sorted(HOSTILE_IDS, key=escape)
    assert all(one.data == {"id": one.state_id} for one in listed)


async def test_more_states_than_a_page_are_all_listed_once(store):
    """620 states span three pages, and a limit is exact at every border."""
    ids = [f"s{n * 7919 % 620:03}" for n in range(620)]
    await async_save_many(store, ids)
    ids.sort()
    assert await async_listed(store) == ids
    for limit in (0, 1, 299, 300, 301, 600, 650):
        assert await async_listed(store, limit=limit) == ids[:limit]


async def test_listing_goes_on_after_an_id(store):
    """What comes behind: after leaves out the id and all before it; it need not exist."""
    for state_id in ("a", "b", "d"):
        await store.save_state("g", state_id, {})
    assert await async_listed(store, after="a") == ["b", "d"]
    assert await async_listed(store, after="c") == ["d"]
    assert await async_listed(store, after="d") == []
    assert await async_listed(store, after="a", limit=1) == ["b"]


async def test_a_listing_in_steps_is_the_whole_listing(store):
    """Stepping by after and limit gives every state once, whatever its id."""
    for state_id in HOSTILE_IDS:
        await store.save_state("g", state_id, {})
    stepped: list[str] = []
    while step := await async_listed(store, after=stepped[-1] if stepped else None, limit=4):
        stepped += step
    assert stepped == sorted(HOSTILE_IDS, key=escape)


async def test_listing_by_status(store):
    """Only the states in the status are listed, over pages and with a limit."""
    await async_save_many(store, [f"s{n:03}" for n in range(310)], status="open")
    await async_save_many(store, [f"t{n:03}" for n in range(3)], status="shut")
    assert len(await async_listed(store, status="open")) == 310
    assert await async_listed(store, status="shut") == ["t000", "t001", "t002"]
    assert await async_listed(store, status="shut", after="t000", limit=1) == ["t001"]
    assert await async_listed(store, status="lost") == []


async def test_a_status_that_changed_is_listed_under_the_new_one(store):
    """The listing follows the state."""
    await store.save_state("g", "s", {}, status="open")
    await store.save_state("g", "s", {}, status="shut")
    assert await async_listed(store, status="open") == []
    assert await async_listed(store, status="shut") == ["s"]


async def test_deleted_states_are_left_out_unless_asked_for(store):
    """A limit counts what is listed, not what is passed over."""
    for state_id in ("a", "b", "c"):
        await store.save_state("g", state_id, {}, status="open")
    await store.delete_state("g", "b")
    assert await async_listed(store) == ["a", "c"]
    assert await async_listed(store, limit=2) == ["a", "c"]
    assert await async_listed(store, status="open") == ["a", "c"]
    assert await async_listed(store, include_deleted=True) == ["a", "b", "c"]


@in_memory
@pytest.mark.parametrize("limit", [-1, True, 1.5, "1"])
async def test_what_is_no_limit_is_refused(place, limit):
    """Each iterator refuses it before it asks the backend."""
    store, backend = place.counting()
    for iterate in (
        lambda: store.list_states("g", limit=limit),
        lambda: store.list_governors(limit=limit),
        lambda: store.get_events("g", "s", limit=limit),
    ):
        with pytest.raises(InvalidDataError) as caught:
            [one async for one in iterate()]
        assert caught.value.path == "limit"
    assert backend.calls == []


async def test_one_governor_never_sees_another(store):
    """Governors whose ids begin alike, or hold what joins them to states, are apart."""
    governors = ("user", "user2", "user-2", "a", "a:b", "a/b", "a/states/b", "user@1", "__a__")
    for governor in governors:
        await store.save_state(governor, f"of {governor}", {})
    for governor in governors:
        assert await async_listed(store, governor) == [f"of {governor}"]
        assert (await store.stats(governor)).states == 1


async def test_one_state_never_sees_the_events_of_another(store):
    """States whose ids begin alike, or look like versions, have histories of their own."""
    ids = ("x", "x@3", "x-1", "x@", "x@0000000000000000001", "xA", "x0", "X", "x/1", "x%40")
    for state_id in ids:
        for n in range(2):
            await store.save_state("g", state_id, {"id": state_id, "n": n})
    for state_id in ids:
        events = [event async for event in store.get_events("g", state_id)]
        assert [(event.version, event.to_state["id"]) for event in events] == [(1, state_id), (2, state_id)]


async def test_governors_are_listed_in_stored_order(store):
    """Every governor that ever had a state, once."""
    governors = ("user", "user2", "a:b", "a", "é", "__x__", "B", "b")
    for governor in governors:
        await store.save_state(governor, "s", {})
        await store.save_state(governor, "t", {})
    await store.delete_state("b", "s")
    expected = sorted(governors, key=escape)
    assert [one async for one in store.list_governors()] == expected
    assert [one async for one in store.list_governors(limit=3)] == expected[:3]
    assert [one async for one in store.list_governors(after=expected[2])] == expected[3:]
    assert [one async for one in store.list_governors(after=expected[2], limit=2)] == expected[3:5]


async def test_an_empty_store_has_no_governors(store):
    """The store's own documents are no governors."""
    assert [one async for one in store.list_governors()] == []


async def test_a_batch_gives_what_is_there_and_names_what_is_not(store):
    """Deleted states are missing, and an id asked twice is given once."""
    for state_id in ("a", "b", "c"):
        await store.save_state("g", state_id, {"id": state_id})
    await store.delete_state("g", "b")
    batch = await store.batch_get_states("g", ["c", "b", "x", "a", "c"])
    assert {state_id: one.data["id"] for state_id, one in batch.found.items()} == {"c": "c", "a": "a"}
    assert batch.missing == ["b", "x"]


async def test_a_batch_gives_deleted_states_where_asked(store):
    """include_deleted gives a tombstone with its version; what never was is missing all the same."""
    await store.save_state("g", "a", {})
    await store.save_state("g", "b", {})
    await store.delete_state("g", "b")
    batch = await store.batch_get_states("g", ["a", "b", "x"], include_deleted=True)
    found = {state_id: (one.version, one.deleted) for state_id, one in batch.found.items()}
    assert (found, batch.missing) == ({"a": (1, False), "b": (2, True)}, ["x"])


async def test_a_batch_of_many_states(store):
    """More ids than one request of an engine may take."""
    ids = [f"s{n:03}" for n in range(310)]
    await async_save_many(store, ids)
    batch = await store.batch_get_states("g", [*ids, "none"])
    assert sorted(batch.found) == ids
    assert batch.missing == ["none"]


@in_memory
async def test_a_batch_of_nothing_asks_nothing(place):
    """No ids, no request."""
    store, backend = place.counting()
    batch = await store.batch_get_states("g", [])
    assert (batch.found, batch.missing, backend.calls) == ({}, [], [])


async def test_a_batch_is_one_read(place):
    """Several states are read as of one moment."""
    store, backend = place.counting()
    for state_id in ("a", "b"):
        await store.save_state("g", state_id, {})
    backend.taken()
    await store.batch_get_states("g", iter(["a", "b"]))
    assert backend.taken() == ["get_many"]


async def test_a_batch_looks_for_what_is_missing_in_one_read_more(place):
    """However many are missing: whether their documents are lost, their first events tell."""
    store, backend = place.counting()
    await store.save_state("g", "a", {})
    backend.taken()
    batch = await store.batch_get_states("g", ["a", *(f"b{number}" for number in range(20))])
    assert len(batch.missing) == 20
    assert backend.taken() == ["get_many", "get_many"]


@in_memory
@pytest.mark.parametrize("ids", ["abc", [""], [1], ["a", None], [["a"]], ["\ud800"]], ids=ascii)
async def test_a_batch_of_what_are_no_ids_is_refused(place, ids):
    """One text is not several ids, and each id must be one; nothing is asked."""
    store, backend = place.counting()
    with pytest.raises((InvalidDataError, InvalidIdError)):
        await store.batch_get_states("g", ids)
    assert backend.calls == []


async def test_stats_count_what_there_is(store):
    """Live states, tombstones, events, and live states by status."""
    for state_id, status in (("a", "open"), ("b", "open"), ("c", "shut"), ("d", "shut")):
        await store.save_state("g", state_id, {}, status=status)
    await store.save_state("g", "e", {})
    await store.save_state("g", "a", {"n": 1})
    await store.delete_state("g", "d")
    stats = await store.stats("g")
    assert (stats.governor_id, stats.states, stats.deleted, stats.events) == ("g", 4, 1, 7)
    assert stats.by_status == {"": 1, "open": 2, "shut": 1}


async def test_stats_of_nothing_are_zero(store):
    """A governor without states has none."""
    stats = await store.stats("g")
    assert (stats.states, stats.deleted, stats.events, stats.by_status) == (0, 0, 0, {})
