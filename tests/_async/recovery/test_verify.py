"""The check of a store: governors, states, receipts and leases; each finding once, and nothing is written."""

import pytest

from tai_state import (
    AsyncLockManager,
    AsyncStateMachinePersister,
    ConfigurationError,
    LockConfig,
    PersistenceConfig,
    async_verify,
)
from tai_state.documents import Delete, DocumentPath, Put
from tai_state.layout import LOCKS, state_layout
from tai_state.rules.locking.leases import lease_path
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, async_alter, async_contents, async_document_at, async_plant

PATHS = state_layout("g", "s")


@pytest.fixture
async def counter(store):
    """State s at version 7, each change under a key; snapshots at 3 and 6, segments of 1 to 3 and 4 to 6."""
    config = PersistenceConfig(snapshot_interval=3, snapshot_retention=2, segment_events=3)
    persister = AsyncStateMachinePersister(store, COUNTER, config)
    await persister.start("g", "s", {"n": 0}, idempotency_key="k1")
    for version in range(2, 8):
        await persister.transition("g", "s", "add", version, idempotency_key=f"k{version}")
    return persister


async def async_commit(store, *writes):
    await store.runtime.access.backend.commit(list(writes), timeout=TIMEOUT)


async def async_findings_of(store, *ids, **options):
    """Return (governor, kind, state, version) of what a check finds; it changes nothing."""
    before = await async_contents(store)
    reports = [report async for report in async_verify(store, *ids, **options)]
    assert await async_contents(store) == before
    return [(one.governor_id, each.kind, each.state_id, each.version) for one in reports for each in one.problems]


async def test_a_sound_store_gives_a_report_for_each_governor(counter, store):
    """And one of no governor, for its locks."""
    await store.save_state("h", "x", {})
    reports = [report async for report in async_verify(store)]
    told = [(report.governor_id, report.states, report.events, report.is_consistent) for report in reports]
    assert told == [("g", 1, 7, True), ("h", 1, 1, True), ("", 0, 0, True)]


async def test_one_governor_or_one_state_can_be_checked(counter, store):
    """What is damaged elsewhere is not told."""
    await counter.start("g", "t")
    await async_plant(store, PATHS.state, data=5)
    assert await async_findings_of(store, "g") == [("g", "corrupt_state", "s", 7)]
    assert await async_findings_of(store, "g", "s") == [("g", "corrupt_state", "s", 7)]
    assert await async_findings_of(store, "g", "t") == []
    assert await async_findings_of(store, "h") == []


async def test_a_state_without_its_governor_is_refused(store):
    """Its id alone names nothing."""
    with pytest.raises(ConfigurationError, match="governor_id"):
        [report async for report in async_verify(store, state_id="s")]


async def test_progress_tells_of_each_state(counter, store):
    """Before it is looked at."""
    await counter.start("g", "t")
    seen = []
    await async_findings_of(store, "g", progress=lambda governor, state: seen.append((governor, state)))
    assert sorted(set(seen)) == [("g", "s"), ("g", "t")]


async def test_events_of_a_lost_document_are_found_in_their_segment(counter, store):
    """An event that is missing, or stands in the place of another, is told by its own version."""
    sixth = await async_document_at(store, PATHS.event(6))
    await async_commit(store, Delete(PATHS.event(2)), Put(PATHS.event(5), sixth.fields))
    assert await async_findings_of(store, "g") == [("g", "missing_event", "s", 2), ("g", "corrupt_event", "s", 5)]


async def test_the_log_goes_on_behind_what_is_wrong(counter, store):
    """Each of several damages is told, not the first alone."""
    await async_commit(store, Delete(PATHS.snapshot(3)), Delete(PATHS.event(7)))
    await async_plant(store, PATHS.event(1), action="made up")
    await async_plant(store, PATHS.segment(4), events=b"cut")
    assert sorted(await async_findings_of(store, "g")) == [
        ("g", "corrupt_event", "s", 1),
        ("g", "corrupt_segment", "s", 4),
        ("g", "missing_event", "s", 7),
        ("g", "missing_snapshot", "s", 3),
    ]


async def test_an_event_copied_behind_the_last_is_found(counter, store):
    """It would block the next change."""
    last = await async_document_at(store, PATHS.event(7))
    await async_commit(store, Put(PATHS.event(8), last.fields))
    assert await async_findings_of(store, "g") == [("g", "extra_event", "s", 8)]


async def test_a_state_whose_marks_say_too_little_is_found(counter, store):
    """Snapshots and segments that are there, and that it does not name."""
    before = await async_document_at(store, PATHS.state)
    await counter.transition("g", "s", "add", 8)
    after = await async_document_at(store, PATHS.state)
    assert before.fields["snapshots"] == after.fields["snapshots"]
    await async_alter(store, PATHS, snapshots=[6])
    assert await async_findings_of(store, "g") == [("g", "stale_marks", "s", 8)]


