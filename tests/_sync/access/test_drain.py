# Generated from tests/_async/access/test_drain.py by .ci/generate_sync.py; do not edit.
"""Draining: no new work, what is under way ends or is given up in time, and locks are released."""
import pytest

from tai_state import (
    BackendStore,
    LockManager,
    StateMachinePersister,
    TransactionManager,
    LockLostError,
    StoreClosedError,
    SystemClock,
)
from tai_state._platform.tasks import sleep, together
from tests._sync.deaths import forget_every_lock
from tests._sync.machines import COUNTER
from tests._sync.stores import NO_WAIT, WrappedBackend, in_memory
from tests.waits import patience

LONG = 60.0
monotonic = SystemClock().monotonic

PERSISTER_CALLS = {
    "start": lambda one: one.start("g", "new"),
    "transition": lambda one: one.transition("g", "s", "add"),
    "log": lambda one: one.log_transition("g", "s", "a", to_status="b", data={}),
    "rollback": lambda one: one.rollback("g", "s", 1),
    "load": lambda one: one.load_state("g", "s"),
    "replay": lambda one: one.replay("g", "s"),
    "check": lambda one: one.validate_consistency("g"),
    "snapshot": lambda one: one.create_snapshot("g", "s"),
}
MANAGER_CALLS = {
    "acquire": lambda one: one.acquire("new"),
    "many": lambda one: one.acquire_many(["new", "newer"]),
    "inspect": lambda one: one.inspect("r"),
    "break": lambda one: one.break_lock("r", 1, "test"),
}


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@pytest.fixture
def counter(store):
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s")
    return persister


def held(store):
    """Return the resources that are locked, as the store has it."""
    return [one.resource for one in LockManager(store).list() if one.held]


# The store


def test_a_drained_store_has_released_its_locks(place):
    """Those of all its managers: others get them at once."""
    store = place.store()
    locks = [LockManager(store).acquire("a"), LockManager(store).acquire("b", heartbeat=False)]
    many = LockManager(store).acquire_many(["c", "d"])
    assert held(place.store()) == ["a", "b", "c", "d"]
    assert store.drain()
    assert held(place.store()) == []
    assert [lock.held for lock in (*locks, *many.locks)] == [False] * 4
    assert [lock.lost for lock in (*locks, *many.locks)] == [False] * 4


@in_memory
def test_a_lock_that_a_drain_released_was_not_lost(place):
    """The block that held it ends without an error, and a second release says what is so."""
    store = place.store()
    with LockManager(store).hold("r") as lock:
        assert store.drain()
    with pytest.raises(LockLostError):
        lock.release()


def test_leaving_a_store_releases_its_locks(place):
    """Whatever was thrown in the block."""
    others = place.store()

    def leave():
        with BackendStore(OpenBackend(place.store().runtime.access.backend)) as store:
            LockManager(store).acquire("r")
            raise KeyError

    with pytest.raises(KeyError):
        leave()
    assert held(others) == []


class OpenBackend(WrappedBackend):
    """Stays open for others when it is closed."""

    def close(self):
        """Do nothing."""


@pytest.mark.parametrize("waiters", [1, 3])
def test_who_waits_for_a_lock_hears_of_the_drain(place, waiters):
    """First in the line or behind others, by a typed error and long before the wait is over."""
    store = place.store()
    taken = LockManager(place.store()).acquire("r", owner="other", ttl=LONG)
    errors = []

    def wait(number):
        try:
            LockManager(store).acquire("r", owner=str(number), timeout=LONG)
        except StoreClosedError as error:
            errors.append(error)

    def drain():
        sleep(0.1)
        return store.drain()

    began = monotonic()
    *_, drained = together([*(lambda number=number: wait(number) for number in range(waiters)), drain])
    assert drained
    assert len(errors) == waiters
    assert monotonic() - began < LONG / 2
    taken.release()


class HungBackend(WrappedBackend):
    """Answers nothing once it hangs, whatever time it is given."""

    def __init__(self, inner):
        super().__init__(inner)
        self.hangs = False
        self.waiting = 0

    def _pass(self):
        self.waiting += self.hangs
        while self.hangs:
            sleep(0.001)

    def commit(self, writes, *, timeout):
        self._pass()
        return super().commit(writes, timeout=timeout)

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        self._pass()
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


