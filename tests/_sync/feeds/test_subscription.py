# Generated from tests/_async/feeds/test_subscription.py by .ci/generate_sync.py; do not edit.
"""Subscriptions: each event once, or as often as was agreed, in the order of its state, across restarts."""
from typing import Any

import pytest

from tai_state import (
    BackendStore,
    StateMachinePersister,
    Capability,
    ConfigurationError,
    Machine,
    PersistenceConfig,
    Transition,
)
from tai_state._sync.feeds.listing import subscriptions
from tai_state._sync.feeds.subscription import Subscription
from tai_state.feeds import SubscriptionConfig
from tests._sync.feeds.watched import MODES, ONE_BY_ONE, Seen, on_engines
from tests._sync.stores import WrappedBackend, in_memory

LIGHT = Machine("light", "off", [Transition("on", "off", "on"), Transition("off", "on", "off")])


@pytest.mark.parametrize("delivery", MODES)
def test_each_event_is_told_in_the_order_of_its_state(feeding, delivery):
    """Once where nothing fails; another process under the same name goes on where this one was."""
    store, seen = feeding.store(), Seen()
    for number in range(3):
        for state_id in ("a", "b"):
            store.save_state("g", state_id, {"n": number})
    first = Subscription(store, "mail", seen, governor_id="g", delivery=delivery)
    assert first.run_once() == 6
    assert first.run_once() == 0
    assert (seen.of("a"), seen.of("b")) == ([1, 2, 3], [1, 2, 3])
    stored = [event for event in store.get_events("g", "a")]
    assert [event for event in seen.events if event.state_id == "a"] == stored
    store.delete_state("g", "a")
    other = Subscription(feeding.store(), "mail", seen, governor_id="g", delivery=delivery)
    assert other.run_once() == 1
    assert first.run_once() == 0
    assert seen.versions[-1] == ("a", 4)
    assert seen.events[-1].deleted is True


@on_engines
def test_two_subscriptions_do_not_know_each_other(store):
    """Each has a position of its own."""
    one, two = Seen(), Seen()
    store.save_state("g", "s", {})
    Subscription(store, "one", one).run_once()
    store.save_state("g", "s", {})
    assert Subscription(store, "two", two).run_once() == 2
    assert Subscription(store, "one", one).run_once() == 1
    assert (one.of("s"), two.of("s")) == ([1, 2], [1, 2])


@on_engines
def test_what_a_handler_writes_and_the_position_are_one_commit(store):
    """A handler that fails has written nothing, and runs again; its effect is made once."""
    seen = Seen()
    seen.fails = {("s", 1): 2}
    store.save_state("g", "s", {})
    subscription = Subscription(store, "mail", seen, governor_id="g", delivery="exactly_once")
    assert [subscription.run_once() for _ in range(4)] == [0, 0, 1, 0]
    assert seen.of("s") == [1, 1, 1]
    assert [event.version for event in store.get_events("effects", "s")] == [1]


@on_engines
@pytest.mark.parametrize("delivery", MODES)
def test_a_handler_that_writes_nothing_is_delivered_to_all_the_same(store, delivery):
    """Its position moves."""
    told: list[int] = []

    def quiet(event, *_):
        told.append(event.version)

    store.save_state("g", "s", {})
    subscription = Subscription(store, "quiet", quiet, delivery=delivery)
    assert [subscription.run_once() for _ in range(2)] == [1, 0]
    assert told == [1]


@on_engines
def test_a_plain_function_is_a_handler_too(store):
    """Who has nothing to wait for needs no coroutine."""
    told: list[int] = []
    store.save_state("g", "s", {})
    Subscription(store, "plain", lambda event: told.append(event.version)).run_once()
    assert told == [1]


@in_memory
def test_an_effect_whose_commit_lost_its_reply_is_made_once(place):
    """It was settled by reading the position that went with it."""
    store, backend = place.faulty()
    seen = Seen()
    store.save_state("g", "s", {})
    subscription = Subscription(store, "mail", seen, governor_id="g", delivery="exactly_once")
    subscription.lag()
    # The subscription, the lease, the attempt, and then the effect with its position.
    backend.faults = ["fine", "fine", "fine", "reply lost"]
    assert subscription.run_once() == 1
    assert subscription.run_once() == 0
    assert [event.version for event in store.get_events("effects", "s")] == [1]


@in_memory
def test_an_effect_is_made_once_though_two_workers_hold_the_event(store):
    """Whoever moves the position second has nothing to do any more."""
    other = Subscription(store, "mail", Seen(), governor_id="g", delivery="exactly_once")
    told: list[int] = []

    def slow(event, tx):
        told.append(event.version)
        tx.save_state("effects", "s", {"by": "slow"})
        if len(told) == 1:
            # Another worker delivers the same event meanwhile: its Eventarc trigger was quicker, say.
            assert (other.deliver("g", "s")).delivered == 1

    store.save_state("g", "s", {})
    subscription = Subscription(store, "mail", slow, governor_id="g", delivery="exactly_once")
    assert subscription.run_once() == 0
    assert subscription.run_once() == 0
    assert [event.to_state for event in store.get_events("effects", "s")] == [{"version": 1}]
    assert told == [1]


