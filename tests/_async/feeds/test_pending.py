"""What is pending: it is noted until it is delivered or dead, however much of it there is."""

import pytest

from tai_state._async.feeds.subscription import AsyncSubscription
from tai_state.documents import Delete
from tai_state.feeds import Lag
from tai_state.layout import state_layout
from tests._async.feeds.watched import ONE_BY_ONE, AsyncSeen, async_drained
from tests._async.stores import TIMEOUT, in_memory

STATES = [f"s{number}" for number in range(10)]


@pytest.fixture
async def seen(store):
    """A handler that fails at the first event of each of ten states."""
    seen = AsyncSeen()
    seen.fails = {(state_id, 1): 1_000 for state_id in STATES}
    for state_id in STATES:
        await store.save_state("g", state_id, {})
    return seen


@in_memory
@pytest.mark.parametrize("blocks", [True, False])
async def test_none_of_many_letters_that_are_retried_at_once_is_lost(store, seen, monkeypatch, blocks):
    """More than a position has room for otherwise: the position is behind them, so nothing else would lead to them."""
    monkeypatch.setattr("tai_state._async.feeds.visit.PENDING_MAX", 3)
    subscription = AsyncSubscription(store, "mail", seen, max_attempts=2, blocks=blocks, config=ONE_BY_ONE)
    for _ in range(12):
        await subscription.run_once()
    letters = await subscription.dead_letters()
    assert len(letters) == len(STATES)
    assert [await subscription.retry(letter) for letter in letters] == [True] * len(STATES)
    # Each fails once more before its handler is mended.
    assert await subscription.run_once() == 0
    seen.fails = {}
    assert await async_drained(subscription) == len(STATES)
    assert await subscription.dead_letters() == []
    assert await subscription.lag() == Lag(0, 0.0)


@in_memory
async def test_letters_that_are_retried_in_vain_hold_up_no_other_state(store, seen, monkeypatch):
    """However many of them are pending: the position goes on behind what is delivered."""
    monkeypatch.setattr("tai_state._async.feeds.visit.PENDING_MAX", 3)
    subscription = AsyncSubscription(store, "mail", seen, max_attempts=9, blocks=False, config=ONE_BY_ONE)
    for _ in range(100):
        await subscription.run_once()
    for letter in await subscription.dead_letters():
        assert await subscription.retry(letter)
    await store.save_state("g", "t", {})
    assert await subscription.run_once() == 1
    (event,) = [event async for event in store.get_events("g", "t")]
    _, shard, _ = await subscription._book.shard(0)
    assert shard is not None
    assert (shard.reached, len(shard.pending)) == (event.committed_at, len(STATES))


@in_memory
async def test_a_letter_whose_event_is_gone_is_a_letter_still(store, seen):
    """It is not told, and not forgotten either."""
    subscription = AsyncSubscription(store, "mail", seen, governor_id="g", max_attempts=1, blocks=False)
    await subscription.run_once()
    first, *_ = await subscription.dead_letters()
    event = state_layout("g", first.state_id).event(1)
    await store.runtime.access.backend.commit([Delete(event)], timeout=TIMEOUT)
    assert await subscription.retry(first)
    assert await subscription.run_once() == 0
    (again,) = [letter for letter in await subscription.dead_letters() if letter.state_id == first.state_id]
    assert (again.code, again.event) == ("corrupt_log", None)


@in_memory
async def test_dead_letters_are_as_many_as_are_asked_for(store, seen):
    """Or all, however many there are."""
    subscription = AsyncSubscription(store, "mail", seen, max_attempts=1)
    await subscription.run_once()
    assert [len(await subscription.dead_letters(limit=limit)) for limit in (1, 4, 100, None)] == [1, 4, 10, 10]
    for wrong in (0, -1, True):
        with pytest.raises(Exception, match="limit must be an int of at least 1"):
            await subscription.dead_letters(limit=wrong)
