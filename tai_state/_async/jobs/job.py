"""A job that was claimed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tai_state._async.due.leasing import async_renew_lease
from tai_state.errors import LockLostError, OutcomeUnknownError, StateNotFoundError
from tai_state.layout import state_layout
from tai_state.rules.due.waits import wait_before
from tai_state.rules.jobs.changes import EndedError, Step, fenced, job_change
from tai_state.rules.jobs.finding import loss_reason
from tai_state.rules.jobs.info import info_of
from tai_state.rules.jobs.machine import COMPLETE, FAIL, FAILED, QUEUED, RELEASE, SUCCEEDED
from tai_state.rules.jobs.tickets import Claim, ticket_of

if TYPE_CHECKING:
    from tai_state._async.jobs.states import AsyncJobStates
    from tai_state.clock import TimeLimit
    from tai_state.models.jobs import JobInfo
    from tai_state.retry import RetryPolicy
    from tai_state.rules.records.record import StateRecord

_ENDS = {COMPLETE: (SUCCEEDED,), FAIL: (QUEUED, FAILED), RELEASE: (QUEUED,)}


class AsyncJob:
    """A job of which this is the one claim: it is ours until it is ended, or its lease is.

    The lease is renewed by ``heartbeat`` alone, which whoever works longer than it calls in time. What is asked of a
    job by a claim that was lost is refused with a LockLostError, and nothing is written: its ``reason`` is "expired"
    (the lease ended, and somebody put the job back), "stolen" (somebody else has claimed it since), "broken" (it was
    cancelled or deleted) or "released" (it was ended already).

    Attributes:
        id: The job's.
        payload: What was enqueued; a copy of this object's own.
        attempts: How often it was claimed, this time included.
        priority: As it was enqueued.
    """

    def __init__(
        self, states: AsyncJobStates, claim: Claim, data: dict[str, Any], *, max_attempts: int, backoff: RetryPolicy
    ) -> None:
        """Made by ``AsyncJobQueue.claim`` and ``attach``."""
        self.id = claim.job_id
        self.payload = data["payload"]
        self.attempts: int = data["attempts"]
        self.priority: int = data["priority"]
        self._states = states
        self._claim = claim
        self._max_attempts = max_attempts
        self._backoff = backoff
        self._resource = f"{states.queue.governor_id}/{claim.job_id}"
        # The step of which nobody knows whether it was made.
        self._in_doubt: str | None = None

    @property
    def ticket(self) -> str:
        """The claim as opaque text: ``JobQueue.attach(ticket)`` goes on with it, in this process or in another."""
        return ticket_of(self._claim)

    async def heartbeat(self, *, timeout: TimeLimit = None) -> None:
        """Renew the lease: one write of the job's document, without an event.

        Raises:
            LockLostError: The claim was lost.
        """
        runtime = self._states.runtime
        deadline = runtime.access.begin(timeout)
        paths = state_layout(self._states.queue.governor_id, self.id)
        lease = timedelta(seconds=self._claim.lease_seconds)

        await async_renew_lease(runtime, paths, lease, deadline, self._reason, resource=self._resource)

    async def complete(self, result: object = None, *, timeout: TimeLimit = None) -> JobInfo:
        """End the job as succeeded; its last error is cleared.

        Args:
            result: JSON-like; kept with the job.

        Raises:
            LockLostError: The claim was lost; nothing is written.
            InvalidDataError: *result* cannot be stored.
            OutcomeUnknownError: The time was over before the store told; called again, it tells.
        """
        return await self._end(Step(action=COMPLETE, claim=self._claim.id, result=result, error=None), timeout)

    async def fail(self, error: str | BaseException, *, retry: bool = True, timeout: TimeLimit = None) -> JobInfo:
        """End the attempt as failed: the job is put back, due after a jittered wait, while it has attempts left.

        Args:
            error: Kept as the job's last error; of an exception its type and text.
            retry: False: it has failed for good, whatever attempts are left.

        Raises:
            LockLostError: The claim was lost; nothing is written.
            OutcomeUnknownError: The time was over before the store told; called again, it tells.
        """
        text = f"{type(error).__name__}: {error}" if isinstance(error, BaseException) else error
        rng = self._states.runtime.access.rng
        step = Step(
            action=FAIL,
            claim=self._claim.id,
            wait=wait_before(self._backoff, self.attempts, rng.random()),
            error=text,
            retry=retry,
            max_attempts=self._max_attempts,
        )
        return await self._end(step, timeout)

    async def release(self, *, timeout: TimeLimit = None) -> JobInfo:
        """Give the job back as if it had never been claimed: this was no attempt, and it is due at once.

        Raises:
            LockLostError: The claim was lost; nothing is written.
            OutcomeUnknownError: The time was over before the store told; called again, it tells.
        """
        return await self._end(Step(action=RELEASE, claim=self._claim.id), timeout)

    async def _end(self, step: Step, timeout: TimeLimit) -> JobInfo:
        check = fenced(self._resource, self._claim.id, done=_ENDS[step.action] if self._in_doubt == step.action else ())
        change = job_change(self._states.call(self.id), self._states.queue, step, check)
        try:
            ended = await self._states.write(change, timeout)
        except OutcomeUnknownError:
            self._in_doubt = step.action
            raise
        except StateNotFoundError as error:
            raise LockLostError(self._resource, "broken") from error
        except EndedError as done:
            return info_of(done.record)
        return info_of(ended)

    def _reason(self, record: StateRecord) -> str | None:
        status = None if record.deleted else record.status
        claim = None if record.deleted else record.data.value()["claim"]
        return loss_reason(status, claim, self._claim.id)
