# Generated from tests/_async/locking/test_locks_keyed.py by .ci/generate_sync.py; do not edit.
"""Locks that are asked for under a key: a reply that was lost leaves no lock that nobody has."""
import pytest

from tai_state import (
    LockManager,
    MemoryStore,
    DamagedDocumentsError,
    IdempotencyMismatchError,
    InvalidDataError,
    InvalidIdError,
    LockLostError,
    LockTimeoutError,
    lock_owner,
)
from tai_state._sync.locking.handle import LockHandle
from tai_state._platform.tasks import together
from tai_state.documents import DocumentPath
from tai_state.layout import LOCKS
from tai_state.testing.clock import ManualClock
from tests._sync.deaths import forget_every_lock
from tests._sync.stores import document_at, plant
from tests.waits import patience


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@pytest.fixture
def locks(store):
    """A lock manager in the place."""
    return LockManager(store)


def detached(locks, *, owner="ann", resource="r", key="k", **options):
    """Acquire as a request over HTTP does, and return the ticket."""
    with lock_owner(owner):
        lock = locks.acquire(resource, heartbeat=False, timeout=0, idempotency_key=key, **options)
    return lock.detach()


def test_the_same_key_gives_the_same_grant_again(store, locks):
    """To an owner of the same name, wherever he is; renewed, and nobody waits for anything."""
    first = detached(locks)
    before = locks.inspect("r")
    assert detached(locks) == first
    assert detached(LockManager(store)) == first
    after = locks.inspect("r")
    assert (after.fencing_token, after.holder) == (before.fencing_token, "ann")
    assert after.expires_at > before.expires_at


def test_who_has_the_lock_in_hand_asks_again(locks):
    """Under its key he is no deadlock of his own; the handles are those of one grant."""
    first = locks.acquire("r", owner="ann", idempotency_key="k")
    second = locks.acquire("r", owner="ann", idempotency_key="k")
    assert second.ticket == first.ticket
    first.release()
    with pytest.raises(LockLostError):
        second.renew()


@pytest.mark.parametrize("other", [{"owner": "bob"}, {"key": "l"}, {"owner": "annk", "key": ""}, {"key": None}])
def test_another_key_and_another_owner_wait(locks, other):
    """As for any lock that is held."""
    detached(locks)
    other = {name: value for name, value in other.items() if value != ""}
    with pytest.raises(LockTimeoutError):
        detached(locks, **other)


def test_another_request_under_the_same_key_is_refused(locks):
    """It is the key's grant that is held, and not what is asked for now."""
    detached(locks, ttl=30.0)
    with pytest.raises(IdempotencyMismatchError) as told:
        detached(locks, ttl=31.0)
    assert (told.value.key, told.value.resource) == ("k", "r")


def test_behind_its_end_the_key_gives_a_grant_of_its_own(locks):
    """The one that was released is nobody's any more."""
    first = locks.attach(detached(locks), heartbeat=False)
    first.release()
    second = locks.attach(detached(locks), heartbeat=False)
    assert second.fencing_token == first.fencing_token + 1


def test_a_free_lock_tells_of_no_key(store, locks):
    """What stands in its document is as if it had been taken without one."""
    (locks.attach(detached(locks), heartbeat=False)).release()
    document = document_at(store, DocumentPath(LOCKS, "r"))
    assert {"key_digest", "fingerprint"} & set(document.fields) == set()


def test_a_lease_that_has_ended_is_granted_anew():
    """By the store's clock."""
    clock = ManualClock()
    with MemoryStore(clock=clock) as store:
        locks = LockManager(store)
        first = detached(locks, ttl=1.0)
        clock.advance(2.0)
        second = detached(locks, ttl=1.0)
    assert first != second


def test_several_locks_are_given_again_together(locks):
    """All that the request asked for; another set under the same key is another request."""

    def tickets(*resources):
        with lock_owner("ann"):
            held = locks.acquire_many(resources, heartbeat=False, timeout=0, idempotency_key="k")
        return [lock.detach() for lock in held.locks]

    first = tickets("a", "b")
    assert tickets("b", "a") == first
    with pytest.raises(IdempotencyMismatchError):
        tickets("a")


