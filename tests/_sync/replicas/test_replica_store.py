# Generated from tests/_async/replicas/test_replica_store.py by .ci/generate_sync.py; do not edit.
"""States read of a local and a remote store: which of them answers, how old it is, and what becomes of a stale copy."""
from datetime import timedelta
from typing import Any

import pytest

from tai_state import (
    BackendStore,
    MemoryStore,
    Capability,
    ConfigurationError,
    CorruptLogError,
    InvalidDataError,
    RetryPolicy,
    StaleReadError,
    StateNotFoundError,
    StoreUnavailableError,
    export_store,
    import_store,
    verify,
)
from tai_state.layout import REPLICAS, state_layout
from tai_state.replicas import ReplicaStore, ReadLevel
from tests._sync.replicas.syncing import (
    behind,
    data,
    events,
    say_the_same,
    synced,
    seconds,
    shown,
)
from tests._sync.stores import (
    NO_WAIT,
    TIMEOUT,
    UnreachableBackend,
    WrappedBackend,
    document_at,
    plant,
    in_memory,
)

S = state_layout("g", "s")
LONG = ReadLevel.bounded(timedelta(hours=1))
SHORT = ReadLevel.bounded(0.000_001)
NONE = timedelta()


@pytest.fixture(params=["remote", "local"])
def pair(request, ours, theirs):
    """A local and a remote store, one of which is on the backend of the test."""
    return (theirs, ours) if request.param == "remote" else (ours, theirs)


def test_strong_is_what_the_remote_store_says(pair):
    """A copy that is behind is brought along, by the event itself."""
    local, remote = pair
    behind(local, remote)
    replica = ReplicaStore(local, remote)
    read = replica.read("g", "s")
    assert (shown(read).data, read.version, read.source, read.age) == ({"n": 2}, 2, "remote", NONE)
    assert (read.level, read.is_repaired) == (ReadLevel.strong, True)
    assert say_the_same(local, remote)
    assert events(local) == events(remote)
    again = replica.read("g", "s")
    assert (again.snapshot, again.source, again.is_repaired) == (read.snapshot, "remote", False)


def test_eventual_is_the_local_copy_with_its_age(pair):
    """However old it is."""
    local, remote = pair
    behind(local, remote)
    read = ReplicaStore(local, remote).read("g", "s", level=ReadLevel.eventual)
    assert (shown(read).data, read.version, read.source, read.is_repaired) == ({"n": 1}, 1, "local", False)
    assert 0 <= seconds(read) < 600
    assert data(local) == {"n": 1}


def test_bounded_is_the_local_copy_where_that_is_fresh(pair):
    """Else what the remote store says, and the copy is fresh from then on."""
    local, remote = pair
    behind(local, remote)
    replica = ReplicaStore(local, remote, level=LONG)
    fresh = replica.read("g", "s")
    assert (shown(fresh).data, fresh.source) == ({"n": 1}, "local")
    stale = replica.read("g", "s", level=SHORT)
    assert (shown(stale).data, stale.source, stale.age, stale.is_repaired) == ({"n": 2}, "remote", NONE, True)
    fresh = replica.read("g", "s")
    assert (shown(fresh).data, fresh.source) == ({"n": 2}, "local")


def test_a_copy_that_proves_to_be_new_is_what_is_read(pair):
    """It knows all that the remote store does, and perhaps more."""
    local, remote = pair
    remote.save_state("g", "s", {"n": 1})
    synced(local, remote)
    local.save_state("g", "s", {"n": 9})
    replica = ReplicaStore(local, remote)
    bounded = replica.read("g", "s", level=SHORT)
    assert (shown(bounded).data, bounded.source, bounded.age) == ({"n": 9}, "local", NONE)
    strong = replica.read("g", "s")
    assert (shown(strong).data, strong.source, strong.is_repaired) == ({"n": 1}, "remote", False)


