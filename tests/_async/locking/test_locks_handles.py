"""A lock in its user's hand: what it shows, its store, its renewal, and how it outlives its process."""

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncFirestoreStore,
    AsyncLockManager,
    AsyncLockSet,
    AsyncMemoryStore,
    AsyncRedisStore,
    AsyncSqliteStore,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    ConfigurationError,
    DeadlineExceededError,
    DeadlockError,
    InvalidDataError,
    LockConfig,
    LockLostError,
    LockTimeoutError,
    StoreUnavailableError,
    SystemClock,
)
from tai_state._async.api import lock_manager
from tai_state._async.locking.lock import async_handle_of
from tai_state._platform.tasks import async_sleep, async_together
from tai_state.documents import Capability, DocumentPath
from tai_state.layout import LOCKS
from tai_state.testing import AsyncFaultyStore, Faults, ManualClock
from tests._async.deaths import forget_every_lock
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_document_at
from tests.waits import patience

monotonic = SystemClock().monotonic


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@pytest.fixture
async def locks(store):
    """A lock manager in the place."""
    return AsyncLockManager(store)


async def test_a_lock_shows_what_its_user_needs_and_nothing_else(locks):
    """What stands behind it is the package's own."""
    async with locks.hold("r") as lock:
        assert {name for name in dir(lock) if not name.startswith("_")} == {
            *("resource", "owner", "fencing_token", "held", "lost", "ticket"),
            *("renew", "release", "check", "on_lost", "detach"),
        }


# Of which store it is


@pytest.fixture
async def other_store(backend_kind, location, tmp_path):
    """Another store on the same kind of backend."""
    store: AsyncBackendStore
    if backend_kind == "sqlite":
        store = AsyncSqliteStore(tmp_path / "other.db")
    elif backend_kind == "firestore":
        store = AsyncFirestoreStore(location["project"], root="apps/other")
    elif backend_kind == "redis":
        store = AsyncRedisStore(f"{location['url']}-other")
    else:
        store = AsyncMemoryStore()
    yield store
    await store.close()


