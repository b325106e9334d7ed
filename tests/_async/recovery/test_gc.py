"""What is not needed any more goes: beside writers, stopped anywhere, and never below what a recovery needs."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    CorruptLogError,
    HistoryPolicy,
    HistoryTrimmedError,
    InvalidDataError,
    PersistenceConfig,
    StateNotFoundError,
    async_recover,
    async_verify,
)
from tai_state._async.recovery import gc, removal
from tai_state._platform.tasks import async_gather
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tai_state.rules.history import segments
from tai_state.testing import ManualClock
from tests._async.history.test_large_events import MACHINE, async_put
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_contents, async_document_at, async_plant, in_memory

S = state_layout("g", "s")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CONFIG = PersistenceConfig(snapshot_interval=5, snapshot_retention=2, segment_events=3)
COMPACT = HistoryPolicy(compact_after=timedelta(0))


class KilledError(Exception):
    """The process died."""


class AsyncKilledBackend(AsyncWrappedBackend):
    """Dies behind a number of commits."""

    def __init__(self, inner, commits):
        super().__init__(inner)
        self.left = commits

    async def commit(self, writes, *, timeout):
        if not self.left:
            raise KilledError
        self.left -= 1
        return await super().commit(writes, timeout=timeout)


def persisted(store, config=CONFIG):
    return AsyncStateMachinePersister(store, COUNTER, config)


async def async_grown(store, version=16, state_id="s"):
    """Return a persister, and its state at a version; of 16, 1 to 15 are sealed, by threes; snapshots of 10 and 15."""
    persister = persisted(store)
    await persister.start("g", state_id, {"n": 0})
    for number in range(1, version):
        await persister.transition("g", state_id, "add", number)
    return persister


async def async_check(store):
    """Check that a store is sound."""
    found = [(one.kind, one.version) async for report in async_verify(store) for one in report.problems]
    assert found == []


async def async_versions(store, **options):
    return [event.version async for event in store.get_events("g", "s", **options)]


async def async_ids(store, name):
    """Return the versions of the documents of a kind."""
    found = store.runtime.access.backend.scan(getattr(S.governor, name), timeout=TIMEOUT)
    return [int(one.path.id.partition("@")[2]) async for one in found]


async def test_without_a_policy_the_histories_stay(store):
    """Nothing goes that was not asked for."""
    persister = await async_grown(store)
    before = await async_contents(store)
    report = await persister.gc("g")
    assert (report.states, report.documents, report.bytes) == (1, 0, 0)
    assert await async_contents(store) == before


async def test_sealed_events_lose_their_own_documents(store):
    """Nothing is lost: every read gives what it gave, the check finds nothing, and work goes on."""
    persister = await async_grown(store)
    events = [event async for event in store.get_events("g", "s")]
    report = await persister.gc("g", history=COMPACT)
    assert (report.events, report.documents, report.left) == (15, 15, [])
    assert report.bytes > 0
    assert await async_ids(store, "events") == [16]
    assert [event async for event in store.get_events("g", "s")] == events
    await async_check(store)
    assert (await persister.gc("g", history=COMPACT)).documents == 0
    assert (await persister.transition("g", "s", "add", 1)).version == 17
    assert (await persister.replay("g", "s")).version == 17
    await async_check(store)


async def test_what_is_not_old_enough_stays(place):
    """By the time of the event, and the store's clock."""
    store = place.store()
    persister = await async_grown(store)
    report = await persister.gc("g", history=HistoryPolicy(compact_after=timedelta(days=1), max_age=timedelta(days=1)))
    assert report.documents == 0


async def test_a_lost_state_of_removed_documents_is_recovered(store):
    """With its marks: nothing is told as missing that was removed."""
    persister = await async_grown(store)
    before = (await async_document_at(store, S.state)).fields
    await persister.gc("g", history=COMPACT)
    await store.runtime.access.backend.commit([Delete(S.state)], timeout=TIMEOUT)
    (report,) = [one async for one in async_recover(store, "g")]
    assert ([one.kind for one in report.repaired], report.unresolved) == (["state_missing"], [])
    assert (await async_document_at(store, S.state)).fields == before
    await async_check(store)


