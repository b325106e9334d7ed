"""Workers of one subscription: they share its states, take over from each other, and end in order."""

from datetime import UTC, datetime
from functools import partial

import pytest

from tai_state import AsyncBackendStore, AsyncMemoryStore, ConfigurationError, StoreError
from tai_state._async.api.transaction_queue import AsyncReservedLocks
from tai_state._async.feeds.subscription import AsyncSubscription
from tai_state._platform.tasks import async_sleep, async_together
from tai_state.feeds import Lag, SubscriptionConfig
from tai_state.rules.feeds.positions import shard_of
from tai_state.testing import ManualClock
from tests._async.deaths import forget_every_lock
from tests._async.feeds.watched import MODES, AsyncSeen, async_drained, on_engines
from tests._async.stores import AsyncWrappedBackend, in_memory

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@on_engines
@pytest.mark.parametrize("delivery", MODES)
async def test_workers_share_the_shards(place, delivery):
    """Each event is told once, whoever delivers it, and the order of each state is kept."""
    store, seen = place.store(), AsyncSeen()
    states = [f"s{number}" for number in range(8)]
    for _ in range(3):
        for state_id in states:
            await store.save_state("g", state_id, {})
    config = SubscriptionConfig(shards=4)
    workers = [
        AsyncSubscription(place.store(), "mail", seen, governor_id="g", delivery=delivery, config=config)
        for _ in range(3)
    ]
    await async_together([partial(async_drained, worker) for worker in workers])
    assert {state_id: seen.of(state_id) for state_id in states} == {state_id: [1, 2, 3] for state_id in states}


@in_memory
async def test_a_shard_that_another_visits_is_left_to_him(store):
    """Its lease is his; the others go on."""
    seen = AsyncSeen()
    states = [f"s{number}" for number in range(8)]
    for state_id in states:
        await store.save_state("g", state_id, {})
    config = SubscriptionConfig(shards=2)
    subscription = AsyncSubscription(store, "mail", seen, config=config)
    held = await AsyncReservedLocks(store).acquire_reserved(
        ["tai_state:subscription:mail:1"], owner="another", timeout=0, ttl=60.0
    )
    here = [state_id for state_id in states if shard_of(f"g/{state_id}", 2) == 0]
    assert await subscription.run_once() == len(here)
    assert sorted(state_id for state_id, _ in seen.versions) == here
    await held.release()
    assert await subscription.run_once() == len(states) - len(here)


async def test_the_shard_of_a_dead_worker_is_taken_over():
    """Once its lease has run out; what he had begun is counted."""
    clock = ManualClock(NOON)
    store = AsyncMemoryStore(clock=clock, actor="tester")
    await store.save_state("g", "s", {})
    await AsyncReservedLocks(store).acquire_reserved(
        ["tai_state:subscription:mail:0"], owner="dead", timeout=0, ttl=30.0
    )
    seen = AsyncSeen()
    subscription = AsyncSubscription(store, "mail", seen)
    assert await subscription.run_once() == 0
    clock.advance(31.0)
    assert await subscription.run_once() == 1
    forget_every_lock()
    await store.runtime.access.backend.close()


@in_memory
async def test_the_shards_of_a_subscription_are_those_that_it_began_with(store):
    """A worker that is given another number goes by what is kept."""
    seen = AsyncSeen()
    for number in range(6):
        await store.save_state("g", f"s{number}", {})
    await AsyncSubscription(store, "mail", seen, config=SubscriptionConfig(shards=3)).run_once()
    for number in range(6):
        await store.save_state("g", f"s{number}", {})
    assert await AsyncSubscription(store, "mail", seen, config=SubscriptionConfig(shards=1)).run_once() == 6


@in_memory
async def test_a_look_that_finds_nothing_costs_two_reads(place):
    """No lease, and nothing written."""
    store, backend = place.counting()
    await store.save_state("g", "s", {})
    subscription = AsyncSubscription(store, "mail", AsyncSeen())
    await subscription.run_once()
    backend.taken()
    assert await subscription.run_once() == 0
    # The subscription, the shard beside it, and one query.
    assert backend.taken() == ["get_many", "get_many", "query"]


@in_memory
async def test_what_came_since_is_read_by_its_ids(place):
    """The look has found the state's version: neither the state is read again, nor is its history looked through."""
    store, backend = place.counting()
    seen = AsyncSeen()
    subscription = AsyncSubscription(store, "mail", seen, governor_id="g")
    await store.save_state("g", "s", {})
    await subscription.run_once()
    for _ in range(5):
        await store.save_state("g", "s", {})
    backend.taken()
    assert await subscription.run_once() == 5
    assert seen.of("s") == [1, 2, 3, 4, 5, 6]
    assert "scan" not in backend.taken()


@in_memory
@pytest.mark.parametrize(("delivery", "commits"), [("at_most_once", 5), ("at_least_once", 6), ("exactly_once", 10)])
async def test_what_a_delivery_writes(place, delivery, commits):
    """Of five events of one state; beside them the subscription, the shard, and its lease twice."""
    store, backend = place.counting()
    for number in range(5):
        await store.save_state("g", "s", {"n": number})
    subscription = AsyncSubscription(store, "mail", AsyncSeen(), governor_id="g", delivery=delivery)
    backend.taken()
    assert await subscription.run_once() == 5
    assert backend.taken().count("commit") == commits + 4


@on_engines
async def test_a_worker_runs_until_it_is_drained(place):
    """Woken by what its own store changes; what others change is found by polling."""
    store, seen = place.store(), AsyncSeen()
    subscription = AsyncSubscription(store, "mail", seen, config=SubscriptionConfig(poll=0.05))

    async def change():
        await store.save_state("g", "s", {})
        await place.store().save_state("g", "t", {})
        for _ in range(400):
            if len(seen.events) == 2:
                break
            await async_sleep(0.01)
        assert await subscription.drain() is True

    await async_together([subscription.run, change])
    assert sorted(seen.versions) == [("s", 1), ("t", 1)]
    await store.save_state("g", "s", {})
    assert await subscription.run_once() == 0


