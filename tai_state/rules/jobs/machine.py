"""The machine of a job, and which of its actions leads from one status to another."""

from typing import Any, Final

from tai_state.config import check_kind
from tai_state.errors import ConfigurationError, TransitionNotAllowedError
from tai_state.machine import Machine, Transition

QUEUED: Final = "queued"
RUNNING: Final = "running"
SUCCEEDED: Final = "succeeded"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"

STATUSES = (QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED)

CLAIM: Final = "claim"
COMPLETE: Final = "complete"
FAIL: Final = "fail"
EXPIRE: Final = "expire"
RELEASE: Final = "release"
CANCEL: Final = "cancel"
REQUEUE: Final = "requeue"


def may_run_again(data: dict[str, Any], payload: dict[str, Any]) -> bool:
    """Whether a job that failed, or whose lease ended, is put back: it is to be, and has attempts left."""
    return bool(payload["retry"]) and data["attempts"] < payload["max_attempts"]


def has_no_result(_: object, payload: dict[str, Any]) -> bool:
    """Whether a job is completed with nothing to keep."""
    return payload["result"] is None


def _claimed(data: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    return {
        **data,
        "attempts": data["attempts"] + 1,
        "claim": payload["claim"],
        "worker": payload["worker"],
        "lease_seconds": payload["lease_seconds"],
    }


def _completed(data: dict[str, Any], payload: dict[str, Any]) -> dict[str, Any]:
    return {**data, "result": payload["result"]}


def _released(data: dict[str, Any], _: object) -> dict[str, Any]:
    # Nothing was tried.
    return {**data, "attempts": data["attempts"] - 1}


def _begun_anew(data: dict[str, Any], _: object) -> dict[str, Any]:
    return {**data, "attempts": 0}


JOB_TRANSITIONS: Final[tuple[Transition[dict[str, Any]], ...]] = (
    Transition(CLAIM, QUEUED, RUNNING, apply=_claimed),
    # Most jobs have no result: their data stays the text that it is.
    Transition(COMPLETE, RUNNING, SUCCEEDED, guard=has_no_result),
    Transition(COMPLETE, RUNNING, SUCCEEDED, apply=_completed),
    Transition(FAIL, RUNNING, QUEUED, guard=may_run_again),
    Transition(FAIL, RUNNING, FAILED),
    Transition(EXPIRE, RUNNING, QUEUED, guard=may_run_again),
    Transition(EXPIRE, RUNNING, FAILED),
    Transition(RELEASE, RUNNING, QUEUED, apply=_released),
    Transition(CANCEL, (QUEUED, RUNNING), CANCELLED),
    Transition(REQUEUE, FAILED, QUEUED, apply=_begun_anew),
)
"""What every job can do. The functions are pure, and what is random comes with the payload."""

JOB: Final[Machine[dict[str, Any]]] = Machine("tai_job", QUEUED, JOB_TRANSITIONS, terminal=(SUCCEEDED, CANCELLED))
"""The machine of jobs where a queue has none of its own."""


def job_machine(machine: object) -> Machine[dict[str, Any]]:
    """Return the machine that moves a queue's jobs: *machine*, or where that is None the package's own.

    Raises:
        ConfigurationError: It can move no jobs; says why.
    """
    if machine is None:
        return JOB
    check_kind(machine, Machine, "machine")
    assert isinstance(machine, Machine)
    wrong = _unfit(machine)
    if wrong:
        message = f"machine {str.__str__(machine.name)!r} can move no jobs: {wrong}"
        raise ConfigurationError(message)
    return machine


def _unfit(machine: Machine[Any]) -> str | None:
    """Return what keeps a machine from moving jobs; None: nothing does."""
    of_jobs = {one.action for one in JOB_TRANSITIONS}
    # In their order: of those that share an action and a source, the first whose guard holds is made.
    theirs = tuple(one for one in machine.transitions if one.action in of_jobs)
    others = [one for one in machine.transitions if one.action not in of_jobs]
    reasons = {
        f"{JOB.name!r} is the package's own, give it another name": machine.name == JOB.name,
        f"a job begins in {QUEUED!r}, not in {machine.initial!r}": machine.initial != QUEUED,
        "a job's data are the queue's own, so there is no data_type": machine.data_type is not None,
        "a job is due when it may run, or its lease ends, so there are no timeouts": any(
            machine.timeout_of(status) is not None for status in machine.statuses
        ),
        "its transitions must be JOB_TRANSITIONS, in their order, and others under other actions": (
            theirs != JOB_TRANSITIONS
        ),
        f"only {CLAIM!r} leads to {RUNNING!r}, where a job has a claim and a lease": any(
            one.target == RUNNING for one in others
        ),
    }
    return next((reason for reason, is_so in reasons.items() if is_so), None)


_BY_STATUS = {
    (QUEUED, RUNNING): CLAIM,
    (RUNNING, SUCCEEDED): COMPLETE,
    (RUNNING, FAILED): FAIL,
    (RUNNING, QUEUED): RELEASE,
    (QUEUED, CANCELLED): CANCEL,
    (RUNNING, CANCELLED): CANCEL,
    (FAILED, QUEUED): REQUEUE,
}


def action_to(machine: Machine[dict[str, Any]], status: str, target: str) -> str:
    """Return the action by which a job of *machine* is brought from *status* to *target* by hand.

    Raises:
        TransitionNotAllowedError: None leads there.
    """
    action = _BY_STATUS.get((status, target)) or _own_action(machine, status, target)
    if action is None:
        known = machine.allowed(status) if status in machine.statuses else []
        reason = f"no action leads to {target!r}" if target in machine.statuses else f"jobs have no status {target!r}"
        raise TransitionNotAllowedError(status, "update_status", known, reason)
    return action


def _own_action(machine: Machine[dict[str, Any]], status: str, target: str) -> str | None:
    """Return the first action of a user's own machine that leads from *status* to *target*."""
    of_jobs = {one.action for one in JOB_TRANSITIONS}
    for action in machine.allowed(status) if status in machine.statuses else []:
        leads = any(one.action == action and one.target == target for one in machine.transitions)
        if action not in of_jobs and leads:
            return action
    return None
