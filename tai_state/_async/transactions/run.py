"""One call of ``run``: attempts of a body, until one of them is committed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tai_state._async.access.retry import async_retry
from tai_state._async.api.store import AsyncStateStore
from tai_state._async.commits.protocol import AsyncSettlement, Settled, async_commit_once
from tai_state._async.locking.fence import AsyncGuard, async_guarded
from tai_state._async.locking.lock import AsyncLock
from tai_state._async.transactions.attempt import AsyncAttempt
from tai_state._platform.tasks import async_shield
from tai_state.authors import MetadataRecord, resolve_metadata
from tai_state.clock import Deadline
from tai_state.codec import NULL, Payload, normalize
from tai_state.config import Encoding
from tai_state.documents import CommitResult, Write
from tai_state.errors import (
    ConflictError,
    DeadlineExceededError,
    DocumentTooLargeError,
    OutcomeUnknownError,
    PreconditionFailedError,
    StaleReadError,
)
from tai_state.models import TransactionRecord
from tai_state.retry import RetryPolicy
from tai_state.rules.commits.settle import Outcome
from tai_state.rules.locking.fence import check_leases
from tai_state.rules.transactions.record import made_by, read_record, record_write, transaction_path

T = TypeVar("T")
POLICY = RetryPolicy(attempts=5, wait_initial=0.01, wait_max=1.0, deadline=30.0)


@dataclass(frozen=True, slots=True)
class _Raised:
    """An exception of the body that looks like a conflict of ours, and is none."""

    error: Exception


class AsyncRun(Generic[T]):
    """What one call of ``run`` has to remember over its attempts."""

    def __init__(
        self,
        store: AsyncStateStore,
        body: Callable[[AsyncAttempt], Awaitable[T]],
        *,
        policy: RetryPolicy,
        deadline: Deadline,
        locks: Sequence[AsyncLock],
        key_id: str | None,
        read_only: bool,
        metadata: MetadataRecord | None = None,
    ) -> None:
        """Prepare a run; *key_id* is the transaction id of its idempotency key.

        Args:
            metadata: Who makes it, for its record; None: who the context or the store says.
        """
        self._store = store
        self._access = store.runtime.access
        self._body = body
        self._policy = policy
        self._deadline = deadline
        self._locks = locks
        self._keyed = key_id is not None
        self._read_only = read_only
        self._metadata = metadata
        # One id for all attempts: their records exclude each other, come what may.
        self._id = store.runtime.access.new_id() if key_id is None else key_id
        self._path = transaction_path(self._id)
        self._attempts = 0
        self._conflict: ConflictError | None = None

    async def result(self) -> T:
        """Return what the attempt that counts returned: ours, or the one that was committed under our key."""
        earlier = await self._earlier()
        if earlier is not None:
            kept: T = earlier.result
            return kept
        try:
            ended = await async_retry(
                self._attempt,
                (PreconditionFailedError, StaleReadError),
                policy=self._policy,
                deadline=self._deadline,
                rng=self._access.rng,
                what="a transaction",
            )
        except DeadlineExceededError as error:
            if self._conflict is None or not self._deadline.passed or error.__cause__ is self._conflict:
                raise
            message = (
                f"the {self._deadline.seconds:g} seconds allowed were over in attempt {self._attempts} of a "
                "transaction, after conflicts; nothing was written"
            )
            raise DeadlineExceededError(message) from self._conflict
        if isinstance(ended, _Raised):
            raise ended.error
        return ended

    async def _earlier(self) -> TransactionRecord | None:
        """Return the record of the transaction that was committed under our key, None when there is none yet."""
        if not self._keyed:
            return None
        document = (await self._access.read([self._path], self._deadline)).get(self._path)
        return read_record(document) if document is not None else None

    async def _attempt(self) -> T | _Raised:
        self._attempts += 1
        try:
            return await self._attempt_once()
        except (PreconditionFailedError, StaleReadError) as error:
            self._conflict = error
            raise

    async def _attempt_once(self) -> T | _Raised:
        """Run the body once, and commit what it wrote.

        1. Its exceptions pass through, once it is sure that it saw the documents as they were at one moment.
        2. A stale view begins anew, whatever the body made of it.
        3. Without a write, and without a key to remember, there is nothing to commit.
        """
        if self._deadline.passed:
            message = f"the {self._deadline.seconds:g} seconds allowed are over; nothing was written"
            raise DeadlineExceededError(message)
        async with async_guarded(self._locks, self._deadline) as guard:
            # The turn ends here: heartbeats go on while the body runs, and the body may use the locks, too.
            leases = guard.guarded
        attempt = AsyncAttempt(
            self._store, self._id, leases, self._deadline, locks=guard.locks, read_only=self._read_only
        )
        try:
            result = await self._body(attempt)
        except Exception as error:
            attempt.end()
            earlier = await self._judge(attempt, error)
            if earlier is not None:
                kept: T = earlier.result
                return kept
            if isinstance(error, PreconditionFailedError | StaleReadError):
                return _Raised(error)
            raise
        finally:
            attempt.end()
        if attempt.stale is not None:
            raise attempt.stale
        if attempt.writes or self._keyed:
            return await self._commit(attempt, result)
        await attempt.confirm()
        return result

    async def _judge(self, attempt: AsyncAttempt, error: Exception) -> TransactionRecord | None:
        """Return what was committed under our key, in view of which the body failed; None: its exception counts.

        Raises:
            StaleReadError: What the body raised rests on what never was, or is no more.
        """
        if attempt.stale is not None:
            raise attempt.stale from error
        await attempt.confirm()
        return await self._earlier()

    async def _commit(self, attempt: AsyncAttempt, result: T) -> T:
        """Commit, and return the result; under a key, as a repetition will return it."""
        stored = Payload.of(normalize(result, path="result")) if self._keyed else NULL
        async with async_guarded(self._locks, self._deadline) as guard:
            try:
                await async_shield(self._send, attempt, guard, stored)
            except PreconditionFailedError:
                earlier = await self._earlier()
                if earlier is None:
                    await self._check_leases(guard)
                    raise
                stored = Payload.of(earlier.result)
        kept: T = stored.value() if self._keyed else result
        return kept

    async def _send(self, attempt: AsyncAttempt, guard: AsyncGuard, result: Payload) -> None:
        try:
            await self._send_once(attempt, guard, result, self._store.runtime.settings.encoding)
        except DocumentTooLargeError:
            # Refused before anything was sent. Before the caller hears of it: everything compressed, and
            # maintenance put off.
            attempt.shrink()
            await self._send_once(attempt, guard, result, self._store.runtime.settings.encoding.compressing())

    async def _send_once(self, attempt: AsyncAttempt, guard: AsyncGuard, result: Payload, encoding: Encoding) -> None:
        """Commit what the body wrote, a check of all that it only read, and the record that it happened."""
        nonce = self._access.new_id()
        record = record_write(
            self._id,
            attempt=nonce,
            changed=attempt.writes,
            result=result,
            encoding=encoding,
            metadata=self._metadata or resolve_metadata(None, self._store.actor),
            now=self._access.clock.now(),
        )
        leases, renewals = guard.guarded.renewals()
        writes: list[Write] = [*attempt.writes.values(), *renewals, record, *attempt.checks()]

        async def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            found = (await self._access.read([self._path], guard.deadline)).get(self._path)
            if found is not None and made_by(found, nonce):
                return Settled(Outcome.APPLIED, CommitResult(found.create_time, ()))
            return Settled(Outcome.REFUSED if refused or found is not None else Outcome.PENDING)

        def unknown() -> OutcomeUnknownError:
            return OutcomeUnknownError(self._id)

        attempt.forget_heads()
        commit = await async_commit_once(self._access, writes, guard.deadline, AsyncSettlement(read, unknown))
        times = {write.path: moment for write, moment in zip(writes, commit.update_times, strict=False)}
        attempt.remember_heads(commit.commit_time, times)
        guard.renewed(leases, [times.get(lease.path) for lease in leases])

    async def _check_leases(self, guard: AsyncGuard) -> None:
        """After a refused commit: find out whether a lock of ours is the reason.

        Raises:
            FencedOutError: It is.
        """
        if not guard.locks:
            return
        read = await self._access.read(guard.guarded.paths, guard.deadline)
        for lock, lease in zip(guard.locks, check_leases(guard.guarded.leases, read.documents), strict=True):
            lock.refresh(lease)
