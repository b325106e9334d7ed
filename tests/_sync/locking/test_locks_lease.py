# Generated from tests/_async/locking/test_locks_lease.py by .ci/generate_sync.py; do not edit.
"""The lease of a lock: how long it is trusted, how it is renewed, and how its loss is told."""
import pytest

from tai_state import (
    BackendStore,
    LockManager,
    MemoryStore,
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
from tai_state._platform.tasks import sleep
from tai_state.documents import Delete, DocumentPath
from tai_state.layout import AUDIT
from tai_state.testing.clock import ManualClock
from tests._sync.deaths import forget_every_lock
from tests._sync.stores import TIMEOUT, WrappedBackend, plant

QUICK = LockConfig(ttl=0.6)


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@pytest.fixture
def clock():
    """The clock of the manual store, and of its callers."""
    return ManualClock()


@pytest.fixture
def manual(clock):
    """A lock manager on a clock that a test moves; a ttl of 30 seconds."""
    return LockManager(MemoryStore(clock=clock, actor="tester"))


def seen(locks):
    """Return what the store says of the lock."""
    found = locks.inspect("r")
    assert found is not None
    return found


def until(condition, seconds=TIMEOUT):
    """Wait until *condition* holds."""
    for _ in range(int(seconds / 0.01)):
        if condition():
            return
        sleep(0.01)
    raise AssertionError("it never came true")


# On a clock that a test moves


def test_a_lease_is_trusted_until_shortly_before_it_ends(manual, clock):
    """The holder stops first: 5 % of the ttl before the store lets anybody else in."""
    lock = manual.acquire("r", owner="a", heartbeat=False)
    clock.advance(28.4)
    lock.check()
    clock.advance(0.2)
    with pytest.raises(LockLostError, match="expired"):
        lock.check()
    with pytest.raises(LockTimeoutError):
        manual.acquire("r", owner="b", timeout=0)
    clock.advance(1.5)
    assert (manual.acquire("r", owner="b", timeout=0)).fencing_token == 2


def test_a_renewal_counts_from_when_it_was_sent(manual, clock):
    """By the whole ttl, and as often as wanted; the token stays."""
    lock = manual.acquire("r", owner="a", heartbeat=False)
    for _ in range(5):
        clock.advance(28.0)
        lock.renew()
    assert lock.remaining() == pytest.approx(28.5)
    assert lock.fencing_token == 1
    assert (seen(manual)).remaining_seconds == pytest.approx(30.0, abs=0.01)


def test_an_expired_lease_is_not_renewed(manual, clock):
    """Also where nobody else took it: it is acquired anew."""
    lock = manual.acquire("r", owner="a", heartbeat=False)
    clock.advance(31.0)
    before = manual.inspect("r")
    for use in (lock.renew, lock.release):
        with pytest.raises(LockLostError) as caught:
            use()
        assert caught.value.reason == "expired"
    assert manual.inspect("r") == before
    assert (manual.acquire("r", owner="a", timeout=0)).fencing_token == 2


def test_a_step_of_the_wall_clock_moves_no_lease(manual, clock):
    """Neither the store's nor the holder's."""
    lock = manual.acquire("r", owner="a", heartbeat=False)
    for step in (3600.0, -7200.0):
        clock.step_wall(step)
        assert lock.held
        with pytest.raises(LockTimeoutError):
            manual.acquire("r", owner="b", timeout=0)


def test_the_clock_of_a_client_decides_nothing(clock):
    """A client whose clock is far ahead waits for the store's."""
    store = MemoryStore(clock=clock)
    LockManager(store).acquire("r", owner="a", heartbeat=False)
    ahead = ManualClock(monotonic=1e6)
    ahead.step_wall(86_400)
    other = LockManager(BackendStore(store.runtime.access.backend, clock=ahead))
    with pytest.raises(LockTimeoutError):
        other.acquire("r", owner="b", timeout=0)
    clock.advance(30.1)
    lock = other.acquire("r", owner="b", timeout=0)
    assert lock.remaining() == pytest.approx(28.5)


def test_the_ttl_in_the_lease_counts(manual, clock):
    """Not that of whoever wants it next."""
    manual.acquire("r", owner="a", ttl=60, heartbeat=False)
    clock.advance(59.0)
    with pytest.raises(LockTimeoutError):
        manual.acquire("r", owner="b", ttl=1, timeout=0)
    clock.advance(1.1)
    manual.acquire("r", owner="b", ttl=1, timeout=0)


def test_a_loss_is_told_once(manual, clock):
    """To everybody who asked, with the reason, however often it is noticed; to a latecomer at once."""
    lock = manual.acquire("r", owner="a", heartbeat=False)
    told: list[tuple[str, str]] = []
    lock.on_lost(lambda reason: told.append(("first", reason)))
    lock.on_lost(lambda reason: told.append(("second", reason)))
    assert told == []
    clock.advance(31.0)
    assert (lock.held, lock.lost) == (False, True)
    assert lock.lost
    with pytest.raises(LockLostError):
        lock.release()
    lock.on_lost(lambda reason: told.append(("late", reason)))
    assert told == [("first", "expired"), ("second", "expired"), ("late", "expired")]


def test_a_lock_that_was_released_is_not_lost(manual, clock):
    """Nobody is told anything, whatever comes."""
    lock = manual.acquire("r", owner="a", heartbeat=False)
    told: list[str] = []
    lock.on_lost(told.append)
    lock.release()
    clock.advance(100.0)
    lock.on_lost(told.append)
    assert (lock.lost, lock.held, told) == (False, False, [])


def test_a_callback_that_fails_keeps_nobody_from_being_told(manual, clock):
    """Nor does it reach whoever noticed."""
    lock = manual.acquire("r", owner="a", heartbeat=False)
    told: list[str] = []
    lock.on_lost(lambda reason: 1 / 0)
    lock.on_lost(told.append)
    clock.advance(31.0)
    assert lock.lost
    assert told == ["expired"]


def test_a_callback_is_a_plain_function(manual):
    """One that somebody would have to await is refused."""

    def callback(reason):
        return reason

    lock = manual.acquire("r", heartbeat=False)
    if type(manual).__name__.startswith("Async"):
        with pytest.raises(ConfigurationError, match="plain function"):
            lock.on_lost(callback)


def test_a_loss_that_was_noticed_stays(manual, clock):
    """Though a renewal that was under way comes back with success."""
    lock = manual.acquire("r", owner="a", heartbeat=False)
    clock.advance(31.0)
    assert lock.lost
    lock.adopt(lock.lease, clock.monotonic())
    assert lock.lost
    assert lock.remaining() == 0.0


# On every backend


def test_a_heartbeat_outlives_the_ttl(place):
    """Whoever waits meanwhile does not get it; the lease document changes with each beat."""
    locks, others = LockManager(place.store(), QUICK), LockManager(place.store(), QUICK)
    with locks.hold("r", owner="a") as lock:
        with pytest.raises(LockTimeoutError):
            others.acquire("r", owner="b", timeout=1.5)
        assert lock.held
        assert lock.lease.renewals >= 3
    (others.acquire("r", owner="b", timeout=TIMEOUT)).release()


def test_without_a_heartbeat_a_lease_ends(place):
    """And somebody else gets the lock by waiting."""
    locks, others = LockManager(place.store(), QUICK), LockManager(place.store(), QUICK)
    lock = locks.acquire("r", owner="a", heartbeat=False)
    assert (others.acquire("r", owner="b", timeout=TIMEOUT)).fencing_token == 2
    assert lock.lost


def test_a_heartbeat_tells_of_a_broken_lock(place):
    """Within a third of the ttl, with nobody looking."""
    locks = LockManager(place.store(), QUICK)
    lock = locks.acquire("r", owner="a")
    told: list[str] = []
    lock.on_lost(told.append)
    locks.break_lock("r", lock.fencing_token, "test")
    until(lambda: told)
    assert told == ["broken"]


def test_a_heartbeat_tells_of_a_stolen_lock(place):
    """A later token in the store is somebody else's."""
    store = place.store()
    locks = LockManager(store, QUICK)
    lock = locks.acquire("r", owner="a")
    told: list[str] = []
    lock.on_lost(told.append)
    plant(store, lock.lease.path, fencing_token=2, nonce="theirs", holder="b")
    until(lambda: told)
    assert told == ["stolen"]
    assert (seen(locks)).holder == "b"


class UnreachableBackend(WrappedBackend):
    """Answers until it is cut off."""

    is_cut = False
    refused = 0

    def get_many(self, paths, *, timeout, consistent=True):
        if self.is_cut:
            raise StoreUnavailableError("cut off")
        return super().get_many(paths, timeout=timeout, consistent=consistent)

    def commit(self, writes, *, timeout):
        if self.is_cut:
            self.refused += 1
            raise StoreUnavailableError("cut off")
        return super().commit(writes, timeout=timeout)


def test_a_heartbeat_that_reaches_nobody_gives_up_before_the_lease_ends(store):
    """At the renew deadline, as unreachable."""
    backend = UnreachableBackend(store.runtime.access.backend)
    cut = LockManager(BackendStore(backend), LockConfig(ttl=60.0, renew_deadline=0.5, retry_period=0.1))
    lock = cut.acquire("r", owner="a")
    told: list[str] = []
    lock.on_lost(told.append)
    backend.is_cut = True
    until(lambda: told)
    assert told == ["unreachable"]
    assert (seen(LockManager(store))).held, "the others still have to wait"
    with pytest.raises(LockLostError, match="unreachable"):
        lock.check()


def test_a_heartbeat_survives_a_store_that_fails_for_a_while(store):
    """It is tried again until the renew deadline."""
    backend = UnreachableBackend(store.runtime.access.backend)
    locks = LockManager(BackendStore(backend), LockConfig(ttl=3.0, renew_deadline=2.8, retry_period=0.05))
    lock = locks.acquire("r", owner="a")
    backend.is_cut = True
    until(lambda: backend.refused >= 3)
    backend.is_cut = False
    until(lambda: lock.lease.renewals >= 1)
    assert lock.held


def test_a_release_that_fails_can_be_repeated(store):
    """It forgets nothing before the store has confirmed; but nobody relies on it meanwhile."""
    backend = UnreachableBackend(store.runtime.access.backend)
    policy = RetryPolicy(attempts=2, wait_initial=0.0, wait_max=0.0)
    locks = LockManager(BackendStore(backend, retry=policy))
    lock = locks.acquire("r", owner="a")
    backend.is_cut = True
    with pytest.raises(Exception, match="given up"):
        lock.release(timeout=1)
    assert (lock.held, lock.lost) == (False, False)
    with pytest.raises(LockLostError, match="released"):
        lock.renew()
    assert (seen(LockManager(store))).held
    backend.is_cut = False
    lock.release()
    assert not (seen(locks)).held


def test_a_release_that_cannot_be_confirmed_ends_with_the_lease(store):
    """It takes no longer than the lease itself."""
    backend = UnreachableBackend(store.runtime.access.backend)
    lock = LockManager(BackendStore(backend), QUICK).acquire("r", owner="a", heartbeat=False)
    backend.is_cut = True
    with pytest.raises(LockLostError, match="unreachable"):
        lock.release()


def test_a_broken_lock_leaves_an_audit_entry(place):
    """Who broke whose lock, and why, in the commit that broke it."""
    store = place.store()
    locks = LockManager(store)
    lock = locks.acquire("r", owner="a", heartbeat=False)
    with change_context(changed_by="operator"):
        locks.break_lock("r", lock.fencing_token, "holder hangs")
    (entry,) = [one for one in store.runtime.access.backend.scan(AUDIT, timeout=TIMEOUT)]
    expected = {
        "kind": "lock_broken",
        "resource": "r",
        "holder": "a",
        "fencing_token": 1,
        "changed_by": "operator",
        "reason": "holder hangs",
    }
    assert {name: entry.fields[name] for name in expected} == expected
    assert (locks.acquire("r", owner="b", timeout=0)).fencing_token == 2
    with pytest.raises(LockLostError) as caught:
        lock.renew()
    assert caught.value.reason == "stolen"


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
def test_breaking_survives_a_lost_reply(place, fault):
    """One entry, and no complaint that the lock is broken already."""
    locks = LockManager(place.store())
    locks.acquire("r", owner="a", heartbeat=False)
    store, _ = place.faulty(fault)
    LockManager(store).break_lock("r", 1, "test", actor="me")
    entries = [one for one in store.runtime.access.backend.scan(AUDIT, timeout=TIMEOUT)]
    assert [one.fields["changed_by"] for one in entries] == ["me"]
    assert not (seen(locks)).held


def test_another_grant_is_not_broken(place):
    """A token that is not, or no more, the one in force changes nothing."""
    locks = LockManager(place.store())
    for token in (1, 2):
        with pytest.raises(FencedOutError) as caught:
            locks.break_lock("r", token, "test")
        assert caught.value.current == 0
    (locks.acquire("r", owner="a")).release()
    locks.acquire("r", owner="b", heartbeat=False)
    for token in (1, 3):
        with pytest.raises(FencedOutError) as caught:
            locks.break_lock("r", token, "test")
        assert (caught.value.token, caught.value.current, caught.value.resource) == (token, 2, "r")
    assert (seen(locks)).holder == "b"


@pytest.mark.parametrize(("token", "reason"), [(True, "x"), ("1", "x"), (1, ""), (1, " "), (1, None)], ids=repr)
def test_breaking_needs_a_token_and_a_reason(store, token, reason):
    """Anything else is refused before anything is read."""
    with pytest.raises(InvalidDataError):
        LockManager(store).break_lock("r", token, reason)


def test_a_drained_store_holds_no_lock(place):
    """What it held is free for others at once."""
    store = place.store()
    locks = LockManager(store)
    held = [locks.acquire(name, owner="a") for name in ("a", "b")]
    assert store.runtime.locks.release_all(TIMEOUT)
    assert [lock.held for lock in held] == [False, False]
    assert [one.held for one in LockManager(place.store()).list()] == [False, False]


def test_a_store_that_cannot_release_is_drained_in_time(store):
    """The leases end by themselves; their heartbeats have ended."""
    backend = UnreachableBackend(store.runtime.access.backend)
    cut = BackendStore(backend)
    lock = LockManager(cut).acquire("r", owner="a")
    backend.is_cut = True
    assert cut.runtime.locks.release_all(0.2) is False
    assert not lock.held
    assert cut.runtime.locks.held() == []


def test_a_closed_store_grants_nothing(store):
    """And says so."""
    locks = LockManager(store)
    store.runtime.inflight.refuse()
    with pytest.raises(StoreError, match="closed"):
        locks.acquire("r")


def test_a_lease_that_was_deleted_by_hand_is_a_broken_lock(place):
    """It is nothing to go on with."""
    store = place.store()
    lock = LockManager(store).acquire("r", heartbeat=False)
    remove(store, lock.lease.path)
    with pytest.raises(LockLostError, match="broken"):
        lock.renew()


def remove(store, path: DocumentPath):
    """Delete the document at *path*, past everything above the port."""
    store.runtime.access.backend.commit([Delete(path)], timeout=TIMEOUT)
