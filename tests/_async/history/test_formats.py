"""A store that an earlier release wrote opens, verifies and goes on; what is new has a higher number."""

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tai_state import (
    AsyncLockManager,
    AsyncSqliteStore,
    AsyncStateMachinePersister,
    CorruptLogError,
    FencedOutError,
    Machine,
    PersistenceConfig,
    Transition,
)
from tai_state.codec import Payload
from tai_state.config import Encoding
from tai_state.documents import Delete, DocumentPath, Put
from tai_state.due import Timeout
from tai_state.layout import state_layout
from tai_state.rules.history.replay import contradiction
from tai_state.rules.history.snapshots import read_snapshot
from tai_state.rules.records.chain import event_hash, seal_is_sound
from tai_state.rules.records.documents import event_fields, read_event
from tests._async.stores import TIMEOUT, async_alter, async_contents, async_document_at, async_plant

DATA = Path(__file__).parents[2] / "data"
FORMAT_1, FORMAT_5, FORMAT_6 = DATA / "format1", DATA / "format5", DATA / "format6"
ORDERS = Machine(
    "order",
    "new",
    [
        Transition("pay", "new", "paid", apply=lambda data, payload: {**data, "paid": payload["amount"]}),
        Transition("ship", "paid", "shipped"),
        Transition("tick", "new", "new", apply=lambda data, _: {**data, "n": data["n"] + 1}),
        Transition("stop", ("new", "paid"), "stopped"),
    ],
    on_dependency={"stopped": "stop"},
)
PATHS = state_layout("g", "s")


@pytest.fixture
async def old(store):
    """A store that holds what the earlier release wrote."""
    return await async_filled(store, FORMAT_1)


async def async_filled(store, folder):
    """Return *store* with the documents of an earlier release in it."""
    lines = (folder / "documents.jsonl").read_text(encoding="utf-8").splitlines()
    writes = []
    for line in lines:
        stored = json.loads(line)
        fields = _decoded(json.loads(stored["fields"]))
        writes.append(Put(DocumentPath(stored["collection"], stored["id"]), fields))
    await store.runtime.access.backend.commit(writes, timeout=TIMEOUT)
    return store


def _decoded(fields):
    decoded = Payload(json.dumps(fields).encode()).value()
    assert isinstance(decoded, dict)
    return decoded


def persister_of(store):
    config = PersistenceConfig(snapshot_interval=5, snapshot_retention=2, segment_events=5)
    return AsyncStateMachinePersister(store, ORDERS, config)


async def test_what_an_earlier_release_wrote_verifies(old):
    """States, events, snapshots and segments, under the machine that made them."""
    persister = persister_of(old)
    report = await persister.validate_consistency("shop")
    assert (report.problems, report.states, report.events) == ([], 5, 23)
    assert [one.version async for one in persister.list_snapshots("shop", "o/1")] == [10, 15]
    reached = await persister.replay("shop", "o/1")
    assert reached == (await persister.load_state("shop", "o/1")).snapshot


async def test_a_snapshot_of_an_earlier_release_tells_its_damage(old):
    """By the digest of its own form, which is of all that it holds."""
    paths = state_layout("shop", "o/1")
    document = await async_document_at(old, paths.snapshot(10))
    assert document.fields["format"] == 1
    assert read_snapshot(document, "shop", "o/1").version == 10
    altered = replace(document, fields={**document.fields, "status": "another"})
    with pytest.raises(CorruptLogError, match="does not match its digest"):
        read_snapshot(altered, "shop", "o/1")


async def test_what_an_earlier_release_wrote_goes_on(old):
    """The chain continues under the new layout, keys are known, and old runs are sealed as they are."""
    persister = persister_of(old)
    assert (await persister.transition("shop", "o/1", "tick", {"i": 9}, idempotency_key="k9")).replayed
    for number in range(8):
        await persister.transition("shop", "o/1", "tick", {"more": number})
    assert (await persister.validate_consistency("shop")).is_consistent
    rebuilt = await old.runtime.history.rebuild(state_layout("shop", "o/1"))
    assert rebuilt is not None
    assert rebuilt.version == (await old.get_state("shop", "o/1"))[1]


async def test_segments_that_list_their_events_are_read(store):
    """As they were sealed up to format 5: alone, too, and beside those that are packed."""
    persister = persister_of(await async_filled(store, FORMAT_5))
    assert (await persister.validate_consistency("shop")).is_consistent
    paths = state_layout("shop", "o/1")
    for number in range(4):
        await persister.transition("shop", "o/1", "tick", {"more": number})
    formats = [(await async_document_at(store, paths.segment(first))).fields["format"] for first in (1, 6, 11)]
    assert formats == [2, 2, 6]
    before = [event async for event in persister.history("shop", "o/1")]
    await store.runtime.access.backend.commit([Delete(paths.event(one)) for one in range(1, 16)], timeout=TIMEOUT)
    assert [event async for event in persister.history("shop", "o/1")] == before
    assert (await persister.replay("shop", "o/1")).version == 16


async def test_states_of_before_timers_are_armed_and_sealed(store):
    """A definition with a timeout takes over a store of format 6; its packed segments stay as they are."""
    await async_filled(store, FORMAT_6)
    timed = Machine(
        "order", "new", list(ORDERS.transitions), version=2, timeouts={"new": Timeout(timedelta(days=1), "stop")}
    )
    config = PersistenceConfig(snapshot_interval=5, snapshot_retention=2, segment_events=5)
    persister = AsyncStateMachinePersister(store, timed, config)
    assert (await persister.validate_consistency("shop")).is_consistent
    assert (await persister.migrate("shop")).migrated == 2
    assert (await persister.load_state("shop", "o/1")).snapshot.due_action == "stop"
    for number in range(6):
        await persister.transition("shop", "o/1", "tick", {"more": number})
    paths = state_layout("shop", "o/1")
    formats = [(await async_document_at(store, paths.segment(first))).fields["format"] for first in (1, 6, 11)]
    assert formats == [6, 6, 7]
    assert (await async_document_at(store, paths.state)).fields["format"] == 7
    assert (await persister.validate_consistency("shop")).is_consistent
    assert await persister.replay("shop", "o/1") == (await persister.load_state("shop", "o/1")).snapshot


