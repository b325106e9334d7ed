"""The explorer finds what a machine can come to, and what it cannot."""

import pickle
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from tai_state import ConfigurationError, InvalidDataError, Machine, Transition
from tai_state.due import Timeout
from tai_state.testing import ExplorationLimitError, explore


def added(data, payload):
    return {"paid": data["paid"] + payload}


def is_enough(data, _):
    return data["paid"] >= 30


def never(_, __):
    return False


TILL = Machine(
    "till",
    "open",
    [
        Transition("pay", "open", "open", lambda data, coin: data["paid"] + coin <= 40, added),
        Transition("close", "open", "paid", is_enough),
        Transition("void", "open", "void", never),
        Transition("refund", "paid", "open", lambda data, _: data["paid"] > 35, lambda data, _: {"paid": 0}),
        Transition("drop", "void", "open"),
    ],
)
COINS = {"pay": [10, 20]}
START = {"paid": 0}


def test_every_state_is_reached_once():
    """0, 10, 20, 30 and 40 while open, and 30 and 40 when paid; no matter on how many ways."""
    found = explore(TILL, START, COINS)
    assert (found.states, found.statuses, found.is_complete) == (7, {"open": 5, "paid": 2, "void": 0}, True)
    assert found.depth == 3
    assert found.moves == 2 * 3 + 1 + 2 + 1


def test_moves_that_are_never_made_are_told():
    """One whose guard never holds, and one from a status that is never reached."""
    found = explore(TILL, START, COINS)
    assert [(one.status, one.action, one.target, one.guard) for one in found.never_made] == [
        ("open", "void", "void", "never"),
        ("void", "drop", "open", None),
    ]


def test_a_dead_end_is_told_with_its_way():
    """Paid with 30, nothing leads on, and the status is not a final one."""
    found = explore(TILL, START, COINS)
    assert found.dead_end_count == 1
    (stuck,) = found.dead_ends
    assert (stuck.status, stuck.data, stuck.version) == ("paid", {"paid": 30}, 4)
    assert [step.action for step in stuck.path] == ["pay", "pay", "close"]


def test_the_way_to_a_broken_invariant_is_a_shortest_one():
    """20 and 20 come to 40, rather than four times 10."""
    found = explore(TILL, START, COINS, {"below 40": lambda state: state.data["paid"] < 40, "fine": lambda _: True})
    assert list(found.violations) == ["below 40"]
    assert not found.is_sound
    path = found.violations["below 40"].state.path
    assert [(step.action, step.payload, step.status) for step in path] == [("pay", 20, "open"), ("pay", 20, "open")]
    assert "broken: below 40: start {'paid': 0}; pay 20 -> open; pay 20 -> open; data {'paid': 40}" in str(found)


def test_an_invariant_may_assert():
    """What it says is told."""

    def small(state):
        assert state.version < 3, "too far"
        return True

    found = explore(TILL, START, COINS, [small])
    assert found.violations["small"].detail.startswith("too far")


def test_an_invariant_without_an_answer_is_refused():
    """One that forgot its return would always hold."""

    def forgetful(state) -> Any:
        assert state.version

    with pytest.raises(ConfigurationError, match="'forgetful' returned a NoneType"):
        explore(TILL, START, COINS, [forgetful])


def test_two_invariants_of_one_name_are_refused():
    """Or one would take the other's place."""
    with pytest.raises(ConfigurationError, match="two are called '<lambda>'"):
        explore(TILL, START, COINS, [lambda state: True, lambda state: False])


def test_an_invariant_that_changes_what_it_sees_changes_nothing():
    """Each state is the walk's own."""
    found = explore(TILL, START, COINS, {"greedy": lambda state: state.data.update(paid=1) is None})
    assert found.states == 7


def test_what_a_function_raises_is_told_with_its_way():
    """A guard that cannot do with some data is found, and the walk goes on."""
    machine = Machine("m", "a", [Transition("go", "a", "a", apply=lambda data, key: {"n": 1 / data[key]})])
    found = explore(machine, {"n": 1}, {"go": ["n", "x"]})
    assert (found.states, found.failure_count, found.is_sound) == (2, 2, False)
    assert isinstance(found.failures[0].error, KeyError)
    assert found.failures[0].payload == "x"
    assert found.dead_end_count == 0


