"""A cancelled transaction: nothing is written before its commit, and a commit that was begun is brought to its end."""

import asyncio

import pytest

from tai_state import AsyncBackendStore, AsyncMemoryStore, AsyncTransactionManager
from tai_state._async.backends.memory import AsyncMemoryBackend


class SlowBackend(AsyncMemoryBackend):
    """Commits when it is let."""

    def __init__(self):
        super().__init__()
        self.arrived, self.let = asyncio.Event(), asyncio.Event()

    async def commit(self, writes, *, timeout):
        self.arrived.set()
        await self.let.wait()
        return await super().commit(writes, timeout=timeout)


async def test_cancelled_in_its_body_it_writes_nothing():
    """And what the body left running cannot write any more."""
    store = AsyncMemoryStore()
    begun = asyncio.Event()

    async def body(tx):
        await tx.save_state("g", "s", {})
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(AsyncTransactionManager(store).run(body))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.find_state("g", "s") is None
    assert await store.drain(timeout=0.1)


async def test_cancelled_in_its_commit_it_is_made():
    """The commit ends first, the cancellation follows, and the store goes on from what was written."""
    backend = SlowBackend()
    store = AsyncBackendStore(backend)
    task = asyncio.create_task(AsyncTransactionManager(store).run(lambda tx: tx.save_state("g", "s", {})))
    await backend.arrived.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    backend.let.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.save_state("g", "s", {}) == 2


async def test_what_a_body_leaves_running_is_not_in_the_commit():
    """A task that wants to write when the body has ended is refused."""
    store = AsyncMemoryStore()
    left = []

    async def late(tx, ended):
        await ended.wait()
        await tx.save_state("g", "late", {})

    async def body(tx):
        ended = asyncio.Event()
        left.append((asyncio.create_task(late(tx, ended)), ended))
        await tx.save_state("g", "s", {})

    await AsyncTransactionManager(store).run(body)
    ((task, ended),) = left
    ended.set()
    with pytest.raises(Exception, match="ended"):
        await task
    assert await store.find_state("g", "late") is None
