"""A cancelled snapshot: a commit that was begun is brought to its end."""

import asyncio

import pytest

from tai_state import AsyncBackendStore, AsyncStateMachinePersister
from tai_state._async.backends.memory import AsyncMemoryBackend
from tests._async.machines import COUNTER


class SlowBackend(AsyncMemoryBackend):
    """Commits when it is let."""

    def __init__(self):
        super().__init__()
        self.arrived, self.let = asyncio.Event(), asyncio.Event()
        self.let.set()

    async def commit(self, writes, *, timeout):
        self.arrived.set()
        await self.let.wait()
        return await super().commit(writes, timeout=timeout)


async def test_cancelled_in_its_commit_it_is_kept():
    """The commit ends first, and the cancellation follows."""
    backend = SlowBackend()
    persister = AsyncStateMachinePersister(AsyncBackendStore(backend), COUNTER)
    await persister.start("g", "s", {})
    backend.let.clear()
    backend.arrived.clear()
    task = asyncio.create_task(persister.create_snapshot("g", "s"))
    await backend.arrived.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    backend.let.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [snapshot.version async for snapshot in persister.list_snapshots("g", "s")] == [1]
