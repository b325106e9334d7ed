"""Waiting for a lock: who is woken, who is next, and who gives up in a cycle."""

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncSqliteStore,
    AsyncStateMachinePersister,
    DeadlockError,
    LockConfig,
    LockTimeoutError,
    StoreUnavailableError,
    SystemClock,
)
from tai_state._async.locking import deadlocks, waiting
from tai_state._platform.tasks import async_sleep, async_together
from tai_state.documents import Put
from tai_state.layout import WAITS
from tai_state.rules.locking.reservations import reservation_path
from tests._async.deaths import forget_every_lock
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_find
from tests.waits import POLL_SECONDS, SECONDS_MAX, patience

LONG = 60.0
UNFAIR = 3
WAKING = 0.05
PAST_EVERY_WAIT = 1000.0
"""So long that nobody who waits is helped by the end of a lease, or by looking for himself."""

monotonic = SystemClock().monotonic


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


async def async_wait_ids(store):
    """Return the ids of the documents that waiters have left."""
    return [document.path.id async for document in store.runtime.access.backend.scan(WAITS, timeout=TIMEOUT)]


class AsyncWatchedBackend(AsyncWrappedBackend):
    """Counts the watches that are open; its watches may fail."""

    def __init__(self, inner):
        super().__init__(inner)
        self.opened = 0
        self.open = 0
        self.fails = False

    async def watch(self, path, *, timeout):
        self.opened += 1
        self.open += 1
        try:
            async for _ in self.inner.watch(path, timeout=timeout):
                yield
                if self.fails:
                    raise StoreUnavailableError("the watch broke")
        finally:
            self.open -= 1


async def async_handed_over(place, backend, hold_seconds=0.4, waits=lambda: True):
    """Return how long behind a release a waiter got the lock, whose lease would have lasted for long.

    It is held for a while, and until the waiter *waits*.
    """
    locks, others = AsyncLockManager(place.store()), AsyncLockManager(AsyncBackendStore(backend))
    lock = await locks.acquire("r", owner="a", ttl=PAST_EVERY_WAIT)
    moments = {}

    async def release():
        await async_sleep(hold_seconds)
        ends = monotonic() + SECONDS_MAX
        while not waits() and monotonic() < ends:
            await async_sleep(POLL_SECONDS)
        moments["released"] = monotonic()
        await lock.release()

    async def wait():
        async with others.hold("r", owner="b", timeout=LONG):
            moments["taken"] = monotonic()

    await async_together([release, wait])
    return moments["taken"] - moments["released"]


async def test_a_waiter_is_woken_by_a_release(place, monkeypatch):
    """Long before it would have looked for itself; no watch stays open."""
    monkeypatch.setattr(waiting, "LOOK_SECONDS_MAX", PAST_EVERY_WAIT)
    backend = AsyncWatchedBackend(place.store().runtime.access.backend)
    assert await async_handed_over(place, backend, waits=lambda: backend.opened) < patience(5.0)
    assert backend.opened >= 1
    assert backend.open == 0


async def test_one_watch_serves_a_wait(place, monkeypatch):
    """However often the holder renews meanwhile."""
    monkeypatch.setattr(waiting, "LOOK_SECONDS_MAX", PAST_EVERY_WAIT)
    backend = AsyncWatchedBackend(place.store().runtime.access.backend)
    locks = AsyncLockManager(place.store(), LockConfig(ttl=3.0, retry_period=0.1))
    others = AsyncLockManager(AsyncBackendStore(backend))
    async with locks.hold("r", owner="a") as lock:
        for _ in range(3):
            await lock.renew()
        with pytest.raises(LockTimeoutError):
            await others.acquire("r", owner="b", timeout=1.0)
    assert backend.opened <= 2
    assert backend.open == 0


async def test_a_watch_that_breaks_is_replaced_by_looking(place):
    """Nobody waits for ever for a wake-up."""
    backend = AsyncWatchedBackend(place.store().runtime.access.backend)
    backend.fails = True
    assert await async_handed_over(place, backend) < patience(5.0)
    assert (backend.opened, backend.open) == (1, 0)


async def test_a_backend_without_watch_is_looked_at(place):
    """A few times a second."""
    backend = AsyncWatchedBackend(place.store().runtime.access.backend)
    backend.capabilities = frozenset()
    assert await async_handed_over(place, backend) < patience(5.0)
    assert backend.opened == 0


async def test_a_waiter_gives_up_in_time(place):
    """At its deadline, not long behind it, and leaves nothing."""
    store = place.store()
    await AsyncLockManager(store).acquire("r", owner="a", heartbeat=False)
    began = monotonic()
    with pytest.raises(LockTimeoutError):
        await AsyncLockManager(place.store()).acquire("r", owner="b", timeout=0.5)
    assert 0.5 <= monotonic() - began < patience(5.0)
    assert await async_wait_ids(store) == []
    assert store.runtime.locks.lines.is_empty(("r",))


