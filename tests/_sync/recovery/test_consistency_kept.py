# Generated from tests/_async/recovery/test_consistency_kept.py by .ci/generate_sync.py; do not edit.
"""The check of snapshots and segments, and of what somebody else left among our documents: a finding each."""
from dataclasses import replace

import pytest

from tai_state import StateMachinePersister, PersistenceConfig
from tai_state.config import Encoding
from tai_state.documents import Delete, Put
from tai_state.layout import state_layout
from tai_state.rules.history.segments import build_segment, read_segment
from tai_state.rules.history.snapshots import read_snapshot, snapshot_fields
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, contents, document_at, plant

PATHS = state_layout("g", "s")
FOREIGN = ("s@zzz", "s@5", "a.b@1", "nobody")


@pytest.fixture
def counter(store):
    """State s at version 10: snapshots at 4 and 8, segments of 1 to 4 and of 5 to 8."""
    config = PersistenceConfig(snapshot_interval=4, snapshot_retention=3, segment_events=4)
    persister = StateMachinePersister(store, COUNTER, config)
    persister.start("g", "s", {"n": 0})
    for payload in range(9):
        persister.transition("g", "s", "add", payload)
    return persister


def put(store, path, fields):
    store.runtime.access.backend.commit([Put(path, fields)], timeout=TIMEOUT)


def remove(store, *paths):
    store.runtime.access.backend.commit([Delete(path) for path in paths], timeout=TIMEOUT)


def findings(persister):
    """Return (kind, state, version) of every problem found; a check changes nothing."""
    before = contents(persister.store)
    report = persister.validate_consistency("g")
    assert contents(persister.store) == before
    return [(one.kind, one.state_id, one.version) for one in report.problems]


def test_what_is_kept_is_sound(counter):
    """Nothing is found in what the package wrote."""
    assert findings(counter) == []


@pytest.mark.parametrize("changes", [{"data": {"n": 99}}, {"data": 5}, {"format": None}, {"state_id": "t"}], ids=str)
def test_a_damaged_snapshot_is_found(counter, store, changes):
    """By its digest, or since it cannot be read."""
    plant(store, PATHS.snapshot(4), **changes)
    assert findings(counter) == [("corrupt_snapshot", "s", 4)]


def test_a_snapshot_of_another_content_is_found(counter, store):
    """Its digest is right, and its events say something else."""
    snapshot = read_snapshot(document_at(store, PATHS.snapshot(4)), "g", "s")
    forged = snapshot_fields(replace(snapshot, status="shut"), Encoding())
    put(store, PATHS.snapshot(4), forged)
    assert findings(counter) == [("corrupt_snapshot", "s", 4)]


def test_a_snapshot_that_is_gone_is_found(counter, store):
    """The state's mark tells of it."""
    remove(store, PATHS.snapshot(8))
    assert findings(counter) == [("missing_snapshot", "s", 8)]


@pytest.mark.parametrize("changes", [{"events": b"x"}, {"digest": "0"}, {"first": None}, {"last": 3}], ids=str)
def test_a_damaged_segment_is_found(counter, store, changes):
    """One that cannot be read, or does not hold what it names; the others are checked all the same."""
    plant(store, PATHS.segment(1), **changes)
    assert findings(counter) == [("corrupt_segment", "s", 1)]


def test_a_segment_of_other_events_is_found(counter, store):
    """It is whole, and not what the log says; told by its first version, with that of the first event that differs."""
    segment = read_segment(document_at(store, PATHS.segment(5)), "g", "s")
    events = [replace(event, to_status="shut") if event.version == 6 else event for event in segment.events]
    forged = build_segment(PATHS, events)
    assert forged is not None
    assert forged.write is not None
    store.runtime.access.backend.commit([forged.write], timeout=TIMEOUT)
    assert findings(counter) == [("corrupt_segment", "s", 5)]
    (problem,) = (counter.validate_consistency("g")).problems
    assert problem.message.endswith("of version 6")


@pytest.mark.parametrize("first", [1, 5])
def test_a_segment_that_is_gone_is_found(counter, store, first):
    """The state's mark says how far it is sealed."""
    remove(store, PATHS.segment(first))
    assert findings(counter) == [("missing_segment", "s", first)]


def test_snapshots_and_segments_without_a_state_are_found(counter, store):
    """A state of which nothing else is left is told once, and each event that a segment still has."""
    gone = [PATHS.state, *(PATHS.event(version) for version in range(1, 11))]
    remove(store, *gone)
    events = [("missing_event", "s", version) for version in range(1, 9)]
    assert findings(counter) == [*events, ("state_missing", "s", None)]


@pytest.mark.parametrize("name", ["events", "snapshots", "segments"])
@pytest.mark.parametrize("document_id", FOREIGN)
def test_a_strangers_document_is_one_finding(counter, store, name, document_id):
    """Wherever it lies, also among the documents of a state of ours; the check goes on behind it."""
    store.save_state("g", "z", {})
    plant(store, state_layout("g", "z").event(1), to_state=5)
    stranger = PATHS.state._replace(collection=getattr(PATHS.governor, name), id=document_id)
    put(store, stranger, {"x": 1})
    assert sorted(findings(counter), key=str) == [
        ("corrupt_event", "z", 1),
        ("foreign_document", document_id, None),
    ]


@pytest.mark.parametrize("document_id", FOREIGN)
def test_a_strangers_document_harms_no_reader(counter, store, document_id):
    """Events, history, snapshots and a rebuilt state are what they are without it."""
    events = [one for one in counter.history("g", "s")]
    snapshots = [one for one in counter.list_snapshots("g", "s")]
    before, _ = store.get_state("g", "s")
    for collection in (PATHS.governor.events, PATHS.governor.snapshots, PATHS.governor.segments):
        put(store, PATHS.state._replace(collection=collection, id=document_id), {"x": 1})
    assert [one for one in counter.history("g", "s")] == events
    assert [one for one in counter.list_snapshots("g", "s")] == snapshots
    assert (counter.replay("g", "s")) == before
    remove(store, PATHS.state)
    assert (counter.load_state("g", "s")).snapshot == before
