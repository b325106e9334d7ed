# Generated from tests/_async/jobs/test_jobs_leases.py by .ci/generate_sync.py; do not edit.
"""Leases of jobs, on a clock that a test moves: who is heard, and what becomes of a job that nobody renews."""
from datetime import timedelta

import pytest

from tai_state import MemoryStore, LockLostError
from tai_state.jobs import JobQueue
from tai_state.retry import RetryPolicy
from tai_state.testing import ManualClock
from tests._sync.jobs.test_jobs_queue import AT_ONCE, claimed

LEASE = 60.0


@pytest.fixture
def clock():
    """The clock of the store, and of its callers."""
    return ManualClock()


@pytest.fixture
def store(clock):
    """A store on that clock."""
    return MemoryStore(clock=clock, actor="tester")


@pytest.fixture
def queue(store):
    """A queue with leases of a minute; its jobs run again at once."""
    return JobQueue(store, "mail", max_attempts=2, lease=LEASE, backoff=AT_ONCE)


def test_a_job_whose_lease_ended_is_put_back_by_the_next_look(queue, clock):
    """And claimed again, as its next attempt; the error says what was."""
    queue.enqueue(1)
    lost = claimed(queue, worker="w-1")
    clock.advance(LEASE + 1)
    job = claimed(queue)
    assert (job.id, job.attempts) == (lost.id, 2)
    told = (queue.get(job.id)).last_error
    assert told == "the lease of worker 'w-1' ended: no heartbeat for 60 seconds in attempt 1"


def test_a_lease_counts_to_its_very_end(queue, clock):
    """Nobody takes a job from whoever has it a moment early."""
    queue.enqueue(1)
    claimed(queue)
    clock.advance(LEASE - 0.001)
    assert queue.sweep() == 0
    clock.advance(0.002)
    assert queue.sweep() == 1


def test_a_job_that_nobody_renews_fails_behind_its_last_attempt(queue, clock):
    """After exactly as many claims as it may have, with an error that says why."""
    id_ = queue.enqueue(1)
    for attempt in (1, 2):
        assert (claimed(queue)).attempts == attempt
        clock.advance(LEASE + 1)
    assert queue.claim() is None
    ended = queue.get(id_)
    assert (ended.status, ended.attempts) == ("failed", 2)
    assert ended.last_error == "the lease ended: no heartbeat for 60 seconds in attempt 2"


def test_a_heartbeat_keeps_a_job(queue, clock):
    """For a whole lease more, however often; and it changes nothing else of the job."""
    queue.enqueue(1)
    job = claimed(queue)
    for _ in range(4):
        clock.advance(LEASE - 1)
        job.heartbeat()
        assert queue.sweep() == 0
    clock.advance(LEASE + 1)
    assert queue.sweep() == 1


def test_a_heartbeat_is_no_change(store, queue, clock):
    """No event, and no version: its history is as long as what was done with the job."""
    queue.enqueue(1)
    job = claimed(queue)
    before, version = store.get_state("jobs:mail", job.id)
    clock.advance(1)
    job.heartbeat()
    after, still = store.get_state("jobs:mail", job.id)
    assert still == version == 2
    assert before.due_at is not None
    assert after.due_at is not None
    assert timedelta(seconds=1) <= after.due_at - before.due_at < timedelta(seconds=1.1)
    assert [event.action for event in store.get_events("jobs:mail", job.id)] == ["start", "claim"]


def test_heartbeats_at_one_moment_are_all_written(queue):
    """A write that changes nothing would renew nothing on an engine that does not take it for one."""
    queue.enqueue(1)
    job = claimed(queue)
    due = [(queue.get(job.id)).due_at]
    for _ in range(2):
        job.heartbeat()
        due.append((queue.get(job.id)).due_at)
    assert len(set(due)) == 3


@pytest.mark.parametrize("step", ["complete", "fail", "release", "heartbeat"])
def test_a_claim_that_was_put_back_is_heard_no_more(queue, clock, step):
    """Nothing is written: whoever has the job now is not disturbed."""
    queue.enqueue(1)
    stale = claimed(queue)
    clock.advance(LEASE + 1)
    queue.sweep()
    before = queue.get(stale.id)
    arguments = ["late"] if step == "fail" else []
    with pytest.raises(LockLostError, match="expired"):
        getattr(stale, step)(*arguments)
    assert queue.get(stale.id) == before
    job = claimed(queue)
    before = queue.get(job.id)
    with pytest.raises(LockLostError, match="stolen"):
        getattr(stale, step)(*arguments)
    assert queue.get(job.id) == before
    job.complete()


def test_a_lease_that_nobody_has_taken_is_still_ours(queue, clock):
    """The claim is the fence, not the time: work that was done is not done again for nothing."""
    queue.enqueue(1)
    job = claimed(queue)
    clock.advance(10 * LEASE)
    assert (job.complete()).status == "succeeded"


def test_a_claim_has_a_lease_of_its_own(queue, clock):
    """Where it says so; its heartbeats renew it by as much."""
    queue.enqueue(1)
    job = claimed(queue, lease=timedelta(seconds=5))
    clock.advance(4)
    job.heartbeat()
    clock.advance(4)
    assert queue.sweep() == 0
    clock.advance(2)
    assert queue.sweep() == 1


def test_a_sweep_puts_back_all_that_ended(queue, clock):
    """However many, and tells how many."""
    for number in range(40):
        queue.enqueue(number)
    for _ in range(40):
        claimed(queue)
    clock.advance(LEASE + 1)
    assert queue.sweep() == 40
    assert (queue.counts())["queued"] == 40


def test_a_job_runs_no_sooner_than_it_may(queue, clock):
    """By the store's clock; meanwhile others do."""
    at = clock.now() + timedelta(seconds=10)
    later = queue.enqueue("later", at=at)
    now = queue.enqueue("now")
    assert (claimed(queue)).id == now
    clock.advance(9.5)
    assert queue.claim() is None
    clock.advance(0.6)
    assert (claimed(queue)).id == later


def test_a_job_that_failed_waits_a_part_of_what_it_may(store, clock):
    """Chosen by chance, and longer with each attempt; it is not claimed before."""
    policy = RetryPolicy(wait_initial=8, wait_max=100)
    queue = JobQueue(store, "mail", max_attempts=9, backoff=policy)
    queue.enqueue(1)
    for attempt in range(1, 6):
        failed = (claimed(queue)).fail("x")
        assert failed.due_at is not None
        wait = (failed.due_at - clock.now()).total_seconds()
        assert wait <= min(100, 8 * 2 ** (attempt - 1)) + 0.001
        if wait > 0.1:
            clock.advance(wait - 0.05)
            assert queue.claim() is None
        clock.advance(0.2)


def test_a_job_whose_lease_nobody_can_read_holds_up_no_other(store, queue, clock, caplog):
    """Somebody has written over its data: it is stepped past, with a warning."""
    spoilt = queue.enqueue("spoilt")
    job = claimed(queue)
    data = (store.get_state("jobs:mail", spoilt))[0].data | {"lease_seconds": "long"}
    store.save_state("jobs:mail", spoilt, data)
    clock.advance(LEASE + 1)
    queue.enqueue("sound")
    assert (claimed(queue)).payload == "sound"
    assert f"{job.id} is stepped past" in caplog.text
