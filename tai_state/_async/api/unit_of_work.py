"""A unit of work: one attempt of a transaction, committed at the end of its block."""

from types import TracebackType

from tai_state._async.access.inflight import AsyncInFlight
from tai_state._async.api.transaction import AsyncTransaction
from tai_state._async.transactions.run import AsyncRun
from tai_state._platform.callers import async_caller
from tai_state._platform.interrupts import AsyncDeferral


class AsyncUnitOfWork:
    """A block that is one attempt of a transaction.

    It is committed when the block ends without an exception. It runs once: where what it read has changed, the
    StaleReadError is the caller's, and nothing was written.
    """

    def __init__(self, run: AsyncRun[None], inflight: AsyncInFlight) -> None:
        """Begin with the block."""
        self._run = run
        self._inflight = inflight
        self._caller = 0

    async def __aenter__(self) -> AsyncTransaction:
        """Begin the attempt.

        Raises:
            StoreClosedError: The store is drained or closed.
        """
        with AsyncDeferral():
            # Counted until the block ends: a drain waits for it. Not as one call, which a signal would wait for.
            self._caller = async_caller()
            self._inflight.begin(self._caller, is_new=True)
            try:
                return AsyncTransaction(await self._run.begin())
            except BaseException:
                self._inflight.end(self._caller)
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
                    self._run.abandon()
            finally:
                self._inflight.end(self._caller)
