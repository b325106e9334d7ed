"""What was seen to be due is done only where it still is: not at another time, and nothing else."""

from dataclasses import replace

import pytest

from tai_state.rules.commits.scheduled import NothingDueError, check_still
from tai_state.rules.records.occasional import Due
from tai_state.rules.records.record import Marks
from tests.unit.commits.made import at, state_at

DUE = Due(at(60), "fail", "turnstile", 3, None)
STATE = replace(state_at(3), due=DUE)


def test_what_is_due_as_it_was_seen_is_done():
    """At its time, or at the one that it was moved to."""
    check_still(STATE, DUE, at(60))
    check_still(replace(STATE, marks=Marks(due_moved_to=at(90))), DUE, at(90))


@pytest.mark.parametrize("seconds", [59, 61], ids=["later since", "sooner since"])
def test_what_is_due_at_another_time_by_now_is_not_done(seconds):
    """Who saw the other one looks again."""
    with pytest.raises(NothingDueError):
        check_still(STATE, DUE, at(seconds))


@pytest.mark.parametrize("state", [None, state_at(3), replace(STATE, due=replace(DUE, action="boot"))])
def test_what_is_due_no_more_is_not_done(state):
    """Nor what takes its place, though it is due at the same time."""
    with pytest.raises(NothingDueError):
        check_still(state, DUE, at(60))
