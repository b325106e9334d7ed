# Generated from tests/_async/recovery/test_verify.py by .ci/generate_sync.py; do not edit.
"""The check of a store: governors, states, receipts and leases; each finding once, and nothing is written."""
import pytest

from tai_state import (
    LockManager,
    StateMachinePersister,
    ConfigurationError,
    LockConfig,
    PersistenceConfig,
    verify,
)
from tai_state.documents import Delete, DocumentPath, Put
from tai_state.layout import LOCKS, state_layout
from tai_state.rules.locking.leases import lease_path
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, alter, contents, document_at, plant

PATHS = state_layout("g", "s")


@pytest.fixture
def counter(store):
    """State s at version 7, each change under a key; snapshots at 3 and 6, segments of 1 to 3 and 4 to 6."""
    config = PersistenceConfig(snapshot_interval=3, snapshot_retention=2, segment_events=3)
    persister = StateMachinePersister(store, COUNTER, config)
    persister.start("g", "s", {"n": 0}, idempotency_key="k1")
    for version in range(2, 8):
        persister.transition("g", "s", "add", version, idempotency_key=f"k{version}")
    return persister


def commit(store, *writes):
    store.runtime.access.backend.commit(list(writes), timeout=TIMEOUT)


def findings_of(store, *ids, **options):
    """Return (governor, kind, state, version) of what a check finds; it changes nothing."""
    before = contents(store)
    reports = [report for report in verify(store, *ids, **options)]
    assert contents(store) == before
    return [(one.governor_id, each.kind, each.state_id, each.version) for one in reports for each in one.problems]


def test_a_sound_store_gives_a_report_for_each_governor(counter, store):
    """And one of no governor, for its locks."""
    store.save_state("h", "x", {})
    reports = [report for report in verify(store)]
    told = [(report.governor_id, report.states, report.events, report.is_consistent) for report in reports]
    assert told == [("g", 1, 7, True), ("h", 1, 1, True), ("", 0, 0, True)]


def test_one_governor_or_one_state_can_be_checked(counter, store):
    """What is damaged elsewhere is not told."""
    counter.start("g", "t")
    plant(store, PATHS.state, data=5)
    assert findings_of(store, "g") == [("g", "corrupt_state", "s", 7)]
    assert findings_of(store, "g", "s") == [("g", "corrupt_state", "s", 7)]
    assert findings_of(store, "g", "t") == []
    assert findings_of(store, "h") == []


def test_a_state_without_its_governor_is_refused(store):
    """Its id alone names nothing."""
    with pytest.raises(ConfigurationError, match="governor_id"):
        [report for report in verify(store, state_id="s")]


def test_progress_tells_of_each_state(counter, store):
    """Before it is looked at."""
    counter.start("g", "t")
    seen = []
    findings_of(store, "g", progress=lambda governor, state: seen.append((governor, state)))
    assert sorted(set(seen)) == [("g", "s"), ("g", "t")]


def test_events_of_a_lost_document_are_found_in_their_segment(counter, store):
    """An event that is missing, or stands in the place of another, is told by its own version."""
    sixth = document_at(store, PATHS.event(6))
    commit(store, Delete(PATHS.event(2)), Put(PATHS.event(5), sixth.fields))
    assert findings_of(store, "g") == [("g", "missing_event", "s", 2), ("g", "corrupt_event", "s", 5)]


def test_the_log_goes_on_behind_what_is_wrong(counter, store):
    """Each of several damages is told, not the first alone."""
    commit(store, Delete(PATHS.snapshot(3)), Delete(PATHS.event(7)))
    plant(store, PATHS.event(1), action="made up")
    plant(store, PATHS.segment(4), events=b"cut")
    assert sorted(findings_of(store, "g")) == [
        ("g", "corrupt_event", "s", 1),
        ("g", "corrupt_segment", "s", 4),
        ("g", "missing_event", "s", 7),
        ("g", "missing_snapshot", "s", 3),
    ]


def test_an_event_copied_behind_the_last_is_found(counter, store):
    """It would block the next change."""
    last = document_at(store, PATHS.event(7))
    commit(store, Put(PATHS.event(8), last.fields))
    assert findings_of(store, "g") == [("g", "extra_event", "s", 8)]


def test_a_state_whose_marks_say_too_little_is_found(counter, store):
    """Snapshots and segments that are there, and that it does not name."""
    before = document_at(store, PATHS.state)
    counter.transition("g", "s", "add", 8)
    after = document_at(store, PATHS.state)
    assert before.fields["snapshots"] == after.fields["snapshots"]
    alter(store, PATHS, snapshots=[6])
    assert findings_of(store, "g") == [("g", "stale_marks", "s", 8)]


