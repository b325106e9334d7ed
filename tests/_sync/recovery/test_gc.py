# Generated from tests/_async/recovery/test_gc.py by .ci/generate_sync.py; do not edit.
"""What is not needed any more goes: beside writers, stopped anywhere, and never below what a recovery needs."""
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tai_state import (
    BackendStore,
    StateMachinePersister,
    TransactionManager,
    CorruptLogError,
    HistoryPolicy,
    HistoryTrimmedError,
    InvalidDataError,
    PersistenceConfig,
    StateNotFoundError,
    recover,
    verify,
)
from tai_state._sync.recovery import gc, removal
from tai_state._platform.tasks import gather
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tai_state.rules.history import segments
from tai_state.testing import ManualClock
from tests._sync.history.test_large_events import MACHINE, put
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, WrappedBackend, contents, document_at, plant, in_memory

S = state_layout("g", "s")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CONFIG = PersistenceConfig(snapshot_interval=5, snapshot_retention=2, segment_events=3)
COMPACT = HistoryPolicy(compact_after=timedelta(0))


class KilledError(Exception):
    """The process died."""


class KilledBackend(WrappedBackend):
    """Dies behind a number of commits."""

    def __init__(self, inner, commits):
        super().__init__(inner)
        self.left = commits

    def commit(self, writes, *, timeout):
        if not self.left:
            raise KilledError
        self.left -= 1
        return super().commit(writes, timeout=timeout)


def persisted(store, config=CONFIG):
    return StateMachinePersister(store, COUNTER, config)


def grown(store, version=16, state_id="s"):
    """Return a persister, and its state at a version; of 16, 1 to 15 are sealed, by threes; snapshots of 10 and 15."""
    persister = persisted(store)
    persister.start("g", state_id, {"n": 0})
    for number in range(1, version):
        persister.transition("g", state_id, "add", number)
    return persister


def check(store):
    """Check that a store is sound."""
    found = [(one.kind, one.version) for report in verify(store) for one in report.problems]
    assert found == []


def versions(store, **options):
    return [event.version for event in store.get_events("g", "s", **options)]


def ids(store, name):
    """Return the versions of the documents of a kind."""
    found = store.runtime.access.backend.scan(getattr(S.governor, name), timeout=TIMEOUT)
    return [int(one.path.id.partition("@")[2]) for one in found]


def test_without_a_policy_the_histories_stay(store):
    """Nothing goes that was not asked for."""
    persister = grown(store)
    before = contents(store)
    report = persister.gc("g")
    assert (report.states, report.documents, report.bytes) == (1, 0, 0)
    assert contents(store) == before


def test_sealed_events_lose_their_own_documents(store):
    """Nothing is lost: every read gives what it gave, the check finds nothing, and work goes on."""
    persister = grown(store)
    events = [event for event in store.get_events("g", "s")]
    report = persister.gc("g", history=COMPACT)
    assert (report.events, report.documents, report.left) == (15, 15, [])
    assert report.bytes > 0
    assert ids(store, "events") == [16]
    assert [event for event in store.get_events("g", "s")] == events
    check(store)
    assert (persister.gc("g", history=COMPACT)).documents == 0
    assert (persister.transition("g", "s", "add", 1)).version == 17
    assert (persister.replay("g", "s")).version == 17
    check(store)


def test_what_is_not_old_enough_stays(place):
    """By the time of the event, and the store's clock."""
    store = place.store()
    persister = grown(store)
    report = persister.gc("g", history=HistoryPolicy(compact_after=timedelta(days=1), max_age=timedelta(days=1)))
    assert report.documents == 0


def test_a_lost_state_of_removed_documents_is_recovered(store):
    """With its marks: nothing is told as missing that was removed."""
    persister = grown(store)
    before = (document_at(store, S.state)).fields
    persister.gc("g", history=COMPACT)
    store.runtime.access.backend.commit([Delete(S.state)], timeout=TIMEOUT)
    (report,) = [one for one in recover(store, "g")]
    assert ([one.kind for one in report.repaired], report.unresolved) == (["state_missing"], [])
    assert (document_at(store, S.state)).fields == before
    check(store)


def test_a_run_of_events_that_differs_from_its_segment_is_left_alone(store):
    """Nobody removes what may be the only truth."""
    persister = grown(store)
    plant(store, S.event(5), to_status="nowhere")
    report = persister.gc("g", history=COMPACT)
    assert [(one.state_id, one.kind) for one in report.left] == [("s", "left_alone")]
    assert ids(store, "events") == [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]


TRIMS = {
    "nothing": (1, range(1, 17), False),
    "a segment": (4, range(4, 17), False),
    "into a segment": (5, range(5, 17), False),
    "into one that is alone": (5, range(5, 17), True),
    "into the last that is alone": (15, range(15, 17), True),
    "all but the newest": (99, [16], False),
}


