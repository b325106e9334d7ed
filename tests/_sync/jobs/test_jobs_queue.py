# Generated from tests/_async/jobs/test_jobs_queue.py by .ci/generate_sync.py; do not edit.
"""A queue of jobs on every backend: what is put there, who takes it, and what becomes of it."""
import random

import pytest

from tai_state import StateMachinePersister, IdempotencyMismatchError, LockLostError, StateNotFoundError
from tai_state._platform.tasks import together
from tai_state.errors import ConfigurationError, DocumentTooLargeError, InvalidDataError, InvalidIdError
from tai_state.jobs import JobQueue
from tai_state.retry import RetryPolicy
from tai_state.rules.jobs.tickets import Claim, ticket_of
from tests._sync.stores import in_memory

AT_ONCE = RetryPolicy(wait_initial=0, wait_max=0)


@pytest.fixture
def queue(store):
    """A queue whose jobs run again at once."""
    return JobQueue(store, "mail", max_attempts=2, backoff=AT_ONCE)


def claimed(queue, **options):
    """Return the job that is to run next, which must be there."""
    job = queue.claim(**options)
    assert job is not None
    return job


def test_a_job_is_enqueued_claimed_and_completed(queue):
    """Each step is seen by whoever asks."""
    id_ = queue.enqueue({"to": "ada"})
    waiting = queue.get(id_)
    assert (waiting.status, waiting.attempts, waiting.payload) == ("queued", 0, {"to": "ada"})
    job = claimed(queue, worker="w-1")
    assert (job.id, job.payload, job.attempts) == (id_, {"to": "ada"}, 1)
    running = queue.get(id_)
    assert (running.status, running.attempts, running.worker) == ("running", 1, "w-1")
    ended = job.complete({"sent": True})
    assert ended == queue.get(id_)
    assert (ended.status, ended.attempts, ended.result, ended.last_error) == ("succeeded", 1, {"sent": True}, None)
    assert ended.due_at is None
    assert queue.claim() is None


def test_an_empty_queue_has_no_job(queue):
    """Also where nothing was ever written to the store."""
    assert queue.claim() is None
    assert queue.sweep() == 0
    assert set((queue.counts()).values()) == {0}
    with pytest.raises(StateNotFoundError):
        queue.get("x")


def test_a_job_that_fails_runs_again_until_its_attempts_are_spent(queue):
    """With the error of its last attempt; then it has failed for good."""
    id_ = queue.enqueue(1)
    first = (claimed(queue)).fail(ValueError("no such address"))
    assert (first.status, first.attempts, first.last_error) == ("queued", 1, "ValueError: no such address")
    second = (claimed(queue)).fail("again")
    assert (second.status, second.attempts, second.last_error) == ("failed", 2, "again")
    assert queue.claim() is None
    assert queue.get(id_) == second


def test_a_success_behind_a_failure_has_no_error(queue):
    """What the job ended with is what counts; its events keep the rest."""
    queue.enqueue(1)
    (claimed(queue)).fail("x")
    ended = (claimed(queue)).complete()
    assert (ended.status, ended.attempts, ended.last_error) == ("succeeded", 2, None)


@in_memory
def test_a_failure_may_be_for_good(queue):
    """Whatever attempts are left."""
    queue.enqueue(1)
    ended = (claimed(queue)).fail("no use", retry=False)
    assert (ended.status, ended.attempts) == ("failed", 1)


@in_memory
def test_a_job_that_is_released_was_not_tried(queue):
    """It is due at once, and its attempts are those that it had."""
    id_ = queue.enqueue(1)
    released = (claimed(queue)).release()
    assert (released.status, released.attempts) == ("queued", 0)
    again = claimed(queue)
    assert (again.id, again.attempts) == (id_, 1)


def test_a_job_of_ones_own_id_is_enqueued_once(queue):
    """However often it is asked for; another payload or priority is another job, and refused."""
    assert queue.enqueue({"n": 1}, job_id="daily/7") == "daily/7"
    assert queue.enqueue({"n": 1}, job_id="daily/7") == "daily/7"
    with pytest.raises(IdempotencyMismatchError):
        queue.enqueue({"n": 2}, job_id="daily/7")
    with pytest.raises(IdempotencyMismatchError):
        queue.enqueue({"n": 1}, job_id="daily/7", priority=1)
    (claimed(queue)).complete()
    assert queue.enqueue({"n": 1}, job_id="daily/7") == "daily/7"
    assert queue.claim() is None


def test_jobs_are_counted_by_status(queue):
    """By the engine, each status by itself."""
    for number in range(4):
        queue.enqueue(number)
    (claimed(queue)).complete()
    (claimed(queue)).fail("x", retry=False)
    claimed(queue)
    assert queue.counts() == {"queued": 1, "running": 1, "succeeded": 1, "failed": 1, "cancelled": 0}


