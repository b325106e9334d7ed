"""Two stores are brought to know and to say the same, and nothing that either acknowledged is lost."""

import pytest

from tai_state import AsyncMemoryStore, AsyncStateMachinePersister, ConfigurationError, PersistenceConfig, async_recover
from tai_state.causality import LastWriteWins, MergeFields, VectorClock
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tai_state.replicas import async_sync
from tests._async.machines import COUNTER
from tests._async.replicas.syncing import LATER, async_data, async_events, async_say_the_same, async_synced, counts
from tests._async.stores import TIMEOUT, in_memory


async def test_what_one_store_has_is_in_the_other_word_for_word(ours, theirs):
    """Both ways, each event with its hash, its origin and its time."""
    for number in range(3):
        await ours.save_state("g", "a", {"n": number})
    await theirs.save_state("g", "b", {"n": 9}, status="new", labels={"k": "v"})
    report = await async_synced(ours, theirs)
    assert (counts(report), report.states, report.conflicts) == ((3, 1, 0), 2, [])
    for state in ("a", "b"):
        mine, other = await async_events(ours, state), await async_events(theirs, state)
        assert mine == other
    assert (await ours.get_state("g", "b"))[0].labels == {"k": "v"}


async def test_a_second_sync_sends_nothing(ours, theirs):
    """Nor does one the other way round."""
    await ours.save_state("g", "s", {"n": 1})
    await async_synced(ours, theirs)
    for one, other in ((ours, theirs), (theirs, ours)):
        assert counts(await async_synced(one, other)) == (0, 0, 0)


async def test_what_goes_on_from_the_other_s_head_goes_into_its_line(ours, theirs):
    """As long as only one of them is changed at a time, both have one line."""
    await ours.save_state("g", "s", {"n": 1})
    await async_synced(ours, theirs)
    await theirs.save_state("g", "s", {"n": 2})
    await theirs.save_state("g", "s", {"n": 3})
    assert counts(await async_synced(ours, theirs)) == (0, 2, 0)
    await ours.save_state("g", "s", {"n": 4})
    assert counts(await async_synced(ours, theirs)) == (1, 0, 0)
    assert await async_events(ours) == await async_events(theirs)
    assert [event.version for event in await async_events(ours)] == [1, 2, 3, 4]


async def async_part(ours, theirs):
    """Let both change one state without knowing of each other; the later one in memory."""
    await ours.save_state("g", "s", {"n": 0})
    await async_synced(ours, theirs)
    await ours.save_state("g", "s", {"n": 1, "ours": True})
    await theirs.save_state("g", "s", {"n": 2, "theirs": True})
    await theirs.save_state("g", "s", {"n": 3, "theirs": True})


async def test_what_both_have_changed_is_merged(ours, theirs):
    """Both say the same behind it, each in a line of its own, and the merge knows what both knew, and no more."""
    await async_part(ours, theirs)
    report = await async_synced(ours, theirs)
    assert counts(report) == (2, 2, 2)
    assert [(one.kind, one.result, one.strategy) for one in report.conflicts] == [
        ("concurrent", "resolved", "last_write_wins")
    ]
    assert await async_say_the_same(ours, theirs)
    assert await async_data(ours) == {"n": 3, "theirs": True}
    mine, other = await async_events(ours), await async_events(theirs)
    assert ([one.version for one in mine], [one.version for one in other]) == ([1, 2, 3], [1, 2, 3, 4])
    merge, before, head = mine[-1], mine[-2], other[-2]
    assert (merge.kind, merge.action, merge.parents, merge.metadata.changed_by) == ("merge", "merge", (2,), "ann")
    assert (merge.foreign_parent.origin, merge.foreign_parent.version) == (head.origin, head.version)
    assert merge.foreign_parent.hash == head.hash
    assert merge.timestamp == max(before.timestamp, head.timestamp) == other[-1].timestamp
    assert merge.causality == before.causality.merge(head.causality) == other[-1].causality
    assert counts(await async_synced(theirs, ours)) == (0, 0, 0)


async def test_no_acknowledged_write_is_missing_from_the_history(ours, theirs):
    """It stands in the line of its store, and word for word in the branches of the other."""
    await async_part(ours, theirs)
    mine, other = await async_events(ours), await async_events(theirs)
    await async_synced(ours, theirs)
    for store, written in ((ours, other), (theirs, mine)):
        everything = await async_events(store, branches=True)
        assert {event.hash for event in written} <= {event.hash for event in everything}
        line = await async_events(store)
        assert everything[: len(line)] == line
        kept = {event.hash: event for event in everything}
        assert [kept[event.hash] for event in written] == written


async def test_what_is_written_behind_a_merge_is_no_conflict(ours, theirs):
    """Whoever writes there has seen both."""
    await async_part(ours, theirs)
    await async_synced(ours, theirs)
    await ours.save_state("g", "s", {"n": 5})
    report = await async_synced(ours, theirs)
    assert (report.conflicts, counts(report)) == ([], (1, 0, 1))
    assert await async_data(theirs) == {"n": 5}
    assert await async_say_the_same(ours, theirs)


async def test_the_base_of_a_merge_is_the_nearest_version_of_both(ours, theirs):
    """Of the second merge it is what the first one made."""
    await async_part(ours, theirs)
    await async_synced(ours, theirs, MergeFields())
    both = {"n": 3, "ours": True, "theirs": True}
    assert await async_data(ours) == both
    await ours.save_state("g", "s", {**both, "n": 7})
    await theirs.save_state("g", "s", {"n": 3, "ours": True, "more": 1})
    report = await async_synced(ours, theirs, MergeFields())
    assert await async_data(theirs) == {"n": 7, "ours": True, "more": 1}
    assert [one.fields for one in report.conflicts] == [()]


