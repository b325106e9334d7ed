"""What travels between two stores, and what is each store's own; erasures; interruptions; what is found of damage."""

from datetime import timedelta

import pytest

from tai_state import (
    AsyncLockManager,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    InvalidDataError,
    Machine,
    Transition,
    async_export_store,
    async_import_store,
    async_verify,
)
from tai_state.causality import LastWriteWins, MergeFields
from tai_state.due import AsyncDueWorker, Timeout
from tai_state.layout import state_layout
from tai_state.replicas import async_sync
from tests._async.machines import COUNTER
from tests._async.replicas.syncing import (
    LATER,
    AsyncDyingBackend,
    KilledError,
    async_data,
    async_diverged,
    async_events,
    async_say_the_same,
    async_synced,
    counts,
)
from tests._async.stores import TIMEOUT, in_memory

S = state_layout("g", "s")
BOOTING = Machine(
    "booting",
    "boot",
    [Transition("fail", "boot", "failed"), Transition("touch", "boot", "boot"), Transition("go", "boot", "up")],
    timeouts={"boot": Timeout(timedelta(microseconds=1), "fail")},
)


async def test_due_times_stay_where_they_are(ours, theirs):
    """In the other store nothing is due, until it is changed there."""
    mine, other = (AsyncStateMachinePersister(store, BOOTING) for store in (ours, theirs))
    await mine.start("g", "s", {})
    await async_synced(ours, theirs)
    assert (await ours.get_state("g", "s"))[0].due_action == "fail"
    assert (await theirs.get_state("g", "s"))[0].due_at is None
    assert await AsyncDueWorker(other).run_once() == 0
    assert await AsyncDueWorker(mine).run_once() == 1
    await async_synced(ours, theirs)
    assert (await theirs.get_state("g", "s"))[0].status == "failed"


async def test_a_due_time_that_is_here_stays_through_a_merge_into_the_same_status(ours, theirs):
    """Into another one it ends."""
    mine, other = (AsyncStateMachinePersister(store, BOOTING) for store in (ours, theirs))
    await mine.start("g", "s", {})
    await async_synced(ours, theirs)
    await mine.transition("g", "s", "touch")
    await other.transition("g", "s", "touch")
    await async_synced(ours, theirs)
    assert (await ours.get_state("g", "s"))[0].due_action == "fail"
    await other.transition("g", "s", "go")
    await async_synced(ours, theirs)
    snapshot = (await ours.get_state("g", "s"))[0]
    assert (snapshot.status, snapshot.due_at) == ("up", None)


async def test_fences_stay_where_they_are(ours, theirs):
    """A token of one store's lock counts in no other: a lower one there is valid."""
    mine, other = (AsyncStateMachinePersister(store, COUNTER) for store in (ours, theirs))
    locks = AsyncLockManager(ours)
    for _ in range(3):
        async with locks.hold("r"):
            pass
    async with locks.hold("r") as lock:
        await mine.start("g", "s", {"n": 0})
        await mine.transition("g", "s", "add", lock=lock)
    await async_synced(ours, theirs)
    async with AsyncLockManager(theirs).hold("r") as lock:
        assert lock.fencing_token == 1
        await other.transition("g", "s", "add", lock=lock)
    await async_synced(ours, theirs)
    assert await async_say_the_same(ours, theirs)


async def test_what_a_state_depends_on_stays_where_it_is(ours, theirs):
    """There its dependencies move nothing."""
    persister = AsyncStateMachinePersister(ours, COUNTER)
    await persister.start("g", "s", {"n": 0})
    await persister.start("g", "t", {"n": 0}, depends_on=["s"])
    await async_synced(ours, theirs)
    assert (await ours.get_state("g", "t"))[0].depends_on == ("s",)
    assert (await theirs.get_state("g", "t"))[0].depends_on == ()


async def test_receipts_stay_where_they_are(ours, theirs):
    """A key of one store is no key of the other: what is repeated there is a change of its own."""
    await ours.save_state("g", "s", {"n": 1}, idempotency_key="k")
    await async_synced(ours, theirs)
    assert await theirs.save_state("g", "s", {"n": 1}, idempotency_key="k") == 2


