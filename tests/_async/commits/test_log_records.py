"""What the package logs: structured records of the logger ``tai_state``, and never what a state holds."""

import logging

import pytest

from tai_state import (
    AsyncLockManager,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    DamagedStatesError,
    DeadlineExceededError,
    LockLostError,
    OutcomeUnknownError,
    RetriesExhaustedError,
    RetryPolicy,
)
from tai_state.layout import state_layout
from tests._async.machines import COUNTER
from tests._async.stores import async_plant

SECRET = "nobody reads this in a log"  # pragma: allowlist secret


@pytest.fixture
def records(caplog):
    """What was logged of one kind: the records of the event of that name."""
    caplog.set_level(logging.DEBUG, logger="tai_state")

    def of(event):
        return [record for record in caplog.records if getattr(record, "event", None) == event]

    return of


async def test_a_change_is_told_at_debug(store, records):
    """Which state came to which version, by which action."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"secret": SECRET})
    result = await persister.transition("g", "s", "add", 7)
    _, last = records("change")
    assert (last.name, last.levelname) == ("tai_state", "DEBUG")
    assert (last.governor_id, last.state_id, last.version, last.action) == ("g", "s", 2, "add")
    assert last.transition_id == result.event.transition_id


async def test_each_change_of_a_transaction_is_told(store, records):
    """Once it is committed."""

    async def body(tx):
        await tx.save_state("g", "a", {})
        await tx.save_state("g", "b", {})
        assert records("change") == []

    await AsyncTransactionManager(store).run(body)
    assert [(one.state_id, one.version, one.action) for one in records("change")] == [
        ("a", 1, "save"),
        ("b", 1, "save"),
    ]


async def test_a_conflict_is_told_with_its_attempt_and_cause(place, records):
    """As a warning, before the change is made again."""
    store, other = place.store(), place.store()
    await store.save_state("g", "s", {})
    await other.save_state("g", "s", {})
    assert await store.save_state("g", "s", {}) == 3
    (told,) = records("conflict")
    assert (told.levelname, told.attempt, told.cause) == ("WARNING", 1, "precondition_failed")


async def test_a_lost_reply_is_told_with_its_attempt_and_cause(place, records):
    """As a warning, each time."""
    store, _ = place.faulty("request lost", "reply lost")
    await store.save_state("g", "s", {})
    assert [(one.levelname, one.attempt, one.cause) for one in records("ambiguous")] == [
        ("WARNING", 1, "commit_ambiguous"),
        ("WARNING", 2, "commit_ambiguous"),
    ]


async def test_a_last_attempt_without_a_verdict_is_told_too(place, records):
    """No further attempt follows it."""
    store, _ = place.faulty("request lost", retry=RetryPolicy(attempts=1))
    with pytest.raises(OutcomeUnknownError):
        await store.save_state("g", "s", {})
    assert [one.attempt for one in records("ambiguous")] == [1]


async def test_a_commit_of_which_nobody_knows_is_told_as_an_error(place, records):
    """By the ids with which somebody can look for it."""
    store, _ = place.faulty("request lost", retry=RetryPolicy(attempts=1))
    with pytest.raises(OutcomeUnknownError) as caught:
        await store.save_state("g", "s", {})
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
async def test_what_is_not_tried_again_is_told(place, records, policy, error):
    """Once, with what kept it from succeeding to the end, whether its attempts or its time were spent."""
    store, backend = place.faulty(retry=policy)
    await store.save_state("g", "s", {})
    backend._unread = 10_000
    with pytest.raises(error):
        await store.get_state("g", "s")
    (told,) = records("retries_exhausted")
    assert (told.levelname, told.what, told.cause) == ("WARNING", "a read", "store_unavailable")


async def test_a_lock_that_is_lost_is_told(store, records):
    """With its token, and how it was lost; one that is released is not."""
    locks = AsyncLockManager(store)
    await (await locks.acquire("a", heartbeat=False)).release()
    lost = await locks.acquire("a", heartbeat=False)
    await locks.break_lock("a", lost.fencing_token, "its host is gone")
    with pytest.raises(LockLostError):
        await lost.renew()
    (told,) = records("lock_lost")
    assert (told.levelname, told.resource, told.fencing_token, told.cause) == ("WARNING", "a", 2, "broken")


async def test_a_read_that_is_tried_again_is_told(place, records):
    """As a warning, with what kept the store from answering."""
    store, backend = place.faulty()
    await store.save_state("g", "s", {})
    backend._unread = 1
    await store.get_state("g", "s")
    (told,) = records("retry")
    assert (told.levelname, told.attempt, told.cause) == ("WARNING", 1, "store_unavailable")


async def test_damage_is_told_as_an_error(store, records):
    """Where it is, whoever asked."""
    await store.save_state("g", "s", {"secret": SECRET})
    await async_plant(store, state_layout("g", "s").state, version="none")
    await store.get_state("g", "s")
    with pytest.raises(DamagedStatesError):
        _ = [one async for one in store.list_states("g")]
    told = [(one.levelname, one.governor_id, one.state_id) for one in records("damage")]
    assert told == [("ERROR", "g", "s")] * 2


async def test_no_record_holds_what_a_state_holds(store, caplog):
    """Neither data nor payloads, also not at the lowest level."""
    caplog.set_level(logging.DEBUG, logger="tai_state")
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"secret": SECRET})
    await store.save_state("g", "t", {"secret": SECRET})
    assert caplog.records
    assert not any(SECRET in str(vars(record)) for record in caplog.records)


async def test_stats_tell_versions_and_the_highest(store):
    """All that the states ever had, tombstones included."""
    for number in range(3):
        await store.save_state("g", "a", {"n": number})
    await store.save_state("g", "b", {})
    await store.delete_state("g", "b")
    found = await store.stats("g")
    assert (found.versions, found.highest_version) == (5, 3)
    assert (await store.stats("nobody")).highest_version == 0
