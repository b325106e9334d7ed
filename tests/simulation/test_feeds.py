"""Subscriptions in simulated runs: they tell as was agreed, and a bug in that is found."""

import pytest

from tai_state._async.feeds.delivery import AsyncStateDelivery
from tai_state.testing import SimulationFailure
from tests.simulation import feeds

FOUND_WITHIN = 200


@pytest.mark.timeout(900)
@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once", "at_most_once"])
def test_events_are_told_as_was_agreed(delivery, scale):
    """Processes die, commits arrive late, clocks jump; what was committed is told."""
    reports = feeds.run_many(0, scale(1, 300), delivery)
    assert sum(report.events for report in reports) >= feeds.EVENTS * len(reports)


def the_position_moves_before_the_handler(monkeypatch):
    """What must not be missing is noted first, and told then."""

    async def notes_first(self, event):
        return await self._at_most_once(event)

    monkeypatch.setattr(AsyncStateDelivery, "_take", notes_first)


def the_position_moves_behind_the_handler(monkeypatch):
    """What is to be told once at most is told first, and noted then."""

    async def tells_first(self, event):
        await self._telling.tell(self._paths, event)
        await self._write(self._position.passed(event.version))
        self._count += 1
        return True

    monkeypatch.setattr(AsyncStateDelivery, "_at_most_once", tells_first)


@pytest.mark.more
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("plant", "delivery"),
    [
        (the_position_moves_before_the_handler, "at_least_once"),
        (the_position_moves_behind_the_handler, "at_most_once"),
    ],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_a_planted_bug_of_feeds_is_found(plant, delivery, monkeypatch):
    """One of the seeds finds it."""
    plant(monkeypatch)
    with pytest.raises(SimulationFailure):
        feeds.run_many(0, FOUND_WITHIN, delivery)