def test_calls_that_wait_under_one_key_get_one_grant(store):
    """Whose first reply was lost may still be waiting in the line when he asks again."""
    managers = [LockManager(store), LockManager(store)]
    holder = managers[0].acquire("r", owner="bob", heartbeat=False)

    def wait(manager):
        with lock_owner("ann"):
            lock = manager.acquire("r", heartbeat=False, timeout=patience(30.0), idempotency_key="k")
        return lock.detach()

    def free():
        holder.release()

    told = together([lambda: wait(managers[0]), lambda: wait(managers[1]), lambda: wait(managers[0]), free])
    assert len(set(told[:3])) == 1


def failing(_):
    """Start no heartbeat."""
    raise RuntimeError("no more threads")


def test_who_fails_behind_the_same_grant_leaves_it_to_the_first(locks, monkeypatch):
    """It was granted to an earlier call, whose caller may have its ticket."""
    first = detached(locks)
    monkeypatch.setattr(LockHandle, "start_heartbeat", failing)
    with lock_owner("ann"), pytest.raises(RuntimeError):
        locks.acquire("r", idempotency_key="k")
    assert (locks.inspect("r")).held
    assert (locks.attach(first, heartbeat=False)).held


def test_who_fails_behind_several_grants_leaves_all_of_them_to_the_first(locks, monkeypatch):
    """His process has none of them any more: whoever asks for one there waits, as for any lock that is held."""
    with lock_owner("ann"):
        held = locks.acquire_many(["a", "b"], heartbeat=False, timeout=0, idempotency_key="k")
        tickets = [lock.detach() for lock in held.locks]
        monkeypatch.setattr(LockHandle, "start_heartbeat", failing)
        with pytest.raises(RuntimeError):
            locks.acquire_many(["a", "b"], timeout=0, idempotency_key="k")
        for resource in "ab":
            with pytest.raises(LockTimeoutError):
                locks.acquire(resource, timeout=0)
    for ticket in tickets:
        assert (locks.attach(ticket, heartbeat=False)).held


def test_a_key_that_is_none_is_refused(locks):
    """Before anything is asked."""
    for key in ("", "x" * 481):
        with pytest.raises(InvalidIdError):
            locks.acquire("r", idempotency_key=key)
    assert locks.inspect("r") is None


# Which there are, page by page


def test_locks_are_listed_page_by_page(store, locks):
    """In the order of their stored ids, held or free; none is left out, and none is told twice."""
    names = [f"r-{number}" for number in range(7)]
    for name in names:
        (locks.acquire(name, heartbeat=False)).release()
    pages, after = [], None
    while page := [lock.resource for lock in locks.list(after=after, limit=3)]:
        pages.append(page)
        after = page[-1]
    assert pages == [names[:3], names[3:6], names[6:]]
    assert [lock.resource for lock in locks.list(after="r-4")] == names[5:]
    assert [lock for lock in locks.list(limit=0)] == []


def test_what_is_damaged_takes_no_place_in_a_page(store, locks):
    """It is named at the end of the page that passed it over."""
    for name in ("a", "b", "c"):
        (locks.acquire(name, heartbeat=False)).release()
    plant(store, DocumentPath(LOCKS, "b"), fencing_token="many")
    page = locks.list(limit=2)
    assert [(next(page)).resource, (next(page)).resource] == ["a", "c"]
    with pytest.raises(DamagedDocumentsError) as error:
        next(page)
    assert error.value.paths == ["locks/b"]


@pytest.mark.parametrize("wrong", [{"limit": -1}, {"limit": "3"}, {"after": ""}])
def test_a_page_that_cannot_be_is_refused(locks, wrong):
    """By what is wrong with it."""
    with pytest.raises((InvalidDataError, InvalidIdError)):
        [lock for lock in locks.list(**wrong)]
