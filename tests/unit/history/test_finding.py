"""What the engine is asked for when events are looked for by their time."""

from datetime import UTC, datetime, timedelta

import pytest

from tai_state.documents import FieldRange
from tai_state.rules.history.finding import wanted_events

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)
NOTHING = {"since": None, "until": None, "action": None, "changed_by": None, "after": None}


def query(**asked):
    return wanted_events("g", **{**NOTHING, **asked}).query


def test_without_a_time_all_times_are_asked_for():
    """The engine sorts by the range of a field: there is always one."""
    assert query().within == FieldRange("timestamp", datetime.min.replace(tzinfo=UTC))


def test_the_last_moment_is_asked_for():
    """A range ends before its bound; behind the last moment of all there is none."""
    assert query(since=NOON, until=NOON).within == FieldRange("timestamp", NOON, NOON + TICK)
    assert query(until=datetime.max.replace(tzinfo=UTC)).within.below is None


def test_a_place_before_the_beginning_is_none_to_go_on_from():
    """What lies between the two is not read."""
    assert query(since=NOON, after=(NOON - TICK, "s", 1)).after is None
    assert query(since=NOON, after=(NOON, "s", 1)).after is not None


@pytest.mark.parametrize("asked", [{"since": NOON + TICK}, {"after": (NOON + TICK, "s", 1)}], ids=str)
def test_where_nothing_can_be_nothing_is_asked(asked):
    """The end lies before the beginning."""
    assert query(until=NOON, **asked) is None
