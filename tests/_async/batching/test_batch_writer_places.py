"""Whose turn it is in a batch writer: places that come free, states that are busy, and makers that cannot begin."""

from functools import partial
from typing import Any

import pytest

from tai_state._async.batching import batch_writer
from tai_state._platform.backgrounds import AsyncBackground
from tai_state._platform.tasks import async_sleep, async_together
from tai_state.batching import AsyncBatchWriter
from tests._async.batching.test_batch_writer import LONG, add, async_numbers, gated
from tests._async.stores import in_memory
from tests.outcomes import async_outcome

__all__ = ["gated"]


@in_memory
async def test_a_future_that_is_cancelled_leaves_its_place(gated):
    """Also where nothing is left to be made with it."""
    persister, _ = gated
    async with AsyncBatchWriter(persister, max_wait=LONG, max_pending=2) as writer:
        for one in ("s0", "s1"):
            assert (await writer.put(add(one))).cancel()

        async def later():
            while not writer._outside:
                await async_sleep(0.001)
            await writer.flush()

        calls: list[Any] = [partial(writer.put, add("s2"), timeout=10), later]
        put, _ = await async_together(calls)
        await writer.flush()
        assert (await async_outcome(put)).version == 2
    assert await async_numbers(persister) == [0, 0, 1, 0, 0]


@in_memory
async def test_a_busy_state_keeps_no_other_one_waiting(gated):
    """What is put behind a move of it is made while the state is busy."""
    persister, backend = gated
    backend.is_shut = True
    async with AsyncBatchWriter(persister, max_wait=0.01) as writer:
        futures = [await writer.put(add("s0"))]
        await backend.until_begun(1)
        looks: list[float] = []
        take = writer._take_those_free

        def look(taken):
            looks.append(take(taken))
            return looks[-1]

        writer._take_those_free = look  # type: ignore[method-assign]  # to see that one has looked
        futures.append(await writer.put(add("s0")))
        while not any(looks):
            await async_sleep(0.001)
        futures.append(await writer.put(add("s1")))
        await backend.until_begun(2)
        backend.is_shut = False
    assert [(await async_outcome(one)).version for one in futures] == [2, 3, 2]


@in_memory
async def test_a_close_that_may_not_wait_leaves_what_is_under_way(gated):
    """It ends in its time, and the move is made, and told, behind it."""
    persister, backend = gated
    backend.is_shut = True
    writer = AsyncBatchWriter(persister, max_wait=0.0)
    future = await writer.put(add("s0"))
    await backend.until_begun(1)
    assert await writer.close(timeout=0.01) is False
    assert not future.done()
    backend.is_shut = False
    assert (await async_outcome(future)).version == 2


@in_memory
async def test_a_move_that_nobody_can_make_is_not_taken(gated, monkeypatch):
    """Where no thread can be started, say: who was told so finds nothing made of it, and the next one is served."""
    persister, _ = gated
    begun = []

    def background(name, run):
        begun.append(run)
        if len(begun) == 2:
            raise RuntimeError("can't start new thread")
        return AsyncBackground(name, run)

    monkeypatch.setattr(batch_writer, "AsyncBackground", background)
    async with AsyncBatchWriter(persister, max_wait=0.0) as writer:
        with pytest.raises(RuntimeError, match="thread"):
            await writer.put(add("s0"))
        assert (await async_outcome(await writer.put(add("s1")))).version == 2
        assert len(begun) == 3
    assert await async_numbers(persister) == [0, 1, 0, 0, 0]
