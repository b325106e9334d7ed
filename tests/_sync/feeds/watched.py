# Generated from tests/_async/feeds/watched.py by .ci/generate_sync.py; do not edit.
"""What the tests of subscriptions share: handlers that note what they are told, and stores that find changes."""
from typing import Any

import pytest

from tai_state import Event
from tai_state._sync.feeds.subscription import Subscription
from tai_state.feeds import SubscriptionConfig

on_engines = pytest.mark.parametrize("backend_kind", ["memory", "sqlite"])
"""Those that find changes by their update time."""

ONE_BY_ONE = SubscriptionConfig(concurrency=1)
MODES = ["at_most_once", "at_least_once", "exactly_once"]


class Seen:
    """A handler that notes each event, and fails where it is told to."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.fails: dict[tuple[str, int], int] = {}
        """How often it still fails at a version of a state."""

    @property
    def versions(self) -> list[tuple[str, int]]:
        """Every event that it was told, in order, failures included."""
        return [(event.state_id, event.version) for event in self.events]

    def of(self, state_id: str) -> list[int]:
        """The versions of one state that it was told."""
        return [version for name, version in self.versions if name == state_id]

    def __call__(self, event: Event, *more: Any) -> None:
        self.events.append(event)
        place = (event.state_id, event.version)
        for tx in more:
            tx.save_state("effects", event.state_id, {"version": event.version})
        if self.fails.get(place, 0):
            self.fails[place] -= 1
            raise ValueError(f"no {place}")


def drained(subscription: Subscription, most: int = 20) -> int:
    """Deliver until nothing comes any more, and return how many events that were."""
    total = 0
    for _ in range(most):
        count = subscription.run_once()
        total += count
        if not count:
            return total
    raise AssertionError("it goes on and on")
