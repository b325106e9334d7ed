# Generated from tests/_async/transactions/test_dependents_lives.py by .ci/generate_sync.py; do not edit.
"""Dependents and states that are deleted, made again, or changed past their machine."""
import pytest

from tai_state import (
    StateMachinePersister,
    ChangeMetadata,
    Machine,
    StateNotFoundError,
)
from tests._sync.dependents import (
    JOB,
    marks,
    sound,
    start_all,
    statuses,
    persister_of,
)
from tests._sync.stores import in_memory


@pytest.fixture
def jobs(store):
    """A persister of jobs."""
    return persister_of(store)


def test_a_deleted_dependent_does_not_react(jobs, store):
    """Its mark is dropped with the next cascade."""
    start_all(jobs, a=(), b=["a"], c=["a"])
    store.delete_state("g", "b")
    jobs.transition("g", "a", "fail")
    assert not store.exists("g", "b")
    assert marks(store, "a") == {"c": "job"}
    assert sound(jobs)


@in_memory
def test_a_dependent_that_was_made_again_without_does_not_react(jobs, store):
    """Whether it was started or saved."""
    start_all(jobs, a=(), b=["a"], c=["a"])
    for state_id in "bc":
        store.delete_state("g", state_id)
    jobs.start("g", "b")
    store.save_state("g", "c", {}, status="new")
    assert [(store.get_state("g", one))[0].depends_on for one in "bc"] == [(), ()]
    jobs.transition("g", "a", "fail")
    assert statuses(store, "b", "c") == ["new", "new"]


def test_dependencies_stay_with_their_state(jobs, store):
    """Through every other kind of change, in the state, its events, its snapshots and its replay."""
    start_all(jobs, a=(), b=["a"])
    jobs.transition("g", "b", "run")
    store.save_state("g", "b", {"n": 1})
    store.update_state("g", "b", {"n": 2}, 3)
    jobs.log_transition("g", "b", "seen", to_status="running", data={"n": 3})
    jobs.rollback("g", "b", 2)
    jobs.create_snapshot("g", "b")
    assert [event.depends_on for event in store.get_events("g", "b")] == [("a",)] * 6
    assert (store.get_state("g", "b"))[0].depends_on == ("a",)
    assert [one.depends_on for one in jobs.list_snapshots("g", "b")] == [("a",)]
    assert sound(jobs)
    jobs.transition("g", "a", "fail")
    assert statuses(store, "b") == ["blocked"]


@in_memory
def test_changes_past_the_machine_move_nobody(jobs, store):
    """A status that was saved, recorded or rolled back to is no move; the next real one is."""
    start_all(jobs, a=(), b=())
    jobs.transition("g", "a", "fail")
    jobs.transition("g", "a", "run")
    jobs.start("g", "c", depends_on=["a", "b"])
    forced = ChangeMetadata(changed_by="ann", reason="it failed elsewhere")
    store.save_state("g", "a", {}, forced, status="failed", force=True)
    jobs.log_transition("g", "a", "seen", to_status="failed", data={})
    jobs.rollback("g", "a", 2)
    assert statuses(store, "a", "c") == ["failed", "new"]
    jobs.transition("g", "b", "fail")
    assert statuses(store, "c") == ["blocked"]


def test_a_rollback_brings_a_deleted_dependent_back(jobs, store):
    """With what it depended on, and marked again where its mark was dropped meanwhile."""
    start_all(jobs, a=(), b=["a"])
    store.delete_state("g", "b")
    jobs.transition("g", "a", "fail")
    jobs.transition("g", "a", "run")
    assert marks(store, "a") == {}
    jobs.rollback("g", "b", 1)
    assert (store.get_state("g", "b"))[0].depends_on == ("a",)
    assert marks(store, "a") == {"b": "job"}
    jobs.transition("g", "a", "fail")
    assert statuses(store, "b") == ["blocked"]
    assert sound(jobs)


@in_memory
def test_a_rollback_brings_a_dependency_back_that_is_deleted(jobs, store):
    """With a state that is started again it could not be named."""
    start_all(jobs, a=(), b=["a"])
    for state_id in "ba":
        store.delete_state("g", state_id)
    jobs.rollback("g", "b", 1)
    assert (store.get_state("g", "b"))[0].depends_on == ("a",)
    store.delete_state("g", "b")
    with pytest.raises(StateNotFoundError):
        jobs.start("g", "b", depends_on=["a"])


@in_memory
def test_a_state_that_is_made_again_has_its_dependents_still(jobs, store):
    """They name it by its id."""
    start_all(jobs, a=(), b=["a"])
    store.delete_state("g", "a")
    jobs.start("g", "a")
    jobs.transition("g", "a", "fail")
    assert statuses(store, "b") == ["blocked"]


@in_memory
def test_a_start_can_be_what_dependents_react_to(store):
    """A state that is made again in a status that they know."""
    broken = Machine("broken", "failed", [])
    jobs, maker = persister_of(store), StateMachinePersister(store, broken, machines=[JOB])
    start_all(jobs, a=(), b=["a"])
    store.delete_state("g", "a")
    maker.start("g", "a")
    assert statuses(store, "a", "b") == ["failed", "blocked"]
