"""The work of a subscription that is under way, for who waits for its end."""

from collections.abc import Iterator
from contextlib import contextmanager

from tai_state._platform.callers import async_caller
from tai_state._platform.tasks import async_sleep
from tai_state.clock import Deadline, SystemClock

_LOOK_SECONDS = 0.005


class AsyncUnderWay:
    """Knows who works. Without a lock: a signal's handler, which may wait here, runs between any two steps."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._callers: dict[object, int] = {}

    @contextmanager
    def work(self) -> Iterator[None]:
        """Count the caller for as long as the block runs."""
        one = object()
        self._callers[one] = async_caller()
        try:
            yield
        finally:
            del self._callers[one]

    async def ended(self, seconds: float) -> bool:
        """Wait up to *seconds* for all but the caller, who would wait for ever; return whether they have ended."""
        own = async_caller()
        # Real seconds, whatever clock the store goes by.
        deadline = Deadline(SystemClock(), seconds)
        while self._others(own) and not deadline.passed:
            await async_sleep(_LOOK_SECONDS)
        return not self._others(own)

    def _others(self, own: int) -> bool:
        return any(caller != own for caller in list(self._callers.values()))
