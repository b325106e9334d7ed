# Generated from tests/_async/feeds/test_dead_letters.py by .ci/generate_sync.py; do not edit.
"""Dead letters: what could not be delivered is put aside with its error, and can be tried again."""
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from tai_state import (
    MemoryStore,
    StateMachinePersister,
    ConfigurationError,
    HistoryTrimmedError,
    InvalidDataError,
)
from tai_state._sync.feeds.subscription import Subscription
from tai_state.feeds import Lag, SubscriptionConfig
from tai_state.layout import state_layout
from tai_state.testing import ManualClock
from tests._sync.feeds.watched import MODES, Seen, drained, on_engines
from tests._sync.stores import plant, in_memory

ALWAYS = 1_000


@on_engines
@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_an_event_that_keeps_failing_is_put_aside(store, delivery):
    """After so many attempts, with its error; what is behind it waits, and other states go on."""
    seen = Seen()
    seen.fails = {("s", 2): ALWAYS}
    for _ in range(3):
        store.save_state("g", "s", {})
    store.save_state("g", "t", {})
    subscription = Subscription(store, "mail", seen, governor_id="g", delivery=delivery, max_attempts=3)
    assert [subscription.run_once() for _ in range(5)] == [2, 0, 0, 0, 0]
    assert (seen.of("s"), seen.of("t")) == ([1, 2, 2, 2], [1])
    (letter,) = subscription.dead_letters()
    assert (letter.governor_id, letter.state_id, letter.version, letter.attempts) == ("g", "s", 2, 3)
    assert (letter.code, letter.error) == ("ValueError", "ValueError: no ('s', 2)")
    assert letter.event == [event for event in store.get_events("g", "s")][1]
    store.save_state("g", "s", {})
    assert subscription.run_once() == 0
    assert seen.of("s") == [1, 2, 2, 2]
    # It waits as it was put aside, and what waits for it is no work to be done.
    assert subscription.dead_letters() == [letter]
    assert subscription.lag() == Lag(0, 0.0)


@on_engines
@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_a_retry_delivers_up_to_the_head(store, delivery):
    """In the order of the state, with as many attempts as at first; the letter is gone."""
    seen = Seen()
    seen.fails = {("s", 1): 3}
    for _ in range(3):
        store.save_state("g", "s", {})
    subscription = Subscription(store, "mail", seen, governor_id="g", delivery=delivery, max_attempts=2)
    subscription.run_once()
    subscription.run_once()
    (letter,) = subscription.dead_letters()
    assert subscription.retry(letter) is True
    assert subscription.dead_letters() == []
    assert subscription.retry(letter) is False
    assert [subscription.run_once() for _ in range(3)] == [0, 3, 0]
    assert seen.of("s") == [1, 1, 1, 1, 2, 3]


@on_engines
@pytest.mark.parametrize("delivery", MODES)
def test_later_events_may_go_on_without_it(store, delivery):
    """Then a retry tells it alone, out of its order, and its effect is made once."""
    seen = Seen()
    seen.fails = {("s", 2): 2 if delivery != "at_most_once" else 1}
    for _ in range(3):
        store.save_state("g", "s", {})
    subscription = Subscription(
        store, "mail", seen, governor_id="g", delivery=delivery, max_attempts=2, blocks=False
    )
    for _ in range(3):
        subscription.run_once()
    assert sorted(set(seen.of("s"))) == [1, 2, 3]
    (letter,) = subscription.dead_letters()
    assert letter.version == 2
    event = letter.event
    assert event is not None
    assert subscription.retry(event) is True
    assert subscription.dead_letters() == []
    told = len(seen.events)
    assert [subscription.run_once() for _ in range(2)] == [1, 0]
    assert seen.of("s")[told:] == [2]
    assert subscription.dead_letters() == []
    if delivery == "exactly_once":
        assert [one.to_state["version"] for one in store.get_events("effects", "s")] == [1, 3, 2]


