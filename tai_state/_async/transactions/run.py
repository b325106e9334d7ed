"""One call of ``run``: attempts of a body, until one of them is committed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tai_state._async.access.retry import async_retry
from tai_state._async.commits.guard import AsyncGuardHandle, AsyncGuarding, async_guarded
from tai_state._async.commits.protocol import AsyncSettlement, Settled, async_commit_once, settled_by
from tai_state._async.runtime import AsyncRuntime
from tai_state._async.transactions.attempt import AsyncAttempt
from tai_state._async.transactions.held import AsyncHeld
from tai_state._async.transactions.turns import AsyncQueue, AsyncTurns
from tai_state._platform.interrupts import async_shield
from tai_state.authors import Author, author_of
from tai_state.clock import Deadline
from tai_state.codec import NULL, Payload
from tai_state.config import QUEUE_AFTER, Encoding
from tai_state.documents import CommitResult, Document, DocumentPath, Put, Write
from tai_state.errors import (
    ConflictError,
    DeadlineExceededError,
    DocumentTooLargeError,
    OutcomeUnknownError,
    PreconditionFailedError,
    RetriesExhaustedError,
    StaleReadError,
    TaiStateError,
)
from tai_state.models import FailedTransaction, TransactionRecord
from tai_state.retry import RetryPolicy
from tai_state.rules.commits.settle import Outcome
from tai_state.rules.transactions.record import (
    Evidence,
    Key,
    has_expired,
    read_record,
    record_write,
    stale_read,
    transaction_path,
)

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")


JUDGE_SECONDS = 1.0
"""What a body's exception gets at least to be held against the store: a verdict beats a doubt."""


@dataclass(frozen=True, slots=True)
class _Raised:
    """An exception of the body that looks like a conflict of ours, and is none."""

    error: Exception


