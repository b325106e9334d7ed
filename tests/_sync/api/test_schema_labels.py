# Generated from tests/_async/api/test_schema_labels.py by .ci/generate_sync.py; do not edit.
"""The label of a state's data says what the data is, whoever writes."""
import pytest
from pydantic import BaseModel

from tai_state import (
    StateMachinePersister,
    TransactionManager,
    Machine,
    PersistenceConfig,
    SchemaVersionError,
    Transition,
)
from tests._sync.stores import contents

DOOR = Machine(
    "door",
    "shut",
    [
        Transition("open", "shut", "open"),
        Transition("paint", "shut", "shut", apply=lambda data, payload: {"colour": payload}),
        Transition("slam", ("shut", "open"), "shut", apply=lambda data, _: {**data, "slammed": True}),
        Transition("brace", ("shut", "open"), "braced"),
    ],
    on_dependency={"open": "slam", "braced": "brace"},
)


def persister_of(store, version):
    return StateMachinePersister(store, DOOR, PersistenceConfig(schema_version=version))


def label_of(store, state_id="s"):
    """Return the label of a state, which its last event has, too."""
    (state,) = [one for one in store.list_states("g", include_deleted=True) if one.state_id == state_id]
    (event,) = [one for one in store.get_events("g", state_id, after=state.version - 1)]
    assert event.schema_version == state.schema_version
    return state.schema_version


def test_a_store_changes_and_deletes_data_of_any_schema(store):
    """It does not look into the data, so that no schema shuts it out; the label stays."""
    persister_of(store, 2).start("g", "s", {"n": 1})
    changes = [
        lambda: store.save_state("g", "s", {"n": 2}),
        lambda: store.update_state("g", "s", {"n": 3}, 2),
        lambda: store.delete_state("g", "s"),
    ]
    for change in changes:
        change()
        assert label_of(store) == 2
    store.save_state("g", "s", {"n": 4})
    assert label_of(store) == 1


def test_a_transaction_changes_and_deletes_data_of_any_schema(store):
    """As the store does."""
    persister_of(store, 2).start("g", "s", {"n": 1})

    def body(tx):
        tx.save_state("g", "s", {"n": 2})
        tx.update_state("g", "s", {"n": 3}, 2)
        tx.delete_state("g", "s")

    TransactionManager(store).run(body)
    assert [one.schema_version for one in store.get_events("g", "s")] == [2, 2, 2, 2]


def test_a_move_without_a_reducer_relabels_nothing(store):
    """The data is what it was."""
    persister_of(store, 1).start("g", "s", {"n": 1})
    newer = persister_of(store, 2)
    assert (newer.transition("g", "s", "open")).snapshot.schema_version == 1
    assert label_of(store) == 1


def test_a_reducer_makes_data_of_its_own_schema(store):
    """What it returns is what this code makes."""
    persister_of(store, 1).start("g", "s", {"n": 1})
    assert (persister_of(store, 2).transition("g", "s", "paint", "red")).snapshot.schema_version == 2
    assert label_of(store) == 2


def test_a_rollback_brings_the_label_back_with_the_data(store):
    """Version 1 data is labelled so, also by a newer persister."""
    persister_of(store, 1).start("g", "s", {"n": 1})
    newer = persister_of(store, 2)
    newer.transition("g", "s", "paint", "red")
    assert (newer.rollback("g", "s", 1)).snapshot.schema_version == 1
    assert (newer.rollback("g", "s", 2)).snapshot.schema_version == 2


def test_a_persister_rolls_back_to_nothing_that_it_does_not_understand(store):
    """Though the state as it is may be of its own schema."""
    persister_of(store, 2).start("g", "s", {"n": 1})
    store.delete_state("g", "s")
    older = persister_of(store, 1)
    older.start("g", "s", {"n": 2})
    before = contents(store)
    with pytest.raises(SchemaVersionError) as caught:
        older.rollback("g", "s", 1)
    assert (caught.value.stored, caught.value.ours) == (2, 1)
    assert contents(store) == before


def test_a_tombstone_shuts_nobody_out(store):
    """It has no data: an older persister may start the state again."""
    persister_of(store, 2).start("g", "s", {"n": 1})
    store.delete_state("g", "s")
    assert (persister_of(store, 1).start("g", "s")).snapshot.schema_version == 1


def test_a_logged_move_is_labelled_as_its_persister_says(store):
    """Its data is given anew."""
    persister_of(store, 1).start("g", "s", {"n": 1})
    result = persister_of(store, 2).log_transition("g", "s", "seen", to_status="open", data={"n": 2})
    assert result.snapshot.schema_version == 2


@pytest.mark.parametrize(("action", "label"), [("open", 2), ("brace", 1)])
def test_a_reaction_is_labelled_as_a_move_is(store, action, label):
    """With a reducer by the persister's schema, without one as before."""
    older, newer = persister_of(store, 1), persister_of(store, 2)
    older.start("g", "s", {"n": 1})
    older.start("g", "t", {"n": 1}, depends_on=["s"])
    newer.transition("g", "s", action)
    assert (label_of(store), label_of(store, "t")) == (1, label)


class Door(BaseModel):
    colour: str = "white"


def test_a_started_state_is_labelled_as_its_persister_says(store):
    """The defaults of the model are part of the data."""
    machine: Machine[Door] = Machine("painted", "shut", [Transition("open", "shut", "open")], data_type=Door)
    persister = StateMachinePersister(store, machine, PersistenceConfig(schema_version=3))
    assert (persister.start("g", "s", Door())).snapshot.schema_version == 3
    assert label_of(store) == 3
