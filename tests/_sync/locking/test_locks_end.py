# Generated from tests/_async/locking/test_locks_end.py by .ci/generate_sync.py; do not edit.
"""How a lock ends: released, broken by an operator, or drained with its store."""
import pytest

from tai_state import (
    BackendStore,
    LockManager,
    FencedOutError,
    InvalidDataError,
    LockConfig,
    LockLostError,
    RetryPolicy,
    StoreClosedError,
    change_context,
)
from tai_state._sync.locking.lock import handle_of
from tai_state.documents import Delete, DocumentPath
from tai_state.layout import AUDIT
from tests._sync.deaths import forget_every_lock
from tests._sync.stores import TIMEOUT, UnreachableBackend

QUICK = LockConfig(ttl=0.6)


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


def seen(locks):
    """Return what the store says of the lock."""
    found = locks.inspect("r")
    assert found is not None
    return found


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
    with pytest.raises(StoreClosedError, match="closed"):
        locks.acquire("r")


def test_a_lease_that_was_deleted_by_hand_is_a_broken_lock(place):
    """It is nothing to go on with."""
    store = place.store()
    lock = LockManager(store).acquire("r", heartbeat=False)
    remove(store, handle_of(lock).lease.path)
    with pytest.raises(LockLostError, match="broken"):
        lock.renew()


def remove(store, path: DocumentPath):
    """Delete the document at *path*, past everything above the port."""
    store.runtime.access.backend.commit([Delete(path)], timeout=TIMEOUT)
