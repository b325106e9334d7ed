"""The history of conflicts: what is remembered of them, and whether they come in a storm."""

from datetime import UTC, datetime, timedelta

import pytest

from tai_state import ConfigurationError
from tai_state.causality import Conflict, ConflictHistory, ConflictVersion
from tai_state.testing import ManualClock

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
BOTH = (ConflictVersion("s1", 3, "ann"), ConflictVersion("s2", 4, "bob"))


def of(name):
    return Conflict("g", name, BOTH, strategy="causal")


def test_the_last_conflicts_are_told_the_newest_first():
    """With the time at which each was recorded."""
    clock = ManualClock(BEGIN)
    history = ConflictHistory(clock=clock)
    first = history.record(of("a"))
    clock.advance(5)
    second = history.record(of("b"))
    assert history.recent(5) == [second, first]
    assert history.recent(1) == [second]
    assert history.recent(0) == []
    assert (first.at, second.at) == (BEGIN, BEGIN + timedelta(seconds=5))
    assert (second.versions, second.strategy, second.result) == (BOTH, "causal", "resolved")


def test_no_more_are_remembered_than_were_asked_for():
    """All are counted."""
    history = ConflictHistory(2)
    for name in "abc":
        history.record(of(name))
    assert [one.state_id for one in history.recent()] == ["c", "b"]
    assert (history.total, history.count("g"), history.count("h")) == (3, 2, 0)


def test_many_conflicts_in_a_window_are_a_storm():
    """At the bound of either; seconds or a timedelta."""
    clock = ManualClock()
    history = ConflictHistory(clock=clock)
    for _ in range(3):
        history.record(of("a"))
        clock.advance(10)
    assert history.has_storm(3, 30)
    assert history.has_storm(2, timedelta(seconds=20))
    assert not history.has_storm(3, 29)
    assert not history.has_storm(4, 3600)


@pytest.mark.parametrize(
    "call", [lambda one: one.record("x"), lambda one: one.recent(-1), lambda one: one.has_storm(0, 1)]
)
def test_what_cannot_be_meant_is_refused(call):
    """By a typed error."""
    with pytest.raises(ConfigurationError):
        call(ConflictHistory())


def test_a_history_of_nothing_is_none():
    """At least one has to be remembered."""
    with pytest.raises(ConfigurationError, match="size"):
        ConflictHistory(0)
