"""What transactions over several stores have in hand: a transaction that meets it past its lease settles it."""

from tai_state._async.runtime import AsyncRuntime
from tai_state._async.transactions.attempt import AsyncAttempt
from tai_state.clock import Deadline
from tai_state.errors import PreparedError
from tai_state.layout import state_layout
from tai_state.rules.transactions.record import stale_read


class AsyncHeld:
    """What one run has met of it, by the ids of those transactions."""

    def __init__(self, runtime: AsyncRuntime) -> None:
        """Have met nothing in the store of *runtime*."""
        self._runtime = runtime
        self._met: set[str] = set()

    async def is_settled(self, error: BaseException, deadline: Deadline) -> bool:
        """Settle what keeps a run from a state, if that is the error, as a single change does; return whether it is.

        Each once: a mark that stays all the same, since somebody has put it back, is the caller's to hear of.
        """
        settle = self._runtime.writer.settle_marked
        if settle is None or not isinstance(error, PreparedError) or error.transaction_id in self._met:
            return False
        self._met.add(error.transaction_id)
        return await settle(error, deadline)

    async def refuse(self, error: Exception, attempt: AsyncAttempt, deadline: Deadline) -> None:
        """Refuse what came of an attempt that met one, where that is settled by now: another may have other reasons.

        Raises:
            StaleReadError: What was read is no more; the body begins anew.
        """
        if isinstance(error, PreparedError) and await self.is_settled(error, deadline):
            path = state_layout(error.governor_id, error.state_id).state
            raise stale_read(str(path), attempt.transaction_id) from error

    async def check(self, attempt: AsyncAttempt, deadline: Deadline) -> None:
        """Make sure that nobody has in hand what an attempt looked at, before it is committed.

        Raises:
            PreparedError: Somebody has, and his lease runs, or nobody knows how he decided.
            StaleReadError: Somebody had, and it is settled now; the body begins anew.
        """
        try:
            attempt.draft.check_unprepared()
        except PreparedError as error:
            await self.refuse(error, attempt, deadline)
            raise
