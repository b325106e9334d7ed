"""Outcomes that come later: the futures of callers who do not wait for what they asked for, in both colours."""

from __future__ import annotations

from concurrent import futures
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from tai_state._platform.interrupts import Interruptible

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Collection
else:
    from tai_state._platform import late_asyncio as asyncio

T = TypeVar("T")

AsyncFuture: TypeAlias = "asyncio.Future[T]"
Future: TypeAlias = futures.Future[T]


class AsyncPromise(Generic[T]):
    """A future of the running loop, and what settles it, from whichever thread or loop."""

    def __init__(self) -> None:
        """Promise an outcome to a task of the running loop."""
        self.future: AsyncFuture[T] = asyncio.get_running_loop().create_future()

    def begin(self) -> bool:
        """Return whether anybody still wants the outcome; who has cancelled it does not."""
        return not self.future.cancelled()

    def settle(self, outcome: T | Exception) -> None:
        """Give the outcome, an exception as what is raised."""
        loop = self.future.get_loop()
        try:
            is_here = asyncio.get_running_loop() is loop
        except RuntimeError:
            is_here = False
        if is_here:
            _give(self.future, outcome)
            return
        try:
            loop.call_soon_threadsafe(_give, self.future, outcome)
        except RuntimeError:
            # The loop is closed, and whoever waited with it. Any other trouble is ours.
            if not loop.is_closed():
                raise


class Promise(Generic[T]):
    """The sync twin of AsyncPromise."""

    def __init__(self) -> None:
        """Promise an outcome to a thread."""
        self.future: Future[T] = futures.Future()

    def begin(self) -> bool:
        """Return whether anybody still wants the outcome; from then on nobody cancels it."""
        return self.future.set_running_or_notify_cancel()

    def settle(self, outcome: T | Exception) -> None:
        """Give the outcome, an exception as what is raised."""
        _give(self.future, outcome)


def _give(future: AsyncFuture[T] | Future[T], outcome: T | Exception) -> None:
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


async def async_settled(waited: Collection[AsyncFuture[T]], timeout: float | None) -> bool:
    """Wait until all are settled, or *timeout* seconds have passed; return whether they are. None of them is raised."""
    if waited:
        await asyncio.wait(waited, timeout=timeout)
    return all(one.done() for one in waited)


def settled(waited: Collection[Future[T]], timeout: float | None) -> bool:
    """Wait as ``async_settled`` does."""
    with Interruptible():
        return not futures.wait(waited, timeout=timeout).not_done
