# Generated from tests/_async/jobs/test_jobs_lost.py by .ci/generate_sync.py; do not edit.
"""Jobs whose replies, documents or stores are lost: what is in doubt is settled, and what is there is found again."""
import pytest

from tai_state import (
    BackendStore,
    MemoryStore,
    DocumentTooLargeError,
    OutcomeUnknownError,
    export_store,
    import_store,
    recover,
)
from tai_state.documents import Delete, DocumentPath, Put
from tai_state.jobs import JobQueue
from tai_state.layout import state_layout
from tai_state.retry import RetryPolicy
from tests._sync.jobs.test_jobs_queue import AT_ONCE, claimed
from tests._sync.stores import (
    TIMEOUT,
    WrappedBackend,
    alter,
    document_at,
    find,
    plant,
    in_memory,
)

FAULTS = ["reply lost", "request lost"]


@in_memory
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", ["claim", "heartbeat", "complete", "fail", "release"])
def test_a_step_whose_reply_is_lost_is_made_once(place, step, fault):
    """Whether it was applied or not: it is settled before anybody is told."""
    store, backend = place.faulty()
    queue = JobQueue(store, "mail", backoff=AT_ONCE)
    id_ = queue.enqueue(1)
    if step == "claim":
        backend.faults.append(fault)
        job = claimed(queue)
    else:
        job = claimed(queue)
        backend.faults.append(fault)
        getattr(job, step)(*(["x"] if step == "fail" else []))
    assert backend.faults == []
    actions = [event.action for event in store.get_events("jobs:mail", id_)]
    assert actions == ["start", "claim"] + ([step] if step in {"complete", "fail", "release"} else [])
    if step in {"claim", "heartbeat"}:
        assert (job.complete()).status == "succeeded"


@in_memory
@pytest.mark.parametrize(("step", "status"), [("complete", "succeeded"), ("fail", "queued"), ("release", "queued")])
def test_a_step_whose_outcome_is_unknown_tells_it_when_it_is_asked_for_again(place, step, status):
    """By the same object: it was made, and is not made twice."""
    store, backend = place.faulty(retry=RetryPolicy(attempts=2, wait_initial=0, wait_max=0))
    queue = JobQueue(store, "mail", backoff=AT_ONCE)
    id_ = queue.enqueue(1)
    job = claimed(queue)
    arguments = ["x"] if step == "fail" else []
    backend.faults.append("reply lost")
    backend.unread = 1_000_000
    with pytest.raises(OutcomeUnknownError):
        getattr(job, step)(*arguments)
    backend.faults.clear()
    backend._unread = 0
    assert (getattr(job, step)(*arguments)).status == status
    assert [event.action for event in store.get_events("jobs:mail", id_)] == ["start", "claim", step]


@in_memory
def test_a_job_that_cannot_be_read_is_stepped_past(store):
    """Those behind it are claimed; it is damage, and told as that."""
    queue = JobQueue(store, "mail")
    damaged = queue.enqueue("first")
    queue.enqueue("second")
    plant(store, state_layout("jobs:mail", damaged).state, status=7)
    assert (claimed(queue)).payload == "second"
    assert queue.claim() is None


@in_memory
def test_jobs_of_a_newer_definition_are_stepped_past(store):
    """Many of them, however: they do not stand before those that are ours."""
    queue = JobQueue(store, "mail")
    for number in range(5):
        id_ = queue.enqueue(number)
        alter(store, state_layout("jobs:mail", id_), machine_version=2)
    queue.enqueue("ours")
    assert (claimed(queue)).payload == "ours"
    assert queue.claim() is None


class TooSmall(WrappedBackend):
    """Has no room for the second event of one job."""

    path: DocumentPath | None = None

    def commit(self, writes, *, timeout):
        if any(write.path == self.path for write in writes):
            raise DocumentTooLargeError(2_000_000, 1_048_576, "the event")
        return super().commit(writes, timeout=timeout)


@in_memory
@pytest.mark.parametrize("what", ["an event above it", "the data of something else", "too large"])
def test_a_job_that_cannot_be_moved_holds_up_no_other(store, what):
    """It is stepped past, and stays where it is for whoever mends it."""
    backend = TooSmall(store.runtime.access.backend)
    queue = JobQueue(BackendStore(backend, actor="tester"), "mail")
    id_ = queue.enqueue("first")
    queue.enqueue("second")
    paths = state_layout("jobs:mail", id_)
    if what == "an event above it":
        event = document_at(store, paths.event(1))
        backend.commit([Put(paths.event(2), {**event.fields, "version": 2})], timeout=TIMEOUT)
    elif what == "the data of something else":
        store.save_state("jobs:mail", id_, {"attempts": "none"})
    else:
        backend.path = paths.event(2)
    assert (claimed(queue)).payload == "second"
    assert queue.claim() is None
    assert (store.get_state("jobs:mail", id_))[0].status == "queued"


def test_a_job_whose_document_is_lost_is_found_again_behind_a_recovery(store):
    """Its events tell when it is due, and under which key."""
    queue = JobQueue(store, "mail")
    waiting, running = queue.enqueue("waiting", priority=3), queue.enqueue("running", priority=5)
    job = claimed(queue)
    assert job.id == running
    gone = [state_layout("jobs:mail", id_).state for id_ in (waiting, running)]
    store.runtime.access.backend.commit([Delete(path) for path in gone], timeout=TIMEOUT)
    assert queue.claim() is None
    reports = [report for report in recover(store, "jobs:mail")]
    assert [len(report.repaired) for report in reports] == [2]
    assert (claimed(queue)).id == waiting
    assert (job.complete()).status == "succeeded"
    for path in gone:
        document = find(store, path)
        assert document is not None


@in_memory
def test_jobs_go_on_in_the_store_that_they_are_imported_into(store, tmp_path):
    """A queued one is claimed there, in its lane, and a claim of a running one still holds."""
    queue = JobQueue(store, "mail")
    queue.enqueue("running")
    job = claimed(queue)
    queue.enqueue("waiting", priority=2)
    export_store(store, tmp_path / "jobs.jsonl")
    with MemoryStore(actor="tester") as copy:
        import_store(copy, tmp_path / "jobs.jsonl")
        there = JobQueue(copy, "mail")
        assert (claimed(there)).payload == "waiting"
        assert ((there.attach(job.ticket)).complete()).status == "succeeded"
