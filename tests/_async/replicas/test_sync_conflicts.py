"""Versions that did not know of each other: who decides, what is told, and what waits for a person."""

import pytest

from tai_state import AsyncMemoryStore, AsyncStateMachinePersister, ConflictResolutionError, PersistenceConfig
from tai_state.causality import Causal, Custom, HighestVersion, LastWriteWins, MergeFields, Resolution
from tai_state.crdt import GCounter
from tai_state.layout import state_layout
from tai_state.replicas import async_sync
from tests._async.machines import COUNTER
from tests._async.replicas.syncing import async_data, async_events, async_say_the_same, async_synced, counts
from tests._async.stores import async_alter, in_memory


@pytest.fixture
async def parted(ours, theirs):
    """Both stores, which have changed one state without knowing of each other; the other one twice, and later."""
    await ours.save_state("g", "s", {"n": 0, "kept": 1})
    await async_synced(ours, theirs)
    await ours.save_state("g", "s", {"n": 1, "kept": 1, "a": 1}, labels={"at": "ours"})
    await theirs.save_state("g", "s", {"n": 2, "kept": 1})
    await theirs.save_state("g", "s", {"n": 3, "kept": 1, "b": 1}, status="done")
    return ours, theirs


RESULTS = {
    LastWriteWins(): {"n": 3, "kept": 1, "b": 1},
    Causal(): {"n": 3, "kept": 1, "b": 1},
    HighestVersion(): {"n": 3, "kept": 1, "b": 1},
    MergeFields(): {"n": 3, "kept": 1, "a": 1, "b": 1},
    Custom(lambda one, other, base: {"n": one.data["n"] + other.data["n"] - base.data["n"]}): {"n": 4},
}


@pytest.mark.parametrize("resolver", RESULTS, ids=lambda resolver: resolver.name)
@pytest.mark.parametrize("is_turned", [False, True], ids=["one way", "the other way"])
async def test_the_resolver_decides(parted, resolver, is_turned):
    """The same, whichever store is named first."""
    ours, theirs = reversed(parted) if is_turned else parted
    report = await async_synced(ours, theirs, resolver)
    assert await async_data(ours) == await async_data(theirs) == RESULTS[resolver]
    assert await async_say_the_same(ours, theirs)
    (told,) = report.conflicts
    assert (told.strategy, told.result, told.governor_id, told.state_id) == (resolver.name, "resolved", "g", "s")
    assert {(one.version, one.changed_by) for one in told.versions} == {(2, "ann"), (3, "bob")}
    assert report.unresolved == []


async def test_fields_that_both_have_changed_are_told(parted):
    """In the report, and in the merge's own context."""
    ours, theirs = parted
    report = await async_synced(ours, theirs, MergeFields())
    assert [one.fields for one in report.conflicts] == [("n",)]
    merge = (await async_events(ours))[-1]
    assert merge.metadata.context == {"merge": {"resolver": "merge_fields", "fields": ["n"]}}
    snapshot = (await ours.get_state("g", "s"))[0]
    assert (snapshot.status, snapshot.labels) == ("done", {"at": "ours"})


async def test_counters_are_merged_as_counters(ours, theirs):
    """Nothing that either has counted is lost."""
    counter = GCounter().increment("a", 1)
    await ours.save_state("g", "s", {"seen": counter.to_data()})
    await async_synced(ours, theirs)
    await ours.save_state("g", "s", {"seen": counter.increment("a", 10).to_data()})
    await theirs.save_state("g", "s", {"seen": counter.increment("b", 100).to_data()})
    report = await async_synced(ours, theirs, MergeFields())
    assert [one.fields for one in report.conflicts] == [()]
    assert GCounter.from_data((await async_data(ours))["seen"]).value == 111


