"""What a store tells people of its locks: whose they are, since when, and who waits for them."""

import os
import socket
from datetime import timedelta

import pytest

from tai_state import AsyncLockManager, AsyncMemoryStore, DamagedDocumentsError, LockTimeoutError, LockWait
from tai_state.documents import DocumentPath, Put
from tai_state.layout import WAITS
from tai_state.rules.locking.deadlocks import Edge, Wait, wait_write
from tai_state.rules.locking.owners import Owner
from tai_state.rules.locking.reservations import Waiter, reservation_path, reserve_write
from tai_state.testing.clock import ManualClock
from tests._async.stores import TIMEOUT, async_plant

HERE = (socket.gethostname(), os.getpid())


@pytest.fixture
async def locks(store):
    """A lock manager over the store."""
    return AsyncLockManager(store)


async def test_a_lock_tells_where_its_holder_lives_and_since_when(store, locks):
    """By the store's clock; renewals move its end, not its beginning."""
    lock = await locks.acquire("r", owner="me", heartbeat=False)
    before = await locks.inspect("r")
    assert (before.holder_host, before.holder_pid) == HERE
    assert before.since <= before.expires_at - timedelta(seconds=before.ttl_seconds)
    await lock.renew()
    after = await locks.inspect("r")
    assert after.since == before.since
    assert after.expires_at > before.expires_at


async def test_a_lock_that_is_free_is_nobodys(store, locks):
    """Neither a host nor times are told of it."""
    await (await locks.acquire("r")).release()
    found = await locks.inspect("r")
    assert (found.holder_host, found.holder_pid, found.since, found.expires_at) == (None, None, None, None)


@pytest.mark.parametrize("owner_id", [None, "me", "host-x-0123456789abcdef/task-1", "host-1-0123/task-1"])
async def test_an_owner_of_another_build_has_no_host(store, locks, owner_id):
    """Where his id does not tell it, nothing is guessed."""
    await locks.acquire("r", heartbeat=False)
    await async_plant(store, DocumentPath("locks", "r"), owner_id=owner_id, granted_at=None)
    found = await locks.inspect("r")
    assert (found.held, found.holder_host, found.holder_pid, found.since) == (True, None, None, None)


async def test_who_holds_a_lock_and_waits_for_another_is_told(store, locks):
    """For whose grant he waits; once he waits no more, nothing."""
    seen = []
    others = AsyncLockManager(store)
    await locks.acquire("a", owner="ann")
    await others.acquire("b", owner="bob")

    original = store.runtime.access.backend.commit

    async def async_commit(writes, *, timeout):
        result = await original(writes, timeout=timeout)
        if any(write.path.collection == WAITS and isinstance(write, Put) for write in writes):
            seen.extend([one async for one in locks.waits()])
        return result

    store.runtime.access.backend.commit = async_commit
    try:
        with pytest.raises(LockTimeoutError):
            await others.acquire("a", owner="bob", timeout=0.3)
    finally:
        store.runtime.access.backend.commit = original
    first = seen[0]
    assert (first.resource, first.owner, first.host, first.pid, first.fencing_token) == ("a", "bob", *HERE, 1)
    assert not first.is_next
    assert [one async for one in locks.waits()] == []


async def test_who_is_next_is_told(store, locks):
    """His name, and since when he waits; a place that is over is nobody's."""
    access = store.runtime.access
    now = await access.server_time(access.begin(TIMEOUT))
    write = reserve_write("é", Waiter("bob", "n", now), None, round_=1, now=now)
    await access.backend.commit([write], timeout=TIMEOUT)
    assert [one async for one in locks.waits()] == [LockWait(resource="é", owner="bob", since=now)]


async def test_a_place_that_is_over_is_nobodys():
    """It was not renewed for a second, by the store's clock; nor does a wait last for ever."""
    clock = ManualClock()
    store = AsyncMemoryStore(clock=clock)
    access, locks = store.runtime.access, AsyncLockManager(store)
    now = await access.server_time(access.begin(TIMEOUT))
    place = reserve_write("r", Waiter("bob", "n", now), None, round_=1, now=now)
    wait = wait_write(Wait(owner=Owner("bob", "b"), nonce="n", edges=(Edge("r", "a", 1),)), now=now)
    await access.backend.commit([place, wait], timeout=TIMEOUT)
    assert [one.is_next async for one in locks.waits()] == [True, False]
    clock.advance(1.5)
    assert [one.is_next async for one in locks.waits()] == [False]
    clock.advance(5)
    assert [one async for one in locks.waits()] == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (DocumentPath(WAITS, "x"), "is no wait"),
        (DocumentPath(WAITS, "@b b"), "is no reservation"),
        (reservation_path("r"), "is no reservation"),
    ],
    ids=str,
)
async def test_a_strangers_document_among_the_waits_is_named(store, path, said):
    """Behind the others."""
    await store.runtime.access.backend.commit([Put(path, {"x": 1})], timeout=TIMEOUT)
    with pytest.raises(DamagedDocumentsError, match=said) as caught:
        [one async for one in AsyncLockManager(store).waits()]
    assert caught.value.paths == [str(path)]
