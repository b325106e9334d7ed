"""What other stores have made, beside the line: what is found of it, brought again, and merged by who recovers."""

import pytest

from tai_state import AsyncMemoryStore, async_recover, async_verify
from tai_state.causality import Custom, LastWriteWins, MergeFields
from tai_state.config import Encoding
from tai_state.documents import Delete
from tai_state.errors import ConfigurationError, CorruptLogError
from tai_state.layout import state_layout
from tai_state.replicas import async_sync
from tai_state.rules.records.branches import branch_put, read_branch
from tai_state.rules.records.erased import erased
from tests._async.replicas.syncing import (
    LATER,
    KilledError,
    async_data,
    async_diverged,
    async_events,
    async_say_the_same,
    async_synced,
    counts,
)
from tests._async.stores import TIMEOUT, async_alter, async_document_at, async_plant, in_memory

S = state_layout("g", "s")


async def async_problems(store):
    """Return the kinds of what is wrong with the governor."""
    return sorted([one.kind for report in [r async for r in async_verify(store, "g")] for one in report.problems])


async def async_recovered(store, **options):
    """Recover the governor; return the kinds of what was repaired, and of what is left."""
    (report,) = [report async for report in async_recover(store, "g", **options)]
    return [one.kind for one in report.repaired], [one.kind for one in report.unresolved]


async def test_a_branch_that_is_gone_or_damaged_is_found(ours, theirs):
    """By what follows it; nothing is made up in its place."""
    await async_diverged(ours, theirs)
    await async_synced(ours, theirs)
    origin = (await async_events(theirs))[0].origin
    await ours.runtime.access.backend.commit([Delete(S.branch(origin, 1))], timeout=TIMEOUT)
    await async_plant(ours, S.branch(origin, 3), to_status="forged")
    assert await async_problems(ours) == ["corrupt_branch", "missing_branch"]
    with pytest.raises(CorruptLogError):
        await async_events(ours, branches=True)
    (report,) = [report async for report in async_recover(ours, "g")]
    assert sorted(one.kind for one in report.unresolved) == ["corrupt_branch", "missing_branch"]
    assert report.repaired == []


async def test_a_branch_that_is_gone_or_damaged_is_brought_again(ours, theirs):
    """By a sync that is asked to, from the store that has it: word for word, and nothing else."""
    await async_diverged(ours, theirs)
    await async_synced(ours, theirs)
    before = await async_events(ours, branches=True)
    origin = (await async_events(theirs))[0].origin
    await ours.runtime.access.backend.commit([Delete(S.branch(origin, one)) for one in (1, 2)], timeout=TIMEOUT)
    await async_plant(ours, S.branch(origin, 3), to_status="forged")
    assert await async_problems(ours) == ["corrupt_branch"]
    assert counts(await async_sync(ours, theirs, "g", resolver=LATER)) == (0, 0, 0)
    assert await async_problems(ours) == ["corrupt_branch"]
    report = await async_sync(ours, theirs, "g", resolver=LATER, mend_branches=True)
    assert (counts(report), report.conflicts) == ((0, 3, 0), [])
    assert await async_problems(ours) == []
    assert await async_events(ours, branches=True) == before
    assert counts(await async_sync(ours, theirs, "g", resolver=LATER, mend_branches=True)) == (0, 0, 0)


@in_memory
async def test_what_is_lost_is_brought_from_whoever_has_it(ours, theirs):
    """A third store has it in its branches; the other way round as well."""
    async with AsyncMemoryStore() as third:
        await async_diverged(ours, theirs)
        await async_synced(ours, theirs)
        await async_synced(theirs, third)
        origin = (await async_events(ours))[0].origin
        await theirs.runtime.access.backend.commit([Delete(S.branch(origin, 2))], timeout=TIMEOUT)
        assert await async_problems(theirs) == ["missing_branch"]
        report = await async_sync(third, theirs, "g", resolver=LATER, mend_branches=True)
        assert counts(report) == (1, 0, 0)
        assert await async_problems(theirs) == []
    with pytest.raises(ConfigurationError, match="mend_branches"):
        await async_sync(ours, theirs, "g", resolver=LATER, mend_branches="yes")  # type: ignore[arg-type]


async def async_killed(ours, theirs):
    """Sync, and die in our store before the merge is written."""
    real = ours.runtime.writer.write

    async def write(*_):
        raise KilledError

    ours.runtime.writer.write = write
    with pytest.raises(KilledError):
        await async_sync(ours, theirs, "g", resolver=MergeFields())
    ours.runtime.writer.write = real


async def test_what_a_killed_sync_has_left_is_merged_by_who_recovers(ours, theirs):
    """The other store knew of all that is here: nobody has to decide, and nothing is asked of it."""
    await async_diverged(ours, theirs)
    await async_synced(ours, theirs)
    await theirs.save_state("g", "s", {"n": 8})
    await theirs.save_state("g", "s", {"n": 9})
    await async_killed(ours, theirs)
    assert await async_problems(ours) == []
    assert await async_recovered(ours, dry_run=True) == (["unmerged_branch"], [])
    assert await async_data(ours) != {"n": 9}
    assert await async_recovered(ours) == (["unmerged_branch"], [])
    assert await async_data(ours) == {"n": 9}
    assert await async_say_the_same(ours, theirs)
    assert await async_recovered(ours) == ([], [])
    assert counts(await async_synced(ours, theirs)) == (0, 0, 0)


