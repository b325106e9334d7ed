"""Definitions of sagas: what can be one, its machine, and its versions."""

from datetime import timedelta
from typing import Any

import pytest

from tai_state import RetryPolicy
from tai_state.errors import ConfigurationError, InvalidIdError
from tai_state.rules.sagas.definition import COMPENSATION_RETRY
from tai_state.rules.sagas.known import Known
from tai_state.rules.sagas.policy import wait_after
from tai_state.sagas import Saga, Step

NO_FUNCTION: Any = 3


def nothing(ctx):
    """Do nothing."""
    del ctx


PARALLEL: Any = [Step("a", nothing), Step("b", nothing)]


@pytest.mark.parametrize(
    "made",
    [
        lambda: Step("a", NO_FUNCTION),
        lambda: Step("a", nothing, NO_FUNCTION),
        lambda: Step("a", nothing, retry=NO_FUNCTION),
        lambda: Step("a", nothing, timeout=0),
        lambda: Saga("s", []),
        lambda: Saga("s", [NO_FUNCTION]),
        lambda: Saga("s", [Step("a", nothing), Step("a", nothing)]),
        lambda: Saga("s", [PARALLEL]),
        lambda: Saga("s", [Step("a", nothing)], versions=[Saga("t", [Step("b", nothing)])]),
        lambda: Saga("s", [Step("a", nothing)], versions=[Saga("s", [Step("a", nothing)])]),
        lambda: Known([Saga("s", [Step("a", nothing)]), Saga("s", [Step("b", nothing)])]),
    ],
)
def test_what_cannot_be_a_saga_is_refused_when_it_is_made(made):
    """Not when it first runs."""
    with pytest.raises(ConfigurationError):
        made()


def test_a_saga_has_200_steps_at_most():
    """So many, and no more."""
    steps = [Step(f"s{number}", nothing) for number in range(201)]
    assert len(Saga("s", steps[:200]).steps) == 200
    with pytest.raises(ConfigurationError, match="1 to 200 steps"):
        Saga("s", steps)


@pytest.mark.parametrize("made", [lambda: Step("", nothing), lambda: Saga("", [Step("a", nothing)])])
def test_a_name_that_cannot_be_stored_is_refused(made):
    """As an id."""
    with pytest.raises(InvalidIdError):
        made()


@pytest.mark.parametrize("undo", [None, nothing])
def test_the_derived_machine_is_sound(undo):
    """Every status can be reached, and whatever does not end can be left."""
    saga = Saga("s", [Step("a", nothing, undo), Step("b", nothing)])
    assert saga.machine.problems() == []
    assert saga.machine.initial == "running"
    assert "finish b" in saga.machine.actions
    assert Saga("s", list(saga.steps)).machine == saga.machine


def test_the_fingerprint_follows_from_what_a_saga_goes_by():
    """The names of the steps, their order, and which can be compensated; not from how they are tried again."""
    one = Saga("s", [Step("a", nothing, nothing), Step("b", nothing)])
    assert one.fingerprint == Saga("s", [Step("a", print, print, timeout=3), Step("b", nothing)]).fingerprint
    others = [
        Saga("s", [Step("b", nothing), Step("a", nothing, nothing)]),
        Saga("s", [Step("a", nothing, nothing), Step("b", nothing, nothing)]),
        Saga("s", [Step("a", nothing, nothing)]),
        Saga("t", [Step("a", nothing, nothing), Step("b", nothing)]),
    ]
    assert len({one.fingerprint, *(other.fingerprint for other in others)}) == 5


def test_a_policy_bounds_attempts_or_where_it_says_none_the_time():
    """As often as it says; without a number, until its deadline."""
    counted = RetryPolicy(attempts=3, wait_initial=1.0, wait_max=10.0, deadline=1.0)
    waits = [wait_after(counted, failures, timedelta(hours=1), 1.0) for failures in (1, 2, 3)]
    assert waits == [timedelta(seconds=1), timedelta(seconds=2), None]
    timed = RetryPolicy(wait_initial=1.0, wait_max=10.0, deadline=30.0)
    assert wait_after(timed, 100, timedelta(seconds=19), 1.0) == timedelta(seconds=10)
    assert wait_after(timed, 100, timedelta(seconds=20), 1.0) is None
    assert wait_after(None, 1, timedelta(0), 1.0) is None


def test_a_compensation_without_a_policy_is_tried_five_times():
    """With four waits between."""
    waits = [wait_after(COMPENSATION_RETRY, failures, timedelta(days=1), 1.0) for failures in range(1, 6)]
    assert waits == [*(timedelta(seconds=seconds) for seconds in (0.5, 1, 2, 4)), None]