async def test_a_state_that_both_have_made_is_merged_without_a_base(ours, theirs):
    """There is none."""
    await ours.save_state("g", "s", {"a": 1})
    await theirs.save_state("g", "s", {"b": 2})
    report = await async_synced(ours, theirs, MergeFields())
    assert await async_data(ours) == {"a": 1, "b": 2}
    assert [one.kind for one in report.conflicts] == ["concurrent"]
    assert await async_say_the_same(ours, theirs)


async def test_three_stores_come_to_the_same_in_any_order(ours, theirs):
    """A merge that one pair has made is merged on by the next."""
    async with AsyncMemoryStore(actor="cec") as third:
        stores = (ours, theirs, third)
        await ours.save_state("g", "s", {"n": 0})
        await async_synced(ours, theirs)
        await async_synced(theirs, third)
        for number, store in enumerate(stores):
            await store.save_state("g", "s", {"n": number, f"field{number}": number})
        for one, other in ((1, 2), (0, 1), (2, 0), (1, 2)):
            await async_synced(stores[one], stores[other], MergeFields())
        assert await async_say_the_same(ours, theirs)
        assert await async_say_the_same(theirs, third)
        assert await async_data(ours) == {"n": 2, "field0": 0, "field1": 1, "field2": 2}


async def test_a_long_history_is_sent_in_parts_and_from_its_segments(ours, theirs, scale):
    """What is sealed, and what is not; the other store goes on with it."""
    config = PersistenceConfig(segment_events=10, snapshot_interval=10, snapshot_retention=2)
    persister = AsyncStateMachinePersister(ours, COUNTER, config)
    await persister.start("g", "s", {"n": 0})
    count = scale(120, 1_000)
    for _ in range(count):
        await persister.transition("g", "s", "add")
    assert (await async_synced(ours, theirs)).sent == count + 1
    assert await async_events(theirs) == await async_events(ours)
    other = AsyncStateMachinePersister(theirs, COUNTER, config)
    for _ in range(15):
        await other.transition("g", "s", "add")
    await persister.transition("g", "s", "add")
    report = await async_synced(ours, theirs)
    assert counts(report) == (2, 15, 2)
    assert await async_say_the_same(ours, theirs)
    assert (await other.validate_consistency("g")).is_consistent


async def test_a_machine_goes_on_behind_a_merge(ours, theirs):
    """Its moves are what they were, and run again they are the same."""
    mine, other = (AsyncStateMachinePersister(store, COUNTER) for store in (ours, theirs))
    await mine.start("g", "s", {"n": 0})
    await async_synced(ours, theirs)
    await mine.transition("g", "s", "add", 5)
    await other.transition("g", "s", "shut")
    await async_synced(ours, theirs)
    assert (await mine.load_state("g", "s")).snapshot.status == "shut"
    result = await mine.transition("g", "s", "reopen")
    assert (result.from_status, result.snapshot.machine_name) == ("shut", "counter")
    await async_synced(ours, theirs)
    for persister in (mine, other):
        assert (await persister.validate_consistency("g")).is_consistent
        assert (await persister.replay("g", "s")).status == "open"


async def test_a_store_is_made_sound_again_behind_merges(ours, theirs):
    """A state's document that is lost is what its line tells, merges included."""
    await async_part(ours, theirs)
    await async_synced(ours, theirs)
    before = (await ours.get_state("g", "s"))[0]
    await ours.runtime.access.backend.commit([Delete(state_layout("g", "s").state)], timeout=TIMEOUT)
    reports = [report async for report in async_recover(ours, "g")]
    assert [repair.kind for report in reports for repair in report.repaired] == ["state_missing"]
    assert (await ours.get_state("g", "s"))[0] == before
    assert counts(await async_synced(ours, theirs)) == (0, 0, 0)


@in_memory
async def test_one_store_is_not_synced_with_itself(place, ours, theirs):
    """Nor with a copy that has kept its id."""
    await ours.save_state("g", "s", {})
    with pytest.raises(ConfigurationError, match="one is a copy of the other"):
        await async_sync(ours, place.store(), "g", resolver=LATER)


@in_memory
async def test_a_node_is_one_writer(place):
    """Two stores that are opened under one name are refused, and so are states that were written so."""
    one, hub = place.store(node="edge"), AsyncMemoryStore()
    async with AsyncMemoryStore(node="edge") as other, hub:
        with pytest.raises(ConfigurationError, match="node 'edge'"):
            await async_sync(one, other, "g", resolver=LATER)
        await one.save_state("g", "s", {"n": 1})
        await other.save_state("g", "s", {"n": 2})
        await async_synced(one, hub)
        with pytest.raises(ConfigurationError, match="node 'edge'"):
            await async_sync(other, hub, "g", resolver=LATER)


@in_memory
async def test_what_cannot_be_synced_is_told(ours, theirs):
    """A resolver is asked for, and stores of this colour."""
    with pytest.raises(ConfigurationError, match="resolver"):
        await async_sync(ours, theirs, "g", resolver="later")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="colour"):
        await async_sync(ours, "theirs", "g", resolver=LastWriteWins())  # type: ignore[arg-type]


async def test_a_state_says_how_often_each_store_has_changed_it(ours, theirs):
    """Also where it came from the other one."""
    await ours.save_state("g", "s", {"n": 1})
    await async_synced(ours, theirs)
    await theirs.save_state("g", "s", {"n": 2})
    await async_synced(ours, theirs)
    mine, other = await async_events(ours)
    assert (await ours.get_state("g", "s"))[0].causality == VectorClock({mine.origin: 1, other.origin: 1})