async def test_a_merge_of_the_same_is_as_good_as_the_one_that_was_followed(ours, theirs):
    """The other store went on from its own merge of what both had, and not from the one that is here."""
    await async_diverged(ours, theirs)
    await async_synced(ours, theirs)
    await ours.save_state("g", "s", {"n": 9})
    await async_killed(theirs, ours)
    assert await async_recovered(theirs) == (["unmerged_branch"], [])
    assert await async_data(theirs) == {"n": 9}
    assert await async_say_the_same(ours, theirs)


@in_memory
async def test_of_two_stores_the_one_is_merged_that_knows_of_this_one(ours, theirs):
    """Not the other one, though its events are there as well."""
    async with AsyncMemoryStore(actor="cec") as third:
        await async_diverged(ours, theirs)
        await async_synced(ours, theirs)
        await theirs.save_state("g", "s", {"n": 9})
        await third.save_state("g", "s", {"n": 7})
        await async_killed(ours, theirs)
        await async_killed(ours, third)
        assert await async_recovered(ours) == (["unmerged_branch"], ["unmerged_branch"])
        assert await async_data(ours) == {"n": 9}


@in_memory
async def test_what_was_erased_is_no_version_to_come_to(ours, theirs):
    """The tombstone is still to come, by the next sync."""
    await async_diverged(ours, theirs)
    await async_synced(ours, theirs)
    await theirs.save_state("g", "s", {"n": 9})
    await async_killed(ours, theirs)
    event = (await async_events(theirs))[-1]
    path = S.branch(event.origin, event.version)
    document = await async_document_at(ours, path)
    held = read_branch(document, "g", "s")
    put = branch_put(S, held._replace(event=erased(held.event)), Encoding(), document)
    await ours.runtime.access.backend.commit([put], timeout=TIMEOUT)
    assert await async_recovered(ours) == ([], ["unmerged_branch"])
    assert await async_data(ours) != {}


async def test_who_writes_while_somebody_recovers_is_not_written_over(ours, theirs):
    """What he has made of it, the other store does not know: the next sync's resolver decides."""
    await async_diverged(ours, theirs)
    await async_synced(ours, theirs)
    await theirs.save_state("g", "s", {"n": 9})
    await async_killed(ours, theirs)
    real = ours.runtime.writer.write
    written: list[str] = []

    async def write_first(change, settings, deadline, guarding=None):
        if change.kind == "merge":
            written.append(change.kind)
            ours.runtime.writer.write = real
            await ours.save_state("g", "s", {"n": 10})
        return await real(change, settings, deadline, guarding)

    ours.runtime.writer.write = write_first
    assert await async_recovered(ours) == ([], ["unmerged_branch"])
    assert (written, await async_data(ours)) == (["merge"], {"n": 10})
    await async_synced(ours, theirs)
    assert await async_say_the_same(ours, theirs)


async def test_two_that_say_the_same_are_merged_by_who_recovers(ours, theirs):
    """Though neither knew of the other."""
    for store in (ours, theirs):
        await store.save_state("g", "s", {"n": 1})
    await async_killed(ours, theirs)
    assert await async_recovered(ours) == (["unmerged_branch"], [])
    await async_synced(ours, theirs)
    assert await async_say_the_same(ours, theirs)


async def test_where_a_resolver_has_to_decide_who_recovers_does_not(ours, theirs):
    """No store knows which one: it is told, and the next sync decides."""
    for store in (ours, theirs):
        await store.save_state("g", "s", {store.actor: 1})
    await async_killed(ours, theirs)
    assert await async_recovered(ours) == ([], ["unmerged_branch"])
    assert await async_problems(ours) == []
    assert await async_data(ours) == {"ann": 1}
    await async_synced(ours, theirs, MergeFields())
    assert await async_data(ours) == {"ann": 1, "bob": 1}
    assert await async_recovered(ours) == ([], [])


@in_memory
async def test_a_copy_that_kept_its_id_is_merged_by_nobody(ours, theirs):
    """Its clocks say to know what it does not follow from."""
    await ours.save_state("g", "s", {"n": 1})
    await async_synced(ours, theirs)
    await ours.save_state("g", "s", {"n": 2})
    await theirs.save_state("g", "s", {"n": 3})
    with pytest.raises(KilledError):
        await async_sync(ours, theirs, "g", resolver=Custom(kill))
    origin = (await async_events(ours))[0].origin
    record = await ours.runtime.record(S, None)
    await async_alter(ours, S, causality={**record.causality, origin: 1})
    _, left = await async_recovered(ours, dry_run=True)
    assert "unmerged_branch" in left
    assert await async_data(ours) == {"n": 2}


def kill(*_):
    """Stand for the end of the process."""
    raise KilledError


@in_memory
async def test_what_follows_something_that_is_missing_is_merged_by_nobody(ours, theirs):
    """The next sync brings it."""
    await async_diverged(ours, theirs)
    await async_synced(ours, theirs)
    for number in range(3):
        await theirs.save_state("g", "s", {"n": number})
    await async_killed(ours, theirs)
    written = await async_events(theirs)
    lost = S.branch(written[-2].origin, written[-2].version)
    await ours.runtime.access.backend.commit([Delete(lost)], timeout=TIMEOUT)
    assert await async_recovered(ours) == ([], ["missing_branch"])
    await async_synced(ours, theirs, LastWriteWins())
    assert await async_say_the_same(ours, theirs)