async def test_a_run_of_events_that_differs_from_its_segment_is_left_alone(store):
    """Nobody removes what may be the only truth."""
    persister = await async_grown(store)
    await async_plant(store, S.event(5), to_status="nowhere")
    report = await persister.gc("g", history=COMPACT)
    assert [(one.state_id, one.kind) for one in report.left] == [("s", "left_alone")]
    assert await async_ids(store, "events") == [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]


TRIMS = {
    "nothing": (1, range(1, 17), False),
    "a segment": (4, range(4, 17), False),
    "into a segment": (5, range(5, 17), False),
    "into one that is alone": (5, range(5, 17), True),
    "into the last that is alone": (15, range(15, 17), True),
    "all but the newest": (99, [16], False),
}


@pytest.mark.parametrize(("version", "left", "is_compacted"), TRIMS.values(), ids=TRIMS)
async def test_what_is_before_a_version_is_trimmed(store, version, left, is_compacted):
    """For good, exactly, and never the newest; what is left is sound and goes on."""
    persister = await async_grown(store)
    if is_compacted:
        await persister.gc("g", history=COMPACT)
    await persister.trim("g", "s", before_version=version)
    first = left[0]
    assert await async_versions(store, after=first - 1) == list(left)
    await async_check(store)
    assert [one >= first for one in await async_ids(store, "snapshots")] in ([True], [True, True])
    assert (await persister.replay("g", "s")).data == {"n": 120}
    assert [one.version async for one in persister.history("g", "s", after=first - 1)] == list(left)
    if first > 1:
        with pytest.raises(HistoryTrimmedError) as caught:
            await async_versions(store)
        assert caught.value.trimmed_through == first - 1
        with pytest.raises(HistoryTrimmedError):
            await persister.replay("g", "s", until_version=first - 1)
        with pytest.raises(HistoryTrimmedError):
            await persister.rollback("g", "s", first - 1)
    for _ in range(7):
        await persister.transition("g", "s", "add", 1)
    await async_check(store)
    assert (await persister.replay("g", "s")).version == 23


async def test_what_is_before_a_time_is_trimmed(place):
    """The last version before it is the last to go."""
    clock = ManualClock()
    store = place.store(clock=clock)
    persister = persisted(store)
    await persister.start("g", "s", {"n": 0})
    for _ in range(9):
        clock.advance(60)
        await persister.transition("g", "s", "add", 1)
    times = [event.timestamp async for event in store.get_events("g", "s")]
    report = await persister.trim("g", "s", before_time=times[6])
    assert (report.trimmed, report.events) == (1, 6)
    assert await async_versions(store, after=6) == [7, 8, 9, 10]
    with pytest.raises(HistoryTrimmedError):
        await persister.replay("g", "s", until_time=times[3])
    assert (await persister.replay("g", "s", until_time=times[7])).version == 8


async def test_a_trim_goes_into_what_no_segment_has(store):
    """Sealing goes on behind it."""
    persister = await async_grown(store, 18)
    await persister.trim("g", "s", before_version=18)
    assert (await async_document_at(store, S.state)).fields["sealed_through"] == 17
    assert await async_versions(store, after=17) == [18]
    await async_check(store)
    for _ in range(5):
        await persister.transition("g", "s", "add", 1)
    assert await async_ids(store, "segments") == [1, 18]
    await async_check(store)


async def test_what_follows_a_trim_is_read_without_its_segment(store):
    """By its documents, where somebody lost the segment."""
    persister = await async_grown(store)
    await persister.trim("g", "s", before_version=4)
    await store.runtime.access.backend.commit([Delete(S.segment(4))], timeout=TIMEOUT)
    assert await async_versions(store, after=3) == list(range(4, 17))


