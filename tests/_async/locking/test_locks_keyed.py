"""Locks that are asked for under a key: a reply that was lost leaves no lock that nobody has."""

import pytest

from tai_state import (
    AsyncLockManager,
    AsyncMemoryStore,
    DamagedDocumentsError,
    IdempotencyMismatchError,
    InvalidDataError,
    InvalidIdError,
    LockLostError,
    LockTimeoutError,
    lock_owner,
)
from tai_state._async.locking.handle import AsyncLockHandle
from tai_state._platform.tasks import async_together
from tai_state.documents import DocumentPath
from tai_state.layout import LOCKS
from tai_state.testing.clock import ManualClock
from tests._async.deaths import forget_every_lock
from tests._async.stores import async_document_at, async_plant
from tests.waits import patience


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@pytest.fixture
async def locks(store):
    """A lock manager in the place."""
    return AsyncLockManager(store)


async def detached(locks, *, owner="ann", resource="r", key="k", **options):
    """Acquire as a request over HTTP does, and return the ticket."""
    with lock_owner(owner):
        lock = await locks.acquire(resource, heartbeat=False, timeout=0, idempotency_key=key, **options)
    return lock.detach()


async def test_the_same_key_gives_the_same_grant_again(store, locks):
    """To an owner of the same name, wherever he is; renewed, and nobody waits for anything."""
    first = await detached(locks)
    before = await locks.inspect("r")
    assert await detached(locks) == first
    assert await detached(AsyncLockManager(store)) == first
    after = await locks.inspect("r")
    assert (after.fencing_token, after.holder) == (before.fencing_token, "ann")
    assert after.expires_at > before.expires_at


async def test_who_has_the_lock_in_hand_asks_again(locks):
    """Under its key he is no deadlock of his own; the handles are those of one grant."""
    first = await locks.acquire("r", owner="ann", idempotency_key="k")
    second = await locks.acquire("r", owner="ann", idempotency_key="k")
    assert second.ticket == first.ticket
    await first.release()
    with pytest.raises(LockLostError):
        await second.renew()


@pytest.mark.parametrize("other", [{"owner": "bob"}, {"key": "l"}, {"owner": "annk", "key": ""}, {"key": None}])
async def test_another_key_and_another_owner_wait(locks, other):
    """As for any lock that is held."""
    await detached(locks)
    other = {name: value for name, value in other.items() if value != ""}
    with pytest.raises(LockTimeoutError):
        await detached(locks, **other)


async def test_another_request_under_the_same_key_is_refused(locks):
    """It is the key's grant that is held, and not what is asked for now."""
    await detached(locks, ttl=30.0)
    with pytest.raises(IdempotencyMismatchError) as told:
        await detached(locks, ttl=31.0)
    assert (told.value.key, told.value.resource) == ("k", "r")


async def test_behind_its_end_the_key_gives_a_grant_of_its_own(locks):
    """The one that was released is nobody's any more."""
    first = await locks.attach(await detached(locks), heartbeat=False)
    await first.release()
    second = await locks.attach(await detached(locks), heartbeat=False)
    assert second.fencing_token == first.fencing_token + 1


async def test_a_free_lock_tells_of_no_key(store, locks):
    """What stands in its document is as if it had been taken without one."""
    await (await locks.attach(await detached(locks), heartbeat=False)).release()
    document = await async_document_at(store, DocumentPath(LOCKS, "r"))
    assert {"key_digest", "fingerprint"} & set(document.fields) == set()


async def test_a_lease_that_has_ended_is_granted_anew():
    """By the store's clock."""
    clock = ManualClock()
    async with AsyncMemoryStore(clock=clock) as store:
        locks = AsyncLockManager(store)
        first = await detached(locks, ttl=1.0)
        clock.advance(2.0)
        second = await detached(locks, ttl=1.0)
    assert first != second


async def test_several_locks_are_given_again_together(locks):
    """All that the request asked for; another set under the same key is another request."""

    async def tickets(*resources):
        with lock_owner("ann"):
            held = await locks.acquire_many(resources, heartbeat=False, timeout=0, idempotency_key="k")
        return [lock.detach() for lock in held.locks]

    first = await tickets("a", "b")
    assert await tickets("b", "a") == first
    with pytest.raises(IdempotencyMismatchError):
        await tickets("a")


