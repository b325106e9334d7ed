"""Callers of one process who want one lock: the first of them alone asks the store."""

import pytest

from tai_state import AsyncBackendStore, AsyncLockManager, SystemClock
from tai_state._async.locking import waiting
from tai_state._async.locking.acquire import AsyncAcquisition
from tai_state._platform.tasks import async_sleep, async_together
from tests._async.deaths import forget_every_lock
from tests._async.stores import AsyncWrappedBackend, in_memory
from tests.waits import POLL_SECONDS, SECONDS_MAX

LONG = 60.0
MANY = 20

monotonic = SystemClock().monotonic


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@in_memory
async def test_whoever_is_not_next_in_his_process_looks_but_once(place, monkeypatch):
    """When he comes; the first in line alone asks the store again and again, and has the next one told."""
    monkeypatch.setattr(waiting, "POLL_SECONDS_MAX", 0.01)
    looks = {"a": 0, "b": 0, "c": 0}
    look = AsyncAcquisition.look

    async def counted(acquisition, deadline):
        looks[acquisition.owner.label] += 1
        return await look(acquisition, deadline)

    monkeypatch.setattr(AsyncAcquisition, "look", counted)
    backend = AsyncWrappedBackend(place.store().runtime.access.backend)
    backend.capabilities = frozenset()
    locks = AsyncLockManager(AsyncBackendStore(backend))
    held = await locks.acquire("r", owner="a")
    seen: dict[str, int] = {}

    async def first():
        async with locks.hold("r", owner="b", timeout=LONG):
            pass

    async def second():
        ends = monotonic() + SECONDS_MAX
        while not looks["b"] and monotonic() < ends:
            await async_sleep(POLL_SECONDS)
        async with locks.hold("r", owner="c", timeout=LONG):
            pass

    async def release():
        ends = monotonic() + SECONDS_MAX
        while not looks["c"] and monotonic() < ends:
            await async_sleep(POLL_SECONDS)
        before = looks["b"]
        while looks["b"] < before + MANY and monotonic() < ends:
            await async_sleep(POLL_SECONDS)
        seen.update(b=looks["b"] - before, c=looks["c"])
        await held.release()

    await async_together([first, second, release])
    assert seen["b"] >= MANY
    # One to find it held before he stands in line, and one in it.
    assert 1 <= seen["c"] <= 2