async def async_turn_seconds(locks, resource):
    """Return the longest of some turns with a lock that nobody else wants: how busy the machine is."""
    longest = 0.0
    for _ in range(5):
        began = monotonic()
        async with locks.hold(resource, timeout=LONG, heartbeat=False):
            pass
        longest = max(longest, monotonic() - began)
    return longest


async def test_a_dead_holder_blocks_for_its_ttl_and_a_retry_period(place):
    """At most; beside the time of a few turns with a free lock, and that in which a busy machine wakes anybody."""
    config = LockConfig(ttl=1.5, retry_period=0.1)
    others = AsyncLockManager(place.store(), config)
    busy = await async_turn_seconds(others, "free")
    dead = await AsyncLockManager(place.store(), config).acquire("r", owner="a", heartbeat=False)
    began = monotonic()
    lock = await others.acquire("r", owner="b", timeout=LONG)
    took = monotonic() - began
    busy = max(busy, await async_turn_seconds(others, "free"))
    assert lock.fencing_token == dead.fencing_token + 1
    assert took < 1.5 + 0.1 + 4 * busy + patience(WAKING) - WAKING


async def async_steady(managers, rounds, hold_seconds=0.005):
    """Let each of the managers take the lock again and again; return how many turns of others each of its waits took.

    Turns are counted, not seconds: they are the same on any machine.
    """
    turns: list[int] = []
    waits: list[int] = []

    def waiter(at, locks):
        async def run():
            for _ in range(rounds):
                before = len(turns)
                async with locks.hold("r", timeout=LONG):
                    waits.append(len(turns) - before)
                    turns.append(at)
                    await async_sleep(hold_seconds)

        return run

    await async_together([waiter(at, locks) for at, locks in enumerate(managers)])
    return waits


async def async_unfairness(managers):
    """Return the longest wait by the mean one, the first and the last rounds left out.

    Of up to three times the fairest, of more on a busy machine: where that paused in one wait it will not in each, and
    who is passed over is so every time.
    """
    fairest = float("inf")
    for _ in range(round(patience(3))):
        counted = (await async_steady(managers, rounds=8))[len(managers) : -len(managers)]
        fairest = min(fairest, max(counted) / (sum(counted) / len(counted)))
        if fairest < UNFAIR:
            break
    return fairest


async def test_steady_waiters_of_one_process_are_served_in_turn(place):
    """None of eight waits longer than three times the mean."""
    locks = AsyncLockManager(place.store())
    assert await async_unfairness([locks] * 8) < UNFAIR


async def test_steady_waiters_of_several_stores_are_served_in_turn(place):
    """Though they know nothing of each other, and whoever had the lock asks for it again at once."""
    managers = [AsyncLockManager(place.store()) for _ in range(8)]
    assert await async_unfairness(managers) < UNFAIR
    assert await async_wait_ids(managers[0].store) == []


async def test_a_caller_who_comes_later_leaves_the_lock_to_the_one_who_is_next(place):
    """A reservation of somebody who waits longer keeps it free for him; one that is over keeps nobody out."""
    store = place.store()
    locks = AsyncLockManager(store)
    await (await locks.acquire("r", owner="a")).release()
    now = await store.runtime.access.backend.server_time(timeout=TIMEOUT)
    fields = {"format": 1, "resource": "r", "owner": "b", "nonce": "n", "since": now, "round": 1}
    await store.runtime.access.backend.commit([Put(reservation_path("r"), fields)], timeout=TIMEOUT)
    with pytest.raises(LockTimeoutError) as caught:
        await locks.acquire("r", owner="c", timeout=0)
    assert (caught.value.holder, caught.value.next_owner) == (None, "b")
    began = monotonic()
    async with locks.hold("r", owner="c", timeout=LONG):
        assert monotonic() - began < patience(5.0)
    assert await async_wait_ids(store) == [], "what is over is taken away"


async def test_a_damaged_reservation_keeps_nobody_out(place):
    """It grants nothing, so it costs nothing."""
    store = place.store()
    locks = AsyncLockManager(store)
    await (await locks.acquire("r", owner="a")).release()
    for fields in ({"owner": 3}, {"owner": "b", "nonce": "n", "since": "now"}, {}):
        await store.runtime.access.backend.commit([Put(reservation_path("r"), {"x": 1, **fields})], timeout=TIMEOUT)
        async with locks.hold("r", timeout=0):
            pass


