"""Jobs whose replies, documents or stores are lost: what is in doubt is settled, and what is there is found again."""

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncMemoryStore,
    DocumentTooLargeError,
    OutcomeUnknownError,
    async_export_store,
    async_import_store,
    async_recover,
)
from tai_state.documents import Delete, DocumentPath, Put
from tai_state.jobs import AsyncJobQueue
from tai_state.layout import state_layout
from tai_state.retry import RetryPolicy
from tests._async.jobs.test_jobs_queue import AT_ONCE, async_claimed
from tests._async.stores import (
    TIMEOUT,
    AsyncWrappedBackend,
    async_alter,
    async_document_at,
    async_find,
    async_plant,
    in_memory,
)

FAULTS = ["reply lost", "request lost"]


@in_memory
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", ["claim", "heartbeat", "complete", "fail", "release"])
async def test_a_step_whose_reply_is_lost_is_made_once(place, step, fault):
    """Whether it was applied or not: it is settled before anybody is told."""
    store, backend = place.faulty()
    queue = AsyncJobQueue(store, "mail", backoff=AT_ONCE)
    id_ = await queue.enqueue(1)
    if step == "claim":
        backend.faults.append(fault)
        job = await async_claimed(queue)
    else:
        job = await async_claimed(queue)
        backend.faults.append(fault)
        await getattr(job, step)(*(["x"] if step == "fail" else []))
    assert backend.faults == []
    actions = [event.action async for event in store.get_events("jobs:mail", id_)]
    assert actions == ["start", "claim"] + ([step] if step in {"complete", "fail", "release"} else [])
    if step in {"claim", "heartbeat"}:
        assert (await job.complete()).status == "succeeded"


@in_memory
@pytest.mark.parametrize(("step", "status"), [("complete", "succeeded"), ("fail", "queued"), ("release", "queued")])
async def test_a_step_whose_outcome_is_unknown_tells_it_when_it_is_asked_for_again(place, step, status):
    """By the same object: it was made, and is not made twice."""
    store, backend = place.faulty(retry=RetryPolicy(attempts=2, wait_initial=0, wait_max=0))
    queue = AsyncJobQueue(store, "mail", backoff=AT_ONCE)
    id_ = await queue.enqueue(1)
    job = await async_claimed(queue)
    arguments = ["x"] if step == "fail" else []
    backend.faults.append("reply lost")
    backend.unread = 1_000_000
    with pytest.raises(OutcomeUnknownError):
        await getattr(job, step)(*arguments)
    backend.faults.clear()
    backend._unread = 0
    assert (await getattr(job, step)(*arguments)).status == status
    assert [event.action async for event in store.get_events("jobs:mail", id_)] == ["start", "claim", step]


@in_memory
async def test_a_job_that_cannot_be_read_is_stepped_past(store):
    """Those behind it are claimed; it is damage, and told as that."""
    queue = AsyncJobQueue(store, "mail")
    damaged = await queue.enqueue("first")
    await queue.enqueue("second")
    await async_plant(store, state_layout("jobs:mail", damaged).state, status=7)
    assert (await async_claimed(queue)).payload == "second"
    assert await queue.claim() is None


@in_memory
async def test_jobs_of_a_newer_definition_are_stepped_past(store):
    """Many of them, however: they do not stand before those that are ours."""
    queue = AsyncJobQueue(store, "mail")
    for number in range(5):
        id_ = await queue.enqueue(number)
        await async_alter(store, state_layout("jobs:mail", id_), machine_version=2)
    await queue.enqueue("ours")
    assert (await async_claimed(queue)).payload == "ours"
    assert await queue.claim() is None


class AsyncTooSmall(AsyncWrappedBackend):
    """Has no room for the second event of one job."""

    path: DocumentPath | None = None

    async def commit(self, writes, *, timeout):
        if any(write.path == self.path for write in writes):
            raise DocumentTooLargeError(2_000_000, 1_048_576, "the event")
        return await super().commit(writes, timeout=timeout)


@in_memory
@pytest.mark.parametrize("what", ["an event above it", "the data of something else", "too large"])
async def test_a_job_that_cannot_be_moved_holds_up_no_other(store, what):
    """It is stepped past, and stays where it is for whoever mends it."""
    backend = AsyncTooSmall(store.runtime.access.backend)
    queue = AsyncJobQueue(AsyncBackendStore(backend, actor="tester"), "mail")
    id_ = await queue.enqueue("first")
    await queue.enqueue("second")
    paths = state_layout("jobs:mail", id_)
    if what == "an event above it":
        event = await async_document_at(store, paths.event(1))
        await backend.commit([Put(paths.event(2), {**event.fields, "version": 2})], timeout=TIMEOUT)
    elif what == "the data of something else":
        await store.save_state("jobs:mail", id_, {"attempts": "none"})
    else:
        backend.path = paths.event(2)
    assert (await async_claimed(queue)).payload == "second"
    assert await queue.claim() is None
    assert (await store.get_state("jobs:mail", id_))[0].status == "queued"


async def test_a_job_whose_document_is_lost_is_found_again_behind_a_recovery(store):
    """Its events tell when it is due, and under which key."""
    queue = AsyncJobQueue(store, "mail")
    waiting, running = await queue.enqueue("waiting", priority=3), await queue.enqueue("running", priority=5)
    job = await async_claimed(queue)
    assert job.id == running
    gone = [state_layout("jobs:mail", id_).state for id_ in (waiting, running)]
    await store.runtime.access.backend.commit([Delete(path) for path in gone], timeout=TIMEOUT)
    assert await queue.claim() is None
    reports = [report async for report in async_recover(store, "jobs:mail")]
    assert [len(report.repaired) for report in reports] == [2]
    assert (await async_claimed(queue)).id == waiting
    assert (await job.complete()).status == "succeeded"
    for path in gone:
        document = await async_find(store, path)
        assert document is not None


@in_memory
async def test_jobs_go_on_in_the_store_that_they_are_imported_into(store, tmp_path):
    """A queued one is claimed there, in its lane, and a claim of a running one still holds."""
    queue = AsyncJobQueue(store, "mail")
    await queue.enqueue("running")
    job = await async_claimed(queue)
    await queue.enqueue("waiting", priority=2)
    await async_export_store(store, tmp_path / "jobs.jsonl")
    async with AsyncMemoryStore(actor="tester") as copy:
        await async_import_store(copy, tmp_path / "jobs.jsonl")
        there = AsyncJobQueue(copy, "mail")
        assert (await async_claimed(there)).payload == "waiting"
        assert (await (await there.attach(job.ticket)).complete()).status == "succeeded"
