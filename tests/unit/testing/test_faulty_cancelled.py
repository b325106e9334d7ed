"""A request that was sent is not taken back: what is cancelled in the middle of a commit arrives later."""

import asyncio
import contextlib

from tai_state._async.backends.memory import AsyncMemoryBackend
from tai_state.documents import DocumentPath, Put
from tai_state.testing import AsyncFaultyBackend, Fault, FaultPlan, Faults

AT = DocumentPath("governors/g/states", "s")


async def test_a_cancelled_commit_arrives_all_the_same():
    """Cancelled on its way, it is not there, and with the next call it is."""
    inner = AsyncMemoryBackend()
    backend = AsyncFaultyBackend(inner, FaultPlan(1, Faults()))
    task = asyncio.create_task(backend.commit([Put(AT, {"value": 1})], timeout=5.0))
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert (await inner.get(AT, timeout=5.0)).get(AT) is None
    assert (await backend.get(AT, timeout=5.0)).get(AT) is not None
    assert backend.plan.injected == {Fault.ABANDONED: 1}