@on_engines
def test_it_tells_what_it_was_asked_to(store):
    """Of a governor, of statuses, of a machine, and under a condition; what does not fit is passed over."""
    light = StateMachinePersister(store, LIGHT)
    light.start("g", "s")
    for action in ("on", "off", "on"):
        light.transition("g", "s", action)
    store.save_state("g", "plain", {"n": 1})
    store.save_state("h", "plain", {"n": 2})
    asked: dict[str, dict[str, Any]] = {
        "governor": {"governor_id": "h"},
        "statuses": {"statuses": ["on"]},
        "machine": {"machine": LIGHT},
        "name": {"machine": "light"},
        "condition": {"condition": lambda event: event.to_state.get("n") == 1},
        "all": {"statuses": ["on"], "machine": "light", "condition": lambda event: event.version > 2},
    }
    found = {}
    for name, filters in asked.items():
        seen = Seen()
        Subscription(store, name, seen, **filters, config=ONE_BY_ONE).run_once()
        found[name] = [(event.governor_id, *place) for event, place in zip(seen.events, seen.versions, strict=True)]
    moves = [("g", "s", version) for version in (1, 2, 3, 4)]
    assert found == {
        "governor": [("h", "plain", 1)],
        "statuses": [moves[1], moves[3]],
        "machine": moves,
        "name": moves,
        "condition": [("g", "plain", 1)],
        "all": [moves[3]],
    }


def test_it_begins_with_what_comes_from_now_on(feeding):
    """A state that is met for the first time begins behind its last event before the subscription."""
    store = feeding.store()
    for number in range(5):
        store.save_state("g", "old", {"n": number})
    store.save_state("g", "still", {})
    seen = Seen()
    subscription = Subscription(store, "now", seen, start="now")
    assert subscription.run_once() == 0
    store.save_state("g", "old", {"n": 5})
    store.save_state("g", "old", {"n": 6})
    store.save_state("g", "new", {})
    assert subscription.run_once() == 3
    assert (seen.of("old"), seen.of("new"), seen.of("still")) == ([6, 7], [1], [])
    assert subscription.deliver("g", "still") == (0, True)


@on_engines
@pytest.mark.parametrize("last", [21, 31])
def test_it_begins_at_a_time_of_the_store(place, last):
    """Also in the middle of a long history, most of which is sealed and its documents gone."""
    config = PersistenceConfig(segment_events=10, compact_sealed=True)
    store = place.store()
    counter = StateMachinePersister(store, Machine("c", "on", [Transition("add", "on", "on")]), config)
    counter.start("g", "s")
    for _ in range(44):
        counter.transition("g", "s", "add")
    events = [event for event in store.get_events("g", "s")]
    seen = Seen()
    subscription = Subscription(store, "then", seen, start=events[last - 1].committed_at)
    assert subscription.run_once() == 45 - last
    assert seen.of("s") == list(range(last + 1, 46))


@on_engines
def test_a_long_history_is_told_whole(place):
    """Sealed segments included, whose documents are gone."""
    config = PersistenceConfig(segment_events=10, compact_sealed=True)
    store, seen = place.store(), Seen()
    counter = StateMachinePersister(store, Machine("c", "on", [Transition("add", "on", "on")]), config)
    counter.start("g", "s")
    for _ in range(44):
        counter.transition("g", "s", "add")
    assert Subscription(store, "all", seen).run_once() == 45
    assert seen.of("s") == list(range(1, 46))


@in_memory
def test_one_state_is_delivered_on_request(store):
    """For who knows what has changed; again and again it is the same position."""
    seen = Seen()
    store.save_state("g", "s", {})
    store.save_state("g", "t", {})
    subscription = Subscription(store, "mail", seen, governor_id="g")
    assert [subscription.deliver("g", "s") for _ in range(2)] == [(1, True), (0, True)]
    assert subscription.deliver("h", "s") == (0, True)
    assert subscription.run_once() == 1
    assert seen.versions == [("s", 1), ("t", 1)]
    seen.fails = {("s", 2): 1}
    store.save_state("g", "s", {})
    # What failed is to be asked for again; whoever told of the change has to know.
    assert [subscription.deliver("g", "s") for _ in range(2)] == [(0, False), (1, True)]


