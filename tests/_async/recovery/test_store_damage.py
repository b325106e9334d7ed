"""Documents that somebody else wrote, damaged, or wrote with a newer release: told by name, never touched."""

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    CorruptLogError,
    HistoryPolicy,
    SchemaVersionError,
    async_recover,
)
from tai_state.documents import DocumentPath, Put
from tai_state.layout import META, state_layout
from tai_state.rules.records.formats import FORMAT_NEWEST
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, async_contents, async_plant

PATHS = state_layout("g", "s")

STATE_DAMAGE = {
    "version is text": {"version": "1"},
    "version is a float": {"version": 1.0},
    "version is a bool": {"version": True},
    "no status": {"status": None},
    "status is a number": {"status": 5},
    "data is a number": {"data": 5},
    "data is a broken text": {"data": "{"},
    "data is broken bytes": {"data": b"\x28\xb5\x2f\xfd"},
    "data is a list": {"data": "[1]"},
    "data is nothing": {"data": None},
    "hash is nothing": {"hash": None},
    "deleted is text": {"deleted": "no"},
    "timestamp is text": {"timestamp": "2024"},
    "metadata is text": {"metadata": "ann"},
    "metadata lacks its author": {"metadata": {"reason": "", "parent_version": None, "context": {}}},
    "causality counts no ints": {"causality": {"a": "1"}},
    "format is text": {"format": "1"},
    "snapshots are no ints": {"snapshots": ["1"]},
    "it names another state": {"state_id": "other"},
    "it names another governor": {"governor_id": "other"},
    "version is nought": {"version": 0},
    "version is negative": {"version": -5},
}
NEWER = {"format": FORMAT_NEWEST + 1}


def calls_on_a_state(store):
    return {
        "get": lambda: store.get_state("g", "s"),
        "find": lambda: store.find_state("g", "s"),
        "exists": lambda: store.exists("g", "s"),
        "save": lambda: store.save_state("g", "s", {"n": 2}),
        "update": lambda: store.update_state("g", "s", {"n": 2}, 1),
        "delete": lambda: store.delete_state("g", "s"),
    }


@pytest.mark.parametrize("changes", STATE_DAMAGE.values(), ids=STATE_DAMAGE)
async def test_a_damaged_state_document_is_named_and_left_alone(place, changes):
    """Where its events do not tell it either, each call raises CorruptLogError with its path, and nothing changes."""
    store = place.store()
    await store.save_state("g", "s", {"n": 1})
    await async_plant(store, PATHS.state, **changes)
    await async_plant(store, PATHS.event(1), to_state=5)
    before = await async_contents(store)
    fresh = place.store()
    for name, call in calls_on_a_state(fresh).items():
        with pytest.raises(CorruptLogError, match="governors/g/states/s") as caught:
            await call()
        assert (caught.value.governor_id, caught.value.state_id) == ("g", "s"), name
    with pytest.raises(CorruptLogError, match="governors/g/states/s"):
        [one async for one in fresh.list_states("g")]
    batch = await fresh.batch_get_states("g", ["s", "t"])
    assert (batch.found, batch.missing, batch.damaged) == ({}, ["t"], ["s"])
    assert (await fresh.stats("g")).damaged == ["s"]
    assert await async_contents(store) == before


async def test_a_damaged_state_is_refused_by_a_store_that_had_it_cached(store):
    """Its cached head leads to a commit that fails, and then to the document and its log."""
    await store.save_state("g", "s", {"n": 1})
    await async_plant(store, PATHS.state, data=5)
    await async_plant(store, PATHS.event(1), to_state=5)
    before = await async_contents(store)
    with pytest.raises(CorruptLogError):
        await store.save_state("g", "s", {"n": 2})
    assert await async_contents(store) == before


async def test_a_state_of_a_newer_release_is_left_alone(place):
    """SchemaVersionError names the document and both numbers."""
    store = place.store()
    await store.save_state("g", "s", {"n": 1})
    await async_plant(store, PATHS.state, **NEWER)
    before = await async_contents(store)
    fresh = place.store()
    for name, call in calls_on_a_state(fresh).items():
        with pytest.raises(SchemaVersionError, match="governors/g/states/s") as caught:
            await call()
        assert (caught.value.stored, caught.value.ours) == (FORMAT_NEWEST + 1, FORMAT_NEWEST), name
    for call in (lambda: fresh.batch_get_states("g", ["s"]), lambda: fresh.stats("g")):
        with pytest.raises(SchemaVersionError, match="governors/g/states/s"):
            await call()
    assert await async_contents(store) == before