# Erasures


async def async_texts(store):
    """Return all documents of the governor, as text."""
    found = []
    for kind in ("states", "events", "segments", "snapshots", "branches", "receipts"):
        scan = store.runtime.access.backend.scan(f"governors/g/{kind}", timeout=TIMEOUT)
        found += [str(document.fields) async for document in scan]
    return "\n".join(found)


async def test_what_was_erased_on_one_side_is_erased_on_both(ours, theirs):
    """In lines and branches, whoever has changed it meanwhile; and so it stays."""
    await ours.save_state("g", "s", {"name": "secret-1"})
    await async_synced(ours, theirs)
    await ours.save_state("g", "s", {"name": "secret-2"})
    await theirs.save_state("g", "s", {"name": "secret-3"})
    await async_synced(ours, theirs)
    await theirs.save_state("g", "s", {"name": "secret-4"})
    await ours.erase_state("g", "s", reason="they asked")
    assert "secret" not in await async_texts(ours)
    await async_synced(ours, theirs)
    for store in (ours, theirs):
        assert "secret" not in await async_texts(store)
        assert await async_data(store) is None
    assert await async_say_the_same(ours, theirs)
    assert counts(await async_synced(theirs, ours)) == (0, 0, 0)


async def test_what_does_not_know_of_an_erasure_is_erased_however_late_it_is(ours, theirs):
    """It makes no live state of it either, whatever the resolver would say."""
    await ours.save_state("g", "s", {"name": "secret-1"})
    await async_synced(ours, theirs)
    await ours.erase_state("g", "s", reason="they asked")
    await theirs.save_state("g", "s", {"name": "secret-2"}, status="live")
    report = await async_synced(ours, theirs, MergeFields())
    for store in (ours, theirs):
        assert "secret" not in await async_texts(store)
        assert await store.find_state("g", "s") is None
    assert [one.result for one in report.conflicts] == ["resolved"]


async def test_a_third_store_erases_what_it_had(ours, theirs):
    """And a state that is made again behind it stays."""
    async with AsyncMemoryStore() as third:
        await ours.save_state("g", "s", {"name": "secret"})
        await async_synced(ours, theirs)
        await async_synced(ours, third)
        await third.save_state("g", "s", {"name": "secret too"})
        await ours.erase_state("g", "s", reason="they asked")
        await async_synced(ours, theirs)
        await async_synced(theirs, third)
        assert "secret" not in await async_texts(third)
        await third.save_state("g", "s", {"name": "new"})
        for one, other in ((third, ours), (ours, theirs), (theirs, third)):
            await async_synced(one, other)
        for store in (ours, theirs, third):
            assert await async_data(store) == {"name": "new"}


async def test_what_is_made_behind_an_erasure_keeps_its_history(ours, theirs):
    """An erasure that a store knows of is done once, though the lines have parted."""
    for store in (ours, theirs):
        await store.save_state("g", "s", {"name": f"secret of {store.actor}"})
    await async_synced(ours, theirs)
    await ours.erase_state("g", "s", reason="they asked")
    await async_synced(ours, theirs)
    await theirs.save_state("g", "s", {"n": 1})
    await async_synced(ours, theirs)
    await ours.save_state("g", "s", {"n": 2})
    await async_synced(ours, theirs)
    for store in (ours, theirs):
        kept = [one.to_state for one in await async_events(store, branches=True) if one.kind == "save"]
        assert {"n": 1} in kept
        assert {"n": 2} in kept


async def test_what_never_was_there_comes_erased(ours, theirs):
    """Its history without its values, and the record of the erasure."""
    await ours.save_state("g", "s", {"name": "secret"})
    await ours.erase_state("g", "s", reason="they asked")
    await async_synced(ours, theirs)
    assert await async_data(theirs) is None
    assert [event.kind for event in await async_events(theirs)] == ["save", "erase"]
    assert counts(await async_synced(ours, theirs)) == (0, 0, 0)


# Interruptions