@in_memory
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "tomorrow"}, "start must be 'beginning', 'now' or an aware datetime, not 'tomorrow'"),
        ({"delivery": "twice"}, "delivery must be one of at_most_once, at_least_once, exactly_once, not 'twice'"),
        ({"max_attempts": 0}, "max_attempts must be an int of at least 1, not 0"),
        ({"blocks": 1}, "blocks"),
        ({"statuses": 3}, "statuses: one name or several are given, not 3"),
        ({"machine": 3}, "machine must be a machine or its name, not 3"),
        ({"condition": 3}, "condition: must be callable, not int"),
        ({"condition": lambda event: (yield event)}, "condition: 'condition' is async or a generator"),
        ({"handler": lambda event: (yield event)}, "a handler is a generator, whose call does nothing"),
        ({"condition": lambda: True}, "condition: 'condition' cannot be called as condition\\(event\\)"),
        ({"handler": 3}, "a handler must be something to call, not 3"),
        ({"config": 3}, "config"),
    ],
)
def test_terms_that_cannot_be_are_refused_at_once(store, options, message):
    """Before anything is read or written."""
    with pytest.raises(ConfigurationError, match=message):
        Subscription(store, "mail", **{"handler": print, **options})


@in_memory
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shards": 0}, "shards must be an int of at least 1"),
        ({"poll": 0}, "poll of a subscription"),
        ({"sweep_every": 700.0}, "sweep_window must be at least sweep_every"),
        ({"wait_initial": -1.0}, "wait_initial of a subscription"),
    ],
)
def test_numbers_that_cannot_work_are_refused(options, message, store):
    """Each by its name."""
    with pytest.raises(ConfigurationError, match=message):
        Subscription(store, "mail", print, config=SubscriptionConfig(**options))


@in_memory
@pytest.mark.parametrize("name", ["a/b", "..", "__x__", "é 1", "x@3", "a" * 480, "/" * 480, "ü" * 240])
def test_a_name_is_whatever_an_id_may_be(store, name):
    """However long it gets where it is stored."""
    store.save_state("g", "s", {})
    assert Subscription(store, name, Seen()).run_once() == 1
    assert [one.name for one in subscriptions(store)] == [name]


@in_memory
def test_a_subscription_is_of_the_governor_that_it_began_with(store):
    """Else it would look for the states of one, and tell of none."""
    seen = Seen()
    Subscription(store, "mail", seen, governor_id="a").run_once()
    store.save_state("b", "s", {})
    for governor_id in ("b", None):
        other = Subscription(store, "mail", seen, governor_id=governor_id)
        with pytest.raises(ConfigurationError, match="subscription 'mail' began with governor_id='a', not "):
            other.run_once()
        with pytest.raises(ConfigurationError, match="give it the same, or another name"):
            other.deliver("b", "s")


@in_memory
def test_a_subscription_that_tells_nobody_is_refused(store):
    """With its first use: handlers may be added until then."""
    with pytest.raises(ConfigurationError, match="subscription 'mail' tells nobody"):
        Subscription(store, "mail").run_once()


@in_memory
@pytest.mark.parametrize("left_out", [frozenset(), {Capability.BY_UPDATE_TIME}], ids=["by time", "by keys"])
def test_a_subscription_of_one_governor_is_told_of_no_other(place, left_out):
    """Whichever way its store finds changes, and whatever is told of them by others."""
    backend = WrappedBackend(place.store().runtime.access.backend)
    backend.capabilities -= left_out
    store, seen = BackendStore(backend, actor="tester", feed=True), Seen()
    for governor_id in "fgh":
        store.save_state(governor_id, "s", {})
    subscription = Subscription(store, "mail", seen, governor_id="g")
    assert [subscription.deliver(governor_id, "s") for governor_id in "fh"] == [(0, True)] * 2
    assert subscription.run_once() == 1
    assert [event.governor_id for event in seen.events] == ["g"]


on_firestore = pytest.mark.parametrize("backend_kind", [pytest.param("firestore", marks=pytest.mark.emulator)])


@on_firestore
def test_a_store_that_finds_no_changes_says_so(store):
    """Rather than to deliver nothing for ever."""
    with pytest.raises(ConfigurationError, match="feed=True"):
        Subscription(store, "mail", print).run_once()


@on_firestore
def test_a_store_that_was_switched_on_finds_what_was_there_and_what_comes(place):
    """By the stamps of its states, whatever the number of their keys; one governor's alone, too."""
    before = place.store()
    for n in range(5):
        before.save_state(f"g{n % 2}", f"s{n}", {"n": n})
    store = place.store(feed=True, feed_shards=3)
    told: list[str] = []
    whole = Subscription(store, "all", lambda event: told.append(f"{event.state_id}@{event.version}"))
    assert whole.run_once() == 5
    assert sorted(told) == ["s0@1", "s1@1", "s2@1", "s3@1", "s4@1"]
    told.clear()
    before.save_state("g0", "s0", {})
    store.save_state("g1", "s5", {})
    assert whole.run_once() == 2
    assert sorted(told) == ["s0@2", "s5@1"]
    told.clear()
    of_one = Subscription(
        store, "one", lambda event: told.append(f"{event.state_id}@{event.version}"), governor_id="g1"
    )
    assert of_one.run_once() == 3
    assert sorted(told) == ["s1@1", "s3@1", "s5@1"]
