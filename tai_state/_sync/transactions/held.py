# Generated from tai_state/_async/transactions/held.py by .ci/generate_sync.py; do not edit.
"""What transactions over several stores have in hand: a transaction that meets it past its lease settles it."""
from tai_state._sync.runtime import Runtime
from tai_state._sync.transactions.attempt import Attempt
from tai_state.clock import Deadline
from tai_state.errors import PreparedError
from tai_state.layout import state_layout
from tai_state.rules.transactions.record import stale_read


class Held:
    """What one run has met of it, by the ids of those transactions."""

    def __init__(self, runtime: Runtime) -> None:
        """Have met nothing in the store of *runtime*."""
        self._runtime = runtime
        self._met: set[str] = set()

    def is_settled(self, error: BaseException, deadline: Deadline) -> bool:
        """Settle what keeps a run from a state, if that is the error, as a single change does; return whether it is.

        Each once: a mark that stays all the same, since somebody has put it back, is the caller's to hear of.
        """
        settle = self._runtime.writer.settle_marked
        if settle is None or not isinstance(error, PreparedError) or error.transaction_id in self._met:
            return False
        self._met.add(error.transaction_id)
        return settle(error, deadline)

    def refuse(self, error: Exception, attempt: Attempt, deadline: Deadline) -> None:
        """Refuse what came of an attempt that met one, where that is settled by now: another may have other reasons.

        Raises:
            StaleReadError: What was read is no more; the body begins anew.
        """
        if isinstance(error, PreparedError) and self.is_settled(error, deadline):
            path = state_layout(error.governor_id, error.state_id).state
            raise stale_read(str(path), attempt.transaction_id) from error

    def check(self, attempt: Attempt, deadline: Deadline) -> None:
        """Make sure that nobody has in hand what an attempt looked at, before it is committed.

        Raises:
            PreparedError: Somebody has, and his lease runs, or nobody knows how he decided.
            StaleReadError: Somebody had, and it is settled now; the body begins anew.
        """
        try:
            attempt.draft.check_unprepared()
        except PreparedError as error:
            self.refuse(error, attempt, deadline)
            raise
