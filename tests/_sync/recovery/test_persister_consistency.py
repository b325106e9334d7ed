# Generated from tests/_async/recovery/test_persister_consistency.py by .ci/generate_sync.py; do not edit.
"""Every planted damage is found, named, and found alone; what is sound is called sound."""
from dataclasses import replace

import pytest

from tai_state import StateMachinePersister, CorruptLogError, PersistenceConfig, ReplayError
from tai_state.codec import Payload
from tai_state.config import Encoding
from tai_state.documents import Delete, Put
from tai_state.layout import state_layout
from tai_state.rules.records.chain import event_hash, make_seal
from tai_state.rules.records.documents import event_fields, read_event
from tai_state.rules.records.formats import FORMAT_NEWEST
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, alter, contents, document_at, find, plant

PATHS = state_layout("g", "s")


@pytest.fixture
def counter(store):
    """States s and t at version 5 each."""
    persister = StateMachinePersister(store, COUNTER, PersistenceConfig(snapshot_interval=100))
    for state_id in ("s", "t"):
        persister.start("g", state_id, {"n": 0})
        for payload in (1, 2, 3, 4):
            persister.transition("g", state_id, "add", payload)
    return persister


def stored_event(store, version):
    return read_event(document_at(store, PATHS.event(version)), "g", "s")


def write(store, event):
    fields = event_fields(event, Encoding())
    store.runtime.access.backend.commit([Put(PATHS.event(event.version), fields)], timeout=TIMEOUT)


def sealed(event):
    """Return an event with digests and hash that fit what it says."""
    event = replace(event, seal=make_seal(event, event.seal.salt))
    return replace(event, hash=event_hash(event))


def forge(store, version, *, to_the_end=False, **changes):
    """Change an event and recompute its hash; *to_the_end*: also all links behind it, and the state's."""
    event = sealed(replace(stored_event(store, version), **changes))
    write(store, event)
    while to_the_end and find(store, PATHS.event(event.version + 1)):
        event = sealed(replace(stored_event(store, event.version + 1), previous_hash=event.hash))
        write(store, event)
    if to_the_end:
        alter(store, PATHS, hash=event.hash)


def findings(persister, **options):
    """Return (kind, state, version) of every problem found; a check changes nothing."""
    before = contents(persister.store)
    report = persister.validate_consistency("g")
    assert contents(persister.store) == before
    assert report.is_consistent is (report.problems == [])
    assert all(problem.message for problem in report.problems)
    return [(one.kind, one.state_id, one.version) for one in report.problems]


def test_a_sound_governor_is_sound(counter, store):
    """States, tombstones and saved states; counted as checked."""
    store.save_state("g", "u", {"x": [1]})
    store.delete_state("g", "u")
    store.save_state("g", "u", {}, status="again")
    counter.rollback("g", "t", 2)
    report = counter.validate_consistency("g")
    assert (report.governor_id, report.problems, report.is_consistent) == ("g", [], True)
    assert (report.states, report.events) == (3, 5 + 6 + 3)


def test_an_empty_governor_is_sound(counter):
    """There is nothing to find."""
    report = counter.validate_consistency("none")
    assert (report.is_consistent, report.states, report.events) == (True, 0, 0)


@pytest.mark.parametrize("version", [1, 3, 5])
def test_a_missing_event_is_found(counter, store, version):
    """First, middle or last."""
    store.runtime.access.backend.commit([Delete(PATHS.event(version))], timeout=TIMEOUT)
    assert findings(counter) == [("missing_event", "s", version)]


def test_a_forged_to_state_is_found(counter, store):
    """By its hash, where the forger did not know of it; a replay fails as well."""
    event = stored_event(store, 3)
    write(store, replace(event, to_state=Payload.of({"n": 99})))
    assert findings(counter) == [("corrupt_event", "s", 3)]
    with pytest.raises(CorruptLogError) as caught:
        counter.replay("g", "s")
    assert caught.value.version == 3


def test_a_forged_to_state_with_its_hash_is_found(counter, store):
    """By the next event, whose link and from_state no longer fit; a replay fails as well."""
    forge(store, 3, to_state=Payload.of({"n": 99}))
    found = findings(counter)
    assert found == [("replay", "s", 3), ("broken_chain", "s", 4)]
    with pytest.raises(ReplayError):
        counter.replay("g", "s")
    without_machine = StateMachinePersister(store)
    assert findings(without_machine) == [("broken_chain", "s", 4)]
    with pytest.raises(CorruptLogError):
        without_machine.replay("g", "s")


def test_a_forged_last_event_with_its_hash_is_found(counter, store):
    """By the state that it should have made."""
    forge(store, 5, to_state=Payload.of({"n": 99}))
    without_machine = StateMachinePersister(store)
    assert findings(without_machine) == [("state_mismatch", "s", 5)]
    with pytest.raises(CorruptLogError):
        without_machine.replay("g", "s")


def test_a_forged_chain_is_found_by_the_machine(counter, store):
    """Every hash recomputed to the end: only running the machine again tells."""
    forge(store, 5, to_the_end=True, to_state=Payload.of({"n": 99}))
    alter(store, PATHS, data={"n": 99})
    assert findings(StateMachinePersister(store)) == []
    assert findings(counter) == [("replay", "s", 5)]
    with pytest.raises(ReplayError, match="version 5"):
        counter.replay("g", "s")


def test_a_forged_from_state_is_found(counter, store):
    """Even with every hash recomputed to the end: it is not what the event before made."""
    forge(store, 3, to_the_end=True, from_state=Payload.of({"n": 99}))
    assert findings(StateMachinePersister(store)) == [("broken_chain", "s", 3)]