async def test_a_file_that_an_earlier_release_wrote_opens(tmp_path):
    """The SQLite file itself, with its schema and its clock."""
    shutil.copy(FORMAT_1 / "store.db", tmp_path / "store.db")
    async with AsyncSqliteStore(tmp_path / "store.db") as store:
        assert (await persister_of(store).validate_consistency("shop")).is_consistent
        assert await store.save_state("shop", "plain", {"again": 1}) == 4


async def test_new_documents_of_states_and_events_have_a_higher_format(store):
    """So that a build that would wipe their fields refuses them; all else keeps its number."""
    await store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    formats = {
        path: (await async_document_at(store, path)).fields["format"]
        for path in (PATHS.state, PATHS.event(1), PATHS.receipt("k"))
    }
    assert formats == {PATHS.state: 2, PATHS.event(1): 2, PATHS.receipt("k"): 1}


async def test_an_erased_event_keeps_the_chain(store):
    """Values and salt go, the digests stay: hash and link are as before, and a half erased event is found."""
    await store.save_state("g", "s", {"name": "anna"})
    event = read_event(await async_document_at(store, PATHS.event(1)), "g", "s")
    assert event.seal is not None
    erased = replace(
        event,
        to_state=Payload.of({}),
        metadata=replace(event.metadata, changed_by="", reason=""),
        seal=replace(event.seal, salt=None),
    )
    assert contradiction(None, erased) is None
    assert event_hash(erased) == event.hash
    assert not seal_is_sound(replace(erased, to_state=event.to_state))
    again = event_fields(erased, Encoding())
    assert "salt" not in again


async def test_equal_values_of_two_events_have_different_digests(store):
    """So a small value cannot be guessed from its digest once the salt is gone."""
    await store.save_state("g", "s", {"vote": "yes"})
    await store.save_state("g", "s", {"vote": "yes"})
    first, second = [read_event(await async_document_at(store, PATHS.event(one)), "g", "s") for one in (1, 2)]
    assert first.seal is not None
    assert second.seal is not None
    assert first.seal.digests["to_state"] != second.seal.digests["to_state"]


@pytest.mark.parametrize(
    "changes", [{"data": {"n": 99}}, {"status": "shut"}, {"sealed_through": 7}, {"snapshots": [9]}]
)
async def test_altered_data_is_told_at_load(place, changes):
    """A read says that it was rebuilt from the events, and nobody writes over it."""
    await place.store().save_state("g", "s", {"n": 1})
    fresh = place.store()
    await async_plant(fresh, PATHS.state, **changes)
    before = await async_contents(fresh)
    snapshot, version = await fresh.get_state("g", "s")
    assert (snapshot.recovered, snapshot.data, version) == (True, {"n": 1}, 1)
    calls = [
        lambda: fresh.save_state("g", "s", {"n": 2}),
        lambda: fresh.delete_state("g", "s"),
    ]
    for call in calls:
        with pytest.raises(CorruptLogError, match="digest"):
            await call()
    assert await async_contents(fresh) == before


async def test_altered_data_is_told_before_a_warm_write(store):
    """The head is known; the commit that finds it changed reads it, and refuses."""
    await store.save_state("g", "s", {"n": 1})
    await async_plant(store, PATHS.state, data={"n": 99})
    with pytest.raises(CorruptLogError, match="digest"):
        await store.save_state("g", "s", {"n": 2})


async def test_a_state_remembers_few_locks(store):
    """Neither state nor event grows with the number of lock names; an old holder is refused all the same."""
    persister = AsyncStateMachinePersister(store, ORDERS)
    locks = AsyncLockManager(store)
    await persister.start("g", "s", {"n": 0})
    old = await locks.acquire("lock-0", owner="old", heartbeat=False)
    await persister.transition("g", "s", "tick", lock=old)
    info = await locks.inspect("lock-0")
    assert info is not None
    await locks.break_lock("lock-0", info.fencing_token, "it hangs")
    for number in range(20):
        async with locks.hold(f"lock-{number}", owner="new") as lock:
            await persister.transition("g", "s", "tick", lock=lock)
    fields = (await async_document_at(store, PATHS.state)).fields
    assert [one["resource"] for one in fields["fences"]] == [f"lock-{number}" for number in range(4, 20)]
    with pytest.raises(FencedOutError):
        await persister.transition("g", "s", "tick", lock=old)


async def test_the_lock_that_wrote_last_is_remembered_longest(store):
    """A long held lock is not forgotten because of many short ones."""
    persister = AsyncStateMachinePersister(store, ORDERS)
    locks = AsyncLockManager(store)
    await persister.start("g", "s", {"n": 0})
    async with locks.hold("leader", owner="a") as leader:
        for number in range(20):
            async with locks.hold(f"lock-{number}", owner="b") as lock:
                await persister.transition("g", "s", "tick", lock=lock)
            await persister.transition("g", "s", "tick", lock=leader)
    await async_alter(store, state_layout("g", "s"))
    fields = (await async_document_at(store, PATHS.state)).fields
    assert fields["fences"][-1] == {"resource": "leader", "token": 1}
