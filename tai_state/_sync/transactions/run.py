# Generated from tai_state/_async/transactions/run.py by .ci/generate_sync.py; do not edit.
"""One call of ``run``: attempts of a body, until one of them is committed."""
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from tenacity import RetryCallState

from tai_state._sync.access.retry import retry
from tai_state._sync.commits.guard import GuardHandle, Guarding, guarded
from tai_state._sync.commits.protocol import Settlement, Settled, commit_once
from tai_state._sync.runtime import Runtime
from tai_state._sync.transactions.attempt import Attempt
from tai_state._sync.transactions.turns import Queue, Turns
from tai_state._platform.interrupts import shield
from tai_state.authors import Author, author_of
from tai_state.clock import Deadline
from tai_state.codec import NULL, Payload, normalize
from tai_state.config import QUEUE_AFTER, Encoding
from tai_state.documents import CommitResult, DocumentPath, Write
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
from tai_state.rules.transactions.record import made_by, read_record, record_write, transaction_path

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Raised:
    """An exception of the body that looks like a conflict of ours, and is none."""

    error: Exception


class Run(Generic[T]):
    """What one call of ``run`` has to remember over its attempts."""

    def __init__(
        self,
        runtime: Runtime,
        body: Callable[[Attempt], T],
        *,
        policy: RetryPolicy,
        deadline: Deadline,
        guarding: Guarding | None,
        key_id: str | None,
        read_only: bool,
        author: Author | None = None,
        queue: Queue | None = None,
    ) -> None:
        """Prepare a run; *key_id* is the transaction id of its idempotency key.

        Args:
            author: Who makes it, for its record; None: who the context or the store says.
            queue: Where a run that goes on meeting conflicts queues with those of other processes.
        """
        self._runtime = runtime
        self._access = runtime.access
        self._body = body
        self._policy = policy
        self._deadline = deadline
        self._guarding = guarding
        self._keyed = key_id is not None
        self._read_only = read_only
        self._author = author
        # One id for all attempts: their records exclude each other, come what may.
        self._id = runtime.access.new_id() if key_id is None else key_id
        self._path = transaction_path(self._id)
        self._turns = Turns(runtime.turns, runtime.access.clock, deadline, queue)
        self._attempts = 0
        self._attempt_seconds = 0.0
        self._last: Attempt | None = None
        self._conflict: ConflictError | None = None
        self._conflicts: set[DocumentPath] = set()

    def result(self) -> T:
        """Return what the attempt that counts returned: ours, or the one that was committed under our key."""
        earlier = self._earlier()
        if earlier is not None:
            kept: T = earlier.result
            return kept
        try:
            with self._turns:
                ended = retry(
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

    def _earlier(self) -> TransactionRecord | None:
        """Return the record of the transaction that was committed under our key, None when there is none yet."""
        if not self._keyed:
            return None
        document = (self._access.read([self._path], self._deadline)).get(self._path)
        return read_record(document) if document is not None else None

    def _attempt(self) -> T | _Raised:
        if self._last is not None:
            states = self._last.states_written | self._conflicts
            self._turns.after_conflicts(states, queues=self._attempts >= QUEUE_AFTER)
        self._attempts += 1
        self._turns.waited_seconds = 0.0
        began = self._access.clock.monotonic()
        try:
            return self._attempt_once()
        except (PreconditionFailedError, StaleReadError) as error:
            self._attempt_seconds = self._access.clock.monotonic() - began - self._turns.waited_seconds
            self._conflict = error
            self._note_conflict(error)
            raise

    def _wait(self, state: RetryCallState) -> float:
        # Who comes from the first conflict has his turn already, and keeps others waiting while he waits; so does who
        # stands in the queue.
        if state.attempt_number == 1 or state.attempt_number > QUEUE_AFTER:
            return min(self._attempt_seconds, self._policy.wait_max) * 0
        wait = self._policy.wait(self._access.rng, self._deadline, lambda: self._attempt_seconds)
        return wait(state)

    def _note_conflict(self, error: ConflictError) -> None:
        """Remember what another writer changed; where the engine does not tell, it is one of what we write."""
        assert self._last is not None
        told = self._last.conflict
        if isinstance(error, PreconditionFailedError):
            told = next((path for path in self._last.read if str(path) == error.path), None)
        self._conflicts |= self._last.states_written if told is None else {told}

    def _attempt_once(self) -> T | _Raised:
        """Run the body once, and commit what it wrote.

        1. Its exceptions pass through, once it is sure that it saw the documents as they were at one moment.
        2. A stale view begins anew, whatever the body made of it.
        3. Without a write, and without a key to remember, there is nothing to commit.
        """
        if self._deadline.passed:
            message = f"the {self._deadline.seconds:g} seconds allowed are over; nothing was written"
            raise DeadlineExceededError(message)
        with guarded(self._guarding, self._deadline) as guard:
            # The turn ends here: heartbeats go on while the body runs, and the body may use the locks, too.
            ahead = self._last.read if self._last is not None else ()
            attempt = Attempt(
                self._runtime, self._id, guard, self._deadline, read_only=self._read_only, ahead=ahead
            )
        self._last = attempt
        try:
            result = self._body(attempt)
        except Exception as error:
            attempt.end()
            earlier = self._judge(attempt, error)
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
            return self._commit(attempt, result)
        attempt.confirm()
        return result

    def _judge(self, attempt: Attempt, error: Exception) -> TransactionRecord | None:
        """Return what was committed under our key, in view of which the body failed; None: its exception counts.

        Raises:
            StaleReadError: What the body raised rests on what never was, or is no more.
        """
        if attempt.stale is not None:
            raise attempt.stale from error
        attempt.confirm()
        return self._earlier()

    def _commit(self, attempt: Attempt, result: T) -> T:
        """Commit, and return the result; under a key, as a repetition will return it."""
        stored = Payload.of(normalize(result, path="result")) if self._keyed else NULL
        if self._turns.before_commit(attempt.states_written):
            attempt.check_heads()
        with guarded(self._guarding, self._deadline) as guard:
            try:
                shield(self._send, attempt, guard, stored)
            except PreconditionFailedError:
                earlier = self._earlier()
                if earlier is None:
                    self._ask(guard)
                    raise
                stored = Payload.of(earlier.result)
        kept: T = stored.value() if self._keyed else result
        return kept

    def _send(self, attempt: Attempt, guard: GuardHandle | None, result: Payload) -> None:
        try:
            self._send_once(attempt, guard, result, self._runtime.settings.encoding)
        except DocumentTooLargeError:
            # Refused before anything was sent. Before the caller hears of it: everything compressed, and
            # maintenance put off.
            attempt.shrink()
            self._send_once(attempt, guard, result, self._runtime.settings.encoding.compressing())

    def _send_once(
        self, attempt: Attempt, guard: GuardHandle | None, result: Payload, encoding: Encoding
    ) -> None:
        """Commit what the body wrote, a check of all that it only read, and the record that it happened."""
        nonce = self._access.new_id()
        record = record_write(
            self._id,
            attempt=nonce,
            changed=attempt.writes,
            result=result,
            encoding=encoding,
            author=self._author or author_of(None, self._runtime.actor),
            now=self._access.clock.now(),
        )
        deadline = self._deadline if guard is None else guard.deadline
        writes: list[Write] = [
            *attempt.writes.values(),
            *(guard.carries.writes() if guard is not None else ()),
            record,
            *attempt.checks(),
        ]

        def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            found = (self._access.read([self._path], deadline)).get(self._path)
            if found is not None and made_by(found, nonce):
                return Settled(Outcome.APPLIED, CommitResult(found.create_time, {}))
            return Settled(Outcome.REFUSED if refused or found is not None else Outcome.PENDING)

        def unknown() -> OutcomeUnknownError:
            return OutcomeUnknownError(self._id)

        attempt.forget_heads()
        commit = commit_once(self._access, writes, deadline, Settlement(read, unknown))
        attempt.remember_heads(commit.commit_time, commit.update_times)
        if guard is not None:
            guard.committed(guard.carries, commit.update_times)

    def _ask(self, guard: GuardHandle | None) -> None:
        """After a refused commit: find out whether its guard is the reason.

        Raises:
            FencedOutError: It is.
        """
        if guard is None:
            return
        read = self._access.read(guard.carries.paths, guard.deadline)
        guard.stands(guard.carries.as_read(read.documents))
