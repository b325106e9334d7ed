"""Taking and freeing a lock: who gets it, what it costs, and what is refused."""

import math
from datetime import timedelta

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncLockSet,
    ConfigurationError,
    DeadlineExceededError,
    DeadlockError,
    InvalidDataError,
    InvalidIdError,
    LockConfig,
    LockLostError,
    LockTimeoutError,
    StoreError,
    StoreUnavailableError,
)
from tai_state._async.locking import acquire as granting
from tai_state._async.locking.lock import async_handle_of
from tai_state._platform.tasks import async_sleep, async_together
from tai_state.documents import Put
from tai_state.layout import LOCKS, WAITS
from tests._async.deaths import forget_every_lock
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_find

HOSTILE = ["a/b", "..", ".", "__x__", "état 1", "x@3", "\N{GRINNING FACE}", " ", "%41", "n" * 480, "a\nb", "\0"]


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@pytest.fixture
async def locks(store):
    """A lock manager in the place."""
    return AsyncLockManager(store)


async def async_ids(store, collection):
    """Return the ids of all documents in a collection."""
    return [document.path.id async for document in store.runtime.access.backend.scan(collection, timeout=TIMEOUT)]


async def test_a_lock_is_held_by_one_at_a_time(place):
    """A second caller waits in vain, and gets it once it is free."""
    locks, others = AsyncLockManager(place.store()), AsyncLockManager(place.store())
    lock = await locks.acquire("r", owner="a")
    with pytest.raises(LockTimeoutError) as caught:
        await others.acquire("r", owner="b", timeout=0.05)
    assert (caught.value.resource, caught.value.holder) == ("r", "a")
    assert isinstance(caught.value, TimeoutError)
    await lock.release()
    await (await others.acquire("r", owner="b", timeout=0)).release()


async def test_a_lock_knows_what_it_is(locks):
    """Its resource, its owner, its number, and that it is held."""
    lock = await locks.acquire("r", owner="me")
    assert (lock.resource, lock.owner, lock.fencing_token, lock.held, lock.lost) == ("r", "me", 1, True, False)
    await lock.check()
    await lock.release()
    assert (lock.resource, lock.owner, lock.fencing_token, lock.held, lock.lost) == ("r", "me", 1, False, False)


async def test_tokens_rise_by_one_with_each_grant(locks):
    """Whoever holds it, and however it was freed; each resource has tokens of its own."""
    for token in (1, 2, 3):
        async with locks.hold("r") as lock:
            assert lock.fencing_token == token
    assert (await locks.acquire("other")).fencing_token == 1


async def test_the_costs_are_one_read_and_one_commit(place):
    """To acquire; and one commit to renew, and one to release."""
    store, backend = place.counting()
    locks = AsyncLockManager(store)
    for _ in range(2):
        lock = await locks.acquire("r", heartbeat=False)
        assert backend.taken() == ["get_many", "commit"]
        await lock.check()
        assert lock.held
        assert backend.taken() == []
        await lock.renew()
        assert backend.taken() == ["commit"]
        await lock.release()
        assert backend.taken() == ["commit"]


async def test_many_locks_cost_one_read_and_one_commit(place):
    """They are taken together."""
    store, backend = place.counting()
    locks = AsyncLockManager(store)
    many = await locks.acquire_many(["c", "a", "b"], heartbeat=False)
    assert backend.taken() == ["get_many", "commit"]
    assert [lock.resource for lock in many.locks] == ["a", "b", "c"]


async def test_no_time_to_wait_is_one_try(place):
    """It asks once, and writes nothing."""
    await AsyncLockManager(place.store()).acquire("r", owner="a")
    store, backend = place.counting()
    for timeout in (0, 0.0, timedelta(0)):
        with pytest.raises(LockTimeoutError):
            await AsyncLockManager(store).acquire("r", owner="b", timeout=timeout)
        assert backend.taken() == ["get_many"]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
async def test_any_text_may_name_a_resource_and_an_owner(locks, name):
    """It comes back as it was given."""
    async with locks.hold(name, owner=name) as lock:
        assert (lock.resource, lock.owner) == (name, name)
        found = await locks.inspect(name)
        assert (found.resource, found.holder, found.held) == (name, name, True)
    assert [one.resource async for one in locks.list()] == [name]


@pytest.mark.parametrize("name", ["", 3, None, b"x", "\ud800", "n" * 481], ids=ascii)
async def test_what_cannot_be_an_id_is_refused(place, name):
    """Before anything is sent."""
    store, backend = place.counting()
    locks = AsyncLockManager(store)
    with pytest.raises(InvalidIdError):
        await locks.acquire(name)
    with pytest.raises(InvalidIdError):
        await locks.acquire_many(["r", name])
    if name is not None:
        with pytest.raises(InvalidIdError):
            await locks.acquire("r", owner=name)
    assert backend.taken() == []


