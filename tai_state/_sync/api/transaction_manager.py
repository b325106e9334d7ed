# Generated from tai_state/_async/api/transaction_manager.py by .ci/generate_sync.py; do not edit.
"""Transactions: read-then-write over any states of any governors, all or none, serialisable, optimistic."""
import functools
from collections.abc import Iterator, Awaitable, Callable
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

from tai_state._sync.access.access import page_for
from tai_state._sync.access.turns import Lines
from tai_state._sync.api.governor_transaction import GovernorTransaction
from tai_state._sync.api.store import StateStore
from tai_state._sync.api.transaction import Transaction
from tai_state._sync.api.transaction_queue import TransactionQueue
from tai_state._sync.api.transactional import Transactional
from tai_state._sync.api.unit_of_work import UnitOfWork
from tai_state._sync.locking.guarding import guarding
from tai_state._sync.locking.lock import Lock
from tai_state._sync.locking.lock_set import LockSet
from tai_state._sync.transactions.attempt import Attempt
from tai_state._sync.transactions.run import Run
from tai_state._sync.transactions.turns import is_inside_run
from tai_state._platform.bodies import check_body, run_body, body_name
from tai_state._platform.iterators import ending
from tai_state.clock import Deadline, TimeLimit
from tai_state.config import (
    TRANSACTION_RETRY,
    TRANSACTION_TTL,
    check_colour,
    check_concurrency,
    check_option,
    check_ttl,
)
from tai_state.errors import ConfigurationError, SchemaVersionError, StoreError
from tai_state.layout import TRANSACTIONS, check_id, escape
from tai_state.models import FailedTransaction, TransactionRecord
from tai_state.retry import RetryPolicy
from tai_state.rules.records.arguments import check_limit
from tai_state.rules.records.unreadable import Unreadable
from tai_state.rules.transactions.record import Key, has_expired, read_record, transaction_path

T = TypeVar("T")
P = ParamSpec("P")
S = TypeVar("S")


