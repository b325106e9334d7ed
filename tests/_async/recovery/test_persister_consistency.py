"""Every planted damage is found, named, and found alone; what is sound is called sound."""

from dataclasses import replace

import pytest

from tai_state import AsyncStateMachinePersister, CorruptLogError, PersistenceConfig, ReplayError
from tai_state.codec import Payload
from tai_state.config import Encoding
from tai_state.documents import Delete, Put
from tai_state.layout import state_layout
from tai_state.rules.records.chain import event_hash, make_seal
from tai_state.rules.records.documents import event_fields, read_event
from tai_state.rules.records.formats import FORMAT_NEWEST
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, async_alter, async_contents, async_document_at, async_find, async_plant

PATHS = state_layout("g", "s")


@pytest.fixture
async def counter(store):
    """States s and t at version 5 each."""
    persister = AsyncStateMachinePersister(store, COUNTER, PersistenceConfig(snapshot_interval=100))
    for state_id in ("s", "t"):
        await persister.start("g", state_id, {"n": 0})
        for payload in (1, 2, 3, 4):
            await persister.transition("g", state_id, "add", payload)
    return persister


async def async_stored_event(store, version):
    return read_event(await async_document_at(store, PATHS.event(version)), "g", "s")


async def async_write(store, event):
    fields = event_fields(event, Encoding())
    await store.runtime.access.backend.commit([Put(PATHS.event(event.version), fields)], timeout=TIMEOUT)


def sealed(event):
    """Return an event with digests and hash that fit what it says."""
    event = replace(event, seal=make_seal(event, event.seal.salt))
    return replace(event, hash=event_hash(event))


async def async_forge(store, version, *, to_the_end=False, **changes):
    """Change an event and recompute its hash; *to_the_end*: also all links behind it, and the state's."""
    event = sealed(replace(await async_stored_event(store, version), **changes))
    await async_write(store, event)
    while to_the_end and await async_find(store, PATHS.event(event.version + 1)):
        event = sealed(replace(await async_stored_event(store, event.version + 1), previous_hash=event.hash))
        await async_write(store, event)
    if to_the_end:
        await async_alter(store, PATHS, hash=event.hash)


async def async_findings(persister, **options):
    """Return (kind, state, version) of every problem found; a check changes nothing."""
    before = await async_contents(persister.store)
    report = await persister.validate_consistency("g")
    assert await async_contents(persister.store) == before
    assert report.is_consistent is (report.problems == [])
    assert all(problem.message for problem in report.problems)
    return [(one.kind, one.state_id, one.version) for one in report.problems]


async def test_a_sound_governor_is_sound(counter, store):
    """States, tombstones and saved states; counted as checked."""
    await store.save_state("g", "u", {"x": [1]})
    await store.delete_state("g", "u")
    await store.save_state("g", "u", {}, status="again")
    await counter.rollback("g", "t", 2)
    report = await counter.validate_consistency("g")
    assert (report.governor_id, report.problems, report.is_consistent) == ("g", [], True)
    assert (report.states, report.events) == (3, 5 + 6 + 3)


async def test_an_empty_governor_is_sound(counter):
    """There is nothing to find."""
    report = await counter.validate_consistency("none")
    assert (report.is_consistent, report.states, report.events) == (True, 0, 0)


@pytest.mark.parametrize("version", [1, 3, 5])
async def test_a_missing_event_is_found(counter, store, version):
    """First, middle or last."""
    await store.runtime.access.backend.commit([Delete(PATHS.event(version))], timeout=TIMEOUT)
    assert await async_findings(counter) == [("missing_event", "s", version)]


async def test_a_forged_to_state_is_found(counter, store):
    """By its hash, where the forger did not know of it; a replay fails as well."""
    event = await async_stored_event(store, 3)
    await async_write(store, replace(event, to_state=Payload.of({"n": 99})))
    assert await async_findings(counter) == [("corrupt_event", "s", 3)]
    with pytest.raises(CorruptLogError) as caught:
        await counter.replay("g", "s")
    assert caught.value.version == 3


