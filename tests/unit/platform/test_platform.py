"""The twin primitives where they meet the operating system."""

import asyncio
import os
import threading

import pytest

from tai_state._platform.interrupts import async_shield
from tai_state._platform.owners import async_current_owner, current_owner
from tai_state._platform.tasks import AsyncWorker


def exit_code_of_child(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_worker_serves_a_forked_child() -> None:
    """A child whose parent used the worker gets a thread of its own instead of waiting for one that is not there."""
    worker = AsyncWorker("tai-test")
    asyncio.run(worker.run(lambda: None))
    child = os.fork()
    if child == 0:
        code = asyncio.run(asyncio.wait_for(worker.run(lambda: 7), 10))
        os._exit(code)
    assert exit_code_of_child(child) == 7
    asyncio.run(worker.close())


async def test_shielded_work_ends_before_the_cancellation() -> None:
    """A cancelled caller sees its work done first."""
    began, go_on, done = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        began.set()
        await go_on.wait()
        done.append(True)

    task = asyncio.create_task(async_shield(work))
    await began.wait()
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [True]


def test_two_threads_are_two_owners() -> None:
    """An owner's name is never given to another thread, also not after the first has ended."""
    names: list[str] = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: names.append(current_owner().id))
        thread.start()
        thread.join()
    assert len({*names, current_owner().id}) == 3


async def test_two_tasks_are_two_owners() -> None:
    """Each task has a name of its own, and keeps it."""

    async def twice() -> tuple[str, str]:
        return async_current_owner().id, async_current_owner().id

    first, second = await asyncio.create_task(twice()), await asyncio.create_task(twice())
    assert first[0] == first[1]
    assert first[0] != second[0]


async def test_whoever_cancels_all_tasks_of_a_loop_does_not_find_shielded_work() -> None:
    """The end of a loop cancels its callers, who wait for it."""
    began, go_on, done = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        began.set()
        await go_on.wait()
        done.append(True)

    task = asyncio.create_task(async_shield(work))
    await began.wait()
    assert asyncio.all_tasks() == {task, asyncio.current_task()}
    for one in asyncio.all_tasks() - {asyncio.current_task()}:
        one.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [True]


async def test_shielded_work_that_is_timed_out_inside_ends_so() -> None:
    """A timeout of its own is its own affair."""

    async def work() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await async_shield(work)