@pytest.mark.parametrize("timeout", [-1, -0.001, math.inf, math.nan, True, "1", timedelta(seconds=-1)], ids=repr)
async def test_a_wait_that_is_none_is_refused(locks, timeout):
    """A number of seconds from 0 on, or a timedelta."""
    with pytest.raises(ConfigurationError, match="timeout"):
        await locks.acquire("r", timeout=timeout)


@pytest.mark.parametrize("ttl", [0, -1, math.inf, math.nan, True, "30", 86_401, 0.001, 10**400], ids=repr)
async def test_a_ttl_that_is_none_is_refused(locks, ttl):
    """When a lock is acquired, and when a manager is configured."""
    with pytest.raises(ConfigurationError, match="ttl"):
        await locks.acquire("r", ttl=ttl)
    with pytest.raises(ConfigurationError, match="ttl"):
        LockConfig(ttl=ttl)


@pytest.mark.parametrize("options", [{"renew_deadline": 30.0}, {"retry_period": 17.0}, {"retry_period": 0}], ids=str)
def test_a_configuration_that_cannot_be_safe_is_refused(options):
    """Unless ttl > renew deadline > 1.2 x retry period, a lease could not be renewed in time."""
    with pytest.raises(ConfigurationError):
        LockConfig(ttl=30.0, **options)


async def test_a_ttl_must_suit_the_configuration(store):
    """The renew deadline that was configured may be too long for a shorter ttl."""
    locks = AsyncLockManager(store, LockConfig(ttl=30.0, renew_deadline=20.0, retry_period=2.0))
    with pytest.raises(ConfigurationError):
        await locks.acquire("r", ttl=15.0)


async def test_a_second_release_is_told(locks):
    """It frees nobody else's lock, and says that this one was released."""
    lock = await locks.acquire("r", owner="a")
    await lock.release()
    again = await locks.acquire("r", owner="b")
    for use in (lock.release, lock.renew, lock.check):
        with pytest.raises(LockLostError) as caught:
            await use()
        assert (caught.value.resource, caught.value.reason) == ("r", "released")
    assert again.held
    assert (await locks.inspect("r")).fencing_token == 2
    assert (await locks.inspect("r")).held


async def test_leaving_the_block_releases_once(locks):
    """A lock that was released inside it is left alone."""
    async with locks.hold("r") as lock:
        await lock.release()
    async with await locks.acquire("r", timeout=0) as lock:
        pass
    assert not (await locks.inspect("r")).held


async def test_the_exception_of_the_body_is_not_masked(locks):
    """A lock that is lost meanwhile is a note on it; without one it is the error."""

    async def body():
        async with locks.hold("r") as lock:
            await locks.break_lock("r", lock.fencing_token, "test")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        await body()
    assert "no longer held: broken" in caught.value.__notes__[0]
    with pytest.raises(LockLostError, match="broken"):
        async with locks.hold("r") as lock:
            await locks.break_lock("r", lock.fencing_token, "test")


class AsyncBrokenBackend(AsyncWrappedBackend):
    """Once it is told to, fails every commit with what no backend should raise."""

    is_broken = False

    async def commit(self, writes, *, timeout):
        if self.is_broken:
            raise RuntimeError("broken")
        return await super().commit(writes, timeout=timeout)


async def test_no_failure_of_the_release_masks_the_body(store):
    """Whatever it is."""
    backend = AsyncBrokenBackend(store.runtime.access.backend)
    locks = AsyncLockManager(AsyncBackendStore(backend))

    async def body():
        async with locks.hold("r"):
            backend.is_broken = True
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        await body()
    assert "broken" in caught.value.__notes__[0]


async def test_many_locks_are_all_or_none(place):
    """One that is held keeps the caller from all of them."""
    locks, others = AsyncLockManager(place.store()), AsyncLockManager(place.store())
    held = await locks.acquire("b", owner="a")
    with pytest.raises(LockTimeoutError) as caught:
        await others.acquire_many(["a", "b", "c"], owner="b", timeout=0.05)
    assert (caught.value.resource, caught.value.holder) == ("b", "a")
    assert [one.held async for one in locks.list()] == [True], "a and c were never taken"
    await held.release()
    async with await others.acquire_many(["a", "b", "c"], owner="b", timeout=0) as many:
        assert isinstance(many, AsyncLockSet)
        assert many.held
        assert [one.held async for one in locks.list()] == [True] * 3
    assert [one.held async for one in locks.list()] == [False] * 3


async def test_many_locks_end_together(locks):
    """Each is released, though one was lost; the loss is told."""
    with pytest.raises(LockLostError) as caught:
        async with await locks.acquire_many(["a", "b", "c"]) as many:
            await locks.break_lock("b", many.locks[1].fencing_token, "test")
    assert caught.value.resource == "b"
    assert [one.held async for one in locks.list()] == [False] * 3


async def test_a_resource_named_twice_is_taken_once(locks):
    """Names are a set."""
    many = await locks.acquire_many(["a", "a"])
    assert [lock.resource for lock in many.locks] == ["a"]
    await many.check()
    await many.renew()
    await many.release()
    assert many.lost is False
    with pytest.raises(LockLostError, match="released"):
        await many.release()


