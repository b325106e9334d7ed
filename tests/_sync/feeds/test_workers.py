# Generated from tests/_async/feeds/test_workers.py by .ci/generate_sync.py; do not edit.
"""Workers of one subscription: they share its states, take over from each other, and end in order."""
from datetime import UTC, datetime
from functools import partial

import pytest

from tai_state import BackendStore, MemoryStore, ConfigurationError, StoreError
from tai_state._sync.api.transaction_queue import ReservedLocks
from tai_state._sync.feeds.subscription import Subscription
from tai_state._platform.tasks import sleep, together
from tai_state.feeds import Lag, SubscriptionConfig
from tai_state.rules.feeds.positions import shard_of
from tai_state.testing import ManualClock
from tests._sync.deaths import forget_every_lock
from tests._sync.feeds.watched import MODES, Seen, drained, on_engines
from tests._sync.stores import WrappedBackend, in_memory

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@on_engines
@pytest.mark.parametrize("delivery", MODES)
def test_workers_share_the_shards(place, delivery):
    """Each event is told once, whoever delivers it, and the order of each state is kept."""
    store, seen = place.store(), Seen()
    states = [f"s{number}" for number in range(8)]
    for _ in range(3):
        for state_id in states:
            store.save_state("g", state_id, {})
    config = SubscriptionConfig(shards=4)
    workers = [
        Subscription(place.store(), "mail", seen, governor_id="g", delivery=delivery, config=config)
        for _ in range(3)
    ]
    together([partial(drained, worker) for worker in workers])
    assert {state_id: seen.of(state_id) for state_id in states} == {state_id: [1, 2, 3] for state_id in states}


@in_memory
def test_a_shard_that_another_visits_is_left_to_him(store):
    """Its lease is his; the others go on."""
    seen = Seen()
    states = [f"s{number}" for number in range(8)]
    for state_id in states:
        store.save_state("g", state_id, {})
    config = SubscriptionConfig(shards=2)
    subscription = Subscription(store, "mail", seen, config=config)
    held = ReservedLocks(store).acquire_reserved(
        ["tai_state:subscription:mail:1"], owner="another", timeout=0, ttl=60.0
    )
    here = [state_id for state_id in states if shard_of(f"g/{state_id}", 2) == 0]
    assert subscription.run_once() == len(here)
    assert sorted(state_id for state_id, _ in seen.versions) == here
    held.release()
    assert subscription.run_once() == len(states) - len(here)


def test_the_shard_of_a_dead_worker_is_taken_over():
    """Once its lease has run out; what he had begun is counted."""
    clock = ManualClock(NOON)
    store = MemoryStore(clock=clock, actor="tester")
    store.save_state("g", "s", {})
    ReservedLocks(store).acquire_reserved(
        ["tai_state:subscription:mail:0"], owner="dead", timeout=0, ttl=30.0
    )
    seen = Seen()
    subscription = Subscription(store, "mail", seen)
    assert subscription.run_once() == 0
    clock.advance(31.0)
    assert subscription.run_once() == 1
    forget_every_lock()
    store.runtime.access.backend.close()


@in_memory
def test_the_shards_of_a_subscription_are_those_that_it_began_with(store):
    """A worker that is given another number goes by what is kept."""
    seen = Seen()
    for number in range(6):
        store.save_state("g", f"s{number}", {})
    Subscription(store, "mail", seen, config=SubscriptionConfig(shards=3)).run_once()
    for number in range(6):
        store.save_state("g", f"s{number}", {})
    assert Subscription(store, "mail", seen, config=SubscriptionConfig(shards=1)).run_once() == 6


@in_memory
def test_a_look_that_finds_nothing_costs_two_reads(place):
    """No lease, and nothing written."""
    store, backend = place.counting()
    store.save_state("g", "s", {})
    subscription = Subscription(store, "mail", Seen())
    subscription.run_once()
    backend.taken()
    assert subscription.run_once() == 0
    # The subscription, the shard beside it, and one query.
    assert backend.taken() == ["get_many", "get_many", "query"]


@in_memory
def test_what_came_since_is_read_by_its_ids(place):
    """The look has found the state's version: neither the state is read again, nor is its history looked through."""
    store, backend = place.counting()
    seen = Seen()
    subscription = Subscription(store, "mail", seen, governor_id="g")
    store.save_state("g", "s", {})
    subscription.run_once()
    for _ in range(5):
        store.save_state("g", "s", {})
    backend.taken()
    assert subscription.run_once() == 5
    assert seen.of("s") == [1, 2, 3, 4, 5, 6]
    assert "scan" not in backend.taken()


@in_memory
@pytest.mark.parametrize(("delivery", "commits"), [("at_most_once", 5), ("at_least_once", 6), ("exactly_once", 10)])
def test_what_a_delivery_writes(place, delivery, commits):
    """Of five events of one state; beside them the subscription, the shard, and its lease twice."""
    store, backend = place.counting()
    for number in range(5):
        store.save_state("g", "s", {"n": number})
    subscription = Subscription(store, "mail", Seen(), governor_id="g", delivery=delivery)
    backend.taken()
    assert subscription.run_once() == 5
    assert backend.taken().count("commit") == commits + 4