def changes_of(store):
    """What writes to a store, and removes from it."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    return {
        "save": lambda: store.save_state("g", "s", {"n": 2}),
        "delete": lambda: store.delete_state("g", "s"),
        "move": lambda: persister.transition("g", "s", "add", 1),
        "keep a snapshot": lambda: persister.create_snapshot("g", "s"),
        "erase a state": lambda: store.erase_state("g", "s", reason="test"),
        "erase a governor": lambda: store.erase_governor("g", reason="test"),
        "collect": lambda: persister.gc(history=HistoryPolicy(max_events=1)),
        "trim": lambda: persister.trim("g", "s", before_version=2),
    }


async def async_moved(place):
    """Return a store with a state of three versions."""
    store = place.store()
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    for number in range(2):
        await persister.transition("g", "s", "add", number)
    return store


async def test_a_store_of_a_newer_release_is_not_written(place):
    """What tai/meta says goes for everything."""
    store = await async_moved(place)
    await async_plant(store, META, format=3)
    # Something to be mended.
    await async_plant(store, PATHS.state, data=5)
    before = await async_contents(store)
    for name, change in changes_of(place.store()).items():
        with pytest.raises(SchemaVersionError) as caught:
            await change()
        assert "the store" in str(caught.value), name
    with pytest.raises(SchemaVersionError, match="the store"):
        await AsyncStateMachinePersister(place.store(), COUNTER).recover("g")
    with pytest.raises(SchemaVersionError, match="the store"):
        [one async for one in async_recover(place.store())]
    assert await async_contents(store) == before


@pytest.mark.parametrize("changes", [{"format": "1"}, {"store_id": 7}, {"store_id": None}], ids=str)
async def test_a_damaged_meta_document_is_named(place, changes):
    """A store without its id is not written."""
    store = await async_moved(place)
    await async_plant(store, META, **changes)
    before = await async_contents(store)
    for name, change in changes_of(place.store()).items():
        with pytest.raises(CorruptLogError) as caught:
            await change()
        assert "tai/meta" in str(caught.value), name
    assert await async_contents(store) == before


async def test_beside_a_damaged_meta_document_the_rest_is_mended(place):
    """Which nothing else tells; a newer release cannot have written it."""
    store = await async_moved(place)
    await async_plant(store, META, store_id=7)
    await async_plant(store, PATHS.state, data=5)
    report = await AsyncStateMachinePersister(place.store(), COUNTER).recover("g")
    assert [(one.kind, one.state_id) for one in report.repaired] == [("corrupt_state", "s")]


EVENT_DAMAGE = {
    "version is text": {"version": "2"},
    "action is nothing": {"action": None},
    "to_state is a number": {"to_state": 5},
    "from_state is broken": {"from_state": "{"},
    "parents are no ints": {"parents": ["1"]},
    "it names another state": {"state_id": "other"},
    "format is text": {"format": "1"},
}


@pytest.mark.parametrize("changes", EVENT_DAMAGE.values(), ids=EVENT_DAMAGE)
async def test_a_damaged_event_document_is_named(store, changes):
    """The events before it are still given, then CorruptLogError names it."""
    for n in range(3):
        await store.save_state("g", "s", {"n": n})
    await async_plant(store, PATHS.event(2), **changes)
    seen = []

    async def read():
        async for event in store.get_events("g", "s"):
            seen.append(event.version)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(CorruptLogError, match="governors/g/events/s@0000000000000000002"):
        await read()
    assert seen == [1]


async def test_an_event_of_a_newer_release_is_named(store):
    """As a state is."""
    await store.save_state("g", "s", {})
    await async_plant(store, PATHS.event(1), **NEWER)
    with pytest.raises(SchemaVersionError, match="events/s@"):
        [one async for one in store.get_events("g", "s")]


@pytest.mark.parametrize(
    "changes",
    [
        {"version": None},
        {"fingerprint": 5},
        {"ttl_seconds": "x"},
        {"ttl_seconds": 1e300},
        {"format": None},
    ],
    ids=str,
)
async def test_a_damaged_receipt_is_named(store, changes):
    """A key whose receipt cannot be read decides nothing."""
    await store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    await async_plant(store, PATHS.receipt("k"), **changes)
    before = await async_contents(store)
    with pytest.raises(CorruptLogError, match="governors/g/receipts/"):
        await store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    assert await async_contents(store) == before


async def test_a_receipt_whose_event_is_gone_is_told(store):
    """The outcome that it names cannot be given back, and no second one is made."""
    await store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    await async_plant(store, PATHS.event(1), transition_id="foreign")
    before = await async_contents(store)
    with pytest.raises(CorruptLogError):
        await store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    assert await async_contents(store) == before


async def test_a_document_of_strangers_among_the_states_is_named(store):
    """An id that we never made is no reason to fail without a name."""
    await store.save_state("g", "s", {})
    stranger = DocumentPath(PATHS.governor.states, "a.b")
    await store.runtime.access.backend.commit([Put(stranger, {"x": 1})], timeout=TIMEOUT)
    with pytest.raises(CorruptLogError, match=r"governors/g/states/a\.b"):
        [one async for one in store.list_states("g")]


async def test_an_event_above_the_state_is_a_named_contradiction(store):
    """A version that is taken, below a state that does not know of it, ends in an error, not in a loop."""
    await store.save_state("g", "s", {"n": 1})
    await async_plant(store, PATHS.event(2), transition_id="foreign")
    before = await async_contents(store)
    with pytest.raises(CorruptLogError, match="validate_consistency") as caught:
        await store.save_state("g", "s", {"n": 2})
    assert caught.value.version == 2
    assert await async_contents(store) == before
