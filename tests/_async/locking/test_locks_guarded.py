"""Writes under a lock: the store itself refuses whoever was replaced, and a write renews."""

from typing import Any

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncMemoryStore,
    AsyncStateMachinePersister,
    ConfigurationError,
    FencedOutError,
    LockLostError,
)
from tai_state._async.locking.lock import async_handle_of
from tai_state.documents import Delete, Put
from tai_state.layout import state_layout
from tai_state.rules.locking.leases import lease_path
from tai_state.testing.clock import ManualClock
from tests._async.deaths import forget_every_lock
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_find

PATHS = state_layout("g", "s")


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


async def async_started(store):
    """Return a persister with a state at version 1."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    return persister


async def async_total(persister):
    """Return the state's number, its version, and the tokens of its events."""
    snapshot = (await persister.load_state("g", "s")).snapshot
    tokens = [event.fencing_token async for event in persister.history("g", "s")]
    return snapshot.data["n"], snapshot.version, tokens


async def test_a_guarded_write_is_one_commit(place):
    """No request more than an unguarded one; the event carries the token, and the lease is renewed."""
    store, backend = place.counting()
    persister = await async_started(store)
    lock = await AsyncLockManager(store).acquire("r", heartbeat=False)
    backend.taken()
    for _ in range(3):
        await persister.transition("g", "s", "add", 1, lock=lock)
    assert backend.taken() == ["commit"] * 3
    assert async_handle_of(lock).lease.renewals == 3
    assert await async_total(persister) == (3, 4, [None, 1, 1, 1])
    await lock.release()


async def test_a_set_of_locks_guards_with_each(place):
    """Any of them that is taken over refuses the write."""
    store = place.store()
    persister = await async_started(store)
    locks = AsyncLockManager(store)
    many = await locks.acquire_many(["a", "b"], heartbeat=False)
    await persister.transition("g", "s", "add", 1, lock=many)
    assert [async_handle_of(lock).lease.renewals for lock in many.locks] == [1, 1]
    await locks.break_lock("b", 1, "test")
    with pytest.raises(FencedOutError) as caught:
        await persister.transition("g", "s", "add", 1, lock=many)
    assert caught.value.resource == "b"
    assert [lock.lost for lock in many.locks] == [False, True]
    assert (await async_total(persister))[:2] == (1, 2)


async def async_take_over(store, lock):
    """Break the lock and give it to somebody else."""
    locks = AsyncLockManager(store)
    await locks.break_lock(lock.resource, lock.fencing_token, "test")
    return await locks.acquire(lock.resource, owner="other", timeout=0, heartbeat=False)


async def test_a_stale_holder_is_refused_by_the_store(place):
    """Though it believes that it holds the lock, and has not heard anything."""
    persister = await async_started(place.store())
    lock = await AsyncLockManager(place.store()).acquire("r", owner="me", heartbeat=False)
    told: list[str] = []
    lock.on_lost(told.append)
    newer = await async_take_over(place.store(), lock)
    assert lock.held
    with pytest.raises(FencedOutError) as caught:
        await persister.transition("g", "s", "add", 1, lock=lock)
    assert (caught.value.token, caught.value.current, caught.value.resource) == (1, 2, "r")
    assert told == ["stolen"]
    assert await async_total(persister) == (0, 1, [None])
    await persister.transition("g", "s", "add", 1, lock=newer)


@pytest.mark.parametrize("stolen", ["a", "b", "c"])
async def test_of_several_locks_the_one_that_was_stolen_is_told(place, stolen):
    """The others are held as before."""
    persister = await async_started(place.store())
    held = await AsyncLockManager(place.store()).acquire_many(["a", "b", "c"], owner="me", heartbeat=False)
    (theirs,) = (lock for lock in held.locks if lock.resource == stolen)
    await async_take_over(place.store(), theirs)
    with pytest.raises(FencedOutError) as caught:
        await persister.transition("g", "s", "add", 1, lock=held)
    assert caught.value.resource == stolen
    assert [lock.resource for lock in held.locks if lock.lost] == [stolen]


@pytest.mark.parametrize("use", ["renew", "release"])
async def test_who_was_replaced_cannot_touch_the_lock(place, use):
    """A renewal or a release by a holder who is none any more is a typed error, and changes nothing."""
    old = await AsyncLockManager(place.store()).acquire("r", owner="me", heartbeat=False)
    newer = await async_take_over(place.store(), old)
    before = await async_find(place.store(), async_handle_of(newer).lease.path)
    with pytest.raises(LockLostError) as caught:
        await getattr(old, use)()
    assert (caught.value.resource, caught.value.reason) == ("r", "stolen")
    assert await async_find(place.store(), async_handle_of(newer).lease.path) == before
    assert (old.lost, newer.held) == (True, True)