async def test_siblings_are_kept_where_the_resolver_says_so(parted):
    """In the context of the merge, on both sides."""
    ours, theirs = parted

    def keep(earlier, later, _):
        return Resolution(later, later.data, later.labels, siblings=(earlier.data,))

    await async_synced(ours, theirs, Custom(keep, name="keep"))
    snapshot = (await ours.get_state("g", "s"))[0]
    kept = {"resolver": "keep", "siblings": [{"n": 1, "kept": 1, "a": 1}]}
    assert snapshot.metadata.context == {"merge": kept}


async def test_a_resolver_that_gives_up_leaves_both_as_they_are(parted):
    """It is told as unresolved; the next one finds all that was sent already."""
    ours, theirs = parted

    def refuse(*_):
        raise ConflictResolutionError("g", "s", "ask the shop")

    before = await async_data(ours), await async_data(theirs)
    report = await async_synced(ours, theirs, Custom(refuse))
    assert [(one.result, one.strategy) for one in report.unresolved] == [("unresolved", "custom")]
    assert "ask the shop" in report.unresolved[0].detail
    assert (await async_data(ours), await async_data(theirs)) == before
    assert report.merged == 0
    again = await async_synced(ours, theirs, LastWriteWins())
    assert counts(again) == (2, 0, 2)
    assert await async_say_the_same(ours, theirs)


async def test_what_cannot_be_stored_is_not_merged(parted):
    """A resolver that makes such a thing is one that gives up."""
    ours, theirs = parted
    report = await async_synced(ours, theirs, Custom(lambda *_: {"n": {1, 2}}))
    assert [one.result for one in report.conflicts] == ["unresolved"]
    assert "n" in report.conflicts[0].detail


async def test_a_deletion_and_a_change_go_to_the_resolver(ours, theirs):
    """The later one counts; a tombstone travels like any version."""
    await ours.save_state("g", "s", {"n": 1})
    await async_synced(ours, theirs)
    await ours.update_state("g", "s", {"n": 2}, 1)
    await theirs.delete_state("g", "s")
    await async_synced(ours, theirs, LastWriteWins())
    assert await async_data(ours) is None
    assert await async_say_the_same(ours, theirs)


async def test_fields_are_merged_past_a_deletion(ours, theirs):
    """A change counts more."""
    await ours.save_state("g", "s", {"n": 1})
    await async_synced(ours, theirs)
    await ours.update_state("g", "s", {"n": 2}, 1)
    await theirs.delete_state("g", "s")
    await async_synced(ours, theirs, MergeFields())
    assert await async_data(theirs) == {"n": 2}


async def test_two_that_say_the_same_are_no_conflict(ours, theirs):
    """No resolver is asked, though neither knew of the other."""
    for store in (ours, theirs):
        await store.save_state("g", "s", {"n": 1})

    def fail(*_):
        raise AssertionError

    report = await async_synced(ours, theirs, Custom(fail))
    assert (report.conflicts, report.merged) == ([], 2)
    assert await async_say_the_same(ours, theirs)


async def test_a_key_that_both_have_used_is_told(ours, theirs):
    """Each change stands; that it was meant to be one, nobody can undo."""
    for store in (ours, theirs):
        await store.save_state("g", "s", {"by": store.actor}, idempotency_key="order-1")
    report = await async_synced(ours, theirs)
    told = [one for one in report.conflicts if one.kind == "key"]
    assert [(one.result, one.governor_id, one.state_id) for one in told] == [("reported", "g", "s")] * 2
    assert {one.version for conflict in told for one in conflict.versions} == {1}
    assert await async_say_the_same(ours, theirs)


