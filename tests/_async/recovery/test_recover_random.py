"""Random damage, many at once: whatever happens, no event is invented, and what is told is all that is left."""

import random
from typing import Any

import pytest

from tai_state import AsyncStateMachinePersister
from tai_state.documents import Delete, DocumentPath, Put
from tests._async.machines import COUNTER
from tests._async.recovery.damages import CONFIG, VERSIONS, S, async_live, async_write
from tests._async.stores import TIMEOUT, in_memory

COLLECTIONS = (S.governor.states, S.governor.events, S.governor.snapshots, S.governor.segments, S.governor.receipts)
VALUES: list[Any] = [None, 0, -1, 99, "", "x", "open", "shut", True, b"zz", {}, {"n": 3}, [], [1], 1.5]
DAMAGES_MAX = 3

Contents = dict[DocumentPath, dict[str, Any]]


async def async_contents_of(store) -> Contents:
    """Return the fields of every document of the governor."""
    backend = store.runtime.access.backend
    return {
        one.path: one.fields
        for collection in COLLECTIONS
        for one in [one async for one in backend.scan(collection, timeout=TIMEOUT)]
    }


def damage(rng: random.Random, contents: Contents) -> list[Put | Delete]:
    """Return a damage: a document is gone, altered, changed for another, or copied to another place."""
    path = rng.choice(sorted(contents))
    alike = [one for one in sorted(contents) if one.collection == path.collection]
    match rng.choice(("delete", "alter", "alter", "alter", "drop", "swap", "copy", "append")):
        case "delete":
            return [Delete(path)]
        case "alter":
            return [Put(path, {**contents[path], rng.choice(sorted(contents[path])): rng.choice(VALUES)})]
        case "drop":
            name = rng.choice(sorted(contents[path]))
            return [Put(path, {key: value for key, value in contents[path].items() if key != name})]
        case "swap":
            other = rng.choice(alike)
            return [] if other == path else [Put(path, contents[other]), Put(other, contents[path])]
        case "copy":
            return [Put(rng.choice(alike), contents[path])]
        case _:
            source = rng.choice([one for one in sorted(contents) if one.collection == S.governor.events])
            return [Put(S.event(VERSIONS + rng.randint(1, 2)), contents[source])]


@pytest.mark.timeout(900)  # a thousand seeds, on a busy machine too
@in_memory
async def test_random_damage_is_told_or_repaired_and_nothing_is_invented(place, scale):
    """Each event and snapshot is as it was before the damage, or as the damage left it; a second run does nothing."""
    store = place.store()
    await async_live(store)
    sound = await async_contents_of(store)
    persister = AsyncStateMachinePersister(store, COUNTER, CONFIG)
    for seed in range(scale(60, 1_000)):
        rng = random.Random(seed)
        for _ in range(rng.randint(1, DAMAGES_MAX)):
            await async_write(store, *damage(rng, await async_contents_of(store)))
        damaged = await async_contents_of(store)
        report = await persister.recover("g")
        found = await persister.validate_consistency("g")
        assert found.problems == report.unresolved, seed
        after = await async_contents_of(store)
        for path, fields in after.items():
            if path.collection in {S.governor.events, S.governor.snapshots}:
                known = {key: value for key, value in fields.items() if key != "committed_at"}
                assert known in (sound.get(path), damaged.get(path)) or fields == damaged.get(path), (seed, path)
        again = await persister.recover("g")
        assert (again.repaired, again.unresolved) == ([], report.unresolved), seed
        gone = [Delete(path) for path in after if path not in sound]
        await async_write(store, *gone, *(Put(path, fields) for path, fields in sound.items()))