async def test_a_holder_whose_lock_was_broken_is_refused(place):
    """Though nobody else has it."""
    persister = await async_started(place.store())
    locks = AsyncLockManager(place.store())
    lock = await locks.acquire("r", owner="me", heartbeat=False)
    await locks.break_lock("r", 1, "test")
    with pytest.raises(FencedOutError):
        await persister.transition("g", "s", "add", 1, lock=lock)
    assert await async_total(persister) == (0, 1, [None])


class AsyncPausingBackend(AsyncWrappedBackend):
    """Does something between a commit's sending and its arrival: what a frozen process cannot see."""

    def __init__(self, inner):
        super().__init__(inner)
        self.pauses: list[Any] = []

    async def commit(self, writes, *, timeout):
        while self.pauses:
            await self.pauses.pop()()
        return await super().commit(writes, timeout=timeout)


async def test_a_holder_that_is_frozen_behind_its_check_is_refused(place):
    """The check says yes, the process stands still, another takes the lock, and the write arrives."""
    backend = AsyncPausingBackend(place.store().runtime.access.backend)
    store = AsyncBackendStore(backend)
    persister = await async_started(store)
    lock = await AsyncLockManager(store).acquire("r", owner="me", heartbeat=False)
    await persister.transition("g", "s", "add", 1, lock=lock)

    async def pause():
        await async_take_over(place.store(), lock)

    await lock.check()
    backend.pauses.append(pause)
    with pytest.raises(FencedOutError):
        await persister.transition("g", "s", "add", 1, lock=lock)
    assert await async_total(persister) == (1, 2, [None, 1])


@pytest.mark.parametrize("moment", ["before the call", "inside the call"])
async def test_a_holder_that_slept_past_its_lease_is_refused_as_the_store_says(moment):
    """Fenced out where another took the lock meanwhile, whenever it slept."""
    clock = ManualClock()
    memory = AsyncMemoryStore(clock=clock)
    backend = AsyncPausingBackend(memory.runtime.access.backend)
    store = AsyncBackendStore(backend, clock=clock)
    persister = await async_started(store)
    lock = await AsyncLockManager(store).acquire("r", owner="me", heartbeat=False)

    async def pause():
        clock.advance(31.0)
        await AsyncLockManager(memory).acquire("r", owner="other", timeout=0, heartbeat=False)

    if moment == "before the call":
        await pause()
    else:
        backend.pauses.append(pause)
    with pytest.raises(FencedOutError) as caught:
        await persister.transition("g", "s", "add", 1, lock=lock, timeout=100)
    assert (caught.value.token, caught.value.current) == (1, 2)
    assert await async_total(persister) == (0, 1, [None])


async def test_a_lease_that_ran_out_is_refused_before_anything_is_sent():
    """Though nobody else has taken the lock."""
    clock = ManualClock()
    memory = AsyncMemoryStore(clock=clock)
    persister = await async_started(memory)
    lock = await AsyncLockManager(memory).acquire("r", owner="me", heartbeat=False)
    clock.advance(29.0)
    with pytest.raises(LockLostError, match="expired"):
        await persister.transition("g", "s", "add", 1, lock=lock)
    assert await async_total(persister) == (0, 1, [None])


async def test_a_lock_that_was_released_guards_nothing(place):
    """The caller is told that it was released."""
    persister = await async_started(place.store())
    lock = await AsyncLockManager(persister.store).acquire("r")
    await lock.release()
    with pytest.raises(LockLostError, match="released"):
        await persister.transition("g", "s", "add", 1, lock=lock)


async def test_a_guarded_write_renews_without_a_heartbeat():
    """Where heartbeats cannot run, the writes keep the lock."""
    clock = ManualClock()
    memory = AsyncMemoryStore(clock=clock)
    persister = await async_started(memory)
    locks = AsyncLockManager(memory)
    lock = await locks.acquire("r", owner="me", heartbeat=False)
    for _ in range(5):
        clock.advance(20.0)
        await persister.transition("g", "s", "add", 1, lock=lock)
    assert async_handle_of(lock).remaining() == pytest.approx(28.5)
    found = await locks.inspect("r")
    assert found is not None
    assert found.remaining_seconds == pytest.approx(30.0, abs=0.01)


