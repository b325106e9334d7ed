"""Who depends on a state, as the store tells it: those whose moves follow from its own."""

import pytest

from tai_state import AsyncStateMachinePersister, InvalidDataError, StateNotFoundError
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tai_state.telemetry import Observer, observe
from tests._async.dependents import ALERT, JOB, async_start_all, persister_of
from tests._async.stores import TIMEOUT, async_plant


class Reads(Observer):
    """Counts the documents that are read."""

    count = 0

    def request_ended(self, request, operation):
        self.count += request.billed.documents_read


@pytest.fixture
async def jobs(store):
    """What moves jobs: b and c depend on a, d on b, x is an alert."""
    jobs = persister_of(store)
    await async_start_all(jobs, a=(), c=["a"], b=["a"], d=["b"])
    await persister_of(store, ALERT).start("g", "x", depends_on=["a"])
    return jobs


async def told(store, state_id="a", **options):
    return (await store.dependents_of("g", state_id, **options)).found


async def test_those_who_depend_on_a_state_are_told(store, jobs):
    """As they are now, whatever machine moves them; not those behind them."""
    found = await told(store)
    assert {one: (shown.status, shown.machine_name) for one, shown in found.items()} == {
        "b": ("new", "job"),
        "c": ("new", "job"),
        "x": ("quiet", "alert"),
    }
    await jobs.transition("g", "a", "fail")
    assert {one: shown.status for one, shown in (await told(store)).items()} == {
        "b": "blocked",
        "c": "blocked",
        "x": "loud",
    }
    assert list(await told(store, "b")) == ["d"]
    assert await told(store, "d") == {}


async def test_it_takes_a_read_of_each_and_one_of_the_state(store, jobs):
    """And no more of them than are wanted."""
    for limit, reads in ((None, 4), (2, 3), (0, 1)):
        seen = Reads()
        with observe(store, seen):
            found = await told(store, limit=limit)
        assert (len(found), seen.count) == (reads - 1, reads)


async def test_who_does_not_depend_on_it_any_more_is_left_out(store, jobs):
    """Deleted, or made anew; on one that is deleted itself there may be some who do."""
    await store.delete_state("g", "b")
    await store.delete_state("g", "c")
    await AsyncStateMachinePersister(store, JOB).start("g", "c")
    assert list(await told(store)) == ["x"]
    await store.delete_state("g", "a")
    assert list(await told(store)) == ["x"]


async def test_what_is_damaged_or_lost_is_named(store, jobs):
    """As by ``batch_get_states``: what the log tells is rebuilt, and what it does not is damaged."""
    backend, lost = store.runtime.access.backend, state_layout("g", "b")
    await backend.commit([Delete(lost.state)], timeout=TIMEOUT)
    read = await store.dependents_of("g", "a")
    assert (list(read.found), read.found["b"].recovered) == (["b", "c", "x"], True)
    await backend.commit([Delete(lost.event(1))], timeout=TIMEOUT)
    assert (await store.dependents_of("g", "a")).missing == ["b"]
    await async_plant(store, state_layout("g", "c").state, status=7)
    await backend.commit([Delete(state_layout("g", "c").event(1))], timeout=TIMEOUT)
    assert (await store.dependents_of("g", "a")).damaged == ["c"]


async def test_of_a_state_that_never_was_nobody_knows(store):
    """It is told so; and so is a limit that is none."""
    with pytest.raises(StateNotFoundError):
        await store.dependents_of("g", "never")
    with pytest.raises(InvalidDataError):
        await store.dependents_of("g", "never", limit=-1)