async def test_a_lock_of_another_store_is_refused_and_stays_whole(store, other_store):
    """It would be looked for where it never was, and taken for broken."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    lock = await AsyncLockManager(other_store).acquire("r", heartbeat=False)

    async def write(tx):
        await tx.save_state("g", "t", {})

    for guard in (lock, AsyncLockSet([lock])):
        with pytest.raises(ConfigurationError, match="'r' was acquired in another store"):
            await persister.transition("g", "s", "add", 1, lock=guard)
        with pytest.raises(ConfigurationError, match="'r' was acquired in another store"):
            await AsyncTransactionManager(store).run(write, lock=guard)
    assert (await persister.load_state("g", "s")).snapshot.version == 1
    assert not await store.exists("g", "t")
    assert lock.held
    await lock.renew()


async def test_a_lock_of_another_object_of_the_same_store_guards(place):
    """Also where faults stand before it: what counts is where the documents are."""
    persister = AsyncStateMachinePersister(AsyncFaultyStore(place.store(), faults=Faults()), COUNTER)
    await persister.start("g", "s", {"n": 0})
    async with AsyncLockManager(place.store()).hold("r") as lock:
        assert (await persister.transition("g", "s", "add", 1, lock=lock)).event.fencing_token == 1


# How long one waits


class AsyncDownBackend(AsyncWrappedBackend):
    """Answers no read, and counts them."""

    reads = 0

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        self.reads += 1
        raise StoreUnavailableError("down")


async def test_who_would_not_wait_is_told_at_once_that_the_store_is_down(store):
    """After one try; and who would wait for a moment is told after that moment."""
    backend = AsyncDownBackend(store.runtime.access.backend)
    locks = AsyncLockManager(AsyncBackendStore(backend))
    with pytest.raises(DeadlineExceededError):
        await locks.acquire("r", timeout=0)
    with pytest.raises(DeadlineExceededError):
        await locks.try_acquire("r")
    assert backend.reads == 2
    began = monotonic()
    with pytest.raises(DeadlineExceededError):
        await locks.acquire("r", timeout=0.2)
    assert monotonic() - began < patience(1.5)


async def test_no_time_limit_is_a_wait_without_end(place, monkeypatch):
    """Longer than the time for which one waits who says nothing."""
    monkeypatch.setattr(lock_manager, "ACQUIRE_SECONDS", 0.05)
    locks, others = AsyncLockManager(place.store()), AsyncLockManager(place.store())
    lock = await locks.acquire("r", owner="a")

    async def wait():
        async with others.hold("r", owner="b", timeout=None) as later:
            return later.fencing_token

    async def release():
        await async_sleep(0.5)
        await lock.release()
        return 0

    assert await async_together([wait, release]) == [2, 0]


async def test_a_lock_on_a_clock_that_stands_still_is_waited_for_in_real_time():
    """A test that moves the clock by hand does not hang where it forgot to."""
    locks = AsyncLockManager(AsyncMemoryStore(clock=ManualClock()))
    await locks.acquire("r", owner="a", heartbeat=False)
    began = monotonic()
    with pytest.raises(LockTimeoutError):
        await locks.acquire("r", owner="b", timeout=0.3)
    assert 0.3 <= monotonic() - began < TIMEOUT


async def test_a_lock_is_tried(place):
    """None where somebody holds it: another, or the caller itself."""
    locks, others = AsyncLockManager(place.store()), AsyncLockManager(place.store())
    async with locks.hold("r", owner="a"):
        assert await others.try_acquire("r", owner="b") is None
        assert await locks.try_acquire("r", owner="a") is None
    lock = await locks.try_acquire("r")
    assert lock is not None
    assert await locks.try_acquire("r") is None, "one's own"
    await lock.release()


# What errors say


async def test_a_wait_in_vain_names_all_that_stood_in_the_way(place):
    """And who holds the first of them."""
    locks, others = AsyncLockManager(place.store()), AsyncLockManager(place.store())
    await locks.acquire("b", owner="mallory")
    await locks.acquire("c", owner="trent")
    with pytest.raises(LockTimeoutError) as caught:
        await others.acquire_many(["a", "b", "c"], owner="bob", timeout=0)
    assert (caught.value.resource, caught.value.holder, caught.value.resources) == ("b", "mallory", ["b", "c"])
    assert str(caught.value) == "lock 'b' is held by 'mallory'; 'c' could not be had either"


async def test_a_deadlock_with_oneself_names_the_resource(locks):
    """It is the one that the owner holds."""
    await locks.acquire("b", owner="me")
    with pytest.raises(DeadlockError) as caught:
        await locks.acquire_many(["a", "b"], owner="me")
    assert (caught.value.cycle, caught.value.resources) == (["me", "me"], ["b"])
    assert str(caught.value) == "deadlock: 'me' waits for 'b', held by 'me'"


# Renewal by another ttl


async def test_a_renewal_may_change_the_ttl(place):
    """For itself and for those that follow; the store counts by it."""
    locks = AsyncLockManager(place.store())
    lock = await locks.acquire("r", ttl=30, heartbeat=False)
    for renewal in (lambda: lock.renew(ttl=600), lock.renew):
        await renewal()
        found = await locks.inspect("r")
        assert found is not None
        assert found.ttl_seconds == 600
        assert 560 < async_handle_of(lock).remaining() <= 570
    await lock.renew(5)
    assert async_handle_of(lock).remaining() <= 4.75
    for ttl in (0.0, -1.0, True, 86_401.0):
        with pytest.raises(ConfigurationError, match="ttl"):
            await lock.renew(ttl)
    assert lock.held


async def test_a_heartbeat_goes_by_the_new_ttl(store):
    """Though it was to beat much later."""
    locks, others = AsyncLockManager(store), AsyncLockManager(store)
    lock = await locks.acquire("r", owner="a", ttl=60)
    ttl = patience(0.6)
    await lock.renew(ttl=ttl)
    with pytest.raises(LockTimeoutError):
        await others.acquire("r", owner="b", timeout=2.5 * ttl)
    assert lock.held


async def test_a_shorter_ttl_is_obeyed_though_nobody_knows_whether_it_was_written(place):
    """The store may count by it from the moment at which it was sent."""
    store, backend = place.faulty()
    lock = await AsyncLockManager(store).acquire("r", ttl=600, heartbeat=False)
    backend.faults += ["request lost"] * 100_000
    with pytest.raises(Exception, match="unknown"):
        await lock.renew(5, timeout=0.2)
    assert async_handle_of(lock).remaining() <= 4.75
    backend.faults.clear()
    await lock.renew()
    assert async_handle_of(lock).remaining() > 4.75


# Tickets


async def test_a_ticket_goes_on_with_a_lock(place):
    """By another store, as in another process: the same grant, renewed, and released for both."""
    lock = await AsyncLockManager(place.store()).acquire("a/b", owner="état", ttl=60, heartbeat=False)
    others = AsyncLockManager(place.store())
    again = await others.attach(lock.ticket)
    assert (again.resource, again.owner, again.fencing_token, again.held) == ("a/b", "état", 1, True)
    await again.renew()
    await lock.renew()
    persister = AsyncStateMachinePersister(others.store, COUNTER)
    await persister.start("g", "s", {"n": 0})
    assert (await persister.transition("g", "s", "add", 1, lock=again)).event.fencing_token == 1
    await again.release()
    with pytest.raises(LockLostError, match="released"):
        await lock.renew()
    with pytest.raises(LockLostError, match="released"):
        await others.attach(lock.ticket)


async def test_an_attached_lock_is_renewed_in_the_background(place):
    """Unless nobody wants it."""
    ttl = patience(0.6)
    lock = await AsyncLockManager(place.store()).acquire("r", owner="a", ttl=ttl, heartbeat=False)
    others = AsyncLockManager(place.store())
    async with await others.attach(lock.ticket) as again:
        with pytest.raises(LockTimeoutError):
            await others.acquire("r", owner="b", timeout=2.5 * ttl)
        assert again.held


@pytest.mark.parametrize("has_ticket", [False, True])
async def test_a_lock_whose_ticket_was_given_out_does_not_end_with_its_process(place, has_ticket):
    """From its next renewal on nothing in the store says whose process it is; until then it is this one's."""
    store = place.store()
    lock = await AsyncLockManager(store).acquire("r")
    path = DocumentPath(LOCKS, "r")
    names_a_process = Capability.ONE_HOST in store.capabilities
    assert ("process" in (await async_document_at(store, path)).fields) is names_a_process
    if has_ticket:
        assert lock.ticket
    await lock.renew()
    assert ("process" in (await async_document_at(store, path)).fields) is (names_a_process and not has_ticket)
    await lock.release()


