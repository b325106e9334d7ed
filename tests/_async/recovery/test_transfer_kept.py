"""Exports and imports of states of whose histories not all is kept: compacted, or trimmed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    CorruptLogError,
    HistoryConflictError,
    HistoryPolicy,
    async_export_store,
    async_import_store,
    async_recover,
)
from tai_state.documents import Delete
from tai_state.rules.recovery import joining
from tests._async.machines import COUNTER
from tests._async.recovery.moving import CONFIG, PATHS, async_problems, comparable, in_small_pieces
from tests._async.recovery.test_recover import AsyncDyingBackend, StoppedError
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_contents

COMPACT = HistoryPolicy(compact_after=timedelta(0))
SEALED_ALONE = replace(CONFIG, compact_sealed=True)


async def async_moved(store, first, last, config=CONFIG):
    """Return a persister whose state has moved from one version to another; no receipt holds its history."""
    persister = AsyncStateMachinePersister(store, COUNTER, config)
    for version in range(first, last + 1):
        if version == 1:
            await persister.start("g", "s", {"n": 0})
        else:
            await persister.transition("g", "s", "add", version)
    return persister


@pytest.mark.parametrize("where", ["there", "in the file"])
async def test_a_history_that_was_trimmed_on_one_side_is_not_continued(store, tmp_path, monkeypatch, where):
    """It is refused before anything is written, with what is different; the state that is there can go on."""
    in_small_pieces(monkeypatch)
    source = AsyncMemoryStore(actor="tester")
    persister = await async_moved(source, 1, 7)
    await async_export_store(source, tmp_path / "early.jsonl")
    await async_import_store(store, tmp_path / "early.jsonl")
    await async_moved(source, 8, 14)
    copied = AsyncStateMachinePersister(store, COUNTER, CONFIG)
    await (copied if where == "there" else persister).trim("g", "s", before_version=5)
    await async_export_store(source, tmp_path / "late.jsonl")
    before = await async_contents(store)
    there, file = (4, 0) if where == "there" else (0, 4)
    reason = f"trimmed up to version {there}, and in the file up to version {file} .*nothing of it was changed"
    with pytest.raises(HistoryConflictError, match=reason):
        await async_import_store(store, tmp_path / "late.jsonl")
    assert await async_contents(store) == before
    assert (await copied.transition("g", "s", "add", 8)).version == 8


async def test_a_trimmed_history_is_continued_where_both_were_trimmed_alike(store, tmp_path):
    """Its copy was made behind the trim."""
    source = AsyncMemoryStore(actor="tester")
    persister = await async_moved(source, 1, 7)
    await persister.trim("g", "s", before_version=5)
    await async_export_store(source, tmp_path / "early.jsonl")
    await async_import_store(store, tmp_path / "early.jsonl")
    await async_moved(source, 8, 14)
    await async_export_store(source, tmp_path / "late.jsonl")
    assert (await async_import_store(store, tmp_path / "late.jsonl")).reports == []
    await async_export_store(store, tmp_path / "copy.jsonl")
    assert comparable(tmp_path / "copy.jsonl") == comparable(tmp_path / "late.jsonl")
    assert await async_problems(store) == []


@pytest.mark.parametrize(("version", "pieces"), [(4, "small"), (6, "small"), (7, "usual")])
async def test_a_state_goes_on_behind_a_version_that_was_sealed_since(store, tmp_path, monkeypatch, version, pieces):
    """The segment that holds the last event of both shows it, or the event behind it; what comes before is held."""
    if pieces == "small":
        in_small_pieces(monkeypatch)
    source = AsyncMemoryStore(actor="tester")
    await async_moved(source, 1, version, SEALED_ALONE)
    await async_export_store(source, tmp_path / "early.jsonl")
    await async_moved(source, version + 1, 34, SEALED_ALONE)
    await async_export_store(source, tmp_path / "late.jsonl")
    for name in ("early", "late"):
        assert (await async_import_store(store, tmp_path / f"{name}.jsonl")).reports == []
    assert await async_problems(store) == []
    assert await store.get_state("g", "s") == await source.get_state("g", "s")
    assert [one.hash async for one in store.get_events("g", "s")] == [
        one.hash async for one in source.get_events("g", "s")
    ]
    again = await async_import_store(store, tmp_path / "late.jsonl")
    assert (again.written, again.present) == (0, again.documents)


async def test_what_goes_on_behind_a_sealed_version_counts_what_is_in_the_file(store, tmp_path):
    """All of that was written; the event that is taken out of a segment, to keep its place, is not in the file."""
    source = AsyncMemoryStore(actor="tester")
    await async_moved(source, 1, 1, SEALED_ALONE)
    await async_export_store(source, tmp_path / "early.jsonl")
    await async_import_store(store, tmp_path / "early.jsonl")
    await async_moved(source, 2, 5, SEALED_ALONE)
    await async_export_store(source, tmp_path / "late.jsonl")
    found = await async_import_store(store, tmp_path / "late.jsonl")
    assert (found.written, found.present) == (found.documents, 0)


async def test_no_second_history_begins_where_an_import_was_stopped(store, tmp_path, monkeypatch):
    """Whichever commit was its last: no move is made beside what came, and run again it completes."""
    in_small_pieces(monkeypatch)
    source = AsyncMemoryStore(actor="tester")
    await async_moved(source, 1, 6, SEALED_ALONE)
    await async_export_store(source, tmp_path / "early.jsonl")
    await async_import_store(store, tmp_path / "early.jsonl")
    await async_moved(source, 7, 34, SEALED_ALONE)
    await async_export_store(source, tmp_path / "late.jsonl")
    copied = AsyncStateMachinePersister(store, COUNTER, SEALED_ALONE)
    before, refused = await async_contents(store), 0
    # Each goes one commit further than the one before, and then does what was done once more.
    for stop in range(1, 20):
        backend = AsyncDyingBackend(store.runtime.access.backend, stop)
        try:
            await async_import_store(AsyncBackendStore(backend), tmp_path / "late.jsonl")
        except StoppedError:
            if await async_contents(store) == before:
                continue
            with pytest.raises(CorruptLogError, match="an event stands above the state's version"):
                await copied.transition("g", "s", "add", 1_000)
            assert [report async for report in async_recover(store)] != []
            refused += 1
        else:
            break
    assert refused > 0
    assert (await async_import_store(store, tmp_path / "late.jsonl")).reports == []
    assert await store.get_state("g", "s") == await source.get_state("g", "s")
    assert (await copied.transition("g", "s", "add", 35)).version == 35
    assert await async_problems(store) == []


async def test_what_went_on_behind_a_sealed_version_is_erased_as_a_whole(store, tmp_path):
    """Documents of events that are in segments, too, are no place where values stay."""
    source = AsyncMemoryStore(actor="tester")
    await async_moved(source, 1, 4, SEALED_ALONE)
    await async_export_store(source, tmp_path / "early.jsonl")
    await async_moved(source, 5, 14, SEALED_ALONE)
    await async_export_store(source, tmp_path / "late.jsonl")
    for name in ("early", "late"):
        await async_import_store(store, tmp_path / f"{name}.jsonl")
    await store.erase_state("g", "s", reason="a test")
    assert await async_problems(store) == []
    kept = [one.fields async for one in store.runtime.access.backend.scan(PATHS.governor.events, timeout=TIMEOUT)]
    assert [one["to_state"] for one in kept if one["to_state"]] == []


@pytest.mark.parametrize("version", [6, 32])
async def test_another_history_is_refused_behind_what_was_sealed(store, tmp_path, monkeypatch, version):
    """Before anything is written, though all of the file had to be held to know."""
    in_small_pieces(monkeypatch)
    source = AsyncMemoryStore(actor="tester")
    await async_moved(source, 1, 34, SEALED_ALONE)
    await async_export_store(source, tmp_path / "file.jsonl")
    await async_moved(store, 1, version)
    before = await async_contents(store)
    with pytest.raises(HistoryConflictError, match="it is there with another history"):
        await async_import_store(store, tmp_path / "file.jsonl")
    assert await async_contents(store) == before


async def test_events_that_are_there_are_not_held(store, tmp_path, monkeypatch):
    """However many of them come before the one that shows it."""
    monkeypatch.setattr(joining, "_HELD_BYTES_MAX", 0)
    source = AsyncMemoryStore(actor="tester")
    await async_moved(source, 1, 7)
    await async_export_store(source, tmp_path / "early.jsonl")
    await async_import_store(store, tmp_path / "early.jsonl")
    await async_moved(source, 8, 14)
    await async_export_store(source, tmp_path / "late.jsonl")
    assert (await async_import_store(store, tmp_path / "late.jsonl")).reports == []
    assert (await store.get_state("g", "s"))[1] == 14


async def test_what_is_held_of_a_file_is_bounded(store, tmp_path, monkeypatch):
    """It is refused as what shows nothing."""
    monkeypatch.setattr(joining, "_HELD_BYTES_MAX", 1_000)
    source = AsyncMemoryStore(actor="tester")
    await async_moved(source, 1, 4, SEALED_ALONE)
    await async_export_store(source, tmp_path / "early.jsonl")
    await async_import_store(store, tmp_path / "early.jsonl")
    await async_moved(source, 5, 14, SEALED_ALONE)
    await async_export_store(source, tmp_path / "late.jsonl")
    before = await async_contents(store)
    with pytest.raises(HistoryConflictError, match="nothing in the file shows"):
        await async_import_store(store, tmp_path / "late.jsonl")
    assert await async_contents(store) == before


class AsyncCountingBackend(AsyncWrappedBackend):
    """Counts how often a state's events are asked for by themselves, and has somebody go on with it before any are."""

    asked = 0
    change: Any = None

    def scan(self, collection, **options):
        return self._scan(collection, options)

    async def _scan(self, collection, options):
        if collection == PATHS.event(1).collection:
            self.asked += options["stop"] is not None
            change, self.change = self.change, None
            if change is not None:
                await change()
        async for document in self.inner.scan(collection, **options):
            yield document


