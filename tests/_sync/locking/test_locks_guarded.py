# Generated from tests/_async/locking/test_locks_guarded.py by .ci/generate_sync.py; do not edit.
"""Writes under a lock: the store itself refuses whoever was replaced, and a write renews."""
from typing import Any

import pytest

from tai_state import (
    BackendStore,
    LockManager,
    MemoryStore,
    StateMachinePersister,
    ConfigurationError,
    FencedOutError,
    LockLostError,
)
from tai_state._sync.locking.lock import handle_of
from tai_state.documents import Delete, Put
from tai_state.layout import state_layout
from tai_state.rules.locking.leases import lease_path
from tai_state.testing.clock import ManualClock
from tests._sync.deaths import forget_every_lock
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, WrappedBackend, find

PATHS = state_layout("g", "s")


@pytest.fixture(autouse=True)
def no_lock_is_left():
    """Behind each test no heartbeat goes on."""
    yield
    forget_every_lock()


def started(store):
    """Return a persister with a state at version 1."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    return persister


def total(persister):
    """Return the state's number, its version, and the tokens of its events."""
    snapshot = (persister.load_state("g", "s")).snapshot
    tokens = [event.fencing_token for event in persister.history("g", "s")]
    return snapshot.data["n"], snapshot.version, tokens


def test_a_guarded_write_is_one_commit(place):
    """No request more than an unguarded one; the event carries the token, and the lease is renewed."""
    store, backend = place.counting()
    persister = started(store)
    lock = LockManager(store).acquire("r", heartbeat=False)
    backend.taken()
    for _ in range(3):
        persister.transition("g", "s", "add", 1, lock=lock)
    assert backend.taken() == ["commit"] * 3
    assert handle_of(lock).lease.renewals == 3
    assert total(persister) == (3, 4, [None, 1, 1, 1])
    lock.release()


def test_a_set_of_locks_guards_with_each(place):
    """Any of them that is taken over refuses the write."""
    store = place.store()
    persister = started(store)
    locks = LockManager(store)
    many = locks.acquire_many(["a", "b"], heartbeat=False)
    persister.transition("g", "s", "add", 1, lock=many)
    assert [handle_of(lock).lease.renewals for lock in many.locks] == [1, 1]
    locks.break_lock("b", 1, "test")
    with pytest.raises(FencedOutError) as caught:
        persister.transition("g", "s", "add", 1, lock=many)
    assert caught.value.resource == "b"
    assert [lock.lost for lock in many.locks] == [False, True]
    assert (total(persister))[:2] == (1, 2)


def take_over(store, lock):
    """Break the lock and give it to somebody else."""
    locks = LockManager(store)
    locks.break_lock(lock.resource, lock.fencing_token, "test")
    return locks.acquire(lock.resource, owner="other", timeout=0, heartbeat=False)


def test_a_stale_holder_is_refused_by_the_store(place):
    """Though it believes that it holds the lock, and has not heard anything."""
    persister = started(place.store())
    lock = LockManager(place.store()).acquire("r", owner="me", heartbeat=False)
    told: list[str] = []
    lock.on_lost(told.append)
    newer = take_over(place.store(), lock)
    assert lock.held
    with pytest.raises(FencedOutError) as caught:
        persister.transition("g", "s", "add", 1, lock=lock)
    assert (caught.value.token, caught.value.current, caught.value.resource) == (1, 2, "r")
    assert told == ["stolen"]
    assert total(persister) == (0, 1, [None])
    persister.transition("g", "s", "add", 1, lock=newer)


@pytest.mark.parametrize("stolen", ["a", "b", "c"])
def test_of_several_locks_the_one_that_was_stolen_is_told(place, stolen):
    """The others are held as before."""
    persister = started(place.store())
    held = LockManager(place.store()).acquire_many(["a", "b", "c"], owner="me", heartbeat=False)
    (theirs,) = (lock for lock in held.locks if lock.resource == stolen)
    take_over(place.store(), theirs)
    with pytest.raises(FencedOutError) as caught:
        persister.transition("g", "s", "add", 1, lock=held)
    assert caught.value.resource == stolen
    assert [lock.resource for lock in held.locks if lock.lost] == [stolen]


