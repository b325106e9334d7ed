# Generated from tests/_async/recovery/test_recover_dependents.py by .ci/generate_sync.py; do not edit.
"""Marks of dependents, where a state and what depends on it have lost their documents both."""
import pytest

from tai_state import BackendStore, StateMachinePersister
from tai_state.documents import Delete
from tai_state.layout import ID_BYTES_MAX, state_layout
from tests._sync.dependents import marks
from tests._sync.machines import COUNTER
from tests._sync.recovery.damages import write
from tests._sync.stores import WrappedBackend, alter, plant

TOO_LONG = "x" * (ID_BYTES_MAX + 1)
HURTS = ["missing", "damaged"]


def hurt(store, state_id, hurt):
    """Take a state's document away, or damage it together with its marks."""
    path = state_layout("g", state_id).state
    if hurt == "missing":
        write(store, Delete(path))
    else:
        plant(store, path, data=5, dependents=None)


@pytest.mark.parametrize("hurt_dependent", HURTS)
@pytest.mark.parametrize("hurt_dependency", HURTS)
@pytest.mark.parametrize(("dependency", "dependent"), [("a", "b"), ("b", "a")], ids=["before", "behind"])
def test_one_run_brings_back_the_marks_of_states_that_were_lost_together(
    store, dependency, dependent, hurt_dependency, hurt_dependent
):
    """Whichever is mended first; a second run finds nothing."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", dependency, {"n": 0})
    persister.start("g", dependent, {"n": 0}, depends_on=[dependency])
    hurt(store, dependency, hurt_dependency)
    hurt(store, dependent, hurt_dependent)
    assert (persister.recover("g")).unresolved == []
    assert marks(store, dependency) == {dependent: "counter"}
    again = persister.recover("g")
    assert (again.repaired, again.unresolved) == ([], [])


def test_a_state_that_a_damaged_receipt_held_back_is_rebuilt_once_that_is_mended(store):
    """What receipts tell is read again where one of them was mended, in the same run."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0}, idempotency_key="k")
    persister.start("g", "t", {"n": 0}, idempotency_key="k")
    for state_id in ("s", "t"):
        plant(store, state_layout("g", state_id).receipt("k"), version=7)
        hurt(store, state_id, "missing")
    report = persister.recover("g")
    assert sorted(one.kind for one in report.repaired) == ["corrupt_receipt"] * 2 + ["state_missing"] * 2
    assert report.unresolved == []


class StartingBackend(WrappedBackend):
    """Lets somebody start a state that depends on z right before the first commit."""

    def __init__(self, inner, persister):
        super().__init__(inner)
        self.persister = persister

    def commit(self, writes, *, timeout):
        persister, self.persister = self.persister, None
        if persister is not None:
            persister.start("g", "late", {"n": 0}, depends_on=["z"])
        return super().commit(writes, timeout=timeout)


def test_a_dependent_that_starts_during_the_run_keeps_its_mark(place):
    """What is known of dependents was read before it started; the document of the state names it."""
    store = place.store()
    persister = StateMachinePersister(store, COUNTER)
    for state_id in ("a", "z"):
        persister.start("g", state_id, {"n": 0})
    hurt(store, "a", "damaged")
    alter(store, state_layout("g", "z"), data={"n": 99})
    other = StateMachinePersister(place.store(), COUNTER)
    backend = StartingBackend(store.runtime.access.backend, other)
    recovering = StateMachinePersister(BackendStore(backend, actor="tester"), COUNTER)
    report = recovering.recover("g")
    assert [(one.kind, one.state_id) for one in report.repaired] == [("corrupt_state", "a"), ("state_mismatch", "z")]
    assert marks(store, "z") == {"late": "counter"}


def test_marks_of_dependents_that_are_none_are_not_brought_back(store):
    """One that was deleted, does not depend on the state, never was, or could never be: their documents tell."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    persister.start("g", "gone", {"n": 0}, depends_on=["s"])
    persister.start("g", "other", {"n": 0})
    store.delete_state("g", "gone")
    named = {"gone": "counter", "other": "counter", "never": "counter", TOO_LONG: "counter"}
    plant(store, state_layout("g", "s").state, data=5, dependents=named)
    assert (persister.recover("g")).unresolved == []
    assert marks(store, "s") == {}