@in_memory
@pytest.mark.parametrize("before", [3, 4, 5, 6])
async def test_a_trim_keeps_what_is_too_large_for_a_segment_together(store, monkeypatch, before):
    """Up to the first of such events, or behind the last of them."""
    monkeypatch.setattr(segments, "SEGMENT_BYTES_MAX", 100 * 1024)
    persister = AsyncStateMachinePersister(store, MACHINE, CONFIG)
    # Versions 3 and 4 stay in their documents.
    await async_put(persister, 1, 200, 1, 1, 1, 1, 1, 1)
    await persister.trim("g", "s", before_version=before)
    first = {3: 3, 4: 3, 5: 5, 6: 6}[before]
    assert await async_versions(store, after=first - 1) == list(range(first, 10))
    await async_check(store)


@in_memory
@pytest.mark.parametrize("options", [{}, {"before_version": 3, "before_time": EPOCH}], ids=str)
async def test_a_trim_says_what_goes(store, options):
    """By one of the two, and no more."""
    persister = await async_grown(store, 3)
    with pytest.raises(InvalidDataError):
        await persister.trim("g", "s", **options)


async def test_a_trim_needs_a_state(store):
    """One that never was has no history."""
    with pytest.raises(StateNotFoundError):
        await persisted(store).trim("g", "s", before_version=3)


@pytest.mark.parametrize("lost", ["the state", "the state and its snapshots", "its first segment"])
async def test_a_trimmed_state_is_rebuilt_and_recovered(store, lost):
    """By its snapshot, or by what follows the trim; and the check knows what was trimmed."""
    persister = await async_grown(store)
    await persister.trim("g", "s", before_version=8)
    before = (await persister.load_state("g", "s")).snapshot
    fields = (await async_document_at(store, S.state)).fields
    gone = {"the state": [S.state], "its first segment": [S.segment(1)]}.get(
        lost, [S.state, S.snapshot(10), S.snapshot(15)]
    )
    await store.runtime.access.backend.commit([Delete(path) for path in gone], timeout=TIMEOUT)
    assert (await persister.load_state("g", "s")).snapshot == before
    with pytest.raises(HistoryTrimmedError):
        await async_versions(store, after=6)
    (report,) = [one async for one in async_recover(store, "g")]
    assert report.unresolved == []
    await async_check(store)
    if lost == "the state":
        assert (await async_document_at(store, S.state)).fields == fields


async def test_bounds_by_count_and_age(place):
    """Both bound: what either of them does not keep goes."""
    clock = ManualClock()
    store = place.store(clock=clock)
    persister = persisted(store)
    await persister.start("g", "s", {"n": 0})
    for _ in range(9):
        await persister.transition("g", "s", "add", 1)
    report = await persister.gc("g", history=HistoryPolicy(max_events=4))
    assert (report.trimmed, report.events) == (1, 6)
    assert await async_versions(store, after=6) == [7, 8, 9, 10]
    await async_check(store)


async def test_a_live_receipt_keeps_its_event(store):
    """And those behind it: its key repeats what it did."""
    persister = await async_grown(store, 8)
    first = await persister.transition("g", "s", "add", 1, idempotency_key="k")
    for _ in range(6):
        await persister.transition("g", "s", "add", 1)
    await persister.gc("g", history=HistoryPolicy(max_events=1, compact_after=timedelta(0)))
    assert await async_versions(store, after=8) == list(range(9, 16))
    again = await persister.transition("g", "s", "add", 1, idempotency_key="k")
    assert (again.replayed, again.event) == (True, first.event)
    await async_check(store)


@in_memory
async def test_what_has_expired_goes(place):
    """Receipts, and where no governor is named, records of transactions, by the store's clock."""
    clock = ManualClock()
    store = place.store(clock=clock)
    persister = persisted(store)
    await persister.start("g", "s", {"n": 0}, idempotency_key="k")

    async def body(tx):
        await tx.save_state("g", "t", {"n": 1})

    await AsyncTransactionManager(store).run(body)
    assert (await persister.gc()).documents == 0
    clock.advance(timedelta(days=8).total_seconds())
    report = await persister.gc(dry_run=True)
    assert (report.receipts, report.transactions, report.is_dry_run) == (1, 1, True)
    report = await persister.gc("g")
    assert (report.receipts, report.transactions) == (1, 0)
    report = await persister.gc()
    assert (report.receipts, report.transactions, report.governor_id) == (0, 1, "")
    assert await persister.result_of("g", "s", "k") is None


