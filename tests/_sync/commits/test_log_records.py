# Generated from tests/_async/commits/test_log_records.py by .ci/generate_sync.py; do not edit.
"""What the package logs: structured records of the logger ``tai_state``, and never what a state holds."""
import logging

import pytest

from tai_state import (
    LockManager,
    StateMachinePersister,
    TransactionManager,
    DamagedStatesError,
    DeadlineExceededError,
    LockLostError,
    OutcomeUnknownError,
    RetriesExhaustedError,
    RetryPolicy,
)
from tai_state.layout import state_layout
from tests._sync.machines import COUNTER
from tests._sync.stores import plant

SECRET = "nobody reads this in a log"  # pragma: allowlist secret


@pytest.fixture
def records(caplog):
    """What was logged of one kind: the records of the event of that name."""
    caplog.set_level(logging.DEBUG, logger="tai_state")

    def of(event):
        return [record for record in caplog.records if getattr(record, "event", None) == event]

    return of


def test_a_change_is_told_at_debug(store, records):
    """Which state came to which version, by which action."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"secret": SECRET})
    result = persister.transition("g", "s", "add", 7)
    _, last = records("change")
    assert (last.name, last.levelname) == ("tai_state", "DEBUG")
    assert (last.governor_id, last.state_id, last.version, last.action) == ("g", "s", 2, "add")
    assert last.transition_id == result.event.transition_id


def test_each_change_of_a_transaction_is_told(store, records):
    """Once it is committed."""

    def body(tx):
        tx.save_state("g", "a", {})
        tx.save_state("g", "b", {})
        assert records("change") == []

    TransactionManager(store).run(body)
    assert [(one.state_id, one.version, one.action) for one in records("change")] == [
        ("a", 1, "save"),
        ("b", 1, "save"),
    ]


def test_a_conflict_is_told_with_its_attempt_and_cause(place, records):
    """As a warning, before the change is made again."""
    store, other = place.store(), place.store()
    store.save_state("g", "s", {})
    other.save_state("g", "s", {})
    assert store.save_state("g", "s", {}) == 3
    (told,) = records("conflict")
    assert (told.levelname, told.attempt, told.cause) == ("WARNING", 1, "precondition_failed")


def test_a_lost_reply_is_told_with_its_attempt_and_cause(place, records):
    """As a warning, each time."""
    store, _ = place.faulty("request lost", "reply lost")
    store.save_state("g", "s", {})
    assert [(one.levelname, one.attempt, one.cause) for one in records("ambiguous")] == [
        ("WARNING", 1, "commit_ambiguous"),
        ("WARNING", 2, "commit_ambiguous"),
    ]


def test_a_last_attempt_without_a_verdict_is_told_too(place, records):
    """No further attempt follows it."""
    store, _ = place.faulty("request lost", retry=RetryPolicy(attempts=1))
    with pytest.raises(OutcomeUnknownError):
        store.save_state("g", "s", {})
    assert [one.attempt for one in records("ambiguous")] == [1]


def test_a_commit_of_which_nobody_knows_is_told_as_an_error(place, records):
    """By the ids with which somebody can look for it."""
    store, _ = place.faulty("request lost", retry=RetryPolicy(attempts=1))
    with pytest.raises(OutcomeUnknownError) as caught:
        store.save_state("g", "s", {})
    (told,) = records("outcome_unknown")
    assert (told.levelname, told.governor_id, told.state_id, told.version) == ("ERROR", "g", "s", 1)
    assert told.transition_id == caught.value.transition_id


@pytest.mark.parametrize(
    ("policy", "error"),
    [
        (RetryPolicy(attempts=2, wait_initial=0.0, wait_max=0.0), RetriesExhaustedError),
        (RetryPolicy(wait_initial=0.01, wait_max=0.01, deadline=0.2), DeadlineExceededError),
    ],
    ids=["attempts", "time"],
)
def test_what_is_not_tried_again_is_told(place, records, policy, error):
    """Once, with what kept it from succeeding to the end, whether its attempts or its time were spent."""
    store, backend = place.faulty(retry=policy)
    store.save_state("g", "s", {})
    backend._unread = 10_000
    with pytest.raises(error):
        store.get_state("g", "s")
    (told,) = records("retries_exhausted")
    assert (told.levelname, told.what, told.cause) == ("WARNING", "a read", "store_unavailable")


def test_a_lock_that_is_lost_is_told(store, records):
    """With its token, and how it was lost; one that is released is not."""
    locks = LockManager(store)
    (locks.acquire("a", heartbeat=False)).release()
    lost = locks.acquire("a", heartbeat=False)
    locks.break_lock("a", lost.fencing_token, "its host is gone")
    with pytest.raises(LockLostError):
        lost.renew()
    (told,) = records("lock_lost")
    assert (told.levelname, told.resource, told.fencing_token, told.cause) == ("WARNING", "a", 2, "broken")


def test_a_read_that_is_tried_again_is_told(place, records):
    """As a warning, with what kept the store from answering."""
    store, backend = place.faulty()
    store.save_state("g", "s", {})
    backend._unread = 1
    store.get_state("g", "s")
    (told,) = records("retry")
    assert (told.levelname, told.attempt, told.cause) == ("WARNING", 1, "store_unavailable")


def test_damage_is_told_as_an_error(store, records):
    """Where it is, whoever asked."""
    store.save_state("g", "s", {"secret": SECRET})
    plant(store, state_layout("g", "s").state, version="none")
    store.get_state("g", "s")
    with pytest.raises(DamagedStatesError):
        _ = [one for one in store.list_states("g")]
    told = [(one.levelname, one.governor_id, one.state_id) for one in records("damage")]
    assert told == [("ERROR", "g", "s")] * 2


def test_no_record_holds_what_a_state_holds(store, caplog):
    """Neither data nor payloads, also not at the lowest level."""
    caplog.set_level(logging.DEBUG, logger="tai_state")
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"secret": SECRET})
    store.save_state("g", "t", {"secret": SECRET})
    assert caplog.records
    assert not any(SECRET in str(vars(record)) for record in caplog.records)


def test_stats_tell_versions_and_the_highest(store):
    """All that the states ever had, tombstones included."""
    for number in range(3):
        store.save_state("g", "a", {"n": number})
    store.save_state("g", "b", {})
    store.delete_state("g", "b")
    found = store.stats("g")
    assert (found.versions, found.highest_version) == (5, 3)
    assert (store.stats("nobody")).highest_version == 0
