# Generated from tests/_async/locking/test_locks_lease.py by .ci/generate_sync.py; do not edit.
"""The lease of a lock, on a clock that a test moves: how long it is trusted, and how its loss is told."""
import pytest

from tai_state import (
    BackendStore,
    LockManager,
    LockSet,
    MemoryStore,
    ConfigurationError,
    LockLostError,
    LockTimeoutError,
)
from tai_state._sync.locking.lock import handle_of
from tai_state.testing.clock import ManualClock
from tests._sync.deaths import forget_every_lock


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
    assert handle_of(lock).remaining() == pytest.approx(28.5)
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
    assert handle_of(lock).remaining() == pytest.approx(28.5)


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


def test_asking_whether_it_is_held_calls_nobody_back(manual, clock):
    """A property is silent: who asks need not be ready to run what somebody wants to do about a loss."""
    lock = manual.acquire("r", owner="a", heartbeat=False)
    told: list[str] = []
    lock.on_lost(told.append)
    clock.advance(31.0)
    many = LockSet([lock])
    assert (lock.held, lock.lost, many.held, many.lost, told) == (False, True, False, True, [])
    with pytest.raises(LockLostError):
        lock.check()
    assert told == ["expired"], "who uses it notices"


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
    with pytest.raises(LockLostError):
        lock.check()
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
    handle_of(lock).adopt(handle_of(lock).lease, clock.monotonic())
    assert lock.lost
    assert handle_of(lock).remaining() == 0.0
