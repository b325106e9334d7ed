# Generated from tests/_async/locking/test_locks_handles.py by .ci/generate_sync.py; do not edit.
"""A lock in its user's hand: what it shows, its store, its renewal, and how it outlives its process."""
import pytest

from tai_state import (
    BackendStore,
    FirestoreStore,
    LockManager,
    LockSet,
    MemoryStore,
    RedisStore,
    SqliteStore,
    StateMachinePersister,
    TransactionManager,
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
from tai_state._sync.api import lock_manager
from tai_state._sync.locking.lock import handle_of
from tai_state._platform.tasks import sleep, together
from tai_state.documents import Capability, DocumentPath
from tai_state.layout import LOCKS
from tai_state.testing import FaultyStore, Faults, ManualClock
from tests._sync.deaths import forget_every_lock
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, WrappedBackend, document_at
from tests.waits import patience

monotonic = SystemClock().monotonic


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@pytest.fixture
def locks(store):
    """A lock manager in the place."""
    return LockManager(store)


def test_a_lock_shows_what_its_user_needs_and_nothing_else(locks):
    """What stands behind it is the package's own."""
    with locks.hold("r") as lock:
        assert {name for name in dir(lock) if not name.startswith("_")} == {
            *("resource", "owner", "fencing_token", "held", "lost", "ticket"),
            *("renew", "release", "check", "on_lost", "detach"),
        }


# Of which store it is


@pytest.fixture
def other_store(backend_kind, location, tmp_path):
    """Another store on the same kind of backend."""
    store: BackendStore
    if backend_kind == "sqlite":
        store = SqliteStore(tmp_path / "other.db")
    elif backend_kind == "firestore":
        store = FirestoreStore(location["project"], root="apps/other")
    elif backend_kind == "redis":
        store = RedisStore(f"{location['url']}-other")
    else:
        store = MemoryStore()
    yield store
    store.close()


def test_a_lock_of_another_store_is_refused_and_stays_whole(store, other_store):
    """It would be looked for where it never was, and taken for broken."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    lock = LockManager(other_store).acquire("r", heartbeat=False)

    def write(tx):
        tx.save_state("g", "t", {})

    for guard in (lock, LockSet([lock])):
        with pytest.raises(ConfigurationError, match="'r' was acquired in another store"):
            persister.transition("g", "s", "add", 1, lock=guard)
        with pytest.raises(ConfigurationError, match="'r' was acquired in another store"):
            TransactionManager(store).run(write, lock=guard)
    assert (persister.load_state("g", "s")).snapshot.version == 1
    assert not store.exists("g", "t")
    assert lock.held
    lock.renew()


def test_a_lock_of_another_object_of_the_same_store_guards(place):
    """Also where faults stand before it: what counts is where the documents are."""
    persister = StateMachinePersister(FaultyStore(place.store(), faults=Faults()), COUNTER)
    persister.start("g", "s", {"n": 0})
    with LockManager(place.store()).hold("r") as lock:
        assert (persister.transition("g", "s", "add", 1, lock=lock)).event.fencing_token == 1


# How long one waits


class DownBackend(WrappedBackend):
    """Answers no read, and counts them."""

    reads = 0

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        self.reads += 1
        raise StoreUnavailableError("down")


def test_who_would_not_wait_is_told_at_once_that_the_store_is_down(store):
    """After one try; and who would wait for a moment is told after that moment."""
    backend = DownBackend(store.runtime.access.backend)
    locks = LockManager(BackendStore(backend))
    with pytest.raises(DeadlineExceededError):
        locks.acquire("r", timeout=0)
    with pytest.raises(DeadlineExceededError):
        locks.try_acquire("r")
    assert backend.reads == 2
    began = monotonic()
    with pytest.raises(DeadlineExceededError):
        locks.acquire("r", timeout=0.2)
    assert monotonic() - began < patience(1.5)


def test_no_time_limit_is_a_wait_without_end(place, monkeypatch):
    """Longer than the time for which one waits who says nothing."""
    monkeypatch.setattr(lock_manager, "ACQUIRE_SECONDS", 0.05)
    locks, others = LockManager(place.store()), LockManager(place.store())
    lock = locks.acquire("r", owner="a")

    def wait():
        with others.hold("r", owner="b", timeout=None) as later:
            return later.fencing_token

    def release():
        sleep(0.5)
        lock.release()
        return 0

    assert together([wait, release]) == [2, 0]


def test_a_lock_on_a_clock_that_stands_still_is_waited_for_in_real_time():
    """A test that moves the clock by hand does not hang where it forgot to."""
    locks = LockManager(MemoryStore(clock=ManualClock()))
    locks.acquire("r", owner="a", heartbeat=False)
    began = monotonic()
    with pytest.raises(LockTimeoutError):
        locks.acquire("r", owner="b", timeout=0.3)
    assert 0.3 <= monotonic() - began < TIMEOUT


def test_a_lock_is_tried(place):
    """None where somebody holds it: another, or the caller itself."""
    locks, others = LockManager(place.store()), LockManager(place.store())
    with locks.hold("r", owner="a"):
        assert others.try_acquire("r", owner="b") is None
        assert locks.try_acquire("r", owner="a") is None
    lock = locks.try_acquire("r")
    assert lock is not None
    assert locks.try_acquire("r") is None, "one's own"
    lock.release()


# What errors say


def test_a_wait_in_vain_names_all_that_stood_in_the_way(place):
    """And who holds the first of them."""
    locks, others = LockManager(place.store()), LockManager(place.store())
    locks.acquire("b", owner="mallory")
    locks.acquire("c", owner="trent")
    with pytest.raises(LockTimeoutError) as caught:
        others.acquire_many(["a", "b", "c"], owner="bob", timeout=0)
    assert (caught.value.resource, caught.value.holder, caught.value.resources) == ("b", "mallory", ["b", "c"])
    assert str(caught.value) == "lock 'b' is held by 'mallory'; 'c' could not be had either"


def test_a_deadlock_with_oneself_names_the_resource(locks):
    """It is the one that the owner holds."""
    locks.acquire("b", owner="me")
    with pytest.raises(DeadlockError) as caught:
        locks.acquire_many(["a", "b"], owner="me")
    assert (caught.value.cycle, caught.value.resources) == (["me", "me"], ["b"])
    assert str(caught.value) == "deadlock: 'me' waits for 'b', held by 'me'"


# Renewal by another ttl


def test_a_renewal_may_change_the_ttl(place):
    """For itself and for those that follow; the store counts by it."""
    locks = LockManager(place.store())
    lock = locks.acquire("r", ttl=30, heartbeat=False)
    for renewal in (lambda: lock.renew(ttl=600), lock.renew):
        renewal()
        found = locks.inspect("r")
        assert found is not None
        assert found.ttl_seconds == 600
        assert 560 < handle_of(lock).remaining() <= 570
    lock.renew(5)
    assert handle_of(lock).remaining() <= 4.75
    for ttl in (0.0, -1.0, True, 86_401.0):
        with pytest.raises(ConfigurationError, match="ttl"):
            lock.renew(ttl)
    assert lock.held


def test_a_heartbeat_goes_by_the_new_ttl(store):
    """Though it was to beat much later."""
    locks, others = LockManager(store), LockManager(store)
    lock = locks.acquire("r", owner="a", ttl=60)
    ttl = patience(0.6)
    lock.renew(ttl=ttl)
    with pytest.raises(LockTimeoutError):
        others.acquire("r", owner="b", timeout=2.5 * ttl)
    assert lock.held


def test_a_shorter_ttl_is_obeyed_though_nobody_knows_whether_it_was_written(place):
    """The store may count by it from the moment at which it was sent."""
    store, backend = place.faulty()
    lock = LockManager(store).acquire("r", ttl=600, heartbeat=False)
    backend.faults += ["request lost"] * 100_000
    with pytest.raises(Exception, match="unknown"):
        lock.renew(5, timeout=0.2)
    assert handle_of(lock).remaining() <= 4.75
    backend.faults.clear()
    lock.renew()
    assert handle_of(lock).remaining() > 4.75


# Tickets


def test_a_ticket_goes_on_with_a_lock(place):
    """By another store, as in another process: the same grant, renewed, and released for both."""
    lock = LockManager(place.store()).acquire("a/b", owner="état", ttl=60, heartbeat=False)
    others = LockManager(place.store())
    again = others.attach(lock.ticket)
    assert (again.resource, again.owner, again.fencing_token, again.held) == ("a/b", "état", 1, True)
    again.renew()
    lock.renew()
    persister = StateMachinePersister(others.store, COUNTER)
    persister.start("g", "s", {"n": 0})
    assert (persister.transition("g", "s", "add", 1, lock=again)).event.fencing_token == 1
    again.release()
    with pytest.raises(LockLostError, match="released"):
        lock.renew()
    with pytest.raises(LockLostError, match="released"):
        others.attach(lock.ticket)


def test_an_attached_lock_is_renewed_in_the_background(place):
    """Unless nobody wants it."""
    ttl = patience(0.6)
    lock = LockManager(place.store()).acquire("r", owner="a", ttl=ttl, heartbeat=False)
    others = LockManager(place.store())
    with others.attach(lock.ticket) as again:
        with pytest.raises(LockTimeoutError):
            others.acquire("r", owner="b", timeout=2.5 * ttl)
        assert again.held


@pytest.mark.parametrize("has_ticket", [False, True])
def test_a_lock_whose_ticket_was_given_out_does_not_end_with_its_process(place, has_ticket):
    """From its next renewal on nothing in the store says whose process it is; until then it is this one's."""
    store = place.store()
    lock = LockManager(store).acquire("r")
    path = DocumentPath(LOCKS, "r")
    names_a_process = Capability.ONE_HOST in store.capabilities
    assert ("process" in (document_at(store, path)).fields) is names_a_process
    if has_ticket:
        assert lock.ticket
    lock.renew()
    assert ("process" in (document_at(store, path)).fields) is (names_a_process and not has_ticket)
    lock.release()


def test_a_lock_that_was_detached_goes_on_without_its_handle(place):
    """Neither its block nor a drain of its store touches the grant; for the handle it is as if it were released."""
    store = place.store()
    with LockManager(store).acquire("r", owner="a", heartbeat=False) as lock:
        ticket = lock.detach()
        assert (lock.held, lock.lost, lock.detach()) == (False, False, ticket)
        with pytest.raises(LockLostError, match="released"):
            lock.release()
    assert store.drain()
    others = LockManager(place.store())
    assert (others.attach(ticket)).fencing_token == 1


@pytest.mark.parametrize("end", ["broken", "stolen", "expired"])
def test_a_ticket_of_a_lock_that_is_lost_is_refused(place, end):
    """With what became of it; nothing is changed."""
    locks = LockManager(place.store(), LockConfig(ttl=60.0 if end == "broken" else 0.5))
    ticket = (locks.acquire("r", owner="a", heartbeat=False)).ticket
    if end == "broken":
        locks.break_lock("r", 1, "test")
    else:
        sleep(0.6)
    if end == "stolen":
        locks.acquire("r", owner="b", ttl=60)
    before = locks.inspect("r")
    with pytest.raises(LockLostError) as caught:
        locks.attach(ticket)
    assert caught.value.reason == end
    found = locks.inspect("r")
    assert found is not None
    assert before is not None
    assert (found.holder, found.fencing_token) == (before.holder, before.fencing_token)


@pytest.mark.parametrize("ticket", ["", "x", "e30", "bnVsbA", None, 3, "é", "a" * 5000], ids=lambda one: repr(one)[:9])
def test_what_is_no_ticket_is_refused(locks, ticket):
    """Before anything is sent."""
    with pytest.raises(InvalidDataError, match="ticket"):
        locks.attach(ticket)
