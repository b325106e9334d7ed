# Generated from tests/_async/replicas/test_sync_bounds.py by .ci/generate_sync.py; do not edit.
"""What a sync takes at most, whom it waits for no longer, and what it tells where it has to begin anew."""
import random
from contextlib import suppress
from dataclasses import replace

import pytest

from tai_state import MemoryStore, StateMachinePersister, PersistenceConfig, recover, verify
from tai_state._sync.replicas.sending import Sending, _last
from tai_state._sync.replicas.side import Side
from tai_state.causality import LastWriteWins, MergeFields
from tai_state.documents import Delete, Put
from tai_state.layout import state_layout
from tai_state.replicas import sync
from tai_state.rules.records.branches import Held, Ref, ref_of
from tai_state.rules.records.chain import event_hash
from tests._sync.machines import COUNTER
from tests._sync.replicas.syncing import (
    LATER,
    DyingBackend,
    KilledError,
    data,
    events,
    say_the_same,
    synced,
    counts,
)
from tests._sync.stores import TIMEOUT, document_at, in_memory

S = state_layout("g", "s")


@pytest.mark.parametrize("known", [0, 1, 49, 50, 51, 12_345, 50_000, 99_949, 99_950, 99_999, 100_000])
def test_where_two_long_lines_part_is_found_in_few_looks(known):
    """Of 100,000 events as of ten, and of those close to the end in fewest."""
    asked = []

    def is_known(version):
        asked.append(version)
        return version <= known

    assert _last(0, 100_000, is_known) == known
    assert len(asked) <= (8 if known >= 99_950 else 36)


def parted(ours, theirs):
    """Let both change a state of which they know, without knowing of each other."""
    ours.save_state("g", "s", {"n": 0})
    synced(ours, theirs)
    ours.save_state("g", "s", {"n": 1})
    theirs.save_state("g", "s", {"n": 2})


@in_memory
def test_no_commit_brings_more_bytes_than_an_engine_takes(place, theirs):
    """Also of what a merge follows, which a third store has to be brought, too."""
    rng = random.Random(7)
    with MemoryStore() as middle:
        middle.save_state("g", "s", {"n": 0})
        synced(middle, theirs)
        middle.save_state("g", "s", {"n": 1})
        for _ in range(8):
            theirs.save_state("g", "s", {"noise": rng.randbytes(150_000)})
        synced(middle, theirs)
        third, backend = place.counting()
        synced(middle, third)
        assert say_the_same(middle, third)
    puts = [[write for write in commit if isinstance(write, Put)] for commit in backend.commits]
    # Each event has its state before and behind: three of them are as much as one commit brings, and a bit more.
    assert sum(len(commit) for commit in puts) > 8
    assert max(len(commit) for commit in puts) < 7


def test_what_is_decided_anew_is_told_once(ours, theirs):
    """A merge that was refused, because somebody was faster, was none."""
    parted(ours, theirs)
    real = ours.runtime.writer.write
    written: list[int] = []

    def write_first(change, settings, deadline, guarding=None):
        if change.kind == "merge" and not written:
            written.append(ours.save_state("g", "s", {"late": 1}))
        return real(change, settings, deadline, guarding)

    ours.runtime.writer.write = write_first
    report = sync(ours, theirs, "g", resolver=LATER)
    assert [(one.kind, one.result) for one in report.conflicts] == [("concurrent", "resolved")]
    assert ours.conflicts.total == theirs.conflicts.total == 1
    assert data(theirs) == {"late": 1}


@in_memory
def test_a_state_that_never_stands_still_keeps_no_other_waiting(ours, theirs):
    """It is told, and the next sync goes on with it."""
    parted(ours, theirs)
    ours.save_state("g", "z", {"n": 1})
    real = ours.runtime.writer.write

    def write_first(change, settings, deadline, guarding=None):
        if change.kind == "merge":
            ours.save_state("g", "s", {"late": change.expected_version})
        return real(change, settings, deadline, guarding)

    ours.runtime.writer.write = write_first
    report = sync(ours, theirs, "g", resolver=LATER)
    assert [(one.state_id, one.kind) for one in report.unresolved] == [("s", "busy")]
    assert data(theirs, "z") == {"n": 1}
    ours.runtime.writer.write = real
    assert (synced(ours, theirs)).unresolved == []
    assert say_the_same(ours, theirs)


def looked_at(store):
    """Return a look at the state of a store."""
    side = Side(store.runtime, "", S, None)
    side.look()
    return side


def test_an_event_of_the_same_name_and_another_hash_is_not_the_one(ours, theirs):
    """As a copy makes one that keeps its store's id: it is not found for the other, which takes its place."""
    parted(ours, theirs)
    synced(ours, theirs)
    side = looked_at(ours)
    foreign = (side.head()).event.foreign_parent
    right = side.branch(foreign.origin, foreign.version)
    other = replace(right.event, transition_id="0" * 32)
    other = replace(other, hash=event_hash(other))
    assert side.find(right.ref) == right
    assert side.find(ref_of(other)) is None
    assert not side.has(ref_of(other))
    assert side.keep([Held(other, right.previous_origin)]) == 1
    side = looked_at(ours)
    assert side.find(right.ref) is None
    assert not side.has(right.ref)
    assert side.keep([right]) == 1
    assert (looked_at(ours)).find(right.ref) == right


