"""Dependents and states that are deleted, made again, or changed past their machine."""

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    ChangeMetadata,
    Machine,
    StateNotFoundError,
)
from tests._async.dependents import (
    JOB,
    async_marks,
    async_sound,
    async_start_all,
    async_statuses,
    persister_of,
)
from tests._async.stores import in_memory


@pytest.fixture
def jobs(store):
    """A persister of jobs."""
    return persister_of(store)


async def test_a_deleted_dependent_does_not_react(jobs, store):
    """Its mark is dropped with the next cascade."""
    await async_start_all(jobs, a=(), b=["a"], c=["a"])
    await store.delete_state("g", "b")
    await jobs.transition("g", "a", "fail")
    assert not await store.exists("g", "b")
    assert await async_marks(store, "a") == {"c": "job"}
    assert await async_sound(jobs)


@in_memory
async def test_a_dependent_that_was_made_again_without_does_not_react(jobs, store):
    """Whether it was started or saved."""
    await async_start_all(jobs, a=(), b=["a"], c=["a"])
    for state_id in "bc":
        await store.delete_state("g", state_id)
    await jobs.start("g", "b")
    await store.save_state("g", "c", {}, status="new")
    assert [(await store.get_state("g", one))[0].depends_on for one in "bc"] == [(), ()]
    await jobs.transition("g", "a", "fail")
    assert await async_statuses(store, "b", "c") == ["new", "new"]


async def test_dependencies_stay_with_their_state(jobs, store):
    """Through every other kind of change, in the state, its events, its snapshots and its replay."""
    await async_start_all(jobs, a=(), b=["a"])
    await jobs.transition("g", "b", "run")
    await store.save_state("g", "b", {"n": 1})
    await store.update_state("g", "b", {"n": 2}, 3)
    await jobs.log_transition("g", "b", "seen", to_status="running", data={"n": 3})
    await jobs.rollback("g", "b", 2)
    await jobs.create_snapshot("g", "b")
    assert [event.depends_on async for event in store.get_events("g", "b")] == [("a",)] * 6
    assert (await store.get_state("g", "b"))[0].depends_on == ("a",)
    assert [one.depends_on async for one in jobs.list_snapshots("g", "b")] == [("a",)]
    assert await async_sound(jobs)
    await jobs.transition("g", "a", "fail")
    assert await async_statuses(store, "b") == ["blocked"]


@in_memory
async def test_changes_past_the_machine_move_nobody(jobs, store):
    """A status that was saved, recorded or rolled back to is no move; the next real one is."""
    await async_start_all(jobs, a=(), b=())
    await jobs.transition("g", "a", "fail")
    await jobs.transition("g", "a", "run")
    await jobs.start("g", "c", depends_on=["a", "b"])
    forced = ChangeMetadata(changed_by="ann", reason="it failed elsewhere")
    await store.save_state("g", "a", {}, forced, status="failed", force=True)
    await jobs.log_transition("g", "a", "seen", to_status="failed", data={})
    await jobs.rollback("g", "a", 2)
    assert await async_statuses(store, "a", "c") == ["failed", "new"]
    await jobs.transition("g", "b", "fail")
    assert await async_statuses(store, "c") == ["blocked"]


async def test_a_rollback_brings_a_deleted_dependent_back(jobs, store):
    """With what it depended on, and marked again where its mark was dropped meanwhile."""
    await async_start_all(jobs, a=(), b=["a"])
    await store.delete_state("g", "b")
    await jobs.transition("g", "a", "fail")
    await jobs.transition("g", "a", "run")
    assert await async_marks(store, "a") == {}
    await jobs.rollback("g", "b", 1)
    assert (await store.get_state("g", "b"))[0].depends_on == ("a",)
    assert await async_marks(store, "a") == {"b": "job"}
    await jobs.transition("g", "a", "fail")
    assert await async_statuses(store, "b") == ["blocked"]
    assert await async_sound(jobs)


@in_memory
async def test_a_rollback_brings_a_dependency_back_that_is_deleted(jobs, store):
    """With a state that is started again it could not be named."""
    await async_start_all(jobs, a=(), b=["a"])
    for state_id in "ba":
        await store.delete_state("g", state_id)
    await jobs.rollback("g", "b", 1)
    assert (await store.get_state("g", "b"))[0].depends_on == ("a",)
    await store.delete_state("g", "b")
    with pytest.raises(StateNotFoundError):
        await jobs.start("g", "b", depends_on=["a"])


@in_memory
async def test_a_state_that_is_made_again_has_its_dependents_still(jobs, store):
    """They name it by its id."""
    await async_start_all(jobs, a=(), b=["a"])
    await store.delete_state("g", "a")
    await jobs.start("g", "a")
    await jobs.transition("g", "a", "fail")
    assert await async_statuses(store, "b") == ["blocked"]


@in_memory
async def test_a_start_can_be_what_dependents_react_to(store):
    """A state that is made again in a status that they know."""
    broken = Machine("broken", "failed", [])
    jobs, maker = persister_of(store), AsyncStateMachinePersister(store, broken, machines=[JOB])
    await async_start_all(jobs, a=(), b=["a"])
    await store.delete_state("g", "a")
    await maker.start("g", "a")
    assert await async_statuses(store, "a", "b") == ["failed", "blocked"]
