"""The changes of jobs: each a move of their machine, with what is due behind it."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tai_state.errors import LockLostError
from tai_state.frozen import quick_dataclass
from tai_state.models import KEEP, Keep
from tai_state.rules.commits.change import Change, Target
from tai_state.rules.commits.kinds import Call, check_name, transition_change
from tai_state.rules.commits.scheduled import Check
from tai_state.rules.commits.starting import start_change
from tai_state.rules.due.arming import NOTHING_DUE, Wanted
from tai_state.rules.jobs.finding import loss_reason
from tai_state.rules.jobs.machine import (
    CLAIM,
    COMPLETE,
    EXPIRE,
    FAIL,
    QUEUED,
    RUNNING,
    action_to,
)
from tai_state.rules.jobs.places import Queue
from tai_state.rules.records.record import StateRecord, complete

_AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)


@quick_dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is done with a job.

    Attributes:
        lease: How long it may run without a heartbeat, where it is claimed.
        wait: How long it waits where it is put back; None: not at all.
        error: What becomes of its last error.
    """

    action: str
    lease: timedelta = timedelta()
    wait: timedelta | None = None
    error: str | Keep | None = KEEP
    claim: str | None = None
    worker: str | None = None
    result: object = None
    retry: bool = False
    max_attempts: int = 0

    @property
    def payload(self) -> dict[str, Any]:
        """What the machine's functions are given, and the event keeps."""
        if self.action == CLAIM:
            return {"claim": self.claim, "worker": self.worker, "lease_seconds": self.lease.total_seconds()}
        if self.action == COMPLETE:
            return {"claim": self.claim, "result": self.result}
        if self.action == FAIL:
            return {"claim": self.claim, "retry": self.retry, "max_attempts": self.max_attempts}
        if self.action == EXPIRE:
            return {"retry": True, "max_attempts": self.max_attempts}
        return {"claim": self.claim}


def enqueue_change(call: Call, queue: Queue, payload: object, *, priority: int, at: datetime | None) -> Change:
    """Put a job into *queue*, to run from *at* on; None: at once."""
    data = {
        "payload": payload,
        "priority": priority,
        "attempts": 0,
        "claim": None,
        "worker": None,
        "lease_seconds": None,
        "result": None,
    }
    change = start_change(call, queue.machine, data)
    target_of, wanted = change.target_of, Wanted(CLAIM, queue.lane(priority), at=at or _AT_ONCE)

    def due(state: StateRecord | None) -> Target:
        target = target_of(state)
        complete(target, "due", wanted)
        return target

    complete(change, "target_of", due)
    return change


def job_change(call: Call, queue: Queue, step: Step, check: Check | None = None) -> Change:
    """Do *step* with a job, where *check* lets it."""
    change = transition_change(call, queue.machine, step.action, step.payload, step.error)
    complete(change, "target_of", _target_of(change, queue, step, check))
    return change


def _target_of(change: Change, queue: Queue, step: Step, check: Check | None) -> Callable[[StateRecord | None], Target]:
    move = change.target_of

    def target_of(state: StateRecord | None) -> Target:
        assert state is not None
        if check is not None:
            check(state)
        target = move(state)
        if step.action == EXPIRE:
            complete(target, "last_error", _expiry(state.data.value()))
        complete(target, "due", _wanted(queue, step, target))
        return target

    return target_of


def _expiry(data: dict[str, Any]) -> str:
    worker = "" if data["worker"] is None else f" of worker {data['worker']!r}"
    return f"the lease{worker} ended: no heartbeat for {data['lease_seconds']:g} seconds in attempt {data['attempts']}"


def _wanted(queue: Queue, step: Step, target: Target) -> Wanted:
    """Return what is due of a job behind a step."""
    if target.status == RUNNING:
        return Wanted(EXPIRE, queue.leases, after=step.lease)
    if target.status != QUEUED:
        return NOTHING_DUE
    lane = queue.lane(target.data.value()["priority"])
    return Wanted(CLAIM, lane, at=_AT_ONCE) if step.wait is None else Wanted(CLAIM, lane, after=step.wait)


def status_step_change(call: Call, queue: Queue, status: object, step: Step) -> Change:
    """Bring a job to *status* by hand, whoever has claimed it; *step* says all but the action."""
    name = check_name(status, "status")
    change = transition_change(call, queue.machine, "update_status", {"status": name}, step.error)

    def target_of(state: StateRecord | None) -> Target:
        assert state is not None
        named = replace(step, action=action_to(queue.machine, state.status, name))
        moving = transition_change(call, queue.machine, named.action, named.payload, named.error)
        target = _target_of(moving, queue, named, None)(state)
        complete(target, "action", named.action)
        return target

    complete(change, "target_of", target_of)
    return change


class EndedError(Exception):
    """A step whose outcome was in doubt has been made: the job is as it left it.

    Attributes:
        record: The job.
    """

    def __init__(self, record: StateRecord) -> None:
        """Keep the job."""
        super().__init__()
        self.record = record


def fenced(resource: str, claim: str, *, done: Collection[str] = ()) -> Check:
    """Return the check that *claim* is the one that a job is running under.

    It raises LockLostError where it is not, and EndedError where a job that it had is in one of the statuses *done*.

    Args:
        done: Where a step of this claim leads that may have been made already.
    """

    def check(state: StateRecord) -> None:
        last = state.data.value()["claim"]
        if last == claim and state.status in done:
            raise EndedError(state)
        reason = loss_reason(state.status, last, claim)
        if reason is not None:
            raise LockLostError(resource, reason)

    return check
