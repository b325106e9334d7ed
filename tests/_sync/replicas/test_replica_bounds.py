# Generated from tests/_async/replicas/test_replica_bounds.py by .ci/generate_sync.py; do not edit.
"""A bounded read is never older than its bound, by the store's clock, whatever happens in between."""
import random
from datetime import datetime, timedelta

import pytest

from tai_state import BackendStore, MemoryStore, Capability
from tai_state.causality import LastWriteWins
from tai_state.documents import Delete, Document, DocumentPath, Read
from tai_state.layout import state_layout
from tai_state.replicas import ReplicaStore, ReadLevel, sync
from tai_state.rules.replicas.standing import knows
from tai_state.testing import ManualClock
from tests._sync.replicas.syncing import seconds, shown
from tests._sync.stores import TIMEOUT, WrappedBackend

STATES = ("s", "t")


class LateBackend(WrappedBackend):
    """Takes a while for each read and commit, before and behind it; may answer as of an earlier moment."""

    def __init__(self, inner, clocks, rng, *, has_past):
        super().__init__(inner)
        self.waits: tuple[float, ...] = (0.0, 0.001, 0.02, 0.3)
        self._clocks = clocks
        self._rng = rng
        self._kept: list[tuple[datetime, dict[DocumentPath, Document]]] = []
        self.asked = 0
        """How often it was asked for the past."""
        if has_past:
            self.capabilities = inner.capabilities | {Capability.READ_AT}

    def _wait(self):
        seconds = self._rng.choice(self.waits)
        for clock in self._clocks:
            clock.advance(seconds)

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        self._wait()
        read = self.inner.get_many(paths, timeout=timeout, consistent=consistent)
        assert at is None or at <= read.read_time, "nobody can tell what will be"
        self._wait()
        if at is None:
            return read
        self.asked += 1
        kept = [documents for moment, documents in self._kept if moment <= at]
        then = kept[-1] if kept else {}
        return Read({path: then[path] for path in paths if path in then}, at)

    def commit(self, writes, *, timeout):
        self._wait()
        result = self.inner.commit(writes, timeout=timeout)
        # All of what there is: few states.
        written = [write.path for write in writes]
        read = self.inner.get_many(written, timeout=TIMEOUT)
        known = self._kept[-1][1] if self._kept else {}
        known = {path: document for path, document in known.items() if path not in written}
        self._kept.append((result.commit_time, {**known, **read.documents}))
        self._wait()
        return result


class Life:
    """Two stores by a seed, and what of the remote one was acknowledged when, by its own clock."""

    def __init__(self, seed, local, remote, backend, clocks):
        self.rng = random.Random(seed)
        self.local = local
        self.remote = remote
        self.backend = backend
        self.clocks = clocks
        self.replica = ReplicaStore(local, remote)
        self.acknowledged = []
        self.sources = set()

    def live(self):
        """Write, sync, wait and read at random; each read is held against what it has to know."""
        for _ in range(40):
            match self.rng.choice(["read", "read", "read", "remote", "remote", "local", "sync", "wait"]):
                case "read":
                    self._read()
                case "remote":
                    state = self.rng.choice(STATES)
                    self.remote.save_state("g", state, {"n": self.rng.random()})
                    record = self.remote.find_state("g", state)
                    self.acknowledged.append((self.clocks[1].now(), state, record.causality.root))
                case "local" if self.rng.random() < 0.3:
                    self.local.save_state("g", self.rng.choice(STATES), {"n": self.rng.random()})
                case "sync":
                    sync(self.local, self.remote, "g", resolver=LastWriteWins())
                case "wait":
                    seconds = self.rng.choice([0.01, 0.5, 3, 20, 100])
                    for clock in self.clocks:
                        clock.advance(seconds)

    def _read(self):
        state, lag = self.rng.choice(STATES), self.rng.choice([0.05, 0.7, 2, 10, 60])
        due = self.clocks[1].now() - timedelta(seconds=lag)
        read = self.replica.read("g", state, level=ReadLevel.bounded(lag))
        known = {} if read.snapshot is None else shown(read).causality.root
        for moment, of, clock in self.acknowledged:
            assert of != state or moment > due or knows(known, clock), (read, moment, due)
        assert read.age is not None
        assert read.age <= timedelta(seconds=lag)
        self.sources.add(read.source)


