"""What a sync takes at most, whom it waits for no longer, and what it tells where it has to begin anew."""

import random
from contextlib import suppress
from dataclasses import replace

import pytest

from tai_state import AsyncMemoryStore, AsyncStateMachinePersister, PersistenceConfig, async_recover, async_verify
from tai_state._async.replicas.sending import AsyncSending, _last
from tai_state._async.replicas.side import AsyncSide
from tai_state.causality import LastWriteWins, MergeFields
from tai_state.documents import Delete, Put
from tai_state.layout import state_layout
from tai_state.replicas import async_sync
from tai_state.rules.records.branches import Held, Ref, ref_of
from tai_state.rules.records.chain import event_hash
from tests._async.machines import COUNTER
from tests._async.replicas.syncing import (
    LATER,
    AsyncDyingBackend,
    KilledError,
    async_data,
    async_events,
    async_say_the_same,
    async_synced,
    counts,
)
from tests._async.stores import TIMEOUT, async_document_at, in_memory

S = state_layout("g", "s")


@pytest.mark.parametrize("known", [0, 1, 49, 50, 51, 12_345, 50_000, 99_949, 99_950, 99_999, 100_000])
async def test_where_two_long_lines_part_is_found_in_few_looks(known):
    """Of 100,000 events as of ten, and of those close to the end in fewest."""
    asked = []

    async def is_known(version):
        asked.append(version)
        return version <= known

    assert await _last(0, 100_000, is_known) == known
    assert len(asked) <= (8 if known >= 99_950 else 36)


async def async_parted(ours, theirs):
    """Let both change a state of which they know, without knowing of each other."""
    await ours.save_state("g", "s", {"n": 0})
    await async_synced(ours, theirs)
    await ours.save_state("g", "s", {"n": 1})
    await theirs.save_state("g", "s", {"n": 2})


@in_memory
async def test_no_commit_brings_more_bytes_than_an_engine_takes(place, theirs):
    """Also of what a merge follows, which a third store has to be brought, too."""
    rng = random.Random(7)
    async with AsyncMemoryStore() as middle:
        await middle.save_state("g", "s", {"n": 0})
        await async_synced(middle, theirs)
        await middle.save_state("g", "s", {"n": 1})
        for _ in range(8):
            await theirs.save_state("g", "s", {"noise": rng.randbytes(150_000)})
        await async_synced(middle, theirs)
        third, backend = place.counting()
        await async_synced(middle, third)
        assert await async_say_the_same(middle, third)
    puts = [[write for write in commit if isinstance(write, Put)] for commit in backend.commits]
    # Each event has its state before and behind: three of them are as much as one commit brings, and a bit more.
    assert sum(len(commit) for commit in puts) > 8
    assert max(len(commit) for commit in puts) < 7


async def test_what_is_decided_anew_is_told_once(ours, theirs):
    """A merge that was refused, because somebody was faster, was none."""
    await async_parted(ours, theirs)
    real = ours.runtime.writer.write
    written: list[int] = []

    async def write_first(change, settings, deadline, guarding=None):
        if change.kind == "merge" and not written:
            written.append(await ours.save_state("g", "s", {"late": 1}))
        return await real(change, settings, deadline, guarding)

    ours.runtime.writer.write = write_first
    report = await async_sync(ours, theirs, "g", resolver=LATER)
    assert [(one.kind, one.result) for one in report.conflicts] == [("concurrent", "resolved")]
    assert ours.conflicts.total == theirs.conflicts.total == 1
    assert await async_data(theirs) == {"late": 1}


@in_memory
async def test_a_state_that_never_stands_still_keeps_no_other_waiting(ours, theirs):
    """It is told, and the next sync goes on with it."""
    await async_parted(ours, theirs)
    await ours.save_state("g", "z", {"n": 1})
    real = ours.runtime.writer.write

    async def write_first(change, settings, deadline, guarding=None):
        if change.kind == "merge":
            await ours.save_state("g", "s", {"late": change.expected_version})
        return await real(change, settings, deadline, guarding)

    ours.runtime.writer.write = write_first
    report = await async_sync(ours, theirs, "g", resolver=LATER)
    assert [(one.state_id, one.kind) for one in report.unresolved] == [("s", "busy")]
    assert await async_data(theirs, "z") == {"n": 1}
    ours.runtime.writer.write = real
    assert (await async_synced(ours, theirs)).unresolved == []
    assert await async_say_the_same(ours, theirs)


async def async_looked_at(store):
    """Return a look at the state of a store."""
    side = AsyncSide(store.runtime, "", S, None)
    await side.look()
    return side


async def test_an_event_of_the_same_name_and_another_hash_is_not_the_one(ours, theirs):
    """As a copy makes one that keeps its store's id: it is not found for the other, which takes its place."""
    await async_parted(ours, theirs)
    await async_synced(ours, theirs)
    side = await async_looked_at(ours)
    foreign = (await side.head()).event.foreign_parent
    right = await side.branch(foreign.origin, foreign.version)
    other = replace(right.event, transition_id="0" * 32)
    other = replace(other, hash=event_hash(other))
    assert await side.find(right.ref) == right
    assert await side.find(ref_of(other)) is None
    assert not await side.has(ref_of(other))
    assert await side.keep([Held(other, right.previous_origin)]) == 1
    side = await async_looked_at(ours)
    assert await side.find(right.ref) is None
    assert not await side.has(right.ref)
    assert await side.keep([right]) == 1
    assert await (await async_looked_at(ours)).find(right.ref) == right