async def test_a_sync_that_was_killed_is_resumed(place, theirs):
    """Behind any of its commits: the next one ends it, and sends nothing twice."""
    ours = place.store(actor="ann")
    await async_diverged(ours, theirs)
    dying, backend = place.counting(actor="ann")
    backend.inner = AsyncDyingBackend(backend.inner)
    rounds = 0
    while rounds < 40:
        backend.inner.left = rounds + 1
        try:
            await async_sync(dying, theirs, "g", resolver=MergeFields())
        except KilledError:
            rounds += 1
        else:
            break
        for store in (ours, theirs):
            async for report in async_verify(store):
                assert report.is_consistent, report.problems
    assert 0 < rounds < 40
    assert await async_say_the_same(ours, theirs)
    assert await async_data(ours) == {"n": 3, "ann": 2, "bob": 3}
    everything = await async_events(ours, branches=True)
    assert len({event.hash for event in everything}) == len(everything) == 8


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
async def test_a_commit_of_unknown_outcome_is_looked_at_again(place, theirs, fault):
    """Whether it was applied or not."""
    ours, _ = place.faulty(*[fault, "fine"] * 6, actor="ann")
    for number in range(2):
        await theirs.save_state("g", "s", {"n": number})
    await async_sync(ours, theirs, "g", resolver=LATER)
    assert await async_events(ours) == await async_events(theirs)
    plain = place.store(actor="ann")
    await plain.save_state("g", "s", {"n": 7})
    await theirs.save_state("g", "s", {"n": 8})
    await async_sync(ours, theirs, "g", resolver=LATER)
    await async_synced(plain, theirs)
    assert await async_say_the_same(plain, theirs)


async def test_who_writes_meanwhile_loses_nothing(ours, theirs):
    """A state that is changed while it is synced is looked at again."""
    await async_diverged(ours, theirs)
    await async_synced(ours, theirs)
    written: list[int] = []
    real = theirs.runtime.writer.write

    async def write_first(change, settings, deadline, guarding=None):
        if change.kind == "merge" and len(written) < 2:
            written.append(await theirs.save_state("g", "s", {"late": len(written)}))
        return await real(change, settings, deadline, guarding)

    await ours.save_state("g", "s", {"n": 10})
    await theirs.save_state("g", "s", {"n": 11})
    theirs.runtime.writer.write = write_first
    await async_sync(ours, theirs, "g", resolver=LastWriteWins())
    theirs.runtime.writer.write = real
    assert len(written) == 2
    await async_synced(ours, theirs)
    assert await async_say_the_same(ours, theirs)
    assert [event.to_state for event in await async_events(theirs) if event.version in written] == [
        {"late": 0},
        {"late": 1},
    ]


# What is kept and counted


async def test_an_export_carries_the_branches(ours, theirs, tmp_path):
    """What was merged stands in the copy, too, and it is sound."""
    await async_diverged(ours, theirs)
    await async_synced(ours, theirs)
    file = tmp_path / "all.jsonl"
    await async_export_store(ours, file)
    async with AsyncMemoryStore() as copy:
        report = await async_import_store(copy, file)
        assert report.reports == []
        assert await async_events(copy, branches=True) == await async_events(ours, branches=True)
        assert counts(await async_synced(copy, theirs)) == (0, 0, 0)


@in_memory
async def test_usage_counts_the_branches(ours, theirs):
    """By themselves."""
    await async_diverged(ours, theirs)
    await async_synced(ours, theirs)
    usage = await ours.usage("g")
    assert usage.documents["branches"].count == 4


@in_memory
@pytest.mark.parametrize("options", [{"limit": 1}, {"descending": True}])
async def test_branches_stand_behind_the_whole_line(ours, options):
    """A part of it has no place for them."""
    with pytest.raises(InvalidDataError, match="branches"):
        await async_events(ours, branches=True, **options)


async def test_versions_bound_the_branches_too(ours, theirs):
    """As they bound the line."""
    await async_diverged(ours, theirs)
    await async_synced(ours, theirs)
    assert {event.version for event in await async_events(ours, branches=True, after=1, until=2)} == {2}