async def test_equal_clocks_with_unequal_contents_are_told(ours, theirs):
    """Nothing is written over; the next change of either is what both come to."""
    await ours.save_state("g", "s", {"n": 1})
    await theirs.save_state("g", "s", {"n": 2})
    async with AsyncMemoryStore() as third, AsyncMemoryStore() as fourth:
        await async_synced(ours, third)
        await async_synced(theirs, fourth)
        await async_synced(ours, theirs, Custom(lambda *_: {"n": 9}))
        await async_synced(third, fourth, LastWriteWins())
        report = await async_synced(ours, third)
        assert [(one.kind, one.result) for one in report.conflicts] == [("unequal", "unresolved")]
        assert (await async_data(ours), await async_data(third)) == ({"n": 9}, {"n": 2})
        await ours.save_state("g", "s", {"n": 5})
        assert (await async_synced(ours, third)).conflicts == []
        assert await async_data(third) == {"n": 5}


async def test_a_state_that_a_transaction_has_in_hand_is_left_alone(ours, theirs):
    """Neither gone on with nor merged, until that is settled."""
    await ours.save_state("g", "s", {"n": 1})
    await async_synced(ours, theirs)
    await theirs.save_state("g", "s", {"n": 2})
    mark = {"prepared": {"transaction": "t", "coordinator": ""}, "format": 8}
    await async_alter(ours, state_layout("g", "s"), **mark)
    report = await async_sync(ours, theirs, "g", resolver=LastWriteWins())
    assert [(one.kind, one.result) for one in report.conflicts] == [("prepared", "unresolved")]
    record = await ours.runtime.record(state_layout("g", "s"), None)
    assert (record.version, report.received) == (1, 0)


async def test_a_copy_that_went_on_under_its_old_id_is_found(ours, theirs):
    """Its clocks say to know what it does not follow from: nothing is written."""
    await ours.save_state("g", "s", {"n": 1})
    await async_synced(ours, theirs)
    await ours.save_state("g", "s", {"n": 2})
    await theirs.save_state("g", "s", {"n": 3})
    origin = (await async_events(ours))[0].origin
    record = await ours.runtime.record(state_layout("g", "s"), None)
    await async_alter(ours, state_layout("g", "s"), causality={**record.causality, origin: 1})
    report = await async_sync(ours, theirs, "g", resolver=LastWriteWins())
    assert [(one.kind, one.result) for one in report.conflicts] == [("unequal", "unresolved")]
    assert "was a store copied?" in report.conflicts[0].detail
    assert await async_data(ours) == {"n": 2}


@in_memory
async def test_without_the_common_version_fields_are_merged_two_ways(ours, theirs):
    """It was trimmed: that is told, and nothing is lost."""
    config = PersistenceConfig(snapshot_interval=5, segment_events=5)
    persister = AsyncStateMachinePersister(ours, COUNTER, config)
    await persister.start("g", "s", {"n": 0})
    await async_synced(ours, theirs)
    for _ in range(20):
        await persister.transition("g", "s", "add")
    other = AsyncStateMachinePersister(theirs, COUNTER)
    await other.transition("g", "s", "add", 100)
    await persister.trim("g", "s", before_version=12)
    await other.trim("g", "s", before_version=2)
    report = await async_synced(ours, theirs, MergeFields())
    assert [(one.kind, one.result) for one in report.conflicts] == [
        ("no_base", "reported"),
        ("concurrent", "resolved"),
    ]
    assert report.conflicts[1].fields == ("n",)
    assert await async_say_the_same(ours, theirs)


@in_memory
async def test_a_trimmed_history_comes_as_far_as_it_is_there(ours, theirs):
    """The state is there, and what is left of its events; the chain goes on from what was trimmed."""
    persister = AsyncStateMachinePersister(ours, COUNTER, PersistenceConfig(snapshot_interval=5, segment_events=5))
    await persister.start("g", "s", {"n": 0})
    for _ in range(20):
        await persister.transition("g", "s", "add")
    await persister.trim("g", "s", before_version=12)
    report = await async_synced(ours, theirs)
    assert (report.sent, report.conflicts) == (10, [])
    assert await async_data(theirs) == {"n": 20}
    assert [event.version for event in await async_events(theirs, after=11)] == list(range(12, 22))
    assert await async_say_the_same(ours, theirs)
