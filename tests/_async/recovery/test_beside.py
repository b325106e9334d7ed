"""What states keep beside their documents is read in one pass, whatever their ids."""

import json
from datetime import UTC, datetime

import pytest

from tai_state import AsyncBackendStore, AsyncStateMachinePersister, PersistenceConfig, async_export_store, async_verify
from tai_state._async.recovery.beside import async_in_turn
from tai_state.documents import Delete, Document, DocumentPath
from tai_state.layout import GovernorLayout, state_layout, versioned
from tests._async.machines import COUNTER
from tests._async.recovery.damages import async_write
from tests._async.stores import AsyncWrappedBackend, in_memory

GOVERNOR = GovernorLayout("g")
KEPT = (GOVERNOR.events, GOVERNOR.snapshots, GOVERNOR.segments)
AT = datetime(2026, 1, 1, tzinfo=UTC)
IDS = ("a", "a-b", "a1", "a10", "a2", "aB", "b", "ß")
CONFIG = PersistenceConfig(snapshot_interval=2, snapshot_retention=2, segment_events=2)


class AsyncScannedBackend(AsyncWrappedBackend):
    """Notes the scans of what is kept beside states, and makes a change before the first of some collection."""

    def __init__(self, inner, collection="", async_change=None):
        super().__init__(inner)
        self.scanned = []
        self._collection, self._async_change = collection, async_change

    async def scan(self, collection, **options):
        if collection in KEPT:
            self.scanned.append(collection)
        async for document in super().scan(collection, **options):
            yield document
        if collection == self._collection and self._async_change is not None:
            async_change, self._async_change = self._async_change, None
            await async_change()


def watched(store, *change):
    """Return one more store there, and what notes its scans."""
    backend = AsyncScannedBackend(store.runtime.access.backend, *change)
    return AsyncBackendStore(backend, actor="tester"), backend


async def async_filled(store, ids=IDS, moves=4):
    """Return a persister behind whom each state has events, snapshots and segments."""
    persister = AsyncStateMachinePersister(store, COUNTER, CONFIG)
    for state_id in ids:
        await persister.start("g", state_id, {"n": 0})
        for _ in range(moves):
            await persister.transition("g", state_id, "add", 1)
    return persister


async def async_paths(store, file):
    """Return the paths of all documents of the governor in an export of *store*."""
    await async_export_store(store, file, "g")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    return [line["path"] for line in lines if line.get("path", "").startswith("governors/g/")]


async def test_a_check_reads_each_collection_once_for_all_states(store):
    """Whatever their ids are: the versions of a1 come before those of a."""
    await async_filled(store)
    other, backend = watched(store)
    (report,) = [report async for report in async_verify(other, "g")]
    assert (report.problems, report.states, report.events) == ([], len(IDS), len(IDS) * 5)
    assert sorted(backend.scanned) == sorted(KEPT)


async def test_an_export_reads_each_collection_once_for_all_states(store, tmp_path):
    """Each document stands in it once."""
    await async_filled(store)
    other, backend = watched(store)
    found = await async_paths(other, tmp_path / "a")
    assert sorted(backend.scanned) == sorted(KEPT)
    kinds = [path.split("/")[2] for path in found]
    assert (kinds.count("states"), kinds.count("events")) == (len(IDS), len(IDS) * 5)
    assert {"snapshots", "segments"} <= set(kinds)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("lost", ["a", "a1", "ß"])
async def test_what_is_left_of_a_lost_state_among_others_is_found(store, lost):
    """Its versions are passed over between those of the others."""
    await async_filled(store)
    await async_write(store, Delete(state_layout("g", lost).state))
    (report,) = [report async for report in async_verify(store, "g")]
    assert [(one.kind, one.state_id) for one in report.problems] == [("state_missing", lost)]


async def test_a_lost_event_among_others_is_found(store):
    """In the state whose versions come last of those that it begins."""
    await async_filled(store, moves=1)
    await async_write(store, Delete(state_layout("g", "a").event(2)))
    (report,) = [report async for report in async_verify(store, "g")]
    assert {one.state_id for one in report.problems} == {"a"}


@in_memory
async def test_many_ids_that_begin_each_other_are_checked_and_exported_whole(store, tmp_path):
    """More than are held until their turn."""
    ids = ["x" + "0" * count for count in range(14)]
    await async_filled(store, ids)
    (report,) = [report async for report in async_verify(store, "g")]
    assert (report.problems, report.states, report.events) == ([], len(ids), len(ids) * 5)
    found = await async_paths(store, tmp_path / "a")
    assert (len(set(found)), sum("/events/" in path for path in found)) == (len(found), len(ids) * 5)


@in_memory
@pytest.mark.parametrize("collection", [GOVERNOR.states, *KEPT])
async def test_a_state_that_moves_while_others_are_read_is_no_finding_and_exported_whole(store, tmp_path, collection):
    """What was read before it moved is not held against what is read afterwards."""
    persister = await async_filled(store)

    async def async_moved():
        for state_id in IDS:
            await persister.transition("g", state_id, "add", 1)
            await persister.transition("g", state_id, "add", 1)

    (report,) = [report async for report in async_verify(watched(store, collection, async_moved)[0], "g")]
    assert report.problems == []
    other, _ = watched(store, collection, async_moved)
    found = await async_paths(other, tmp_path / "a")
    for state_id in IDS:
        stored = state_layout("g", state_id)
        versions = {path for path in found if path.startswith(str(stored.event(1)).rpartition("@")[0] + "@")}
        assert {str(stored.event(version)) for version in range(1, 8)} <= versions


async def async_each(items):
    """Iterate over *items*."""
    for item in items:
        yield item


@in_memory
async def test_states_are_taken_in_the_order_of_their_versions(store):
    """So many as begin each other are held until then; more go before their turn, and are told."""
    for ids in (IDS, ["x" + "0" * count for count in range(8)], ["1", "10", "100", "11", "2", "20", "3"]):
        documents = [Document(DocumentPath("c", one), {}, AT, AT) for one in sorted(ids)]
        taken = [(one.path.id, is_in_turn) async for one, is_in_turn in async_in_turn(async_each(documents))]
        assert taken == [(one, True) for one in sorted(ids, key=lambda stored_id: versioned(stored_id, 0))]
    documents = [Document(DocumentPath("c", "x" + "0" * count), {}, AT, AT) for count in range(9)]
    taken = [(one.path.id, is_in_turn) async for one, is_in_turn in async_in_turn(async_each(documents))]
    assert taken[0] == ("x", False)
    assert [is_in_turn for _, is_in_turn in taken[1:]] == [True] * 8
