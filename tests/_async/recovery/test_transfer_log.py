"""A log as services write it, carried from SQLite to each engine and back, in bounded memory."""

import gc
import tracemalloc
from datetime import datetime

import pytest

from tai_state import (
    AsyncSqliteStore,
    AsyncStateMachinePersister,
    Capability,
    async_export_store,
    async_import_store,
)
from tests._async.recovery.moving import comparable
from tests.data_log import incidents

LINES = 5_000
MEMORY_BYTES_MAX = 32 * 1024 * 1024


async def async_applied(store, lines):
    """Record the changes of a log, each the next version of its machine."""
    persister = AsyncStateMachinePersister(store)
    for line in lines:
        await persister.log_transition(
            line["governor"],
            line["machine"],
            line["to"],
            to_status=line["to"],
            data=line["data"],
            occurred_at=datetime.fromisoformat(line["at"]),
        )


@pytest.mark.timeout(600)
async def test_a_log_goes_to_another_engine_and_is_the_same(store, tmp_path, scale):
    """Line by line; the check behind the import finds nothing, and memory does not grow with the log."""
    lines = incidents(scale(400, LINES))
    async with AsyncSqliteStore(tmp_path / "log.db", synchronous="NORMAL") as source:
        await async_applied(source, lines)
        report = await async_export_store(source, tmp_path / "log.jsonl")
    assert report.events == len(lines)
    gc.collect()
    tracemalloc.start()
    try:
        found = await async_import_store(store, tmp_path / "log.jsonl")
        await async_export_store(store, tmp_path / "copy.jsonl")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.events, found.written, found.reports) == (len(lines), report.documents, [])
    assert comparable(tmp_path / "copy.jsonl") == comparable(tmp_path / "log.jsonl")
    if Capability.DURABLE in store.capabilities:  # the store itself is in memory where it is not
        assert peak < MEMORY_BYTES_MAX
