"""What beats in the background: one scheduler for many, which one that hangs does not stop."""

import asyncio
import threading

import pytest

from tai_state import AsyncLockManager, AsyncMemoryStore, DeadlockError, LockManager, MemoryStore, lock_owner
from tai_state._platform.hearts import IDLE_THREADS_MAX, AsyncHearts, Hearts

SECONDS = 20.0


def threads(name):
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_many_locks_have_one_scheduler():
    """Not a thread each."""
    locks = LockManager(MemoryStore())
    before = set(threading.enumerate())
    held = [locks.acquire(f"r{number}") for number in range(50)]
    assert len(set(threading.enumerate()) - before) <= IDLE_THREADS_MAX
    for lock in held:
        lock.release()
    assert set(threading.enumerate()) <= before


async def test_many_locks_have_no_task():
    """Between two beats the loop has a timer for each."""
    locks = AsyncLockManager(AsyncMemoryStore())
    held = [await locks.acquire(f"r{number}") for number in range(50)]
    assert asyncio.all_tasks() == {asyncio.current_task()}
    for lock in held:
        await lock.release()


def test_a_heart_that_hangs_delays_no_other():
    """Others are served by another thread, and all end with the last heart."""
    hearts, hangs, others = Hearts("tai-test-hearts"), threading.Event(), threading.Semaphore(0)

    def hang():
        hangs.wait(SECONDS)

    def beat():
        others.release()
        return 0.01

    first = hearts.start(hang, 0.0)
    second = hearts.start(beat, 0.0)
    for _ in range(5):
        assert others.acquire(timeout=SECONDS)
    hangs.set()
    second.stop(SECONDS)
    first.stop(SECONDS)
    assert threads("tai-test-hearts") == []


class DeadError(BaseException):
    """What ends a process in a simulation; no Exception."""


@pytest.mark.parametrize("error", [DeadError, ValueError])
def test_a_beat_that_raises_ends_its_heart_and_tells_nobody(error):
    """No traceback on standard error: nobody waits for it, and the others beat on."""
    hearts, beats = Hearts("tai-test-hearts"), threading.Semaphore(0)

    def fail():
        beats.release()
        raise error

    heart = hearts.start(fail, 0.0)
    assert beats.acquire(timeout=SECONDS)
    heart.stop(SECONDS)
    assert not beats.acquire(timeout=0.05)
    assert threads("tai-test-hearts") == []


@pytest.mark.parametrize("error", [DeadError, ValueError])
async def test_a_beat_that_raises_ends_its_heart_in_async_too(error):
    """No exception that was never retrieved."""
    beats: list[int] = []

    async def fail():
        beats.append(1)
        raise error

    heart = AsyncHearts("tai-test-hearts").start(fail, 0.0)
    while not beats:  # noqa: ASYNC110 - a beat sets no event
        await asyncio.sleep(0.001)
    await heart.stop(SECONDS)
    await asyncio.sleep(0.02)
    assert beats == [1]


def test_a_beat_can_be_put_forward():
    """Where it was to come much later."""
    hearts, beats = Hearts("tai-test-hearts"), threading.Semaphore(0)

    def beat():
        beats.release()

    heart = hearts.start(beat, 1000.0)
    heart.beat_in(0.0)
    assert beats.acquire(timeout=SECONDS)
    heart.stop(SECONDS)


async def test_tasks_of_a_block_are_its_owner():
    """Also the one that ``wait_for`` starts: it is told of the lock that its caller holds."""
    locks = AsyncLockManager(AsyncMemoryStore())
    with lock_owner("billing"):
        async with locks.hold("r"):
            for call in (asyncio.wait_for, lambda one, _: asyncio.create_task(one)):
                with pytest.raises(DeadlockError) as caught:
                    await call(locks.acquire("r", timeout=SECONDS), SECONDS)
                assert caught.value.cycle == ["billing", "billing"]
