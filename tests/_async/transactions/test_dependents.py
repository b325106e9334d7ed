"""What depends on a state reacts to it in the same commit, transitively, each once."""

from itertools import pairwise

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    ConfigurationError,
    CorruptLogError,
    DependentMachineError,
    Machine,
    TransitionRequest,
    VersionConflictError,
)
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests._async.dependents import (
    ALERT,
    JOB,
    PLAIN,
    async_marks,
    async_start_all,
    async_statuses,
    persister_of,
)
from tests._async.stores import TIMEOUT, async_alter, async_contents, async_plant, in_memory


@pytest.fixture
def jobs(store):
    """A persister of jobs."""
    return persister_of(store)


async def async_versions(store, *state_ids):
    found = (await store.batch_get_states("g", state_ids)).found
    return [found[state_id].version for state_id in state_ids]


async def async_sound(persister):
    """Whether every log and every mark is as it should be, and every state the fold of its events."""
    report = await persister.validate_consistency("g")
    assert report.problems == []
    async for snapshot in persister.store.list_states("g"):
        assert await persister.replay("g", snapshot.state_id) == snapshot
    return True


async def test_a_dependent_reacts_in_the_same_commit(place):
    """The one commit holds both events, and they have one time of the store's."""
    store, backend = place.counting()
    jobs = persister_of(store)
    await async_start_all(jobs, a=(), b=["a"])
    backend.commits.clear()
    result = await jobs.transition("g", "a", "fail")
    assert await async_statuses(store, "a", "b") == ["failed", "blocked"]
    assert len(backend.commits) == 1
    (event,) = [one async for one in store.get_events("g", "b", after=1)]
    assert (event.action, event.kind, event.from_status, event.to_status) == ("block", "reaction", "new", "blocked")
    assert event.payload == {"state_id": "a", "status": "failed"}
    assert event.committed_at == result.event.committed_at
    assert await async_sound(jobs)


async def test_the_result_is_that_of_the_move(jobs, store):
    """Event and snapshot are as they are stored."""
    await async_start_all(jobs, a=(), b=["a"])
    result = await jobs.transition("g", "a", "fail", {"why": 1}, error="broke")
    (event,) = [one async for one in store.get_events("g", "a", after=1)]
    assert event == result.event
    assert result.snapshot == await store.find_state("g", "a")
    assert (result.version, result.snapshot.last_error) == (2, "broke")
    assert (await jobs.transition("g", "a", "run", expected_version=2)).version == 3


@in_memory
async def test_the_action_of_the_reaction_runs_on_the_dependent(jobs, store):
    """Its reducer gets the dependent's data, and what it reacts to as payload."""
    await jobs.start("g", "a")
    await jobs.start("g", "b", {"mine": 1}, depends_on=["a"])
    await jobs.transition("g", "a", "fail")
    snapshot, _ = await store.get_state("g", "b")
    assert snapshot.data == {"mine": 1, "because": {"state_id": "a", "status": "failed"}}
    assert snapshot.metadata.changed_by == "tester"


async def test_what_depends_on_dependents_reacts_to_the_first_cause(jobs, store):
    """Though they never entered that status themselves."""
    await async_start_all(jobs, a=(), b=["a"], c=["b"], d=["c"])
    await jobs.transition("g", "a", "fail")
    assert await async_statuses(store, "a", "b", "c", "d") == ["failed", "blocked", "blocked", "blocked"]
    assert (await store.get_state("g", "d"))[0].data["because"] == {"state_id": "a", "status": "failed"}
    assert await async_sound(jobs)


async def test_each_dependent_reacts_once(jobs, store):
    """However many ways lead to it."""
    await async_start_all(jobs, a=(), b=["a"], c=["a"], d=["b", "c", "a"], e=["d", "b"])
    await jobs.transition("g", "a", "fail")
    assert await async_versions(store, "a", "b", "c", "d", "e") == [2, 2, 2, 2, 2]


@in_memory
async def test_the_nearest_status_goes_first(store):
    """An alert behind a blocked job says that the job is blocked."""
    jobs, alerts = persister_of(store), persister_of(store, ALERT)
    await async_start_all(jobs, a=(), b=["a"])
    await alerts.start("g", "x", depends_on=["b"])
    await jobs.transition("g", "a", "fail")
    (event,) = [one async for one in store.get_events("g", "x", after=1)]
    assert (event.action, event.payload) == ("raise", {"state_id": "b", "status": "blocked"})


async def test_a_dependent_that_may_not_react_stays_as_it_is(jobs, store):
    """A job that is done is not blocked, and what depends on it alone goes on."""
    await async_start_all(jobs, a=(), b=["a"], c=["b"], d=["b", "a"])
    for action in ("run", "finish"):
        await jobs.transition("g", "b", action)
    await jobs.transition("g", "a", "fail")
    assert await async_statuses(store, "b", "c", "d") == ["done", "new", "blocked"]


