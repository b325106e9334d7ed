"""A move that its dependents cannot follow is refused, and damaged dependencies are found."""

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    ConfigurationError,
    CorruptLogError,
    DependentMachineError,
    Machine,
    VersionConflictError,
)
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests._async.dependents import (
    ALERT,
    JOB,
    async_sound,
    async_start_all,
    async_statuses,
    persister_of,
)
from tests._async.stores import TIMEOUT, async_alter, async_contents, async_plant, in_memory


@pytest.fixture
def jobs(store):
    """A persister of jobs."""
    return persister_of(store)


async def test_a_dependent_of_an_unknown_machine_refuses_the_move(store):
    """The error names it and its machine, and nothing is written."""
    jobs, alerts = AsyncStateMachinePersister(store, JOB), persister_of(store, ALERT)
    await async_start_all(jobs, a=(), b=["a"])
    await alerts.start("g", "x", depends_on=["b"])
    before = await async_contents(store)
    with pytest.raises(DependentMachineError, match=r"'x'.*'b'.*alert@1.*machines=") as caught:
        await jobs.transition("g", "a", "fail")
    assert (caught.value.state_id, caught.value.dependency_id, caught.value.machine) == ("x", "b", "alert@1")
    assert await async_contents(store) == before
    await store.delete_state("g", "x")
    await jobs.transition("g", "a", "fail")
    assert await async_statuses(store, "a", "b") == ["failed", "blocked"]


@in_memory
async def test_a_dependent_of_a_newer_machine_refuses_the_move(store):
    """An older definition does not decide for it."""
    newer = Machine("job", "new", JOB.transitions, version=2, on_dependency=JOB.on_dependency)
    jobs = AsyncStateMachinePersister(store, JOB)
    await jobs.start("g", "a")
    await AsyncStateMachinePersister(store, newer).start("g", "b", depends_on=["a"])
    with pytest.raises(DependentMachineError, match="job@2"):
        await jobs.transition("g", "a", "fail")
    await AsyncStateMachinePersister(store, newer).transition("g", "a", "fail")
    assert await async_statuses(store, "a", "b") == ["failed", "blocked"]


@in_memory
async def test_two_machines_of_one_name_are_refused(store):
    """Nobody could say which of them moves a state; the same one twice is no harm."""
    other = Machine("job", "new", [])
    with pytest.raises(ConfigurationError, match="'job'"):
        AsyncStateMachinePersister(store, JOB, machines=[other])
    assert list(AsyncStateMachinePersister(store, JOB, machines=[JOB, ALERT]).machines) == ["job", "alert"]


@in_memory
async def test_a_dependent_of_which_nothing_is_left_is_not_passed_over(jobs, store):
    """The move is refused: neither a document nor an event tells what the dependent is."""
    await async_start_all(jobs, a=(), b=["a"])
    paths = state_layout("g", "b")
    await store.runtime.access.backend.commit([Delete(paths.state), Delete(paths.event(1))], timeout=TIMEOUT)
    with pytest.raises(CorruptLogError) as caught:
        await jobs.transition("g", "a", "fail")
    assert (caught.value.state_id, "missing" in caught.value.reason) == ("b", True)
    assert await async_statuses(store, "a") == ["new"]


async def test_a_lost_mark_is_found(jobs, store):
    """By the check of the governor, which names the state and what it depends on."""
    await async_start_all(jobs, a=(), b=["a"])
    await async_alter(store, state_layout("g", "a"), dependents={})
    (problem,) = (await jobs.validate_consistency("g")).problems
    assert (problem.kind, problem.state_id) == ("lost_mark", "b")
    assert "'a'" in problem.message


@in_memory
async def test_a_forged_dependency_is_found(jobs, store):
    """What a state depends on is part of its content, and of its hash."""
    await async_start_all(jobs, a=(), b=["a"], c=())
    await async_alter(store, state_layout("g", "b"), depends_on=["c"])
    (problem,) = (await jobs.validate_consistency("g")).problems
    assert (problem.kind, problem.state_id) == ("state_mismatch", "b")
    await async_plant(store, state_layout("g", "b").event(1), depends_on=["c"])
    (problem,) = (await jobs.validate_consistency("g")).problems
    assert (problem.kind, problem.state_id) == ("corrupt_event", "b")


@in_memory
async def test_a_version_that_moved_on_is_refused(jobs, store):
    """With dependents as without, and nobody moves."""
    await async_start_all(jobs, a=(), b=["a"])
    await jobs.transition("g", "a", "run")
    with pytest.raises(VersionConflictError):
        await jobs.transition("g", "a", "fail", expected_version=1)
    assert await async_statuses(store, "a", "b") == ["running", "new"]
    await jobs.transition("g", "a", "fail", expected_version=2)
    assert await async_statuses(store, "a", "b") == ["failed", "blocked"]


@in_memory
async def test_a_refused_cascade_leaves_nothing_in_a_transaction(store):
    """A body that goes on after the refusal commits what it did beside it, and not the half of the move."""
    jobs = AsyncStateMachinePersister(store, JOB)
    await async_start_all(jobs, a=(), b=["a"])
    await persister_of(store, ALERT).start("g", "x", depends_on=["b"])

    async def body(tx):
        with pytest.raises(DependentMachineError):
            await tx.transition(jobs, "g", "a", "fail")
        await tx.save_state("g", "other", {})
        found = await tx.batch_get_states("g", ["a", "b"])
        return [found.found[one].status for one in "ab"]

    assert await AsyncTransactionManager(store).run(body) == ["new", "new"]
    assert await async_statuses(store, "a", "b", "x") == ["new", "new", "quiet"]
    assert await store.exists("g", "other")
    assert await async_sound(jobs)
