# Generated from tests/_async/jobs/test_jobs_priorities.py by .ci/generate_sync.py; do not edit.
"""Priorities of jobs: the higher run sooner, whoever put them there, and each is known to whoever looks."""
import pytest

from tai_state import InvalidDataError
from tai_state.jobs import JobQueue
from tests._sync.jobs.test_jobs_queue import claimed
from tests._sync.stores import in_memory


def test_jobs_of_a_higher_priority_run_sooner(store):
    """Those of one priority in the order in which they became due."""
    queue = JobQueue(store, "mail")
    for number, priority in enumerate([0, 5, -3, 5, 0]):
        queue.enqueue(number, priority=priority)
    payloads = [(claimed(queue)).payload for _ in range(5)]
    assert payloads == [1, 3, 0, 4, 2]
    assert queue.claim() is None


@in_memory
def test_a_priority_of_another_process_is_seen(place):
    """By a look that finds nothing else at once, and by others within a second."""
    here, there = JobQueue(place.store(), "mail"), JobQueue(place.store(), "mail")
    assert there.claim() is None
    here.enqueue("low", priority=-1)
    assert (claimed(there)).payload == "low"
    here.enqueue("high", priority=7)
    assert (claimed(there)).payload == "high"


@in_memory
def test_two_processes_may_add_priorities_at_once(place):
    """None is lost: each is added beside those that are there."""
    queues = [JobQueue(place.store(), "mail") for _ in range(3)]
    for priority, queue in enumerate(queues, start=1):
        queue.enqueue(priority, priority=priority)
    found, _ = place.store().get_state("jobs:", "mail")
    assert found.data == {"priorities": [3, 2, 1, 0]}
    last = JobQueue(place.store(), "mail")
    assert [(claimed(last)).payload for _ in range(3)] == [3, 2, 1]


@in_memory
def test_a_queue_without_priorities_has_nothing_beside_its_jobs(store):
    """Who does not use them pays nothing."""
    JobQueue(store, "mail").enqueue(1)
    assert [governor for governor in store.list_governors()] == ["jobs:mail"]


@in_memory
def test_too_many_priorities_are_refused(store):
    """Each costs a query; and nothing is enqueued then."""
    queue = JobQueue(store, "mail")
    for priority in range(32):
        queue.enqueue(1, priority=priority)
    with pytest.raises(InvalidDataError, match="one more than the 32"):
        queue.enqueue(1, priority=32)
    assert (queue.counts())["queued"] == 32
