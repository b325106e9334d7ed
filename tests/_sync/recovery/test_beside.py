# Generated from tests/_async/recovery/test_beside.py by .ci/generate_sync.py; do not edit.
"""What states keep beside their documents is read in one pass, whatever their ids."""
import json
from datetime import UTC, datetime

import pytest

from tai_state import BackendStore, StateMachinePersister, PersistenceConfig, export_store, verify
from tai_state._sync.recovery.beside import in_turn
from tai_state.documents import Delete, Document, DocumentPath
from tai_state.layout import GovernorLayout, state_layout, versioned
from tests._sync.machines import COUNTER
from tests._sync.recovery.damages import write
from tests._sync.stores import WrappedBackend, in_memory

GOVERNOR = GovernorLayout("g")
KEPT = (GOVERNOR.events, GOVERNOR.snapshots, GOVERNOR.segments)
AT = datetime(2026, 1, 1, tzinfo=UTC)
IDS = ("a", "a-b", "a1", "a10", "a2", "aB", "b", "ß")
CONFIG = PersistenceConfig(snapshot_interval=2, snapshot_retention=2, segment_events=2)


class ScannedBackend(WrappedBackend):
    """Notes the scans of what is kept beside states, and makes a change before the first of some collection."""

    def __init__(self, inner, collection="", change=None):
        super().__init__(inner)
        self.scanned = []
        self._collection, self._change = collection, change

    def scan(self, collection, **options):
        if collection in KEPT:
            self.scanned.append(collection)
        for document in super().scan(collection, **options):
            yield document
        if collection == self._collection and self._change is not None:
            change, self._change = self._change, None
            change()


def watched(store, *change):
    """Return one more store there, and what notes its scans."""
    backend = ScannedBackend(store.runtime.access.backend, *change)
    return BackendStore(backend, actor="tester"), backend


def filled(store, ids=IDS, moves=4):
    """Return a persister behind whom each state has events, snapshots and segments."""
    persister = StateMachinePersister(store, COUNTER, CONFIG)
    for state_id in ids:
        persister.start("g", state_id, {"n": 0})
        for _ in range(moves):
            persister.transition("g", state_id, "add", 1)
    return persister


def paths(store, file):
    """Return the paths of all documents of the governor in an export of *store*."""
    export_store(store, file, "g")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [line["path"] for line in lines if line.get("path", "").startswith("governors/g/")]


def test_a_check_reads_each_collection_once_for_all_states(store):
    """Whatever their ids are: the versions of a1 come before those of a."""
    filled(store)
    other, backend = watched(store)
    (report,) = [report for report in verify(other, "g")]
    assert (report.problems, report.states, report.events) == ([], len(IDS), len(IDS) * 5)
    assert sorted(backend.scanned) == sorted(KEPT)


def test_an_export_reads_each_collection_once_for_all_states(store, tmp_path):
    """Each document stands in it once."""
    filled(store)
    other, backend = watched(store)
    found = paths(other, tmp_path / "a")
    assert sorted(backend.scanned) == sorted(KEPT)
    kinds = [path.split("/")[2] for path in found]
    assert (kinds.count("states"), kinds.count("events")) == (len(IDS), len(IDS) * 5)
    assert {"snapshots", "segments"} <= set(kinds)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("lost", ["a", "a1", "ß"])
def test_what_is_left_of_a_lost_state_among_others_is_found(store, lost):
    """Its versions are passed over between those of the others."""
    filled(store)
    write(store, Delete(state_layout("g", lost).state))
    (report,) = [report for report in verify(store, "g")]
    assert [(one.kind, one.state_id) for one in report.problems] == [("state_missing", lost)]


def test_a_lost_event_among_others_is_found(store):
    """In the state whose versions come last of those that it begins."""
    filled(store, moves=1)
    write(store, Delete(state_layout("g", "a").event(2)))
    (report,) = [report for report in verify(store, "g")]
    assert {one.state_id for one in report.problems} == {"a"}


@in_memory
def test_many_ids_that_begin_each_other_are_checked_and_exported_whole(store, tmp_path):
    """More than are held until their turn."""
    ids = ["x" + "0" * count for count in range(14)]
    filled(store, ids)
    (report,) = [report for report in verify(store, "g")]
    assert (report.problems, report.states, report.events) == ([], len(ids), len(ids) * 5)
    found = paths(store, tmp_path / "a")
    assert (len(set(found)), sum("/events/" in path for path in found)) == (len(found), len(ids) * 5)


@in_memory
@pytest.mark.parametrize("collection", [GOVERNOR.states, *KEPT])
def test_a_state_that_moves_while_others_are_read_is_no_finding_and_exported_whole(store, tmp_path, collection):
    """What was read before it moved is not held against what is read afterwards."""
    persister = filled(store)

    def moved():
        for state_id in IDS:
            persister.transition("g", state_id, "add", 1)
            persister.transition("g", state_id, "add", 1)

    (report,) = [report for report in verify(watched(store, collection, moved)[0], "g")]
    assert report.problems == []
    other, _ = watched(store, collection, moved)
    found = paths(other, tmp_path / "a")
    for state_id in IDS:
        stored = state_layout("g", state_id)
        versions = {path for path in found if path.startswith(str(stored.event(1)).rpartition("@")[0] + "@")}
        assert {str(stored.event(version)) for version in range(1, 8)} <= versions


def each(items):
    """Iterate over *items*."""
    for item in items:
        yield item


@in_memory
def test_states_are_taken_in_the_order_of_their_versions(store):
    """So many as begin each other are held until then; more go before their turn, and are told."""
    for ids in (IDS, ["x" + "0" * count for count in range(8)], ["1", "10", "100", "11", "2", "20", "3"]):
        documents = [Document(DocumentPath("c", one), {}, AT, AT) for one in sorted(ids)]
        taken = [(one.path.id, is_in_turn) for one, is_in_turn in in_turn(each(documents))]
        assert taken == [(one, True) for one in sorted(ids, key=lambda stored_id: versioned(stored_id, 0))]
    documents = [Document(DocumentPath("c", "x" + "0" * count), {}, AT, AT) for count in range(9)]
    taken = [(one.path.id, is_in_turn) for one, is_in_turn in in_turn(each(documents))]
    assert taken[0] == ("x", False)
    assert [is_in_turn for _, is_in_turn in taken[1:]] == [True] * 8
