"""Dead letters: what could not be delivered is put aside with its error, and can be tried again."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from tai_state import (
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    ConfigurationError,
    HistoryTrimmedError,
    InvalidDataError,
)
from tai_state._async.feeds.subscription import AsyncSubscription
from tai_state.feeds import Lag, SubscriptionConfig
from tai_state.layout import state_layout
from tai_state.testing import ManualClock
from tests._async.feeds.watched import MODES, AsyncSeen, async_drained, on_engines
from tests._async.stores import async_plant, in_memory

ALWAYS = 1_000


@on_engines
@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
async def test_an_event_that_keeps_failing_is_put_aside(store, delivery):
    """After so many attempts, with its error; what is behind it waits, and other states go on."""
    seen = AsyncSeen()
    seen.fails = {("s", 2): ALWAYS}
    for _ in range(3):
        await store.save_state("g", "s", {})
    await store.save_state("g", "t", {})
    subscription = AsyncSubscription(store, "mail", seen, governor_id="g", delivery=delivery, max_attempts=3)
    assert [await subscription.run_once() for _ in range(5)] == [2, 0, 0, 0, 0]
    assert (seen.of("s"), seen.of("t")) == ([1, 2, 2, 2], [1])
    (letter,) = await subscription.dead_letters()
    assert (letter.governor_id, letter.state_id, letter.version, letter.attempts) == ("g", "s", 2, 3)
    assert (letter.code, letter.error) == ("ValueError", "ValueError: no ('s', 2)")
    assert letter.event == [event async for event in store.get_events("g", "s")][1]
    await store.save_state("g", "s", {})
    assert await subscription.run_once() == 0
    assert seen.of("s") == [1, 2, 2, 2]
    # It waits as it was put aside, and what waits for it is no work to be done.
    assert await subscription.dead_letters() == [letter]
    assert await subscription.lag() == Lag(0, 0.0)


@on_engines
@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
async def test_a_retry_delivers_up_to_the_head(store, delivery):
    """In the order of the state, with as many attempts as at first; the letter is gone."""
    seen = AsyncSeen()
    seen.fails = {("s", 1): 3}
    for _ in range(3):
        await store.save_state("g", "s", {})
    subscription = AsyncSubscription(store, "mail", seen, governor_id="g", delivery=delivery, max_attempts=2)
    await subscription.run_once()
    await subscription.run_once()
    (letter,) = await subscription.dead_letters()
    assert await subscription.retry(letter) is True
    assert await subscription.dead_letters() == []
    assert await subscription.retry(letter) is False
    assert [await subscription.run_once() for _ in range(3)] == [0, 3, 0]
    assert seen.of("s") == [1, 1, 1, 1, 2, 3]


@on_engines
@pytest.mark.parametrize("delivery", MODES)
async def test_later_events_may_go_on_without_it(store, delivery):
    """Then a retry tells it alone, out of its order, and its effect is made once."""
    seen = AsyncSeen()
    seen.fails = {("s", 2): 2 if delivery != "at_most_once" else 1}
    for _ in range(3):
        await store.save_state("g", "s", {})
    subscription = AsyncSubscription(
        store, "mail", seen, governor_id="g", delivery=delivery, max_attempts=2, blocks=False
    )
    for _ in range(3):
        await subscription.run_once()
    assert sorted(set(seen.of("s"))) == [1, 2, 3]
    (letter,) = await subscription.dead_letters()
    assert letter.version == 2
    event = letter.event
    assert event is not None
    assert await subscription.retry(event) is True
    assert await subscription.dead_letters() == []
    told = len(seen.events)
    assert [await subscription.run_once() for _ in range(2)] == [1, 0]
    assert seen.of("s")[told:] == [2]
    assert await subscription.dead_letters() == []
    if delivery == "exactly_once":
        assert [one.to_state["version"] async for one in store.get_events("effects", "s")] == [1, 3, 2]


@on_engines
async def test_a_dead_letter_may_die_again(store):
    """It is told with its new error."""
    seen = AsyncSeen()
    seen.fails = {("s", 1): ALWAYS}
    await store.save_state("g", "s", {})
    for blocks in (True, False):
        subscription = AsyncSubscription(store, f"mail-{blocks}", seen, max_attempts=2, blocks=blocks)
        for _ in range(2):
            await subscription.run_once()
        (letter,) = await subscription.dead_letters()
        assert await subscription.retry(letter)
        assert await subscription.dead_letters() == []
        for _ in range(3):
            assert await subscription.run_once() == 0
        (again,) = await subscription.dead_letters()
        assert (again.version, again.attempts) == (1, 2)
        assert again.died_at > letter.died_at or not blocks


@on_engines
async def test_what_fails_under_at_most_once_is_not_told_again(store):
    """It is a dead letter at once, and nothing waits for it."""
    seen = AsyncSeen()
    seen.fails = {("s", 1): ALWAYS}
    for _ in range(2):
        await store.save_state("g", "s", {})
    subscription = AsyncSubscription(store, "mail", seen, delivery="at_most_once")
    assert [await subscription.run_once() for _ in range(3)] == [1, 0, 0]
    assert seen.of("s") == [1, 2]
    (letter,) = await subscription.dead_letters()
    assert (letter.version, letter.attempts) == (1, 1)


class Killed(BaseException):
    """What ends a process, as far as a handler can tell."""


@on_engines
@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
async def test_an_event_that_ends_its_process_each_time_is_put_aside(place, delivery):
    """Attempts are counted before the handler runs; what never came back is told as that."""
    told: list[int] = []

    async def deadly(event, *_):
        told.append(event.version)
        raise Killed

    await place.store().save_state("g", "s", {})
    for _ in range(3):
        with pytest.raises(Killed):
            await AsyncSubscription(place.store(), "mail", deadly, delivery=delivery, max_attempts=3).run_once()
    last = AsyncSubscription(place.store(), "mail", deadly, delivery=delivery, max_attempts=3)
    assert await last.run_once() == 0
    assert told == [1, 1, 1]
    (letter,) = await last.dead_letters()
    assert (letter.code, letter.attempts) == ("handler_never_came_back", 3)


@on_engines
async def test_an_event_that_ends_its_process_is_not_told_again_under_at_most_once(place):
    """Its position had moved before."""
    told: list[int] = []

    async def deadly(event):
        told.append(event.version)
        raise Killed

    for number in range(2):
        await place.store().save_state("g", "s", {"n": number})
    for _ in range(2):
        with pytest.raises(Killed):
            await AsyncSubscription(place.store(), "mail", deadly, delivery="at_most_once").run_once()
    assert await AsyncSubscription(place.store(), "mail", deadly, delivery="at_most_once").run_once() == 0
    assert told == [1, 2]


@on_engines
async def test_a_condition_that_raises_fails_like_a_handler(store):
    """Whether the event was meant is not known."""
    await store.save_state("g", "s", {})
    seen = AsyncSeen()
    subscription = AsyncSubscription(store, "mail", seen, condition=lambda event: event.to_state["n"], max_attempts=1)
    assert await subscription.run_once() == 0
    (letter,) = await subscription.dead_letters()
    assert letter.code == "KeyError"
    assert seen.events == []


@on_engines
async def test_events_that_were_trimmed_before_they_were_told_are_a_gap(store):
    """It is told as one letter, what is left follows, and it cannot be retried."""
    persister = AsyncStateMachinePersister(store)
    seen = AsyncSeen()
    subscription = AsyncSubscription(store, "mail", seen)
    await store.save_state("g", "s", {"n": 1})
    await subscription.run_once()
    for number in range(2, 7):
        await store.save_state("g", "s", {"n": number})
    await persister.trim("g", "s", before_version=5)
    assert await subscription.run_once() == 2
    assert seen.of("s") == [1, 5, 6]
    (letter,) = await subscription.dead_letters()
    assert (letter.version, letter.last_version, letter.code, letter.event) == (2, 4, "history_trimmed", None)
    with pytest.raises(HistoryTrimmedError):
        await subscription.retry(letter)


@on_engines
async def test_a_state_that_was_trimmed_before_it_was_met_begins_with_what_is_left(store):
    """From the beginning means from the first event there is: nothing is missing."""
    for number in range(1, 7):
        await store.save_state("g", "s", {"n": number})
    await AsyncStateMachinePersister(store).trim("g", "s", before_version=5)
    seen = AsyncSeen()
    subscription = AsyncSubscription(store, "mail", seen)
    assert await subscription.run_once() == 2
    assert seen.of("s") == [5, 6]
    assert await subscription.dead_letters() == []


@in_memory
async def test_a_damaged_event_is_put_aside_and_its_state_waits(store):
    """What is behind it cannot be read either; once it is mended, a retry goes on."""
    for number in range(3):
        await store.save_state("g", "s", {"n": number})
    path = state_layout("g", "s").event(2)
    document = (await store.runtime.access.backend.get(path, timeout=5.0)).get(path)
    assert document is not None
    await async_plant(store, path, transition_id=7)
    seen = AsyncSeen()
    subscription = AsyncSubscription(store, "mail", seen, max_attempts=2)
    assert [await subscription.run_once() for _ in range(3)] == [1, 0, 0]
    (letter,) = await subscription.dead_letters()
    assert (letter.version, letter.code) == (2, "corrupt_log")
    await async_plant(store, path, transition_id=document.fields["transition_id"])
    assert await subscription.retry(letter)
    assert await async_drained(subscription) == 2
    assert seen.of("s") == [1, 2, 3]


@in_memory
async def test_the_position_waits_where_too_much_is_pending(store, monkeypatch):
    """What cannot be noted is found again; once the handler is mended, nothing was lost."""
    monkeypatch.setattr("tai_state._async.feeds.visit.PENDING_MAX", 3)
    seen = AsyncSeen()
    states = [f"s{number}" for number in range(10)]
    seen.fails = {(state_id, 1): 2 for state_id in states}
    for state_id in states:
        await store.save_state("g", state_id, {})
    subscription = AsyncSubscription(store, "mail", seen)
    for _ in range(2):
        assert await subscription.run_once() == 0
    _, shard, _ = await subscription._book.shard(0)
    assert shard is not None
    assert (shard.reached, len(shard.pending)) == (None, 3)
    assert await subscription.run_once() == 10
    assert await subscription.lag() == Lag(0, 0.0)
    assert {state_id: len(seen.of(state_id)) for state_id in states} == dict.fromkeys(states, 3)


async def test_a_failed_event_waits_longer_with_each_attempt():
    """A worker that runs all the time does not hammer on it; what waits holds up no other state."""
    clock = ManualClock(datetime(2030, 1, 1, tzinfo=UTC))
    store = AsyncMemoryStore(clock=clock, actor="tester")
    seen = AsyncSeen()
    seen.fails = {("s", 1): 2}
    subscription = AsyncSubscription(store, "mail", seen, config=SubscriptionConfig(wait_initial=10.0, wait_max=15.0))

    async def told_after(seconds):
        clock.advance(seconds)
        before = len(seen.events)
        await subscription._pass(is_patient=True)
        return seen.versions[before:]

    await store.save_state("g", "s", {})
    assert await told_after(0) == [("s", 1)]
    await store.save_state("g", "t", {})
    assert await told_after(9.9) == [("t", 1)]
    assert await told_after(0.2) == [("s", 1)]
    assert await told_after(14.8) == []
    assert await told_after(0.3) == [("s", 1)]
    assert await told_after(timedelta(days=1).total_seconds()) == []
    await store.close()


@in_memory
async def test_what_is_no_letter_cannot_be_retried(store):
    """An event that was delivered, or anything else; nor that of a subscription that never began."""
    seen = AsyncSeen()
    await store.save_state("g", "s", {})
    subscription = AsyncSubscription(store, "mail", seen)
    (event,) = [event async for event in store.get_events("g", "s")]
    with pytest.raises(ConfigurationError, match="there is no subscription 'mail' yet"):
        await subscription.retry(event)
    assert await subscription.dead_letters() == []
    await subscription.run_once()
    assert await subscription.retry(event) is False
    with pytest.raises(InvalidDataError, match="must be a dead letter or its event, not str"):
        await subscription.retry(cast("Any", "g/s@1"))
