"""Draining: no new work, what is under way ends or is given up in time, and locks are released."""

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    LockLostError,
    StoreClosedError,
    SystemClock,
)
from tai_state._platform.tasks import async_sleep, async_together
from tests._async.deaths import forget_every_lock
from tests._async.machines import COUNTER
from tests._async.stores import NO_WAIT, AsyncWrappedBackend, in_memory
from tests.waits import patience

LONG = 60.0
monotonic = SystemClock().monotonic

PERSISTER_CALLS = {
    "start": lambda one: one.start("g", "new"),
    "transition": lambda one: one.transition("g", "s", "add"),
    "log": lambda one: one.log_transition("g", "s", "a", to_status="b", data={}),
    "rollback": lambda one: one.rollback("g", "s", 1),
    "load": lambda one: one.load_state("g", "s"),
    "replay": lambda one: one.replay("g", "s"),
    "check": lambda one: one.validate_consistency("g"),
    "snapshot": lambda one: one.create_snapshot("g", "s"),
}
MANAGER_CALLS = {
    "acquire": lambda one: one.acquire("new"),
    "many": lambda one: one.acquire_many(["new", "newer"]),
    "inspect": lambda one: one.inspect("r"),
    "break": lambda one: one.break_lock("r", 1, "test"),
}


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@pytest.fixture
async def counter(store):
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s")
    return persister


async def async_held(store):
    """Return the resources that are locked, as the store has it."""
    return [one.resource async for one in AsyncLockManager(store).list() if one.held]


# The store


async def test_a_drained_store_has_released_its_locks(place):
    """Those of all its managers: others get them at once."""
    store = place.store()
    locks = [await AsyncLockManager(store).acquire("a"), await AsyncLockManager(store).acquire("b", heartbeat=False)]
    many = await AsyncLockManager(store).acquire_many(["c", "d"])
    assert await async_held(place.store()) == ["a", "b", "c", "d"]
    assert await store.drain()
    assert await async_held(place.store()) == []
    assert [lock.held for lock in (*locks, *many.locks)] == [False] * 4
    assert [lock.lost for lock in (*locks, *many.locks)] == [False] * 4


@in_memory
async def test_a_lock_that_a_drain_released_was_not_lost(place):
    """The block that held it ends without an error, and a second release says what is so."""
    store = place.store()
    async with AsyncLockManager(store).hold("r") as lock:
        assert await store.drain()
    with pytest.raises(LockLostError):
        await lock.release()


async def test_leaving_a_store_releases_its_locks(place):
    """Whatever was thrown in the block."""
    others = place.store()

    async def leave():
        async with AsyncBackendStore(AsyncOpenBackend(place.store().runtime.access.backend)) as store:
            await AsyncLockManager(store).acquire("r")
            raise KeyError

    with pytest.raises(KeyError):
        await leave()
    assert await async_held(others) == []


class AsyncOpenBackend(AsyncWrappedBackend):
    """Stays open for others when it is closed."""

    async def close(self):
        """Do nothing."""


@pytest.mark.parametrize("waiters", [1, 3])
async def test_who_waits_for_a_lock_hears_of_the_drain(place, waiters):
    """First in the line or behind others, by a typed error and long before the wait is over."""
    store = place.store()
    taken = await AsyncLockManager(place.store()).acquire("r", owner="other", ttl=LONG)
    errors = []

    async def wait(number):
        try:
            await AsyncLockManager(store).acquire("r", owner=str(number), timeout=LONG)
        except StoreClosedError as error:
            errors.append(error)

    async def drain():
        await async_sleep(0.1)
        return await store.drain()

    began = monotonic()
    *_, drained = await async_together([*(lambda number=number: wait(number) for number in range(waiters)), drain])
    assert drained
    assert len(errors) == waiters
    assert monotonic() - began < LONG / 2
    await taken.release()


class AsyncHungBackend(AsyncWrappedBackend):
    """Answers nothing once it hangs, whatever time it is given."""

    def __init__(self, inner):
        super().__init__(inner)
        self.hangs = False
        self.waiting = 0

    async def _pass(self):
        self.waiting += self.hangs
        while self.hangs:
            await async_sleep(0.001)

    async def commit(self, writes, *, timeout):
        await self._pass()
        return await super().commit(writes, timeout=timeout)

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        await self._pass()
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


