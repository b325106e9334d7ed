"""A queue whose jobs are moved by a machine of one's own, and states that depend on jobs."""

from datetime import timedelta

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    ConfigurationError,
    DependentMachineError,
    LockLostError,
    Machine,
    Transition,
    TransitionNotAllowedError,
)
from tai_state.due import Timeout
from tai_state.jobs import JOB_TRANSITIONS, AsyncJobQueue
from tests._async.jobs.test_jobs_queue import AT_ONCE, async_claimed
from tests._async.stores import in_memory

PAUSING = Machine(
    "pausing",
    "queued",
    [
        *JOB_TRANSITIONS,
        Transition("pause", ("queued", "running"), "paused"),
        Transition("resume", "paused", "queued"),
        Transition("archive", "succeeded", "archived"),
    ],
)
ALERT = Machine("alert", "quiet", [Transition("ring", "quiet", "ringing")], on_dependency={"failed": "ring"})


async def test_a_machine_of_ones_own_moves_the_jobs_of_a_queue(store):
    """All that a job can do, and what the machine adds, which counts and looks know."""
    queue = AsyncJobQueue(store, "mail", backoff=AT_ONCE, machine=PAUSING)
    id_ = await queue.enqueue({"n": 1})
    assert (await queue.update_status(id_, "paused", error="by hand")).status == "paused"
    assert await queue.claim() is None
    assert (await queue.counts())["paused"] == 1
    assert (await queue.update_status(id_, "queued")).last_error == "by hand"
    assert (await (await async_claimed(queue)).complete("done")).status == "succeeded"
    assert (await queue.update_status(id_, "archived")).result == "done"
    with pytest.raises(TransitionNotAllowedError, match="no action leads to 'running'"):
        await queue.update_status(id_, "running")
    events = [event async for event in store.get_events("jobs:mail", id_)]
    assert [event.action for event in events] == ["start", "pause", "resume", "claim", "complete", "archive"]
    assert {event.machine_name for event in events} == {"pausing"}


@in_memory
async def test_a_claim_that_was_passed_by_is_refused(store):
    """Whoever has the job of a status that is the user's own has lost it."""
    queue = AsyncJobQueue(store, "mail", machine=PAUSING)
    await queue.enqueue(1)
    job = await async_claimed(queue)
    await queue.update_status(job.id, "paused")
    with pytest.raises(LockLostError) as caught:
        await job.complete()
    assert caught.value.reason == "broken"


@in_memory
async def test_a_job_of_another_machine_is_left_alone(store):
    """A queue takes what its own machine moves."""
    await AsyncJobQueue(store, "mail", machine=PAUSING).enqueue(1)
    assert await AsyncJobQueue(store, "mail").claim() is None
    assert await AsyncJobQueue(store, "mail", machine=PAUSING).claim() is not None


def machine(*more, of=JOB_TRANSITIONS, name="own", initial="queued", **options):
    """Return a machine of jobs, and what spoils it."""
    return Machine(name, initial, [*of, *more], **options)


@in_memory
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (machine(name="tai_job"), "is the package's own, give it another name"),
        (machine(Transition("put", "new", "queued"), initial="new"), "a job begins in 'queued', not in 'new'"),
        (machine(timeouts={"queued": Timeout(timedelta(seconds=1), "cancel")}), "there are no timeouts"),
        (machine(of=JOB_TRANSITIONS[:-1]), "its transitions must be JOB_TRANSITIONS"),
        (machine(Transition("claim", "failed", "queued")), "its transitions must be JOB_TRANSITIONS"),
        (machine(Transition("run", "queued", "running")), "only 'claim' leads to 'running'"),
        ("tai_job", "machine must be of type Machine"),
    ],
)
async def test_a_machine_that_can_move_no_jobs_is_refused(store, wrong, message):
    """When the queue is made, with what is wrong."""
    with pytest.raises(ConfigurationError, match=message):
        AsyncJobQueue(store, "mail", machine=wrong)


async def async_alarmed(store, queue):
    """Return a job on which a state depends that is to react when it fails."""
    id_ = await queue.enqueue(1)
    alerts = AsyncStateMachinePersister(store, ALERT, machines=[queue._queue.machine])
    await alerts.start("jobs:mail", "alarm", depends_on=[id_])
    return await async_claimed(queue)


@in_memory
async def test_what_depends_on_a_job_reacts_in_the_commit_that_ends_it(store):
    """Where the queue knows its machine."""
    queue = AsyncJobQueue(store, "mail", max_attempts=1, machines=[ALERT])
    job = await async_alarmed(store, queue)
    await job.fail("x")
    assert (await store.get_state("jobs:mail", "alarm"))[0].status == "ringing"


@in_memory
async def test_a_job_is_not_moved_past_what_depends_on_it(store, caplog):
    """A queue that does not know that machine steps past the job, and takes the others; one that does moves it."""
    knowing = AsyncJobQueue(store, "mail", max_attempts=1, lease=0.001, machines=[ALERT])
    queue = AsyncJobQueue(store, "mail", max_attempts=1, lease=60.0)
    job = await async_alarmed(store, knowing)
    with pytest.raises(DependentMachineError, match="alert@1"):
        await queue.cancel(job.id)
    assert (await queue.get(job.id)).status == "running"
    other = await queue.enqueue(2)
    assert (await async_claimed(queue)).id == other
    assert await queue.claim() is None
    assert await queue.sweep() == 0
    assert f"{job.id} is stepped past, since it cannot be moved" in caplog.text
    assert await knowing.sweep() == 1
    assert (await queue.get(job.id)).status == "failed"
    assert (await store.get_state("jobs:mail", "alarm"))[0].status == "ringing"