def test_queues_of_one_store_have_nothing_in_common(store):
    """Not even where one's name begins with the other's."""
    mail, other = JobQueue(store, "mail"), JobQueue(store, "mail:0")
    other.enqueue("theirs")
    assert mail.claim() is None
    assert (claimed(other)).payload == "theirs"


def test_two_processes_never_claim_one_job(place):
    """Whoever comes second to a job looks for another one."""
    queues = [JobQueue(place.store(), "mail") for _ in range(2)]
    ids = {queues[0].enqueue(number) for number in range(12)}
    taken: list[str] = []

    def work(queue):
        while (job := queue.claim()) is not None:
            taken.append(job.id)
            job.complete()

    def worker(queue):
        def run():
            work(queue)

        return run

    together([worker(queue) for queue in queues for _ in range(2)])
    assert sorted(taken) == sorted(ids)


def test_a_claim_is_gone_on_with_in_another_process(place):
    """By its ticket; the lease is renewed, and the first holder's object says the same."""
    here, there = JobQueue(place.store(), "mail"), JobQueue(place.store(), "mail")
    here.enqueue({"n": 1})
    job = claimed(here)
    other = there.attach(job.ticket)
    assert (other.id, other.payload, other.attempts, other.ticket) == (job.id, {"n": 1}, 1, job.ticket)
    other.complete("done")
    with pytest.raises(LockLostError, match="released"):
        job.complete("twice")
    with pytest.raises(LockLostError, match="released"):
        there.attach(job.ticket)


@in_memory
def test_a_ticket_is_of_its_queue(store, queue):
    """Anything else is refused before the store is asked."""
    queue.enqueue(1)
    ticket = (claimed(queue)).ticket
    for wrong in ("", "x", ticket[:-4], None, 7):
        with pytest.raises(InvalidDataError, match="ticket"):
            queue.attach(wrong)
    for lease in (0, -1.0, 1e300, float("nan"), True):
        with pytest.raises(InvalidDataError, match="ticket"):
            queue.attach(ticket_of(Claim("mail", "id", "claim", lease)))
    with pytest.raises(InvalidDataError, match="of a job of the queue 'mail', not 'post'"):
        JobQueue(store, "post").attach(ticket)


@in_memory
def test_jobs_are_states_as_all_others(store, queue):
    """Their histories are moves of a machine, and sound."""
    id_ = queue.enqueue({"n": 1})
    (claimed(queue)).fail("x")
    (claimed(queue)).complete()
    events = [event for event in store.get_events("jobs:mail", id_)]
    assert [event.action for event in events] == ["start", "claim", "fail", "claim", "complete"]
    assert {event.machine_name for event in events} == {"tai_job"}
    report = StateMachinePersister(store).validate_consistency("jobs:mail")
    assert (report.is_consistent, report.states) == (True, 1)


@in_memory
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"name": ""}, InvalidIdError),
        ({"name": "x" * 480}, InvalidIdError),
        ({"max_attempts": 0}, ConfigurationError),
        ({"lease": 0}, ConfigurationError),
        ({"backoff": 3}, ConfigurationError),
    ],
    ids=str,
)
def test_a_queue_that_cannot_be_is_refused(store, options, error):
    """When it is made."""
    with pytest.raises(error):
        JobQueue(store, **{"name": "mail", **options})


@in_memory
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"payload": {1, 2}}, InvalidDataError),
        ({"payload": 1, "job_id": ""}, InvalidIdError),
        ({"payload": 1, "at": "tomorrow"}, InvalidDataError),
        ({"payload": 1, "priority": True}, InvalidDataError),
        ({"payload": 1, "priority": 2**31}, InvalidDataError),
    ],
    ids=str,
)
def test_a_job_that_cannot_be_is_refused(queue, options, error):
    """And nothing is written."""
    with pytest.raises(error):
        queue.enqueue(**options)
    assert sum((queue.counts()).values()) == 0


def test_a_job_that_could_never_be_claimed_is_refused(store, queue):
    """An event holds it twice, before and behind a step: what has no room there is no job, and nothing is written."""
    noise = random.Random(1).randbytes(700_000).hex()
    with pytest.raises(DocumentTooLargeError):
        queue.enqueue(noise, job_id="large")
    with pytest.raises(StateNotFoundError):
        queue.get("large")
    queue.enqueue("x" * 2_000_000, job_id="well compressed")
    assert [event.action for event in store.get_events("jobs:mail", "well compressed")] == ["start"]
    queue.enqueue(noise[:300_000], job_id="smaller")
    sizes = [len((claimed(queue)).payload) for _ in range(2)]
    assert sizes == [2_000_000, 300_000]