@in_memory
async def test_a_drain_of_a_store_that_never_answers_ends_in_time(place):
    """It says that something was left; the lock is renewed no more."""
    backend = AsyncHungBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend, actor="tester", retry=NO_WAIT)
    lock = await AsyncLockManager(store).acquire("r", ttl=LONG)

    async def drain():
        backend.hangs = True
        while not backend.waiting:
            await async_sleep(0.001)
        began = monotonic()
        drained = await store.drain(timeout=0.4)
        seconds = monotonic() - began
        found = (drained, lock.held, store.runtime.locks.held())
        backend.hangs = False
        return found, seconds

    async def save():
        while not backend.hangs:
            await async_sleep(0.001)
        return await store.save_state("g", "s", {})

    version, (found, seconds) = await async_together([save, drain])
    assert found == (False, False, [])
    assert 0.3 < seconds < patience(10)
    assert version == 1, "what was let in is never cut off"


async def test_draining_twice_is_fine(store):
    """The second finds nothing to do."""
    await AsyncLockManager(store).acquire("r")
    assert await store.drain()
    assert await store.drain()


# A persister


@in_memory
@pytest.mark.parametrize("name", PERSISTER_CALLS)
async def test_a_drained_persister_takes_no_new_calls(counter, name):
    """By a typed error that names who is drained."""
    assert await counter.drain()
    with pytest.raises(StoreClosedError, match="persister is drained"):
        await PERSISTER_CALLS[name](counter)


@in_memory
async def test_a_drained_persister_gives_no_history(counter):
    """Nor snapshots."""
    assert await counter.drain()
    with pytest.raises(StoreClosedError):
        _ = [one async for one in counter.history("g", "s")]
    with pytest.raises(StoreClosedError):
        _ = [one async for one in counter.list_snapshots("g", "s")]


@in_memory
async def test_a_drained_persister_moves_nothing_in_a_transaction(counter, store):
    """And the transaction writes nothing."""
    assert await counter.drain()
    with pytest.raises(StoreClosedError):
        await AsyncTransactionManager(store).run(lambda tx: tx.transition(counter, "g", "s", "add"))
    assert (await store.get_state("g", "s"))[1] == 1


async def test_a_drained_persister_leaves_the_store_to_others(counter, store):
    """Another persister over it goes on, and so does the store itself."""
    assert await counter.drain()
    other = AsyncStateMachinePersister(store, COUNTER)
    assert (await other.transition("g", "s", "add")).version == 2
    assert await store.save_state("g", "t", {}) == 1


@in_memory
async def test_a_persister_waits_for_its_own_calls_alone(place):
    """What others do over the store holds up nothing."""
    backend = AsyncHungBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend, actor="tester", retry=NO_WAIT)
    mine, other = (AsyncStateMachinePersister(store, COUNTER) for _ in range(2))
    await mine.start("g", "s")

    async def drain():
        while not backend.waiting:
            await async_sleep(0.001)
        found = (await mine.drain(timeout=5), await other.drain(timeout=0.05))
        backend.hangs = False
        return (*found, await other.drain())

    backend.hangs = True
    outcomes: list[object] = await async_together([lambda: other.transition("g", "s", "add"), drain])
    assert outcomes[1] == (True, False, True)


# A lock manager


@in_memory
@pytest.mark.parametrize("name", MANAGER_CALLS)
async def test_a_drained_manager_takes_no_new_calls(store, name):
    """By a typed error that names who is drained."""
    locks = AsyncLockManager(store)
    assert await locks.drain()
    with pytest.raises(StoreClosedError, match="lock manager is drained"):
        await MANAGER_CALLS[name](locks)


async def test_a_drained_manager_has_released_its_locks_alone(place):
    """Another manager over the store keeps its own, and acquires more."""
    store = place.store()
    mine, other = AsyncLockManager(store), AsyncLockManager(store)
    lost, kept = await mine.acquire("a"), await other.acquire("b")
    assert await mine.drain()
    assert await async_held(place.store()) == ["b"]
    assert (lost.held, kept.held) == (False, True)
    await (await other.acquire("a", owner="other", timeout=0)).release()


@in_memory
async def test_who_waits_at_a_manager_hears_of_its_drain(place):
    """Waiters of another manager wait on."""
    store = place.store()
    locks, others = AsyncLockManager(store), AsyncLockManager(store)
    taken = await others.acquire("r", owner="holder", ttl=LONG)
    ended = []

    async def wait(manager, name):
        try:
            await (await manager.acquire("r", owner=name, timeout=LONG)).release()
        except StoreClosedError:
            ended.append(name)

    async def drain():
        await async_sleep(0.1)
        drained = await locks.drain()
        await taken.release()
        return drained

    *_, drained = await async_together([lambda: wait(locks, "mine"), lambda: wait(others, "theirs"), drain])
    assert (drained, ended) == (True, ["mine"])
