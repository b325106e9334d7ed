"""Draining: no further event is begun, and those under way have ended when it says so."""

import pytest

from tai_state import Event
from tai_state._async.feeds.subscription import AsyncSubscription
from tai_state._platform.tasks import async_sleep, async_together
from tai_state._platform.waits import AsyncSignal
from tests._async.feeds.watched import AsyncSeen
from tests._async.stores import in_memory

SECONDS = 20.0


class AsyncGate:
    """A handler that waits until it is let go on."""

    def __init__(self) -> None:
        self.began = AsyncSignal()
        self.go_on = AsyncSignal()

    async def __call__(self, event: Event) -> None:
        self.began.set()
        await self.go_on.wait(SECONDS)


@in_memory
@pytest.mark.parametrize("is_told", [True, False])
async def test_a_drain_waits_for_the_event_under_way(store, is_told):
    """Whoever delivers it: one that looks once, as behind an endpoint, or one that was told of the change."""
    gate = AsyncGate()
    await store.save_state("g", "s", {})
    subscription = AsyncSubscription(store, "mail", gate)
    drained: list[bool] = []

    async def work():
        if is_told:
            assert (await subscription.deliver("g", "s")).delivered == 1
        else:
            assert await subscription.run_once() == 1

    async def drain():
        await gate.began.wait(SECONDS)
        drained.append(await subscription.drain(0.05))
        gate.go_on.set()
        drained.append(await subscription.drain(SECONDS))

    await async_together([work, drain])
    assert drained == [False, True]


@in_memory
async def test_a_handler_may_drain_its_own_subscription(store):
    """It does not wait for itself; the event is delivered, and no other is."""
    told: list[int] = []

    async def last(event):
        told.append(event.version)
        assert await subscription.drain(SECONDS) is True

    for number in range(3):
        await store.save_state("g", "s", {"n": number})
    subscription = AsyncSubscription(store, "mail", last)
    assert await subscription.run_once() == 1
    assert told == [1]


@in_memory
async def test_a_handler_that_drains_waits_for_those_beside_it(store):
    """Of other states, which are told at the same time; not for the look that waits for all of them."""
    drains, began, ended = AsyncSignal(), AsyncSignal(), list[str]()

    async def handler(event):
        if event.state_id == "slow":
            began.set()
            await drains.wait(SECONDS)
            await async_sleep(0.05)
        else:
            await began.wait(SECONDS)
            drains.set()
            assert await subscription.drain(2.0) is True
        ended.append(event.state_id)

    for state_id in ("drains", "slow"):
        await store.save_state("g", state_id, {})
    subscription = AsyncSubscription(store, "mail", handler)
    assert await subscription.run_once() == 2
    assert ended == ["slow", "drains"]


@in_memory
async def test_a_drained_subscription_delivers_nothing_that_it_is_told_of(store):
    """And says that something is left, so that whoever told comes again, elsewhere."""
    seen = AsyncSeen()
    await store.save_state("g", "s", {})
    subscription = AsyncSubscription(store, "mail", seen)
    assert await subscription.drain()
    assert await subscription.deliver("g", "s") == (0, False)
    assert await AsyncSubscription(store, "mail", seen).deliver("g", "s") == (1, True)
