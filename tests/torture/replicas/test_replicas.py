"""Three replicas, two SQLite files and the emulator, through 500 lives of writes, partitions and syncs in each colour.

By itself: ``pytest -m torture --timeout=0 tests/torture/replicas``, about ten minutes.
"""

import time

import pytest

from tai_state import AsyncFirestoreStore, AsyncSqliteStore, FirestoreStore, SqliteStore
from tests._async.replicas import test_convergence as convergence_async
from tests._sync.replicas import test_convergence as convergence_sync

pytestmark = [pytest.mark.torture, pytest.mark.emulator]

SEEDS = 500


async def test_two_files_and_the_emulator_converge_by_async_stores(tmp_path, tai_state_project, tell):
    """All writes are in the history of all, every merge is sound, and all say the same."""
    began = time.monotonic()
    edge, hub = AsyncSqliteStore(tmp_path / "edge.db"), AsyncSqliteStore(tmp_path / "hub.db")
    async with edge, hub, AsyncFirestoreStore(tai_state_project) as shared:
        for seed in range(SEEDS):
            await convergence_async.Run([edge, hub, shared], seed).live()
    tell(f"replicas, async: {SEEDS} seeds in {time.monotonic() - began:.0f} s")


def test_two_files_and_the_emulator_converge_by_sync_stores(tmp_path, tai_state_project, tell):
    """As above."""
    began = time.monotonic()
    edge, hub = SqliteStore(tmp_path / "edge.db"), SqliteStore(tmp_path / "hub.db")
    with edge, hub, FirestoreStore(tai_state_project) as shared:
        for seed in range(SEEDS):
            convergence_sync.Run([edge, hub, shared], seed).live()
    tell(f"replicas, sync: {SEEDS} seeds in {time.monotonic() - began:.0f} s")
