"""Positions over a whole store: 1, 2, 3, ..., one for each event, whoever numbers and however he ends."""

import time
from contextlib import suppress
from functools import partial

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    ConfigurationError,
    DeadlineExceededError,
    InvalidIdError,
    Machine,
    PersistenceConfig,
    Transition,
)
from tai_state._async.feeds.numbering import AsyncPositions
from tai_state._async.feeds.subscription import AsyncSubscription
from tai_state._platform.tasks import async_together
from tai_state.feeds import SubscriptionConfig, async_subscriptions
from tests._async.feeds.watched import AsyncSeen, on_engines
from tests._async.stores import in_memory
from tests.waits import SECONDS_MAX

COUNTER = Machine("counter", "on", [Transition("add", "on", "on")])


async def async_listed(positions, **options):
    """Return what is numbered, as position, state and version."""
    return [(one.position, one.state_id, one.version) async for one in positions.events(**options)]


def check(numbered, versions):
    """See that there is no gap, and each version of each state once, in its order."""
    assert [position for position, _, _ in numbered] == list(range(1, len(numbered) + 1))
    found: dict[str, list[int]] = {}
    for _, state_id, version in numbered:
        found.setdefault(state_id, []).append(version)
    assert found == {state_id: list(range(1, last + 1)) for state_id, last in versions.items()}


async def test_each_event_has_one_position_and_there_is_no_gap(feeding):
    """For good: who comes later, in another process, finds the same, and goes on behind it."""
    store = feeding.store()
    for _ in range(3):
        for state_id in ("a", "b"):
            await store.save_state("g", state_id, {})
    positions = AsyncPositions(store)
    assert await async_listed(positions) == []
    assert (await positions.run_once(), await positions.run_once(), await positions.last()) == (6, 0, 6)
    first = await async_listed(positions)
    check(first, {"a": 3, "b": 3})
    await store.save_state("h", "c", {"n": 7})
    await store.delete_state("g", "a")
    other = AsyncPositions(feeding.store())
    assert await other.run_once() == 2
    numbered = await async_listed(other)
    check(numbered, {"a": 4, "b": 3, "c": 1})
    assert numbered[:6] == first
    (last,) = [one.event async for one in other.events(after=6) if one.state_id == "c"]
    assert [last] == [event async for event in store.get_events("h", "c")]
    assert await async_listed(other, after=2, limit=3) == numbered[2:5]
    assert await async_listed(other, after=8) == []


@on_engines
async def test_workers_that_number_at_the_same_time_give_each_event_one_position(place):
    """Beside writers; none waits for another."""
    config = SubscriptionConfig(lease=0.05)
    names = [f"s{number}" for number in range(6)]

    async def write(name):
        store = place.store()
        for _ in range(10):
            await store.save_state("g", name, {})

    async def number():
        positions = AsyncPositions(place.store(), config=config)
        for _ in range(20):
            # On a busy machine such a lease may be over before it is written.
            with suppress(DeadlineExceededError):
                await positions.run_once()

    await async_together([partial(write, name) for name in names] + [number] * 3)
    positions = AsyncPositions(place.store())
    # The lease of one that lost it may have to end first.
    until = time.monotonic() + SECONDS_MAX
    while await positions.last() < len(names) * 10 and time.monotonic() < until:
        await positions.run_once()
    check(await async_listed(positions), dict.fromkeys(names, 10))


@in_memory
@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
async def test_a_commit_whose_reply_is_lost_numbers_once(place, fault):
    """What became of it is read."""
    store, backend = place.faulty()
    await store.save_state("g", "s", {})
    positions = AsyncPositions(store)
    await positions.run_once()
    for _ in range(2):
        await store.save_state("g", "s", {})
    # The lease, the numbers, the shard.
    backend.faults = ["fine", fault]
    assert await positions.run_once() == 2
    check(await async_listed(positions), {"s": 3})


@in_memory
async def test_what_numbers_cost(place):
    """A commit for two hundred, beside the shard's and its lease; nothing is written where nothing is new."""
    store, backend = place.counting()
    for number in range(50):
        await store.save_state("g", f"s{number}", {})
    positions = AsyncPositions(store)
    await positions.run_once()
    for number in range(50):
        for _ in range(5):
            await store.save_state("g", f"s{number}", {})
    backend.taken()
    assert await positions.run_once() == 250
    assert backend.taken().count("commit") == 2 + 3
    assert await positions.run_once() == 0
    assert backend.taken() == ["get_many", "get_many", "query"]


@in_memory
async def test_each_position_of_a_state_is_read_for_its_own_commit(place):
    """However many states were found to have changed: a hundred go into a commit."""
    store, backend = place.counting()
    positions = AsyncPositions(store)
    await positions.run_once()
    for number in range(250):
        await store.save_state("g", f"s{number}", {})
    backend.taken()
    assert await positions.run_once() == 250
    # Two looks, the lease, and two for each commit of numbers: its states' positions, and the last number.
    assert backend.taken().count("get_many") == 4 + 2 * 3


@in_memory
async def test_a_segment_is_read_once_for_all_its_events(place):
    """As a projection does that begins with all that a store ever saw."""
    store, backend = place.counting()
    config = PersistenceConfig(segment_events=5, compact_sealed=True)
    counter = AsyncStateMachinePersister(store, COUNTER, config)
    await counter.start("g", "s")
    for _ in range(11):
        await counter.transition("g", "s", "add")
    positions = AsyncPositions(store)
    await positions.run_once()
    backend.taken()
    assert len(await async_listed(positions)) == 12
    # The numbers, and the documents of their events; then each of the two segments.
    assert backend.taken() == ["scan", "get_many", "scan", "get_many", "scan"]


@on_engines
async def test_what_is_sealed_is_told_and_what_was_trimmed_is_named(place):
    """Its position stands: others have seen it."""
    store = place.store()
    config = PersistenceConfig(segment_events=5, compact_sealed=True)
    counter = AsyncStateMachinePersister(store, COUNTER, config)
    await counter.start("g", "s")
    for _ in range(11):
        await counter.transition("g", "s", "add")
    positions = AsyncPositions(store)
    assert await positions.run_once() == 12
    told = [one async for one in positions.events()]
    assert [one.event for one in told] == [event async for event in store.get_events("g", "s")]
    await counter.trim("g", "s", before_version=6)
    after = [one async for one in positions.events()]
    assert [(one.position, one.version) for one in after] == [(one.position, one.version) for one in told]
    assert [one.event is None for one in after[:5]] == [True] * 5
    assert [one.event for one in after[5:]] == [one.event for one in told[5:]]


@in_memory
async def test_the_numbers_are_no_subscription_of_a_user(store):
    """Nobody takes their name, resets them, or sees them among his own."""
    await store.save_state("g", "s", {})
    await AsyncPositions(store).run_once()
    await AsyncSubscription(store, "mail", AsyncSeen()).run_once()
    assert [one.name async for one in async_subscriptions(store)] == ["mail"]
    with pytest.raises(InvalidIdError, match="reserved for this package's own"):
        AsyncSubscription(store, "tai_state:positions", AsyncSeen())
    with pytest.raises(ConfigurationError, match="after must be an int of at least 0"):
        await async_listed(AsyncPositions(store), after=-1)
