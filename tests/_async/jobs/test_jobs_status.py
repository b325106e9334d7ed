"""Jobs by hand: from where to where they may be brought, and what becomes of their last error."""

import pytest

from tai_state import KEEP, LockLostError, StateNotFoundError, TransitionNotAllowedError
from tai_state.jobs import AsyncJobQueue
from tests._async.jobs.test_jobs_queue import AT_ONCE, async_claimed
from tests._async.stores import in_memory

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
async def queue(store):
    """A queue whose jobs run again at once."""
    return AsyncJobQueue(store, "mail", max_attempts=2, backoff=AT_ONCE)


async def async_brought(queue, status):
    """Return the id of a job that was brought to *status*, its last error "before"."""
    id_ = await queue.enqueue({"n": 1})
    for step in WAYS[status]:
        await queue.update_status(id_, step, error="before")
    return id_


@in_memory
@pytest.mark.parametrize("target", STATUSES)
@pytest.mark.parametrize("status", STATUSES)
async def test_a_job_is_brought_where_something_leads(queue, status, target):
    """And nowhere else: then nothing is written."""
    id_ = await async_brought(queue, status)
    before = await queue.get(id_)
    if (status, target) in ALLOWED:
        assert (await queue.update_status(id_, target)).status == target
        return
    with pytest.raises(TransitionNotAllowedError) as caught:
        await queue.update_status(id_, target)
    assert (caught.value.status, caught.value.action) == (status, "update_status")
    assert await queue.get(id_) == before


@in_memory
@pytest.mark.parametrize(("error", "told"), [("new", "new"), (None, None), (KEEP, "before")], ids=str)
async def test_the_last_error_is_set_cleared_or_kept_with_the_status(queue, error, told):
    """In one commit, whichever."""
    id_ = await async_brought(queue, "running")
    ended = await queue.update_status(id_, "failed", error)
    assert (ended.status, ended.last_error) == ("failed", told)


@in_memory
async def test_what_is_no_status_or_no_job_is_refused(queue):
    """By name."""
    id_ = await queue.enqueue(1)
    with pytest.raises(TransitionNotAllowedError, match="jobs have no status 'done'"):
        await queue.update_status(id_, "done")
    with pytest.raises(StateNotFoundError):
        await queue.update_status("x", "running")
    with pytest.raises(StateNotFoundError):
        await queue.cancel("x")


async def test_a_cancelled_job_is_claimed_by_nobody(queue):
    """And is not cancelled twice."""
    id_ = await queue.enqueue(1)
    assert (await queue.cancel(id_)).status == "cancelled"
    assert await queue.claim() is None
    with pytest.raises(TransitionNotAllowedError):
        await queue.cancel(id_)


@pytest.mark.parametrize("step", ["complete", "heartbeat"])
async def test_a_job_that_is_cancelled_while_it_runs_is_lost_to_its_claim(queue, step):
    """The store refuses whatever the claim asks for."""
    await queue.enqueue(1)
    job = await async_claimed(queue)
    await queue.cancel(job.id)
    with pytest.raises(LockLostError, match="broken"):
        await getattr(job, step)()
    assert (await queue.get(job.id)).status == "cancelled"


@in_memory
async def test_a_job_that_is_deleted_is_lost_to_its_claim(store, queue):
    """As every state, a job can be deleted."""
    await queue.enqueue(1)
    job = await async_claimed(queue)
    await store.delete_state("jobs:mail", job.id)
    for step in (job.complete, job.heartbeat):
        with pytest.raises(LockLostError, match="broken"):
            await step()
    assert await queue.claim() is None


async def test_a_job_that_failed_is_put_back_by_hand(queue):
    """With all its attempts before it; whoever claims it next is heard."""
    id_ = await async_brought(queue, "failed")
    put_back = await queue.update_status(id_, "queued", error=None)
    assert (put_back.status, put_back.attempts, put_back.last_error) == ("queued", 0, None)
    assert (await (await async_claimed(queue)).complete()).attempts == 1


@in_memory
async def test_a_claim_that_was_passed_by_is_refused(queue):
    """What was done by hand counts."""
    await queue.enqueue(1)
    job = await async_claimed(queue)
    await queue.update_status(job.id, "failed", error="by hand")
    with pytest.raises(LockLostError):
        await job.complete()
    assert (await queue.get(job.id)).last_error == "by hand"