def test_what_both_have_changed_is_left_to_sync(pair):
    """No resolver was asked for: both stores stay as they are."""
    local, remote = pair
    behind(local, remote)
    local.save_state("g", "s", {"n": 3})
    replica = ReplicaStore(local, remote)
    for level in (ReadLevel.strong, SHORT):
        read = replica.read("g", "s", level=level)
        assert (shown(read).data, read.source, read.is_repaired) == ({"n": 2}, "remote", False)
    assert data(local) == {"n": 3}
    assert len(events(local, branches=True)) == 2
    assert local.conflicts.total == remote.conflicts.total == 0


def test_a_copy_in_a_line_of_its_own_is_brought_along_by_a_merge(pair):
    """Its line was parted before; nobody has to decide."""
    local, remote = pair
    local.save_state("g", "s", {"n": 0})
    remote.save_state("g", "s", {"n": 1})
    synced(local, remote)
    remote.save_state("g", "s", {"n": 2})
    read = ReplicaStore(local, remote).read("g", "s")
    assert (shown(read).data, read.is_repaired) == ({"n": 2}, True)
    assert say_the_same(local, remote)
    for report in verify(local):
        assert report.is_consistent, report.problems


def test_what_was_erased_remotely_is_erased_by_who_finds_the_copy(pair):
    """Its values are gone from the local store, too."""
    local, remote = pair
    remote.save_state("g", "s", {"name": "secret"})
    synced(local, remote)
    remote.erase_state("g", "s", reason="they asked")
    read = ReplicaStore(local, remote).read("g", "s")
    assert (read.snapshot, read.version, read.is_repaired) == (None, 2, True)
    assert "secret" not in str([event.to_state for event in events(local)])


def test_a_state_that_the_copies_lack_is_brought(pair):
    """And that there is none is told as such."""
    local, remote = pair
    remote.save_state("g", "s", {"n": 1})
    replica = ReplicaStore(local, remote)
    assert replica.find_state("g", "s", level=ReadLevel.eventual) is None
    assert (replica.get_state("g", "s"))[0].data == {"n": 1}
    assert (replica.get_state("g", "s", level=ReadLevel.eventual))[0].data == {"n": 1}
    with pytest.raises(StateNotFoundError):
        replica.get_state("g", "other")


def test_without_repair_nothing_is_written(pair):
    """The copy stays as it was."""
    local, remote = pair
    behind(local, remote)
    read = ReplicaStore(local, remote, repair=False).read("g", "s")
    assert (shown(read).data, read.is_repaired) == ({"n": 2}, False)
    assert data(local) == {"n": 1}


def test_a_stale_read_is_reported_or_raised(pair):
    """Of the local copy, or of what was read before; nothing is written."""
    local, remote = pair
    behind(local, remote)
    replica = ReplicaStore(local, remote)
    told = replica.detect_stale_read("g", "s")
    assert (told.is_stale, told.standing, told.version, told.current_version) == (True, "before", 1, 2)
    with pytest.raises(StaleReadError) as caught:
        replica.detect_stale_read("g", "s", raises=True)
    assert (caught.value.governor_id, caught.value.state_id) == ("g", "s")
    assert (caught.value.version, caught.value.current_version) == (1, 2)
    assert data(local) == {"n": 1}
    snapshot = replica.find_state("g", "s")
    assert not (replica.detect_stale_read("g", "s", snapshot=snapshot, raises=True)).is_stale
    remote.save_state("g", "s", {"n": 3})
    assert (replica.detect_stale_read("g", "s", snapshot=snapshot)).version == 2
    with pytest.raises(StaleReadError):
        replica.detect_stale_read("g", "s", snapshot=snapshot, raises=True)


def test_what_is_ahead_is_not_stale(pair):
    """Also where the remote store has nothing at all."""
    local, remote = pair
    local.save_state("g", "s", {"n": 1})
    replica = ReplicaStore(local, remote)
    told = replica.detect_stale_read("g", "s", raises=True)
    assert (told.is_stale, told.standing, told.version, told.current_version) == (False, "after", 1, 0)
    remote.save_state("g", "s", {"n": 2})
    told = replica.detect_stale_read("g", "s")
    assert (told.is_stale, told.standing) == (True, "concurrent")


