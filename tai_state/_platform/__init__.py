"""The twin primitives: what differs in kind between the colours, side by side.

``async_foo`` and ``AsyncFoo`` serve the async source, ``foo`` and ``Foo`` the code
generated from it. Everything else is written once.
"""

import asyncio
import contextlib
import inspect
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import sleep as _sleep
from typing import Any, ParamSpec, TypeVar

from tai_state._platform.hearts import AsyncHeart as AsyncHeart
from tai_state._platform.hearts import Heart as Heart
from tai_state._platform.owners import async_caller as async_caller
from tai_state._platform.owners import async_current_owner as async_current_owner
from tai_state._platform.owners import caller as caller
from tai_state._platform.owners import current_owner as current_owner
from tai_state.errors import ConfigurationError
from tai_state.interrupts import Deferral as Deferral
from tai_state.interrupts import Interruptible as Interruptible

T = TypeVar("T")
A = TypeVar("A")
P = ParamSpec("P")

_SLICE_SECONDS = 0.05

async_sleep = asyncio.sleep


def sleep(seconds: float) -> None:
    """Sleep; the sync twin of async_sleep."""
    with Interruptible():
        _sleep(seconds)


class AsyncDeferral:
    """The twin of Deferral: a cancellation reaches a task only where it waits, so there is nothing to do."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Do nothing."""


class AsyncInterruptible:
    """The twin of Interruptible: a task that waits can be cancelled."""

    __slots__ = ()

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Do nothing."""


async def async_interruptibly(items: AsyncIterator[T]) -> AsyncIterator[T]:
    """Pass *items* on; the wait for each of them can be interrupted."""
    while True:
        with AsyncInterruptible():
            try:
                item = await anext(items)
            except StopAsyncIteration:
                return
        yield item


def interruptibly(items: Iterator[T]) -> Iterator[T]:
    """Pass *items* on; the wait for each of them can be interrupted."""
    while True:
        with Interruptible():
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


class AsyncMutex:
    """Mutual exclusion between the tasks of one loop."""

    def __init__(self) -> None:
        """Make it free."""
        self._lock = asyncio.Lock()

    async def acquire(self, timeout: float) -> bool:
        """Take it, waiting at most *timeout* seconds; return whether it was taken."""
        if not self._lock.locked():
            return await self._lock.acquire()
        try:
            async with asyncio.timeout(timeout):
                return await self._lock.acquire()
        except TimeoutError:
            return False

    def release(self) -> None:
        """Free it."""
        self._lock.release()


class Mutex:
    """Mutual exclusion between threads."""

    def __init__(self) -> None:
        """Make it free."""
        self._lock = threading.Lock()

    def acquire(self, timeout: float) -> bool:
        """Take it, waiting at most *timeout* seconds; return whether it was taken."""
        if self._lock.acquire(blocking=False):
            return True
        # Not one long wait that can be interrupted: an interrupt behind it would leave the mutex taken by nobody.
        for _ in range(int(min(timeout, threading.TIMEOUT_MAX) / _SLICE_SECONDS) + 1):
            with Interruptible():
                pass
            if self._lock.acquire(timeout=min(timeout, _SLICE_SECONDS)):
                return True
        return False

    def release(self) -> None:
        """Free it."""
        self._lock.release()


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


async def async_shield(call: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Make the call and run it to its end even when the caller is cancelled meanwhile; the cancellation follows.

    The call bounds itself: what it does ends by its deadline.
    """
    task = asyncio.ensure_future(call(*args, **kwargs))
    # Whoever ends a loop (``asyncio.run`` does) cancels every task that it finds. This one is not to be found: its
    # caller is, and ends only after it. The function is documented for those who make tasks of their own.
    asyncio.tasks._unregister_task(task)  # noqa: SLF001 - see docs.python.org/3/library/asyncio-extending.html
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            # Several may come while the work ends; each is remembered by the one raised here.
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # marks it as seen: the cancellation is what the caller gets
    raise cancelled


def shield(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Make the call and run it to its end even when the main thread is interrupted meanwhile; the interrupt follows."""
    with Deferral(settling=True):
        return call(*args, **kwargs)


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


class AsyncSignal:
    """A one-place wake-up for one waiting task; it may be set from any thread.

    Setting it twice before the waiter looks wakes the waiter once.
    """

    def __init__(self) -> None:
        """Belong to the running loop; not set."""
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the waiter, or let its next wait return at once."""
        try:
            self._loop.call_soon_threadsafe(self._event.set)
        except RuntimeError:
            # The loop is closed, and the waiter with it. Any other trouble is ours.
            if not self._loop.is_closed():
                raise

    async def wait(self, timeout: float) -> bool:
        """Wait until it is set or *timeout* seconds have passed; return whether it was set, and unset it."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Signal:
    """The sync twin of AsyncSignal, for one waiting thread."""

    def __init__(self) -> None:
        """Start unset."""
        self._event = threading.Event()

    def set(self) -> None:
        """Wake the waiter, or let its next wait return at once."""
        self._event.set()

    def wait(self, timeout: float) -> bool:
        """Wait until it is set or *timeout* seconds have passed; return whether it was set, and unset it."""
        with Interruptible():
            was_set = self._event.wait(timeout)
        if was_set:
            self._event.clear()
        return was_set


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


async def async_run_body(body: Callable[[A], Awaitable[T]], argument: A) -> T:
    """Await *body* with its argument.

    Raises:
        ConfigurationError: It is no coroutine function, so it is of the other colour.
    """
    awaitable = body(argument)
    if not _is_awaitable(awaitable):
        message = f"{body!r} is not async: give an async store an `async def`, or use the sync classes"
        raise ConfigurationError(message)
    return await awaitable


def run_body(body: Callable[[A], T], argument: A) -> T:
    """Call *body* with its argument.

    Raises:
        ConfigurationError: It is a coroutine function, so it is of the other colour.
    """
    with Interruptible():
        result = body(argument)
    if _is_awaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        message = f"{body!r} is async: give a sync store a plain function, or use the Async classes"
        raise ConfigurationError(message)
    return result


def _is_awaitable(value: object) -> bool:
    # Types say which it is; the caller of the wrong colour has none that say so.
    return inspect.isawaitable(value)


@contextlib.asynccontextmanager
async def async_ending(iterator: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """End *iterator* with the block, where it is a generator, so that what it holds is released then."""
    try:
        yield iterator
    finally:
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()


@contextlib.contextmanager
def ending(iterator: Iterator[T]) -> Iterator[Iterator[T]]:
    """End *iterator* with the block; the sync twin of async_ending."""
    try:
        yield iterator
    finally:
        if isinstance(iterator, Generator):
            iterator.close()
