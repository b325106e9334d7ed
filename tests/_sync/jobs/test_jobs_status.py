# Generated from tests/_async/jobs/test_jobs_status.py by .ci/generate_sync.py; do not edit.
"""Jobs by hand: from where to where they may be brought, and what becomes of their last error."""
import pytest

from tai_state import KEEP, LockLostError, StateNotFoundError, TransitionNotAllowedError
from tai_state.jobs import JobQueue
from tests._sync.jobs.test_jobs_queue import AT_ONCE, claimed
from tests._sync.stores import in_memory

STATUSES = ("queued", "running", "succeeded", "failed", "cancelled")
ALLOWED = {
    ("queued", "running"),
    ("queued", "cancelled"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "queued"),
    ("running", "cancelled"),
    ("failed", "queued"),
}
WAYS = {
    "queued": [],
    "running": ["running"],
    "succeeded": ["running", "succeeded"],
    "failed": ["running", "failed"],
    "cancelled": ["cancelled"],
}


@pytest.fixture
def queue(store):
    """A queue whose jobs run again at once."""
    return JobQueue(store, "mail", max_attempts=2, backoff=AT_ONCE)


def brought(queue, status):
    """Return the id of a job that was brought to *status*, its last error "before"."""
    id_ = queue.enqueue({"n": 1})
    for step in WAYS[status]:
        queue.update_status(id_, step, error="before")
    return id_


@in_memory
@pytest.mark.parametrize("target", STATUSES)
@pytest.mark.parametrize("status", STATUSES)
def test_a_job_is_brought_where_something_leads(queue, status, target):
    """And nowhere else: then nothing is written."""
    id_ = brought(queue, status)
    before = queue.get(id_)
    if (status, target) in ALLOWED:
        assert (queue.update_status(id_, target)).status == target
        return
    with pytest.raises(TransitionNotAllowedError) as caught:
        queue.update_status(id_, target)
    assert (caught.value.status, caught.value.action) == (status, "update_status")
    assert queue.get(id_) == before


@in_memory
@pytest.mark.parametrize(("error", "told"), [("new", "new"), (None, None), (KEEP, "before")], ids=str)
def test_the_last_error_is_set_cleared_or_kept_with_the_status(queue, error, told):
    """In one commit, whichever."""
    id_ = brought(queue, "running")
    ended = queue.update_status(id_, "failed", error)
    assert (ended.status, ended.last_error) == ("failed", told)


@in_memory
def test_what_is_no_status_or_no_job_is_refused(queue):
    """By name."""
    id_ = queue.enqueue(1)
    with pytest.raises(TransitionNotAllowedError, match="jobs have no status 'done'"):
        queue.update_status(id_, "done")
    with pytest.raises(StateNotFoundError):
        queue.update_status("x", "running")
    with pytest.raises(StateNotFoundError):
        queue.cancel("x")


def test_a_cancelled_job_is_claimed_by_nobody(queue):
    """And is not cancelled twice."""
    id_ = queue.enqueue(1)
    assert (queue.cancel(id_)).status == "cancelled"
    assert queue.claim() is None
    with pytest.raises(TransitionNotAllowedError):
        queue.cancel(id_)


@pytest.mark.parametrize("step", ["complete", "heartbeat"])
def test_a_job_that_is_cancelled_while_it_runs_is_lost_to_its_claim(queue, step):
    """The store refuses whatever the claim asks for."""
    queue.enqueue(1)
    job = claimed(queue)
    queue.cancel(job.id)
    with pytest.raises(LockLostError, match="broken"):
        getattr(job, step)()
    assert (queue.get(job.id)).status == "cancelled"


@in_memory
def test_a_job_that_is_deleted_is_lost_to_its_claim(store, queue):
    """As every state, a job can be deleted."""
    queue.enqueue(1)
    job = claimed(queue)
    store.delete_state("jobs:mail", job.id)
    for step in (job.complete, job.heartbeat):
        with pytest.raises(LockLostError, match="broken"):
            step()
    assert queue.claim() is None


def test_a_job_that_failed_is_put_back_by_hand(queue):
    """With all its attempts before it; whoever claims it next is heard."""
    id_ = brought(queue, "failed")
    put_back = queue.update_status(id_, "queued", error=None)
    assert (put_back.status, put_back.attempts, put_back.last_error) == ("queued", 0, None)
    assert ((claimed(queue)).complete()).attempts == 1


@in_memory
def test_a_claim_that_was_passed_by_is_refused(queue):
    """What was done by hand counts."""
    queue.enqueue(1)
    job = claimed(queue)
    queue.update_status(job.id, "failed", error="by hand")
    with pytest.raises(LockLostError):
        job.complete()
    assert (queue.get(job.id)).last_error == "by hand"
