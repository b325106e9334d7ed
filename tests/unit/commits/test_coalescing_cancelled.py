"""A cancelled caller whose change another one carries: the commit ends first, and the cancellation follows."""

import asyncio

import pytest

from tai_state import AsyncBackendStore, AsyncStateMachinePersister
from tai_state._async.backends.memory import AsyncMemoryBackend
from tai_state.errors import PreconditionFailedError
from tests._async.machines import COUNTER


class SlowBackend(AsyncMemoryBackend):
    """Commits when it is let."""

    def __init__(self):
        super().__init__()
        self.arrived, self.let = asyncio.Event(), asyncio.Event()
        self.let.set()
        self.events = 0
        self.refuses = False

    async def commit(self, writes, *, timeout):
        self.events = sum(write.path.collection.endswith("/events") for write in writes)
        self.arrived.set()
        await self.let.wait()
        if self.refuses:
            self.refuses = False
            raise PreconditionFailedError("another writer was there first")
        return await super().commit(writes, timeout=timeout)


@pytest.mark.parametrize("times", [1, 3])
async def test_a_cancelled_caller_hears_the_end_of_the_commit_that_carries_it(times):
    """However often it is cancelled; its change is made, once, with those of the others."""
    backend = SlowBackend()
    persister = AsyncStateMachinePersister(AsyncBackendStore(backend), COUNTER)
    await persister.start("g", "s", {"n": 0})
    backend.let.clear()
    backend.arrived.clear()
    tasks = [asyncio.create_task(persister.transition("g", "s", "add", number)) for number in (1, 10, 100)]
    # The first one looks behind it when it commits: the others stand there by then.
    await asyncio.wait_for(backend.arrived.wait(), 5)
    assert backend.events == 3
    for _ in range(times):
        tasks[-1].cancel()
        await asyncio.sleep(0)
    assert not tasks[-1].done()
    backend.let.set()
    with pytest.raises(asyncio.CancelledError):
        await tasks[-1]
    await asyncio.gather(*tasks[:-1])
    assert (await persister.store.get_state("g", "s"))[0].data == {"n": 111}
    # Nobody is left in the line.
    assert (await persister.transition("g", "s", "add", 0)).version == 5


async def test_a_caller_who_is_cancelled_before_anybody_carries_it_changes_nothing():
    """It leaves the line, and the next one comes forward."""
    backend = SlowBackend()
    persister = AsyncStateMachinePersister(AsyncBackendStore(backend), COUNTER)
    await persister.start("g", "s", {"n": 0})
    backend.let.clear()
    backend.arrived.clear()
    first = asyncio.create_task(persister.transition("g", "s", "add", 1))
    await backend.arrived.wait()
    others = [asyncio.create_task(persister.transition("g", "s", "add", number)) for number in (10, 100)]
    await asyncio.sleep(0.01)
    others[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await others[0]
    backend.let.set()
    await asyncio.gather(first, others[1])
    assert (await persister.store.get_state("g", "s"))[0].data == {"n": 101}


async def test_who_is_cancelled_when_its_time_is_over_leaves_the_line():
    """Also where nothing becomes of the commit that carried it: who comes next is not in its way."""
    backend = SlowBackend()
    persister = AsyncStateMachinePersister(AsyncBackendStore(backend), COUNTER)
    await persister.start("g", "s", {"n": 0})
    backend.let.clear()
    backend.arrived.clear()
    first = asyncio.create_task(persister.transition("g", "s", "add", 1))
    hasty = asyncio.create_task(persister.transition("g", "s", "add", 10, timeout=0.01))
    await asyncio.wait_for(backend.arrived.wait(), 5)
    assert backend.events == 2
    await asyncio.sleep(0.05)
    hasty.cancel()
    await asyncio.sleep(0)
    backend.refuses = True
    backend.let.set()
    await first
    with pytest.raises(asyncio.CancelledError):
        await hasty
    assert (await persister.transition("g", "s", "add", 100, timeout=5)).snapshot.data == {"n": 101}


@pytest.mark.parametrize("ticks", range(10))
async def test_whenever_a_caller_is_cancelled_each_change_of_the_others_is_made_once(ticks):
    """At each step of the loop between the commit before it and the one that may carry it."""
    backend = SlowBackend()
    persister = AsyncStateMachinePersister(AsyncBackendStore(backend), COUNTER)
    await persister.start("g", "s", {"n": 0})
    backend.let.clear()
    backend.arrived.clear()
    tasks = [asyncio.create_task(persister.transition("g", "s", "add", 1))]
    await asyncio.wait_for(backend.arrived.wait(), 5)
    tasks += [asyncio.create_task(persister.transition("g", "s", "add", number)) for number in (10, 100, 1_000)]
    await asyncio.sleep(0.01)
    backend.let.set()
    for _ in range(ticks):
        await asyncio.sleep(0)
    tasks[2].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    told = [one.event.payload for one in outcomes if not isinstance(one, BaseException)]
    assert set(told) >= {1, 10, 1_000}
    # Who was cancelled may have had its change made, once: it was carried, or done already.
    assert all(isinstance(one, asyncio.CancelledError) for one in outcomes if isinstance(one, BaseException))
    events = [event.payload async for event in persister.history("g", "s")][1:]
    assert sorted({*events, *told}) == sorted(events)
    assert set(events) <= {1, 10, 100, 1_000}