async def test_a_forged_to_state_with_its_hash_is_found(counter, store):
    """By the next event, whose link and from_state no longer fit; a replay fails as well."""
    await async_forge(store, 3, to_state=Payload.of({"n": 99}))
    found = await async_findings(counter)
    assert found == [("replay", "s", 3), ("broken_chain", "s", 4)]
    with pytest.raises(ReplayError):
        await counter.replay("g", "s")
    without_machine = AsyncStateMachinePersister(store)
    assert await async_findings(without_machine) == [("broken_chain", "s", 4)]
    with pytest.raises(CorruptLogError):
        await without_machine.replay("g", "s")


async def test_a_forged_last_event_with_its_hash_is_found(counter, store):
    """By the state that it should have made."""
    await async_forge(store, 5, to_state=Payload.of({"n": 99}))
    without_machine = AsyncStateMachinePersister(store)
    assert await async_findings(without_machine) == [("state_mismatch", "s", 5)]
    with pytest.raises(CorruptLogError):
        await without_machine.replay("g", "s")


async def test_a_forged_chain_is_found_by_the_machine(counter, store):
    """Every hash recomputed to the end: only running the machine again tells."""
    await async_forge(store, 5, to_the_end=True, to_state=Payload.of({"n": 99}))
    await async_alter(store, PATHS, data={"n": 99})
    assert await async_findings(AsyncStateMachinePersister(store)) == []
    assert await async_findings(counter) == [("replay", "s", 5)]
    with pytest.raises(ReplayError, match="version 5"):
        await counter.replay("g", "s")


async def test_a_forged_from_state_is_found(counter, store):
    """Even with every hash recomputed to the end: it is not what the event before made."""
    await async_forge(store, 3, to_the_end=True, from_state=Payload.of({"n": 99}))
    assert await async_findings(AsyncStateMachinePersister(store)) == [("broken_chain", "s", 3)]


async def test_a_forged_status_is_found(counter, store):
    """An event that ends elsewhere, with every hash recomputed, does not meet the next one's from_status."""
    await async_forge(store, 3, to_the_end=True, to_status="shut")
    assert await async_findings(AsyncStateMachinePersister(store)) == [("broken_chain", "s", 4)]
    assert await async_findings(counter) == [("replay", "s", 3), ("broken_chain", "s", 4)]


async def test_a_forged_author_is_found(counter, store):
    """The hash covers who made a change."""
    event = await async_stored_event(store, 2)
    forged = replace(event, metadata=replace(event.metadata, changed_by="innocent"))
    await async_write(store, forged)
    assert await async_findings(counter) == [("corrupt_event", "s", 2)]


async def test_a_forged_author_with_its_hash_is_found(counter, store):
    """By the next event's link alone: status and data still fit."""
    metadata = (await async_stored_event(store, 3)).metadata
    await async_forge(store, 3, metadata=replace(metadata, changed_by="innocent"))
    assert await async_findings(counter) == [("broken_chain", "s", 4)]
    with pytest.raises(CorruptLogError, match="previous_hash"):
        await counter.replay("g", "s")


async def test_swapped_events_are_found(counter, store):
    """Two events that changed places say so."""
    second, third = await async_document_at(store, PATHS.event(2)), await async_document_at(store, PATHS.event(3))
    writes = [Put(PATHS.event(2), third.fields), Put(PATHS.event(3), second.fields)]
    await store.runtime.access.backend.commit(writes, timeout=TIMEOUT)
    assert await async_findings(counter) == [("corrupt_event", "s", 2), ("corrupt_event", "s", 3)]


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"n": 99}},
        {"status": "shut"},
        {"hash": "0" * 64},
        {"last_error": "made up"},
        {"deleted": True},
        {"machine_version": 9},
        {"transition_id": "made up"},
        {"schema_version": 0},
    ],
    ids=str,
)
async def test_an_edited_state_document_is_found(counter, store, changes):
    """Whatever field was edited, by one who knows of the digest: it is not what the last event made."""
    await async_alter(store, PATHS, **changes)
    assert await async_findings(counter) == [("state_mismatch", "s", 5)]
    with pytest.raises(CorruptLogError):
        await counter.replay("g", "s")