@pytest.mark.parametrize("use", ["renew", "release"])
def test_who_was_replaced_cannot_touch_the_lock(place, use):
    """A renewal or a release by a holder who is none any more is a typed error, and changes nothing."""
    old = LockManager(place.store()).acquire("r", owner="me", heartbeat=False)
    newer = take_over(place.store(), old)
    before = find(place.store(), handle_of(newer).lease.path)
    with pytest.raises(LockLostError) as caught:
        getattr(old, use)()
    assert (caught.value.resource, caught.value.reason) == ("r", "stolen")
    assert find(place.store(), handle_of(newer).lease.path) == before
    assert (old.lost, newer.held) == (True, True)


def test_a_holder_whose_lock_was_broken_is_refused(place):
    """Though nobody else has it."""
    persister = started(place.store())
    locks = LockManager(place.store())
    lock = locks.acquire("r", owner="me", heartbeat=False)
    locks.break_lock("r", 1, "test")
    with pytest.raises(FencedOutError):
        persister.transition("g", "s", "add", 1, lock=lock)
    assert total(persister) == (0, 1, [None])


class PausingBackend(WrappedBackend):
    """Does something between a commit's sending and its arrival: what a frozen process cannot see."""

    def __init__(self, inner):
        super().__init__(inner)
        self.pauses: list[Any] = []

    def commit(self, writes, *, timeout):
        while self.pauses:
            self.pauses.pop()()
        return super().commit(writes, timeout=timeout)


def test_a_holder_that_is_frozen_behind_its_check_is_refused(place):
    """The check says yes, the process stands still, another takes the lock, and the write arrives."""
    backend = PausingBackend(place.store().runtime.access.backend)
    store = BackendStore(backend)
    persister = started(store)
    lock = LockManager(store).acquire("r", owner="me", heartbeat=False)
    persister.transition("g", "s", "add", 1, lock=lock)

    def pause():
        take_over(place.store(), lock)

    lock.check()
    backend.pauses.append(pause)
    with pytest.raises(FencedOutError):
        persister.transition("g", "s", "add", 1, lock=lock)
    assert total(persister) == (1, 2, [None, 1])


@pytest.mark.parametrize("moment", ["before the call", "inside the call"])
def test_a_holder_that_slept_past_its_lease_is_refused_as_the_store_says(moment):
    """Fenced out where another took the lock meanwhile, whenever it slept."""
    clock = ManualClock()
    memory = MemoryStore(clock=clock)
    backend = PausingBackend(memory.runtime.access.backend)
    store = BackendStore(backend, clock=clock)
    persister = started(store)
    lock = LockManager(store).acquire("r", owner="me", heartbeat=False)

    def pause():
        clock.advance(31.0)
        LockManager(memory).acquire("r", owner="other", timeout=0, heartbeat=False)

    if moment == "before the call":
        pause()
    else:
        backend.pauses.append(pause)
    with pytest.raises(FencedOutError) as caught:
        persister.transition("g", "s", "add", 1, lock=lock, timeout=100)
    assert (caught.value.token, caught.value.current) == (1, 2)
    assert total(persister) == (0, 1, [None])


def test_a_lease_that_ran_out_is_refused_before_anything_is_sent():
    """Though nobody else has taken the lock."""
    clock = ManualClock()
    memory = MemoryStore(clock=clock)
    persister = started(memory)
    lock = LockManager(memory).acquire("r", owner="me", heartbeat=False)
    clock.advance(29.0)
    with pytest.raises(LockLostError, match="expired"):
        persister.transition("g", "s", "add", 1, lock=lock)
    assert total(persister) == (0, 1, [None])


def test_a_lock_that_was_released_guards_nothing(place):
    """The caller is told that it was released."""
    persister = started(place.store())
    lock = LockManager(persister.store).acquire("r")
    lock.release()
    with pytest.raises(LockLostError, match="released"):
        persister.transition("g", "s", "add", 1, lock=lock)


def test_a_guarded_write_renews_without_a_heartbeat():
    """Where heartbeats cannot run, the writes keep the lock."""
    clock = ManualClock()
    memory = MemoryStore(clock=clock)
    persister = started(memory)
    locks = LockManager(memory)
    lock = locks.acquire("r", owner="me", heartbeat=False)
    for _ in range(5):
        clock.advance(20.0)
        persister.transition("g", "s", "add", 1, lock=lock)
    assert handle_of(lock).remaining() == pytest.approx(28.5)
    found = locks.inspect("r")
    assert found is not None
    assert found.remaining_seconds == pytest.approx(30.0, abs=0.01)


