# Generated from tests/_async/transactions/test_dependents_start.py by .ci/generate_sync.py; do not edit.
"""Starting a state that depends on others: what must be there, what must not be, and what it reacts to at once."""
import re

import pytest

from tai_state import (
    StateMachinePersister,
    TransactionManager,
    DependencyCycleError,
    IdempotencyMismatchError,
    InvalidDataError,
    InvalidIdError,
    StateExistsError,
    StateNotFoundError,
)
from tests._sync.dependents import (
    ALERT,
    JOB,
    PLAIN,
    marks,
    start_all,
    statuses,
    persister_of,
)
from tests._sync.stores import contents, in_memory


@pytest.fixture
def jobs(store):
    """A persister of jobs."""
    return persister_of(store)


def test_a_state_tells_what_it_depends_on(jobs, store):
    """In the order given, each once; the state, its event, and the marks of the others say so."""
    start_all(jobs, a=(), b=())
    result = jobs.start("g", "c", depends_on=iter(["b", "a", "b"]))
    assert (result.version, result.snapshot.depends_on, result.event.depends_on) == (1, ("b", "a"), ("b", "a"))
    assert store.find_state("g", "c") == result.snapshot
    assert [event for event in store.get_events("g", "c")] == [result.event]
    assert [marks(store, one) for one in "ab"] == [{"c": "job"}, {"c": "job"}]
    assert [(store.get_state("g", one))[1] for one in "ab"] == [1, 1]


@in_memory
@pytest.mark.parametrize("depends_on", [["gone"], ["a", "gone"], ["deleted"]], ids=str)
def test_a_dependency_must_be_there(jobs, store, depends_on):
    """One that does not exist, or is deleted, is named, and nothing is written."""
    start_all(jobs, a=(), deleted=())
    store.delete_state("g", "deleted")
    before = contents(store)
    with pytest.raises(StateNotFoundError) as caught:
        jobs.start("g", "b", depends_on=depends_on)
    assert (caught.value.state_id, caught.value.deleted) == (depends_on[-1], depends_on[-1] == "deleted")
    assert contents(store) == before


@in_memory
@pytest.mark.parametrize(
    ("depends_on", "error", "message"),
    [
        ("a", InvalidDataError, "depends_on: must be several ids, not one str"),
        (7, InvalidDataError, "depends_on: must be several ids, not one int"),
        (None, InvalidDataError, "depends_on: must be several ids, not one NoneType"),
        (["a", 7], InvalidIdError, "depends_on[1] must be a str, not int"),
        ([""], InvalidIdError, "depends_on[0] is empty"),
    ],
)
def test_what_cannot_be_ids_is_refused(jobs, store, depends_on, error, message):
    """Before anything is sent, by place."""
    with pytest.raises(error, match=re.escape(message)):
        jobs.start("g", "b", depends_on=depends_on)
    assert not store.exists("g", "b")


@in_memory
def test_a_state_cannot_depend_on_itself(jobs, store):
    """The error shows the cycle."""
    with pytest.raises(DependencyCycleError, match="'a' -> 'a'") as caught:
        jobs.start("g", "a", depends_on=["a"])
    assert caught.value.cycle == ["a", "a"]
    assert not store.exists("g", "a")


def test_a_state_that_is_made_again_closes_no_cycle(jobs, store):
    """The one way to a cycle through others: they depend on it still. The error shows the way, nothing is written."""
    start_all(jobs, a=(), b=["a"], c=["b"], d=())
    store.delete_state("g", "a")
    before = contents(store)
    with pytest.raises(DependencyCycleError) as caught:
        jobs.start("g", "a", depends_on=["d", "c"])
    assert caught.value.cycle == ["a", "c", "b", "a"]
    assert contents(store) == before
    jobs.start("g", "a", depends_on=["d"])
    assert (store.get_state("g", "a"))[0].depends_on == ("d",)


@in_memory
def test_a_rollback_closes_no_cycle(jobs, store):
    """The other way: a deleted state comes back with what it depended on."""
    start_all(jobs, a=(), x=["a"], b=["x"])
    store.delete_state("g", "x")
    store.delete_state("g", "a")
    jobs.start("g", "a", depends_on=["b"])
    with pytest.raises(DependencyCycleError) as caught:
        jobs.rollback("g", "x", 1)
    assert caught.value.cycle == ["x", "a", "b", "x"]
    assert not store.exists("g", "x")


@in_memory
def test_a_transaction_closes_no_cycle(jobs, store):
    """Its own changes count."""
    start_all(jobs, a=(), b=["a"])

    def body(tx):
        tx.delete_state("g", "a")
        tx.start(jobs, "g", "c", depends_on=["b"])
        tx.start(jobs, "g", "a", depends_on=["c"])

    with pytest.raises(DependencyCycleError, match="'a' -> 'c' -> 'b' -> 'a'"):
        TransactionManager(store).run(body)
    assert statuses(store, "a", "b") == ["new", "new"]


@in_memory
def test_what_ended_is_no_part_of_a_cycle(jobs, store):
    """A deleted state between the two leads nowhere."""
    start_all(jobs, a=(), b=["a"], c=["b"])
    store.delete_state("g", "b")
    store.delete_state("g", "a")
    jobs.start("g", "a", depends_on=["c"])
    assert (store.get_state("g", "a"))[0].depends_on == ("c",)


