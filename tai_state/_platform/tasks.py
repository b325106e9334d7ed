"""Work under way: sleeping, shielding, running side by side and on another thread, in both colours."""

import os
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from time import sleep as _sleep
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from tai_state._platform.interrupts import Interruptible
from tai_state.clock import Deadline
from tai_state.errors import StoreUnavailableError

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor
else:
    from tai_state._platform import late_asyncio as asyncio

T = TypeVar("T")


A = TypeVar("A")


P = ParamSpec("P")


_SLICE_SECONDS = 0.05


async def async_sleep(seconds: float) -> None:
    """Sleep, and let the other tasks run meanwhile."""
    await asyncio.sleep(seconds)


def sleep(seconds: float) -> None:
    """Sleep; the sync twin of async_sleep."""
    with Interruptible():
        _sleep(seconds)


async def async_give_way() -> None:
    """Let the other tasks that are ready run first."""
    await asyncio.sleep(0)


def give_way() -> None:
    """Do nothing, the twin of async_give_way: the interpreter switches between threads by itself."""


class AsyncWorker:
    """One thread that runs blocking calls in the order given, so that the loop never waits for a disk."""

    def __init__(self, name: str) -> None:
        """Start nothing yet."""
        self._name = name
        self._executor: ThreadPoolExecutor | None = None
        self._pid = os.getpid()

    async def run(self, function: Callable[[], T], deadline: Deadline | None = None) -> T:
        """Run *function* on the thread and return what it returns.

        Who is cancelled, or whose *deadline* passes, stops waiting; a call that has begun still runs to its end.

        Raises:
            StoreUnavailableError: The deadline passed, while the call ran or others before it.
        """
        call = self.begin(function)
        if deadline is None:
            return await call
        try:
            await asyncio.wait([call], timeout=deadline.remaining())
            if not call.done():
                message = (
                    f"the timeout of {deadline.seconds:g} seconds passed while earlier calls were busy with the disk"
                )
                raise StoreUnavailableError(message)
            return call.result()
        finally:
            call.cancel()

    def begin(self, function: Callable[[], T]) -> "asyncio.Future[T]":
        """Give *function* to the thread, and return its future."""
        # A forked child inherits the executor without its thread, and would wait for ever.
        if self._executor is None or self._pid != os.getpid():
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - with asyncio, at the first use

            self._executor = ThreadPoolExecutor(1, thread_name_prefix=self._name)
            self._pid = os.getpid()
        return asyncio.get_running_loop().run_in_executor(self._executor, function)

    async def close(self) -> None:
        """End the thread after what was given to it, the loop going on meanwhile; a later ``run`` starts another."""
        executor, self._executor = self._executor, None
        if executor is None or self._pid != os.getpid():
            return
        try:
            # Behind this the thread has nothing more to do, and ends at once.
            await asyncio.get_running_loop().run_in_executor(executor, give_way)
        except BaseException:
            executor.shutdown(wait=False)
            raise
        executor.shutdown(wait=True)


class Worker:
    """The sync twin of AsyncWorker: the caller's own thread."""

    def __init__(self, name: str) -> None:
        """Keep nothing."""

    def run(self, function: Callable[[], T], _: Deadline | None = None) -> T:
        """Call *function*, which keeps its own time."""
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
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - few calls need several threads

    with ThreadPoolExecutor(len(calls), thread_name_prefix="together") as executor:
        futures = [executor.submit(call) for call in calls]
    return [future.result() for future in futures]


_left_behind: "set[asyncio.Task[None]]" = set()


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
