"""What may be done with a job that was found due."""

from datetime import datetime
from enum import Enum, auto
from typing import Any

from tai_state.machine import Machine
from tai_state.rules.due.looking import has_come, has_lease_ended
from tai_state.rules.jobs.machine import CANCELLED, FAILED, JOB, QUEUED, RUNNING, SUCCEEDED
from tai_state.rules.records.record import StateRecord


class Found(Enum):
    """What a job that was looked for is."""

    CLAIMABLE = auto()  # queued, and its time has come
    EXPIRED = auto()  # running, and its lease has ended
    EARLY = auto()  # either, and not yet
    FOREIGN = auto()  # moved by a newer definition of the machine, or by another: not ours to touch


def judge(record: StateRecord, update_time: datetime, told: datetime, ours: Machine[dict[str, Any]] = JOB) -> Found:
    """Return what may be done with a job.

    Args:
        update_time: When its document was last changed, by the store's clock.
        told: What the store's clock had reached before the document was read as it is.
        ours: The machine of the queue.
    """
    due, machine = record.due, record.machine
    if due is None or machine is None or machine.name != ours.name or machine.version > ours.version:
        return Found.FOREIGN
    if record.status == QUEUED:
        return Found.CLAIMABLE if has_come(record, update_time, told) else Found.EARLY
    if record.status != RUNNING or due.after is None:
        return Found.FOREIGN
    return Found.EXPIRED if has_lease_ended(record, update_time, told) else Found.EARLY


_REASONS = {QUEUED: "expired", FAILED: "expired", CANCELLED: "broken", SUCCEEDED: "released"}


def loss_reason(status: str | None, claim: object, ours: str) -> str | None:
    """Return how the claim *ours* of a job was lost, as ``LockLostError`` tells it; None: it was not.

    Args:
        status: That of the job; None: it is gone.
        claim: The last one that it had.
    """
    if status is None:
        return "broken"
    if claim != ours:
        return "stolen"
    if status == RUNNING:
        return None
    return _REASONS.get(status, "broken")
