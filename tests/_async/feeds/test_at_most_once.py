"""At most once, and in order: who was too late to tell an event leaves it untold, where everybody can see it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from tai_state import AsyncBackendStore, AsyncMemoryStore
from tai_state._async.api.transaction_queue import AsyncReservedLocks
from tai_state._async.feeds.subscription import AsyncSubscription
from tai_state.documents import CommitResult, Write
from tai_state.feeds import SubscriptionConfig
from tai_state.testing import ManualClock
from tests._async.deaths import forget_every_lock
from tests._async.feeds.watched import MODES, AsyncSeen
from tests._async.stores import AsyncWrappedBackend, in_memory

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
LEASE = 30.0


class AsyncSlowReply(AsyncWrappedBackend):
    """Lets the reply to the first commit of a state's position take longer than a lease, and others go on meanwhile."""

    clock: ManualClock
    others: AsyncSubscription

    def __init__(self, inner, clock):
        super().__init__(inner)
        self.clock = clock
        self.waits = 1

    async def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        result = await super().commit(writes, timeout=timeout)
        if self.waits and str(writes[0].path).startswith("subscriptions/mail/positions/"):
            self.waits -= 1
            self.clock.advance(LEASE + 1)
            await self.others.run_once()
        return result


@pytest.fixture
async def clock():
    """The clock of the store, and of its callers."""
    return ManualClock(NOON)


@pytest.fixture
async def store(clock):
    """A store on that clock, with three events of one state."""
    store = AsyncMemoryStore(clock=clock, actor="tester")
    for _ in range(3):
        await store.save_state("g", "s", {})
    yield store
    forget_every_lock()
    await store.runtime.access.backend.close()


def slow_worker(store, clock, *handlers, delivery="at_most_once"):
    """Return a worker whose first reply takes longer than its lease, while another one goes on with what it finds."""
    backend = AsyncSlowReply(store.runtime.access.backend, clock)
    worker = AsyncSubscription(AsyncBackendStore(backend, actor="tester", clock=clock), "mail", delivery=delivery)
    backend.others = AsyncSubscription(store, "mail", delivery=delivery)
    for handler in handlers:
        worker.when()(handler)
        backend.others.when()(handler)
    return worker


async def test_who_lost_his_lease_before_he_told_tells_no_more(store, clock):
    """What is behind it was told meanwhile: the order stands, and the event is a dead letter that can be retried."""
    seen = AsyncSeen()
    worker = slow_worker(store, clock, seen)
    assert await worker.run_once() == 0
    assert seen.of("s") == [2, 3]
    (letter,) = await worker.dead_letters()
    assert (letter.version, letter.code, letter.attempts) == (1, "not_told", 1)
    assert letter.error.startswith("not told, or not to all of its handlers: its worker had lost the lease")
    await worker.retry(letter)
    assert await worker.run_once() == 1
    assert seen.of("s") == [2, 3, 1]
    assert await worker.dead_letters() == []


@pytest.mark.parametrize("delivery", MODES)
async def test_the_order_is_kept_though_a_reply_outlasts_the_lease(store, clock, delivery):
    """However it was agreed, what is told for the first time comes behind what was."""
    seen = AsyncSeen()
    worker = slow_worker(store, clock, seen, delivery=delivery)
    await worker.run_once()
    firsts = list(dict.fromkeys(seen.of("s")))
    assert firsts == ([2, 3] if delivery == "at_most_once" else [1, 2, 3])


async def test_a_lease_that_ends_between_two_handlers_keeps_the_second_from_it(store, clock):
    """Each of them is told in order; the event is not told to all, and so a dead letter."""
    first, second = AsyncSeen(), AsyncSeen()

    async def slow(event):
        await first(event)
        if event.version == 1:
            clock.advance(LEASE + 1)
            await other.run_once()

    worker = AsyncSubscription(store, "mail", slow, delivery="at_most_once")
    worker.when()(second)
    backend = store.runtime.access.backend
    other = AsyncSubscription(AsyncBackendStore(backend, actor="other", clock=clock), "mail", delivery="at_most_once")
    other.when()(first)
    other.when()(second)
    await worker.run_once()
    assert (first.of("s"), second.of("s")) == ([1, 2, 3], [2, 3])
    assert [letter.version for letter in await worker.dead_letters()] == [1]


async def test_nothing_is_begun_behind_the_end_of_a_lease(store, clock):
    """What a handler that took too long leaves is the next worker's; none of it is a dead letter."""
    seen = AsyncSeen()

    async def slow(event):
        await seen(event)
        clock.advance(LEASE + 1)

    worker = AsyncSubscription(store, "mail", slow, delivery="at_most_once")
    assert [await worker.run_once() for _ in range(4)] == [1, 1, 1, 0]
    assert seen.of("s") == [1, 2, 3]
    assert await worker.dead_letters() == []


@in_memory
async def test_who_delivers_one_state_waits_for_whoever_has_its_shard(place):
    """At most as long as the lease lasts: then he is told that it is not done."""
    store, seen = place.store(), AsyncSeen()
    await store.save_state("g", "s", {})
    config = SubscriptionConfig(lease=0.2)
    subscription = AsyncSubscription(store, "mail", seen, delivery="at_most_once", config=config)
    held = await AsyncReservedLocks(store).acquire_reserved(
        ["tai_state:subscription:mail:0"], owner="another", timeout=0, ttl=60.0
    )
    assert await subscription.deliver("g", "s") == (0, False)
    assert seen.events == []
    await held.release()
    assert await subscription.deliver("g", "s") == (1, True)
    # It is free behind that.
    assert await subscription.deliver("g", "s") == (0, True)