@in_memory
async def test_what_is_trimmed_while_it_is_sent_is_looked_at_again(ours, theirs, monkeypatch):
    """What a merge follows was there, and is not when its turn comes."""
    await async_parted(ours, theirs)
    await async_synced(ours, theirs)
    real, found = AsyncSending._missing, []

    async def missing(sending, last):
        found.append(await real(sending, last))
        return [*found[-1], Ref(last.origin, last.version + 1, "0" * 64)] if len(found) == 1 else found[-1]

    async with AsyncMemoryStore() as third:
        monkeypatch.setattr(AsyncSending, "_missing", missing)
        report = await async_sync(ours, third, "g", resolver=LATER)
        assert (len(found), report.unresolved) == (2, [])
        assert await async_say_the_same(ours, third)
        assert len(await async_events(third, branches=True)) == 5


@in_memory
async def test_an_erasure_that_was_killed_on_its_way_is_ended(place, theirs):
    """Behind any commit of the sync: what was erased is nowhere behind the next one."""
    ours = place.store(actor="ann")
    dying, backend = place.counting(actor="ann")
    backend.inner = AsyncDyingBackend(backend.inner)
    for rounds in range(30):
        state = f"s{rounds}"
        await ours.save_state("g", state, {"name": "secret-1"})
        await async_synced(ours, theirs)
        await ours.save_state("g", state, {"name": "secret-2"})
        await theirs.save_state("g", state, {"name": "secret-3"})
        await theirs.erase_state("g", state, reason="asked for")
        backend.inner.left = rounds
        try:
            await async_sync(dying, theirs, "g", resolver=MergeFields())
        except KilledError:
            await async_synced(ours, theirs)
        else:
            assert rounds > 2
            break
        for store in (ours, theirs):
            assert await async_data(store, state) is None
            assert "secret" not in str([event.to_state for event in await async_events(store, state, branches=True)])
    else:
        pytest.fail("it never came to its end")


@in_memory
async def test_who_was_told_of_an_erasure_tells_others(place, theirs):
    """Also where the sync that brought it was killed behind any of its commits."""
    ours = place.store(actor="ann")
    dying, backend = place.counting(actor="ann")
    backend.inner = AsyncDyingBackend(backend.inner)
    for rounds in range(30):
        state = f"s{rounds}"
        async with AsyncMemoryStore() as third:
            await theirs.save_state("g", state, {"name": "secret-1"})
            await async_synced(theirs, third)
            await theirs.erase_state("g", state, reason="asked for")
            backend.inner.left = rounds
            with suppress(KilledError):
                await async_sync(dying, theirs, "g", resolver=LATER)
            await async_synced(ours, theirs)
            await async_synced(ours, third)
            assert "secret" not in str([event.to_state for event in await async_events(third, state, branches=True)])
        if backend.inner.left:
            assert rounds > 1
            break
    else:
        pytest.fail("it never came to its end")


@in_memory
async def test_a_line_that_is_behind_what_was_trimmed_is_merged_and_not_gone_on_with(ours, theirs):
    """What lies between is nowhere any more: the state comes, in a line of the target's own."""
    persister = AsyncStateMachinePersister(ours, COUNTER, PersistenceConfig(snapshot_interval=5, segment_events=5))
    await persister.start("g", "s", {"n": 0})
    await async_synced(ours, theirs)
    for _ in range(20):
        await persister.transition("g", "s", "add")
    await persister.trim("g", "s", before_version=12)
    report = await async_sync(ours, theirs, "g", resolver=LastWriteWins())
    assert report.unresolved == []
    assert (report.sent, report.merged) == (10, 1)
    assert await async_say_the_same(ours, theirs)
    line = await async_events(theirs)
    assert [(event.version, event.kind) for event in line] == [(1, "start"), (2, "merge")]
    for store in (ours, theirs):
        async for found in async_verify(store):
            assert found.is_consistent, found.problems


async def test_a_state_without_the_event_that_made_it_is_left_alone(ours, theirs):
    """It is damaged, which is told; nothing of it is sent."""
    await async_parted(ours, theirs)
    await ours.runtime.access.backend.commit([Delete(S.event(2))], timeout=TIMEOUT)
    report = await async_sync(ours, theirs, "g", resolver=LATER)
    assert [(one.kind, one.result) for one in report.conflicts] == [("damaged", "unresolved")]
    assert counts(report) == (0, 1, 0)
    assert await async_data(theirs) == {"n": 2}


async def test_a_state_that_is_behind_its_events_is_not_waited_for(ours, theirs):
    """It is damaged, as by a copy of an older document; once it is recovered there is nothing to send."""
    await ours.save_state("g", "s", {"n": 1})
    old = await async_document_at(ours, S.state)
    await async_synced(ours, theirs)
    await ours.save_state("g", "s", {"n": 2})
    await async_synced(ours, theirs)
    await ours.runtime.access.backend.commit([Put(S.state, old.fields)], timeout=TIMEOUT)
    report = await async_sync(ours, theirs, "g", resolver=LATER, timeout=5)
    assert [(one.kind, one.result) for one in report.conflicts] == [("damaged", "unresolved")]
    assert [one.repaired[0].kind async for one in async_recover(ours, "g")] == ["state_behind"]
    assert counts(await async_synced(ours, theirs)) == (0, 0, 0)
    assert await async_data(ours) == {"n": 2}
