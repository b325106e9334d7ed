"""Machines of other libraries as a machine of ours, to be checked and drawn."""

from typing import Any

import pytest
from statemachine import State, StateChart, StateMachine
from transitions import Machine as TheirMachine
from transitions.extensions import HierarchicalMachine

from tai_state import ConfigurationError, InvalidMachineError, Transition, TransitionNotAllowedError
from tai_state.adapters import statemachine, transitions
from tests.charts import Delivery, Order
from tests.triggers import Matter, matter_machine, player_machine


def shape(machine):
    return [(one.action, one.source, one.target, one.guard_name) for one in machine.transitions]


def test_a_class_of_python_statemachine():
    """Its states, events and guards by name, and what is final."""
    machine = statemachine.machine_from(Order, version=3)
    assert (machine.name, machine.version, machine.initial, machine.terminal) == ("Order", 3, "draft", ("shipped",))
    assert shape(machine) == [("pay", "draft", "paid", "is_enough"), ("ship", "paid", "shipped", None)]
    assert "draft --> paid : pay [is_enough]" in machine.to_mermaid()


def test_guards_of_both_kinds_and_moves_without_a_target():
    """Each guard has its name; a transition that stays is one to its own state."""

    class Guarded(StateMachine):
        a = State(initial=True)
        b = State()
        go = a.to(b, cond=["one", "two"], unless="three") | b.to(a)
        stay = a.to.itself(internal=True)

        def one(self): ...
        def two(self): ...
        def three(self): ...

    assert shape(statemachine.machine_from(Guarded)) == [
        ("go", "a", "b", "one and two and !three"),
        ("stay", "a", "a", None),
        ("go", "b", "a", None),
    ]


def test_what_python_statemachine_has_beyond_is_named():
    """Every state that is several, by its id."""
    with pytest.raises(InvalidMachineError) as caught:
        statemachine.machine_from(Delivery)
    assert [str(problem).partition(":")[0] for problem in caught.value.problems] == [
        "state 'work' is parallel",
        "state 'work' has a history",
    ]


def test_a_machine_of_transitions():
    """Its states, triggers and conditions by name, without the triggers that it makes itself."""
    machine = transitions.machine_from(matter_machine(), name="matter")
    assert (machine.name, machine.initial) == ("matter", "solid")
    assert shape(machine) == [
        ("melt", "solid", "liquid", "is_warm"),
        ("cool", "solid", "solid", None),
        ("boil", "liquid", "gas", None),
        ("cool", "liquid", "solid", None),
        ("cool", "gas", "solid", None),
    ]
    loud = TheirMachine(None, ["a", "b"], initial="a", transitions=[["go", "a", "b"]])
    loud.add_transition("back", "b", "a", unless="is_late", conditions=["is_ready"])
    assert shape(transitions.machine_from(loud)) == [
        ("go", "a", "b", None),
        ("back", "b", "a", "is_ready and not is_late"),
    ]


def test_what_transitions_has_beyond_is_named():
    """What is parallel, by its name."""
    with pytest.raises(InvalidMachineError) as caught:
        transitions.machine_from(player_machine())
    assert [str(problem).partition(":")[0] for problem in caught.value.problems] == ["state 'on' is parallel"]


class Trip(StateChart[Any]):
    home = State(initial=True)

    class away(State.Compound):  # noqa: D106, N801 - the state's id
        class train(State.Compound):  # noqa: D106, N801 - as above
            seated = State(initial=True)
            standing = State()
            rise = seated.to(standing)
            sit = standing.to(seated)

        walking = State()
        alight = train.to(walking)
        board = walking.to(train)
        rise = train.to(walking)

    lost = State(final=True)
    leave = home.to(away)
    back = away.to(home)
    lose = away.to(lost) | home.to(lost)
    allow_event_without_transition = False


def test_states_within_states_of_python_statemachine_move_as_the_library_does():
    """By each event from each status, whatever is inherited, shadowed or entered with it; by the names as stored."""
    machine, definition = statemachine.machine_from(Trip), statemachine.StatechartDefinition(Trip)
    assert set(machine.statuses) == {"home", "lost", "away+seated+train", "away+standing+train", "away+walking"}
    for status in machine.statuses:
        for action in ("leave", "back", "lose", "rise", "sit", "alight", "board"):
            assert outcome(machine, status, action) == moved(definition, status, action), (status, action)


def test_states_within_states_of_transitions_move_as_the_library_does():
    """By each trigger from each status, those in states themselves included."""
    inner = {
        "name": "train",
        "children": ["seated", "standing"],
        "initial": "seated",
        "transitions": [["rise", "seated", "standing"], ["sit", "standing", "seated"]],
    }
    away = {
        "name": "away",
        "children": [inner, "walking"],
        "initial": "train",
        "transitions": [["alight", "train", "walking"]],
    }
    machine = HierarchicalMachine(
        None, ["home", away, {"name": "lost", "final": True}], initial="home", auto_transitions=False
    )
    machine.add_transitions(
        [
            ["leave", "home", "away"],
            ["back", "away", "home"],
            ["board", "away_walking", "away_train"],
            ["rise", "away_train", "away_walking"],
            ["lose", ["away", "home"], "lost"],
        ]
    )
    ours = transitions.machine_from(machine, name="trip")
    definition = transitions.TriggerDefinition(machine, Matter, name="trip")
    assert set(ours.statuses) == {"home", "lost", "away_train_seated", "away_train_standing", "away_walking"}
    for status in ours.statuses:
        for action in ("leave", "back", "lose", "rise", "sit", "alight", "board"):
            assert outcome(ours, status, action) == moved(definition, status, action), (status, action)


def outcome(machine, status, action):
    try:
        return machine.next(status, action)
    except TransitionNotAllowedError:
        return None


def moved(definition, status, action):
    try:
        return definition.move(status, {}, action, None)[0]
    except (TransitionNotAllowedError, *definition.refusals):
        return None


@pytest.mark.parametrize("wrong", [3, StateMachine, Transition])
def test_what_is_no_machine_is_refused(wrong):
    """By either."""
    with pytest.raises(ConfigurationError):
        statemachine.machine_from(wrong)
    with pytest.raises(ConfigurationError):
        transitions.machine_from(wrong)
