"""A queue of jobs: what is put there, and who takes it."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tai_state._async.api.store import AsyncStateStore
from tai_state._async.jobs.job import AsyncJob
from tai_state._async.jobs.looks import AsyncLooks
from tai_state._async.jobs.priorities import AsyncPriorities
from tai_state._async.jobs.room import async_check_room
from tai_state._async.jobs.states import AsyncJobStates
from tai_state.clock import seconds_of
from tai_state.config import JOB_BACKOFF, JOB_LEASE_SECONDS, check_colour, check_count, check_kind
from tai_state.documents import FieldEquals, Query
from tai_state.errors import (
    DependentMachineError,
    DocumentTooLargeError,
    IdempotencyMismatchError,
    LockLostError,
    MachineVersionError,
    ReplayError,
    StateExistsError,
    StateNotFoundError,
    TransitionNotAllowedError,
)
from tai_state.layout import GovernorLayout, check_id, state_layout
from tai_state.models import KEEP, Keep
from tai_state.retry import RetryPolicy
from tai_state.rules.commits.change import Head
from tai_state.rules.commits.kinds import payload_of
from tai_state.rules.commits.scheduled import NothingDueError, as_found
from tai_state.rules.due.waits import wait_before
from tai_state.rules.jobs.changes import Step, enqueue_change, job_change, status_step_change
from tai_state.rules.jobs.finding import Found, loss_reason
from tai_state.rules.jobs.info import info_of
from tai_state.rules.jobs.machine import CANCEL, CLAIM, EXPIRE, job_machine
from tai_state.rules.jobs.places import checked_priority, queue_of
from tai_state.rules.jobs.tickets import Claim, claim_of
from tai_state.rules.records.arguments import check_time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from tai_state._async.jobs.finding import Seen
    from tai_state.clock import Deadline, TimeLimit
    from tai_state.machine import Machine
    from tai_state.models.jobs import JobInfo
    from tai_state.rules.commits.change import Change
    from tai_state.rules.records.record import StateRecord

log = logging.getLogger("tai_state")

_QUICKER = (NothingDueError, TransitionNotAllowedError, StateNotFoundError, MachineVersionError)
"""What refuses a step of what was found, since somebody did another one meanwhile."""

_UNFIT = (ReplayError, DocumentTooLargeError, DependentMachineError, KeyError, TypeError, ValueError)
"""What no step can be done with here: its log is damaged, it is too large for any event, something depends on it whose
machine this queue does not know, or its data is no job's any more, on which the machine's functions fail.
"""


class AsyncJobQueue:
    """Jobs that are each done by one claim at a time, by whichever process takes them.

    A job is a state of the governor ``jobs:NAME``, moved by a machine of the package's own: its history, exports and
    checks are those of every state. A claim has a lease, which its job's ``heartbeat`` renews; when it ends, whoever
    looks for jobs next puts the job back, to run again after a jittered wait, or fails it for good once it was claimed
    *max_attempts* times. So a job is done at least once, and only one claim can end it.

    Jobs run in the order of their priorities, those of one priority in the order in which they became due; while
    several processes take from one queue, they pick among the first few.
    """

    def __init__(
        self,
        store: AsyncStateStore,
        name: str,
        *,
        max_attempts: int = 3,
        lease: float | timedelta = JOB_LEASE_SECONDS,
        backoff: RetryPolicy = JOB_BACKOFF,
        machine: Machine[dict[str, Any]] | None = None,
        machines: Iterable[Machine[Any]] = (),
    ) -> None:
        """Open the queue *name*; nothing is read or written yet.

        Args:
            max_attempts: How often a job is claimed at most, before it has failed.
            lease: How many seconds a claim lasts without a heartbeat, where it does not say otherwise.
            backoff: How long a job waits that failed: full jitter between 0 and ``wait_initial`` doubled with each
                attempt, at most ``wait_max``; its other settings say nothing here.
            machine: What moves the jobs, in the place of the package's own machine: the ``JOB_TRANSITIONS``, and what
                else they can do, which ``update_status`` makes them do. The same for all that use the queue.
            machines: Those of the states that depend on its jobs, and react to them.

        Raises:
            ConfigurationError: One of them cannot be; names it. Or *machine* can move no jobs.
            InvalidIdError: *name* cannot be part of an id.
        """
        check_colour(store, AsyncStateStore, self)
        check_kind(backoff, RetryPolicy, "backoff")
        queue = queue_of(name, job_machine(machine))
        self.name = queue.name
        self.max_attempts = check_count(max_attempts, "max_attempts", least=1)
        self.lease = timedelta(seconds=seconds_of(lease))
        self.backoff = backoff
        self._queue = queue
        self._states = AsyncJobStates(store, queue, machines)
        self._runtime = store.runtime
        self._priorities = AsyncPriorities(store, queue)
        self._looks = AsyncLooks(store.runtime, queue, self._priorities)

    # Putting and telling

    async def enqueue(
        self,
        payload: object = None,
        *,
        job_id: str | None = None,
        at: datetime | None = None,
        priority: int = 0,
        timeout: TimeLimit = None,
    ) -> str:
        """Put a job into the queue, and return its id.

        Args:
            payload: JSON-like; what is to be done.
            job_id: A name of one's own, under which the job is put there once, however often it is asked for; None: a
                unique one.
            at: When it may run, an aware datetime, by the store's clock; None: at once.
            priority: The higher, the sooner. Each that is in use costs whoever looks for a job one query more.

        Raises:
            InvalidDataError, InvalidIdError: Something cannot be stored; nothing was written.
            DocumentTooLargeError: An event has no room for the payload twice, as that of a claim must have.
            IdempotencyMismatchError: There is a job of that id with another payload or priority.
        """
        deadline = self._runtime.access.begin(timeout)
        given = checked_priority(priority)
        when = None if at is None else check_time(at, "at")
        id_ = self._runtime.access.new_id() if job_id is None else check_id(job_id, "job_id")
        change = enqueue_change(self._states.call(id_), self._queue, payload, priority=given, at=when)
        await async_check_room(self._states, id_, change, deadline)
        await self._priorities.add(given, deadline)
        try:
            await self._states.write(change, deadline)
        except StateExistsError:
            data = (await self._found(id_, deadline)).data.value()
            if payload_of(data["payload"]) != payload_of(payload) or data["priority"] != given:
                raise IdempotencyMismatchError(id_, self._queue.governor_id, id_) from None
        self._looks.put(given)
        return id_

    async def get(self, job_id: str, *, timeout: TimeLimit = None) -> JobInfo:
        """Return a job as it is.

        Raises:
            StateNotFoundError: There is none of that id.
        """
        return info_of(await self._found(job_id, self._runtime.access.begin(timeout)))

    async def counts(self, *, timeout: TimeLimit = None) -> dict[str, int]:
        """Return how many jobs are in each status, as the engine counts them; each is as of its own moment."""
        deadline = self._runtime.access.begin(timeout)
        states = GovernorLayout(self._queue.governor_id).states
        counted: dict[str, int] = {}
        with self._runtime.inflight.one("count_jobs", self._queue.governor_id):
            for status in self._queue.machine.statuses:
                equal = (FieldEquals("deleted", value=False), FieldEquals("status", status))
                counted[status] = await self._runtime.access.count(Query(collection=states, equal=equal), deadline)
        return counted

    # Taking

    async def claim(
        self, worker: str | None = None, *, lease: float | timedelta | None = None, timeout: TimeLimit = None
    ) -> AsyncJob | None:
        """Take the job that is to run next; None where none is due.

        Jobs whose leases have ended, and that are met on the way, are put back first. One that is damaged, or cannot be
        stored as claimed, is stepped past, with a warning.

        Args:
            worker: What the taker calls himself, for people; kept with the job.
            lease: How many seconds the claim lasts without a heartbeat; None: as the queue says.

        Raises:
            OutcomeUnknownError: Whether a job was taken is unknown; if so, it comes back when the lease ends.
            DeadlineExceededError: Others were quicker until the time was over.
        """
        deadline = self._runtime.access.begin(timeout)
        who = None if worker is None else check_id(worker, "worker")
        span = self.lease if lease is None else timedelta(seconds=seconds_of(lease))
        with self._runtime.inflight.one("claim", self._queue.governor_id):
            while (seen := await self._looks.next(deadline)) is not None:
                if seen.what is Found.EXPIRED:
                    await self._expire(seen, deadline)
                elif (job := await self._take(seen, who, span, deadline)) is not None:
                    return job
        return None

    async def attach(self, ticket: str, *, timeout: TimeLimit = None) -> AsyncJob:
        """Go on with a job that was claimed elsewhere, by the ``ticket`` of its claim; its lease is renewed.

        Raises:
            InvalidDataError: It is no ticket of a job of this queue.
            LockLostError: The claim was lost.
        """
        deadline = self._runtime.access.begin(timeout)
        claim = claim_of(ticket, self.name)
        resource = f"{self._queue.governor_id}/{claim.job_id}"
        try:
            found = await self._found(claim.job_id, deadline)
        except StateNotFoundError as error:
            raise LockLostError(resource, "broken") from error
        data = found.data.value()
        reason = loss_reason(found.status, data["claim"], claim.id)
        if reason is not None:
            raise LockLostError(resource, reason)
        job = self._job(claim, data)
        await job.heartbeat(timeout=deadline.at_most(deadline.seconds))
        return job

    async def sweep(self, *, timeout: TimeLimit = None) -> int:
        """Put back, or fail, all jobs whose leases have ended, and return how many they were.

        ``claim`` does so by itself; this is for a queue that nobody takes from.
        """
        deadline = self._runtime.access.begin(timeout)
        count = 0
        with self._runtime.inflight.one("sweep", self._queue.governor_id):
            async for seen in self._looks.expired(deadline):
                count += await self._expire(seen, deadline)
        return count

    # By hand

    async def update_status(
        self, job_id: str, status: str, error: str | Keep | None = KEEP, *, timeout: TimeLimit = None
    ) -> JobInfo:
        """Bring a job to *status*, whoever has claimed it, in one commit with what becomes of its last error.

        queued -> running, cancelled; running -> succeeded, failed, cancelled, queued; failed -> queued, its attempts
        counted anew; and what a machine of the queue's own has beside these, by the first action that leads there. What
        a claim asks for that was passed by so is refused with a LockLostError. A job that is brought to ``running`` is
        put back when the queue's lease has passed.

        Args:
            error: The job's last error from now on; None: none; KEEP: as it is.

        Raises:
            TransitionNotAllowedError: Nothing leads there from where the job is.
            StateNotFoundError: There is no job of that id.
        """
        step = Step(action="", lease=self.lease, claim=self._runtime.access.new_id(), error=error)
        return await self._by_hand(status_step_change(self._states.call(job_id), self._queue, status, step), timeout)

    async def cancel(self, job_id: str, *, timeout: TimeLimit = None) -> JobInfo:
        """Let a job that is queued or running not run, or not be ended by its claim, any more.

        Raises:
            TransitionNotAllowedError: It has ended.
            StateNotFoundError: There is no job of that id.
        """
        return await self._by_hand(job_change(self._states.call(job_id), self._queue, Step(action=CANCEL)), timeout)

    # Inside

    async def _by_hand(self, change: Change, timeout: TimeLimit) -> JobInfo:
        return info_of(await self._states.write(change, timeout))

    async def _found(self, job_id: str, deadline: Deadline) -> StateRecord:
        record = await self._runtime.record(state_layout(self._queue.governor_id, job_id), deadline)
        if record is None or record.deleted:
            raise StateNotFoundError(self._queue.governor_id, job_id, deleted=record is not None)
        return record

    async def _take(self, seen: Seen, worker: str | None, lease: timedelta, deadline: Deadline) -> AsyncJob | None:
        """Claim a job that was found; None where somebody was quicker."""
        claim = Claim(self.name, seen.paths.state_id, self._runtime.access.new_id(), lease.total_seconds())
        step = Step(action=CLAIM, claim=claim.id, worker=worker, lease=lease)
        claimed = await self._do(seen, step, deadline)
        if claimed is None:
            self._looks.lost()
            return None
        self._looks.won()
        return self._job(claim, claimed.data.value())

    async def _expire(self, seen: Seen, deadline: Deadline) -> bool:
        """Put back a job whose lease has ended, or fail it; return whether it was this call that did."""
        attempts = seen.record.data.value().get("attempts")
        # Of data that is no job's the step itself tells.
        told = attempts if isinstance(attempts, int) else 0
        wait = wait_before(self.backoff, told, self._runtime.access.rng.random())
        step = Step(action=EXPIRE, wait=wait, max_attempts=self.max_attempts)
        return await self._do(seen, step, deadline) is not None

    async def _do(self, seen: Seen, step: Step, deadline: Deadline) -> StateRecord | None:
        """Do a step with what was found, if it is still so; return the job then."""
        # What was found is what the commit rests on: nothing is read again unless it is refused.
        self._runtime.writer.remember(seen.paths.state, Head(seen.record, seen.update_time))
        change = job_change(self._states.call(seen.paths.state_id), self._queue, step, as_found(seen.record))
        is_unfit = False
        try:
            return await self._states.write(change, deadline)
        except _QUICKER:
            return None
        except _UNFIT as error:
            log.warning("%s is stepped past, since it cannot be moved: %s", seen.paths.state, error)
            is_unfit = True
            return None
        finally:
            # Else it stays in hand, so that nobody here is given it again for a while.
            if not is_unfit:
                self._looks.done(seen)

    def _job(self, claim: Claim, data: dict[str, Any]) -> AsyncJob:
        return AsyncJob(self._states, claim, data, max_attempts=self.max_attempts, backoff=self.backoff)