@pytest.mark.parametrize(
    ("version", "expected"),
    [(4, ("state_behind", "s", 4)), (6, ("missing_event", "s", 6)), (7, ("missing_event", "s", 6))],
)
async def test_a_state_at_another_version_is_found(counter, store, version, expected):
    """Below its events, or past them."""
    await async_alter(store, PATHS, version=version)
    assert await async_findings(counter) == [expected]


async def test_a_damaged_state_document_is_found(counter, store):
    """One that cannot be read at all."""
    await async_plant(store, PATHS.state, data=5)
    found = await async_findings(counter)
    assert [(kind, state_id) for kind, state_id, _ in found] == [("corrupt_state", "s")]


async def test_an_event_above_the_state_is_found(counter, store):
    """A state restored from a backup lies below its events."""
    old = await async_document_at(store, PATHS.state)
    await counter.transition("g", "s", "add", 5)
    await store.runtime.access.backend.commit([Put(PATHS.state, old.fields)], timeout=TIMEOUT)
    assert await async_findings(counter) == [("state_behind", "s", 5)]


async def test_events_far_above_the_state_are_found(counter, store):
    """Also where the one right above it is missing."""
    old = await async_document_at(store, PATHS.state)
    for payload in (5, 6):
        await counter.transition("g", "s", "add", payload)
    writes = [Put(PATHS.state, old.fields), Delete(PATHS.event(6))]
    await store.runtime.access.backend.commit(writes, timeout=TIMEOUT)
    assert await async_findings(counter) == [("missing_event", "s", 6), ("state_behind", "s", 5)]


async def test_events_without_a_state_are_found(counter, store):
    """Once for each state that is gone, whatever its neighbours are called."""
    for state_id in ("s@1", "s-1", "sA", "s0", "r"):
        await counter.start("g", state_id)
    gone = [state_layout("g", state_id) for state_id in ("s", "s@1", "r")]
    await store.runtime.access.backend.commit([Delete(paths.state) for paths in gone], timeout=TIMEOUT)
    found = await async_findings(counter)
    assert sorted(found) == [(
        "state_missing", "r", None), ("state_missing", "s", None), ("state_missing", "s@1", None)]  # fmt: skip


async def test_a_strangers_documents_are_found(counter, store):
    """Among the states and among the events, and the check goes on behind them."""
    layout = PATHS.governor
    strangers = [PATHS.state._replace(id="a.b"), PATHS.event(1)._replace(id="a.b@1")]
    await store.runtime.access.backend.commit([Put(path, {"x": 1}) for path in strangers], timeout=TIMEOUT)
    await store.runtime.access.backend.commit([Delete(layout.state("t").state)], timeout=TIMEOUT)
    found = await async_findings(counter)
    assert sorted(kind for kind, _, _ in found) == ["foreign_document", "foreign_document", "state_missing"]


async def test_each_damage_is_found_beside_the_others(counter, store):
    """One finding a state, and the sound ones are not named."""
    for state_id in ("u", "v"):
        await counter.start("g", state_id)
    await async_alter(store, PATHS, status="shut")
    await async_plant(store, state_layout("g", "u").event(1), to_state=5)
    await store.runtime.access.backend.commit([Delete(state_layout("g", "t").state)], timeout=TIMEOUT)
    assert sorted(await async_findings(counter)) == [
        ("corrupt_event", "u", 1),
        ("state_mismatch", "s", 5),
        ("state_missing", "t", None),
    ]


async def test_a_document_of_a_newer_release_is_found(counter, store):
    """It is not called sound by a release that cannot read it."""
    await async_plant(store, PATHS.event(3), format=FORMAT_NEWEST + 1)
    assert await async_findings(counter) == [("newer_format", "s", 3)]