class TransactionManager:
    """Runs bodies as transactions.

    An attempt reads as of one moment, and buffers its writes; then one commit writes them, if nothing that was read
    has changed. Nothing is locked while the body runs, and the body may run more than once: keep it free of other
    effects.

    - What a body does with anything but its argument is no part of the transaction: a change made with the store or
      a persister is made at once and stays, and a ``run`` inside a body is a transaction of its own, committed
      before the outer one and once more with each attempt of it. Give it an idempotency key, or make it outside.
    - Queries are no part of it either: what a body reads it names.
    - What is read in one go (``batch_get_states``) costs one request. What is read bit by bit is as of the first one's
      time; where the engine cannot read the past, a read-only transaction reads it again with every bit, and one that
      writes does where something new was changed since.
    - A document that a writing transaction only read is checked by the commit, and billed as a write. So is the
      record of the transaction.
    """

    def __init__(
        self,
        store: StateStore,
        retry: RetryPolicy | None = None,
        *,
        max_concurrent: int | None = None,
        record_ttl: timedelta = TRANSACTION_TTL,
    ) -> None:
        """Run transactions in *store*.

        Args:
            retry: Bounds each of them; None: as the store's settings say, or else they are tried again for 30 seconds.
            max_concurrent: The most that run at once; others wait, in the order in which they came. None: as the
                store's settings say, or else no bound.
            record_ttl: How long the record of a transaction counts, and with it an idempotency key.

        Raises:
            ConfigurationError: *store* is none, or one of the other colour; *max_concurrent* is no int of at least 1,
                or *record_ttl* no positive timedelta.
        """
        check_colour(store, StateStore, self)
        check_option(retry, RetryPolicy, "retry")
        self.store = store
        configured = store.runtime.configured
        self.retry = retry or (TRANSACTION_RETRY if configured is None else configured.transactions.retry)
        if max_concurrent is None and configured is not None:
            max_concurrent = configured.transactions.max_concurrent
        self.max_concurrent = check_concurrency(max_concurrent)
        self.record_ttl = check_ttl(record_ttl, "record_ttl")
        self._places = Lines(self.max_concurrent or 1)
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
        request: str | None = None,
        serialize: str | None = None,
    ) -> T:
        """Run *fn* until one attempt is committed, and return what that attempt returned.

        Args:
            fn: The body; an exception of its own ends the transaction, passes through, and nothing is written.
            timeout: The total time in seconds, all attempts and waits included. A body is not interrupted: what it
                reads or commits after that time is refused.
            read_only: Read only, as of one moment; writing is refused, and nothing is checked or committed.
            lock: Guards the commit, and is renewed by it: the store refuses it when the lock was taken over.
            idempotency_key: Makes the transaction once for the whole store. The result must be JSON-like, and a
                repetition returns it without running the body.
            request: What the key stands for; None: the qualified name of *fn*. Under the same key another request
                is refused.
            serialize: A name: the runs under it, of all processes, go one after the other, in the order in which
                they came. For states so hot that runs would spend their time on conflicts.

        Raises:
            DeadlineExceededError: The time was over; from the last conflict, if there was one. Nothing was written.
            RetriesExhaustedError: The policy allows so many attempts, and each met a conflict; from the last one.
                Nothing was written.
            OutcomeUnknownError: The deadline passed while the store may or may not have applied it;
                ``get_transaction(error.transition_id)`` tells later.
            IdempotencyMismatchError: *idempotency_key* was used for another request.
            LockLostError, FencedOutError: *lock* cannot be trusted any more, or the store refused it.
            InvalidDataError: The result of a keyed body is not JSON-like; nothing was written.
            DocumentTooLargeError: The commit is larger than the store takes; nothing was sent.
            ConfigurationError: *fn* is of the other colour; *read_only* and *idempotency_key* are both given,
                or a *request* without a key.
        """
        check_body(fn)
        key = _key(idempotency_key, request, fn, read_only=read_only)

        def body(attempt: Attempt) -> T:
            return run_body(fn, Transaction(attempt))

        deadline = self.retry.begin(self._access.clock, timeout)
        run = Run(
            self.store.runtime,
            body,
            policy=self.retry,
            deadline=deadline,
            guarding=guarding(self._access, lock),
            record_ttl=self.record_ttl,
            key=key,
            read_only=read_only,
            queue=self._queue.fair,
        )
        with self.store.runtime.inflight.one("transaction"):
            with self._place(deadline), self._queue.serialized(serialize, deadline):
                return run.result()

    @contextmanager
    def _place(self, deadline: Deadline) -> Iterator[None]:
        """Be one of those who run at once; whoever runs inside another is that one."""
        if self.max_concurrent is None or is_inside_run():
            yield
            return
        with self._places.turn(f"the {self.max_concurrent} places of a transaction manager", deadline):
            yield

    def begin(
        self,
        lock: Lock | LockSet | None = None,
        *,
        timeout: TimeLimit = None,
        read_only: bool = False,
    ) -> UnitOfWork:
        """Return a unit of work: ``with manager.begin() as tx`` is one attempt, committed with its block.

        An exception of the block passes through, and nothing is written. Arguments as for ``run``.

        Raises:
            StaleReadError: At the end of the block, or in it: what it read has changed; nothing was written.
            TaiStateError: As for ``run``.
        """
        run: Run[None] = Run(
            self.store.runtime,
            _never,
            policy=self.retry,
            deadline=self.retry.begin(self._access.clock, timeout),
            guarding=guarding(self._access, lock),
            record_ttl=self.record_ttl,
            read_only=read_only,
        )
        return UnitOfWork(run, self.store.runtime.inflight)

    @property
    def failed_transactions(self) -> list[FailedTransaction]:
        """The last transactions of this store's process that failed, the newest at the end; at most 100 are kept."""
        return list(self.store.runtime.failed_transactions)

    def execute_transaction(
        self,
        governor_id: str,
        fn: Callable[[GovernorTransaction], T],
        *,
        timeout: TimeLimit = None,
        read_only: bool = False,
        lock: Lock | LockSet | None = None,
        idempotency_key: str | None = None,
        request: str | None = None,
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
            request=_request(idempotency_key, request, fn),
            serialize=serialize,
        )

    @overload
    def transactional(
        self, fn: Callable[Concatenate[Transaction, P], T], /
    ) -> Callable[P, T]: ...

    @overload
    def transactional(
        self, fn: Callable[Concatenate[S, Transaction, P], T], /
    ) -> Callable[Concatenate[S, P], T]: ...

    @overload
    def transactional(
        self,
        fn: None = None,
        /,
        *,
        timeout: TimeLimit = None,
        read_only: bool = False,
        lock: Lock | LockSet | Callable[..., Lock | LockSet] | None = None,
        idempotency_key: str | Callable[..., str] | None = None,
        serialize: str | None = None,
    ) -> Callable[[Callable[Concatenate[Transaction, P], T]], Callable[P, T]]: ...

    def transactional(
        self,
        fn: Any = None,
        /,
        *,
        timeout: TimeLimit = None,
        read_only: bool = False,
        lock: Lock | LockSet | Callable[..., Lock | LockSet] | None = None,
        idempotency_key: str | Callable[..., str] | None = None,
        serialize: str | None = None,
    ) -> Any:
        """Decorate a function whose first argument is the transaction: each call of it, with the others, runs one.

        ``@manager.transactional``, or with options ``@manager.transactional(read_only=True)``. Of a method the
        transaction is the argument behind ``self``.

        Args:
            timeout, read_only, serialize: As for ``run``.
            lock: As for ``run``; or a function that returns it, given the arguments of a call.
            idempotency_key: As for ``run``, the same for all calls; or a function that returns it, given the arguments
                of a call.

        Raises:
            ConfigurationError: The function is of the other colour; at once where that can be told.
        """
        if fn is None:
            return functools.partial(
                self.transactional,
                timeout=timeout,
                read_only=read_only,
                lock=lock,
                idempotency_key=idempotency_key,
                serialize=serialize,
            )
        check_body(fn)

        def run(
            body: Callable[[Transaction], Any], args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> Any:
            key = idempotency_key(*args, **kwargs) if callable(idempotency_key) else idempotency_key
            return self.run(
                body,
                timeout=timeout,
                read_only=read_only,
                lock=lock(*args, **kwargs) if callable(lock) else lock,
                idempotency_key=key,
                request=_request(key, None, fn),
                serialize=serialize,
            )

        return Transactional(fn, run)

    def get_transaction(self, transaction_id: str, *, timeout: TimeLimit = None) -> TransactionRecord | None:
        """Return the record of a transaction that was committed; None when there is none, or none any more."""
        path = transaction_path(transaction_id)
        with self.store.runtime.inflight.one("get_transaction"):
            read = self._access.read([path], self._access.begin(timeout))
        document = read.get(path)
        record = read_record(document) if document is not None else None
        return None if record is None or has_expired(record, read.read_time) else record

    def list_transactions(
        self, *, after: str | None = None, limit: int | None = None, timeout: TimeLimit = None
    ) -> Iterator[TransactionRecord]:
        """Iterate over the records of committed transactions, ascending by id (no order in time).

        Those that had expired when the iteration began are left out. Documents that are damaged or somebody else's are
        passed over, and named at the end.

        Args:
            after: Begin behind this transaction id.
            timeout: Bounds each page.

        Raises:
            DamagedDocumentsError: Behind the last record: some could not be read.
        """
        start = None if after is None else escape(after, "after")
        check_limit(limit)
        inflight = self.store.runtime.inflight
        with inflight.one("list_transactions"):
            now = self._access.server_time(self._access.begin(timeout))
        left, unreadable = limit, Unreadable()
        found = self._access.scan(TRANSACTIONS, after=start, page=page_for(limit), timeout=timeout)
        with ending(inflight.reading(found, "list_transactions")) as documents:
            while left != 0 and (document := next(documents, None)) is not None:
                try:
                    record = read_record(document)
                except (StoreError, SchemaVersionError) as error:
                    unreadable.add(error, document)
                    continue
                if not has_expired(record, now):
                    left = None if left is None else left - 1
                    yield record
        unreadable.tell()


def _never(attempt: Attempt) -> None:
    """Stand for the body of a run that is a block of its caller's."""


def _request(key: str | None, request: str | None, fn: object) -> str | None:
    return body_name(fn) if request is None and key is not None else request


def _key(text: str | None, request: str | None, fn: object, *, read_only: bool) -> Key | None:
    if text is None:
        if request is not None:
            message = "request= tells what an idempotency key stands for: give idempotency_key=, too"
            raise ConfigurationError(message)
        return None
    if read_only:
        message = "a read_only transaction writes nothing, not even that it was made under a key"
        raise ConfigurationError(message)
    return Key(text, body_name(fn) if request is None else request)
