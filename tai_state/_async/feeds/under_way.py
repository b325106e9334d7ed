"""The work of a subscription that is under way, for who waits for its end."""

from collections.abc import Iterator
from contextlib import contextmanager

from tai_state._platform.callers import async_caller
from tai_state._platform.forks import anew_in_children
from tai_state._platform.tasks import async_sleep
from tai_state.clock import Deadline, SystemClock

_LOOK_SECONDS = 0.005


class AsyncUnderWay:
    """Knows who works. Without a lock: a signal's handler, which may wait here, runs between any two steps."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.begin_anew()
        anew_in_children(self)

    def begin_anew(self) -> None:
        """Know of nobody: who worked before a fork is the parent's."""
        self._callers: dict[object, tuple[int, int]] = {}

    @contextmanager
    def work(self, within: int | None = None) -> Iterator[None]:
        """Count the caller for as long as the block runs.

        Args:
            within: Whose work this is a part of, on a task or thread of its own; None: of nobody else's.
        """
        one, own = object(), async_caller()
        self._callers[one] = own, own if within is None else within
        try:
            yield
        finally:
            self._callers.pop(one, None)

    async def ended(self, seconds: float) -> bool:
        """Wait up to *seconds* for all but the caller, and the work that he is a part of: for these he would for ever.

        Returns:
            Whether they have ended.
        """
        own = async_caller()
        # Real seconds, whatever clock the store goes by.
        deadline = Deadline(SystemClock(), seconds)
        while self._others(own) and not deadline.passed:
            await async_sleep(_LOOK_SECONDS)
        return not self._others(own)

    def _others(self, own: int) -> bool:
        callers = list(self._callers.values())
        ours = {own, *(within for caller, within in callers if caller == own)}
        return any(caller not in ours for caller, _ in callers)
