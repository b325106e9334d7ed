"""What may stand in the place of a machine, and how several statuses are written as one."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tai_state
from tai_state import ConfigurationError, InvalidDataError, InvalidMachineError, MemoryStore, StateMachinePersister
from tai_state.machine import ForeignMachine, Machine, Timeout, names_of, status_of


class Plain:
    name = "plain"
    version = 1
    fingerprint = "f"

    def start(self, data):
        return "new", data

    def move(self, status, data, action, payload):
        return "done", data


class AsyncMove(Plain):
    async def move(self, status, data, action, payload):
        return "done", data


class Short(Plain):
    def move(self, status, data):  # type: ignore[override]
        return "done", data


def test_a_mover_is_public():
    """By name, for annotations and checks."""
    assert isinstance(Plain(), tai_state.Mover)
    assert not isinstance(Machine("m", "new", []), tai_state.Mover)


@pytest.mark.parametrize("wrong", [Plain, "plain", object(), 3])
def test_what_is_neither_is_refused(wrong):
    """A class in the place of an instance, too."""
    with MemoryStore() as store:
        with pytest.raises(ConfigurationError, match="must be a Machine or a Mover"):
            StateMachinePersister(store, wrong)
        with pytest.raises(ConfigurationError, match="machines must be a Machine or a Mover"):
            StateMachinePersister(store, None, machines=[wrong])


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"name": ""}, "name must not be empty"),
        ({"version": 0}, "version must be an int of 1 or more, not 0"),
        ({"version": True}, "version must be an int of 1 or more, not True"),
        ({"fingerprint": None}, "fingerprint must be text, not NoneType"),
        ({"refusals": (3,)}, "refusals must be a tuple of exception classes"),
        ({"refusals": BaseException}, "refusals must be a tuple of exception classes"),
        ({"statuses": "new"}, "statuses must be a collection of texts, not str"),
        ({"terminal": ["*"]}, "terminal has one that"),
        ({"actions": 3}, "actions must be a collection of texts, not int"),
        ({"on_dependency": ["up"]}, "on_dependency must map statuses to actions"),
        ({"timeouts": {"new": "soon"}}, "timeouts.new must be a Timeout"),
    ],
)
def test_a_mover_that_cannot_be_one_is_refused(changed, problem):
    """When it is given, with every problem."""
    mover = Plain()
    for name, value in changed.items():
        setattr(mover, name, value)
    with pytest.raises(InvalidMachineError, match="machine has problems") as caught:
        ForeignMachine(mover)
    assert any(problem in one for one in caught.value.problems)


@pytest.mark.parametrize(("kind", "problem"), [(AsyncMove, "is async"), (Short, "cannot be called as move(status, d")])
def test_functions_that_could_never_answer_are_refused(kind, problem):
    """A coroutine is no answer, and what takes other arguments none that can be asked."""
    with pytest.raises(InvalidMachineError) as caught:
        ForeignMachine(kind())
    assert any(problem in one for one in caught.value.problems)


def test_every_problem_is_told_at_once():
    """As of a machine."""
    mover: Any = AsyncMove()
    mover.name, mover.version = "", 0
    with pytest.raises(InvalidMachineError) as caught:
        ForeignMachine(mover)
    assert len(caught.value.problems) == 3


def test_equal_definitions_are_one_machine():
    """By class, name, version and fingerprint, so that one may be named twice."""
    other = Plain()
    assert ForeignMachine(Plain()) == ForeignMachine(other)
    assert len({ForeignMachine(Plain()), ForeignMachine(other)}) == 1
    other.fingerprint = "g"
    assert ForeignMachine(Plain()) != ForeignMachine(other)


def test_a_mover_may_have_timeouts():
    """They are armed with its moves."""
    mover = Plain()
    vars(mover)["timeouts"] = {"done": Timeout(timedelta(seconds=30), "forget")}
    with MemoryStore() as store:
        persister = StateMachinePersister(store, mover)
        persister.start("g", "s")
        assert persister.transition("g", "s", "do").snapshot.due_action == "forget"


@pytest.mark.parametrize(
    ("names", "status"),
    [
        (["paid"], "paid"),
        (["packing", "billing"], "billing+packing"),
        (["b", "a", "b"], "a+b"),
        (["a+b", "100%"], "100%25+a%2Bb"),
        (["*"], "%2A"),
    ],
)
def test_a_configuration_is_one_status(names, status):
    """Sorted names, each once, joined by a plus; what could be mistaken is escaped."""
    assert status_of(names) == status
    assert names_of(status) == tuple(sorted(set(names)))


@given(st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8), min_size=1, max_size=6))
def test_a_configuration_comes_back_from_its_status(names):
    """Whatever states are called."""
    assert names_of(status_of(names)) == tuple(sorted(names))


@pytest.mark.parametrize("names", [[], [""], [3], ["x" * 300, "y" * 300]])
def test_what_cannot_be_a_status_is_refused(names):
    """No states, a state without a name, and more than a status holds."""
    with pytest.raises(InvalidDataError):
        status_of(names)


@pytest.mark.parametrize("status", ["b+a", "a+a", "a+", "+", "a*b", "%41+x%2b"])
def test_a_status_that_stands_for_no_configuration_is_refused(status):
    """Each configuration is written in one way alone."""
    with pytest.raises(InvalidDataError):
        names_of(status)
