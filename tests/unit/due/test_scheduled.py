"""What was seen to be due is done only where it still is: not at another time, and nothing else."""

from dataclasses import replace

import pytest

from tai_state import Machine, Transition
from tai_state.rules.commits.scheduled import NothingDueError, check_still, schedule_change, unschedule_change
from tai_state.rules.records.occasional import Due
from tai_state.rules.records.record import Marks
from tests.unit.commits.made import TURNSTILE, at, call, state_at

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


REDEFINED = Machine("turnstile", "shut", [Transition("pay", "shut", "open")], version=2)


def changes_by(machine, notice):
    """Return both changes of what is due, as the caller of *machine* asks for them."""
    asked = call(notice=notice)
    return schedule_change(asked, machine, "pay", at=at(90), after=None), unschedule_change(asked, machine)


@pytest.mark.parametrize("place", [0, 1], ids=["schedule", "unschedule"])
def test_who_schedules_by_another_definition_is_told(place):
    """Of the one version; not by the same one, and only who wants to hear it."""
    told = []

    def notice(state, ours):
        told.append((state.machine.fingerprint, ours.fingerprint))

    for machine in (TURNSTILE, REDEFINED):
        changes_by(machine, notice)[place].target_of(STATE)
    assert told == [(TURNSTILE.fingerprint, REDEFINED.fingerprint)]
    changes_by(REDEFINED, None)[place].target_of(STATE)
