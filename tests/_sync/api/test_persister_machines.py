# Generated from tests/_async/api/test_persister_machines.py by .ci/generate_sync.py; do not edit.
"""Which machine may move a state: another one, an older one, and that of a newer schema."""
import pytest

from tai_state import (
    StateMachinePersister,
    Machine,
    MachineVersionError,
    PersistenceConfig,
    SchemaVersionError,
    Transition,
    TransitionNotAllowedError,
)
from tests._sync.machines import COUNTER, added
from tests._sync.stores import contents


@pytest.fixture
def counter(store):
    return StateMachinePersister(store, COUNTER)


def test_another_machine_may_not_move_a_state(counter, store):
    """Both are named, and nothing is written."""
    counter.start("g", "s")
    other = StateMachinePersister(
        store, Machine("other", "open", [Transition("add", "open", "open", apply=added)])
    )
    before = contents(store)
    with pytest.raises(MachineVersionError) as caught:
        other.transition("g", "s", "add")
    assert (caught.value.stored, caught.value.ours) == ("counter@1", "other@1")
    assert contents(store) == before


def test_an_older_machine_may_not_move_what_a_newer_one_moved(counter, store):
    """The newer one takes over what the older one made, and not the other way round."""
    newer = StateMachinePersister(store, Machine("counter", "open", COUNTER.transitions, version=2))
    counter.start("g", "s")
    assert (newer.transition("g", "s", "add")).snapshot.machine_version == 2
    with pytest.raises(MachineVersionError) as caught:
        counter.transition("g", "s", "add")
    assert (caught.value.stored, caught.value.ours) == ("counter@2", "counter@1")


def test_a_saved_state_may_be_taken_over_by_a_machine(counter, store):
    """A state without a machine is moved where the machine knows its status."""
    store.save_state("g", "s", {"n": 1}, status="open")
    assert (counter.transition("g", "s", "add")).snapshot.data == {"n": 2}
    store.save_state("g", "t", {}, status="unheard of")
    with pytest.raises(TransitionNotAllowedError):
        counter.transition("g", "t", "add")


def test_data_of_a_newer_schema_is_refused(store):
    """A persister of an older schema changes nothing that a newer one wrote."""
    newer = StateMachinePersister(store, COUNTER, PersistenceConfig(schema_version=2))
    older = StateMachinePersister(store, COUNTER)
    assert (newer.start("g", "s")).snapshot.schema_version == 2
    before = contents(store)
    with pytest.raises(SchemaVersionError) as caught:
        older.transition("g", "s", "add")
    assert (caught.value.stored, caught.value.ours) == (2, 1)
    assert contents(store) == before
    assert (newer.transition("g", "s", "add")).version == 2


def test_no_function_of_a_machine_sees_data_of_a_newer_schema(store):
    """It would not know what it reads: the data is refused before guard and reducer run."""
    seen: list[dict[str, object]] = []

    def noted(data, _):
        seen.append(data)
        return data

    machine = Machine("noting", "open", [Transition("note", "open", "open", apply=noted)])
    StateMachinePersister(store, machine, PersistenceConfig(schema_version=2)).start("g", "s", {"n": 1})
    with pytest.raises(SchemaVersionError):
        StateMachinePersister(store, machine).transition("g", "s", "note")
    assert seen == []
