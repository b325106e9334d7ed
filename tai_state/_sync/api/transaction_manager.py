# Generated from tai_state/_async/api/transaction_manager.py by .ci/generate_sync.py; do not edit.
"""Transactions: read-then-write over any states of any governors, all or none, serialisable, optimistic."""
import functools
from collections.abc import Iterator, Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from tai_state._sync.api.store import StateStore, check_limit
from tai_state._sync.api.transaction import GovernorTransaction, Transaction
from tai_state._sync.api.transaction_queue import TransactionQueue
from tai_state._sync.locking.fence import guarding
from tai_state._sync.locking.lock import Lock
from tai_state._sync.locking.lock_set import LockSet
from tai_state._sync.transactions.attempt import Attempt
from tai_state._sync.transactions.run import Run
from tai_state._platform.bodies import check_body, run_body
from tai_state.clock import TimeLimit
from tai_state.config import TRANSACTION_RETRY
from tai_state.errors import ConfigurationError
from tai_state.layout import TRANSACTIONS, check_id, escape
from tai_state.models import TransactionRecord
from tai_state.retry import RetryPolicy
from tai_state.rules.transactions.record import keyed_id, read_record, transaction_path

T = TypeVar("T")
P = ParamSpec("P")


class TransactionManager:
    """Runs bodies as transactions.

    An attempt reads as of one moment, and buffers its writes; then one commit writes them, if nothing that was read
    has changed. Nothing is locked while the body runs, and the body may run more than once: keep it free of other
    effects.

    - What a body does with anything but its argument is no part of the transaction: a change made with the store or
      a persister is made at once and stays, and a ``run`` inside a body is a transaction of its own, committed
      before the outer one and once more with each attempt of it. Give it an idempotency key, or make it outside.
    - Queries are no part of it either: what a body reads it names.
    - What is read in one go (``batch_get_states``) costs one request. What is read bit by bit is read again with
      every bit, so that all of it is as of one moment.
    - A document that a writing transaction only read is checked by the commit, and billed as a write. So is the
      record of the transaction.
    """

    def __init__(self, store: StateStore, retry: RetryPolicy | None = None) -> None:
        """Run transactions in *store*, each within *retry*: by default as often as 30 seconds allow."""
        self.store = store
        self.retry = retry or TRANSACTION_RETRY
        self._access = store.runtime.access
        self._queue = TransactionQueue(store)

    def run(
        self,
        fn: Callable[[Transaction], T],
        *,
        timeout: TimeLimit = None,
        read_only: bool = False,
        lock: Lock | LockSet | None = None,
        idempotency_key: str | None = None,
        serialize: str | None = None,
    ) -> T:
        """Run *fn* until one attempt is committed, and return what that attempt returned.

        Args:
            fn: The body; an exception of its own ends the transaction, passes through, and nothing is written.
            timeout: The total time in seconds, all attempts and waits included. A body is not interrupted: what it
                reads or commits after that time is refused.
            read_only: Read only, as of one moment; writing is refused, and nothing is checked or committed.
            lock: Guards the commit, and is renewed by it: the store refuses it when the lock was taken over.
            idempotency_key: Makes the transaction once for the whole store, whatever the body. The result must be
                JSON-like, and a repetition returns it without running the body.
            serialize: A name: the runs under it, of all processes, go one after the other, in the order in which
                they came. For states so hot that runs would spend their time on conflicts.

        Raises:
            DeadlineExceededError: The time was over; from the last conflict, if there was one. Nothing was written.
            RetriesExhaustedError: The policy allows so many attempts, and each met a conflict; from the last one.
                Nothing was written.
            OutcomeUnknownError: The deadline passed while the store may or may not have applied it;
                ``get_transaction(error.transition_id)`` tells later.
            LockLostError, FencedOutError: *lock* cannot be trusted any more, or the store refused it.
            InvalidDataError: The result of a keyed body is not JSON-like; nothing was written.
            DocumentTooLargeError: The commit is larger than the store takes; nothing was sent.
            ConfigurationError: *fn* is of the other colour; *read_only* and *idempotency_key* are both given.
        """
        check_body(fn)
        if read_only and idempotency_key is not None:
            message = "a read_only transaction writes nothing, not even that it was made under a key"
            raise ConfigurationError(message)

        def body(attempt: Attempt) -> T:
            return run_body(fn, Transaction(attempt))

        deadline = self.retry.begin(self._access.clock, timeout)
        run = Run(
            self.store.runtime,
            body,
            policy=self.retry,
            deadline=deadline,
            guarding=guarding(lock),
            key_id=None if idempotency_key is None else keyed_id(idempotency_key),
            read_only=read_only,
            queue=self._queue.fair,
        )
        with self.store.runtime.inflight.one():
            with self._queue.serialized(serialize, deadline):
                return run.result()

    def execute_transaction(
        self,
        governor_id: str,
        fn: Callable[[GovernorTransaction], T],
        *,
        timeout: TimeLimit = None,
        read_only: bool = False,
        lock: Lock | LockSet | None = None,
        idempotency_key: str | None = None,
        serialize: str | None = None,
    ) -> T:
        """Run *fn* as ``run`` does, with one governor bound: the methods of its argument take none."""
        check_body(fn)
        check_id(governor_id, "governor_id")

        def bound(tx: Transaction) -> T:
            return run_body(fn, GovernorTransaction(tx, governor_id))

        return self.run(
            bound,
            timeout=timeout,
            read_only=read_only,
            lock=lock,
            idempotency_key=idempotency_key,
            serialize=serialize,
        )

    @overload
    def transactional(
        self, fn: Callable[Concatenate[Transaction, P], T], /
    ) -> Callable[P, T]: ...

    @overload
    def transactional(
        self, fn: None = None, /, *, timeout: TimeLimit = None, read_only: bool = False
    ) -> Callable[[Callable[Concatenate[Transaction, P], T]], Callable[P, T]]: ...

    def transactional(self, fn: Any = None, /, *, timeout: TimeLimit = None, read_only: bool = False) -> Any:
        """Decorate a function whose first argument is the transaction: each call of it, with the others, runs one.

        ``@manager.transactional``, or with options ``@manager.transactional(read_only=True)``.

        Raises:
            ConfigurationError: The function is of the other colour; at once where that can be told.
        """
        if fn is None:
            return functools.partial(self._decorated, timeout=timeout, read_only=read_only)
        return self._decorated(fn, timeout=timeout, read_only=read_only)

    def _decorated(self, fn: Callable[..., T], *, timeout: TimeLimit, read_only: bool) -> Any:
        check_body(fn)

        @functools.wraps(fn)
        def run(*args: Any, **kwargs: Any) -> T:
            def body(tx: Transaction) -> T:
                return run_body(lambda one: fn(one, *args, **kwargs), tx)

            return self.run(body, timeout=timeout, read_only=read_only)

        return run

    def get_transaction(self, transaction_id: str, *, timeout: TimeLimit = None) -> TransactionRecord | None:
        """Return the record of a transaction that was committed; None when there is none."""
        path = transaction_path(transaction_id)
        with self.store.runtime.inflight.one():
            document = (self._access.read([path], self._access.begin(timeout))).get(path)
        return read_record(document) if document is not None else None

    def list_transactions(
        self, *, after: str | None = None, limit: int | None = None, timeout: TimeLimit = None
    ) -> Iterator[TransactionRecord]:
        """Iterate over the records of committed transactions, ascending by id (no order in time).

        Args:
            after: Begin behind this transaction id.
            timeout: Bounds each page.
        """
        start = None if after is None else escape(after, "after")
        check_limit(limit)
        for document in self._access.scan(TRANSACTIONS, after=start, limit=limit, timeout=timeout):
            yield read_record(document)
