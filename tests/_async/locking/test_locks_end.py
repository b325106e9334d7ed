"""How a lock ends: released, broken by an operator, or drained with its store."""

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    FencedOutError,
    InvalidDataError,
    LockConfig,
    LockLostError,
    RetryPolicy,
    StoreClosedError,
    change_context,
)
from tai_state._async.locking.lock import async_handle_of
from tai_state.documents import Delete, DocumentPath
from tai_state.layout import AUDIT
from tests._async.deaths import forget_every_lock
from tests._async.stores import TIMEOUT, AsyncUnreachableBackend

QUICK = LockConfig(ttl=0.6)


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


async def async_seen(locks):
    """Return what the store says of the lock."""
    found = await locks.inspect("r")
    assert found is not None
    return found


async def test_a_release_that_fails_can_be_repeated(store):
    """It forgets nothing before the store has confirmed; but nobody relies on it meanwhile."""
    backend = AsyncUnreachableBackend(store.runtime.access.backend)
    policy = RetryPolicy(attempts=2, wait_initial=0.0, wait_max=0.0)
    locks = AsyncLockManager(AsyncBackendStore(backend, retry=policy))
    lock = await locks.acquire("r", owner="a")
    backend.is_cut = True
    with pytest.raises(Exception, match="given up"):
        await lock.release(timeout=1)
    assert (lock.held, lock.lost) == (False, False)
    with pytest.raises(LockLostError, match="released"):
        await lock.renew()
    assert (await async_seen(AsyncLockManager(store))).held
    backend.is_cut = False
    await lock.release()
    assert not (await async_seen(locks)).held


async def test_a_release_that_cannot_be_confirmed_ends_with_the_lease(store):
    """It takes no longer than the lease itself."""
    backend = AsyncUnreachableBackend(store.runtime.access.backend)
    lock = await AsyncLockManager(AsyncBackendStore(backend), QUICK).acquire("r", owner="a", heartbeat=False)
    backend.is_cut = True
    with pytest.raises(LockLostError, match="unreachable"):
        await lock.release()


async def test_a_broken_lock_leaves_an_audit_entry(place):
    """Who broke whose lock, and why, in the commit that broke it."""
    store = place.store()
    locks = AsyncLockManager(store)
    lock = await locks.acquire("r", owner="a", heartbeat=False)
    with change_context(changed_by="operator"):
        await locks.break_lock("r", lock.fencing_token, "holder hangs")
    (entry,) = [one async for one in store.runtime.access.backend.scan(AUDIT, timeout=TIMEOUT)]
    expected = {
        "kind": "lock_broken",
        "resource": "r",
        "holder": "a",
        "fencing_token": 1,
        "changed_by": "operator",
        "reason": "holder hangs",
    }
    assert {name: entry.fields[name] for name in expected} == expected
    assert (await locks.acquire("r", owner="b", timeout=0)).fencing_token == 2
    with pytest.raises(LockLostError) as caught:
        await lock.renew()
    assert caught.value.reason == "stolen"


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
async def test_breaking_survives_a_lost_reply(place, fault):
    """One entry, and no complaint that the lock is broken already."""
    locks = AsyncLockManager(place.store())
    await locks.acquire("r", owner="a", heartbeat=False)
    store, _ = place.faulty(fault)
    await AsyncLockManager(store).break_lock("r", 1, "test", actor="me")
    entries = [one async for one in store.runtime.access.backend.scan(AUDIT, timeout=TIMEOUT)]
    assert [one.fields["changed_by"] for one in entries] == ["me"]
    assert not (await async_seen(locks)).held


async def test_another_grant_is_not_broken(place):
    """A token that is not, or no more, the one in force changes nothing."""
    locks = AsyncLockManager(place.store())
    for token in (1, 2):
        with pytest.raises(FencedOutError) as caught:
            await locks.break_lock("r", token, "test")
        assert caught.value.current == 0
    await (await locks.acquire("r", owner="a")).release()
    await locks.acquire("r", owner="b", heartbeat=False)
    for token in (1, 3):
        with pytest.raises(FencedOutError) as caught:
            await locks.break_lock("r", token, "test")
        assert (caught.value.token, caught.value.current, caught.value.resource) == (token, 2, "r")
    assert (await async_seen(locks)).holder == "b"


@pytest.mark.parametrize(("token", "reason"), [(True, "x"), ("1", "x"), (1, ""), (1, " "), (1, None)], ids=repr)
async def test_breaking_needs_a_token_and_a_reason(store, token, reason):
    """Anything else is refused before anything is read."""
    with pytest.raises(InvalidDataError):
        await AsyncLockManager(store).break_lock("r", token, reason)


async def test_a_drained_store_holds_no_lock(place):
    """What it held is free for others at once."""
    store = place.store()
    locks = AsyncLockManager(store)
    held = [await locks.acquire(name, owner="a") for name in ("a", "b")]
    assert await store.runtime.locks.release_all(TIMEOUT)
    assert [lock.held for lock in held] == [False, False]
    assert [one.held async for one in AsyncLockManager(place.store()).list()] == [False, False]


async def test_a_store_that_cannot_release_is_drained_in_time(store):
    """The leases end by themselves; their heartbeats have ended."""
    backend = AsyncUnreachableBackend(store.runtime.access.backend)
    cut = AsyncBackendStore(backend)
    lock = await AsyncLockManager(cut).acquire("r", owner="a")
    backend.is_cut = True
    assert await cut.runtime.locks.release_all(0.2) is False
    assert not lock.held
    assert cut.runtime.locks.held() == []


async def test_a_closed_store_grants_nothing(store):
    """And says so."""
    locks = AsyncLockManager(store)
    store.runtime.inflight.refuse()
    with pytest.raises(StoreClosedError, match="closed"):
        await locks.acquire("r")


async def test_a_lease_that_was_deleted_by_hand_is_a_broken_lock(place):
    """It is nothing to go on with."""
    store = place.store()
    lock = await AsyncLockManager(store).acquire("r", heartbeat=False)
    await async_remove(store, async_handle_of(lock).lease.path)
    with pytest.raises(LockLostError, match="broken"):
        await lock.renew()


async def async_remove(store, path: DocumentPath):
    """Delete the document at *path*, past everything above the port."""
    await store.runtime.access.backend.commit([Delete(path)], timeout=TIMEOUT)