def test_a_receipt_of_a_change_that_never_was_is_found(counter, store):
    """One whose key nothing was made under, whatever it names."""
    receipt = document_at(store, PATHS.receipt("k7"))
    for key, version in (("other", 99), ("third", 7)):
        fields = {**receipt.fields, "idempotency_key": key, "version": version}
        commit(store, Put(PATHS.receipt(key), fields))
    found = findings_of(store, "g")
    assert sorted(found) == [("g", "orphaned_receipt", "s", 7), ("g", "orphaned_receipt", "s", 99)]


def test_a_receipt_that_does_not_name_the_change_of_its_key_is_found(counter, store):
    """A repeated call would be told of another one."""
    plant(store, PATHS.receipt("k3"), version=4)
    plant(store, PATHS.receipt("k5"), transition_id="made up")
    commit(store, Put(PATHS.receipt("k2"), (document_at(store, PATHS.receipt("k6"))).fields))
    found = [(kind, version) for _, kind, _, version in findings_of(store, "g")]
    assert sorted(found, key=str) == [("corrupt_receipt", 4), ("corrupt_receipt", 5), ("corrupt_receipt", None)]


def test_receipts_of_a_state_of_which_nothing_is_left_are_found(counter, store):
    """Nobody made those changes, as far as anything tells."""
    kept = [PATHS.snapshot(3), PATHS.snapshot(6), PATHS.segment(1), PATHS.segment(4)]
    gone = [PATHS.state, *kept, *(PATHS.event(version) for version in range(1, 8))]
    commit(store, *(Delete(path) for path in gone))
    found = findings_of(store, "g")
    assert {kind for _, kind, _, _ in found} == {"orphaned_receipt"}
    assert len(found) == 7


def test_a_receipt_of_an_event_that_is_missing_stays(counter, store):
    """It may be all that is left of that change; the missing event is the finding."""
    commit(store, Delete(PATHS.event(7)))
    assert findings_of(store, "g") == [("g", "missing_event", "s", 7)]


def test_a_damaged_receipt_is_found(counter, store):
    """By what it lacks."""
    plant(store, PATHS.receipt("k2"), fingerprint=5)
    assert [kind for _, kind, _, _ in findings_of(store, "g")] == ["corrupt_receipt"]


def test_a_lease_past_its_time_is_found(store, place):
    """By the store's clock; one that is held in time, or free, is not."""
    locks = LockManager(store, LockConfig(ttl=60.0))
    held = locks.acquire("held")
    free = locks.acquire("free")
    free.release()
    dead = document_at(store, lease_path("held"))
    fields = {**dead.fields, "resource": "dead", "ttl_seconds": 0.000001}
    commit(store, Put(lease_path("dead"), fields))
    commit(store, Put(DocumentPath(LOCKS, "a.b"), {"x": 1}))
    plant(store, lease_path("free"), ttl_seconds="x")
    found = findings_of(store)
    held.release()
    assert sorted(kind for _, kind, _, _ in found) == ["corrupt_lease", "expired_lease", "foreign_document"]


def test_a_newer_document_is_all_that_is_told_of_its_state(counter, store):
    """Its rules may be others; what is missing by ours may be right by those."""
    commit(store, Delete(PATHS.event(2)))
    plant(store, PATHS.state, format=99)
    assert findings_of(store, "g") == [("g", "newer_format", "s", None)]


def test_a_strangers_governor_is_found(store):
    """Its id is none that we store."""
    commit(store, Put(DocumentPath("governors/a.b/states", "x"), {"x": 1}))
    assert findings_of(store) == [("", "foreign_document", "", None)]


def test_what_a_writer_changes_meanwhile_is_no_finding(counter, place):
    """A state that moves between the reads of the check is read again."""
    store, backend = place.counting()
    passed = backend.scan
    moves = 0

    def scan(collection, **options):
        found = passed(collection, **options)
        return moving(found) if collection == PATHS.governor.events and moves < 3 else found

    def moving(found):
        nonlocal moves
        moves += 1
        for _ in range(3):
            counter.transition("g", "s", "add", 1)
        for one in found:
            yield one

    backend.scan = scan
    assert kinds_beside(store) == []
    assert moves > 0


def kinds_beside(store):
    """Return what is found while the store changes."""
    return [each.kind for report in verify(store, "g") for each in report.problems]
