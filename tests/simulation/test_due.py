"""Due moves in simulated runs: each once and none early, and a bug in that is found."""

import pytest

from tai_state._async.due import firing
from tai_state._async.due.firing import AsyncFiring
from tai_state.rules.commits import scheduled
from tai_state.testing import SimulationFailure
from tests.simulation import due

FOUND_WITHIN = 300


def test_each_due_move_is_made_once_and_none_is_early(scale):
    """Processes die, commits arrive late, clocks jump; what is due is done."""
    reports = due.run_many(0, scale(12, 400))
    assert sum(report.crashes for report in reports) >= len(reports) / 10
    assert sum(report.events for report in reports) >= 12 * len(reports)


def seen_is_not_compared(monkeypatch):
    """A move is made though another one is due by now."""
    monkeypatch.setattr(scheduled, "check_still", lambda *_: None)


def commit_time_is_not_looked_at(monkeypatch):
    """What is due after a change counts from when that was sent."""
    monkeypatch.setattr(firing, "earliest", lambda record, _: record.due_at)


def time_is_the_hosts(monkeypatch):
    """What a host's wall clock says is due is done."""

    async def _ripe_at(self, *_):
        del self

    monkeypatch.setattr(AsyncFiring, "_ripe_at", _ripe_at)
    monkeypatch.setattr("tai_state.clock.StoreTime.now", lambda self, monotonic: self.latest + due.AFTER["s2"])


@pytest.mark.parametrize(
    "plant",
    [
        seen_is_not_compared,
        commit_time_is_not_looked_at,
        time_is_the_hosts,
    ],
    ids=lambda plant: plant.__name__,
)
def test_a_planted_bug_of_due_moves_is_found(plant, monkeypatch):
    """One of the seeds finds it."""
    plant(monkeypatch)
    with pytest.raises(SimulationFailure):
        due.run_many(0, FOUND_WITHIN)
