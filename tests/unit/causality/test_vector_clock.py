"""Vector clocks as values, alone and as a field of a pydantic model."""

import copy
import pickle

import pytest
from pydantic import BaseModel, ValidationError

from tai_state import VectorClock


class Held(BaseModel, frozen=True):
    causality: VectorClock


def test_a_counter_of_zero_says_nothing():
    """A store that is absent counts 0."""
    clock = VectorClock({"a": 2, "b": 0})
    assert clock == VectorClock({"a": 2})
    assert hash(clock) == hash(VectorClock({"a": 2}))
    assert (clock["a"], clock["b"], clock.to_dict(), VectorClock().to_dict()) == (2, 0, {"a": 2}, {})


@pytest.mark.parametrize("count", [-1, 1.5, True, "1"])
def test_what_is_no_counter_is_refused(count):
    """By the store that it is of."""
    with pytest.raises(ValueError, match="'a'"):
        VectorClock({"a": count})


def test_a_clock_is_frozen():
    """Its counters can be neither replaced nor removed."""
    clock = VectorClock({"a": 1})
    with pytest.raises(AttributeError, match="frozen"):
        clock.root = {}
    with pytest.raises(AttributeError, match="frozen"):
        del clock.root
    assert clock == VectorClock({"a": 1})


@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, lambda clock: pickle.loads(pickle.dumps(clock))])
def test_a_clock_can_be_copied_and_pickled(through):
    """It comes back equal."""
    assert through(VectorClock({"a": 1})) == VectorClock({"a": 1})


def test_a_model_holds_a_clock_as_a_map_of_counters():
    """It is read from one or from a clock, in Python and in JSON, and dumped as one."""
    held = Held(causality=VectorClock({"a": 1}))
    assert held.model_dump() == {"causality": {"a": 1}}
    assert Held.model_validate({"causality": {"a": 1}}) == held
    assert Held.model_validate_json(held.model_dump_json()) == held
    with pytest.raises(ValidationError, match="'a'"):
        Held.model_validate({"causality": {"a": -1}})
