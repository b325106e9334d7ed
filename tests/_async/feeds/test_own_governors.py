"""Events of states that are the package's own: the text of their governor leads to them again."""

from tai_state._async.feeds.subscription import AsyncSubscription
from tai_state.keys import AsyncKeys
from tests._async.feeds.watched import AsyncSeen
from tests._async.stores import in_memory


@in_memory
async def test_a_key_whose_event_failed_is_retried(store):
    """By its letter, as any other state; no look finds a key, so somebody else told of its event."""
    seen = AsyncSeen()
    seen.fails = {("n", 1): 2}
    await AsyncKeys(store, "carts").set("n", 1)
    subscription = AsyncSubscription(store, "mail", seen, max_attempts=2)
    assert await subscription.run_once() == 0
    for _ in range(2):
        await subscription.deliver("~keys:carts", "n")
    (letter,) = await subscription.dead_letters()
    assert await subscription.retry(letter) is True
    assert await subscription.run_once() == 1
    assert await subscription.dead_letters() == []


@in_memory
async def test_a_key_is_delivered_by_what_its_event_tells(store):
    """As Eventarc tells of it; a governor of a user's that is called so is another one, and is told, too."""
    seen = AsyncSeen()
    await AsyncKeys(store, "carts").set("n", 1)
    await store.save_state("~keys:carts", "n", {})
    subscription = AsyncSubscription(store, "mail", seen)
    (event,) = [event async for event in store.get_events("~keys:carts", "n")]
    assert await subscription.deliver(event.governor_id, event.state_id) == (2, True)
    assert [event.kind for event in seen.events] == ["save", "key"]
    assert await subscription.deliver("~other", "n") == (0, True)
