"""Changes of keys: one operation, each of several, and all or none."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

from tai_state._async.api.transaction_queue import AsyncTransactionQueue
from tai_state._async.commits.coalescing import Wish
from tai_state._async.commits.many import async_make_each
from tai_state._async.keys.listing import async_key_values
from tai_state._async.locking.guarding import async_guarding
from tai_state._async.transactions.run import AsyncRun
from tai_state.authors import author_of
from tai_state.config import TRANSACTION_RETRY, TRANSACTION_TTL
from tai_state.errors import (
    DeadlineExceededError,
    KeyTransactionError,
    PreconditionFailedError,
    RetriesExhaustedError,
    StaleReadError,
    StoreError,
    TaiStateError,
)
from tai_state.layout import state_layout
from tai_state.models.keys import OpResult
from tai_state.rules.commits.kinds import Call
from tai_state.rules.keys.changes import (
    KIND,
    UnchangedError,
    answer_in,
    key_change,
    previous_in,
    refused_in_transaction,
    request_of,
    value_of,
)
from tai_state.rules.keys.op import check_op
from tai_state.rules.keys.plain_ops import Delete
from tai_state.rules.transactions.record import Key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tai_state._async.api.store import AsyncStateStore
    from tai_state._async.commits.writer import Applied
    from tai_state._async.locking.lock import AsyncLock
    from tai_state._async.locking.lock_set import AsyncLockSet
    from tai_state._async.transactions.attempt import AsyncAttempt
    from tai_state.authors import Author
    from tai_state.clock import Deadline, TimeLimit
    from tai_state.layout import OwnGovernor
    from tai_state.models import ChangeMetadata
    from tai_state.rules.commits.change import Change
    from tai_state.rules.keys.op import KeyOp

_NOT_AN_OPERATIONS = (
    DeadlineExceededError,
    PreconditionFailedError,
    RetriesExhaustedError,
    StaleReadError,
    StoreError,
)
"""What ends a transaction, or begins it anew, whichever operation was under way."""

_CLEARED_AT_ONCE = 200


class AsyncChangeOptions(TypedDict, total=False):
    """What every change of a key takes; see ``AsyncKeys``."""

    idempotency_key: str | None
    metadata: ChangeMetadata | None
    lock: AsyncLock | AsyncLockSet | None
    timeout: TimeLimit


class AsyncKeyChanges:
    """Changes the keys of one group."""

    def __init__(self, store: AsyncStateStore, governor_id: OwnGovernor) -> None:
        """Write through *store*."""
        self._runtime = store.runtime
        self._governor_id = governor_id
        self._queue = AsyncTransactionQueue(store)

    async def one(
        self,
        op: KeyOp,
        *,
        idempotency_key: str | None = None,
        metadata: ChangeMetadata | None = None,
        lock: AsyncLock | AsyncLockSet | None = None,
        timeout: TimeLimit = None,
    ) -> Any:
        """Do *op*, and return what its caller is told."""
        deadline = self._runtime.access.begin(timeout)
        author = author_of(metadata, self._runtime.actor)
        try:
            applied = await self._written(self._change(op, author, idempotency_key), lock, deadline)
        except UnchangedError as unchanged:
            return unchanged.answer
        return answer_in(op, applied.event)

    async def each(
        self,
        ops: Sequence[KeyOp],
        *,
        idempotency_key: str | None,
        metadata: ChangeMetadata | None,
        lock: AsyncLock | AsyncLockSet | None,
        timeout: TimeLimit,
    ) -> list[OpResult]:
        """Do each of *ops* for itself; what only reads is read where it stands among the others."""
        results: dict[int, OpResult] = {}
        waiting: dict[int, Change] = {}
        author = author_of(metadata, self._runtime.actor)
        for index, op in enumerate(map(check_op, ops)):
            try:
                if op.ONLY_READS:
                    await self._flush(ops, waiting, results, lock, timeout)
                    results[index] = await self._read(op, timeout)
                else:
                    key = None if idempotency_key is None else f"{idempotency_key}:{index}"
                    waiting[index] = self._change(op, author, key)
            except TaiStateError as error:
                results[index] = OpResult(op.id, error=error)
        await self._flush(ops, waiting, results, lock, timeout)
        return [results[index] for index in range(len(ops))]

    async def all_or_none(
        self,
        ops: Sequence[KeyOp],
        *,
        idempotency_key: str | None = None,
        metadata: ChangeMetadata | None = None,
        lock: AsyncLock | AsyncLockSet | None = None,
        timeout: TimeLimit = None,
    ) -> list[Any]:
        """Do all of *ops* in one commit, and return what each tells."""
        access = self._runtime.access
        author = author_of(metadata, self._runtime.actor)
        checked = [check_op(op) for op in ops]
        wanted = list({op.key: state_layout(self._governor_id, op.key) for op in checked}.values())

        async def body(attempt: AsyncAttempt) -> list[Any]:
            await attempt.read_states(wanted)
            return [await self._step(attempt, index, op, author) for index, op in enumerate(checked)]

        run = AsyncRun(
            self._runtime,
            body,
            policy=TRANSACTION_RETRY,
            deadline=TRANSACTION_RETRY.begin(access.clock, timeout),
            guarding=async_guarding(access, lock),
            record_ttl=TRANSACTION_TTL,
            key=None if idempotency_key is None else Key(idempotency_key, request_of(checked)),
            author=author,
            queue=self._queue.fair,
        )
        with self._runtime.inflight.one("transaction", self._governor_id):
            return await run.result()

    async def clear(self, metadata: ChangeMetadata | None, timeout: TimeLimit) -> int:
        """Remove every key of the group, and return how many this call removed."""
        author = author_of(metadata, self._runtime.actor)
        count = 0
        page: list[KeyOp] = []
        async for key, _ in async_key_values(self._runtime, self._governor_id, None, timeout=timeout):
            page.append(Delete(key))
            if len(page) == _CLEARED_AT_ONCE:
                count += await self._remove(page, author, timeout)
                page = []
        return count + await self._remove(page, author, timeout)

    # Inside

    def _change(self, op: KeyOp, author: Author, idempotency_key: str | None = None) -> Change:
        return key_change(Call(state_layout(self._governor_id, op.key), author, None, idempotency_key), op)

    async def _written(self, change: Change, lock: AsyncLock | AsyncLockSet | None, deadline: Deadline) -> Applied:
        runtime, paths = self._runtime, change.paths
        with runtime.inflight.one(KIND, paths.governor_id, paths.state_id):
            return await runtime.writer.write(change, runtime.settings, deadline, async_guarding(runtime.access, lock))

    async def _read(self, op: KeyOp, timeout: TimeLimit) -> OpResult:
        record = await self._runtime.record(state_layout(self._governor_id, op.key), timeout)
        return OpResult(op.id, op.apply(value_of(record)).answer)

    async def _flush(
        self,
        ops: Sequence[KeyOp],
        waiting: dict[int, Change],
        results: dict[int, OpResult],
        lock: AsyncLock | AsyncLockSet | None,
        timeout: TimeLimit,
    ) -> None:
        """Make the changes that wait, and note what became of each."""
        made = await self._made(waiting, lock, timeout)
        results.update({index: _result(ops[index], outcome) for index, outcome in made.items()})
        waiting.clear()

    async def _made(
        self, changes: dict[int, Change], lock: AsyncLock | AsyncLockSet | None, timeout: TimeLimit
    ) -> dict[int, Applied | Exception]:
        access = self._runtime.access

        async def alone(index: int) -> Applied | Exception:
            try:
                return await self._written(changes[index], lock, access.begin(timeout))
            except Exception as error:  # noqa: BLE001 - a function of the user's may raise anything, each for itself
                return error

        if lock is not None:
            made: dict[int, Applied | Exception] = {}
            for index in changes:
                made[index] = await alone(index)
            return made
        wishes = {index: Wish(change, self._runtime.settings) for index, change in changes.items()}
        call = partial(self._runtime.inflight.one, "key_batch", self._governor_id)
        return await async_make_each(self._runtime.writer, wishes, alone, timeout, call)

    async def _remove(self, page: Sequence[KeyOp], author: Author, timeout: TimeLimit) -> int:
        """Remove some keys, and return how many were there still.

        Raises:
            TaiStateError: The first of those that could not be removed failed with it; the others are removed.
        """
        made = await self._made({index: self._change(op, author) for index, op in enumerate(page)}, None, timeout)
        for outcome in made.values():
            if isinstance(outcome, Exception) and not isinstance(outcome, UnchangedError):
                raise outcome
        return sum(not isinstance(outcome, Exception) for outcome in made.values())

    async def _step(self, attempt: AsyncAttempt, index: int, op: KeyOp, author: Author) -> Any:
        """Do one operation of a transaction.

        Raises:
            KeyTransactionError: It failed.
        """
        try:
            return await self._stepped(attempt, op, author)
        except _NOT_AN_OPERATIONS:
            raise
        except Exception as error:
            raise KeyTransactionError(index, op=op.NAME, key=op.key, op_id=op.id, why=str(error)) from error

    async def _stepped(self, attempt: AsyncAttempt, op: KeyOp, author: Author) -> Any:
        if op.ONLY_READS:
            (head,) = await attempt.heads([state_layout(self._governor_id, op.key)])
            if isinstance(head, Exception):
                raise head
            return op.apply(value_of(None if head is None else head.record)).answer
        try:
            applied = await attempt.write(self._change(op, author), self._runtime.settings)
        except UnchangedError as unchanged:
            refused_in_transaction(op, unchanged.answer)
            return unchanged.answer
        return answer_in(op, applied.event)


def _result(op: KeyOp, outcome: Applied | Exception) -> OpResult:
    """Return what became of an operation.

    Raises:
        Exception: It is none of the package's: a function of the user's raised it.
    """
    if isinstance(outcome, UnchangedError):
        return OpResult(op.id, outcome.answer)
    if isinstance(outcome, Exception):
        return OpResult(op.id, error=outcome)
    event = outcome.event
    return OpResult(op.id, answer_in(op, event), None, previous_in(event), event.version)