@pytest.mark.parametrize(("lost", "times"), [(None, 0), (PATHS.event(3), 0), (PATHS.event(16), 2)])
async def test_a_state_is_read_again_only_for_what_may_have_come(tmp_path, lost, times):
    """Events that are in segments alone are none that are missing; where one is, a last look takes what there is."""
    source = AsyncMemoryStore(actor="tester")
    persister = await async_moved(source, 1, 16)
    if lost is None:
        assert (await persister.gc("g", history=COMPACT)).events == 15
    else:
        await source.runtime.access.backend.commit([Delete(lost)], timeout=TIMEOUT)
    backend = AsyncCountingBackend(source.runtime.access.backend)
    await async_export_store(AsyncBackendStore(backend), tmp_path / "a.jsonl")
    assert backend.asked == times


@pytest.mark.parametrize("policy", [COMPACT, HistoryPolicy(max_events=4)], ids=["compacted", "trimmed"])
async def test_what_is_removed_meanwhile_is_in_the_file_or_trimmed_there(store, tmp_path, policy):
    """The copy is sound, whatever was read before and what behind it."""
    source = AsyncMemoryStore(actor="tester")
    persister = await async_moved(source, 1, 14)
    backend = AsyncCountingBackend(source.runtime.access.backend)

    async def change():
        await async_moved(source, 15, 17)
        assert (await persister.gc("g", history=policy)).events > 10

    backend.change = change
    await async_export_store(AsyncBackendStore(backend), tmp_path / "a.jsonl")
    assert (await async_import_store(store, tmp_path / "a.jsonl")).reports == []
    assert (await store.get_state("g", "s"))[1] == 17
    assert await async_problems(store) == []
