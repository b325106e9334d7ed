# Generated from tests/_async/recovery/test_transfer_log.py by .ci/generate_sync.py; do not edit.
"""A log as services write it, carried from SQLite to each engine and back, in bounded memory."""
import gc
import tracemalloc
from datetime import datetime

import pytest

from tai_state import (
    SqliteStore,
    StateMachinePersister,
    Capability,
    export_store,
    import_store,
)
from tests._sync.recovery.moving import comparable
from tests.data_log import incidents

LINES = 5_000
MEMORY_BYTES_MAX = 32 * 1024 * 1024


def applied(store, lines):
    """Record the changes of a log, each the next version of its machine."""
    persister = StateMachinePersister(store)
    for line in lines:
        persister.log_transition(
            line["governor"],
            line["machine"],
            line["to"],
            to_status=line["to"],
            data=line["data"],
            occurred_at=datetime.fromisoformat(line["at"]),
        )


@pytest.mark.timeout(600)
def test_a_log_goes_to_another_engine_and_is_the_same(store, tmp_path, scale):
    """Line by line; the check behind the import finds nothing, and memory does not grow with the log."""
    lines = incidents(scale(400, LINES))
    with SqliteStore(tmp_path / "log.db", synchronous="NORMAL") as source:
        applied(source, lines)
        report = export_store(source, tmp_path / "log.jsonl")
    assert report.events == len(lines)
    gc.collect()
    tracemalloc.start()
    try:
        found = import_store(store, tmp_path / "log.jsonl")
        export_store(store, tmp_path / "copy.jsonl")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.events, found.written, found.reports) == (len(lines), report.documents, [])
    assert comparable(tmp_path / "copy.jsonl") == comparable(tmp_path / "log.jsonl")
    if Capability.DURABLE in store.capabilities:  # the store itself is in memory where it is not
        assert peak < MEMORY_BYTES_MAX