@in_memory
async def test_a_change_of_its_own_store_wakes_a_worker(place):
    """Long before its next poll; between two it asks for nothing."""
    store, backend = place.counting()
    seen = AsyncSeen()
    subscription = AsyncSubscription(store, "mail", seen, config=SubscriptionConfig(poll=3600.0))

    async def change():
        await async_sleep(0.05)
        await store.save_state("g", "s", {})
        for _ in range(400):
            if seen.events:
                break
            await async_sleep(0.01)
        await subscription.drain()

    await async_together([subscription.run, change])
    assert seen.versions == [("s", 1)]
    assert store.runtime.writer.listeners == []
    assert backend.taken().count("query") <= 4


@in_memory
async def test_a_worker_ends_with_its_store(store):
    """A store that is drained takes no more calls."""
    subscription = AsyncSubscription(store, "mail", AsyncSeen(), config=SubscriptionConfig(poll=0.01))

    async def leave():
        await async_sleep(0.05)
        await store.drain()

    await async_together([subscription.run, leave])


@in_memory
async def test_draining_begins_no_further_event(store):
    """The one under way ends, its position moves, and the next worker goes on behind it."""
    told: list[int] = []

    async def stop(event):
        told.append(event.version)
        subscription._is_stopped = True

    for number in range(4):
        await store.save_state("g", "s", {"n": number})
    subscription = AsyncSubscription(store, "mail", stop)
    assert await subscription.run_once() == 1
    seen = AsyncSeen()
    assert await AsyncSubscription(store, "mail", seen).run_once() == 3
    assert (told, seen.of("s")) == ([1], [2, 3, 4])


@in_memory
async def test_a_worker_bears_a_store_that_fails(store, caplog):
    """It looks again with the next poll."""

    class AsyncShaky(AsyncWrappedBackend):
        """Refuses its first queries."""

        refusals = 1

        def query(self, query, *, limit=None, timeout):
            if self.refusals:
                self.refusals -= 1
                raise StoreError("refused")
            return super().query(query, limit=limit, timeout=timeout)

    await store.save_state("g", "s", {})
    seen = AsyncSeen()
    shaky = AsyncBackendStore(AsyncShaky(store.runtime.access.backend), actor="tester")
    subscription = AsyncSubscription(shaky, "mail", seen, config=SubscriptionConfig(poll=0.01))

    async def wait():
        for _ in range(400):
            if seen.events:
                break
            await async_sleep(0.01)
        await subscription.drain()

    await async_together([subscription.run, wait])
    assert seen.versions == [("s", 1)]
    assert "subscription mail goes on with the next poll" in caplog.text


@in_memory
async def test_lag_counts_states_and_seconds(store):
    """What waits, and since when; nothing for one that is delivered."""
    seen = AsyncSeen()
    subscription = AsyncSubscription(store, "mail", seen, governor_id="g")
    assert await subscription.lag() == Lag(0, 0.0)
    for state_id in ("a", "b"):
        await store.save_state("g", state_id, {})
    await store.save_state("h", "c", {})
    assert (await subscription.lag()).states == 2
    await subscription.run_once()
    assert await subscription.lag() == Lag(0, 0.0)
    seen.fails = {("a", 2): 1_000}
    await store.save_state("g", "a", {})
    await subscription.run_once()
    lag = await subscription.lag()
    assert lag.states == 1
    assert lag.seconds > 0
    seen.fails = {}
    assert await subscription.run_once() == 1
    assert await subscription.lag() == Lag(0, 0.0)


@on_engines
async def test_the_position_of_a_shard_follows_the_changes(store):
    """A worker that begins reads no more than what came since; what does not concern it moves it, too."""
    for state_id in ("a", "b"):
        await store.save_state("g", state_id, {})
    subscription = AsyncSubscription(store, "mail", AsyncSeen(), condition=lambda event: event.state_id == "a")
    await subscription.run_once()
    *_, last = [event async for event in store.get_events("g", "b")]
    _, shard, _ = await subscription._book.shard(0)
    assert shard is not None
    assert (shard.reached, shard.pending) == (last.committed_at, ())


@on_engines
async def test_a_reset_begins_anew(store):
    """From the beginning, from now, or from a time; dead letters of before are dropped."""
    seen = AsyncSeen()
    seen.fails = {("t", 1): 1}
    subscription = AsyncSubscription(store, "mail", seen, max_attempts=1)
    with pytest.raises(ConfigurationError, match="there is no subscription 'mail' yet"):
        await subscription.reset("now")
    for state_id in ("s", "s", "t"):
        await store.save_state("g", state_id, {})
    await subscription.run_once()
    assert len(await subscription.dead_letters()) == 1
    await subscription.reset("beginning")
    assert await subscription.dead_letters() == []
    assert await subscription.run_once() == 3
    assert (seen.of("s"), seen.of("t")) == ([1, 2, 1, 2], [1, 1])
    await store.save_state("g", "s", {})
    await subscription.reset("now")
    await store.save_state("g", "s", {})
    assert await subscription.run_once() == 1
    assert seen.of("s") == [1, 2, 1, 2, 4]
    events = [event async for event in store.get_events("g", "s")]
    await subscription.reset(events[1].committed_at)
    assert await subscription.run_once() == 3
    with pytest.raises(ConfigurationError, match="position must be 'beginning', 'now' or an aware datetime"):
        await subscription.reset("then")
