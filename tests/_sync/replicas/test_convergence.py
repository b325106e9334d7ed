# Generated from tests/_async/replicas/test_convergence.py by .ci/generate_sync.py; do not edit.
"""Random writes, partitions and syncs between three stores: they come to the same, and lose nothing."""
import hashlib
import random

import pytest

from tai_state import MemoryStore, SqliteStore, verify
from tai_state.causality import Causal, Custom, HighestVersion, LastWriteWins, MergeFields
from tai_state.replicas import sync
from tests._sync.replicas.syncing import say_the_same
from tests._sync.stores import in_memory

STATES = ("s", "t")
PAIRS = ((0, 1), (1, 2), (0, 2))


def both(earlier, later, _):
    """Keep all fields, and a digest of the two: it is another one where three are put together in another order."""
    seen = hashlib.sha256(f"{sorted(earlier.data.items())} {sorted(later.data.items())}".encode()).hexdigest()
    return {**earlier.data, **later.data, "seen": seen[:8]}


RESOLVERS = (LastWriteWins(), MergeFields(), Causal(), HighestVersion(), Custom(both))


class Run:
    """One life of three stores, by a seed, in a governor of its own."""

    def __init__(self, stores, seed):
        self.stores = stores
        self.governor = f"g{seed}"
        self.rng = random.Random(seed)
        self.resolver = RESOLVERS[seed % len(RESOLVERS)]

    def live(self):
        """Write and sync at random, then sync all, and hold the stores against each other."""
        for _ in range(self.rng.randrange(4, 24)):
            if self.rng.random() < 0.65:
                self._write(self.rng.choice(self.stores))
            else:
                self._sync(*self.rng.sample(range(3), 2))
        written = set()
        for store in self.stores:
            written |= self._hashes(store, branches=False)
        for one, other in self.rng.sample(PAIRS, 3) + self.rng.sample(PAIRS, 3):
            assert (self._sync(one, other)).unresolved == [], self.governor
        for state in STATES:
            for one, other in PAIRS[:2]:
                same = say_the_same(self.stores[one], self.stores[other], state, self.governor)
                assert same, (self.governor, state)
        for store in self.stores:
            assert written <= self._hashes(store, branches=True), self.governor
            for report in verify(store, self.governor):
                assert report.is_consistent, (self.governor, report.problems)

    def _write(self, store):
        """Change a state in one of the ways that there are."""
        state, rng = self.rng.choice(STATES), self.rng
        found = store.find_state(self.governor, state)
        match rng.choice(["save", "save", "save", "label", "delete", "erase"]):
            case "save":
                data = {} if found is None else found.data
                store.save_state(self.governor, state, {**data, rng.choice("abc"): rng.randrange(5)})
            case "label":
                data, labels = {"a": rng.randrange(5)}, {"k": rng.choice("vw")}
                store.save_state(self.governor, state, data, status=rng.choice(["new", "paid"]), labels=labels)
            case "delete" if found is not None:
                store.delete_state(self.governor, state)
            case "erase" if found is not None and rng.random() < 0.3:
                store.erase_state(self.governor, state, reason="asked for")

    def _sync(self, one, other):
        return sync(self.stores[one], self.stores[other], self.governor, resolver=self.resolver)

    def _hashes(self, store, *, branches):
        """Return the hashes of the changes that a store holds, merges apart."""
        found = set()
        for state in STATES:
            events = store.get_events(self.governor, state, branches=branches)
            found |= {event.hash for event in events if event.kind != "merge"}
        return found


@in_memory
def test_replicas_converge_in_any_order(place, scale):
    """All writes are in the history of all, every merge is sound, and all say the same, by every kind of resolver."""
    with MemoryStore() as one, MemoryStore() as other:
        for seed in range(scale(50, 500)):
            Run([one, other, place.store()], seed).live()


@pytest.mark.parametrize("backend_kind", [pytest.param("firestore", marks=pytest.mark.emulator)])
def test_two_files_and_the_emulator_converge_in_any_order(place, tmp_path, scale):
    """As above, where the three are of two engines; `tests/torture/replicas` goes through 500 seeds."""
    with SqliteStore(tmp_path / "edge.db") as edge, SqliteStore(tmp_path / "hub.db") as hub:
        store = place.store()
        for seed in range(scale(3, 40)):
            Run([edge, hub, store], seed).live()
