"""A thousand locks that come and go on the emulator; the suite does it on the other backends."""

import asyncio
import threading

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncFirestoreStore,
    AsyncLockManager,
    FirestoreStore,
    LockManager,
    LockTimeoutError,
)
from tests.integration.locking.test_lock_interruptions import LONG, WatchedBackend, documents_of

TURNS = 1_000

pytestmark = [pytest.mark.torture, pytest.mark.emulator]


def test_a_thousand_turns_leak_no_thread_and_no_document(tai_state_project):
    """With heartbeats, and from time to time with somebody who waits in vain."""
    with FirestoreStore(tai_state_project) as store:
        locks = LockManager(store)
        take_turns(locks, 10)
        before = set(threading.enumerate())
        take_turns(locks, TURNS)
        assert set(threading.enumerate()) <= before
        assert documents_of(store) == ["locks/r"]
        assert store.runtime.locks.held() == []


def take_turns(locks, turns):
    for turn in range(turns):
        with locks.hold("r", owner="a", timeout=LONG):
            if turn % 10 == 0:
                with pytest.raises(LockTimeoutError):
                    locks.acquire("r", owner="b", timeout=0.05)


async def test_a_thousand_turns_leak_no_task_and_no_watch(tai_state_project):
    """As no thread and no document."""
    async with AsyncFirestoreStore(tai_state_project) as store:
        backend = WatchedBackend(store.runtime.access.backend)
        locks = AsyncLockManager(AsyncBackendStore(backend))
        await async_take_turns(locks, 10)
        before = len(asyncio.all_tasks())
        await async_take_turns(locks, TURNS)
        assert len(asyncio.all_tasks()) <= before
        assert backend.opened >= 10
        assert backend.open == 0
        assert [str(one.path) async for one in backend.scan("waits", timeout=LONG)] == []


async def async_take_turns(locks, turns):
    for turn in range(turns):
        async with locks.hold("r", owner="a", timeout=LONG):
            if turn % 100 == 0:
                with pytest.raises(LockTimeoutError):
                    await locks.acquire("r", owner="b", timeout=0.05)
