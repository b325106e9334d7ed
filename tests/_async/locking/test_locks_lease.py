"""The lease of a lock: how long it is trusted, how it is renewed, and how its loss is told."""

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncLockManager,
    AsyncMemoryStore,
    ConfigurationError,
    FencedOutError,
    InvalidDataError,
    LockConfig,
    LockLostError,
    LockTimeoutError,
    RetryPolicy,
    StoreError,
    StoreUnavailableError,
    change_context,
)
from tai_state._platform.tasks import async_sleep
from tai_state.documents import Delete, DocumentPath
from tai_state.layout import AUDIT
from tai_state.testing.clock import ManualClock
from tests._async.deaths import forget_every_lock
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_plant

QUICK = LockConfig(ttl=0.6)


@pytest.fixture(autouse=True)
async def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@pytest.fixture
async def clock():
    """The clock of the manual store, and of its callers."""
    return ManualClock()


@pytest.fixture
async def manual(clock):
    """A lock manager on a clock that a test moves; a ttl of 30 seconds."""
    return AsyncLockManager(AsyncMemoryStore(clock=clock, actor="tester"))


async def async_seen(locks):
    """Return what the store says of the lock."""
    found = await locks.inspect("r")
    assert found is not None
    return found


async def async_until(condition, seconds=TIMEOUT):
    """Wait until *condition* holds."""
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        await async_sleep(0.01)
    raise AssertionError("it never came true")


# On a clock that a test moves


async def test_a_lease_is_trusted_until_shortly_before_it_ends(manual, clock):
    """The holder stops first: 5 % of the ttl before the store lets anybody else in."""
    lock = await manual.acquire("r", owner="a", heartbeat=False)
    clock.advance(28.4)
    await lock.check()
    clock.advance(0.2)
    with pytest.raises(LockLostError, match="expired"):
        await lock.check()
    with pytest.raises(LockTimeoutError):
        await manual.acquire("r", owner="b", timeout=0)
    clock.advance(1.5)
    assert (await manual.acquire("r", owner="b", timeout=0)).fencing_token == 2


async def test_a_renewal_counts_from_when_it_was_sent(manual, clock):
    """By the whole ttl, and as often as wanted; the token stays."""
    lock = await manual.acquire("r", owner="a", heartbeat=False)
    for _ in range(5):
        clock.advance(28.0)
        await lock.renew()
    assert lock.remaining() == pytest.approx(28.5)
    assert lock.fencing_token == 1
    assert (await async_seen(manual)).remaining_seconds == pytest.approx(30.0, abs=0.01)


async def test_an_expired_lease_is_not_renewed(manual, clock):
    """Also where nobody else took it: it is acquired anew."""
    lock = await manual.acquire("r", owner="a", heartbeat=False)
    clock.advance(31.0)
    before = await manual.inspect("r")
    for use in (lock.renew, lock.release):
        with pytest.raises(LockLostError) as caught:
            await use()
        assert caught.value.reason == "expired"
    assert await manual.inspect("r") == before
    assert (await manual.acquire("r", owner="a", timeout=0)).fencing_token == 2


async def test_a_step_of_the_wall_clock_moves_no_lease(manual, clock):
    """Neither the store's nor the holder's."""
    lock = await manual.acquire("r", owner="a", heartbeat=False)
    for step in (3600.0, -7200.0):
        clock.step_wall(step)
        assert lock.held
        with pytest.raises(LockTimeoutError):
            await manual.acquire("r", owner="b", timeout=0)


async def test_the_clock_of_a_client_decides_nothing(clock):
    """A client whose clock is far ahead waits for the store's."""
    store = AsyncMemoryStore(clock=clock)
    await AsyncLockManager(store).acquire("r", owner="a", heartbeat=False)
    ahead = ManualClock(monotonic=1e6)
    ahead.step_wall(86_400)
    other = AsyncLockManager(AsyncBackendStore(store.runtime.access.backend, clock=ahead))
    with pytest.raises(LockTimeoutError):
        await other.acquire("r", owner="b", timeout=0)
    clock.advance(30.1)
    lock = await other.acquire("r", owner="b", timeout=0)
    assert lock.remaining() == pytest.approx(28.5)


async def test_the_ttl_in_the_lease_counts(manual, clock):
    """Not that of whoever wants it next."""
    await manual.acquire("r", owner="a", ttl=60, heartbeat=False)
    clock.advance(59.0)
    with pytest.raises(LockTimeoutError):
        await manual.acquire("r", owner="b", ttl=1, timeout=0)
    clock.advance(1.1)
    await manual.acquire("r", owner="b", ttl=1, timeout=0)


async def test_a_loss_is_told_once(manual, clock):
    """To everybody who asked, with the reason, however often it is noticed; to a latecomer at once."""
    lock = await manual.acquire("r", owner="a", heartbeat=False)
    told: list[tuple[str, str]] = []
    lock.on_lost(lambda reason: told.append(("first", reason)))
    lock.on_lost(lambda reason: told.append(("second", reason)))
    assert told == []
    clock.advance(31.0)
    assert (lock.held, lock.lost) == (False, True)
    assert lock.lost
    with pytest.raises(LockLostError):
        await lock.release()
    lock.on_lost(lambda reason: told.append(("late", reason)))
    assert told == [("first", "expired"), ("second", "expired"), ("late", "expired")]


async def test_a_lock_that_was_released_is_not_lost(manual, clock):
    """Nobody is told anything, whatever comes."""
    lock = await manual.acquire("r", owner="a", heartbeat=False)
    told: list[str] = []
    lock.on_lost(told.append)
    await lock.release()
    clock.advance(100.0)
    lock.on_lost(told.append)
    assert (lock.lost, lock.held, told) == (False, False, [])


