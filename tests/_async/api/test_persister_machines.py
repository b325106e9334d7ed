"""Which machine may move a state: another one, an older one, and that of a newer schema."""

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    Machine,
    MachineVersionError,
    PersistenceConfig,
    SchemaVersionError,
    Transition,
    TransitionNotAllowedError,
)
from tests._async.machines import COUNTER, added
from tests._async.stores import async_contents


@pytest.fixture
async def counter(store):
    return AsyncStateMachinePersister(store, COUNTER)


async def test_another_machine_may_not_move_a_state(counter, store):
    """Both are named, and nothing is written."""
    await counter.start("g", "s")
    other = AsyncStateMachinePersister(
        store, Machine("other", "open", [Transition("add", "open", "open", apply=added)])
    )
    before = await async_contents(store)
    with pytest.raises(MachineVersionError) as caught:
        await other.transition("g", "s", "add")
    assert (caught.value.stored, caught.value.ours) == ("counter@1", "other@1")
    assert await async_contents(store) == before


async def test_an_older_machine_may_not_move_what_a_newer_one_moved(counter, store):
    """The newer one takes over what the older one made, and not the other way round."""
    newer = AsyncStateMachinePersister(store, Machine("counter", "open", COUNTER.transitions, version=2))
    await counter.start("g", "s")
    assert (await newer.transition("g", "s", "add")).snapshot.machine_version == 2
    with pytest.raises(MachineVersionError) as caught:
        await counter.transition("g", "s", "add")
    assert (caught.value.stored, caught.value.ours) == ("counter@2", "counter@1")


async def test_a_saved_state_may_be_taken_over_by_a_machine(counter, store):
    """A state without a machine is moved where the machine knows its status."""
    await store.save_state("g", "s", {"n": 1}, status="open")
    assert (await counter.transition("g", "s", "add")).snapshot.data == {"n": 2}
    await store.save_state("g", "t", {}, status="unheard of")
    with pytest.raises(TransitionNotAllowedError):
        await counter.transition("g", "t", "add")


async def test_data_of_a_newer_schema_is_refused(store):
    """A persister of an older schema changes nothing that a newer one wrote."""
    newer = AsyncStateMachinePersister(store, COUNTER, PersistenceConfig(schema_version=2))
    older = AsyncStateMachinePersister(store, COUNTER)
    assert (await newer.start("g", "s")).snapshot.schema_version == 2
    before = await async_contents(store)
    with pytest.raises(SchemaVersionError) as caught:
        await older.transition("g", "s", "add")
    assert (caught.value.stored, caught.value.ours) == (2, 1)
    assert await async_contents(store) == before
    assert (await newer.transition("g", "s", "add")).version == 2


async def test_no_function_of_a_machine_sees_data_of_a_newer_schema(store):
    """It would not know what it reads: the data is refused before guard and reducer run."""
    seen: list[dict[str, object]] = []

    def noted(data, _):
        seen.append(data)
        return data

    machine = Machine("noting", "open", [Transition("note", "open", "open", apply=noted)])
    await AsyncStateMachinePersister(store, machine, PersistenceConfig(schema_version=2)).start("g", "s", {"n": 1})
    with pytest.raises(SchemaVersionError):
        await AsyncStateMachinePersister(store, machine).transition("g", "s", "note")
    assert seen == []
