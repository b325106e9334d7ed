"""A job as users see it."""

from typing import Any

from tai_state.models.jobs import JobInfo
from tai_state.rules.records.record import StateRecord
from tai_state.rules.records.trusted import trusted


def info_of(record: StateRecord) -> JobInfo:
    """Return the job that a state is."""
    data: dict[str, Any] = record.data.value()
    info: JobInfo = trusted(
        JobInfo,
        id=record.state_id,
        status=record.status,
        attempts=data["attempts"],
        payload=data["payload"],
        result=data["result"],
        last_error=record.last_error,
        priority=data["priority"],
        due_at=record.due_at,
        worker=data["worker"],
        created_at=record.created_at,
        changed_at=record.timestamp,
    )
    return info
