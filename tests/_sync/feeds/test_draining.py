# Generated from tests/_async/feeds/test_draining.py by .ci/generate_sync.py; do not edit.
"""Draining: no further event is begun, and those under way have ended when it says so."""
import pytest

from tai_state import Event
from tai_state._sync.feeds.subscription import Subscription
from tai_state._platform.tasks import sleep, together
from tai_state._platform.waits import Signal
from tests._sync.feeds.watched import Seen
from tests._sync.stores import in_memory

SECONDS = 20.0


class Gate:
    """A handler that waits until it is let go on."""

    def __init__(self) -> None:
        self.began = Signal()
        self.go_on = Signal()

    def __call__(self, event: Event) -> None:
        self.began.set()
        self.go_on.wait(SECONDS)


@in_memory
@pytest.mark.parametrize("is_told", [True, False])
def test_a_drain_waits_for_the_event_under_way(store, is_told):
    """Whoever delivers it: one that looks once, as behind an endpoint, or one that was told of the change."""
    gate = Gate()
    store.save_state("g", "s", {})
    subscription = Subscription(store, "mail", gate)
    drained: list[bool] = []

    def work():
        if is_told:
            assert (subscription.deliver("g", "s")).delivered == 1
        else:
            assert subscription.run_once() == 1

    def drain():
        gate.began.wait(SECONDS)
        drained.append(subscription.drain(0.05))
        gate.go_on.set()
        drained.append(subscription.drain(SECONDS))

    together([work, drain])
    assert drained == [False, True]


@in_memory
def test_a_handler_may_drain_its_own_subscription(store):
    """It does not wait for itself; the event is delivered, and no other is."""
    told: list[int] = []

    def last(event):
        told.append(event.version)
        assert subscription.drain(SECONDS) is True

    for number in range(3):
        store.save_state("g", "s", {"n": number})
    subscription = Subscription(store, "mail", last)
    assert subscription.run_once() == 1
    assert told == [1]


@in_memory
def test_a_handler_that_drains_waits_for_those_beside_it(store):
    """Of other states, which are told at the same time; not for the look that waits for all of them."""
    drains, began, ended = Signal(), Signal(), list[str]()

    def handler(event):
        if event.state_id == "slow":
            began.set()
            drains.wait(SECONDS)
            sleep(0.05)
        else:
            began.wait(SECONDS)
            drains.set()
            assert subscription.drain(2.0) is True
        ended.append(event.state_id)

    for state_id in ("drains", "slow"):
        store.save_state("g", state_id, {})
    subscription = Subscription(store, "mail", handler)
    assert subscription.run_once() == 2
    assert ended == ["slow", "drains"]


@in_memory
def test_a_drained_subscription_delivers_nothing_that_it_is_told_of(store):
    """And says that something is left, so that whoever told comes again, elsewhere."""
    seen = Seen()
    store.save_state("g", "s", {})
    subscription = Subscription(store, "mail", seen)
    assert subscription.drain()
    assert subscription.deliver("g", "s") == (0, False)
    assert Subscription(store, "mail", seen).deliver("g", "s") == (1, True)
