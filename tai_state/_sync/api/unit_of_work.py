# Generated from tai_state/_async/api/unit_of_work.py by .ci/generate_sync.py; do not edit.
"""A unit of work: one attempt of a transaction, committed at the end of its block."""
from types import TracebackType

from tai_state._sync.access.inflight import InFlight
from tai_state._sync.api.transaction import Transaction
from tai_state._sync.transactions.run import Run
from tai_state._platform.callers import caller
from tai_state._platform.interrupts import Deferral


class UnitOfWork:
    """A block that is one attempt of a transaction.

    It is committed when the block ends without an exception. It runs once: where what it read has changed, the
    StaleReadError is the caller's, and nothing was written.
    """

    def __init__(self, run: Run[None], inflight: InFlight) -> None:
        """Begin with the block."""
        self._run = run
        self._inflight = inflight
        self._caller = 0

    def __enter__(self) -> Transaction:
        """Begin the attempt.

        Raises:
            StoreClosedError: The store is drained or closed.
        """
        with Deferral():
            # Counted until the block ends: a drain waits for it. Not as one call, which a signal would wait for.
            self._caller = caller()
            self._inflight.begin(self._caller, is_new=True)
            try:
                return Transaction(self._run.begin())
            except BaseException:
                self._inflight.end(self._caller)
                raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit, or after an exception write nothing.

        Raises:
            StaleReadError: What the block read has changed; nothing was written.
            TaiStateError: As for ``TransactionManager.run``.
        """
        with Deferral():
            try:
                if error is None:
                    self._run.commit()
                else:
                    self._run.abandon()
            finally:
                self._inflight.end(self._caller)
