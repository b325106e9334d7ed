# Generated from tests/_async/feeds/test_pending.py by .ci/generate_sync.py; do not edit.
"""What is pending: it is noted until it is delivered or dead, however much of it there is."""
import pytest

from tai_state._sync.feeds.subscription import Subscription
from tai_state.documents import Delete
from tai_state.feeds import Lag
from tai_state.layout import state_layout
from tests._sync.feeds.watched import ONE_BY_ONE, Seen, drained
from tests._sync.stores import TIMEOUT, in_memory

STATES = [f"s{number}" for number in range(10)]


@pytest.fixture
def seen(store):
    """A handler that fails at the first event of each of ten states."""
    seen = Seen()
    seen.fails = {(state_id, 1): 1_000 for state_id in STATES}
    for state_id in STATES:
        store.save_state("g", state_id, {})
    return seen


@in_memory
@pytest.mark.parametrize("blocks", [True, False])
def test_none_of_many_letters_that_are_retried_at_once_is_lost(store, seen, monkeypatch, blocks):
    """More than a position has room for otherwise: the position is behind them, so nothing else would lead to them."""
    monkeypatch.setattr("tai_state._sync.feeds.visit.PENDING_MAX", 3)
    subscription = Subscription(store, "mail", seen, max_attempts=2, blocks=blocks, config=ONE_BY_ONE)
    for _ in range(12):
        subscription.run_once()
    letters = subscription.dead_letters()
    assert len(letters) == len(STATES)
    assert [subscription.retry(letter) for letter in letters] == [True] * len(STATES)
    # Each fails once more before its handler is mended.
    assert subscription.run_once() == 0
    seen.fails = {}
    assert drained(subscription) == len(STATES)
    assert subscription.dead_letters() == []
    assert subscription.lag() == Lag(0, 0.0)


@in_memory
def test_letters_that_are_retried_in_vain_hold_up_no_other_state(store, seen, monkeypatch):
    """However many of them are pending: the position goes on behind what is delivered."""
    monkeypatch.setattr("tai_state._sync.feeds.visit.PENDING_MAX", 3)
    subscription = Subscription(store, "mail", seen, max_attempts=9, blocks=False, config=ONE_BY_ONE)
    for _ in range(100):
        subscription.run_once()
    for letter in subscription.dead_letters():
        assert subscription.retry(letter)
    store.save_state("g", "t", {})
    assert subscription.run_once() == 1
    (event,) = [event for event in store.get_events("g", "t")]
    _, shard, _ = subscription._book.shard(0)
    assert shard is not None
    assert (shard.reached, len(shard.pending)) == (event.committed_at, len(STATES))


@in_memory
def test_a_letter_whose_event_is_gone_is_a_letter_still(store, seen):
    """It is not told, and not forgotten either."""
    subscription = Subscription(store, "mail", seen, governor_id="g", max_attempts=1, blocks=False)
    subscription.run_once()
    first, *_ = subscription.dead_letters()
    event = state_layout("g", first.state_id).event(1)
    store.runtime.access.backend.commit([Delete(event)], timeout=TIMEOUT)
    assert subscription.retry(first)
    assert subscription.run_once() == 0
    (again,) = [letter for letter in subscription.dead_letters() if letter.state_id == first.state_id]
    assert (again.code, again.event) == ("corrupt_log", None)


@in_memory
def test_dead_letters_are_as_many_as_are_asked_for(store, seen):
    """Or all, however many there are."""
    subscription = Subscription(store, "mail", seen, max_attempts=1)
    subscription.run_once()
    assert [len(subscription.dead_letters(limit=limit)) for limit in (1, 4, 100, None)] == [1, 4, 10, 10]
    for wrong in (0, -1, True):
        with pytest.raises(Exception, match="limit must be an int of at least 1"):
            subscription.dead_letters(limit=wrong)
