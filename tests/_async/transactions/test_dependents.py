"""What depends on a state reacts to it in the same commit, transitively, each once."""

from itertools import pairwise

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    Machine,
    TransitionRequest,
)
from tests._async.dependents import (
    ALERT,
    PLAIN,
    async_sound,
    async_start_all,
    async_statuses,
    async_versions,
    persister_of,
)
from tests._async.stores import in_memory


@pytest.fixture
def jobs(store):
    """A persister of jobs."""
    return persister_of(store)


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
async def test_many_moves_cascade_each(jobs, store):
    """Those that others depend on go alone; between states no order is promised."""
    await async_start_all(jobs, a=(), b=["a"], c=(), d=["c"], e=())
    outcomes = await jobs.transition_many(TransitionRequest("g", one, "fail") for one in ("a", "e", "c", "e"))
    assert [type(one).__name__ for one in outcomes] == [*["TransitionResult"] * 3, "TransitionNotAllowedError"]
    assert await async_statuses(store, "b", "d") == ["blocked", "blocked"]
    (refused,) = await jobs.transition_many([TransitionRequest("g", "b", "fail")])
    assert type(refused).__name__ == "TransitionNotAllowedError"


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
