"""Functions that a user hands in and that may take so long and no longer, in both colours."""

import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tai_state._platform.bodies import check_body, run_body
from tai_state._platform.interrupts import Interruptible

if TYPE_CHECKING:
    import asyncio
else:
    from tai_state._platform import late_asyncio as asyncio

A = TypeVar("A")
T = TypeVar("T")


class OverdueError(Exception):
    """A function had not ended when its time was over; nobody knows what it has done, or will do."""


def async_check_bounded(body: object) -> None:
    """Do nothing: the async colour takes functions of both."""


check_bounded = check_body
"""The sync twin of async_check_bounded: refuses a function that is async."""

_left_behind: "set[asyncio.Future[Any]]" = set()


async def async_run_bounded(body: Callable[[A], Awaitable[T] | T], argument: A, seconds: float | None) -> T:
    """Call *body*, and await it where it is async; that is cancelled when *seconds* are over.

    A plain function keeps the loop until it ends.

    Raises:
        OverdueError: It had not ended by then.
    """
    result = body(argument)
    if not inspect.isawaitable(result):
        return result
    if seconds is None:
        return await cast("Awaitable[T]", result)
    task: asyncio.Future[T] = asyncio.ensure_future(result)
    try:
        await asyncio.wait([task], timeout=seconds)
    except asyncio.CancelledError:
        _leave_behind(task)
        raise
    if task.done():
        return task.result()
    _leave_behind(task)
    raise OverdueError


def _leave_behind(task: "asyncio.Future[Any]") -> None:
    # The loop itself would not keep it alive while it ends.
    _left_behind.add(task)
    task.add_done_callback(_forget)
    task.cancel()


def _forget(task: "asyncio.Future[Any]") -> None:
    _left_behind.discard(task)
    if not task.cancelled():
        task.exception()  # marks it as seen: nobody waits for it


def run_bounded(body: Callable[[A], T], argument: A, seconds: float | None) -> T:
    """Call *body*, in a thread of its own where its time is bounded; that thread is left behind when it is over.

    Raises:
        OverdueError: It had not ended by then.
        ConfigurationError: It is async, so it is of the other colour.
    """
    if seconds is None:
        return run_body(body, argument)
    results: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            results.append(run_body(body, argument))
        except BaseException as error:  # noqa: BLE001 - raised below, in the caller's thread
            failed.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), name="tai-step", daemon=True)
    thread.start()
    with Interruptible():
        thread.join(seconds)
    if failed:
        raise failed[0]
    if results:
        return results[0]
    raise OverdueError