@in_memory
def test_a_drain_of_a_store_that_never_answers_ends_in_time(place):
    """It says that something was left; the lock is renewed no more."""
    backend = HungBackend(place.store().runtime.access.backend)
    store = BackendStore(backend, actor="tester", retry=NO_WAIT)
    lock = LockManager(store).acquire("r", ttl=LONG)

    def drain():
        backend.hangs = True
        while not backend.waiting:
            sleep(0.001)
        began = monotonic()
        drained = store.drain(timeout=0.4)
        seconds = monotonic() - began
        found = (drained, lock.held, store.runtime.locks.held())
        backend.hangs = False
        return found, seconds

    def save():
        while not backend.hangs:
            sleep(0.001)
        return store.save_state("g", "s", {})

    version, (found, seconds) = together([save, drain])
    assert found == (False, False, [])
    assert 0.3 < seconds < patience(10)
    assert version == 1, "what was let in is never cut off"


def test_draining_twice_is_fine(store):
    """The second finds nothing to do."""
    LockManager(store).acquire("r")
    assert store.drain()
    assert store.drain()


# A persister


@in_memory
@pytest.mark.parametrize("name", PERSISTER_CALLS)
def test_a_drained_persister_takes_no_new_calls(counter, name):
    """By a typed error that names who is drained."""
    assert counter.drain()
    with pytest.raises(StoreClosedError, match="persister is drained"):
        PERSISTER_CALLS[name](counter)


@in_memory
def test_a_drained_persister_gives_no_history(counter):
    """Nor snapshots."""
    assert counter.drain()
    with pytest.raises(StoreClosedError):
        _ = [one for one in counter.history("g", "s")]
    with pytest.raises(StoreClosedError):
        _ = [one for one in counter.list_snapshots("g", "s")]


@in_memory
def test_a_drained_persister_moves_nothing_in_a_transaction(counter, store):
    """And the transaction writes nothing."""
    assert counter.drain()
    with pytest.raises(StoreClosedError):
        TransactionManager(store).run(lambda tx: tx.transition(counter, "g", "s", "add"))
    assert (store.get_state("g", "s"))[1] == 1


def test_a_drained_persister_leaves_the_store_to_others(counter, store):
    """Another persister over it goes on, and so does the store itself."""
    assert counter.drain()
    other = StateMachinePersister(store, COUNTER)
    assert (other.transition("g", "s", "add")).version == 2
    assert store.save_state("g", "t", {}) == 1


@in_memory
def test_a_persister_waits_for_its_own_calls_alone(place):
    """What others do over the store holds up nothing."""
    backend = HungBackend(place.store().runtime.access.backend)
    store = BackendStore(backend, actor="tester", retry=NO_WAIT)
    mine, other = (StateMachinePersister(store, COUNTER) for _ in range(2))
    mine.start("g", "s")

    def drain():
        while not backend.waiting:
            sleep(0.001)
        found = (mine.drain(timeout=5), other.drain(timeout=0.05))
        backend.hangs = False
        return (*found, other.drain())

    backend.hangs = True
    outcomes: list[object] = together([lambda: other.transition("g", "s", "add"), drain])
    assert outcomes[1] == (True, False, True)


# A lock manager


@in_memory
@pytest.mark.parametrize("name", MANAGER_CALLS)
def test_a_drained_manager_takes_no_new_calls(store, name):
    """By a typed error that names who is drained."""
    locks = LockManager(store)
    assert locks.drain()
    with pytest.raises(StoreClosedError, match="lock manager is drained"):
        MANAGER_CALLS[name](locks)


def test_a_drained_manager_has_released_its_locks_alone(place):
    """Another manager over the store keeps its own, and acquires more."""
    store = place.store()
    mine, other = LockManager(store), LockManager(store)
    lost, kept = mine.acquire("a"), other.acquire("b")
    assert mine.drain()
    assert held(place.store()) == ["b"]
    assert (lost.held, kept.held) == (False, True)
    (other.acquire("a", owner="other", timeout=0)).release()


@in_memory
def test_who_waits_at_a_manager_hears_of_its_drain(place):
    """Waiters of another manager wait on."""
    store = place.store()
    locks, others = LockManager(store), LockManager(store)
    taken = others.acquire("r", owner="holder", ttl=LONG)
    ended = []

    def wait(manager, name):
        try:
            (manager.acquire("r", owner=name, timeout=LONG)).release()
        except StoreClosedError:
            ended.append(name)

    def drain():
        sleep(0.1)
        drained = locks.drain()
        taken.release()
        return drained

    *_, drained = together([lambda: wait(locks, "mine"), lambda: wait(others, "theirs"), drain])
    assert (drained, ended) == (True, ["mine"])