@pytest.mark.parametrize("what", ["grant", "renewal", "guarded write"])
async def test_trust_counts_from_before_the_commit_was_sent(what):
    """However long its reply took: the store may have counted from then on."""
    clock = ManualClock()
    backend = AsyncPausingBackend(AsyncMemoryStore(clock=clock).runtime.access.backend)
    store = AsyncBackendStore(backend, clock=clock)
    persister = await async_started(store)
    locks = AsyncLockManager(store)

    async def pause():
        clock.advance(5.0)

    lock = await locks.acquire("other", heartbeat=False)
    backend.pauses.append(pause)
    if what == "grant":
        lock = await locks.acquire("r", heartbeat=False)
    elif what == "renewal":
        await lock.renew()
    else:
        await persister.transition("g", "s", "add", 1, lock=lock)
    assert async_handle_of(lock).remaining() == pytest.approx(28.5 - 5.0)


async def test_a_restored_lease_is_still_fenced(place):
    """The state remembers the highest token that wrote it, though the lease document was set back."""
    store = place.store()
    persister = await async_started(store)
    locks = AsyncLockManager(store)
    old = await locks.acquire("r", owner="old", heartbeat=False)
    backup = await async_find(store, async_handle_of(old).lease.path)
    newer = await async_take_over(store, old)
    await persister.transition("g", "s", "add", 10, lock=newer)
    assert backup is not None
    await store.runtime.access.backend.commit([Put(backup.path, backup.fields)], timeout=TIMEOUT)
    with pytest.raises(FencedOutError) as caught:
        await persister.transition("g", "s", "add", 1, lock=old)
    assert (caught.value.token, caught.value.current) == (1, 2)
    assert await async_total(persister) == (10, 2, [None, 2])


async def test_a_lost_lease_document_is_still_fenced(place):
    """A lock whose tokens began anew cannot write what a later token wrote."""
    store = place.store()
    persister = await async_started(store)
    locks = AsyncLockManager(store)
    for _ in range(3):
        async with locks.hold("r", heartbeat=False) as lock:
            await persister.transition("g", "s", "add", 1, lock=lock)
    await store.runtime.access.backend.commit([Delete(lease_path("r"))], timeout=TIMEOUT)
    again = await locks.acquire("r", heartbeat=False)
    assert again.fencing_token == 1
    with pytest.raises(FencedOutError) as caught:
        await persister.transition("g", "s", "add", 1, lock=again)
    assert (caught.value.token, caught.value.current) == (1, 3)
    assert await async_total(persister) == (3, 4, [None, 1, 2, 3])


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
async def test_a_guarded_write_survives_a_lost_reply(place, fault):
    """It is made once, and the lock can go on."""
    store, backend = place.faulty()
    persister = await async_started(store)
    lock = await AsyncLockManager(store).acquire("r", heartbeat=False)
    for n in (1, 2, 3):
        backend.faults.append(fault)
        result = await persister.transition("g", "s", "add", 1, lock=lock)
        assert (result.snapshot.data["n"], result.version) == (n, n + 1)
    await lock.renew()
    await lock.release()
    assert await async_total(persister) == (3, 4, [None, 1, 1, 1])


async def test_a_renewal_between_two_guarded_writes_is_no_conflict(place):
    """Neither of ours, nor one whose reply was lost."""
    store, backend = place.faulty()
    persister = await async_started(store)
    lock = await AsyncLockManager(store).acquire("r", heartbeat=False)
    for fault in ("fine", "reply lost", "request lost"):
        backend.faults.append(fault)
        await lock.renew()
        await persister.transition("g", "s", "add", 1, lock=lock)
    assert (await async_total(persister))[:2] == (3, 4)


async def test_one_lock_guards_several_states(place):
    """Each remembers the token."""
    store = place.store()
    persister = AsyncStateMachinePersister(store, COUNTER)
    lock = await AsyncLockManager(store).acquire("r", heartbeat=False)
    for name in ("s", "t"):
        await persister.start("g", name, {"n": 0})
        await persister.transition("g", name, "add", 1, lock=lock)
    await async_take_over(store, lock)
    for name in ("s", "t"):
        with pytest.raises(FencedOutError):
            await persister.transition("g", name, "add", 1, lock=lock)


@pytest.mark.parametrize("lock", ["r", 1, object()], ids=["text", "number", "object"])
async def test_what_is_no_lock_guards_nothing(store, lock):
    """It is refused before anything is sent."""
    persister = await async_started(store)
    with pytest.raises(ConfigurationError, match="lock="):
        await persister.transition("g", "s", "add", 1, lock=lock)