@in_memory
def test_what_is_trimmed_while_it_is_sent_is_looked_at_again(ours, theirs, monkeypatch):
    """What a merge follows was there, and is not when its turn comes."""
    parted(ours, theirs)
    synced(ours, theirs)
    real, found = Sending._missing, []

    def missing(sending, last):
        found.append(real(sending, last))
        return [*found[-1], Ref(last.origin, last.version + 1, "0" * 64)] if len(found) == 1 else found[-1]

    with MemoryStore() as third:
        monkeypatch.setattr(Sending, "_missing", missing)
        report = sync(ours, third, "g", resolver=LATER)
        assert (len(found), report.unresolved) == (2, [])
        assert say_the_same(ours, third)
        assert len(events(third, branches=True)) == 5


@in_memory
def test_an_erasure_that_was_killed_on_its_way_is_ended(place, theirs):
    """Behind any commit of the sync: what was erased is nowhere behind the next one."""
    ours = place.store(actor="ann")
    dying, backend = place.counting(actor="ann")
    backend.inner = DyingBackend(backend.inner)
    for rounds in range(30):
        state = f"s{rounds}"
        ours.save_state("g", state, {"name": "secret-1"})
        synced(ours, theirs)
        ours.save_state("g", state, {"name": "secret-2"})
        theirs.save_state("g", state, {"name": "secret-3"})
        theirs.erase_state("g", state, reason="asked for")
        backend.inner.left = rounds
        try:
            sync(dying, theirs, "g", resolver=MergeFields())
        except KilledError:
            synced(ours, theirs)
        else:
            assert rounds > 2
            break
        for store in (ours, theirs):
            assert data(store, state) is None
            assert "secret" not in str([event.to_state for event in events(store, state, branches=True)])
    else:
        pytest.fail("it never came to its end")


@in_memory
def test_who_was_told_of_an_erasure_tells_others(place, theirs):
    """Also where the sync that brought it was killed behind any of its commits."""
    ours = place.store(actor="ann")
    dying, backend = place.counting(actor="ann")
    backend.inner = DyingBackend(backend.inner)
    for rounds in range(30):
        state = f"s{rounds}"
        with MemoryStore() as third:
            theirs.save_state("g", state, {"name": "secret-1"})
            synced(theirs, third)
            theirs.erase_state("g", state, reason="asked for")
            backend.inner.left = rounds
            with suppress(KilledError):
                sync(dying, theirs, "g", resolver=LATER)
            synced(ours, theirs)
            synced(ours, third)
            assert "secret" not in str([event.to_state for event in events(third, state, branches=True)])
        if backend.inner.left:
            assert rounds > 1
            break
    else:
        pytest.fail("it never came to its end")


@in_memory
def test_a_line_that_is_behind_what_was_trimmed_is_merged_and_not_gone_on_with(ours, theirs):
    """What lies between is nowhere any more: the state comes, in a line of the target's own."""
    persister = StateMachinePersister(ours, COUNTER, PersistenceConfig(snapshot_interval=5, segment_events=5))
    persister.start("g", "s", {"n": 0})
    synced(ours, theirs)
    for _ in range(20):
        persister.transition("g", "s", "add")
    persister.trim("g", "s", before_version=12)
    report = sync(ours, theirs, "g", resolver=LastWriteWins())
    assert report.unresolved == []
    assert (report.sent, report.merged) == (10, 1)
    assert say_the_same(ours, theirs)
    line = events(theirs)
    assert [(event.version, event.kind) for event in line] == [(1, "start"), (2, "merge")]
    for store in (ours, theirs):
        for found in verify(store):
            assert found.is_consistent, found.problems


def test_a_state_without_the_event_that_made_it_is_left_alone(ours, theirs):
    """It is damaged, which is told; nothing of it is sent."""
    parted(ours, theirs)
    ours.runtime.access.backend.commit([Delete(S.event(2))], timeout=TIMEOUT)
    report = sync(ours, theirs, "g", resolver=LATER)
    assert [(one.kind, one.result) for one in report.conflicts] == [("damaged", "unresolved")]
    assert counts(report) == (0, 1, 0)
    assert data(theirs) == {"n": 2}


def test_a_state_that_is_behind_its_events_is_not_waited_for(ours, theirs):
    """It is damaged, as by a copy of an older document; once it is recovered there is nothing to send."""
    ours.save_state("g", "s", {"n": 1})
    old = document_at(ours, S.state)
    synced(ours, theirs)
    ours.save_state("g", "s", {"n": 2})
    synced(ours, theirs)
    ours.runtime.access.backend.commit([Put(S.state, old.fields)], timeout=TIMEOUT)
    report = sync(ours, theirs, "g", resolver=LATER, timeout=5)
    assert [(one.kind, one.result) for one in report.conflicts] == [("damaged", "unresolved")]
    assert [one.repaired[0].kind for one in recover(ours, "g")] == ["state_behind"]
    assert counts(synced(ours, theirs)) == (0, 0, 0)
    assert data(ours) == {"n": 2}