async def test_more_snapshots_than_are_kept_go(store):
    """Marks and documents in one commit: the check finds nothing."""
    await async_grown(store)
    few = persisted(store, PersistenceConfig(snapshot_interval=5, snapshot_retention=1, segment_events=3))
    assert (await few.gc("g")).snapshots == 1
    assert await async_ids(store, "snapshots") == [15]
    await async_check(store)


async def test_a_dry_run_counts_what_goes(store):
    """And writes nothing."""
    persister = await async_grown(store)
    policy = HistoryPolicy(max_events=4, compact_after=timedelta(0))
    before = await async_contents(store)
    plan = await persister.gc("g", history=policy, dry_run=True)
    assert await async_contents(store) == before
    assert (plan.is_dry_run, plan.trimmed) == (True, 1)
    assert plan.events == 15
    done = await persister.gc("g", history=policy)
    counts = [(one.events, one.snapshots, one.documents - one.segments) for one in (plan, done)]
    assert counts == [(15, 1, 16), (15, 1, 16)]


@pytest.mark.parametrize(
    "policy",
    [COMPACT, HistoryPolicy(max_events=4), HistoryPolicy(max_events=8, compact_after=timedelta(0))],
    ids=["compact", "trim", "both"],
)
async def test_stopped_behind_any_commit_it_is_sound_and_goes_on(place, policy, monkeypatch):
    """And ends as one that was not stopped."""
    monkeypatch.setattr(removal, "BATCH", 2)
    monkeypatch.setattr(gc, "BATCH", 2)
    store = place.store()
    await async_grown(store)
    commits, is_stopped = 0, True
    while is_stopped:
        killed = AsyncKilledBackend(store.runtime.access.backend, 1)
        commits += 1
        try:
            await persisted(AsyncBackendStore(killed, actor="tester")).gc("g", history=policy)
        except KilledError:
            await async_check(store)
            assert (await persisted(store).replay("g", "s")).version == 16
        else:
            is_stopped = False
    assert commits > 4
    left = list(range(1, 17))[-(policy.max_events or 16) :]
    assert await async_versions(store, after=left[0] - 1) == left
    assert await async_ids(store, "events") == (left if policy.compact_after is None else [16])
    await async_check(store)


async def test_beside_writers_nothing_is_lost(place):
    """Four of them, and two that remove: every change is there, and what is left is sound."""
    stores = [place.store() for _ in range(4)]
    await persisted(stores[0]).start("g", "s", {"n": 0})

    async def async_work(store):
        for _ in range(12):
            await persisted(store).transition("g", "s", "add", 1)

    async def async_remove(store):
        for _ in range(8):
            await persisted(store).gc("g", history=HistoryPolicy(max_events=10, compact_after=timedelta(0)))

    await async_gather(
        [*(partial(async_work, one) for one in stores), *(partial(async_remove, place.store()) for _ in range(2))]
    )
    assert (await stores[0].get_state("g", "s"))[0].data == {"n": 48}
    await persisted(stores[0]).gc("g", history=HistoryPolicy(max_events=10, compact_after=timedelta(0)))
    assert await async_versions(stores[0], after=39) == list(range(40, 50))
    await async_check(stores[0])


async def test_a_log_with_a_gap_is_not_trimmed_into_it(store):
    """What would follow is not there: recover comes first."""
    persister = await async_grown(store)
    await store.runtime.access.backend.commit([Delete(S.event(5)), Delete(S.segment(4))], timeout=TIMEOUT)
    with pytest.raises(CorruptLogError):
        await persister.trim("g", "s", before_version=5)
