"""The machine of a job, and which of its actions leads from one status to another."""

from typing import Any, Final

from tai_state.errors import TransitionNotAllowedError
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


JOB: Final[Machine[dict[str, Any]]] = Machine(
    "tai_job",
    QUEUED,
    [
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
    ],
    terminal=(SUCCEEDED, CANCELLED),
)
"""The machine of every job. Its functions are pure, and what is random comes with the payload."""

_BY_STATUS = {
    (QUEUED, RUNNING): CLAIM,
    (RUNNING, SUCCEEDED): COMPLETE,
    (RUNNING, FAILED): FAIL,
    (RUNNING, QUEUED): RELEASE,
    (QUEUED, CANCELLED): CANCEL,
    (RUNNING, CANCELLED): CANCEL,
    (FAILED, QUEUED): REQUEUE,
}


def action_to(status: str, target: str) -> str:
    """Return the action by which a job is brought from *status* to *target* by hand.

    Raises:
        TransitionNotAllowedError: None leads there.
    """
    action = _BY_STATUS.get((status, target))
    if action is None:
        known = JOB.allowed(status) if status in STATUSES else []
        reason = f"no action leads to {target!r}" if target in STATUSES else f"jobs have no status {target!r}"
        raise TransitionNotAllowedError(status, "update_status", known, reason)
    return action
