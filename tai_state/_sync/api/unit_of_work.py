# Generated from tai_state/_async/api/unit_of_work.py by .ci/generate_sync.py; do not edit.
"""A unit of work: one attempt of a transaction, committed at the end of its block."""
from types import TracebackType
from typing import TYPE_CHECKING

from tai_state._sync.access.inflight import InFlight
from tai_state._sync.api.transaction import Transaction
from tai_state._sync.transactions.run import Run
from tai_state._platform.interrupts import Deferral

if TYPE_CHECKING:
    from tai_state.observers import Observation


class UnitOfWork:
    """A block that is one attempt of a transaction.

    It is committed when the block ends without an exception. It runs once: where what it read has changed, the
    StaleReadError is the caller's, and nothing was written.
    """

    def __init__(self, run: Run[None], inflight: InFlight) -> None:
        """Begin with the block."""
        self._run = run
        self._inflight = inflight
        self._observation: Observation | None = None

    def __enter__(self) -> Transaction:
        """Begin the attempt.

        Raises:
            StoreClosedError: The store is drained or closed.
        """
        with Deferral():
            # Counted until the block ends: a drain waits for it. Not as one call, which a signal would wait for.
            self._inflight.begin(self, is_new=True)
            observers = self._inflight.observers
            try:
                if observers.all and (operation := observers.begin("transaction", None, None)) is not None:
                    self._observation = observers.enter(operation)
                return Transaction(self._run.begin())
            except BaseException as error:
                self._end(error)
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
                    self._run.abandon(error)
            except BaseException as failed:
                self._end(failed)
                raise
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        try:
            if self._observation is not None:
                self._observation.leave()
                self._inflight.observers.end(self._observation.operation, error)
        finally:
            self._inflight.end(self)
