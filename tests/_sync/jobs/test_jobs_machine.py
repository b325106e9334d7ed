# Generated from tests/_async/jobs/test_jobs_machine.py by .ci/generate_sync.py; do not edit.
"""A queue whose jobs are moved by a machine of one's own, and states that depend on jobs."""
from datetime import timedelta

import pytest

from tai_state import (
    StateMachinePersister,
    ConfigurationError,
    DependentMachineError,
    LockLostError,
    Machine,
    Transition,
    TransitionNotAllowedError,
)
from tai_state.due import Timeout
from tai_state.jobs import JOB_TRANSITIONS, JobQueue
from tests._sync.jobs.test_jobs_queue import AT_ONCE, claimed
from tests._sync.stores import in_memory

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


def test_a_machine_of_ones_own_moves_the_jobs_of_a_queue(store):
    """All that a job can do, and what the machine adds, which counts and looks know."""
    queue = JobQueue(store, "mail", backoff=AT_ONCE, machine=PAUSING)
    id_ = queue.enqueue({"n": 1})
    assert (queue.update_status(id_, "paused", error="by hand")).status == "paused"
    assert queue.claim() is None
    assert (queue.counts())["paused"] == 1
    assert (queue.update_status(id_, "queued")).last_error == "by hand"
    assert ((claimed(queue)).complete("done")).status == "succeeded"
    assert (queue.update_status(id_, "archived")).result == "done"
    with pytest.raises(TransitionNotAllowedError, match="no action leads to 'running'"):
        queue.update_status(id_, "running")
    events = [event for event in store.get_events("jobs:mail", id_)]
    assert [event.action for event in events] == ["start", "pause", "resume", "claim", "complete", "archive"]
    assert {event.machine_name for event in events} == {"pausing"}


@in_memory
def test_a_claim_that_was_passed_by_is_refused(store):
    """Whoever has the job of a status that is the user's own has lost it."""
    queue = JobQueue(store, "mail", machine=PAUSING)
    queue.enqueue(1)
    job = claimed(queue)
    queue.update_status(job.id, "paused")
    with pytest.raises(LockLostError) as caught:
        job.complete()
    assert caught.value.reason == "broken"


@in_memory
def test_a_job_of_another_machine_is_left_alone(store):
    """A queue takes what its own machine moves."""
    JobQueue(store, "mail", machine=PAUSING).enqueue(1)
    assert JobQueue(store, "mail").claim() is None
    assert JobQueue(store, "mail", machine=PAUSING).claim() is not None


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
def test_a_machine_that_can_move_no_jobs_is_refused(store, wrong, message):
    """When the queue is made, with what is wrong."""
    with pytest.raises(ConfigurationError, match=message):
        JobQueue(store, "mail", machine=wrong)


def alarmed(store, queue):
    """Return a job on which a state depends that is to react when it fails."""
    id_ = queue.enqueue(1)
    alerts = StateMachinePersister(store, ALERT, machines=[queue._queue.machine])
    alerts.start("jobs:mail", "alarm", depends_on=[id_])
    return claimed(queue)


@in_memory
def test_what_depends_on_a_job_reacts_in_the_commit_that_ends_it(store):
    """Where the queue knows its machine."""
    queue = JobQueue(store, "mail", max_attempts=1, machines=[ALERT])
    job = alarmed(store, queue)
    job.fail("x")
    assert (store.get_state("jobs:mail", "alarm"))[0].status == "ringing"


@in_memory
def test_a_job_is_not_moved_past_what_depends_on_it(store, caplog):
    """A queue that does not know that machine steps past the job, and takes the others; one that does moves it."""
    knowing = JobQueue(store, "mail", max_attempts=1, lease=0.001, machines=[ALERT])
    queue = JobQueue(store, "mail", max_attempts=1, lease=60.0)
    job = alarmed(store, knowing)
    with pytest.raises(DependentMachineError, match="alert@1"):
        queue.cancel(job.id)
    assert (queue.get(job.id)).status == "running"
    other = queue.enqueue(2)
    assert (claimed(queue)).id == other
    assert queue.claim() is None
    assert queue.sweep() == 0
    assert f"{job.id} is stepped past, since it cannot be moved" in caplog.text
    assert knowing.sweep() == 1
    assert (queue.get(job.id)).status == "failed"
    assert (store.get_state("jobs:mail", "alarm"))[0].status == "ringing"
