"""Marks of dependents, where a state and what depends on it have lost their documents both."""

import pytest

from tai_state import AsyncBackendStore, AsyncStateMachinePersister
from tai_state.documents import Delete
from tai_state.layout import ID_BYTES_MAX, state_layout
from tests._async.dependents import async_marks
from tests._async.machines import COUNTER
from tests._async.recovery.damages import async_write
from tests._async.stores import AsyncWrappedBackend, async_alter, async_plant

TOO_LONG = "x" * (ID_BYTES_MAX + 1)
HURTS = ["missing", "damaged"]


async def async_hurt(store, state_id, hurt):
    """Take a state's document away, or damage it together with its marks."""
    path = state_layout("g", state_id).state
    if hurt == "missing":
        await async_write(store, Delete(path))
    else:
        await async_plant(store, path, data=5, dependents=None)


@pytest.mark.parametrize("hurt_dependent", HURTS)
@pytest.mark.parametrize("hurt_dependency", HURTS)
@pytest.mark.parametrize(("dependency", "dependent"), [("a", "b"), ("b", "a")], ids=["before", "behind"])
async def test_one_run_brings_back_the_marks_of_states_that_were_lost_together(
    store, dependency, dependent, hurt_dependency, hurt_dependent
):
    """Whichever is mended first; a second run finds nothing."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", dependency, {"n": 0})
    await persister.start("g", dependent, {"n": 0}, depends_on=[dependency])
    await async_hurt(store, dependency, hurt_dependency)
    await async_hurt(store, dependent, hurt_dependent)
    assert (await persister.recover("g")).unresolved == []
    assert await async_marks(store, dependency) == {dependent: "counter"}
    again = await persister.recover("g")
    assert (again.repaired, again.unresolved) == ([], [])


async def test_a_state_that_a_damaged_receipt_held_back_is_rebuilt_once_that_is_mended(store):
    """What receipts tell is read again where one of them was mended, in the same run."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0}, idempotency_key="k")
    await persister.start("g", "t", {"n": 0}, idempotency_key="k")
    for state_id in ("s", "t"):
        await async_plant(store, state_layout("g", state_id).receipt("k"), version=7)
        await async_hurt(store, state_id, "missing")
    report = await persister.recover("g")
    assert sorted(one.kind for one in report.repaired) == ["corrupt_receipt"] * 2 + ["state_missing"] * 2
    assert report.unresolved == []


class AsyncStartingBackend(AsyncWrappedBackend):
    """Lets somebody start a state that depends on z right before the first commit."""

    def __init__(self, inner, persister):
        super().__init__(inner)
        self.persister = persister

    async def commit(self, writes, *, timeout):
        persister, self.persister = self.persister, None
        if persister is not None:
            await persister.start("g", "late", {"n": 0}, depends_on=["z"])
        return await super().commit(writes, timeout=timeout)


async def test_a_dependent_that_starts_during_the_run_keeps_its_mark(place):
    """What is known of dependents was read before it started; the document of the state names it."""
    store = place.store()
    persister = AsyncStateMachinePersister(store, COUNTER)
    for state_id in ("a", "z"):
        await persister.start("g", state_id, {"n": 0})
    await async_hurt(store, "a", "damaged")
    await async_alter(store, state_layout("g", "z"), data={"n": 99})
    other = AsyncStateMachinePersister(place.store(), COUNTER)
    backend = AsyncStartingBackend(store.runtime.access.backend, other)
    recovering = AsyncStateMachinePersister(AsyncBackendStore(backend, actor="tester"), COUNTER)
    report = await recovering.recover("g")
    assert [(one.kind, one.state_id) for one in report.repaired] == [("corrupt_state", "a"), ("state_mismatch", "z")]
    assert await async_marks(store, "z") == {"late": "counter"}


async def test_marks_of_dependents_that_are_none_are_not_brought_back(store):
    """One that was deleted, does not depend on the state, never was, or could never be: their documents tell."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    await persister.start("g", "gone", {"n": 0}, depends_on=["s"])
    await persister.start("g", "other", {"n": 0})
    await store.delete_state("g", "gone")
    named = {"gone": "counter", "other": "counter", "never": "counter", TOO_LONG: "counter"}
    await async_plant(store, state_layout("g", "s").state, data=5, dependents=named)
    assert (await persister.recover("g")).unresolved == []
    assert await async_marks(store, "s") == {}
