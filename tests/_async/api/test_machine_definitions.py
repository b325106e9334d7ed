"""Machines of one name: a newer version is kept out of an older one's reach, another definition is told."""

import logging
from datetime import timedelta

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    ConfigurationError,
    Machine,
    MachineVersionError,
    Transition,
    TransitionNotAllowedError,
    async_check_machines,
    async_verify,
)
from tai_state.layout import state_layout
from tests._async.stores import async_contents, async_plant, in_memory

MOVES = [Transition("open", "shut", "open"), Transition("shut", "open", "shut")]
DOOR = Machine("door", "shut", MOVES)
EXTENDED = Machine("door", "shut", [*MOVES, Transition("lock", "shut", "locked")])
NEWER = Machine("door", "shut", [*MOVES, Transition("lock", "shut", "locked")], version=2)


@pytest.fixture
def warnings(caplog):
    """The records of machines with another definition."""
    caplog.set_level(logging.WARNING, logger="tai_state")

    def of():
        return [record for record in caplog.records if getattr(record, "event", None) == "machine_redefined"]

    return of


CHANGES = {
    "a move": lambda doors: doors.transition("g", "s", "open"),
    "a status": lambda doors: doors.update_status("g", "s", "open"),
    "in a transaction": lambda doors: AsyncTransactionManager(doors.store).run(
        lambda tx: tx.transition(doors, "g", "s", "open")
    ),
    "a log": lambda doors: doors.log_transition("g", "s", "seen", to_status="open", data={}),
    "a rollback": lambda doors: doors.rollback("g", "s", 2),
}


@pytest.mark.parametrize("name", CHANGES)
async def test_an_older_definition_moves_nothing_that_a_newer_one_moved(store, name):
    """However it tries; nothing is written."""
    await AsyncStateMachinePersister(store, DOOR).start("g", "s")
    newer = AsyncStateMachinePersister(store, NEWER)
    await newer.transition("g", "s", "open")
    await newer.transition("g", "s", "shut")
    before = await async_contents(store)
    with pytest.raises(MachineVersionError) as caught:
        await CHANGES[name](AsyncStateMachinePersister(store, DOOR))
    assert (caught.value.stored, caught.value.ours) == ("door@2", "door@1")
    assert await async_contents(store) == before


async def test_another_definition_of_one_version_is_told_once(store, warnings):
    """By each persister, however many states it moves, and also where the move is refused then."""
    other = AsyncStateMachinePersister(store, DOOR)
    for each in ("s", "t"):
        await other.start("g", each)
    assert warnings() == []
    doors = AsyncStateMachinePersister(store, EXTENDED)
    with pytest.raises(TransitionNotAllowedError):
        await doors.transition("g", "s", "shut")
    await doors.transition("g", "s", "open")
    await doors.transition("g", "t", "open")
    (record,) = warnings()
    assert (record.name, record.levelname) == ("tai_state", "WARNING")
    assert (record.governor_id, record.state_id, record.version, record.machine) == ("g", "s", 1, "door@1")
    assert (record.stored_fingerprint, record.fingerprint) == (DOOR.fingerprint, EXTENDED.fingerprint)
    assert "raise its version" in record.getMessage()
    await AsyncStateMachinePersister(store, DOOR).transition("g", "t", "shut")
    assert len(warnings()) == 2


@in_memory
async def test_a_transaction_and_a_reaction_tell_it_too(store, warnings):
    """Each machine of a persister for itself."""

    def leaf(*more):
        return Machine("leaf", "still", [Transition("stir", "still", "still"), *more], on_dependency={"open": "stir"})

    first = AsyncStateMachinePersister(store, leaf(), machines=[DOOR])
    await AsyncStateMachinePersister(store, DOOR).start("g", "s")
    await first.start("g", "l", depends_on=["s"])
    doors = AsyncStateMachinePersister(store, EXTENDED, machines=[leaf(Transition("fall", "still", "fallen"))])
    await AsyncTransactionManager(store).run(lambda tx: tx.transition(doors, "g", "s", "open"))
    assert sorted(one.machine for one in warnings()) == ["door@1", "leaf@1"]


@in_memory
async def test_who_says_when_something_is_due_tells_it_too(store, warnings):
    """And who takes that back."""
    await AsyncStateMachinePersister(store, DOOR).start("g", "s")
    doors = AsyncStateMachinePersister(store, EXTENDED)
    await doors.schedule("g", "s", "open", after=timedelta(hours=1))
    assert [one.machine for one in warnings()] == ["door@1"]
    again = AsyncStateMachinePersister(store, EXTENDED)
    await again.unschedule("g", "s")
    assert len(warnings()) == 2


@in_memory
@pytest.mark.parametrize("ours", [NEWER, Machine("door", "shut", MOVES)])
async def test_a_newer_version_and_an_equal_definition_are_no_news(store, warnings, ours):
    """The one is what a version is for, the other is the same."""
    await AsyncStateMachinePersister(store, DOOR).start("g", "s")
    await AsyncStateMachinePersister(store, ours).transition("g", "s", "open")
    assert warnings() == []


async def async_two_definitions(store):
    """Three states that one definition of a machine moved last, one that another did, and others."""
    doors = AsyncStateMachinePersister(store, DOOR)
    for each in ("a", "b", "c"):
        await doors.start("g", each)
    await AsyncStateMachinePersister(store, EXTENDED).start("h", "odd")
    await AsyncStateMachinePersister(store, NEWER).start("h", "newer")
    await store.save_state("h", "plain", {})


async def test_two_definitions_of_one_version_are_found(store):
    """Once for each version, with how many states each of them moved, and one of the fewest."""
    await async_two_definitions(store)
    (found,) = await async_check_machines(store)
    assert (found.kind, found.state_id, found.version) == ("machine_redefined", "odd", 1)
    assert found.path == str(state_layout("h", "odd").state)
    first, second = sorted([DOOR.fingerprint[:12], EXTENDED.fingerprint[:12]])
    assert found.message.startswith(f"machine door@1 has 2 definitions: {first}, which moved ")
    assert f"{DOOR.fingerprint[:12]}, which moved 3 states last, such as 'a' of governor 'g'" in found.message
    assert f"{EXTENDED.fingerprint[:12]}, which moved 1 state last, such as 'odd' of governor 'h'" in found.message
    assert second in found.message
    assert [one.problems async for one in async_verify(store)] == [[], [], []], "the states are sound"


@in_memory
async def test_the_definition_that_is_known_here_counts(store):
    """Though it moved no state yet."""
    await async_two_definitions(store)
    assert await async_check_machines(store, "g") == []
    assert await async_check_machines(store, "g", machines=[DOOR, Machine("other", "on", [])]) == []
    (found,) = await async_check_machines(store, "g", machines=[EXTENDED])
    assert f"{EXTENDED.fingerprint[:12]}, the one known here, which moved no state last" in found.message
    assert (found.state_id, found.version) == ("a", 1)
    (found,) = await async_check_machines(store, machines=[EXTENDED])
    assert found.state_id == "a", "of those of the other definition, though there are fewer of ours"
    with pytest.raises(ConfigurationError, match="two different machines"):
        await async_check_machines(store, machines=[DOOR, EXTENDED])


@in_memory
async def test_what_cannot_be_read_is_passed_over(store):
    """Another check tells it."""
    await async_two_definitions(store)
    await async_plant(store, state_layout("h", "odd").state, causality="damaged")
    assert await async_check_machines(store) == []