async def test_a_lock_that_was_detached_goes_on_without_its_handle(place):
    """Neither its block nor a drain of its store touches the grant; for the handle it is as if it were released."""
    store = place.store()
    async with await AsyncLockManager(store).acquire("r", owner="a", heartbeat=False) as lock:
        ticket = lock.detach()
        assert (lock.held, lock.lost, lock.detach()) == (False, False, ticket)
        with pytest.raises(LockLostError, match="released"):
            await lock.release()
    assert await store.drain()
    others = AsyncLockManager(place.store())
    assert (await others.attach(ticket)).fencing_token == 1


@pytest.mark.parametrize("end", ["broken", "stolen", "expired"])
async def test_a_ticket_of_a_lock_that_is_lost_is_refused(place, end):
    """With what became of it; nothing is changed."""
    locks = AsyncLockManager(place.store(), LockConfig(ttl=60.0 if end == "broken" else 0.5))
    ticket = (await locks.acquire("r", owner="a", heartbeat=False)).ticket
    if end == "broken":
        await locks.break_lock("r", 1, "test")
    else:
        await async_sleep(0.6)
    if end == "stolen":
        await locks.acquire("r", owner="b", ttl=60)
    before = await locks.inspect("r")
    with pytest.raises(LockLostError) as caught:
        await locks.attach(ticket)
    assert caught.value.reason == end
    found = await locks.inspect("r")
    assert found is not None
    assert before is not None
    assert (found.holder, found.fencing_token) == (before.holder, before.fencing_token)


@pytest.mark.parametrize("ticket", ["", "x", "e30", "bnVsbA", None, 3, "é", "a" * 5000], ids=lambda one: repr(one)[:9])
async def test_what_is_no_ticket_is_refused(locks, ticket):
    """Before anything is sent."""
    with pytest.raises(InvalidDataError, match="ticket"):
        await locks.attach(ticket)
