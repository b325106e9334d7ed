# Generated from tai_state/_async/jobs/room.py by .ci/generate_sync.py; do not edit.
"""Whether a job that is to be enqueued could be claimed at all: an event holds a state before and behind a step."""
from contextlib import suppress
from datetime import timedelta

from tai_state._sync.jobs.states import JobStates
from tai_state.clock import Deadline
from tai_state.documents import Check, DocumentPath, MustExist
from tai_state.errors import PreconditionFailedError
from tai_state.layout import ID_BYTES_MAX, TRANSACTIONS
from tai_state.rules.commits.change import Change, Head, Plan, View
from tai_state.rules.commits.decide import writes_of
from tai_state.rules.jobs.changes import Step, job_change
from tai_state.rules.jobs.machine import CLAIM

_LARGE = 300_000
"""From how many bytes of JSON on it is asked: twice as much of less fits into a document of every engine."""


def check_room(states: JobStates, job_id: str, change: Change, deadline: Deadline) -> None:
    """Refuse a job of which no claim could be stored.

    Each engine counts in its own way, so it is asked: by a commit that rests on a document which is not there, and so
    can never be. It is refused as too large before anything is looked at.

    Args:
        change: What enqueues the job.

    Raises:
        DocumentTooLargeError: It is too large.
    """
    if len(change.request.json) <= _LARGE:
        return
    writer, access, settings = states.runtime.writer, states.runtime.access, states.settings.lean()
    made = writer.plan_on(View(None, writer.origin), change, settings)
    assert isinstance(made, Plan)
    step = Step(action=CLAIM, claim=access.new_id(), worker="w" * ID_BYTES_MAX, lease=timedelta(seconds=1))
    claim = job_change(states.call(job_id), states.queue, step)
    try:
        claimed = writer.plan_on(View(Head(made.record, None), made.event.origin), claim, settings)
    except Exception:  # noqa: BLE001 - what a user's machine has against it, the claim tells
        return
    assert isinstance(claimed, Plan)
    never = Check(DocumentPath(TRANSACTIONS, access.new_id()), MustExist())

    def attempt() -> None:
        with suppress(PreconditionFailedError):
            access.backend.commit([never, *writes_of(claimed)], timeout=access.attempt_seconds(deadline))

    access.retried(attempt, deadline, what="a look at the size of a job")
