# Generated from tests/_async/replicas/test_replica_ages.py by .ci/generate_sync.py; do not edit.
"""How old a copy is, by the local store's clock: what a sync leaves, and what a read of the remote store does."""
from datetime import timedelta

import pytest

from tai_state import MemoryStore
from tai_state.causality import Custom
from tai_state.documents import Put
from tai_state.layout import state_layout
from tai_state.replicas import ReplicaStore, ReadLevel, sync
from tai_state.testing import ManualClock
from tests._sync.replicas.syncing import behind, synced, seconds, shown
from tests._sync.stores import TIMEOUT, alter, document_at

S = state_layout("g", "s")
LONG = ReadLevel.bounded(timedelta(hours=1))


@pytest.fixture
def timed():
    """A local store by a clock that the test moves, a remote one by another clock, and the first clock."""
    clock = ManualClock()
    with MemoryStore(clock=clock) as local, MemoryStore(clock=ManualClock()) as remote:
        yield local, remote, clock


def test_a_copy_is_as_old_as_its_last_sync(timed):
    """Whatever the remote store's clock says, and whoever reads it: the mark of the sync is stored."""
    local, remote, clock = timed
    behind(local, remote)
    clock.advance(30)
    for replica in (ReplicaStore(local, remote), ReplicaStore(local, remote)):
        read = replica.read("g", "s", level=ReadLevel.eventual)
        assert (shown(read).data, seconds(read)) == ({"n": 1}, 30)
    assert (replica.read("g", "s", level=ReadLevel.bounded(30))).source == "local"
    clock.advance(0.001)
    assert (replica.read("g", "s", level=ReadLevel.bounded(30))).source == "remote"


def test_how_old_a_copy_is_that_was_never_synced_nobody_knows(timed):
    """It is as old as it may be: a bound is not kept by it."""
    local, remote, clock = timed
    local.save_state("g", "s", {"n": 1})
    replica = ReplicaStore(local, remote)
    assert (replica.read("g", "s", level=ReadLevel.eventual)).age is None
    assert (replica.read("g", "s", level=LONG)).age == timedelta()
    clock.advance(5)
    assert seconds(replica.read("g", "s", level=ReadLevel.eventual)) == 5


def test_a_state_that_a_sync_left_is_as_old_as_before(timed):
    """The others are not."""
    local, remote, clock = timed
    for store in (local, remote):
        store.save_state("g", "s", {"at": store.actor, "n": id(store)})
    remote.save_state("g", "t", {"n": 1})
    report = sync(local, remote, "g", resolver=Custom(lambda *_: None))
    assert [one.state_id for one in report.unresolved] == ["s"]
    clock.advance(5)
    replica = ReplicaStore(local, remote)
    assert (replica.read("g", "s", level=ReadLevel.eventual)).age is None
    assert seconds(replica.read("g", "t", level=ReadLevel.eventual)) == 5


def test_absence_is_a_copy_like_any(timed):
    """It is as old as the last sync, which would have brought the state."""
    local, remote, clock = timed
    behind(local, remote)
    clock.advance(7)
    read = ReplicaStore(local, remote).read("g", "new", level=ReadLevel.bounded(10))
    assert (read.snapshot, read.version, read.source, seconds(read)) == (None, 0, "local", 7)


def test_a_copy_that_was_put_back_from_a_backup_is_not_taken_for_new(timed):
    """What was confirmed of it was of more than it knows."""
    local, remote, _ = timed
    behind(local, remote)
    old = document_at(local, S.state)
    replica = ReplicaStore(local, remote, level=ReadLevel.bounded(0.5))
    timed[2].advance(1)
    assert (replica.read("g", "s")).is_repaired
    assert (replica.read("g", "s")).source == "local"
    local.runtime.access.backend.commit([Put(S.state, old.fields)], timeout=TIMEOUT)
    assert shown(replica.read("g", "s")).data == {"n": 2}


def test_a_copy_that_knows_the_same_and_says_another_thing_is_not_taken(timed):
    """Somebody has written past the package: what the remote store says counts, each time anew."""
    local, remote, clock = timed
    remote.save_state("g", "s", {"n": 1})
    synced(local, remote)
    alter(local, S, status="forged")
    clock.advance(60)
    replica = ReplicaStore(local, remote)
    for _ in range(2):
        read = replica.read("g", "s", level=ReadLevel.bounded(10))
        assert (shown(read).status, read.source, read.is_repaired) == ("", "remote", False)


def test_with_several_other_stores_the_mark_of_the_remote_one_counts(timed):
    """Of a store that has not said which one it is, nobody knows then."""
    local, remote, clock = timed
    behind(local, remote)
    clock.advance(5)
    with MemoryStore() as third:
        synced(local, third)
        clock.advance(5)
        replica = ReplicaStore(local, remote)
        assert (replica.read("g", "s", level=ReadLevel.eventual)).age is None
        assert seconds(replica.read("g", "s", level=ReadLevel.bounded(10))) == 10
        assert seconds(replica.read("g", "s", level=ReadLevel.eventual)) == 10
        assert (ReplicaStore(local, third).read("g", "s", level=ReadLevel.bounded(5))).source == "local"


def test_an_older_mark_takes_no_newer_one_s_place(timed):
    """Two syncs at once: the one that began first may end last."""
    local, remote, clock = timed
    behind(local, remote)
    real = remote.runtime.access.backend.server_time
    begun: list[object] = []

    def meanwhile(*, timeout):
        moment = real(timeout=timeout)
        if not begun:
            begun.append(moment)
            clock.advance(5)
            synced(local, remote)
        return moment

    remote.runtime.access.backend.server_time = meanwhile
    synced(local, remote)
    assert seconds(ReplicaStore(local, remote).read("g", "s", level=ReadLevel.eventual)) == 0
