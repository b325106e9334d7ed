"""Work under way: sleeping, shielding, running side by side and on another thread, in both colours."""

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import sleep as _sleep
from typing import Any, ParamSpec, TypeVar

from tai_state._platform.interrupts import Interruptible

T = TypeVar("T")


A = TypeVar("A")


P = ParamSpec("P")


_SLICE_SECONDS = 0.05


async_sleep = asyncio.sleep


def sleep(seconds: float) -> None:
    """Sleep; the sync twin of async_sleep."""
    with Interruptible():
        _sleep(seconds)


class AsyncWorker:
    """One thread that runs blocking calls in the order given, so that the loop never waits for a disk."""

    def __init__(self, name: str) -> None:
        """Start nothing yet."""
        self._name = name
        self._executor: ThreadPoolExecutor | None = None
        self._pid = os.getpid()

    async def run(self, function: Callable[[], T]) -> T:
        """Run *function* on the thread and return what it returns.

        A cancelled caller stops waiting; a call that has begun still runs to its end.
        """
        # A forked child inherits the executor without its thread, and would wait for ever.
        if self._executor is None or self._pid != os.getpid():
            self._executor = ThreadPoolExecutor(1, thread_name_prefix=self._name)
            self._pid = os.getpid()
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)

    def close(self) -> None:
        """End the thread after what was given to it; a later ``run`` starts another."""
        executor, self._executor = self._executor, None
        if executor is not None and self._pid == os.getpid():
            executor.shutdown(wait=True)


class Worker:
    """The sync twin of AsyncWorker: the caller's own thread."""

    def __init__(self, name: str) -> None:
        """Keep nothing."""

    def run(self, function: Callable[[], T]) -> T:
        """Call *function*."""
        return function()

    def close(self) -> None:
        """Do nothing."""


async def async_gather(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Make the calls side by side and return their results in order; the first error cancels the others."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_awaited(call)) for call in calls]
    return [task.result() for task in tasks]


async def _awaited(call: Callable[[], Awaitable[T]]) -> T:
    return await call()


def gather(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make the calls one after the other and return their results in order."""
    return [call() for call in calls]


async def async_together(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Make the calls at the same time: every one ends, then the first error of the list is raised."""
    tasks = [asyncio.ensure_future(_awaited(call)) for call in calls]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    results = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        results.append(outcome)
    return results


def together(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make the calls at the same time, a thread each; otherwise as async_together."""
    if not calls:
        return []
    with ThreadPoolExecutor(len(calls), thread_name_prefix="together") as executor:
        futures = [executor.submit(call) for call in calls]
    return [future.result() for future in futures]


_left_behind: set[asyncio.Task[None]] = set()


async def async_within(call: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> bool:
    """Make the call, and wait for its end *seconds* at most; return whether it ended.

    One that does not end is left behind, for where there is nothing better to do.
    """
    task = asyncio.ensure_future(call())
    # The loop itself would not keep it alive.
    _left_behind.add(task)
    task.add_done_callback(_left_behind.discard)
    await asyncio.wait([task], timeout=seconds)
    if task.done():
        task.result()
    return task.done()


def within(call: Callable[[], None], seconds: float) -> bool:
    """Make the call in a thread of its own; otherwise as async_within."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised below, in the caller's thread
            failed.append(error)

    thread = threading.Thread(target=run, name="tai-within", daemon=True)
    thread.start()
    with Interruptible():
        thread.join(seconds)
    if failed:
        raise failed[0]
    return not thread.is_alive()