def test_a_state_reacts_at_once_to_what_stands_already(jobs, store):
    """By a second event in the same commit; the result shows the start, and how the state stands behind it."""
    jobs.start("g", "a")
    jobs.transition("g", "a", "fail")
    result = jobs.start("g", "b", {"mine": 1}, depends_on=["a"])
    assert (result.event.action, result.version, result.to_status) == ("start", 1, "new")
    assert (result.snapshot.status, result.snapshot.version) == ("blocked", 2)
    assert store.find_state("g", "b") == result.snapshot
    start, reaction = [event for event in store.get_events("g", "b")]
    assert start == result.event
    assert (reaction.kind, reaction.action) == ("reaction", "block")
    assert reaction.committed_at == start.committed_at
    assert (jobs.validate_consistency("g")).problems == []
    assert jobs.replay("g", "b") == result.snapshot


@in_memory
def test_a_state_reacts_once_however_many_stand_so(jobs, store):
    """The first in its own order is what it reacts to."""
    start_all(jobs, a=(), b=())
    for state_id in "ab":
        jobs.transition("g", state_id, "fail")
    jobs.start("g", "c", depends_on=["b", "a"])
    snapshot, version = store.get_state("g", "c")
    assert (version, snapshot.data["because"]) == (2, {"state_id": "b", "status": "failed"})


@in_memory
def test_a_state_reacts_at_once_to_what_stands_behind_its_dependency(jobs, store):
    """As it would have, had it been there before."""
    start_all(jobs, a=(), b=["a"])
    jobs.transition("g", "a", "fail")
    jobs.start("g", "c", depends_on=["b"])
    jobs.start("g", "d", depends_on=["c"])
    assert statuses(store, "c", "d") == ["blocked", "blocked"]
    assert (store.get_state("g", "d"))[0].data["because"] == {"state_id": "a", "status": "failed"}


@in_memory
def test_a_dependency_needs_no_machine_that_is_known(store):
    """Its status counts, whoever brought it there: another machine, or nobody's."""
    StateMachinePersister(store, PLAIN).start("g", "a")
    store.save_state("g", "b", {}, status="failed")
    result = StateMachinePersister(store, JOB).start("g", "c", depends_on=["a", "b"])
    assert result.snapshot.status == "blocked"


@in_memory
def test_what_depends_on_a_state_that_is_made_again_reacts_with_it(jobs, store):
    """The new state is blocked at once, and so are those behind it."""
    start_all(jobs, a=(), b=(), c=["b"])
    jobs.transition("g", "a", "fail")
    store.delete_state("g", "b")
    jobs.start("g", "b", depends_on=["a"])
    assert statuses(store, "b", "c") == ["blocked", "blocked"]


def test_a_repeated_start_is_one_start(jobs, store):
    """The same key: the same outcome, reaction included, and no second one."""
    jobs.start("g", "a")
    jobs.transition("g", "a", "fail")
    first = jobs.start("g", "b", depends_on=["a"], idempotency_key="k")
    jobs.transition("g", "b", "run")
    again = jobs.start("g", "b", depends_on=["a"], idempotency_key="k")
    assert (first.replayed, again.replayed) == (False, True)
    assert (again.event, again.snapshot) == (first.event, first.snapshot)
    assert (store.get_state("g", "b"))[1] == 3


@in_memory
def test_a_key_covers_the_dependencies(jobs, store):
    """A start with others is another request."""
    start_all(jobs, a=(), b=())
    jobs.start("g", "c", depends_on=["a"], idempotency_key="k")
    for depends_on in ([], ["b"], ["a", "b"]):
        with pytest.raises(IdempotencyMismatchError):
            jobs.start("g", "c", depends_on=depends_on, idempotency_key="k")


@in_memory
def test_a_state_that_is_there_is_refused_first(jobs, store):
    """Whatever it was to depend on."""
    jobs.start("g", "a")
    with pytest.raises(StateExistsError):
        jobs.start("g", "a", depends_on=["gone"])


@in_memory
def test_a_mark_follows_the_machine(store):
    """A state that another machine makes again is marked with that one."""
    jobs, alerts = persister_of(store), persister_of(store, ALERT)
    start_all(jobs, a=(), b=["a"])
    store.delete_state("g", "b")
    alerts.start("g", "b", depends_on=["a"])
    assert marks(store, "a") == {"b": "alert"}
    jobs.transition("g", "a", "fail")
    assert statuses(store, "b") == ["loud"]


@in_memory
def test_a_mark_follows_a_rollback_to_another_machine(store):
    """The state goes on by the machine of the version that it was rolled back to, and so does its mark."""
    plain, alerts = persister_of(store, PLAIN), persister_of(store, ALERT)
    start_all(alerts, b=())
    store.delete_state("g", "b")
    plain.start("g", "a")
    plain.start("g", "b", depends_on=["a"])
    assert marks(store, "a") == {"b": "plain"}
    plain.rollback("g", "b", 1)
    assert marks(store, "a") == {"b": "alert"}
    assert (plain.validate_consistency("g")).problems == []


@in_memory
def test_a_start_without_dependencies_is_one_read_and_one_commit(place):
    """As if there were none in the world."""
    store, backend = place.counting()
    jobs = persister_of(store)
    jobs.start("g", "a")
    backend.taken()
    jobs.start("g", "b")
    assert backend.taken() == ["get_many", "commit"]
