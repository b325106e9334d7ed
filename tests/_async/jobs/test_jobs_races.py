"""Between a look and what is done about it others do something: step by step, on a clock that a test moves."""

from datetime import timedelta
from typing import Any

import pytest

from tai_state import AsyncBackendStore, AsyncMemoryStore
from tai_state._platform.tasks import async_sleep, async_together
from tai_state.clock import Deadline
from tai_state.errors import StoreError
from tai_state.jobs import AsyncJobQueue
from tai_state.layout import state_layout
from tai_state.retry import RetryPolicy
from tai_state.rules.commits.change import Head
from tai_state.testing import ManualClock
from tests._async.jobs.test_jobs_queue import AT_ONCE, async_claimed
from tests._async.stores import async_plant

LEASE = 60.0


@pytest.fixture
async def clock():
    """The clock of the store, and of its callers."""
    return ManualClock()


@pytest.fixture
async def store(clock):
    """A store on that clock."""
    return AsyncMemoryStore(clock=clock, actor="tester")


@pytest.fixture
async def queue(store):
    """A queue with leases of a minute; its jobs run again at once."""
    return AsyncJobQueue(store, "mail", lease=LEASE, backoff=AT_ONCE)


def other(store, clock):
    """Return the same queue in another process."""
    return AsyncJobQueue(
        AsyncBackendStore(store.runtime.access.backend, actor="other", clock=clock),
        "mail",
        lease=LEASE,
        backoff=RetryPolicy(wait_initial=1_000, wait_max=1_000),
    )


def soon(clock):
    """Return a deadline that has just begun."""
    return Deadline(clock, 30.0)


async def async_given(queue, clock) -> Any:
    """Return what a look gives to one caller, which must be something."""
    seen = await queue._looks.next(soon(clock))
    assert seen is not None
    return seen


async def test_what_was_renewed_since_it_was_found_is_not_put_back(queue, clock):
    """A heartbeat that came a moment late came in time."""
    await queue.enqueue(1)
    job = await async_claimed(queue)
    clock.advance(LEASE + 1)
    found = [seen async for seen in queue._looks.expired(soon(clock))]
    await job.heartbeat()
    assert not await queue._expire(found[0], soon(clock))
    assert (await queue.get(job.id)).status == "running"


async def test_what_was_put_back_since_it_was_found_is_not_claimed_early(store, queue, clock):
    """Another process had it, and it failed there: it waits now."""
    await queue.enqueue(1)
    seen = await async_given(queue, clock)
    failed = await (await async_claimed(other(store, clock))).fail("x")
    assert failed.status == "queued"
    assert await queue._take(seen, None, queue.lease, soon(clock)) is None
    assert (await queue.get(failed.id)).attempts == 1


async def test_a_job_is_in_one_hand_of_a_process_at_a_time(queue, clock):
    """Whoever looks while it is about to be claimed is given another, or none; then it is free again."""
    for number in range(2):
        await queue.enqueue(number)
    first, second = await async_given(queue, clock), await async_given(queue, clock)
    assert first.paths != second.paths
    assert await queue._looks.next(soon(clock)) is None
    queue._looks.done(first)
    assert (await async_given(queue, clock)).paths == first.paths


async def test_a_job_that_was_given_to_somebody_who_vanished_is_given_again(queue, clock):
    """Who was cancelled, say, before he could claim it."""
    await queue.enqueue(1)
    await async_given(queue, clock)
    clock.advance(9)
    assert await queue._looks.next(soon(clock)) is None
    clock.advance(2)
    await async_given(queue, clock)


async def test_a_look_that_fails_fails_one_caller(queue, clock, monkeypatch):
    """Those who stood behind him look for themselves."""
    for number in range(2):
        await queue.enqueue(number)
    look, claimed, place = queue._looks._look, [], queue._looks._lines.join("mail")

    async def failing(callers, found, deadline):
        monkeypatch.setattr(queue._looks, "_look", look)
        assert callers == 3
        raise StoreError("broken")

    monkeypatch.setattr(queue._looks, "_look", failing)

    async def claim():
        try:
            job = await queue.claim()
        except StoreError:
            claimed.append("failed")
        else:
            claimed.append("nothing" if job is None else "job")

    async def let_them_in():
        while len(place.line) <= 3:
            await async_sleep(0.005)
        place._lines.leave(place)

    place._lines.enter(place)
    await async_together([claim] * 3 + [let_them_in])
    assert sorted(claimed) == ["failed", "job", "job"]


async def test_a_claim_is_gone_on_with_past_what_the_process_remembers(store, queue, clock):
    """What it once saw of the job is older than the claim: it looks before it refuses."""
    await queue.enqueue(1)
    there = other(store, clock)
    seen = await async_given(there, clock)
    job = await async_claimed(queue)
    there._runtime.writer.remember(seen.paths.state, Head(seen.record, seen.update_time))
    assert (await (await there.attach(job.ticket)).complete()).status == "succeeded"


async def test_nobody_is_told_that_there_is_nothing_by_what_the_clock_was(store, queue, clock):
    """A reply that took long told a time that was over: the store is asked again before."""
    there = other(store, clock)
    assert await there.claim() is None
    await queue.enqueue(1)
    told = there._runtime.access.store_time
    assert told.latest is not None
    told.latest -= timedelta(seconds=0.5)
    assert await there.claim() is not None


async def test_priorities_are_known_though_their_state_is_damaged(store, queue, clock):
    """Its events tell them, too."""
    await queue.enqueue("high", priority=5)
    await async_plant(store, state_layout("jobs:", "mail").state, status=7)
    assert (await async_claimed(other(store, clock))).payload == "high"


async def test_who_loses_races_picks_among_more(store, queue, clock):
    """So that processes do not all race for one job; who wins again comes back to the first."""
    for number in range(40):
        await queue.enqueue(number)
    for _ in range(4):
        seen = await async_given(queue, clock)
        await other(store, clock).cancel(seen.paths.state_id)
        assert await queue._take(seen, None, queue.lease, soon(clock)) is None
        queue._looks.done(seen)
    assert queue._looks._spread == 16
    for _ in range(15):
        await async_claimed(queue)
    assert queue._looks._spread == 1
