"""Random writes, partitions and syncs between three stores: they come to the same, and lose nothing."""

import hashlib
import random

import pytest

from tai_state import AsyncMemoryStore, AsyncSqliteStore, async_verify
from tai_state.causality import Causal, Custom, HighestVersion, LastWriteWins, MergeFields
from tai_state.replicas import async_sync
from tests._async.replicas.syncing import async_say_the_same
from tests._async.stores import in_memory

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

    async def live(self):
        """Write and sync at random, then sync all, and hold the stores against each other."""
        for _ in range(self.rng.randrange(4, 24)):
            if self.rng.random() < 0.65:
                await self._write(self.rng.choice(self.stores))
            else:
                await self._sync(*self.rng.sample(range(3), 2))
        written = set()
        for store in self.stores:
            written |= await self._hashes(store, branches=False)
        for one, other in self.rng.sample(PAIRS, 3) + self.rng.sample(PAIRS, 3):
            assert (await self._sync(one, other)).unresolved == [], self.governor
        for state in STATES:
            for one, other in PAIRS[:2]:
                same = await async_say_the_same(self.stores[one], self.stores[other], state, self.governor)
                assert same, (self.governor, state)
        for store in self.stores:
            assert written <= await self._hashes(store, branches=True), self.governor
            async for report in async_verify(store, self.governor):
                assert report.is_consistent, (self.governor, report.problems)

    async def _write(self, store):
        """Change a state in one of the ways that there are."""
        state, rng = self.rng.choice(STATES), self.rng
        found = await store.find_state(self.governor, state)
        match rng.choice(["save", "save", "save", "label", "delete", "erase"]):
            case "save":
                data = {} if found is None else found.data
                await store.save_state(self.governor, state, {**data, rng.choice("abc"): rng.randrange(5)})
            case "label":
                data, labels = {"a": rng.randrange(5)}, {"k": rng.choice("vw")}
                await store.save_state(self.governor, state, data, status=rng.choice(["new", "paid"]), labels=labels)
            case "delete" if found is not None:
                await store.delete_state(self.governor, state)
            case "erase" if found is not None and rng.random() < 0.3:
                await store.erase_state(self.governor, state, reason="asked for")

    async def _sync(self, one, other):
        return await async_sync(self.stores[one], self.stores[other], self.governor, resolver=self.resolver)

    async def _hashes(self, store, *, branches):
        """Return the hashes of the changes that a store holds, merges apart."""
        found = set()
        for state in STATES:
            events = store.get_events(self.governor, state, branches=branches)
            found |= {event.hash async for event in events if event.kind != "merge"}
        return found


@in_memory
async def test_replicas_converge_in_any_order(place, scale):
    """All writes are in the history of all, every merge is sound, and all say the same, by every kind of resolver."""
    async with AsyncMemoryStore() as one, AsyncMemoryStore() as other:
        for seed in range(scale(50, 500)):
            await Run([one, other, place.store()], seed).live()


@pytest.mark.parametrize("backend_kind", [pytest.param("firestore", marks=pytest.mark.emulator)])
async def test_two_files_and_the_emulator_converge_in_any_order(place, tmp_path, scale):
    """As above, where the three are of two engines; `tests/torture/replicas` goes through 500 seeds."""
    async with AsyncSqliteStore(tmp_path / "edge.db") as edge, AsyncSqliteStore(tmp_path / "hub.db") as hub:
        store = place.store()
        for seed in range(scale(3, 40)):
            await Run([edge, hub, store], seed).live()