@on_engines
def test_a_dead_letter_may_die_again(store):
    """It is told with its new error."""
    seen = Seen()
    seen.fails = {("s", 1): ALWAYS}
    store.save_state("g", "s", {})
    for blocks in (True, False):
        subscription = Subscription(store, f"mail-{blocks}", seen, max_attempts=2, blocks=blocks)
        for _ in range(2):
            subscription.run_once()
        (letter,) = subscription.dead_letters()
        assert subscription.retry(letter)
        assert subscription.dead_letters() == []
        for _ in range(3):
            assert subscription.run_once() == 0
        (again,) = subscription.dead_letters()
        assert (again.version, again.attempts) == (1, 2)
        assert again.died_at > letter.died_at or not blocks


@on_engines
def test_what_fails_under_at_most_once_is_not_told_again(store):
    """It is a dead letter at once, and nothing waits for it."""
    seen = Seen()
    seen.fails = {("s", 1): ALWAYS}
    for _ in range(2):
        store.save_state("g", "s", {})
    subscription = Subscription(store, "mail", seen, delivery="at_most_once")
    assert [subscription.run_once() for _ in range(3)] == [1, 0, 0]
    assert seen.of("s") == [1, 2]
    (letter,) = subscription.dead_letters()
    assert (letter.version, letter.attempts) == (1, 1)


class Killed(BaseException):
    """What ends a process, as far as a handler can tell."""


@on_engines
@pytest.mark.parametrize("delivery", ["at_least_once", "exactly_once"])
def test_an_event_that_ends_its_process_each_time_is_put_aside(place, delivery):
    """Attempts are counted before the handler runs; what never came back is told as that."""
    told: list[int] = []

    def deadly(event, *_):
        told.append(event.version)
        raise Killed

    place.store().save_state("g", "s", {})
    for _ in range(3):
        with pytest.raises(Killed):
            Subscription(place.store(), "mail", deadly, delivery=delivery, max_attempts=3).run_once()
    last = Subscription(place.store(), "mail", deadly, delivery=delivery, max_attempts=3)
    assert last.run_once() == 0
    assert told == [1, 1, 1]
    (letter,) = last.dead_letters()
    assert (letter.code, letter.attempts) == ("handler_never_came_back", 3)


@on_engines
def test_an_event_that_ends_its_process_is_not_told_again_under_at_most_once(place):
    """Its position had moved before."""
    told: list[int] = []

    def deadly(event):
        told.append(event.version)
        raise Killed

    for number in range(2):
        place.store().save_state("g", "s", {"n": number})
    for _ in range(2):
        with pytest.raises(Killed):
            Subscription(place.store(), "mail", deadly, delivery="at_most_once").run_once()
    assert Subscription(place.store(), "mail", deadly, delivery="at_most_once").run_once() == 0
    assert told == [1, 2]


@on_engines
def test_a_condition_that_raises_fails_like_a_handler(store):
    """Whether the event was meant is not known."""
    store.save_state("g", "s", {})
    seen = Seen()
    subscription = Subscription(store, "mail", seen, condition=lambda event: event.to_state["n"], max_attempts=1)
    assert subscription.run_once() == 0
    (letter,) = subscription.dead_letters()
    assert letter.code == "KeyError"
    assert seen.events == []


@on_engines
def test_events_that_were_trimmed_before_they_were_told_are_a_gap(store):
    """It is told as one letter, what is left follows, and it cannot be retried."""
    persister = StateMachinePersister(store)
    seen = Seen()
    subscription = Subscription(store, "mail", seen)
    store.save_state("g", "s", {"n": 1})
    subscription.run_once()
    for number in range(2, 7):
        store.save_state("g", "s", {"n": number})
    persister.trim("g", "s", before_version=5)
    assert subscription.run_once() == 2
    assert seen.of("s") == [1, 5, 6]
    (letter,) = subscription.dead_letters()
    assert (letter.version, letter.last_version, letter.code, letter.event) == (2, 4, "history_trimmed", None)
    with pytest.raises(HistoryTrimmedError):
        subscription.retry(letter)