@on_engines
def test_a_worker_runs_until_it_is_drained(place):
    """Woken by what its own store changes; what others change is found by polling."""
    store, seen = place.store(), Seen()
    subscription = Subscription(store, "mail", seen, config=SubscriptionConfig(poll=0.05))

    def change():
        store.save_state("g", "s", {})
        place.store().save_state("g", "t", {})
        for _ in range(400):
            if len(seen.events) == 2:
                break
            sleep(0.01)
        assert subscription.drain() is True

    together([subscription.run, change])
    assert sorted(seen.versions) == [("s", 1), ("t", 1)]
    store.save_state("g", "s", {})
    assert subscription.run_once() == 0


@in_memory
def test_a_change_of_its_own_store_wakes_a_worker(place):
    """Long before its next poll; between two it asks for nothing."""
    store, backend = place.counting()
    seen = Seen()
    subscription = Subscription(store, "mail", seen, config=SubscriptionConfig(poll=3600.0))

    def change():
        sleep(0.05)
        store.save_state("g", "s", {})
        for _ in range(400):
            if seen.events:
                break
            sleep(0.01)
        subscription.drain()

    together([subscription.run, change])
    assert seen.versions == [("s", 1)]
    assert store.runtime.writer.listeners == []
    assert backend.taken().count("query") <= 4


@in_memory
def test_a_worker_ends_with_its_store(store):
    """A store that is drained takes no more calls."""
    subscription = Subscription(store, "mail", Seen(), config=SubscriptionConfig(poll=0.01))

    def leave():
        sleep(0.05)
        store.drain()

    together([subscription.run, leave])


@in_memory
def test_draining_begins_no_further_event(store):
    """The one under way ends, its position moves, and the next worker goes on behind it."""
    told: list[int] = []

    def stop(event):
        told.append(event.version)
        subscription._is_stopped = True

    for number in range(4):
        store.save_state("g", "s", {"n": number})
    subscription = Subscription(store, "mail", stop)
    assert subscription.run_once() == 1
    seen = Seen()
    assert Subscription(store, "mail", seen).run_once() == 3
    assert (told, seen.of("s")) == ([1], [2, 3, 4])


@in_memory
def test_a_worker_bears_a_store_that_fails(store, caplog):
    """It looks again with the next poll."""

    class Shaky(WrappedBackend):
        """Refuses its first queries."""

        refusals = 1

        def query(self, query, *, limit=None, timeout):
            if self.refusals:
                self.refusals -= 1
                raise StoreError("refused")
            return super().query(query, limit=limit, timeout=timeout)

    store.save_state("g", "s", {})
    seen = Seen()
    shaky = BackendStore(Shaky(store.runtime.access.backend), actor="tester")
    subscription = Subscription(shaky, "mail", seen, config=SubscriptionConfig(poll=0.01))

    def wait():
        for _ in range(400):
            if seen.events:
                break
            sleep(0.01)
        subscription.drain()

    together([subscription.run, wait])
    assert seen.versions == [("s", 1)]
    assert "subscription mail goes on with the next poll" in caplog.text


@in_memory
def test_lag_counts_states_and_seconds(store):
    """What waits, and since when; nothing for one that is delivered."""
    seen = Seen()
    subscription = Subscription(store, "mail", seen, governor_id="g")
    assert subscription.lag() == Lag(0, 0.0)
    for state_id in ("a", "b"):
        store.save_state("g", state_id, {})
    store.save_state("h", "c", {})
    assert (subscription.lag()).states == 2
    subscription.run_once()
    assert subscription.lag() == Lag(0, 0.0)
    seen.fails = {("a", 2): 1_000}
    store.save_state("g", "a", {})
    subscription.run_once()
    lag = subscription.lag()
    assert lag.states == 1
    assert lag.seconds > 0
    seen.fails = {}
    assert subscription.run_once() == 1
    assert subscription.lag() == Lag(0, 0.0)


@on_engines
def test_the_position_of_a_shard_follows_the_changes(store):
    """A worker that begins reads no more than what came since; what does not concern it moves it, too."""
    for state_id in ("a", "b"):
        store.save_state("g", state_id, {})
    subscription = Subscription(store, "mail", Seen(), condition=lambda event: event.state_id == "a")
    subscription.run_once()
    *_, last = [event for event in store.get_events("g", "b")]
    _, shard, _ = subscription._book.shard(0)
    assert shard is not None
    assert (shard.reached, shard.pending) == (last.committed_at, ())


@on_engines
def test_a_reset_begins_anew(store):
    """From the beginning, from now, or from a time; dead letters of before are dropped."""
    seen = Seen()
    seen.fails = {("t", 1): 1}
    subscription = Subscription(store, "mail", seen, max_attempts=1)
    with pytest.raises(ConfigurationError, match="there is no subscription 'mail' yet"):
        subscription.reset("now")
    for state_id in ("s", "s", "t"):
        store.save_state("g", state_id, {})
    subscription.run_once()
    assert len(subscription.dead_letters()) == 1
    subscription.reset("beginning")
    assert subscription.dead_letters() == []
    assert subscription.run_once() == 3
    assert (seen.of("s"), seen.of("t")) == ([1, 2, 1, 2], [1, 1])
    store.save_state("g", "s", {})
    subscription.reset("now")
    store.save_state("g", "s", {})
    assert subscription.run_once() == 1
    assert seen.of("s") == [1, 2, 1, 2, 4]
    events = [event for event in store.get_events("g", "s")]
    subscription.reset(events[1].committed_at)
    assert subscription.run_once() == 3
    with pytest.raises(ConfigurationError, match="position must be 'beginning', 'now' or an aware datetime"):
        subscription.reset("then")
