# Generated from tai_state/_async/transactions.py by .ci/generate_sync.py; do not edit.
"""Transactions: read-then-write over any states of any governors, all or none, serialisable, optimistic."""
import functools
from collections.abc import Iterator, Awaitable, Callable
from typing import Any, TypeVar

from tai_state._sync.commits import Settlement, Settled, commit_once
from tai_state._sync.guarding import Guard, LockSet, guarded, locks_of
from tai_state._sync.lock import Lock, Timeout
from tai_state._sync.retrying import retry
from tai_state._sync.store import StateStore
from tai_state._sync.transaction import GovernorTransaction, Transaction
from tai_state._platform import run_body, shield
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


class TransactionManager:
    """Runs bodies as transactions.

    An attempt reads as of one moment, and buffers its writes; then one commit writes them, if nothing that was read
    has changed. So nothing is locked while the body runs, and the body may run more than once: keep it free of other
    effects. A document that a writing transaction only read is checked by the commit, and billed as a write.
    Queries are not part of a transaction: what a body reads it names.
    """

    def __init__(self, store: StateStore, retry: RetryPolicy | None = None) -> None:
        """Run transactions in *store*, each attempt within *retry*: 5 attempts and 30 seconds by default."""
        self.store = store
        self.retry = retry or POLICY
        self._engine = store.engine

    def run(
        self,
        fn: Callable[[Transaction], T],
        *,
        timeout: Timeout = None,
        read_only: bool = False,
        lock: Lock | LockSet | None = None,
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
        locks = locks_of(lock)

        def attempt() -> T:
            with guarded(locks, deadline) as guard:
                return self._attempt(fn, guard, idempotency_key, read_only=read_only)

        with self.store.inflight.one():
            return retry(
                attempt,
                (PreconditionFailedError, StaleReadError),
                policy=self.retry,
                deadline=deadline,
                rng=self._engine.rng,
                what="a transaction",
            )

    def execute_transaction(
        self, governor_id: str, fn: Callable[[GovernorTransaction], T], *, timeout: Timeout = None
    ) -> T:
        """Run *fn* with one governor bound: the methods of its argument take no governor."""

        def bound(tx: Transaction) -> T:
            return run_body(fn, GovernorTransaction(tx, governor_id))

        return self.run(bound, timeout=timeout)

    def transactional(self, fn: Callable[..., T]) -> Callable[..., T]:
        """Decorate a function whose first argument is the transaction: each call of it runs one."""

        @functools.wraps(fn)
        def run(*args: Any, **kwargs: Any) -> T:
            def body(tx: Transaction) -> T:
                return run_body(lambda one: fn(one, *args, **kwargs), tx)

            return self.run(body)

        return run

    def _attempt(
        self,
        fn: Callable[[Transaction], T],
        guard: Guard,
        idempotency_key: str | None,
        *,
        read_only: bool,
    ) -> T:
        if idempotency_key is not None:
            known = self._record(keyed_id(idempotency_key), guard.deadline)
            if known is not None:
                earlier: T = known.result
                return earlier
        tx = Transaction(self.store, guard.guarded, guard.deadline, read_only=read_only)
        try:
            result = run_body(fn, tx)
        except Exception:
            # What a torn or outdated view of the documents made the body raise is no verdict of its own.
            tx.check_steady()
            raise
        if not tx.writes and idempotency_key is None:
            tx.check_steady()
            return result
        stored = NULL if idempotency_key is None else Payload.of(normalize(result, path="result"))
        shield(self._commit, tx, guard, idempotency_key, stored)
        return result

    def _commit(
        self, tx: Transaction, guard: Guard, idempotency_key: str | None, result: Payload
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

        def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            found = (self._engine.read([record.path], guard.deadline)).get(record.path)
            if found is not None and found.fields.get("attempt") == attempt:
                return Settled(Outcome.APPLIED, CommitResult(found.create_time, ()))
            return Settled(Outcome.REFUSED if refused or found is not None else Outcome.PENDING)

        def unknown() -> OutcomeUnknownError:
            return OutcomeUnknownError(transaction_id)

        tx.forget_heads()
        try:
            commit = commit_once(self._engine, writes, guard.deadline, Settlement(read, unknown))
        except PreconditionFailedError:
            self._check_leases(guard)
            raise
        tx.remember_heads(dict(zip(tx.writes, commit.update_times, strict=False)), guard)

    def _check_leases(self, guard: Guard) -> None:
        """After a refused commit: find out whether a lock of ours is the reason.

        Raises:
            FencedOutError: It is.
        """
        if not guard.locks:
            return
        read = self._engine.read(guard.guarded.paths, guard.deadline)
        leases = check_leases(guard.guarded.leases, read.documents)
        for lock, lease in zip(guard.locks, leases, strict=True):
            lock.refresh(lease)

    def get_transaction(self, transaction_id: str, *, timeout: Timeout = None) -> TransactionRecord | None:
        """Return the record of a transaction that was committed; None when there is none."""
        return self._record(transaction_id, self.retry.begin(self._engine.clock, timeout))

    def list_transactions(
        self, *, limit: int | None = None, timeout: Timeout = None
    ) -> Iterator[TransactionRecord]:
        """Iterate over the records of committed transactions, ascending by id (no order in time)."""
        for document in self._engine.scan(TRANSACTIONS, limit=limit, timeout=timeout):
            yield read_record(document)

    def _record(self, transaction_id: str, deadline: Deadline) -> TransactionRecord | None:
        path = transaction_path(transaction_id)
        document = (self._engine.read([path], deadline)).get(path)
        return read_record(document) if document is not None else None
