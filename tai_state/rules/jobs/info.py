"""A job as users see it."""

from typing import Any

from tai_state.models.jobs import JobInfo
from tai_state.models.states import StateSnapshot
from tai_state.rules.records.record import trusted


def info_of(snapshot: StateSnapshot) -> JobInfo:
    """Return the job that a state is."""
    data: dict[str, Any] = snapshot.data
    info: JobInfo = trusted(
        JobInfo,
        id=snapshot.state_id,
        status=snapshot.status,
        attempts=data["attempts"],
        payload=data["payload"],
        result=data["result"],
        last_error=snapshot.last_error,
        priority=data["priority"],
        due_at=snapshot.due_at,
        worker=data["worker"],
        created_at=snapshot.created_at,
        changed_at=snapshot.timestamp,
    )
    return info