async def test_calls_that_wait_under_one_key_get_one_grant(store):
    """Whose first reply was lost may still be waiting in the line when he asks again."""
    managers = [AsyncLockManager(store), AsyncLockManager(store)]
    holder = await managers[0].acquire("r", owner="bob", heartbeat=False)

    async def wait(manager):
        with lock_owner("ann"):
            lock = await manager.acquire("r", heartbeat=False, timeout=patience(30.0), idempotency_key="k")
        return lock.detach()

    async def free():
        await holder.release()

    told = await async_together([lambda: wait(managers[0]), lambda: wait(managers[1]), lambda: wait(managers[0]), free])
    assert len(set(told[:3])) == 1


def failing(_):
    """Start no heartbeat."""
    raise RuntimeError("no more threads")


async def test_who_fails_behind_the_same_grant_leaves_it_to_the_first(locks, monkeypatch):
    """It was granted to an earlier call, whose caller may have its ticket."""
    first = await detached(locks)
    monkeypatch.setattr(AsyncLockHandle, "start_heartbeat", failing)
    with lock_owner("ann"), pytest.raises(RuntimeError):
        await locks.acquire("r", idempotency_key="k")
    assert (await locks.inspect("r")).held
    assert (await locks.attach(first, heartbeat=False)).held


async def test_who_fails_behind_several_grants_leaves_all_of_them_to_the_first(locks, monkeypatch):
    """His process has none of them any more: whoever asks for one there waits, as for any lock that is held."""
    with lock_owner("ann"):
        held = await locks.acquire_many(["a", "b"], heartbeat=False, timeout=0, idempotency_key="k")
        tickets = [lock.detach() for lock in held.locks]
        monkeypatch.setattr(AsyncLockHandle, "start_heartbeat", failing)
        with pytest.raises(RuntimeError):
            await locks.acquire_many(["a", "b"], timeout=0, idempotency_key="k")
        for resource in "ab":
            with pytest.raises(LockTimeoutError):
                await locks.acquire(resource, timeout=0)
    for ticket in tickets:
        assert (await locks.attach(ticket, heartbeat=False)).held


async def test_a_key_that_is_none_is_refused(locks):
    """Before anything is asked."""
    for key in ("", "x" * 481):
        with pytest.raises(InvalidIdError):
            await locks.acquire("r", idempotency_key=key)
    assert await locks.inspect("r") is None


# Which there are, page by page


async def test_locks_are_listed_page_by_page(store, locks):
    """In the order of their stored ids, held or free; none is left out, and none is told twice."""
    names = [f"r-{number}" for number in range(7)]
    for name in names:
        await (await locks.acquire(name, heartbeat=False)).release()
    pages, after = [], None
    while page := [lock.resource async for lock in locks.list(after=after, limit=3)]:
        pages.append(page)
        after = page[-1]
    assert pages == [names[:3], names[3:6], names[6:]]
    assert [lock.resource async for lock in locks.list(after="r-4")] == names[5:]
    assert [lock async for lock in locks.list(limit=0)] == []


async def test_what_is_damaged_takes_no_place_in_a_page(store, locks):
    """It is named at the end of the page that passed it over."""
    for name in ("a", "b", "c"):
        await (await locks.acquire(name, heartbeat=False)).release()
    await async_plant(store, DocumentPath(LOCKS, "b"), fencing_token="many")
    page = locks.list(limit=2)
    assert [(await anext(page)).resource, (await anext(page)).resource] == ["a", "c"]
    with pytest.raises(DamagedDocumentsError) as error:
        await anext(page)
    assert error.value.paths == ["locks/b"]


@pytest.mark.parametrize("wrong", [{"limit": -1}, {"limit": "3"}, {"after": ""}])
async def test_a_page_that_cannot_be_is_refused(locks, wrong):
    """By what is wrong with it."""
    with pytest.raises((InvalidDataError, InvalidIdError)):
        [lock async for lock in locks.list(**wrong)]
