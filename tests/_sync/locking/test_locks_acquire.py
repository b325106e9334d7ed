# Generated from tests/_async/locking/test_locks_acquire.py by .ci/generate_sync.py; do not edit.
"""Taking and freeing a lock: who gets it, what it costs, and what is refused."""
import math
from datetime import timedelta

import pytest

from tai_state import (
    BackendStore,
    LockManager,
    LockSet,
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
from tai_state._sync.locking import acquire as granting
from tai_state._sync.locking.lock import handle_of
from tai_state._platform.tasks import sleep, together
from tai_state.documents import Put
from tai_state.layout import LOCKS, WAITS
from tests._sync.deaths import forget_every_lock
from tests._sync.stores import TIMEOUT, WrappedBackend, find

HOSTILE = ["a/b", "..", ".", "__x__", "état 1", "x@3", "\N{GRINNING FACE}", " ", "%41", "n" * 480, "a\nb", "\0"]


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


@pytest.fixture
def locks(store):
    """A lock manager in the place."""
    return LockManager(store)


def ids(store, collection):
    """Return the ids of all documents in a collection."""
    return [document.path.id for document in store.runtime.access.backend.scan(collection, timeout=TIMEOUT)]


def test_a_lock_is_held_by_one_at_a_time(place):
    """A second caller waits in vain, and gets it once it is free."""
    locks, others = LockManager(place.store()), LockManager(place.store())
    lock = locks.acquire("r", owner="a")
    with pytest.raises(LockTimeoutError) as caught:
        others.acquire("r", owner="b", timeout=0.05)
    assert (caught.value.resource, caught.value.holder) == ("r", "a")
    assert isinstance(caught.value, TimeoutError)
    lock.release()
    (others.acquire("r", owner="b", timeout=0)).release()


def test_a_lock_knows_what_it_is(locks):
    """Its resource, its owner, its number, and that it is held."""
    lock = locks.acquire("r", owner="me")
    assert (lock.resource, lock.owner, lock.fencing_token, lock.held, lock.lost) == ("r", "me", 1, True, False)
    lock.check()
    lock.release()
    assert (lock.resource, lock.owner, lock.fencing_token, lock.held, lock.lost) == ("r", "me", 1, False, False)


def test_tokens_rise_by_one_with_each_grant(locks):
    """Whoever holds it, and however it was freed; each resource has tokens of its own."""
    for token in (1, 2, 3):
        with locks.hold("r") as lock:
            assert lock.fencing_token == token
    assert (locks.acquire("other")).fencing_token == 1


def test_the_costs_are_one_read_and_one_commit(place):
    """To acquire; and one commit to renew, and one to release."""
    store, backend = place.counting()
    locks = LockManager(store)
    for _ in range(2):
        lock = locks.acquire("r", heartbeat=False)
        assert backend.taken() == ["get_many", "commit"]
        lock.check()
        assert lock.held
        assert backend.taken() == []
        lock.renew()
        assert backend.taken() == ["commit"]
        lock.release()
        assert backend.taken() == ["commit"]


def test_many_locks_cost_one_read_and_one_commit(place):
    """They are taken together."""
    store, backend = place.counting()
    locks = LockManager(store)
    many = locks.acquire_many(["c", "a", "b"], heartbeat=False)
    assert backend.taken() == ["get_many", "commit"]
    assert [lock.resource for lock in many.locks] == ["a", "b", "c"]


def test_no_time_to_wait_is_one_try(place):
    """It asks once, and writes nothing."""
    LockManager(place.store()).acquire("r", owner="a")
    store, backend = place.counting()
    for timeout in (0, 0.0, timedelta(0)):
        with pytest.raises(LockTimeoutError):
            LockManager(store).acquire("r", owner="b", timeout=timeout)
        assert backend.taken() == ["get_many"]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_any_text_may_name_a_resource_and_an_owner(locks, name):
    """It comes back as it was given."""
    with locks.hold(name, owner=name) as lock:
        assert (lock.resource, lock.owner) == (name, name)
        found = locks.inspect(name)
        assert (found.resource, found.holder, found.held) == (name, name, True)
    assert [one.resource for one in locks.list()] == [name]


@pytest.mark.parametrize("name", ["", 3, None, b"x", "\ud800", "n" * 481], ids=ascii)
def test_what_cannot_be_an_id_is_refused(place, name):
    """Before anything is sent."""
    store, backend = place.counting()
    locks = LockManager(store)
    with pytest.raises(InvalidIdError):
        locks.acquire(name)
    with pytest.raises(InvalidIdError):
        locks.acquire_many(["r", name])
    if name is not None:
        with pytest.raises(InvalidIdError):
            locks.acquire("r", owner=name)
    assert backend.taken() == []


@pytest.mark.parametrize("timeout", [-1, -0.001, math.inf, math.nan, True, "1", timedelta(seconds=-1)], ids=repr)
def test_a_wait_that_is_none_is_refused(locks, timeout):
    """A number of seconds from 0 on, or a timedelta."""
    with pytest.raises(ConfigurationError, match="timeout"):
        locks.acquire("r", timeout=timeout)


@pytest.mark.parametrize("ttl", [0, -1, math.inf, math.nan, True, "30", 86_401, 0.001, 10**400], ids=repr)
def test_a_ttl_that_is_none_is_refused(locks, ttl):
    """When a lock is acquired, and when a manager is configured."""
    with pytest.raises(ConfigurationError, match="ttl"):
        locks.acquire("r", ttl=ttl)
    with pytest.raises(ConfigurationError, match="ttl"):
        LockConfig(ttl=ttl)


@pytest.mark.parametrize("options", [{"renew_deadline": 30.0}, {"retry_period": 17.0}, {"retry_period": 0}], ids=str)
def test_a_configuration_that_cannot_be_safe_is_refused(options):
    """Unless ttl > renew deadline > 1.2 x retry period, a lease could not be renewed in time."""
    with pytest.raises(ConfigurationError):
        LockConfig(ttl=30.0, **options)


def test_a_ttl_must_suit_the_configuration(store):
    """The renew deadline that was configured may be too long for a shorter ttl."""
    locks = LockManager(store, LockConfig(ttl=30.0, renew_deadline=20.0, retry_period=2.0))
    with pytest.raises(ConfigurationError):
        locks.acquire("r", ttl=15.0)


def test_a_second_release_is_told(locks):
    """It frees nobody else's lock, and says that this one was released."""
    lock = locks.acquire("r", owner="a")
    lock.release()
    again = locks.acquire("r", owner="b")
    for use in (lock.release, lock.renew, lock.check):
        with pytest.raises(LockLostError) as caught:
            use()
        assert (caught.value.resource, caught.value.reason) == ("r", "released")
    assert again.held
    assert (locks.inspect("r")).fencing_token == 2
    assert (locks.inspect("r")).held


def test_leaving_the_block_releases_once(locks):
    """A lock that was released inside it is left alone."""
    with locks.hold("r") as lock:
        lock.release()
    with locks.acquire("r", timeout=0) as lock:
        pass
    assert not (locks.inspect("r")).held


def test_the_exception_of_the_body_is_not_masked(locks):
    """A lock that is lost meanwhile is a note on it; without one it is the error."""

    def body():
        with locks.hold("r") as lock:
            locks.break_lock("r", lock.fencing_token, "test")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        body()
    assert "no longer held: broken" in caught.value.__notes__[0]
    with pytest.raises(LockLostError, match="broken"):
        with locks.hold("r") as lock:
            locks.break_lock("r", lock.fencing_token, "test")


class BrokenBackend(WrappedBackend):
    """Once it is told to, fails every commit with what no backend should raise."""

    is_broken = False

    def commit(self, writes, *, timeout):
        if self.is_broken:
            raise RuntimeError("broken")
        return super().commit(writes, timeout=timeout)


def test_no_failure_of_the_release_masks_the_body(store):
    """Whatever it is."""
    backend = BrokenBackend(store.runtime.access.backend)
    locks = LockManager(BackendStore(backend))

    def body():
        with locks.hold("r"):
            backend.is_broken = True
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        body()
    assert "broken" in caught.value.__notes__[0]


def test_many_locks_are_all_or_none(place):
    """One that is held keeps the caller from all of them."""
    locks, others = LockManager(place.store()), LockManager(place.store())
    held = locks.acquire("b", owner="a")
    with pytest.raises(LockTimeoutError) as caught:
        others.acquire_many(["a", "b", "c"], owner="b", timeout=0.05)
    assert (caught.value.resource, caught.value.holder) == ("b", "a")
    assert [one.held for one in locks.list()] == [True], "a and c were never taken"
    held.release()
    with others.acquire_many(["a", "b", "c"], owner="b", timeout=0) as many:
        assert isinstance(many, LockSet)
        assert many.held
        assert [one.held for one in locks.list()] == [True] * 3
    assert [one.held for one in locks.list()] == [False] * 3


def test_many_locks_end_together(locks):
    """Each is released, though one was lost; the loss is told."""
    with pytest.raises(LockLostError) as caught:
        with locks.acquire_many(["a", "b", "c"]) as many:
            locks.break_lock("b", many.locks[1].fencing_token, "test")
    assert caught.value.resource == "b"
    assert [one.held for one in locks.list()] == [False] * 3


def test_a_resource_named_twice_is_taken_once(locks):
    """Names are a set."""
    many = locks.acquire_many(["a", "a"])
    assert [lock.resource for lock in many.locks] == ["a"]
    many.check()
    many.renew()
    many.release()
    assert many.lost is False
    with pytest.raises(LockLostError, match="released"):
        many.release()


@pytest.mark.parametrize("resources", [[], "abc"])
def test_many_resources_must_be_some(locks, resources):
    """A str is one name, not several."""
    with pytest.raises(InvalidDataError, match="resources"):
        locks.acquire_many(resources)


def test_an_owner_who_asks_for_its_own_lock_is_told_at_once(place):
    """It would wait for itself: also for one of many, by another manager, and with all the time in the world."""
    locks = LockManager(place.store())
    locks.acquire("r")
    for manager in (locks, LockManager(locks.store), LockManager(place.store())):
        with pytest.raises(DeadlockError) as caught:
            manager.acquire("r", timeout=1000)
        assert len(caught.value.cycle) == 2
        with pytest.raises(DeadlockError):
            manager.acquire_many(["a", "r", "z"], timeout=1000)


def test_an_own_lock_among_others_that_are_held_is_found(locks):
    """Even where another one stands before it."""
    locks.acquire("a", owner="other")
    locks.acquire("b", owner="me")
    with pytest.raises(DeadlockError):
        locks.acquire_many(["a", "b"], owner="me", timeout=1000)


def test_a_namesake_who_died_is_waited_for(place):
    """What a worker left behind before it was started anew is not held by it: it ends with its ttl."""
    before = LockManager(place.store())
    before.acquire("r", owner="worker-1", ttl=0.5, heartbeat=False)
    before.store.runtime.locks.forget_all()
    lock = LockManager(place.store()).acquire("r", owner="worker-1", timeout=TIMEOUT)
    assert lock.fencing_token == 2


def test_every_task_or_thread_is_an_owner_of_its_own(locks):
    """Two that run side by side exclude each other without being named."""

    def owner():
        with locks.hold("r", timeout=TIMEOUT) as lock:
            sleep(0.05)
            return lock.owner

    owners = together([owner] * 3)
    assert len(set(owners)) == 3


def test_a_lock_can_be_inspected(locks):
    """Who holds it, under which token, for how long; one that was never taken is nothing."""
    assert locks.inspect("r") is None
    assert [one for one in locks.list()] == []
    lock = locks.acquire("r", owner="me", ttl=60)
    found = locks.inspect("r")
    assert (found.held, found.holder, found.fencing_token, found.ttl_seconds) == (True, "me", 1, 60.0)
    assert 50 < found.remaining_seconds <= 60
    lock.release()
    found = locks.inspect("r")
    assert (found.held, found.holder, found.fencing_token, found.remaining_seconds) == (False, None, 1, 0.0)


def test_locks_are_listed_in_the_order_of_their_stored_ids(locks):
    """Held or free."""
    for name in ("b", "a", "c"):
        locks.acquire(name)
    (locks.acquire("é")).release()
    assert [(one.resource, one.held) for one in locks.list()] == [
        ("é", False),
        ("a", True),
        ("b", True),
        ("c", True),
    ]


def test_a_foreign_document_is_no_lease(place):
    """A typed error names it; nothing is overwritten."""
    store = place.store()
    locks = LockManager(store)
    lock = locks.acquire("r", heartbeat=False)
    found = find(store, handle_of(lock).lease.path)
    for change in (
        {"holder": 3},
        {"fencing_token": True},
        {"fencing_token": 0},
        {"ttl_seconds": -1},
        {"ttl_seconds": 1e12},
        {"resource": "other"},
        {"nonce": None},
    ):
        _overwrite(store, found, **change)
        with pytest.raises(StoreError, match="no lease"):
            locks.acquire("r", owner="b", timeout=0)
        with pytest.raises(StoreError, match="no lease"):
            locks.inspect("r")


def _overwrite(store, document, **changes):
    store.runtime.access.backend.commit([Put(document.path, {**document.fields, **changes})], timeout=TIMEOUT)


class SilentBackend(WrappedBackend):
    """Answers no read."""

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        sleep(0.01)
        raise StoreUnavailableError("down")


def test_a_store_that_does_not_answer_is_no_lock_that_is_held(store, monkeypatch):
    """The caller is told so, not long behind the time that it gave."""
    monkeypatch.setattr(granting, "TRY_SECONDS", 0.2)
    locks = LockManager(BackendStore(SilentBackend(store.runtime.access.backend)))
    with pytest.raises(DeadlineExceededError):
        locks.acquire("r", timeout=0.1)


def test_locks_leave_nothing_but_their_leases(place):
    """Locks that come and go leave no other document: no wait, no reservation."""
    locks = LockManager(place.store())
    for turn in range(30):
        with locks.hold(f"r{turn % 3}"):
            pass
    assert ids(locks.store, LOCKS) == ["r0", "r1", "r2"]
    assert ids(locks.store, WAITS) == []
    assert locks.store.runtime.locks.held() == []
