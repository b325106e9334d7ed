"""A job as its queue tells of it."""

from datetime import datetime
from typing import Any, Literal, TypeAlias

from tai_state.models.states import Model

JobStatus: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]


class JobInfo(Model, frozen=True):
    """A job: what was asked for, and what became of it.

    Attributes:
        status: A ``JobStatus``, or one of the queue's own machine.
        attempts: How often it was claimed; what was given back by ``release`` counts for nothing.
        result: What it was completed with.
        last_error: Of its last attempt that failed, or whose lease ended; None behind one that succeeded.
        due_at: When it may run (queued), or when its lease ends (running), by the store's clock; None: it has ended.
        worker: Who has claimed it last, as he called himself.
        created_at, changed_at: When it was enqueued, and moved last, by the clocks of those who did.
    """

    id: str
    status: str
    attempts: int
    payload: Any
    result: Any = None
    last_error: str | None = None
    priority: int = 0
    due_at: datetime | None = None
    worker: str | None = None
    created_at: datetime
    changed_at: datetime