@pytest.mark.parametrize("what", ["grant", "renewal", "guarded write"])
def test_trust_counts_from_before_the_commit_was_sent(what):
    """However long its reply took: the store may have counted from then on."""
    clock = ManualClock()
    backend = PausingBackend(MemoryStore(clock=clock).runtime.access.backend)
    store = BackendStore(backend, clock=clock)
    persister = started(store)
    locks = LockManager(store)

    def pause():
        clock.advance(5.0)

    lock = locks.acquire("other", heartbeat=False)
    backend.pauses.append(pause)
    if what == "grant":
        lock = locks.acquire("r", heartbeat=False)
    elif what == "renewal":
        lock.renew()
    else:
        persister.transition("g", "s", "add", 1, lock=lock)
    assert handle_of(lock).remaining() == pytest.approx(28.5 - 5.0)


def test_a_restored_lease_is_still_fenced(place):
    """The state remembers the highest token that wrote it, though the lease document was set back."""
    store = place.store()
    persister = started(store)
    locks = LockManager(store)
    old = locks.acquire("r", owner="old", heartbeat=False)
    backup = find(store, handle_of(old).lease.path)
    newer = take_over(store, old)
    persister.transition("g", "s", "add", 10, lock=newer)
    assert backup is not None
    store.runtime.access.backend.commit([Put(backup.path, backup.fields)], timeout=TIMEOUT)
    with pytest.raises(FencedOutError) as caught:
        persister.transition("g", "s", "add", 1, lock=old)
    assert (caught.value.token, caught.value.current) == (1, 2)
    assert total(persister) == (10, 2, [None, 2])


def test_a_lost_lease_document_is_still_fenced(place):
    """A lock whose tokens began anew cannot write what a later token wrote."""
    store = place.store()
    persister = started(store)
    locks = LockManager(store)
    for _ in range(3):
        with locks.hold("r", heartbeat=False) as lock:
            persister.transition("g", "s", "add", 1, lock=lock)
    store.runtime.access.backend.commit([Delete(lease_path("r"))], timeout=TIMEOUT)
    again = locks.acquire("r", heartbeat=False)
    assert again.fencing_token == 1
    with pytest.raises(FencedOutError) as caught:
        persister.transition("g", "s", "add", 1, lock=again)
    assert (caught.value.token, caught.value.current) == (1, 3)
    assert total(persister) == (3, 4, [None, 1, 2, 3])


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
def test_a_guarded_write_survives_a_lost_reply(place, fault):
    """It is made once, and the lock can go on."""
    store, backend = place.faulty()
    persister = started(store)
    lock = LockManager(store).acquire("r", heartbeat=False)
    for n in (1, 2, 3):
        backend.faults.append(fault)
        result = persister.transition("g", "s", "add", 1, lock=lock)
        assert (result.snapshot.data["n"], result.version) == (n, n + 1)
    lock.renew()
    lock.release()
    assert total(persister) == (3, 4, [None, 1, 1, 1])


def test_a_renewal_between_two_guarded_writes_is_no_conflict(place):
    """Neither of ours, nor one whose reply was lost."""
    store, backend = place.faulty()
    persister = started(store)
    lock = LockManager(store).acquire("r", heartbeat=False)
    for fault in ("fine", "reply lost", "request lost"):
        backend.faults.append(fault)
        lock.renew()
        persister.transition("g", "s", "add", 1, lock=lock)
    assert (total(persister))[:2] == (3, 4)


def test_one_lock_guards_several_states(place):
    """Each remembers the token."""
    store = place.store()
    persister = StateMachinePersister(store, COUNTER)
    lock = LockManager(store).acquire("r", heartbeat=False)
    for name in ("s", "t"):
        persister.start("g", name, {"n": 0})
        persister.transition("g", name, "add", 1, lock=lock)
    take_over(store, lock)
    for name in ("s", "t"):
        with pytest.raises(FencedOutError):
            persister.transition("g", name, "add", 1, lock=lock)


@pytest.mark.parametrize("lock", ["r", 1, object()], ids=["text", "number", "object"])
def test_what_is_no_lock_guards_nothing(store, lock):
    """It is refused before anything is sent."""
    persister = started(store)
    with pytest.raises(ConfigurationError, match="lock="):
        persister.transition("g", "s", "add", 1, lock=lock)