@pytest.mark.parametrize(("version", "left", "is_compacted"), TRIMS.values(), ids=TRIMS)
def test_what_is_before_a_version_is_trimmed(store, version, left, is_compacted):
    """For good, exactly, and never the newest; what is left is sound and goes on."""
    persister = grown(store)
    if is_compacted:
        persister.gc("g", history=COMPACT)
    persister.trim("g", "s", before_version=version)
    first = left[0]
    assert versions(store, after=first - 1) == list(left)
    check(store)
    assert [one >= first for one in ids(store, "snapshots")] in ([True], [True, True])
    assert (persister.replay("g", "s")).data == {"n": 120}
    assert [one.version for one in persister.history("g", "s", after=first - 1)] == list(left)
    if first > 1:
        with pytest.raises(HistoryTrimmedError) as caught:
            versions(store)
        assert caught.value.trimmed_through == first - 1
        with pytest.raises(HistoryTrimmedError):
            persister.replay("g", "s", until_version=first - 1)
        with pytest.raises(HistoryTrimmedError):
            persister.rollback("g", "s", first - 1)
    for _ in range(7):
        persister.transition("g", "s", "add", 1)
    check(store)
    assert (persister.replay("g", "s")).version == 23


def test_what_is_before_a_time_is_trimmed(place):
    """The last version before it is the last to go."""
    clock = ManualClock()
    store = place.store(clock=clock)
    persister = persisted(store)
    persister.start("g", "s", {"n": 0})
    for _ in range(9):
        clock.advance(60)
        persister.transition("g", "s", "add", 1)
    times = [event.timestamp for event in store.get_events("g", "s")]
    report = persister.trim("g", "s", before_time=times[6])
    assert (report.trimmed, report.events) == (1, 6)
    assert versions(store, after=6) == [7, 8, 9, 10]
    with pytest.raises(HistoryTrimmedError):
        persister.replay("g", "s", until_time=times[3])
    assert (persister.replay("g", "s", until_time=times[7])).version == 8


def test_a_trim_goes_into_what_no_segment_has(store):
    """Sealing goes on behind it."""
    persister = grown(store, 18)
    persister.trim("g", "s", before_version=18)
    assert (document_at(store, S.state)).fields["sealed_through"] == 17
    assert versions(store, after=17) == [18]
    check(store)
    for _ in range(5):
        persister.transition("g", "s", "add", 1)
    assert ids(store, "segments") == [1, 18]
    check(store)


def test_what_follows_a_trim_is_read_without_its_segment(store):
    """By its documents, where somebody lost the segment."""
    persister = grown(store)
    persister.trim("g", "s", before_version=4)
    store.runtime.access.backend.commit([Delete(S.segment(4))], timeout=TIMEOUT)
    assert versions(store, after=3) == list(range(4, 17))


@in_memory
@pytest.mark.parametrize("before", [3, 4, 5, 6])
def test_a_trim_keeps_what_is_too_large_for_a_segment_together(store, monkeypatch, before):
    """Up to the first of such events, or behind the last of them."""
    monkeypatch.setattr(segments, "SEGMENT_BYTES_MAX", 100 * 1024)
    persister = StateMachinePersister(store, MACHINE, CONFIG)
    # Versions 3 and 4 stay in their documents.
    put(persister, 1, 200, 1, 1, 1, 1, 1, 1)
    persister.trim("g", "s", before_version=before)
    first = {3: 3, 4: 3, 5: 5, 6: 6}[before]
    assert versions(store, after=first - 1) == list(range(first, 10))
    check(store)


@in_memory
@pytest.mark.parametrize("options", [{}, {"before_version": 3, "before_time": EPOCH}], ids=str)
def test_a_trim_says_what_goes(store, options):
    """By one of the two, and no more."""
    persister = grown(store, 3)
    with pytest.raises(InvalidDataError):
        persister.trim("g", "s", **options)


def test_a_trim_needs_a_state(store):
    """One that never was has no history."""
    with pytest.raises(StateNotFoundError):
        persisted(store).trim("g", "s", before_version=3)


@pytest.mark.parametrize("lost", ["the state", "the state and its snapshots", "its first segment"])
def test_a_trimmed_state_is_rebuilt_and_recovered(store, lost):
    """By its snapshot, or by what follows the trim; and the check knows what was trimmed."""
    persister = grown(store)
    persister.trim("g", "s", before_version=8)
    before = (persister.load_state("g", "s")).snapshot
    fields = (document_at(store, S.state)).fields
    gone = {"the state": [S.state], "its first segment": [S.segment(1)]}.get(
        lost, [S.state, S.snapshot(10), S.snapshot(15)]
    )
    store.runtime.access.backend.commit([Delete(path) for path in gone], timeout=TIMEOUT)
    assert (persister.load_state("g", "s")).snapshot == before
    with pytest.raises(HistoryTrimmedError):
        versions(store, after=6)
    (report,) = [one for one in recover(store, "g")]
    assert report.unresolved == []
    check(store)
    if lost == "the state":
        assert (document_at(store, S.state)).fields == fields


def test_bounds_by_count_and_age(place):
    """Both bound: what either of them does not keep goes."""
    clock = ManualClock()
    store = place.store(clock=clock)
    persister = persisted(store)
    persister.start("g", "s", {"n": 0})
    for _ in range(9):
        persister.transition("g", "s", "add", 1)
    report = persister.gc("g", history=HistoryPolicy(max_events=4))
    assert (report.trimmed, report.events) == (1, 6)
    assert versions(store, after=6) == [7, 8, 9, 10]
    check(store)


