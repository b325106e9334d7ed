# Generated from tests/_async/jobs/test_jobs_cost.py by .ci/generate_sync.py; do not edit.
"""What jobs cost in calls and documents: counted, as docs/due.md says it."""
import pytest

from tai_state._platform.tasks import sleep, together
from tai_state.documents import Check
from tai_state.jobs import JobQueue
from tests._sync.jobs.test_jobs_queue import AT_ONCE, claimed
from tests._sync.stores import in_memory


@pytest.fixture
def counted(place):
    """A queue over a backend that counts, which knows the store and has just looked for leases and priorities."""
    store, backend = place.counting()
    queue = JobQueue(store, "mail", backoff=AT_ONCE)
    queue.enqueue("first")
    (claimed(queue)).complete()
    backend.taken()
    backend.commits.clear()
    return queue, backend


def written(backend):
    """Return how many documents were written by each commit since the last time this was asked."""
    counts = [sum(not isinstance(write, Check) for write in writes) for writes in backend.commits]
    backend.commits.clear()
    return counts


def test_a_job_costs_so_much(counted):
    """One read and two documents to put it there; one query and two documents to claim it; two to end it."""
    queue, backend = counted
    queue.enqueue({"n": 1})
    assert backend.taken() == ["get_many", "commit"]
    assert written(backend) == [2]
    job = claimed(queue)
    assert backend.taken() == ["query", "commit"]
    assert written(backend) == [2]
    job.heartbeat()
    job.heartbeat()
    assert backend.taken() == ["commit", "commit"]
    assert written(backend) == [1, 1]
    job.complete("done")
    assert backend.taken() == ["commit"]
    assert written(backend) == [2]


def test_nothing_costs_one_query_a_priority_and_one_for_leases(counted):
    """And one read of the queue's priorities."""
    queue, backend = counted
    assert queue.claim() is None
    assert sorted(backend.taken()) == ["get_many", "query", "query"]


@in_memory
def test_those_who_wait_together_share_one_look(counted):
    """One query finds a job for each of them, and one that finds nothing is told to all."""
    queue, backend = counted
    for number in range(6):
        queue.enqueue(number)
    backend.taken()
    claimed: list[str | None] = []
    lines = queue._looks._lines
    place = lines.join("mail")
    lines.enter(place)

    def claim():
        job = queue.claim()
        claimed.append(None if job is None else job.id)

    def let_them_in():
        while len(place.line) <= 8:
            sleep(0.005)
        lines.leave(place)

    together([claim] * 8 + [let_them_in])
    assert len(set(claimed) - {None}) == 6
    assert claimed.count(None) == 2
    assert sorted(backend.taken()) == ["commit"] * 6 + ["get_many"] + ["query"] * 2