def test_a_forged_status_is_found(counter, store):
    """An event that ends elsewhere, with every hash recomputed, does not meet the next one's from_status."""
    forge(store, 3, to_the_end=True, to_status="shut")
    assert findings(StateMachinePersister(store)) == [("broken_chain", "s", 4)]
    assert findings(counter) == [("replay", "s", 3), ("broken_chain", "s", 4)]


def test_a_forged_author_is_found(counter, store):
    """The hash covers who made a change."""
    event = stored_event(store, 2)
    forged = replace(event, metadata=replace(event.metadata, changed_by="innocent"))
    write(store, forged)
    assert findings(counter) == [("corrupt_event", "s", 2)]


def test_a_forged_author_with_its_hash_is_found(counter, store):
    """By the next event's link alone: status and data still fit."""
    metadata = (stored_event(store, 3)).metadata
    forge(store, 3, metadata=replace(metadata, changed_by="innocent"))
    assert findings(counter) == [("broken_chain", "s", 4)]
    with pytest.raises(CorruptLogError, match="previous_hash"):
        counter.replay("g", "s")


def test_swapped_events_are_found(counter, store):
    """Two events that changed places say so."""
    second, third = document_at(store, PATHS.event(2)), document_at(store, PATHS.event(3))
    writes = [Put(PATHS.event(2), third.fields), Put(PATHS.event(3), second.fields)]
    store.runtime.access.backend.commit(writes, timeout=TIMEOUT)
    assert findings(counter) == [("corrupt_event", "s", 2), ("corrupt_event", "s", 3)]


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
def test_an_edited_state_document_is_found(counter, store, changes):
    """Whatever field was edited, by one who knows of the digest: it is not what the last event made."""
    alter(store, PATHS, **changes)
    assert findings(counter) == [("state_mismatch", "s", 5)]
    with pytest.raises(CorruptLogError):
        counter.replay("g", "s")


@pytest.mark.parametrize(
    ("version", "expected"),
    [(4, ("state_behind", "s", 4)), (6, ("missing_event", "s", 6)), (7, ("missing_event", "s", 6))],
)
def test_a_state_at_another_version_is_found(counter, store, version, expected):
    """Below its events, or past them."""
    alter(store, PATHS, version=version)
    assert findings(counter) == [expected]


def test_a_damaged_state_document_is_found(counter, store):
    """One that cannot be read at all."""
    plant(store, PATHS.state, data=5)
    found = findings(counter)
    assert [(kind, state_id) for kind, state_id, _ in found] == [("corrupt_state", "s")]


def test_an_event_above_the_state_is_found(counter, store):
    """A state restored from a backup lies below its events."""
    old = document_at(store, PATHS.state)
    counter.transition("g", "s", "add", 5)
    store.runtime.access.backend.commit([Put(PATHS.state, old.fields)], timeout=TIMEOUT)
    assert findings(counter) == [("state_behind", "s", 5)]


def test_events_far_above_the_state_are_found(counter, store):
    """Also where the one right above it is missing."""
    old = document_at(store, PATHS.state)
    for payload in (5, 6):
        counter.transition("g", "s", "add", payload)
    writes = [Put(PATHS.state, old.fields), Delete(PATHS.event(6))]
    store.runtime.access.backend.commit(writes, timeout=TIMEOUT)
    assert findings(counter) == [("missing_event", "s", 6), ("state_behind", "s", 5)]


def test_events_without_a_state_are_found(counter, store):
    """Once for each state that is gone, whatever its neighbours are called."""
    for state_id in ("s@1", "s-1", "sA", "s0", "r"):
        counter.start("g", state_id)
    gone = [state_layout("g", state_id) for state_id in ("s", "s@1", "r")]
    store.runtime.access.backend.commit([Delete(paths.state) for paths in gone], timeout=TIMEOUT)
    found = findings(counter)
    assert sorted(found) == [(
        "state_missing", "r", None), ("state_missing", "s", None), ("state_missing", "s@1", None)]  # fmt: skip


def test_a_strangers_documents_are_found(counter, store):
    """Among the states and among the events, and the check goes on behind them."""
    layout = PATHS.governor
    strangers = [PATHS.state._replace(id="a.b"), PATHS.event(1)._replace(id="a.b@1")]
    store.runtime.access.backend.commit([Put(path, {"x": 1}) for path in strangers], timeout=TIMEOUT)
    store.runtime.access.backend.commit([Delete(layout.state("t").state)], timeout=TIMEOUT)
    found = findings(counter)
    assert sorted(kind for kind, _, _ in found) == ["foreign_document", "foreign_document", "state_missing"]


def test_each_damage_is_found_beside_the_others(counter, store):
    """One finding a state, and the sound ones are not named."""
    for state_id in ("u", "v"):
        counter.start("g", state_id)
    alter(store, PATHS, status="shut")
    plant(store, state_layout("g", "u").event(1), to_state=5)
    store.runtime.access.backend.commit([Delete(state_layout("g", "t").state)], timeout=TIMEOUT)
    assert sorted(findings(counter)) == [
        ("corrupt_event", "u", 1),
        ("state_mismatch", "s", 5),
        ("state_missing", "t", None),
    ]


def test_a_document_of_a_newer_release_is_found(counter, store):
    """It is not called sound by a release that cannot read it."""
    plant(store, PATHS.event(3), format=FORMAT_NEWEST + 1)
    assert findings(counter) == [("newer_format", "s", 3)]