def test_a_live_receipt_keeps_its_event(store):
    """And those behind it: its key repeats what it did."""
    persister = grown(store, 8)
    first = persister.transition("g", "s", "add", 1, idempotency_key="k")
    for _ in range(6):
        persister.transition("g", "s", "add", 1)
    persister.gc("g", history=HistoryPolicy(max_events=1, compact_after=timedelta(0)))
    assert versions(store, after=8) == list(range(9, 16))
    again = persister.transition("g", "s", "add", 1, idempotency_key="k")
    assert (again.replayed, again.event) == (True, first.event)
    check(store)


@in_memory
def test_what_has_expired_goes(place):
    """Receipts, and where no governor is named, records of transactions, by the store's clock."""
    clock = ManualClock()
    store = place.store(clock=clock)
    persister = persisted(store)
    persister.start("g", "s", {"n": 0}, idempotency_key="k")

    def body(tx):
        tx.save_state("g", "t", {"n": 1})

    TransactionManager(store).run(body)
    assert (persister.gc()).documents == 0
    clock.advance(timedelta(days=8).total_seconds())
    report = persister.gc(dry_run=True)
    assert (report.receipts, report.transactions, report.is_dry_run) == (1, 1, True)
    report = persister.gc("g")
    assert (report.receipts, report.transactions) == (1, 0)
    report = persister.gc()
    assert (report.receipts, report.transactions, report.governor_id) == (0, 1, "")
    assert persister.result_of("g", "s", "k") is None


def test_more_snapshots_than_are_kept_go(store):
    """Marks and documents in one commit: the check finds nothing."""
    grown(store)
    few = persisted(store, PersistenceConfig(snapshot_interval=5, snapshot_retention=1, segment_events=3))
    assert (few.gc("g")).snapshots == 1
    assert ids(store, "snapshots") == [15]
    check(store)


def test_a_dry_run_counts_what_goes(store):
    """And writes nothing."""
    persister = grown(store)
    policy = HistoryPolicy(max_events=4, compact_after=timedelta(0))
    before = contents(store)
    plan = persister.gc("g", history=policy, dry_run=True)
    assert contents(store) == before
    assert (plan.is_dry_run, plan.trimmed) == (True, 1)
    assert plan.events == 15
    done = persister.gc("g", history=policy)
    counts = [(one.events, one.snapshots, one.documents - one.segments) for one in (plan, done)]
    assert counts == [(15, 1, 16), (15, 1, 16)]


@pytest.mark.parametrize(
    "policy",
    [COMPACT, HistoryPolicy(max_events=4), HistoryPolicy(max_events=8, compact_after=timedelta(0))],
    ids=["compact", "trim", "both"],
)
def test_stopped_behind_any_commit_it_is_sound_and_goes_on(place, policy, monkeypatch):
    """And ends as one that was not stopped."""
    monkeypatch.setattr(removal, "BATCH", 2)
    monkeypatch.setattr(gc, "BATCH", 2)
    store = place.store()
    grown(store)
    commits, is_stopped = 0, True
    while is_stopped:
        killed = KilledBackend(store.runtime.access.backend, 1)
        commits += 1
        try:
            persisted(BackendStore(killed, actor="tester")).gc("g", history=policy)
        except KilledError:
            check(store)
            assert (persisted(store).replay("g", "s")).version == 16
        else:
            is_stopped = False
    assert commits > 4
    left = list(range(1, 17))[-(policy.max_events or 16) :]
    assert versions(store, after=left[0] - 1) == left
    assert ids(store, "events") == (left if policy.compact_after is None else [16])
    check(store)


def test_beside_writers_nothing_is_lost(place):
    """Four of them, and two that remove: every change is there, and what is left is sound."""
    stores = [place.store() for _ in range(4)]
    persisted(stores[0]).start("g", "s", {"n": 0})

    def work(store):
        for _ in range(12):
            persisted(store).transition("g", "s", "add", 1)

    def remove(store):
        for _ in range(8):
            persisted(store).gc("g", history=HistoryPolicy(max_events=10, compact_after=timedelta(0)))

    gather(
        [*(partial(work, one) for one in stores), *(partial(remove, place.store()) for _ in range(2))]
    )
    assert (stores[0].get_state("g", "s"))[0].data == {"n": 48}
    persisted(stores[0]).gc("g", history=HistoryPolicy(max_events=10, compact_after=timedelta(0)))
    assert versions(stores[0], after=39) == list(range(40, 50))
    check(stores[0])


def test_a_log_with_a_gap_is_not_trimmed_into_it(store):
    """What would follow is not there: recover comes first."""
    persister = grown(store)
    store.runtime.access.backend.commit([Delete(S.event(5)), Delete(S.segment(4))], timeout=TIMEOUT)
    with pytest.raises(CorruptLogError):
        persister.trim("g", "s", before_version=5)
