"""The label of a state's data says what the data is, whoever writes."""

import pytest
from pydantic import BaseModel

from tai_state import (
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    Machine,
    PersistenceConfig,
    SchemaVersionError,
    Transition,
)
from tests._async.stores import async_contents

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
    return AsyncStateMachinePersister(store, DOOR, PersistenceConfig(schema_version=version))


async def async_label_of(store, state_id="s"):
    """Return the label of a state, which its last event has, too."""
    (state,) = [one async for one in store.list_states("g", include_deleted=True) if one.state_id == state_id]
    (event,) = [one async for one in store.get_events("g", state_id, after=state.version - 1)]
    assert event.schema_version == state.schema_version
    return state.schema_version


async def test_a_store_changes_and_deletes_data_of_any_schema(store):
    """It does not look into the data, so that no schema shuts it out; the label stays."""
    await persister_of(store, 2).start("g", "s", {"n": 1})
    changes = [
        lambda: store.save_state("g", "s", {"n": 2}),
        lambda: store.update_state("g", "s", {"n": 3}, 2),
        lambda: store.delete_state("g", "s"),
    ]
    for change in changes:
        await change()
        assert await async_label_of(store) == 2
    await store.save_state("g", "s", {"n": 4})
    assert await async_label_of(store) == 1


async def test_a_transaction_changes_and_deletes_data_of_any_schema(store):
    """As the store does."""
    await persister_of(store, 2).start("g", "s", {"n": 1})

    async def body(tx):
        await tx.save_state("g", "s", {"n": 2})
        await tx.update_state("g", "s", {"n": 3}, 2)
        await tx.delete_state("g", "s")

    await AsyncTransactionManager(store).run(body)
    assert [one.schema_version async for one in store.get_events("g", "s")] == [2, 2, 2, 2]


async def test_a_move_without_a_reducer_relabels_nothing(store):
    """The data is what it was."""
    await persister_of(store, 1).start("g", "s", {"n": 1})
    newer = persister_of(store, 2)
    assert (await newer.transition("g", "s", "open")).snapshot.schema_version == 1
    assert await async_label_of(store) == 1


async def test_a_reducer_makes_data_of_its_own_schema(store):
    """What it returns is what this code makes."""
    await persister_of(store, 1).start("g", "s", {"n": 1})
    assert (await persister_of(store, 2).transition("g", "s", "paint", "red")).snapshot.schema_version == 2
    assert await async_label_of(store) == 2


async def test_a_rollback_brings_the_label_back_with_the_data(store):
    """Version 1 data is labelled so, also by a newer persister."""
    await persister_of(store, 1).start("g", "s", {"n": 1})
    newer = persister_of(store, 2)
    await newer.transition("g", "s", "paint", "red")
    assert (await newer.rollback("g", "s", 1)).snapshot.schema_version == 1
    assert (await newer.rollback("g", "s", 2)).snapshot.schema_version == 2


async def test_a_persister_rolls_back_to_nothing_that_it_does_not_understand(store):
    """Though the state as it is may be of its own schema."""
    await persister_of(store, 2).start("g", "s", {"n": 1})
    await store.delete_state("g", "s")
    older = persister_of(store, 1)
    await older.start("g", "s", {"n": 2})
    before = await async_contents(store)
    with pytest.raises(SchemaVersionError) as caught:
        await older.rollback("g", "s", 1)
    assert (caught.value.stored, caught.value.ours) == (2, 1)
    assert await async_contents(store) == before


async def test_a_tombstone_shuts_nobody_out(store):
    """It has no data: an older persister may start the state again."""
    await persister_of(store, 2).start("g", "s", {"n": 1})
    await store.delete_state("g", "s")
    assert (await persister_of(store, 1).start("g", "s")).snapshot.schema_version == 1


async def test_a_logged_move_is_labelled_as_its_persister_says(store):
    """Its data is given anew."""
    await persister_of(store, 1).start("g", "s", {"n": 1})
    result = await persister_of(store, 2).log_transition("g", "s", "seen", to_status="open", data={"n": 2})
    assert result.snapshot.schema_version == 2


@pytest.mark.parametrize(("action", "label"), [("open", 2), ("brace", 1)])
async def test_a_reaction_is_labelled_as_a_move_is(store, action, label):
    """With a reducer by the persister's schema, without one as before."""
    older, newer = persister_of(store, 1), persister_of(store, 2)
    await older.start("g", "s", {"n": 1})
    await older.start("g", "t", {"n": 1}, depends_on=["s"])
    await newer.transition("g", "s", action)
    assert (await async_label_of(store), await async_label_of(store, "t")) == (1, label)


class Door(BaseModel):
    colour: str = "white"


async def test_a_started_state_is_labelled_as_its_persister_says(store):
    """The defaults of the model are part of the data."""
    machine: Machine[Door] = Machine("painted", "shut", [Transition("open", "shut", "open")], data_type=Door)
    persister = AsyncStateMachinePersister(store, machine, PersistenceConfig(schema_version=3))
    assert (await persister.start("g", "s", Door())).snapshot.schema_version == 3
    assert await async_label_of(store) == 3
