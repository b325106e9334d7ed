# Generated from tests/_async/transactions/test_transactions_locks.py by .ci/generate_sync.py; do not edit.
"""Transactions under a lock: the store itself refuses a holder who was replaced."""
import pytest

from tai_state import StateMachinePersister, FencedOutError, LockLostError, OutcomeUnknownError, RetryPolicy
from tai_state._sync.api.lock_manager import LockManager
from tai_state.rules.locking.leases import lease_path
from tests._sync.accounts import (
    BANK,
    MeddledBackend,
    amounts,
    open_accounts,
    put,
    transfer,
    manager_of,
    over,
)
from tests._sync.machines import COUNTER
from tests._sync.stores import contents, find, plant


@pytest.fixture
def other(place):
    """Another client of the same place, where two accounts are open."""
    store = place.store()
    open_accounts(store, a=100, b=0)
    return store


def acquire(store, resource="r", **options):
    """Acquire a lock without a heartbeat."""
    return LockManager(store).acquire(resource, timeout=0, heartbeat=False, **options)


def breaker(store, lock):
    """Return a call that breaks *lock* as an operator does."""
    return lambda: LockManager(store).break_lock(lock.resource, lock.fencing_token, "it hangs")


def test_a_held_lock_guards_and_stays_usable(place, other):
    """Its token is in every event, and the commit renews it."""
    store = place.store()
    lock = acquire(store)
    for number in range(3):
        manager_of(store).run(lambda tx: transfer(tx, "a", "b", 1), lock=lock)
        assert amounts(other, "b") == [number + 1]
    events = [event for event in other.get_events(BANK, "a", after=1)]
    assert [event.fencing_token for event in events] == [lock.fencing_token] * 3
    lock.renew()
    lock.release()


def test_a_guarded_transaction_is_two_requests(place, other):
    """The lease goes with the commit."""
    store, backend = place.counting()
    lock = acquire(store)
    backend.taken()
    for _ in range(2):
        manager_of(store).run(lambda tx: transfer(tx, "a", "b", 1), lock=lock)
        assert backend.taken() == ["get_many", "commit"]
    assert lock.held


def test_a_broken_lock_is_fenced_out(place, other):
    """Broken between the body and the commit: the store refuses, nothing is written, and the lock knows."""
    store, backend = over(place, MeddledBackend)
    lock = acquire(store)
    backend.before_commits.append(breaker(other, lock))
    before = contents(other, BANK)
    with pytest.raises(FencedOutError) as caught:
        manager_of(store).run(lambda tx: transfer(tx, "a", "b", 1), lock=lock)
    assert caught.value.token == lock.fencing_token
    assert contents(other, BANK) == before
    assert [one for one in manager_of(other).list_transactions()] == []
    assert lock.lost
    with pytest.raises((LockLostError, FencedOutError)):
        manager_of(store).run(lambda tx: put(tx, "a", 1), lock=lock)


def test_a_lock_that_was_taken_over_is_fenced_out(place, other):
    """The error gives the token in force."""
    store, backend = over(place, MeddledBackend)
    lock = acquire(store)

    def take_over():
        breaker(other, lock)()
        acquire(other, owner="they")

    backend.before_commits.append(take_over)
    with pytest.raises(FencedOutError) as caught:
        manager_of(store).run(lambda tx: transfer(tx, "a", "b", 1), lock=lock)
    assert (caught.value.token, caught.value.current) == (lock.fencing_token, lock.fencing_token + 1)
    assert amounts(other, "a", "b") == [100, 0]


def test_a_state_that_a_later_holder_wrote_is_fenced_off(place, other):
    """Even if the lease itself had been set back: the state remembers the highest token."""
    store = place.store()
    lock = acquire(store)
    kept = find(other, lease_path(lock.resource))
    assert kept is not None
    breaker(other, lock)()
    later = acquire(other, owner="they")
    persister = StateMachinePersister(other, COUNTER)
    persister.start("g", "s", {"n": 0})
    persister.transition("g", "s", "add", lock=later)
    plant(other, kept.path, **kept.fields)
    persister = StateMachinePersister(store, COUNTER)
    with pytest.raises(FencedOutError) as caught:
        manager_of(store).run(lambda tx: tx.transition(persister, "g", "s", "add"), lock=lock)
    assert caught.value.current == later.fencing_token
    assert lock.lost


