"""Jobs: work that some process does, by a claim that ends when its process does.

``JobQueue(store, name)``: ``enqueue`` puts a job there, ``claim`` takes the next one that is due as a ``Job``, whose
holder calls ``heartbeat`` while he works, and ``complete``, ``fail`` or ``release`` in the end. A job whose lease ends
is put back, and fails for good once its attempts are spent. ``JobInfo`` is what a queue tells of a job. A machine of
one's own that is to move jobs is made of the ``JOB_TRANSITIONS``, and others.
"""

from typing import TYPE_CHECKING

from tai_state.late import late_names

if TYPE_CHECKING:
    from tai_state._async.jobs.job import AsyncJob
    from tai_state._async.jobs.queue import AsyncJobQueue
    from tai_state._sync.jobs.job import Job
    from tai_state._sync.jobs.queue import JobQueue
    from tai_state.models.jobs import JobInfo, JobStatus
    from tai_state.rules.jobs.machine import JOB_TRANSITIONS

HOMES: dict[str, tuple[str, ...]] = {
    "tai_state._async.jobs.job": ("AsyncJob",),
    "tai_state._async.jobs.queue": ("AsyncJobQueue",),
    "tai_state._sync.jobs.job": ("Job",),
    "tai_state._sync.jobs.queue": ("JobQueue",),
    "tai_state.models.jobs": ("JobInfo", "JobStatus"),
    "tai_state.rules.jobs.machine": ("JOB_TRANSITIONS",),
}
"""The names that each module defines: who works with one colour waits for no other."""

__all__ = ["JOB_TRANSITIONS", "AsyncJob", "AsyncJobQueue", "Job", "JobInfo", "JobQueue", "JobStatus"]

if not TYPE_CHECKING:  # A type checker would take it for a promise of any name.
    __getattr__ = late_names(__name__, HOMES)

    def __dir__() -> list[str]:
        """List what has not been imported yet, too."""
        return sorted({*globals(), *__all__})
