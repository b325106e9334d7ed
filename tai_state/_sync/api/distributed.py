# Generated from tai_state/_async/api/distributed.py by .ci/generate_sync.py; do not edit.
"""Transactions over several stores: a body, then two phases; ``rules.distributed`` says what holds and why."""
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from tai_state._sync.access.retry import retry
from tai_state._sync.api.distributed_body import DistributedBody
from tai_state._sync.api.distributed_phases import Phases, Runtimes
from tai_state._sync.api.store import StateStore
from tai_state._sync.distributed.participant import Participant
from tai_state._sync.transactions.attempt import Attempt
from tai_state._sync.transactions.held import Held
from tai_state._sync.transactions.run import JUDGE_SECONDS
from tai_state._platform.bodies import check_body, run_body
from tai_state._platform.interrupts import shield
from tai_state.authors import author_of
from tai_state.clock import Deadline, TimeLimit
from tai_state.config import TRANSACTION_RETRY, check_colour, check_option
from tai_state.errors import DeadlineExceededError, PreconditionFailedError, RetriesExhaustedError, StaleReadError
from tai_state.retry import RetryPolicy
from tai_state.rules.distributed.stores import LEASE, checked_lease, checked_names

T = TypeVar("T")

log = logging.getLogger("tai_state")


@dataclass(frozen=True, slots=True)
class _Raised:
    """An exception of the body that looks like a conflict of ours, and is none."""

    error: Exception


