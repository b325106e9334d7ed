"""The calls under way: counted, so that they can be ended in bounded time before a store closes."""

import threading
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Optional, TypeVar

from tai_state._async.access.damage import tell_damage
from tai_state._platform.callers import async_caller
from tai_state._platform.forks import anew_in_children
from tai_state._platform.interrupts import AsyncDeferral
from tai_state._platform.tasks import async_sleep
from tai_state.clock import Deadline, SystemClock
from tai_state.errors import CorruptLogError, StoreClosedError

T = TypeVar("T")

_POLL_SECONDS = 0.005


class AsyncCall:
    """One call under way, for as long as the block runs; in the main thread it is interrupted only where it waits."""

    __slots__ = ("_caller", "_deferral", "_inflight", "_is_new")

    def __init__(self, inflight: "AsyncInFlight", *, is_new: bool) -> None:
        """Count it with the block."""
        self._inflight = inflight
        self._is_new = is_new
        self._deferral = AsyncDeferral()

    def __enter__(self) -> None:
        """Count it.

        Raises:
            StoreClosedError: No new call is let in.
        """
        self._deferral.__enter__()
        try:
            self._caller = async_caller()
            self._inflight.begin(self._caller, is_new=self._is_new)
        except BaseException:
            self._deferral.__exit__(None, None, None)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count it no more; what it found damaged is told once, wherever it was found."""
        self._inflight.end(self._caller)
        if isinstance(error, CorruptLogError):
            tell_damage(error)
        self._deferral.__exit__(kind, error, trace)


class AsyncInFlight:
    """A count of calls under way, and a door that can be shut."""

    def __init__(self, what: str = "the store", within: Optional["AsyncInFlight"] = None) -> None:
        """Begin open, with none under way.

        Args:
            what: Whose calls they are, as an error says it.
            within: Counts these calls, too, and shuts them out with its own.
        """
        self._what = what
        self._within = within
        self._is_shut = False
        self.begin_anew()
        anew_in_children(self)

    def begin_anew(self) -> None:
        """Count no call: those under way are the parent's."""
        self._counts: dict[int, int] = {}
        self._lock = threading.Lock()

    def one(self) -> AsyncCall:
        """Count one call for as long as the block of the returned context manager runs.

        Raises:
            StoreClosedError: On entering: it is drained or closed.
        """
        return AsyncCall(self, is_new=True)

    def check(self) -> None:
        """Do nothing while calls are let in; one that may wait for long asks now and then.

        Raises:
            StoreClosedError: It is drained or closed.
        """
        if self._within is not None:
            self._within.check()
        if self._is_shut:
            message = f"{self._what} is drained or closed, and takes no more calls"
            raise StoreClosedError(message)

    def begin(self, caller: int, *, is_new: bool) -> None:
        """Count a call of *caller*; a new one is let in only while the door is open.

        Raises:
            StoreClosedError: It is shut.
        """
        if self._within is not None:
            self._within.begin(caller, is_new=is_new)
        # Under one lock: whoever drains sees the count of all that were let in.
        with self._lock:
            if not (is_new and self._is_shut):
                self._counts[caller] = self._counts.get(caller, 0) + 1
                return
        if self._within is not None:
            self._within.end(caller)
        self.check()

    def end(self, caller: int) -> None:
        """Count a call no more; one that began before a fork is not counted in the child."""
        with self._lock:
            count = self._counts.pop(caller, 0) - 1
            if count > 0:
                self._counts[caller] = count
        if self._within is not None:
            self._within.end(caller)

    async def reading(self, items: AsyncIterator[T]) -> AsyncIterator[T]:
        """Pass *items* on, which are let in once; only the wait for each next one is a call under way.

        What the reader does between two of them is not: one who stops reading holds up nobody.

        Raises:
            StoreClosedError: It is drained or closed.
        """
        is_new = True
        while True:
            with AsyncCall(self, is_new=is_new):
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    return
            is_new = False
            yield item

    def refuse(self) -> None:
        """Let no new call in."""
        with self._lock:
            self._is_shut = True

    async def drain(self, timeout: float) -> bool:
        """Let no new call in, wait up to *timeout* seconds for the others; return whether all ended.

        Those of the caller itself are not waited for: a signal's handler that drains interrupts one, which ends
        only after it.
        """
        self.refuse()
        own = async_caller()
        # Real seconds: calls under way end in real time, whatever clock their store goes by.
        deadline = Deadline(SystemClock(), timeout)
        while self._others(own) and not deadline.passed:
            await async_sleep(_POLL_SECONDS)
        return not self._others(own)

    def _others(self, own: int) -> bool:
        with self._lock:
            return any(caller != own for caller in self._counts)
