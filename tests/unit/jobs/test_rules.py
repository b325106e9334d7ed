"""What may be done with a job, how claims are lost, and how long one waits: each at its bound, pure."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tai_state.codec import Payload
from tai_state.errors import InvalidDataError
from tai_state.machine import Machine
from tai_state.rules.commits.kinds import stamp
from tai_state.rules.jobs.finding import Found, judge, loss_reason
from tai_state.rules.jobs.machine import JOB, STATUSES
from tai_state.rules.jobs.places import PRIORITIES_MAX, checked_priority, priorities_from, queue_of, with_priority
from tai_state.rules.jobs.tickets import Claim, claim_of, ticket_of
from tai_state.rules.records.occasional import Due
from tai_state.rules.records.record import Marks, MetadataRecord, StateRecord

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TICK = timedelta(microseconds=1)


def job(status="queued", *, due=NOW, after=None, machine=JOB, **marks: Any):
    """Return a job that is due at a time; *after* its last change, where that is given."""
    return StateRecord(
        governor_id="jobs:mail",
        state_id="j",
        version=2,
        status=status,
        data=Payload.of({}),
        last_error=None,
        deleted=False,
        schema_version=1,
        machine=stamp(machine),
        metadata=MetadataRecord("x", "", None, Payload.of({})),
        causality={},
        fences={},
        transition_id="t",
        timestamp=NOW,
        created_at=NOW,
        hash="",
        due=None if due is None else Due(due, "claim", "jobs:mail:0", 1, after),
        marks=Marks(due_key="k", **marks),
    )


@pytest.mark.parametrize(
    ("told", "what"),
    [(NOW - TICK, Found.EARLY), (NOW, Found.CLAIMABLE), (NOW + MINUTE, Found.CLAIMABLE)],
    ids=str,
)
def test_a_queued_job_may_be_claimed_from_its_time_on(told, what):
    """By the store's clock, at the very moment already."""
    assert judge(job(), NOW - MINUTE, told) is what


@pytest.mark.parametrize(("told", "what"), [(MINUTE - TICK, Found.EARLY), (MINUTE, Found.CLAIMABLE)], ids=str)
def test_a_wait_counts_from_the_commit(told, what):
    """One that was long under way landed with a time that was over, and that counts for nothing."""
    assert judge(job(due=NOW - MINUTE, after=MINUTE), NOW, NOW + told) is what


@pytest.mark.parametrize(("told", "what"), [(MINUTE, Found.EARLY), (MINUTE + TICK, Found.EXPIRED)], ids=str)
def test_a_lease_counts_from_the_last_update_to_its_very_end(told, what):
    """However early its time was set: a heartbeat that landed late renews it for as long as any other."""
    assert judge(job("running", due=NOW, after=MINUTE), NOW, NOW + told) is what


def test_a_lease_that_was_moved_ends_when_it_was_moved_to():
    """Its event's own time counts no more."""
    running = job("running", due=NOW, after=MINUTE, due_moved_to=NOW + 5 * MINUTE)
    assert judge(running, NOW, NOW + 2 * MINUTE) is Found.EARLY
    assert judge(running, NOW, NOW + 5 * MINUTE + TICK) is Found.EXPIRED


@pytest.mark.parametrize(
    "record",
    [
        job(machine=Machine("other", "queued", [])),
        job(machine=Machine("tai_job", "queued", [], version=2)),
        job(due=None),
        job("succeeded"),
        job("succeeded", due=NOW - MINUTE, after=TICK),
        job("failed", due=NOW - MINUTE, after=TICK),
        job("running", after=None),
    ],
    ids=["another machine", "a newer one", "not due", "ended", "ended with a lease", "failed with a lease", "no lease"],
)
def test_what_is_not_ours_to_touch_is_told(record):
    """It is stepped past, and not claimed."""
    assert judge(record, NOW, NOW + MINUTE) is Found.FOREIGN


@pytest.mark.parametrize(
    ("status", "claim", "reason"),
    [
        ("running", "ours", None),
        ("running", "theirs", "stolen"),
        ("queued", "ours", "expired"),
        ("queued", "theirs", "stolen"),
        ("failed", "ours", "expired"),
        ("cancelled", "ours", "broken"),
        ("succeeded", "ours", "released"),
        (None, None, "broken"),
    ],
)
def test_how_a_claim_was_lost_is_told(status, claim, reason):
    """By where the job is, and whose claim was its last."""
    assert loss_reason(status, claim, "ours") == reason


@given(st.text(min_size=1), st.text(min_size=1), st.floats(0.01, 1e6))
def test_a_ticket_tells_its_claim(queue, job_id, lease):
    """Whatever the names are; and it is plain text."""
    claim = Claim(queue, job_id, "id", lease)
    ticket = ticket_of(claim)
    assert ticket.replace("-", "").replace("_", "").isalnum()
    assert claim_of(ticket, queue) == claim


@pytest.mark.parametrize("priority", [-(2**31), -1, 0, 2**31 - 1])
def test_a_priority_is_an_int_of_32_bits(priority):
    """Both ends included."""
    assert checked_priority(priority) == priority


@pytest.mark.parametrize("priority", [-(2**40), -(2**31) - 1, 2**31, 2**40, True, 1.0, "1", None])
def test_anything_else_is_no_priority(priority):
    """It is told so."""
    with pytest.raises(InvalidDataError, match="32 bits"):
        checked_priority(priority)


def test_priorities_are_the_highest_first():
    """0 is always one of them, whatever is stored."""
    assert with_priority((0,), 5) == (5, 0)
    assert with_priority((5, 0), -1) == (5, 0, -1)
    assert with_priority((5, 0), 5) == (5, 0)
    assert priorities_from({"priorities": [1, 7, True, "x"]}) == (7, 1, 0)
    for damaged in ({}, {"priorities": 3}, None):
        assert priorities_from(damaged) == (0,)
    with pytest.raises(InvalidDataError):
        with_priority(tuple(range(PRIORITIES_MAX)), PRIORITIES_MAX)


def test_no_two_queues_share_a_name_under_which_jobs_are_due():
    """A lane of one is neither another's, nor its leases."""
    names = [
        name for queue in map(queue_of, ["mail", "mail:0", "mail:leases"]) for name in (queue.lane(0), queue.leases)
    ]
    assert len(set(names)) == len(names)


def test_the_machine_of_jobs_is_as_it_was():
    """Its fingerprint stands in every event of a job: one that changes needs a higher version."""
    assert (JOB.version, JOB.statuses, JOB.terminal) == (1, STATUSES, ("succeeded", "cancelled"))
    fingerprint = "b9ca9a9f20f261d9dbecb19a75242789eb075080969118abbaf38f667dabe91d"  # pragma: allowlist secret
    assert JOB.fingerprint == fingerprint


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_a_release_takes_the_attempt_back(attempts):
    """Nothing was tried: the count is what it was before the claim, and all else as it is."""
    (released,) = [one for one in JOB.transitions if one.action == "release"]
    assert released.apply is not None
    assert released.apply({"attempts": attempts, "payload": "p"}, None) == {"attempts": attempts - 1, "payload": "p"}