class DistributedTransaction:
    """Runs bodies that change several stores, all or none of them.

    An attempt reads each store as of one moment of its own, and buffers its writes. Then each store prepares what it is
    to do, which marks every state that the body read or wrote; then one document in the coordinator's store decides;
    then each store does it. Nobody else changes a marked state meanwhile: that is a PreparedError, for a moment, or,
    where this process dies, until somebody settles it: ``settle``, ``recover``, or ``recover`` of an object like this.

    - Once ``run`` returns it is decided: each store that answers has the changes, any other one gets them once it is
      settled. It is not promised that all stores show them at one moment.
    - The body may run more than once: keep it free of other effects, as that of any transaction.
    - Where one that is prepared has a state in hand, it is a PreparedError at once: nobody waits for another one.
    - The lease is how long it may take from the begin to the decision; nothing unsafe comes of one that is too short.
    """

    def __init__(
        self,
        coordinator: StateStore,
        stores: Mapping[str, StateStore],
        *,
        participants: Mapping[str, Participant] | None = None,
        lease: timedelta = LEASE,
        retry: RetryPolicy | None = None,
    ) -> None:
        """Change *stores*, each under its name, and decide in the *coordinator*, which may be one of them.

        Args:
            participants: Resources of the caller's own that take part, under other names.
            lease: How long one may take to decide; past that anybody may abort it.
            retry: Bounds each of them; None: it is tried again for 30 seconds.

        Raises:
            ConfigurationError: One of them is no store, or of the other colour; or a name or the lease cannot be.
        """
        for store in (coordinator, *stores.values()):
            check_colour(store, StateStore, self)
        others = dict(participants or {})
        for participant in others.values():
            check_colour(participant, Participant, self)
        check_option(retry, RetryPolicy, "retry")
        checked_names(stores, others)
        self.coordinator = coordinator
        self.stores = dict(stores)
        self.participants = others
        self.lease = checked_lease(lease)
        self.retry = retry or TRANSACTION_RETRY
        self._access = coordinator.runtime.access
        self._runtimes = Runtimes(coordinator.runtime, {name: one.runtime for name, one in stores.items()})

    def run(self, fn: Callable[[DistributedBody], T], *, timeout: TimeLimit = None) -> T:
        """Run *fn* until one attempt is decided, and return what that attempt returned.

        Args:
            fn: The body; an exception of its own ends the transaction, passes through, and nothing is written.
            timeout: The total time in seconds, all attempts and waits included.

        Raises:
            PreparedError: Another such transaction has one of the states in hand; nothing was written.
            DeadlineExceededError: The time was over, or the lease before it was decided; nothing was written.
            OutcomeUnknownError: It may be decided, or not: ``outcome`` tells later.
            DocumentTooLargeError: What one store is to do is more than it takes; nothing was written.
            ConfigurationError: *fn* is of the other colour, or two of the stores are one.
            TaiStateError: As for a transaction of one store.
        """
        check_body(fn)
        deadline = self.retry.begin(self._access.clock, timeout)
        held = {name: Held(store.runtime) for name, store in self.stores.items()}
        first = True

        def attempt() -> T | _Raised:
            nonlocal first
            looks, first = not first, False
            return self._attempt(fn, deadline, held, looks=looks)

        with ExitStack() as calls:
            # A drain of any of them waits for it.
            for runtime in {id(one): one.runtime for one in (self.coordinator, *self.stores.values())}.values():
                calls.enter_context(runtime.inflight.one("distributed"))
            self._runtimes.begin(deadline)
            ended = retry(
                attempt,
                (PreconditionFailedError, StaleReadError),
                policy=self.retry,
                deadline=deadline,
                rng=self._access.rng,
                what="a distributed transaction",
            )
        if isinstance(ended, _Raised):
            raise ended.error
        return ended

    def _attempt(
        self,
        fn: Callable[[DistributedBody], T],
        deadline: Deadline,
        held: Mapping[str, Held],
        *,
        looks: bool,
    ) -> T | _Raised:
        """Run the body once, and decide what it wrote; under an id of its own, since what is decided stays so."""
        transaction_id = self._access.new_id()
        attempts = {
            name: Attempt(store.runtime, transaction_id, None, deadline, looks=looks)
            for name, store in self.stores.items()
        }
        try:
            result = run_body(fn, DistributedBody(transaction_id, attempts, self.participants))
            for attempt in attempts.values():
                attempt.check_usable()
        except BaseException as error:
            shield(self._phases(deadline).drop, transaction_id)
            if not isinstance(error, Exception):
                raise
            self._judge(attempts, error, held, deadline)
            if isinstance(error, PreconditionFailedError | StaleReadError):
                return _Raised(error)
            raise
        finally:
            for attempt in attempts.values():
                attempt.end()
        if not self.participants and not any(attempt.writes for attempt in attempts.values()):
            for attempt in attempts.values():
                attempt.confirm()
            return result
        shield(self._phases(deadline).run, transaction_id, attempts, held)
        return result

    def _judge(
        self,
        attempts: Mapping[str, Attempt],
        error: Exception,
        held: Mapping[str, Held],
        deadline: Deadline,
    ) -> None:
        """Make sure that what the body raised rests on what was so.

        Raises:
            StaleReadError: It does not.
        """
        enough = Deadline(self._access.clock, max(deadline.remaining(), JUDGE_SECONDS))
        for name, attempt in attempts.items():
            attempt.end()
            if attempt.stale is not None:
                raise attempt.stale from error
            try:
                attempt.confirm(enough)
                held[name].refuse(error, attempt, enough)
            except (DeadlineExceededError, RetriesExhaustedError) as late:
                if not isinstance(error, DeadlineExceededError | RetriesExhaustedError):
                    raise late from late.__cause__ or error

    def _phases(self, deadline: Deadline) -> Phases:
        author = author_of(None, self.coordinator.actor)
        return Phases(self._runtimes, self.participants, self.lease, author, deadline)

    def outcome(self, transaction_id: str, *, timeout: TimeLimit = None) -> bool | None:
        """Return whether a transaction is committed; None: it is not decided yet, or nothing is known of it any more.

        What is decided is known for 24 hours after all have done it.
        """
        with self.coordinator.runtime.inflight.one("distributed_outcome"):
            deadline = self.retry.begin(self._access.clock, timeout)
            return self._phases(deadline).outcome(transaction_id)

    def recover(self, *, timeout: TimeLimit = None) -> int:
        """Settle what was left in all of the stores, and with the participants; return how many parts were settled.

        A part whose transaction's lease runs is left alone. And tell the coordinator's store of parts that are settled
        and of which it was not told: a process died between the two.

        Args:
            timeout: Bounds each page that is read, and each settlement.
        """
        with self.coordinator.runtime.inflight.one("distributed_recover"):
            deadline = self.retry.begin(self._access.clock, timeout)
            self._runtimes.begin(deadline)
            return self._phases(deadline).recover(timeout)
