"""Machines of other libraries as a machine of ours, to be checked and drawn."""

import pytest
from statemachine import State, StateMachine
from transitions import Machine as TheirMachine

from tai_state import ConfigurationError, InvalidMachineError, Transition
from tai_state.adapters import statemachine, transitions
from tests.charts import Delivery, Order
from tests.triggers import matter_machine, player_machine


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
        "state 'packing' is compound",
        "state 'billing' is compound",
    ]


def test_a_machine_of_transitions():
    """Its states, triggers and conditions by name, without the triggers that it makes itself."""
    machine = transitions.machine_from(matter_machine(), name="matter")
    assert (machine.name, machine.initial) == ("matter", "solid")
    assert shape(machine) == [
        ("melt", "solid", "liquid", "is_warm"),
        ("boil", "liquid", "gas", None),
        ("cool", "solid", "solid", None),
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
    """States within states, by their names."""
    with pytest.raises(InvalidMachineError) as caught:
        transitions.machine_from(player_machine())
    assert [str(problem).partition(":")[0] for problem in caught.value.problems] == ["state 'on' has states within it"]


@pytest.mark.parametrize("wrong", [3, StateMachine, Transition])
def test_what_is_no_machine_is_refused(wrong):
    """By either."""
    with pytest.raises(ConfigurationError):
        statemachine.machine_from(wrong)
    with pytest.raises(ConfigurationError):
        transitions.machine_from(wrong)
