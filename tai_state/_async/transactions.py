"""Transactions: read-then-write over any states of any governors, all or none, serialisable, optimistic."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from tai_state._async.commits import AsyncSettlement, Settled, async_commit_once
from tai_state._async.guarding import AsyncGuard, AsyncLockSet, async_guarded, async_locks_of
from tai_state._async.lock import AsyncLock, Timeout
from tai_state._async.retrying import async_retry
from tai_state._async.store import AsyncStateStore
from tai_state._async.transaction import AsyncGovernorTransaction, AsyncTransaction
from tai_state._platform import async_run_body, async_shield
from tai_state.authors import resolve_metadata
from tai_state.clock import Deadline
from tai_state.codec import NULL, Payload, normalize
from tai_state.documents import CommitResult, Write
from tai_state.errors import OutcomeUnknownError, PreconditionFailedError, StaleReadError
from tai_state.layout import TRANSACTIONS
from tai_state.models import TransactionRecord
from tai_state.retry import RetryPolicy
from tai_state.rules.guards import check_leases
from tai_state.rules.outcome import Outcome
from tai_state.rules.transactions import checks, keyed_id, read_record, record_write, transaction_path

T = TypeVar("T")
POLICY = RetryPolicy(attempts=5, wait_initial=0.01, wait_max=1.0, deadline=30.0)


class AsyncTransactionManager:
    """Runs bodies as transactions.

    An attempt reads as of one moment, and buffers its writes; then one commit writes them, if nothing that was read
    has changed. So nothing is locked while the body runs, and the body may run more than once: keep it free of other
    effects. A document that a writing transaction only read is checked by the commit, and billed as a write.
    Queries are not part of a transaction: what a body reads it names.
    """

    def __init__(self, store: AsyncStateStore, retry: RetryPolicy | None = None) -> None:
        """Run transactions in *store*, each attempt within *retry*: 5 attempts and 30 seconds by default."""
        self.store = store
        self.retry = retry or POLICY
        self._engine = store.engine

    async def run(
        self,
        fn: Callable[[AsyncTransaction], Awaitable[T]],
        *,
        timeout: Timeout = None,
        read_only: bool = False,
        lock: AsyncLock | AsyncLockSet | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        """Run *fn* until one attempt is committed, and return what that attempt returned.

        Args:
            fn: The body; an exception of its own ends the transaction, passes through, and nothing is written.
            read_only: Read only, as of one moment; writing is refused, and nothing is checked or committed.
            lock: Guards the commit: the store refuses it when the lock was taken over.
            idempotency_key: Makes the transaction once for the whole store; its result must be JSON-like, and is
                what a repetition returns.

        Raises:
            RetriesExhaustedError: Every attempt met a conflict; from the last one.
            DeadlineExceededError: The time was over first. Nothing was written.
            OutcomeUnknownError: The deadline passed while the store may or may not have applied it.
            ConfigurationError: *fn* is of the other colour.
        """
        deadline = self.retry.begin(self._engine.clock, timeout)
        locks = async_locks_of(lock)

        async def attempt() -> T:
            async with async_guarded(locks, deadline) as guard:
                return await self._attempt(fn, guard, idempotency_key, read_only=read_only)

        with self.store.inflight.one():
            return await async_retry(
                attempt,
                (PreconditionFailedError, StaleReadError),
                policy=self.retry,
                deadline=deadline,
                rng=self._engine.rng,
                what="a transaction",
            )

    async def execute_transaction(
        self, governor_id: str, fn: Callable[[AsyncGovernorTransaction], Awaitable[T]], *, timeout: Timeout = None
    ) -> T:
        """Run *fn* with one governor bound: the methods of its argument take no governor."""

        async def bound(tx: AsyncTransaction) -> T:
            return await async_run_body(fn, AsyncGovernorTransaction(tx, governor_id))

        return await self.run(bound, timeout=timeout)

    def transactional(self, fn: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        """Decorate a function whose first argument is the transaction: each call of it runs one."""

        @functools.wraps(fn)
        async def run(*args: Any, **kwargs: Any) -> T:
            async def body(tx: AsyncTransaction) -> T:
                return await async_run_body(lambda one: fn(one, *args, **kwargs), tx)

            return await self.run(body)

        return run

    async def _attempt(
        self,
        fn: Callable[[AsyncTransaction], Awaitable[T]],
        guard: AsyncGuard,
        idempotency_key: str | None,
        *,
        read_only: bool,
    ) -> T:
        if idempotency_key is not None:
            known = await self._record(keyed_id(idempotency_key), guard.deadline)
            if known is not None:
                earlier: T = known.result
                return earlier
        tx = AsyncTransaction(self.store, guard.guarded, guard.deadline, read_only=read_only)
        try:
            result = await async_run_body(fn, tx)
        except Exception:
            # What a torn or outdated view of the documents made the body raise is no verdict of its own.
            await tx.check_steady()
            raise
        if not tx.writes and idempotency_key is None:
            await tx.check_steady()
            return result
        stored = NULL if idempotency_key is None else Payload.of(normalize(result, path="result"))
        await async_shield(self._commit, tx, guard, idempotency_key, stored)
        return result

    async def _commit(
        self, tx: AsyncTransaction, guard: AsyncGuard, idempotency_key: str | None, result: Payload
    ) -> None:
        """Commit what the body wrote, with a check of all that it only read, and the record that it happened."""
        attempt = self._engine.new_id()
        transaction_id = attempt if idempotency_key is None else keyed_id(idempotency_key)
        record = record_write(
            transaction_id,
            attempt=attempt,
            changed=tx.writes,
            result=result,
            metadata=resolve_metadata(None, self.store.actor),
            now=self._engine.clock.now(),
        )
        writes: list[Write] = [*tx.writes.values(), record, *checks(tx.documents, tx.writes)]

        async def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            found = (await self._engine.read([record.path], guard.deadline)).get(record.path)
            if found is not None and found.fields.get("attempt") == attempt:
                return Settled(Outcome.APPLIED, CommitResult(found.create_time, ()))
            return Settled(Outcome.REFUSED if refused or found is not None else Outcome.PENDING)

        def unknown() -> OutcomeUnknownError:
            return OutcomeUnknownError(transaction_id)

        tx.forget_heads()
        try:
            commit = await async_commit_once(self._engine, writes, guard.deadline, AsyncSettlement(read, unknown))
        except PreconditionFailedError:
            await self._check_leases(guard)
            raise
        tx.remember_heads(dict(zip(tx.writes, commit.update_times, strict=False)), guard)

    async def _check_leases(self, guard: AsyncGuard) -> None:
        """After a refused commit: find out whether a lock of ours is the reason.

        Raises:
            FencedOutError: It is.
        """
        if not guard.locks:
            return
        read = await self._engine.read(guard.guarded.paths, guard.deadline)
        leases = check_leases(guard.guarded.leases, read.documents)
        for lock, lease in zip(guard.locks, leases, strict=True):
            lock.refresh(lease)

    async def get_transaction(self, transaction_id: str, *, timeout: Timeout = None) -> TransactionRecord | None:
        """Return the record of a transaction that was committed; None when there is none."""
        return await self._record(transaction_id, self.retry.begin(self._engine.clock, timeout))

    async def list_transactions(
        self, *, limit: int | None = None, timeout: Timeout = None
    ) -> AsyncIterator[TransactionRecord]:
        """Iterate over the records of committed transactions, ascending by id (no order in time)."""
        async for document in self._engine.scan(TRANSACTIONS, limit=limit, timeout=timeout):
            yield read_record(document)

    async def _record(self, transaction_id: str, deadline: Deadline) -> TransactionRecord | None:
        path = transaction_path(transaction_id)
        document = (await self._engine.read([path], deadline)).get(path)
        return read_record(document) if document is not None else None
