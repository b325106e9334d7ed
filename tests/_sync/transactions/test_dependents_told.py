# Generated from tests/_async/transactions/test_dependents_told.py by .ci/generate_sync.py; do not edit.
"""Who depends on a state, as the store tells it: those whose moves follow from its own."""
import pytest

from tai_state import StateMachinePersister, InvalidDataError, StateNotFoundError
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tai_state.telemetry import Observer, observe
from tests._sync.dependents import ALERT, JOB, start_all, persister_of
from tests._sync.stores import TIMEOUT, plant


class Reads(Observer):
    """Counts the documents that are read."""

    count = 0

    def request_ended(self, request, operation):
        self.count += request.billed.documents_read


@pytest.fixture
def jobs(store):
    """What moves jobs: b and c depend on a, d on b, x is an alert."""
    jobs = persister_of(store)
    start_all(jobs, a=(), c=["a"], b=["a"], d=["b"])
    persister_of(store, ALERT).start("g", "x", depends_on=["a"])
    return jobs


def told(store, state_id="a", **options):
    return (store.dependents_of("g", state_id, **options)).found


def test_those_who_depend_on_a_state_are_told(store, jobs):
    """As they are now, whatever machine moves them; not those behind them."""
    found = told(store)
    assert {one: (shown.status, shown.machine_name) for one, shown in found.items()} == {
        "b": ("new", "job"),
        "c": ("new", "job"),
        "x": ("quiet", "alert"),
    }
    jobs.transition("g", "a", "fail")
    assert {one: shown.status for one, shown in (told(store)).items()} == {
        "b": "blocked",
        "c": "blocked",
        "x": "loud",
    }
    assert list(told(store, "b")) == ["d"]
    assert told(store, "d") == {}


def test_it_takes_a_read_of_each_and_one_of_the_state(store, jobs):
    """And no more of them than are wanted."""
    for limit, reads in ((None, 4), (2, 3), (0, 1)):
        seen = Reads()
        with observe(store, seen):
            found = told(store, limit=limit)
        assert (len(found), seen.count) == (reads - 1, reads)


def test_who_does_not_depend_on_it_any_more_is_left_out(store, jobs):
    """Deleted, or made anew; on one that is deleted itself there may be some who do."""
    store.delete_state("g", "b")
    store.delete_state("g", "c")
    StateMachinePersister(store, JOB).start("g", "c")
    assert list(told(store)) == ["x"]
    store.delete_state("g", "a")
    assert list(told(store)) == ["x"]


def test_what_is_damaged_or_lost_is_named(store, jobs):
    """As by ``batch_get_states``: what the log tells is rebuilt, and what it does not is damaged."""
    backend, lost = store.runtime.access.backend, state_layout("g", "b")
    backend.commit([Delete(lost.state)], timeout=TIMEOUT)
    read = store.dependents_of("g", "a")
    assert (list(read.found), read.found["b"].recovered) == (["b", "c", "x"], True)
    backend.commit([Delete(lost.event(1))], timeout=TIMEOUT)
    assert (store.dependents_of("g", "a")).missing == ["b"]
    plant(store, state_layout("g", "c").state, status=7)
    backend.commit([Delete(state_layout("g", "c").event(1))], timeout=TIMEOUT)
    assert (store.dependents_of("g", "a")).damaged == ["c"]


def test_of_a_state_that_never_was_nobody_knows(store):
    """It is told so; and so is a limit that is none."""
    with pytest.raises(StateNotFoundError):
        store.dependents_of("g", "never")
    with pytest.raises(InvalidDataError):
        store.dependents_of("g", "never", limit=-1)
