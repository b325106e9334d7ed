"""Exports and imports of states of whose histories not all is kept: compacted, or trimmed."""

from datetime import timedelta
from typing import Any

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    HistoryConflictError,
    HistoryPolicy,
    async_export_store,
    async_import_store,
)
from tai_state.documents import Delete
from tests._async.machines import COUNTER
from tests._async.recovery.moving import CONFIG, PATHS, async_problems, comparable, in_small_pieces
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_contents

COMPACT = HistoryPolicy(compact_after=timedelta(0))


async def async_moved(store, first, last):
    """Return a persister whose state has moved from one version to another; no receipt holds its history."""
    persister = AsyncStateMachinePersister(store, COUNTER, CONFIG)
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
