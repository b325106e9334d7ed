"""Priorities of jobs: the higher run sooner, whoever put them there, and each is known to whoever looks."""

import pytest

from tai_state import InvalidDataError
from tai_state.jobs import AsyncJobQueue
from tests._async.jobs.test_jobs_queue import async_claimed
from tests._async.stores import in_memory


async def test_jobs_of_a_higher_priority_run_sooner(store):
    """Those of one priority in the order in which they became due."""
    queue = AsyncJobQueue(store, "mail")
    for number, priority in enumerate([0, 5, -3, 5, 0]):
        await queue.enqueue(number, priority=priority)
    payloads = [(await async_claimed(queue)).payload for _ in range(5)]
    assert payloads == [1, 3, 0, 4, 2]
    assert await queue.claim() is None


@in_memory
async def test_a_priority_of_another_process_is_seen(place):
    """By a look that finds nothing else at once, and by others within a second."""
    here, there = AsyncJobQueue(place.store(), "mail"), AsyncJobQueue(place.store(), "mail")
    assert await there.claim() is None
    await here.enqueue("low", priority=-1)
    assert (await async_claimed(there)).payload == "low"
    await here.enqueue("high", priority=7)
    assert (await async_claimed(there)).payload == "high"


@in_memory
async def test_two_processes_may_add_priorities_at_once(place):
    """None is lost: each is added beside those that are there."""
    queues = [AsyncJobQueue(place.store(), "mail") for _ in range(3)]
    for priority, queue in enumerate(queues, start=1):
        await queue.enqueue(priority, priority=priority)
    found, _ = await place.store().get_state("jobs:", "mail")
    assert found.data == {"priorities": [3, 2, 1, 0]}
    last = AsyncJobQueue(place.store(), "mail")
    assert [(await async_claimed(last)).payload for _ in range(3)] == [3, 2, 1]


@in_memory
async def test_a_queue_without_priorities_has_nothing_beside_its_jobs(store):
    """Who does not use them pays nothing."""
    await AsyncJobQueue(store, "mail").enqueue(1)
    assert [governor async for governor in store.list_governors()] == ["jobs:mail"]


@in_memory
async def test_too_many_priorities_are_refused(store):
    """Each costs a query; and nothing is enqueued then."""
    queue = AsyncJobQueue(store, "mail")
    for priority in range(32):
        await queue.enqueue(1, priority=priority)
    with pytest.raises(InvalidDataError, match="one more than the 32"):
        await queue.enqueue(1, priority=32)
    assert (await queue.counts())["queued"] == 32