@in_memory
def test_a_mark_of_how_far_stores_have_come_is_in_no_export(ours, theirs, tmp_path):
    """In the copy it would be by another clock."""
    behind(ours, theirs)
    (mark,) = [one for one in ours.runtime.access.scan(REPLICAS)]
    assert mark.path.id.startswith("g@")
    file = tmp_path / "all.jsonl"
    export_store(ours, file)
    with MemoryStore() as copy:
        import_store(copy, file)
        assert [one for one in copy.runtime.access.scan(REPLICAS)] == []


# Who is asked


@in_memory
def test_who_reads_locally_asks_the_remote_store_nothing(place, theirs):
    """Also in a process that has never reached it."""
    remote, backend = place.counting()
    behind(theirs, remote)
    backend.taken()
    replica = ReplicaStore(theirs, remote)
    replica.read("g", "s", level=ReadLevel.eventual)
    assert backend.taken() == []
    replica.read("g", "s", level=LONG)
    assert backend.taken() == ["get_many"]  # once: which store it is
    replica.read("g", "s", level=LONG)
    assert backend.taken() == []
    replica.read("g", "s")
    backend.taken()
    replica.read("g", "s")
    assert backend.taken() == ["get_many"]


@in_memory
def test_a_remote_store_that_cannot_be_reached_is_needed_by_those_alone_who_ask_it(place, theirs):
    """The others read on."""
    backend = UnreachableBackend(place.store().runtime.access.backend)
    remote = BackendStore(backend, retry=RetryPolicy(attempts=1, wait_initial=0.0, wait_max=0.0))
    behind(theirs, remote)
    replica = ReplicaStore(theirs, remote)
    replica.read("g", "s", level=LONG)
    backend.is_cut = True
    for level in (ReadLevel.eventual, LONG):
        assert shown(replica.read("g", "s", level=level)).data == {"n": 1}
    for level in (ReadLevel.strong, SHORT):
        with pytest.raises((StoreUnavailableError, Exception)) as caught:
            replica.read("g", "s", level=level)
        assert "cut off" in str(caught.value.__cause__ or caught.value)


class PastReads(WrappedBackend):
    """Notes as of which moments it is asked."""

    def __init__(self, inner):
        super().__init__(inner)
        self.moments = []

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        self.moments.append(at)
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


def test_an_engine_that_can_is_asked_for_the_past(place, theirs):
    """What the remote store was a while ago is enough for a bound; the others are asked for the present."""
    backend = PastReads(place.store().runtime.access.backend)
    remote = BackendStore(backend)
    behind(theirs, remote)
    replica = ReplicaStore(theirs, remote, repair=False)
    replica.detect_stale_read("g", "s")
    # Longer than such an engine takes to answer, and shorter than what passed since the copy was brought.
    level = ReadLevel.bounded(timedelta(hours=1))
    mark = (next(theirs.runtime.access.scan(REPLICAS))).path
    past = {"format": 1, "store_id": "", "left": [], "as_of": theirs.runtime.access.server_time(_span(theirs))}
    plant(theirs, mark, **{**past, "as_of": past["as_of"] - timedelta(hours=2)})
    backend.moments.clear()
    read = replica.read("g", "s", level=level)
    can = Capability.READ_AT in backend.capabilities
    assert any(moment is not None for moment in backend.moments) is can
    assert shown(read).data == {"n": 2}
    assert seconds(read) <= 3600


def _span(store):
    return store.runtime.access.begin(TIMEOUT)


# What stands in the way


class Interrupted(WrappedBackend):
    """Lets somebody else go first, before its next commit."""

    first: Any = None

    def commit(self, writes, *, timeout):
        first, self.first = self.first, None
        if first is not None:
            first()
        return super().commit(writes, timeout=timeout)


