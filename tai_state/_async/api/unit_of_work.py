"""A unit of work: one attempt of a transaction, committed at the end of its block."""

from types import TracebackType
from typing import TYPE_CHECKING

from tai_state._async.access.inflight import AsyncInFlight
from tai_state._async.api.transaction import AsyncTransaction
from tai_state._async.transactions.run import AsyncRun
from tai_state._platform.interrupts import AsyncDeferral

if TYPE_CHECKING:
    from tai_state.observers import Observation


class AsyncUnitOfWork:
    """A block that is one attempt of a transaction.

    It is committed when the block ends without an exception. It runs once: where what it read has changed, the
    StaleReadError is the caller's, and nothing was written.
    """

    def __init__(self, run: AsyncRun[None], inflight: AsyncInFlight) -> None:
        """Begin with the block."""
        self._run = run
        self._inflight = inflight
        self._observation: Observation | None = None

    async def __aenter__(self) -> AsyncTransaction:
        """Begin the attempt.

        Raises:
            StoreClosedError: The store is drained or closed.
        """
        with AsyncDeferral():
            # Counted until the block ends: a drain waits for it. Not as one call, which a signal would wait for.
            self._inflight.begin(self, is_new=True)
            observers = self._inflight.observers
            try:
                if observers.all and (operation := observers.begin("transaction", None, None)) is not None:
                    self._observation = observers.enter(operation)
                return AsyncTransaction(await self._run.begin())
            except BaseException as error:
                self._end(error)
                raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Commit, or after an exception write nothing.

        Raises:
            StaleReadError: What the block read has changed; nothing was written.
            TaiStateError: As for ``AsyncTransactionManager.run``.
        """
        with AsyncDeferral():
            try:
                if error is None:
                    await self._run.commit()
                else:
                    await self._run.abandon(error)
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
