"""The counters of locks in an export: of each lock under which a state in the file was written, whatever its name."""

from typing import Any

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    async_export_store,
    async_import_store,
)
from tests._async.machines import COUNTER
from tests._async.recovery.moving import ODD
from tests._async.stores import AsyncWrappedBackend


@pytest.fixture
async def source():
    """A store with a state that was written under no lock yet."""
    source = AsyncMemoryStore(actor="tester")
    await AsyncStateMachinePersister(source, COUNTER).start("g", "s", {"n": 0})
    return source


async def async_write_under(store, resource):
    """Move the state under the lock, and return its token."""
    async with AsyncLockManager(store).hold(resource) as lock:
        await AsyncStateMachinePersister(store, COUNTER).transition("g", "s", "add", 1, lock=lock)
    return lock.fencing_token


async def test_a_governor_goes_with_locks_whose_names_are_escaped(source, store, tmp_path):
    """No token of before is valid in the copy, and work goes on there under the lock."""
    before = await async_write_under(source, ODD)
    await async_export_store(source, tmp_path / "g.jsonl", "g")
    await async_import_store(store, tmp_path / "g.jsonl")
    assert await async_write_under(store, ODD) == before + 2**20 + 1


class AsyncLockedBackend(AsyncWrappedBackend):
    """Has somebody write the state under a new lock once its governor's states are about to be read."""

    source: Any = None
    token = 0

    def scan(self, collection, **options):
        return self._scan(collection, options)

    async def _scan(self, collection, options):
        if self.source is not None and collection.endswith("/states"):
            source, self.source = self.source, None
            for _ in range(3):
                self.token = await async_write_under(source, "r")
        async for document in self.inner.scan(collection, **options):
            yield document


@pytest.mark.parametrize("governor", [None, "g"])
async def test_a_lock_that_was_first_taken_meanwhile_is_carried(source, store, tmp_path, governor):
    """Since a state in the file was written under it: else its tokens would be given out again in the copy."""
    backend = AsyncLockedBackend(source.runtime.access.backend)
    backend.source = source
    await async_export_store(AsyncBackendStore(backend), tmp_path / "a.jsonl", governor)
    assert backend.token == 3
    await async_import_store(store, tmp_path / "a.jsonl")
    assert await async_write_under(store, "r") == backend.token + 2**20 + 1