def test_a_writer_is_not_written_over_by_a_repair(place, theirs):
    """What he wrote and what the remote store has are both there, for the next sync."""
    plain = place.store(actor="ann")
    backend = Interrupted(place.store().runtime.access.backend)
    local = BackendStore(backend, actor="ann", retry=NO_WAIT)
    behind(local, theirs)
    replica = ReplicaStore(local, theirs)
    replica.detect_stale_read("g", "s")

    def write():
        plain.save_state("g", "s", {"n": 3})

    backend.first = write
    read = replica.read("g", "s")
    assert (shown(read).data, read.is_repaired) == ({"n": 2}, False)
    assert data(plain) == {"n": 3}
    synced(plain, theirs)
    assert say_the_same(plain, theirs)
    kept = [event.to_state for event in events(theirs, branches=True)]
    assert [data for data in ({"n": 1}, {"n": 2}, {"n": 3}) if data in kept] == [{"n": 1}, {"n": 2}, {"n": 3}]


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
def test_a_repair_of_unknown_outcome_is_looked_at_again(place, theirs, fault):
    """It is done once."""
    local, backend = place.faulty(actor="ann")
    behind(local, theirs)
    replica = ReplicaStore(local, theirs)
    replica.detect_stale_read("g", "s")
    backend.faults = [fault]
    read = replica.read("g", "s")
    assert (read.is_repaired, backend.faults) == (True, [])
    assert events(local) == events(theirs)


@in_memory
def test_a_damaged_copy_is_in_the_way_of_those_alone_who_want_it(ours, theirs, caplog):
    """Who asks the remote store is told by it, and a record tells of the copy."""
    behind(ours, theirs)
    plant(ours, S.state, version="damaged")
    plant(ours, S.event(1), hash="damaged")
    replica = ReplicaStore(ours, theirs)
    assert shown(replica.read("g", "s")).data == {"n": 2}
    assert "stale_copy" in {getattr(record, "event", "") for record in caplog.records}
    with pytest.raises(CorruptLogError):
        replica.read("g", "s", level=ReadLevel.eventual)


@in_memory
def test_a_remote_state_is_rebuilt_for_its_reader(ours, theirs):
    """Its document is lost; its events are there."""
    behind(ours, theirs)
    document = document_at(theirs, S.state)
    plant(theirs, S.state, version="damaged")
    read = ReplicaStore(ours, theirs, repair=False).read("g", "s")
    assert (shown(read).data, shown(read).recovered) == ({"n": 2}, True)
    assert document.fields["version"] == 2


@in_memory
def test_a_local_copy_that_is_rebuilt_is_of_unknown_age(ours, theirs):
    """Its last events may be lost."""
    behind(ours, theirs)
    plant(ours, S.state, version="damaged")
    read = ReplicaStore(ours, theirs).read("g", "s", level=ReadLevel.eventual)
    assert (shown(read).data, shown(read).recovered, read.age) == ({"n": 1}, True, None)


# What is refused


@in_memory
def test_what_cannot_be_read_of_is_told(place, ours, theirs):
    """One store twice, what is none, a level that is none, a snapshot of another state."""
    ours.save_state("g", "s", {"n": 1})
    with pytest.raises(ConfigurationError, match="both stores have the id"):
        ReplicaStore(ours, place.store()).read("g", "s")
    with pytest.raises(ConfigurationError, match="colour"):
        ReplicaStore(ours, "theirs")  # type: ignore[arg-type]
    replica = ReplicaStore(ours, theirs)
    with pytest.raises(ConfigurationError, match="level"):
        replica.read("g", "s", level="strong")  # type: ignore[arg-type]
    for wrong in (0, -1, float("nan"), "soon", True):
        with pytest.raises(ConfigurationError):
            ReadLevel.bounded(wrong)  # type: ignore[arg-type]
    for name, lag in (("bounded", None), ("strong", timedelta(1)), ("newest", None)):
        with pytest.raises(ConfigurationError, match="a level is"):
            ReadLevel(name, lag)  # type: ignore[arg-type]
    ours.save_state("g", "t", {})
    with pytest.raises(InvalidDataError, match="snapshot"):
        replica.detect_stale_read("g", "s", snapshot=ours.find_state("g", "t"))
    with pytest.raises(ConfigurationError, match="snapshot"):
        replica.detect_stale_read("g", "s", snapshot="s")  # type: ignore[arg-type]