@on_engines
def test_a_state_that_was_trimmed_before_it_was_met_begins_with_what_is_left(store):
    """From the beginning means from the first event there is: nothing is missing."""
    for number in range(1, 7):
        store.save_state("g", "s", {"n": number})
    StateMachinePersister(store).trim("g", "s", before_version=5)
    seen = Seen()
    subscription = Subscription(store, "mail", seen)
    assert subscription.run_once() == 2
    assert seen.of("s") == [5, 6]
    assert subscription.dead_letters() == []


@in_memory
def test_a_damaged_event_is_put_aside_and_its_state_waits(store):
    """What is behind it cannot be read either; once it is mended, a retry goes on."""
    for number in range(3):
        store.save_state("g", "s", {"n": number})
    path = state_layout("g", "s").event(2)
    document = (store.runtime.access.backend.get(path, timeout=5.0)).get(path)
    assert document is not None
    plant(store, path, transition_id=7)
    seen = Seen()
    subscription = Subscription(store, "mail", seen, max_attempts=2)
    assert [subscription.run_once() for _ in range(3)] == [1, 0, 0]
    (letter,) = subscription.dead_letters()
    assert (letter.version, letter.code) == (2, "corrupt_log")
    plant(store, path, transition_id=document.fields["transition_id"])
    assert subscription.retry(letter)
    assert drained(subscription) == 2
    assert seen.of("s") == [1, 2, 3]


@in_memory
def test_the_position_waits_where_too_much_is_pending(store, monkeypatch):
    """What cannot be noted is found again; once the handler is mended, nothing was lost."""
    monkeypatch.setattr("tai_state._sync.feeds.visit.PENDING_MAX", 3)
    seen = Seen()
    states = [f"s{number}" for number in range(10)]
    seen.fails = {(state_id, 1): 2 for state_id in states}
    for state_id in states:
        store.save_state("g", state_id, {})
    subscription = Subscription(store, "mail", seen)
    for _ in range(2):
        assert subscription.run_once() == 0
    _, shard, _ = subscription._book.shard(0)
    assert shard is not None
    assert (shard.reached, len(shard.pending)) == (None, 3)
    assert subscription.run_once() == 10
    assert subscription.lag() == Lag(0, 0.0)
    assert {state_id: len(seen.of(state_id)) for state_id in states} == dict.fromkeys(states, 3)


def test_a_failed_event_waits_longer_with_each_attempt():
    """A worker that runs all the time does not hammer on it; what waits holds up no other state."""
    clock = ManualClock(datetime(2030, 1, 1, tzinfo=UTC))
    store = MemoryStore(clock=clock, actor="tester")
    seen = Seen()
    seen.fails = {("s", 1): 2}
    subscription = Subscription(store, "mail", seen, config=SubscriptionConfig(wait_initial=10.0, wait_max=15.0))

    def told_after(seconds):
        clock.advance(seconds)
        before = len(seen.events)
        subscription._pass(is_patient=True)
        return seen.versions[before:]

    store.save_state("g", "s", {})
    assert told_after(0) == [("s", 1)]
    store.save_state("g", "t", {})
    assert told_after(9.9) == [("t", 1)]
    assert told_after(0.2) == [("s", 1)]
    assert told_after(14.8) == []
    assert told_after(0.3) == [("s", 1)]
    assert told_after(timedelta(days=1).total_seconds()) == []
    store.close()


@in_memory
def test_what_is_no_letter_cannot_be_retried(store):
    """An event that was delivered, or anything else; nor that of a subscription that never began."""
    seen = Seen()
    store.save_state("g", "s", {})
    subscription = Subscription(store, "mail", seen)
    (event,) = [event for event in store.get_events("g", "s")]
    with pytest.raises(ConfigurationError, match="there is no subscription 'mail' yet"):
        subscription.retry(event)
    assert subscription.dead_letters() == []
    subscription.run_once()
    assert subscription.retry(event) is False
    with pytest.raises(InvalidDataError, match="must be a dead letter or its event, not str"):
        subscription.retry(cast("Any", "g/s@1"))