def lived(seed, *, has_past):
    """Live one life, and return where its reads came from, and how often the past was asked for."""
    clocks = (ManualClock(), ManualClock())
    clocks[1].advance(86_400)
    rng = random.Random(-seed)
    with MemoryStore(clock=clocks[0]) as local, MemoryStore(clock=clocks[1]) as inner:
        backend = LateBackend(inner.runtime.access.backend, clocks, rng, has_past=has_past)
        remote = BackendStore(backend, clock=clocks[1])
        life = Life(seed, local, remote, backend, clocks)
        life.live()
        return life.sources, backend.asked


def test_a_bounded_read_knows_all_that_is_older_than_its_bound(scale):
    """Whichever store answers, and however long that takes; many reads come from each."""
    found = [lived(seed, has_past=False) for seed in range(scale(30, 400))]
    assert sum("local" in sources for sources, _ in found) > len(found) / 2
    assert sum("remote" in sources for sources, _ in found) > len(found) / 2
    assert sum(asked for _, asked in found) == 0


def test_a_bounded_read_of_the_past_knows_all_that_is_older_than_its_bound(scale):
    """As above, of an engine that tells what was a while ago, which it is asked."""
    found = [lived(seed, has_past=True) for seed in range(scale(30, 400))]
    assert sum(asked for _, asked in found) > len(found)


@pytest.fixture
def late():
    """A local store, a remote one that can tell the past, its backend, and their clocks, which go together."""
    clocks = (ManualClock(), ManualClock())
    with MemoryStore(clock=clocks[0]) as local, MemoryStore(clock=clocks[1]) as inner:
        backend = LateBackend(inner.runtime.access.backend, clocks, random.Random(1), has_past=True)
        backend.waits = (0.0,)
        yield local, BackendStore(backend, clock=clocks[1]), backend, clocks


def test_a_store_that_answers_late_may_have_read_its_clock_early(late):
    """The past is reckoned from the moment at which it was asked."""
    local, remote, backend, clocks = late
    remote.save_state("g", "s", {"n": 1})
    replica = ReplicaStore(local, remote, repair=False)
    backend.waits = (1.0,)
    replica.read("g", "s")
    backend.waits = (0.0,)
    remote.save_state("g", "s", {"n": 2})
    for clock in clocks:
        clock.advance(10)
    read = replica.read("g", "s", level=ReadLevel.bounded(10))
    assert (shown(read).data, read.age, backend.asked) == ({"n": 2}, timedelta(seconds=10), 1)


def test_what_the_past_does_not_tell_is_read_as_it_is(late):
    """A state whose document is lost is rebuilt from its events."""
    local, remote, backend, clocks = late
    remote.save_state("g", "s", {"n": 1})
    replica = ReplicaStore(local, remote, repair=False)
    replica.read("g", "s")
    remote.runtime.access.backend.commit([Delete(state_layout("g", "s").state)], timeout=TIMEOUT)
    for clock in clocks:
        clock.advance(20)
    read = replica.read("g", "s", level=ReadLevel.bounded(10))
    assert (shown(read).data, shown(read).recovered, read.age, backend.asked) == ({"n": 1}, True, timedelta(), 1)


def test_what_is_written_while_a_sync_goes_on_is_not_taken_for_known(late):
    """A copy is as old as the beginning of the sync that brought it."""
    local, remote, backend, clocks = late
    remote.save_state("g", "s", {"n": 1})
    real = backend.scan

    def scan(collection, **options):
        for document in real(collection, **options):
            yield document
        if collection.endswith("/states"):
            remote.save_state("g", "a", {"n": 2})
            for clock in clocks:
                clock.advance(5)

    backend.scan = scan
    sync(local, remote, "g", resolver=LastWriteWins())
    backend.scan = real
    for clock in clocks:
        clock.advance(1)
    replica = ReplicaStore(local, remote)
    old = replica.read("g", "a", level=ReadLevel.eventual)
    assert (old.snapshot, seconds(old)) == (None, 6)
    assert shown(replica.read("g", "a", level=ReadLevel.bounded(3))).data == {"n": 2}
