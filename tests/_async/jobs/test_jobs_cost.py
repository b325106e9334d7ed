"""What jobs cost in calls and documents: counted, as docs/due.md says it."""

import pytest

from tai_state._platform.tasks import async_sleep, async_together
from tai_state.documents import Check
from tai_state.jobs import AsyncJobQueue
from tai_state.testing import ManualClock
from tests._async.jobs.test_jobs_queue import AT_ONCE, async_claimed
from tests._async.stores import AsyncPlace, in_memory


@pytest.fixture
async def counted(place):
    """A queue over a backend that counts, which knows the store and has just looked for leases and priorities."""
    store, backend = place.counting()
    queue = AsyncJobQueue(store, "mail", backoff=AT_ONCE)
    await queue.enqueue("first")
    await (await async_claimed(queue)).complete()
    backend.taken()
    backend.commits.clear()
    return queue, backend


def written(backend):
    """Return how many documents were written by each commit since the last time this was asked."""
    counts = [sum(not isinstance(write, Check) for write in writes) for writes in backend.commits]
    backend.commits.clear()
    return counts


async def test_a_job_costs_so_much(counted):
    """One read and two documents to put it there; one query and two documents to claim it; two to end it."""
    queue, backend = counted
    await queue.enqueue({"n": 1})
    assert backend.taken() == ["get_many", "commit"]
    assert written(backend) == [2]
    job = await async_claimed(queue)
    assert backend.taken() == ["query", "commit"]
    assert written(backend) == [2]
    await job.heartbeat()
    await job.heartbeat()
    assert backend.taken() == ["commit", "commit"]
    assert written(backend) == [1, 1]
    await job.complete("done")
    assert backend.taken() == ["commit"]
    assert written(backend) == [2]


async def test_nothing_costs_one_query_a_priority_and_one_for_leases(counted):
    """And one read of the queue's priorities."""
    queue, backend = counted
    assert await queue.claim() is None
    assert sorted(backend.taken()) == ["get_many", "query", "query"]


@in_memory
async def test_those_who_wait_together_share_one_look(counted):
    """One query finds a job for each of them, and one that finds nothing is told to all."""
    queue, backend = counted
    for number in range(6):
        await queue.enqueue(number)
    backend.taken()
    ids = await async_crowd(queue, 8)
    assert len(set(ids) - {None}) == 6
    assert ids.count(None) == 2
    assert sorted(backend.taken()) == ["commit"] * 6 + ["get_many"] + ["query"] * 2


@in_memory
async def test_a_crowd_finds_jobs_for_those_who_come_next(counted):
    """They would ask at once again: a quarter as many queries, and no job is given out twice."""
    queue, backend = counted
    for number in range(36):
        await queue.enqueue(number)
    backend.taken()
    ids = await async_crowd(queue, 8)
    assert backend.taken().count("query") == 1
    ids += [(await async_claimed(queue)).id for _ in range(24)]
    assert backend.taken() == ["commit"] * 24
    ids += [(await async_claimed(queue)).id for _ in range(4)]
    assert len(set(ids)) == 36
    assert await queue.claim() is None


async def test_what_a_crowd_found_is_good_for_a_second():
    """Then it is looked for again, and nothing of it is lost."""
    clock = ManualClock()
    store, backend = AsyncPlace("memory").counting(clock=clock)
    queue = AsyncJobQueue(store, "mail")
    for number in range(20):
        await queue.enqueue(number)
    ids = await async_crowd(queue, 8)
    clock.advance(0.9)
    backend.taken()
    ids.append((await async_claimed(queue)).id)
    assert backend.taken() == ["commit"]
    clock.advance(0.2)
    ids.append((await async_claimed(queue)).id)
    assert "query" in backend.taken()
    ids += [(await async_claimed(queue)).id for _ in range(10)]
    assert len(set(ids)) == 20


@in_memory
async def test_what_a_crowd_found_is_forgotten_with_the_first_race_that_is_lost(counted, place):
    """Whoever was quicker is at the next ones, too: each would cost a commit that is refused."""
    queue, backend = counted
    for number in range(20):
        await queue.enqueue(number)
    ids = await async_crowd(queue, 8)
    other = AsyncJobQueue(place.store(), "mail")
    ids += [(await async_claimed(other)).id for _ in range(6)]
    backend.taken()
    ids.append((await async_claimed(queue)).id)
    assert backend.taken().count("commit") == 2
    ids += [(await async_claimed(queue)).id for _ in range(5)]
    assert len(set(ids)) == 20


@in_memory
async def test_what_a_crowd_found_is_not_given_before_what_is_put_there_above_it(counted):
    """Nor is any of it lost for that."""
    queue, _ = counted
    await queue.enqueue("high", priority=5)
    await (await async_claimed(queue)).complete()
    for number in range(20):
        await queue.enqueue(number)
    ids = await async_crowd(queue, 8)
    high = await queue.enqueue("high", priority=5)
    assert (await async_claimed(queue)).id == high
    ids += [(await async_claimed(queue)).id for _ in range(12)]
    assert len(set(ids)) == 20


async def async_crowd(queue, size):
    """Let so many claim at once, all in line before the first one looks; return the ids of their jobs."""
    claimed: list[str | None] = []
    lines = queue._looks._lines
    place = lines.join("mail")
    lines.enter(place)

    async def claim():
        job = await queue.claim()
        claimed.append(None if job is None else job.id)

    async def let_them_in():
        while len(place.line) <= size:
            await async_sleep(0.005)
        lines.leave(place)

    await async_together([claim] * size + [let_them_in])
    return claimed