def test_data_that_cannot_be_stored_is_a_failure():
    """As a store would refuse it."""
    machine = Machine("m", "a", [Transition("go", "a", "b", apply=lambda data, _: {"at": {1, 2}})])
    (failure,) = explore(machine).failures
    assert isinstance(failure.error, InvalidDataError)


def test_values_that_python_holds_equal_are_different_states():
    """As they are in a store: 1, 1.0 and True."""
    machine = Machine("m", "a", [Transition("set", "a", "a", apply=lambda _, value: {"n": value})])
    assert explore(machine, {"n": 1}, {"set": [1, 1.0, True]}).states == 3


def test_more_states_than_the_limit_is_an_error_with_what_was_found():
    """An endless machine ends, and what was found until then is not lost."""
    machine = Machine("m", "a", [Transition("count", "a", "a", apply=lambda data, _: {"n": data["n"] + 1})])
    with pytest.raises(ExplorationLimitError, match="more than 50 states") as caught:
        explore(machine, {"n": 0}, invariants={"few": lambda state: state.data["n"] < 9}, limit=50)
    found = caught.value.exploration
    assert (found.states, found.is_complete) == (50, False)
    assert len(found.violations["few"].state.path) == 9
    assert pickle.loads(pickle.dumps(caught.value)).limit == 50


def test_as_many_states_as_the_limit_are_in_order():
    """The bound is how many there may be."""
    assert explore(TILL, START, COINS, limit=7).states == 7
    with pytest.raises(ExplorationLimitError):
        explore(TILL, START, COINS, limit=6)


def test_a_depth_keeps_states_away_and_says_so():
    """Two moves from the start there is no paid one with 40."""
    found = explore(TILL, START, COINS, depth=2)
    assert (found.states, found.is_complete, found.dead_end_count) == (5, False, 0)
    assert explore(TILL, START, COINS, depth=5).is_complete


def test_functions_see_the_type_of_the_data():
    """A machine with a data type is walked with models, as a store gives them."""

    class Paid(BaseModel):
        paid: int = 0

    machine = Machine(
        "m", "a", [Transition("pay", "a", "a", apply=lambda data, n: Paid(paid=min(data.paid + n, 3)))], data_type=Paid
    )
    found = explore(machine, Paid(), {"pay": [1, 2]}, {"typed": lambda state: isinstance(state.data, Paid)})
    assert (found.states, found.violations) == (4, {})


def test_the_action_of_a_timeout_is_tried_like_any():
    """Time has no part in it."""
    machine = Machine(
        "m", "a", [Transition("expire", "a", "b")], timeouts={"a": Timeout(timedelta(seconds=1), "expire")}
    )
    assert explore(machine).statuses == {"a": 1, "b": 1}


def test_several_starts_are_walked_together():
    """A state that both come to is one."""
    found = explore(TILL, [{"paid": 20}, {"paid": 30}], COINS)
    assert found.statuses == {"open": 5, "paid": 2, "void": 0}


def test_progress_is_told():
    """Of a long walk every thousand states, and at its end."""
    machine = Machine("m", "a", [Transition("go", "a", "a", apply=lambda _, n: {"n": n})])
    told = []
    explore(machine, {"n": 0}, {"go": range(5)}, progress=lambda *numbers: told.append(numbers))
    assert told == [(5, 0)]


@pytest.mark.parametrize("machine", [None, "till", Machine])
def test_what_is_no_machine_is_refused(machine):
    """A mover's statuses and actions are its own."""
    with pytest.raises(ConfigurationError, match="explore needs a Machine"):
        explore(machine)


def test_a_payload_of_an_unknown_action_is_refused():
    """A slip of the pen would leave the action untried."""
    with pytest.raises(ConfigurationError, match="no action 'pai'; it has 'pay'"):
        explore(TILL, START, {"pai": [1]})


def test_a_shortest_way_is_told_whatever_the_order_of_the_payloads():
    """Five and five come to ten, though the last payload is a step of one."""
    machine = Machine(
        "m",
        "a",
        [Transition("go", "a", "a", lambda data, n: data["n"] + n <= 10, lambda data, n: {"n": data["n"] + n})],
    )
    found = explore(machine, {"n": 0}, {"go": [5, 1]}, {"not ten": lambda state: state.data["n"] != 10})
    assert [step.payload for step in found.violations["not ten"].state.path] == [5, 5]