@pytest.mark.timeout(600)
async def test_many_callers_lose_no_increment(place, scale):
    """Some increments each, of a number that is read and written back under one lock."""
    callers, increments_each = scale((12, 4), (50, 10))
    store = place.store()
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    locks = AsyncLockManager(store)

    async def increments():
        for _ in range(increments_each):
            async with locks.hold("r", timeout=500) as lock:
                n = (await persister.load_state("g", "s")).snapshot.data["n"]
                await persister.log_transition("g", "s", "set", to_status="open", data={"n": n + 1})
                assert lock.held

    await async_together([increments] * callers)
    assert (await persister.load_state("g", "s")).snapshot.data == {"n": callers * increments_each}


async def async_ring(managers, names):
    """Let each worker hold one lock and want the next one's; return the cycle that each was told, or None."""
    ready: list[int] = []

    def worker(at, locks):
        async def run():
            async with locks.hold(names[at], owner=f"w{at}", timeout=LONG):
                ready.append(at)
                while len(ready) < len(names):
                    await async_sleep(0.005)
                try:
                    async with locks.hold(names[(at + 1) % len(names)], owner=f"w{at}", timeout=LONG):
                        return None
                except DeadlockError as error:
                    return error.cycle

        return run

    return await async_together([worker(at, locks) for at, locks in enumerate(managers)])


@pytest.mark.parametrize("size", [2, 3])
async def test_a_cycle_has_one_victim(place, size):
    """Exactly one of the workers is told the cycle, and the others finish."""
    names = ["a", "b", "c"][:size]
    managers = [AsyncLockManager(place.store()) for _ in names]
    (cycle,) = [one for one in await async_ring(managers, names) if one is not None]
    assert cycle[0] == cycle[-1]
    assert len(cycle) == size + 1
    assert set(cycle) == {f"w{at}" for at in range(size)}
    assert await async_wait_ids(managers[0].store) == [], "nobody is said to wait any more"


async def test_a_cycle_within_one_process_has_one_victim(place):
    """Where the waiters stand in one line with others."""
    locks = AsyncLockManager(place.store())
    outcomes = await async_ring([locks] * 3, ["a", "b", "c"])
    assert outcomes.count(None) == 2


async def test_a_chain_is_no_cycle(place):
    """Who waits for somebody who waits for nobody gets the lock in the end."""
    locks, others = AsyncLockManager(place.store()), AsyncLockManager(place.store())
    last, last_store = await locks.acquire("b", owner="b"), locks.store

    async def waiter():
        async with others.hold("a", owner="a"), others.hold("b", owner="a", timeout=LONG) as lock:
            return lock.owner

    async def release():
        while not await async_wait_ids(last_store):
            await async_sleep(0.01)
        await last.release()

    assert (await async_together([waiter, release]))[0] == "a"


async def test_many_locks_in_opposite_orders_never_deadlock(place):
    """They are taken in one commit, whatever the order in which they are named."""
    managers = [AsyncLockManager(place.store()) for _ in range(4)]

    def worker(at, locks):
        async def run():
            names = ["a", "b", "c"] if at % 2 else ["c", "b", "a"]
            for _ in range(5):
                async with await locks.acquire_many(names, timeout=LONG) as many:
                    assert [lock.resource for lock in many.locks] == ["a", "b", "c"]
            return at

        return run

    assert await async_together([worker(at, locks) for at, locks in enumerate(managers)]) == [0, 1, 2, 3]


async def test_a_renewed_wait_is_seen_for_longer_than_it_counts(tmp_path, monkeypatch):
    """Its document changes with every renewal, or the store would not move its time."""
    monkeypatch.setattr(deadlocks, "WAIT_SECONDS", 0.4)
    store = AsyncSqliteStore(tmp_path / "store.db")
    locks = AsyncLockManager(store)
    theirs = await locks.acquire("theirs", owner="them", ttl=PAST_EVERY_WAIT)

    async def wait():
        await locks.acquire("mine", owner="me", ttl=PAST_EVERY_WAIT)
        return await locks.acquire("theirs", owner="me", timeout=LONG)

    async def look():
        lasted = 0.0
        while lasted < 2 * 0.4:
            await async_sleep(0.01)
            found = [one async for one in store.runtime.access.backend.scan(WAITS, timeout=TIMEOUT)]
            # Before it waits there is none; from then on it is one and the same.
            assert [one.fields["label"] for one in found] == ["me"] or not lasted
            lasted = max(((one.update_time - one.create_time).total_seconds() for one in found), default=0.0)
        assert await async_find(store, reservation_path("theirs")) is None
        await theirs.release()

    await async_together([wait, look])
    forget_every_lock()
    await store.close()