def test_a_conflict_under_a_lock_runs_the_body_again(place, other):
    """The lock is not the reason, and stays."""
    store, backend = over(place, MeddledBackend)
    lock = acquire(store)
    backend.before_commits.append(lambda: other.save_state(BANK, "a", {"n": 50}))
    manager_of(store).run(lambda tx: transfer(tx, "a", "b", 10), lock=lock)
    assert amounts(other, "a", "b") == [40, 10]
    lock.release()


def test_a_lock_goes_on_being_renewed_while_the_body_runs(place, other):
    """The body may even use it: nothing waits for the end of the transaction."""
    store = place.store()
    lock = acquire(store)
    persister = StateMachinePersister(store, COUNTER)

    def body(tx):
        lock.renew(timeout=5)
        persister.start("g", "inside", {"n": 0})
        persister.transition("g", "inside", "add", lock=lock, timeout=5)
        transfer(tx, "a", "b", 1)

    manager_of(store).run(body, lock=lock)
    assert amounts(other, "a", "b") == [99, 1]
    lock.release()


def test_several_locks_guard_together(place, other):
    """One of them broken is enough to be refused."""
    store, backend = over(place, MeddledBackend)
    locks = LockManager(store).acquire_many(["r", "s"], timeout=0, heartbeat=False)
    manager_of(store).run(lambda tx: transfer(tx, "a", "b", 1), lock=locks)
    backend.before_commits.append(breaker(other, locks.locks[1]))
    with pytest.raises(FencedOutError) as caught:
        manager_of(store).run(lambda tx: transfer(tx, "a", "b", 1), lock=locks)
    assert caught.value.resource == "s"
    assert amounts(other, "a", "b") == [99, 1]
    assert [lock.lost for lock in locks.locks] == [False, True]


def test_a_lost_reply_under_a_lock(place, other):
    """The lock goes on from what the commit made of its lease."""
    store, _ = place.faulty()
    lock = acquire(store)
    store.runtime.access.backend.faults.append("reply lost")
    manager_of(store).run(lambda tx: transfer(tx, "a", "b", 1), lock=lock)
    manager_of(store).run(lambda tx: transfer(tx, "a", "b", 1), lock=lock)
    assert amounts(other, "a", "b") == [98, 2]
    lock.release()


def test_an_unknown_outcome_under_a_lock(place, other):
    """Applied, and nobody heard of it: the next transaction finds its lease renewed by itself."""
    store, backend = place.faulty(retry=RetryPolicy(attempts=1))
    lock = acquire(store)
    backend.faults.append("reply lost")
    backend.unread = 1
    with pytest.raises(OutcomeUnknownError):
        manager_of(store).run(lambda tx: transfer(tx, "a", "b", 1), lock=lock)
    manager_of(store).run(lambda tx: transfer(tx, "a", "b", 1), lock=lock)
    assert amounts(other, "a", "b") == [98, 2]


def test_a_released_lock_guards_nothing(place, other):
    """Refused before the body runs."""
    lock = acquire(other)
    lock.release()
    runs = []

    def body(tx):
        runs.append(1)

    with pytest.raises(LockLostError):
        manager_of(other).run(body, lock=lock)
    assert runs == []


def test_a_lock_lost_while_the_body_runs_commits_nothing(place, other):
    """Also where nobody took it over: it was released inside."""
    store, backend = place.counting()
    lock = acquire(store)

    def body(tx):
        put(tx, "a", 1)
        lock.release()
        backend.taken()

    with pytest.raises(LockLostError):
        manager_of(store).run(body, lock=lock)
    assert backend.taken() == []
    assert amounts(other, "a") == [100]
