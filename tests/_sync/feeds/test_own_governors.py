# Generated from tests/_async/feeds/test_own_governors.py by .ci/generate_sync.py; do not edit.
"""Events of states that are the package's own: the text of their governor leads to them again."""
from tai_state._sync.feeds.subscription import Subscription
from tai_state.keys import Keys
from tests._sync.feeds.watched import Seen
from tests._sync.stores import in_memory


@in_memory
def test_a_key_whose_event_failed_is_retried(store):
    """By its letter, as any other state; no look finds a key, so somebody else told of its event."""
    seen = Seen()
    seen.fails = {("n", 1): 2}
    Keys(store, "carts").set("n", 1)
    subscription = Subscription(store, "mail", seen, max_attempts=2)
    assert subscription.run_once() == 0
    for _ in range(2):
        subscription.deliver("~keys:carts", "n")
    (letter,) = subscription.dead_letters()
    assert subscription.retry(letter) is True
    assert subscription.run_once() == 1
    assert subscription.dead_letters() == []


@in_memory
def test_a_key_is_delivered_by_what_its_event_tells(store):
    """As Eventarc tells of it; a governor of a user's that is called so is another one, and is told, too."""
    seen = Seen()
    Keys(store, "carts").set("n", 1)
    store.save_state("~keys:carts", "n", {})
    subscription = Subscription(store, "mail", seen)
    (event,) = [event for event in store.get_events("~keys:carts", "n")]
    assert subscription.deliver(event.governor_id, event.state_id) == (2, True)
    assert [event.kind for event in seen.events] == ["save", "key"]
    assert subscription.deliver("~other", "n") == (0, True)