async def test_a_callback_that_fails_keeps_nobody_from_being_told(manual, clock):
    """Nor does it reach whoever noticed."""
    lock = await manual.acquire("r", owner="a", heartbeat=False)
    told: list[str] = []
    lock.on_lost(lambda reason: 1 / 0)
    lock.on_lost(told.append)
    clock.advance(31.0)
    assert lock.lost
    assert told == ["expired"]


async def test_a_callback_is_a_plain_function(manual):
    """One that somebody would have to await is refused."""

    async def callback(reason):
        return reason

    lock = await manual.acquire("r", heartbeat=False)
    if type(manual).__name__.startswith("Async"):
        with pytest.raises(ConfigurationError, match="plain function"):
            lock.on_lost(callback)


async def test_a_loss_that_was_noticed_stays(manual, clock):
    """Though a renewal that was under way comes back with success."""
    lock = await manual.acquire("r", owner="a", heartbeat=False)
    clock.advance(31.0)
    assert lock.lost
    lock.adopt(lock.lease, clock.monotonic())
    assert lock.lost
    assert lock.remaining() == 0.0


# On every backend


async def test_a_heartbeat_outlives_the_ttl(place):
    """Whoever waits meanwhile does not get it; the lease document changes with each beat."""
    locks, others = AsyncLockManager(place.store(), QUICK), AsyncLockManager(place.store(), QUICK)
    async with locks.hold("r", owner="a") as lock:
        with pytest.raises(LockTimeoutError):
            await others.acquire("r", owner="b", timeout=1.5)
        assert lock.held
        assert lock.lease.renewals >= 3
    await (await others.acquire("r", owner="b", timeout=TIMEOUT)).release()


async def test_without_a_heartbeat_a_lease_ends(place):
    """And somebody else gets the lock by waiting."""
    locks, others = AsyncLockManager(place.store(), QUICK), AsyncLockManager(place.store(), QUICK)
    lock = await locks.acquire("r", owner="a", heartbeat=False)
    assert (await others.acquire("r", owner="b", timeout=TIMEOUT)).fencing_token == 2
    assert lock.lost


async def test_a_heartbeat_tells_of_a_broken_lock(place):
    """Within a third of the ttl, with nobody looking."""
    locks = AsyncLockManager(place.store(), QUICK)
    lock = await locks.acquire("r", owner="a")
    told: list[str] = []
    lock.on_lost(told.append)
    await locks.break_lock("r", lock.fencing_token, "test")
    await async_until(lambda: told)
    assert told == ["broken"]


async def test_a_heartbeat_tells_of_a_stolen_lock(place):
    """A later token in the store is somebody else's."""
    store = place.store()
    locks = AsyncLockManager(store, QUICK)
    lock = await locks.acquire("r", owner="a")
    told: list[str] = []
    lock.on_lost(told.append)
    await async_plant(store, lock.lease.path, fencing_token=2, nonce="theirs", holder="b")
    await async_until(lambda: told)
    assert told == ["stolen"]
    assert (await async_seen(locks)).holder == "b"


class AsyncUnreachableBackend(AsyncWrappedBackend):
    """Answers until it is cut off."""

    is_cut = False
    refused = 0

    async def get_many(self, paths, *, timeout, consistent=True):
        if self.is_cut:
            raise StoreUnavailableError("cut off")
        return await super().get_many(paths, timeout=timeout, consistent=consistent)

    async def commit(self, writes, *, timeout):
        if self.is_cut:
            self.refused += 1
            raise StoreUnavailableError("cut off")
        return await super().commit(writes, timeout=timeout)


async def test_a_heartbeat_that_reaches_nobody_gives_up_before_the_lease_ends(store):
    """At the renew deadline, as unreachable."""
    backend = AsyncUnreachableBackend(store.runtime.access.backend)
    cut = AsyncLockManager(AsyncBackendStore(backend), LockConfig(ttl=60.0, renew_deadline=0.5, retry_period=0.1))
    lock = await cut.acquire("r", owner="a")
    told: list[str] = []
    lock.on_lost(told.append)
    backend.is_cut = True
    await async_until(lambda: told)
    assert told == ["unreachable"]
    assert (await async_seen(AsyncLockManager(store))).held, "the others still have to wait"
    with pytest.raises(LockLostError, match="unreachable"):
        await lock.check()


async def test_a_heartbeat_survives_a_store_that_fails_for_a_while(store):
    """It is tried again until the renew deadline."""
    backend = AsyncUnreachableBackend(store.runtime.access.backend)
    locks = AsyncLockManager(AsyncBackendStore(backend), LockConfig(ttl=3.0, renew_deadline=2.8, retry_period=0.05))
    lock = await locks.acquire("r", owner="a")
    backend.is_cut = True
    await async_until(lambda: backend.refused >= 3)
    backend.is_cut = False
    await async_until(lambda: lock.lease.renewals >= 1)
    assert lock.held


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
    with pytest.raises(StoreError, match="closed"):
        await locks.acquire("r")


async def test_a_lease_that_was_deleted_by_hand_is_a_broken_lock(place):
    """It is nothing to go on with."""
    store = place.store()
    lock = await AsyncLockManager(store).acquire("r", heartbeat=False)
    await async_remove(store, lock.lease.path)
    with pytest.raises(LockLostError, match="broken"):
        await lock.renew()


async def async_remove(store, path: DocumentPath):
    """Delete the document at *path*, past everything above the port."""
    await store.runtime.access.backend.commit([Delete(path)], timeout=TIMEOUT)
