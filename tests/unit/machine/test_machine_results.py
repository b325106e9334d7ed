"""What guards and reducers return is looked at, whatever their signatures say."""

import functools
from typing import Any, cast

import pytest

from tai_state import InvalidDataError, InvalidMachineError, Machine, Transition
from tai_state.machine import MachineProblem


async def late():
    """A coroutine is always true."""


async def late_items():
    yield True


def items():
    yield True


ANSWERS = {
    "coroutine": (late, "coroutine"),
    "generator": (items, "generator"),
    "async generator": (late_items, "async_generator"),
    "NotImplemented": (lambda: NotImplemented, "NotImplemented"),
    "None": (lambda: None, "None"),
}


@pytest.fixture(params=ANSWERS)
def answer(request):
    """A function that makes what is no answer, and what the error calls it."""
    return ANSWERS[request.param]


def chosen(**functions):
    """Return what a move with these functions chooses."""
    machine = Machine("m", "a", [Transition("back", "b", "a"), Transition("go", "a", "b", **functions)])
    return machine.choose("a", "go", dict, dict)


def test_a_guard_that_returns_no_answer_lets_nothing_pass(answer):
    """The guard is named with its place, and what it returned."""
    make, name = answer
    with pytest.raises(InvalidMachineError, match=name) as caught:
        chosen(guard=lambda data, payload: make(), guard_name="is_paid")
    (problem,) = caught.value.problems
    assert isinstance(problem, MachineProblem)
    assert (problem.kind, problem.place) == ("invalid_function", "transitions[1].guard")
    assert "'is_paid'" in problem


@pytest.mark.parametrize("wrong", [0, 1, "", "yes", [], [1], {}, 1.0], ids=repr)
def test_a_guard_returns_nothing_but_a_bool(wrong):
    """Neither what counts as true nor what counts as false is taken for an answer."""
    with pytest.raises(InvalidMachineError, match="must return a bool"):
        chosen(guard=lambda data, payload: wrong)


def test_a_wrapped_guard_is_no_way_around():
    """The signature of a partial tells nothing of what is called behind it."""

    def ask(what, data, payload):
        return what()

    with pytest.raises(InvalidMachineError, match="coroutine"):
        chosen(guard=functools.partial(ask, late))


def test_a_later_guard_is_not_asked_in_place_of_a_broken_one():
    """What is broken is no refusal that the next candidate could make up for."""
    machine = Machine(
        "m",
        "a",
        [Transition("go", "a", "b", guard=cast("Any", lambda data, payload: 0)), Transition("go", "a", "c")],
    )
    with pytest.raises(InvalidMachineError):
        machine.choose("a", "go", dict, dict)


def test_an_apply_that_returns_no_data_is_refused(answer):
    """It is named, with its action and what it returned."""
    make, name = answer
    with pytest.raises(InvalidDataError, match=name) as caught:
        chosen(apply=lambda data, payload: make(), apply_name="add")
    assert caught.value.path == "data"
    assert "apply 'add' of action 'go'" in str(caught.value)


@pytest.mark.parametrize("answer", [True, False])
def test_a_bool_decides(answer):
    """As ever."""
    machine = Machine(
        "m", "a", [Transition("go", "a", "b", guard=lambda data, payload: answer), Transition("go", "a", "c")]
    )
    assert machine.choose("a", "go", dict, dict).target == ("b" if answer else "c")
