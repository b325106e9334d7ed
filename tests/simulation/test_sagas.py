"""Sagas in simulated runs: each effect once, each failure undone in reverse, none taken early; and bugs are found."""

import pytest

from tai_state._async.sagas import driving, held, working
from tai_state._async.sagas.context import AsyncStepContext
from tai_state.rules.sagas import progress
from tai_state.testing import SimulationFailure
from tests.simulation import sagas

FOUND_WITHIN = 60


def test_each_effect_is_there_once_and_each_failure_is_undone(scale):
    """Processes die, commits arrive late, clocks jump, steps outlive their leases; every saga ends as it should."""
    reports = sagas.run_many(0, scale(8, 400))
    assert sum(report.crashes for report in reports) >= len(reports) / 10
    assert sum(report.commits for report in reports) >= 40 * len(reports)


def claims_are_not_compared(monkeypatch):
    """Whoever lost a saga is heard all the same."""
    monkeypatch.setattr(held, "fenced", lambda *_: lambda _: None)


def leases_are_not_awaited(monkeypatch):
    """A saga is taken from whoever has it."""
    monkeypatch.setattr(working, "has_lease_ended", lambda *_: True)
    monkeypatch.setattr("tai_state._async.due.finder.AsyncDueFinder._due_of", _all_of)


def _all_of(self, found):
    del self
    return [document.path for document in found], False


def keys_are_of_attempts(monkeypatch):
    """Each attempt has a key of its own."""
    made = AsyncStepContext.__init__

    def make(self, *arguments, **options):
        made(self, *arguments, **options)
        self.key += str(self.attempt)

    monkeypatch.setattr(AsyncStepContext, "__init__", make)


def what_finished_is_undone_in_its_order(monkeypatch):
    """And not in reverse."""

    def forward(data):
        following = progress.next_of(data)
        if following is None or not data["goes_back"]:
            return following
        step = next(step for step in data["steps"] if progress._is_to_undo(step))
        return progress._next(progress.COMPENSATE, step)

    monkeypatch.setattr(driving, "next_of", forward)


@pytest.mark.parametrize(
    "plant",
    [
        claims_are_not_compared,
        leases_are_not_awaited,
        keys_are_of_attempts,
        what_finished_is_undone_in_its_order,
    ],
    ids=lambda plant: plant.__name__,
)
def test_a_planted_bug_of_sagas_is_found(plant, monkeypatch):
    """One of the seeds finds it."""
    plant(monkeypatch)
    with pytest.raises(SimulationFailure):
        sagas.run_many(0, FOUND_WITHIN)
