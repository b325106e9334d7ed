"""Governors that are the package's own: nobody is told of their events, however a subscription hears of them."""

import pytest

from tai_state._async.feeds.subscription import AsyncSubscription
from tai_state.errors import ConfigurationError
from tai_state.keys import AsyncKeys
from tests._async.feeds.watched import MODES, AsyncSeen
from tests._async.stores import in_memory


@in_memory
@pytest.mark.parametrize("mode", MODES)
async def test_a_key_is_neither_found_nor_delivered(store, mode):
    """By its governor, or by what its event tells as Eventarc brings it."""
    seen, keys = AsyncSeen(), AsyncKeys(store, "carts")
    await keys.set("n", 1)
    (event,) = [event async for event in keys.history("n")]
    subscription = AsyncSubscription(store, "mail", seen, delivery=mode)
    assert await subscription.run_once() == 0
    for governor_id in (keys.governor_id, event.governor_id):
        assert await subscription.deliver(governor_id, event.state_id) == (0, True)
    assert seen.events == []


@in_memory
async def test_a_governor_of_a_users_that_is_called_like_one_is_told(store):
    """Its own events alone, whether it is looked for or delivered."""
    await AsyncKeys(store, "carts").set("n", 1)
    await store.save_state("~keys:carts", "n", {})
    looking, delivered = AsyncSeen(), AsyncSeen()
    assert await AsyncSubscription(store, "looks", looking, governor_id="~keys:carts").run_once() == 1
    assert await AsyncSubscription(store, "told", delivered).deliver("~keys:carts", "n") == (1, True)
    assert [event.kind for event in looking.events + delivered.events] == ["save", "save"]


@in_memory
async def test_no_subscription_is_of_a_governor_of_the_packages_own(store):
    """It would be one of a user's governor, whose text is the same."""
    with pytest.raises(ConfigurationError, match="governor_id"):
        AsyncSubscription(store, "mail", AsyncSeen(), governor_id=AsyncKeys(store, "carts").governor_id)
