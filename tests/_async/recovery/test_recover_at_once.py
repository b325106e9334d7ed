"""Two that recover at once: each thing is repaired once, and has one record."""

from functools import partial
from typing import Any

import pytest

from tai_state import AsyncBackendStore, AsyncStateMachinePersister
from tai_state._platform.tasks import async_gather
from tests._async.machines import COUNTER
from tests._async.recovery.damages import CASES, CONFIG, S, async_live, async_sound_contents
from tests._async.stores import TIMEOUT, AsyncWrappedBackend

MANY = [
    "unsealed events swapped",
    "events swapped",
    "snapshot altered",
    "segment truncated",
    "state altered",
    "dependents forgotten",
    "receipt of no change",
    "receipt altered in its change",
]


class AsyncFasterBackend(AsyncWrappedBackend):
    """Lets somebody else recover right before one of the reads of a single document beside the states."""

    def __init__(self, inner, persister, read):
        super().__init__(inner)
        self.persister = persister
        self.left = read

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        if len(paths) == 1 and paths[0].collection in {S.governor.events, S.governor.snapshots, S.governor.segments}:
            self.left -= 1
            if not self.left:
                await self.persister.recover("g")
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


@pytest.fixture
async def sound(place):
    """A sound store, its persister, and what it holds."""
    store = place.store()
    persister = await async_live(store)
    return store, persister, await async_sound_contents(store)


async def async_hurt(store):
    """Damage much of it."""
    for name in MANY:
        await CASES[name].damage(store)


async def async_records(store):
    """Return what each record is of."""
    scan = store.runtime.access.backend.scan(S.governor.audit, timeout=TIMEOUT)
    return sorted([(one.fields["kind"], one.fields["path"]) async for one in scan])


@pytest.mark.parametrize("read", [1, 2, 5])
async def test_what_another_one_repaired_meanwhile_is_not_repaired_again(sound, place, read):
    """It was found before that: there are the records of one recovery alone."""
    store, persister, contents = sound
    await async_hurt(store)
    await persister.recover("g")
    alone = await async_records(store)
    await async_hurt(store)
    backend = AsyncFasterBackend(place.store().runtime.access.backend, persister, read)
    report = await AsyncStateMachinePersister(AsyncBackendStore(backend, actor="tester"), COUNTER, CONFIG).recover("g")
    assert report.unresolved == []
    assert await async_records(store) == sorted([*alone, *alone])
    assert await async_sound_contents(store) == contents


async def test_two_that_recover_at_once_repair_each_thing_once(sound, place):
    """Whatever comes between: the second one's commits are refused, and find it done."""
    store, persister, contents = sound
    other = AsyncStateMachinePersister(place.store(), COUNTER, CONFIG)
    found: list[list[tuple[Any, ...]]] = []
    for recovering in ([persister], [persister, other]):
        await async_hurt(store)
        await async_gather([partial(one.recover, "g") for one in recovering])
        assert await async_sound_contents(store) == contents
        assert (await persister.validate_consistency("g")).problems == []
        found.append(await async_records(store))
    alone, together = found
    assert len(alone) >= len(MANY)
    assert together == sorted([*alone, *alone])