@in_memory
async def test_a_machine_without_reactions_ends_the_cascade(store):
    """What depends on such a state alone goes on, too."""
    jobs, plain = persister_of(store), persister_of(store, PLAIN)
    await jobs.start("g", "a")
    await plain.start("g", "b", depends_on=["a"])
    await jobs.start("g", "c", depends_on=["b"])
    await jobs.transition("g", "a", "fail")
    assert await async_statuses(store, "b", "c") == ["open", "new"]


@in_memory
async def test_only_entering_a_status_counts(jobs, store):
    """A move within a status moves nobody."""
    watch = Machine("watch", "quiet", ALERT.transitions, on_dependency={"running": "raise"})
    watches = AsyncStateMachinePersister(store, watch)
    jobs = persister_of(store, machines=[watch])
    await jobs.start("g", "a")
    await watches.start("g", "b", depends_on=["a"])
    await jobs.transition("g", "a", "run")
    assert await async_statuses(store, "b") == ["loud"]
    await watches.transition("g", "b", "hush")
    await jobs.transition("g", "a", "note")
    assert await async_statuses(store, "b") == ["quiet"]


@in_memory
async def test_a_dependent_reacts_each_time(jobs, store):
    """Once it was set going again, the next failure blocks it anew."""
    await async_start_all(jobs, a=(), b=["a"])
    for version in (2, 4, 6):
        await jobs.transition("g", "a", "fail")
        assert await async_statuses(store, "b") == ["blocked"]
        assert await async_versions(store, "b") == [version]
        await jobs.transition("g", "a", "run")
        assert await async_statuses(store, "b") == ["blocked"]
        await jobs.transition("g", "b", "run")


@in_memory
async def test_what_went_on_by_itself_passes_no_cause_on(jobs, store):
    """A job that runs again, though what it depends on has failed, blocks nobody who starts behind it."""
    await async_start_all(jobs, a=(), b=["a"])
    await jobs.transition("g", "a", "fail")
    await jobs.transition("g", "b", "run")
    await jobs.start("g", "c", depends_on=["b"])
    assert await async_statuses(store, "c") == ["new"]


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
    await store.save_state("g", "a", {}, status="failed")
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
async def test_a_dependent_whose_document_is_gone_is_not_passed_over(jobs, store):
    """The move is refused until the document is rebuilt."""
    await async_start_all(jobs, a=(), b=["a"])
    path = state_layout("g", "b").state
    await store.runtime.access.backend.commit([Delete(path)], timeout=TIMEOUT)
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
    assert (problem.kind, problem.state_id) == ("corrupt_log", "b")


async def test_ids_may_be_any_text(jobs, store):
    """Of dependents and of what they depend on."""
    ids = ["a/b", "..", "__x__", "état 1", "$map", "🙂@3"]
    await jobs.start("g", ids[0])
    for before, after in pairwise(ids):
        await jobs.start("g", after, depends_on=[before])
    await jobs.transition("g", ids[0], "fail")
    assert await async_statuses(store, *ids) == ["failed", *["blocked"] * 5]
    assert await async_sound(jobs)


@in_memory
async def test_governors_do_not_mix(jobs, store):
    """A state of another governor with the same id is another state."""
    for governor_id in ("g", "h"):
        await async_start_all(jobs, governor_id, a=(), b=["a"])
    await jobs.transition("g", "a", "fail")
    assert await async_statuses(store, "b", governor_id="h") == ["new"]


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
async def test_many_moves_cascade_each(jobs, store):
    """One after the other, as transition_many promises."""
    await async_start_all(jobs, a=(), b=["a"], c=(), d=["c"])
    outcomes = await jobs.transition_many(TransitionRequest("g", one, "fail") for one in ("a", "b", "c"))
    assert [type(one).__name__ for one in outcomes] == [
        "TransitionResult",
        "TransitionNotAllowedError",
        "TransitionResult",
    ]
    assert await async_statuses(store, "b", "d") == ["blocked", "blocked"]


async def test_a_transaction_starts_and_moves_with_dependents(jobs, store):
    """On what the body itself started before, in the one commit of the transaction."""

    async def body(tx):
        await tx.start(jobs, "g", "a")
        await tx.start(jobs, "g", "b", depends_on=["a"])
        await tx.transition(jobs, "g", "a", "fail")
        found = await tx.batch_get_states("g", ["a", "b"])
        return [found.found[one].status for one in "ab"]

    assert await AsyncTransactionManager(store).run(body) == ["failed", "blocked"]
    assert await async_statuses(store, "a", "b") == ["failed", "blocked"]
    assert await async_sound(jobs)


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
