"""Positions over a store in simulated runs: there is no gap, and each event has one; a bug in that is found."""

import pytest

from tai_state._async.feeds import numbering
from tai_state.rules.feeds import numbers as rules
from tai_state.testing import SimulationFailure
from tests.simulation import numbers

FOUND_WITHIN = 200


@pytest.mark.timeout(900)
def test_each_event_has_one_position_however_they_end_who_number(scale):
    """Processes die, commits arrive late, clocks jump."""
    reports = numbers.run_many(0, scale(1, 300))
    assert sum(report.events for report in reports) >= numbers.EVENTS * len(reports)


@pytest.mark.more
@pytest.mark.timeout(900)
def test_a_planted_bug_of_numbers_is_found(monkeypatch):
    """Where how far a state is numbered is not written with the numbers, one of the seeds finds it."""

    def forgets(*given):
        return rules.batch(*given)._replace(positions=[])

    monkeypatch.setattr(numbering, "batch", forgets)
    with pytest.raises(SimulationFailure):
        numbers.run_many(0, FOUND_WITHIN)