class AsyncRun(Generic[T]):
    """What one call of ``run`` has to remember over its attempts."""

    def __init__(
        self,
        runtime: AsyncRuntime,
        body: Callable[[AsyncAttempt], Awaitable[T]],
        *,
        policy: RetryPolicy,
        deadline: Deadline,
        guarding: AsyncGuarding | None,
        record_ttl: timedelta | None,
        key: Key | None = None,
        read_only: bool = False,
        author: Author | None = None,
        queue: AsyncQueue | None = None,
    ) -> None:
        """Prepare a run.

        Args:
            record_ttl: How long its record counts; None: it leaves none, and is known by the event of its first change.
            key: What makes it once for the whole store.
            author: Who makes it, for its record; None: who the context or the store says.
            queue: Where a run that goes on meeting conflicts queues with those of other processes.
        """
        self._runtime = runtime
        self._access = runtime.access
        self._body = body
        self._policy = policy
        self._deadline = deadline
        self._guarding = guarding
        self._record_ttl = record_ttl
        self._key = key
        # The record of our key that counts no more, and that ours replaces.
        self._expired: Document | None = None
        self._read_only = read_only
        self._author = author
        # One id for all attempts: their records exclude each other, come what may.
        self._id = runtime.access.new_id() if key is None else key.transaction_id
        self._path = transaction_path(self._id)
        self.turns = AsyncTurns(runtime.turns, runtime.access.clock, deadline, queue)
        self._held = AsyncHeld(runtime)
        self._attempts = 0
        self._attempt_seconds = 0.0
        self._last: AsyncAttempt | None = None
        self._conflict: ConflictError | None = None
        self._conflicts: set[DocumentPath] = set()

    async def result(self) -> T:
        """Return what the attempt that counts returned: ours, or the one that was committed under our key."""
        try:
            return await self._result()
        except Exception as error:
            self._note_failure(error)
            raise

    def _note_failure(self, error: Exception) -> None:
        if self._record_ttl is not None:
            self._runtime.failed_transactions.append(
                FailedTransaction(
                    transaction_id=self._id,
                    attempts=self._attempts,
                    reads=[str(path) for path in self._last.read] if self._last else [],
                    writes=[str(path) for path in self._last.writes] if self._last else [],
                    code=error.code if isinstance(error, TaiStateError) else "",
                    reason=f"{type(error).__name__}: {error}",
                    failed_at=self._access.clock.now(),
                )
            )

    async def _result(self) -> T:
        earlier = await self._earlier()
        if earlier is not None:
            kept: T = earlier.result
            return kept
        try:
            async with self.turns:
                ended = await async_retry(
                    self._attempt,
                    (PreconditionFailedError, StaleReadError),
                    policy=self._policy,
                    deadline=self._deadline,
                    rng=self._access.rng,
                    what="a transaction",
                    wait=self._wait,
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

    async def _earlier(self, deadline: Deadline | None = None) -> TransactionRecord | None:
        """Return the record of the transaction that was committed under our key, None when there is none yet.

        Raises:
            IdempotencyMismatchError: It was another request.
        """
        if self._key is None:
            return None
        read = await self._access.read([self._path], deadline or self._deadline)
        self._expired = None
        document = read.get(self._path)
        if document is None:
            return None
        record = read_record(document)
        if has_expired(record, read.read_time):
            self._expired = document
            return None
        self._key.check(record)
        return record

    async def _attempt(self) -> T | _Raised:
        if self._last is not None:
            states = self._last.states_written | self._conflicts
            await self.turns.after_conflicts(states, queues=self._attempts >= QUEUE_AFTER)
        self._attempts += 1
        self.turns.waited_seconds = 0.0
        began = self._access.clock.monotonic()
        try:
            return await self._attempt_once()
        except (PreconditionFailedError, StaleReadError) as error:
            self._attempt_seconds = self._access.clock.monotonic() - began - self.turns.waited_seconds
            self._conflict = error
            self._note_conflict(error)
            raise

    def _wait(self, state: "RetryCallState") -> float:
        # Who comes from the first conflict has his turn already, and keeps others waiting while he waits; so does who
        # stands in the queue.
        if state.attempt_number == 1 or state.attempt_number > QUEUE_AFTER:
            return 0.0
        wait = self._policy.wait(self._access.rng, self._deadline, lambda: self._attempt_seconds)
        return wait(state)

    def _note_conflict(self, error: ConflictError) -> None:
        """Remember what another writer changed; where the engine does not tell, it is one of what we write."""
        assert self._last is not None
        told = self._last.conflict
        if isinstance(error, PreconditionFailedError):
            told = next((path for path in self._last.read if str(path) == error.path), None)
        self._conflicts |= self._last.states_written if told is None else {told}

    async def _attempt_once(self) -> T | _Raised:
        """Run the body once, and commit what it wrote.

        1. Its exceptions pass through, once it is sure that it saw the documents as they were at one moment.
        2. A stale view begins anew, whatever the body made of it.
        3. Without a write, and without a key to remember, there is nothing to commit.
        """
        attempt = await self.begin()
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
        finished: T = await self._finish(attempt, result)
        return finished

    async def begin(self) -> AsyncAttempt:
        """Return a new attempt; the last one tells it what to read ahead.

        Raises:
            DeadlineExceededError: The time is over.
            LockLostError, FencedOutError: What guards the run does not hold any more.
        """
        if self._deadline.passed:
            message = f"the {self._deadline.seconds:g} seconds allowed are over; nothing was written"
            raise DeadlineExceededError(message)
        async with async_guarded(self._guarding, self._deadline) as guard:
            # The turn ends here: heartbeats go on while the body runs, and the body may use the locks, too.
            self._last = AsyncAttempt(
                self._runtime,
                self._id,
                guard,
                self._deadline,
                read_only=self._read_only,
                ahead=self._last.asked if self._last is not None else (),
                # The first attempt of several leaves it to the commit: nearly all that is created never was.
                looks=self._attempts != 1 or self._policy.attempts == 1,
            )
        return self._last

    async def abandon(self, error: BaseException) -> None:
        """End the attempt that was begun, whose body ended with an *error*, and write nothing."""
        if self._last is not None:
            self._last.end()
            await self._held.is_settled(error, self._deadline)

    async def commit(self) -> None:
        """Commit the only attempt of a run, whose body has ended.

        Raises:
            StaleReadError: What it read has changed.
        """
        assert self._last is not None
        self._last.end()
        try:
            async with self.turns:
                await self._finish(self._last, None)
        except Exception as error:
            self._note_failure(error)
            if isinstance(error, PreconditionFailedError):
                path = error.path or await self._last.changed()
                raise stale_read(str(path or ""), self._id) from error
            raise

    async def _finish(self, attempt: AsyncAttempt, result: Any) -> Any:
        if attempt.stale is not None:
            raise attempt.stale
        if attempt.writes or self._key is not None:
            await self._held.check(attempt, self._deadline)
            return await self._commit(attempt, result)
        await attempt.confirm()
        return result

    async def _judge(self, attempt: AsyncAttempt, error: Exception) -> TransactionRecord | None:
        """Return what was committed under our key, in view of which the body failed; None: its exception counts.

        A body that ran until its time was over gets a moment more: what it raised says more than that.

        Raises:
            StaleReadError: What the body raised rests on what never was, or is no more.
            DeadlineExceededError, RetriesExhaustedError: The store could not be asked; from what the body raised.
        """
        if attempt.stale is not None:
            raise attempt.stale from error
        deadline = Deadline(self._access.clock, max(self._deadline.remaining(), JUDGE_SECONDS))
        try:
            await attempt.confirm(deadline)
            earlier = await self._earlier(deadline)
            if earlier is None:
                await self._held.refuse(error, attempt, deadline)
        except (DeadlineExceededError, RetriesExhaustedError) as late:
            if isinstance(error, DeadlineExceededError | RetriesExhaustedError):
                # The body failed for the same reason, and its error has the cause.
                return None
            raise late from late.__cause__ or error
        return earlier

    async def _commit(self, attempt: AsyncAttempt, result: Any) -> Any:
        """Commit, and return the result; under a key, as a repetition will return it."""
        stored = Payload.given(result, "result") if self._key is not None else NULL
        if await self.turns.before_commit(attempt.states_written):
            attempt.check_heads()
        async with async_guarded(self._guarding, self._deadline) as guard:
            try:
                await async_shield(self._send, attempt, guard, stored)
            except PreconditionFailedError:
                earlier = await self._earlier()
                if earlier is None:
                    await self._ask(guard)
                    raise
                stored = Payload.of(earlier.result, "result")
        return stored.value() if self._key is not None else result

    async def _send(self, attempt: AsyncAttempt, guard: AsyncGuardHandle | None, result: Payload) -> None:
        try:
            await self._send_once(attempt, guard, result, self._runtime.settings.encoding)
        except DocumentTooLargeError:
            # Refused before anything was sent. Before the caller hears of it: everything compressed, and
            # maintenance put off.
            attempt.shrink()
            await self._send_once(attempt, guard, result, self._runtime.settings.encoding.compressing())

    async def _send_once(
        self, attempt: AsyncAttempt, guard: AsyncGuardHandle | None, result: Payload, encoding: Encoding
    ) -> None:
        """Commit what the body wrote, a check of all that it only read, and the record that it happened."""
        deadline = self._deadline if guard is None else guard.deadline
        record, expired = self._record(attempt, result, encoding), self._expired
        evidence = attempt.evidence if record is None else Evidence(record.path, "attempt", record.fields["attempt"])
        writes: list[Write] = [
            *attempt.writes.values(),
            *(guard.carries.writes() if guard is not None else ()),
            *([record] if record is not None else []),
            *attempt.checks(),
        ]

        async def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            found = (await self._access.read([evidence.path], deadline)).get(evidence.path)
            if found is not None and evidence.is_in(found):
                return Settled(Outcome.APPLIED, CommitResult(found.update_time, {}))
            sealed = await self._runtime.history.sealed_at(evidence.path, deadline) if found is None else None
            if sealed is not None:
                return settled_by(evidence.value, sealed)
            is_anothers = found is not None and (expired is None or found.update_time != expired.update_time)
            return Settled(Outcome.REFUSED if refused or is_anothers else Outcome.PENDING)

        def unknown() -> OutcomeUnknownError:
            return OutcomeUnknownError(self._id, retryable=self._key is not None)

        attempt.forget_heads()
        commit = await async_commit_once(self._access, writes, deadline, AsyncSettlement(read, unknown))
        attempt.remember_heads(commit.commit_time, commit.update_times)
        if guard is not None:
            guard.committed(guard.carries, commit.update_times)

    def _record(self, attempt: AsyncAttempt, result: Payload, encoding: Encoding) -> Put | None:
        """Return the record of a commit; None where it leaves none."""
        if self._record_ttl is None:
            return None
        return record_write(
            self._id,
            attempt=self._access.new_id(),
            changed=attempt.writes,
            request=self._key.request if self._key is not None else None,
            result=result,
            encoding=encoding,
            author=self._author or author_of(None, self._runtime.actor),
            expired=self._expired,
            ttl=self._record_ttl,
            now=self._access.clock.now(),
        )

    async def _ask(self, guard: AsyncGuardHandle | None) -> None:
        """After a refused commit: find out whether its guard is the reason.

        Raises:
            FencedOutError: It is.
        """
        if guard is None:
            return
        read = await self._access.read(guard.carries.paths, guard.deadline)
        guard.stands(guard.carries.as_read(read.documents))