async def test_a_receipt_of_a_change_that_never_was_is_found(counter, store):
    """One whose key nothing was made under, whatever it names."""
    receipt = await async_document_at(store, PATHS.receipt("k7"))
    for key, version in (("other", 99), ("third", 7)):
        fields = {**receipt.fields, "idempotency_key": key, "version": version}
        await async_commit(store, Put(PATHS.receipt(key), fields))
    found = await async_findings_of(store, "g")
    assert sorted(found) == [("g", "orphaned_receipt", "s", 7), ("g", "orphaned_receipt", "s", 99)]


async def test_a_receipt_that_does_not_name_the_change_of_its_key_is_found(counter, store):
    """A repeated call would be told of another one."""
    await async_plant(store, PATHS.receipt("k3"), version=4)
    await async_plant(store, PATHS.receipt("k5"), transition_id="made up")
    await async_commit(store, Put(PATHS.receipt("k2"), (await async_document_at(store, PATHS.receipt("k6"))).fields))
    found = [(kind, version) for _, kind, _, version in await async_findings_of(store, "g")]
    assert sorted(found, key=str) == [("corrupt_receipt", 4), ("corrupt_receipt", 5), ("corrupt_receipt", None)]


async def test_receipts_of_a_state_of_which_nothing_is_left_are_found(counter, store):
    """Nobody made those changes, as far as anything tells."""
    kept = [PATHS.snapshot(3), PATHS.snapshot(6), PATHS.segment(1), PATHS.segment(4)]
    gone = [PATHS.state, *kept, *(PATHS.event(version) for version in range(1, 8))]
    await async_commit(store, *(Delete(path) for path in gone))
    found = await async_findings_of(store, "g")
    assert {kind for _, kind, _, _ in found} == {"orphaned_receipt"}
    assert len(found) == 7


async def test_a_receipt_of_an_event_that_is_missing_stays(counter, store):
    """It may be all that is left of that change; the missing event is the finding."""
    await async_commit(store, Delete(PATHS.event(7)))
    assert await async_findings_of(store, "g") == [("g", "missing_event", "s", 7)]


async def test_a_damaged_receipt_is_found(counter, store):
    """By what it lacks."""
    await async_plant(store, PATHS.receipt("k2"), fingerprint=5)
    assert [kind for _, kind, _, _ in await async_findings_of(store, "g")] == ["corrupt_receipt"]


async def test_a_lease_past_its_time_is_found(store, place):
    """By the store's clock; one that is held in time, or free, is not."""
    locks = AsyncLockManager(store, LockConfig(ttl=60.0))
    held = await locks.acquire("held")
    free = await locks.acquire("free")
    await free.release()
    dead = await async_document_at(store, lease_path("held"))
    fields = {**dead.fields, "resource": "dead", "ttl_seconds": 0.000001}
    await async_commit(store, Put(lease_path("dead"), fields))
    await async_commit(store, Put(DocumentPath(LOCKS, "a.b"), {"x": 1}))
    await async_plant(store, lease_path("free"), ttl_seconds="x")
    found = await async_findings_of(store)
    await held.release()
    assert sorted(kind for _, kind, _, _ in found) == ["corrupt_lease", "expired_lease", "foreign_document"]


async def test_a_newer_document_is_all_that_is_told_of_its_state(counter, store):
    """Its rules may be others; what is missing by ours may be right by those."""
    await async_commit(store, Delete(PATHS.event(2)))
    await async_plant(store, PATHS.state, format=99)
    assert await async_findings_of(store, "g") == [("g", "newer_format", "s", None)]


async def test_a_strangers_governor_is_found(store):
    """Its id is none that we store."""
    await async_commit(store, Put(DocumentPath("governors/a.b/states", "x"), {"x": 1}))
    assert await async_findings_of(store) == [("", "foreign_document", "", None)]


async def test_what_a_writer_changes_meanwhile_is_no_finding(counter, place):
    """A state that moves between the reads of the check is read again."""
    store, backend = place.counting()
    passed = backend.scan
    moves = 0

    def scan(collection, **options):
        found = passed(collection, **options)
        return moving(found) if collection == PATHS.governor.events and moves < 3 else found

    async def moving(found):
        nonlocal moves
        moves += 1
        for _ in range(3):
            await counter.transition("g", "s", "add", 1)
        async for one in found:
            yield one

    backend.scan = scan
    assert await async_kinds_beside(store) == []
    assert moves > 0


async def async_kinds_beside(store):
    """Return what is found while the store changes."""
    return [each.kind async for report in async_verify(store, "g") for each in report.problems]
