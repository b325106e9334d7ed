# Generated from tests/_async/api/test_machine_definitions.py by .ci/generate_sync.py; do not edit.
"""Machines of one name: a newer version is kept out of an older one's reach, another definition is told."""
import logging
from datetime import timedelta

import pytest

from tai_state import (
    StateMachinePersister,
    TransactionManager,
    ConfigurationError,
    Machine,
    MachineVersionError,
    Transition,
    TransitionNotAllowedError,
    check_machines,
    verify,
)
from tai_state.layout import state_layout
from tests._sync.stores import contents, plant, in_memory

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
    "in a transaction": lambda doors: TransactionManager(doors.store).run(
        lambda tx: tx.transition(doors, "g", "s", "open")
    ),
    "a log": lambda doors: doors.log_transition("g", "s", "seen", to_status="open", data={}),
    "a rollback": lambda doors: doors.rollback("g", "s", 2),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_older_definition_moves_nothing_that_a_newer_one_moved(store, name):
    """However it tries; nothing is written."""
    StateMachinePersister(store, DOOR).start("g", "s")
    newer = StateMachinePersister(store, NEWER)
    newer.transition("g", "s", "open")
    newer.transition("g", "s", "shut")
    before = contents(store)
    with pytest.raises(MachineVersionError) as caught:
        CHANGES[name](StateMachinePersister(store, DOOR))
    assert (caught.value.stored, caught.value.ours) == ("door@2", "door@1")
    assert contents(store) == before


def test_another_definition_of_one_version_is_told_once(store, warnings):
    """By each persister, however many states it moves, and also where the move is refused then."""
    other = StateMachinePersister(store, DOOR)
    for each in ("s", "t"):
        other.start("g", each)
    assert warnings() == []
    doors = StateMachinePersister(store, EXTENDED)
    with pytest.raises(TransitionNotAllowedError):
        doors.transition("g", "s", "shut")
    doors.transition("g", "s", "open")
    doors.transition("g", "t", "open")
    (record,) = warnings()
    assert (record.name, record.levelname) == ("tai_state", "WARNING")
    assert (record.governor_id, record.state_id, record.version, record.machine) == ("g", "s", 1, "door@1")
    assert (record.stored_fingerprint, record.fingerprint) == (DOOR.fingerprint, EXTENDED.fingerprint)
    assert "raise its version" in record.getMessage()
    StateMachinePersister(store, DOOR).transition("g", "t", "shut")
    assert len(warnings()) == 2


@in_memory
def test_a_transaction_and_a_reaction_tell_it_too(store, warnings):
    """Each machine of a persister for itself."""

    def leaf(*more):
        return Machine("leaf", "still", [Transition("stir", "still", "still"), *more], on_dependency={"open": "stir"})

    first = StateMachinePersister(store, leaf(), machines=[DOOR])
    StateMachinePersister(store, DOOR).start("g", "s")
    first.start("g", "l", depends_on=["s"])
    doors = StateMachinePersister(store, EXTENDED, machines=[leaf(Transition("fall", "still", "fallen"))])
    TransactionManager(store).run(lambda tx: tx.transition(doors, "g", "s", "open"))
    assert sorted(one.machine for one in warnings()) == ["door@1", "leaf@1"]


@in_memory
def test_who_says_when_something_is_due_tells_it_too(store, warnings):
    """And who takes that back."""
    StateMachinePersister(store, DOOR).start("g", "s")
    doors = StateMachinePersister(store, EXTENDED)
    doors.schedule("g", "s", "open", after=timedelta(hours=1))
    assert [one.machine for one in warnings()] == ["door@1"]
    again = StateMachinePersister(store, EXTENDED)
    again.unschedule("g", "s")
    assert len(warnings()) == 2


@in_memory
@pytest.mark.parametrize("ours", [NEWER, Machine("door", "shut", MOVES)])
def test_a_newer_version_and_an_equal_definition_are_no_news(store, warnings, ours):
    """The one is what a version is for, the other is the same."""
    StateMachinePersister(store, DOOR).start("g", "s")
    StateMachinePersister(store, ours).transition("g", "s", "open")
    assert warnings() == []


def two_definitions(store):
    """Three states that one definition of a machine moved last, one that another did, and others."""
    doors = StateMachinePersister(store, DOOR)
    for each in ("a", "b", "c"):
        doors.start("g", each)
    StateMachinePersister(store, EXTENDED).start("h", "odd")
    StateMachinePersister(store, NEWER).start("h", "newer")
    store.save_state("h", "plain", {})


def test_two_definitions_of_one_version_are_found(store):
    """Once for each version, with how many states each of them moved, and one of the fewest."""
    two_definitions(store)
    (found,) = check_machines(store)
    assert (found.kind, found.state_id, found.version) == ("machine_redefined", "odd", 1)
    assert found.path == str(state_layout("h", "odd").state)
    first, second = sorted([DOOR.fingerprint[:12], EXTENDED.fingerprint[:12]])
    assert found.message.startswith(f"machine door@1 has 2 definitions: {first}, which moved ")
    assert f"{DOOR.fingerprint[:12]}, which moved 3 states last, such as 'a' of governor 'g'" in found.message
    assert f"{EXTENDED.fingerprint[:12]}, which moved 1 state last, such as 'odd' of governor 'h'" in found.message
    assert second in found.message
    assert [one.problems for one in verify(store)] == [[], [], []], "the states are sound"


@in_memory
def test_the_definition_that_is_known_here_counts(store):
    """Though it moved no state yet."""
    two_definitions(store)
    assert check_machines(store, "g") == []
    assert check_machines(store, "g", machines=[DOOR, Machine("other", "on", [])]) == []
    (found,) = check_machines(store, "g", machines=[EXTENDED])
    assert f"{EXTENDED.fingerprint[:12]}, the one known here, which moved no state last" in found.message
    assert (found.state_id, found.version) == ("a", 1)
    (found,) = check_machines(store, machines=[EXTENDED])
    assert found.state_id == "a", "of those of the other definition, though there are fewer of ours"
    with pytest.raises(ConfigurationError, match="two different machines"):
        check_machines(store, machines=[DOOR, EXTENDED])


@in_memory
def test_what_cannot_be_read_is_passed_over(store):
    """Another check tells it."""
    two_definitions(store)
    plant(store, state_layout("h", "odd").state, causality="damaged")
    assert check_machines(store) == []