@pytest.mark.parametrize("resources", [[], "abc"])
async def test_many_resources_must_be_some(locks, resources):
    """A str is one name, not several."""
    with pytest.raises(InvalidDataError, match="resources"):
        await locks.acquire_many(resources)


async def test_an_owner_who_asks_for_its_own_lock_is_told_at_once(place):
    """It would wait for itself: also for one of many, by another manager, and with all the time in the world."""
    locks = AsyncLockManager(place.store())
    await locks.acquire("r")
    for manager in (locks, AsyncLockManager(locks.store), AsyncLockManager(place.store())):
        with pytest.raises(DeadlockError) as caught:
            await manager.acquire("r", timeout=1000)
        assert len(caught.value.cycle) == 2
        with pytest.raises(DeadlockError):
            await manager.acquire_many(["a", "r", "z"], timeout=1000)


async def test_an_own_lock_among_others_that_are_held_is_found(locks):
    """Even where another one stands before it."""
    await locks.acquire("a", owner="other")
    await locks.acquire("b", owner="me")
    with pytest.raises(DeadlockError):
        await locks.acquire_many(["a", "b"], owner="me", timeout=1000)


async def test_a_namesake_who_died_is_waited_for(place):
    """What a worker left behind before it was started anew is not held by it: it ends with its ttl."""
    before = AsyncLockManager(place.store())
    await before.acquire("r", owner="worker-1", ttl=0.5, heartbeat=False)
    before.store.runtime.locks.forget_all()
    lock = await AsyncLockManager(place.store()).acquire("r", owner="worker-1", timeout=TIMEOUT)
    assert lock.fencing_token == 2


async def test_every_task_or_thread_is_an_owner_of_its_own(locks):
    """Two that run side by side exclude each other without being named."""

    async def owner():
        async with locks.hold("r", timeout=TIMEOUT) as lock:
            await async_sleep(0.05)
            return lock.owner

    owners = await async_together([owner] * 3)
    assert len(set(owners)) == 3


async def test_a_lock_can_be_inspected(locks):
    """Who holds it, under which token, for how long; one that was never taken is nothing."""
    assert await locks.inspect("r") is None
    assert [one async for one in locks.list()] == []
    lock = await locks.acquire("r", owner="me", ttl=60)
    found = await locks.inspect("r")
    assert (found.held, found.holder, found.fencing_token, found.ttl_seconds) == (True, "me", 1, 60.0)
    assert 50 < found.remaining_seconds <= 60
    await lock.release()
    found = await locks.inspect("r")
    assert (found.held, found.holder, found.fencing_token, found.remaining_seconds) == (False, None, 1, 0.0)


async def test_locks_are_listed_in_the_order_of_their_stored_ids(locks):
    """Held or free."""
    for name in ("b", "a", "c"):
        await locks.acquire(name)
    await (await locks.acquire("é")).release()
    assert [(one.resource, one.held) async for one in locks.list()] == [
        ("é", False),
        ("a", True),
        ("b", True),
        ("c", True),
    ]


async def test_a_foreign_document_is_no_lease(place):
    """A typed error names it; nothing is overwritten."""
    store = place.store()
    locks = AsyncLockManager(store)
    lock = await locks.acquire("r", heartbeat=False)
    found = await async_find(store, async_handle_of(lock).lease.path)
    for change in (
        {"holder": 3},
        {"fencing_token": True},
        {"fencing_token": 0},
        {"ttl_seconds": -1},
        {"ttl_seconds": 1e12},
        {"resource": "other"},
        {"nonce": None},
    ):
        await _async_overwrite(store, found, **change)
        with pytest.raises(StoreError, match="no lease"):
            await locks.acquire("r", owner="b", timeout=0)
        with pytest.raises(StoreError, match="no lease"):
            await locks.inspect("r")


async def _async_overwrite(store, document, **changes):
    await store.runtime.access.backend.commit([Put(document.path, {**document.fields, **changes})], timeout=TIMEOUT)


class AsyncSilentBackend(AsyncWrappedBackend):
    """Answers no read."""

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        await async_sleep(0.01)
        raise StoreUnavailableError("down")


async def test_a_store_that_does_not_answer_is_no_lock_that_is_held(store, monkeypatch):
    """The caller is told so, not long behind the time that it gave."""
    monkeypatch.setattr(granting, "TRY_SECONDS", 0.2)
    locks = AsyncLockManager(AsyncBackendStore(AsyncSilentBackend(store.runtime.access.backend)))
    with pytest.raises(DeadlineExceededError):
        await locks.acquire("r", timeout=0.1)


async def test_locks_leave_nothing_but_their_leases(place):
    """Locks that come and go leave no other document: no wait, no reservation."""
    locks = AsyncLockManager(place.store())
    for turn in range(30):
        async with locks.hold(f"r{turn % 3}"):
            pass
    assert await async_ids(locks.store, LOCKS) == ["r0", "r1", "r2"]
    assert await async_ids(locks.store, WAITS) == []
    assert locks.store.runtime.locks.held() == []
