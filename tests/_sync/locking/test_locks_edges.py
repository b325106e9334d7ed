# Generated from tests/_async/locking/test_locks_edges.py by .ci/generate_sync.py; do not edit.
"""What a waiter writes: whom it waits for, and that it is next; when, how often, and no more."""
import logging
from dataclasses import replace

import pytest

from tai_state import LockManager
from tai_state._sync.locking import deadlocks
from tai_state._sync.locking.acquire import Acquisition
from tai_state._sync.locking.deadlocks import WaitEdges
from tai_state._sync.locking.reserving import Reservations
from tai_state.clock import Deadline
from tai_state.documents import Delete, UpdatedAt
from tai_state.errors import DeadlockError
from tai_state.rules.locking.deadlocks import Edge, Wait, wait_path, wait_write
from tai_state.rules.locking.leases import Claim, Grant, Held, decide_acquire, lease_path
from tai_state.rules.locking.owners import Owner
from tai_state.rules.locking.reservations import Waiter, reservation_path
from tai_state.testing.clock import ManualClock
from tests._sync.stores import (
    TIMEOUT,
    CountingBackend,
    document_at,
    find,
    plant,
    in_memory,
)

OURS = Owner("us", "us/1")


@pytest.fixture
def clock():
    """One that has run for a while."""
    return ManualClock(monotonic=100.0)


@pytest.fixture
def counted(place, clock):
    """A store, and its backend that keeps what is committed."""
    return place.counting(clock=clock)


def lease_of(resource, owner, token=1):
    """Return the lease of a lock that an owner holds for long."""
    claim = Claim(owner=owner, nonce=f"grant {owner.id}", ttl_seconds=600.0)
    step = decide_acquire(None, ManualClock().now(), resource=resource, claim=claim)
    assert isinstance(step, Grant)
    return step


def edges_in(store):
    """Return the edges of one of us who waits."""
    return WaitEdges(store.runtime.access, owner=OURS, nonce="n5")


def waiting(store, name, other, nonce):
    """Let somebody else hold a lock and wait for that of another, as his process would write it."""
    owner = Owner(name, f"{name}/1")
    wait = Wait(owner=owner, nonce=nonce, edges=(Edge(f"lock of {other}", f"{other}/1", 1),))
    writes = [wait_write(wait, now=store.runtime.access.clock.now()), lease_of(f"lock of {name}", owner).write]
    store.runtime.access.backend.commit(writes, timeout=TIMEOUT)


@in_memory
def test_a_wait_is_written_again_when_a_third_of_it_is_over(counted, clock):
    """Before it ends, were a write slow; not at every look. Each write counts, so that the store moves its time."""
    store, backend = counted
    edges, deadline = edges_in(store), Deadline(clock, 600.0)
    holders = [lease_of("r", Owner("a", "a/1")).lease]
    told = []
    for seconds in (0, 1.66, 0.01, 1.66, 0.01):
        clock.advance(seconds)
        edges.check(holders, deadline)
        told.append(len(backend.commits))
    assert told == [1, 1, 2, 2, 3]
    assert [writes[0].fields["renewals"] for writes in backend.commits] == [1, 2, 3]
    edges.check([*holders, lease_of("s", Owner("b", "b/1")).lease], deadline)
    assert len(backend.commits) == 4


@in_memory
def test_nobody_waits_for_himself_or_for_nothing(counted, clock):
    """Whether the lease has his id, or his name alone, as an older build writes it."""
    store, backend = counted
    deadline = Deadline(clock, 600.0)
    for owner in (Owner("another", "us/1"), Owner("another", "us")):
        edges_in(store).check([lease_of("r", owner).lease], deadline)
    edges_in(store).check([], deadline)
    assert backend.taken() == []


@in_memory
def test_a_wait_is_taken_back_as_it_was_written(counted, clock):
    """Under its own time, and only where there is one."""
    store, backend = counted
    edges = edges_in(store)
    edges.end()
    assert backend.commits == []
    edges.check([lease_of("r", Owner("a", "a/1")).lease], Deadline(clock, 600.0))
    edges.end()
    ((taken,),) = backend.commits[1:]
    assert isinstance(taken, Delete)
    assert taken.path == wait_path("us/1")
    assert isinstance(taken.precondition, UpdatedAt)


@in_memory
def test_another_wait_of_the_same_owner_is_not_taken_back(counted, clock, caplog):
    """It is his, and nothing of ours was left behind."""
    caplog.set_level(logging.INFO, logger="tai_state")
    store, backend = counted
    edges = edges_in(store)
    edges.check([lease_of("r", Owner("a", "a/1")).lease], Deadline(clock, 600.0))
    later = Wait(owner=OURS, nonce="n6", edges=(Edge("s", "b/1", 1),))
    backend.inner.commit([wait_write(later, now=clock.now())], timeout=TIMEOUT)
    edges.end()
    assert (document_at(store, wait_path("us/1"))).fields["nonce"] == "n6"
    assert caplog.records == []


@in_memory
@pytest.mark.parametrize(("nonces", "is_ours"), [(("n1", "n4"), True), (("n1", "n6"), False), (("n6", "n1"), False)])
def test_of_a_cycle_the_greatest_nonce_gives_up(counted, clock, nonces, is_ours):
    """And names the others, himself at both ends."""
    store, _ = counted
    waiting(store, "a", "b", nonces[0])
    waiting(store, "b", "us", nonces[1])
    ours = lease_of("lock of us", OURS)
    store.runtime.access.backend.commit([ours.write], timeout=TIMEOUT)
    holders, deadline = [lease_of("lock of a", Owner("a", "a/1")).lease], Deadline(clock, 600.0)
    if not is_ours:
        edges_in(store).check(holders, deadline)
        return
    with pytest.raises(DeadlockError) as caught:
        edges_in(store).check(holders, deadline)
    assert caught.value.cycle == ["us", "a", "b", "us"]
    assert caught.value.resources == ["lock of a", "lock of b", "lock of us"]


@in_memory
def test_a_search_follows_so_many_waiters_and_no_more(counted, clock, monkeypatch):
    """Each is a read; who goes in a circle without us is followed once."""
    store, backend = counted
    monkeypatch.setattr(deadlocks, "WAITERS_MAX", 3)
    for name, other in ("ab", "bc", "cd", "de", "ef", "xy", "yx"):
        waiting(store, name, other, "n1")
    for first, reads in (("a", 3), ("e", 2), ("x", 2)):
        backend.taken()
        lease = lease_of(f"lock of {first}", Owner(first, f"{first}/1")).lease
        edges_in(store).check([lease], Deadline(clock, 600.0))
        assert backend.taken() == ["commit"] + ["get_many"] * reads


def test_a_search_ends_at_64_waiters():
    """As the documentation of what a waiting caller costs says."""
    assert deadlocks.WAITERS_MAX == 64


# Who is next


def held(grant):
    """Return what a look tells of a lock that somebody else has."""
    return Held(grant.lease, 600.0)


@in_memory
@pytest.mark.parametrize("was_taken", [True, False])
def test_who_was_passed_over_for_a_lock_that_was_free_reserves_it(counted, clock, was_taken):
    """Also one that nobody ever took; its first grant has token 1. Who found it held just waits."""
    store, backend = counted
    grant = lease_of("r", Owner("a", "a/1"))
    places, deadline = Reservations(store.runtime.access, ["r"]), Deadline(clock, 600.0)
    waiter = Waiter("us", "n5", clock.now())
    places.note([grant.lease if was_taken else None], [held(grant)] if was_taken else [])
    places.make(waiter, deadline)
    places.note([grant.lease], [held(grant)])
    places.make(waiter, deadline)
    assert places.are_made is not was_taken
    assert len(backend.commits) == (0 if was_taken else 1)


@in_memory
def test_a_lock_that_was_held_before_we_came_passes_nobody_over(counted, clock):
    """By the value of its token, however large that is."""
    store, backend = counted
    grant = lease_of("r", Owner("a", "a/1"))
    looks = [replace(grant, lease=replace(grant.lease, fencing_token=int("1000000"))) for _ in range(2)]
    places, deadline = Reservations(store.runtime.access, ["r"]), Deadline(clock, 600.0)
    for look in looks:
        places.note([look.lease], [held(look)])
        places.make(Waiter("us", "n5", clock.now()), deadline)
    assert backend.commits == []


@in_memory
def test_who_waits_no_more_takes_his_reservation_back(place):
    """Without the lock that it was for; with the lock it went in the commit of the grant."""
    store, backend = place.counting()
    held_by_another = lease_of("r", Owner("a", "a/1"))
    backend.inner.commit([held_by_another.write], timeout=TIMEOUT)
    acquisition = acquisition_in(LockManager(store))
    deadline = Deadline(store.runtime.access.clock, 1.0)
    assert not acquisition.attempt(deadline)
    plant(store, lease_path("r"), fencing_token=2)
    assert not acquisition.attempt(deadline)
    acquisition.reserve(deadline)
    assert find(store, reservation_path("r")) is not None
    acquisition.leave()
    assert find(store, reservation_path("r")) is None


def acquisition_in(locks):
    """Return one call of ours that asks for a lock."""
    return Acquisition(locks._grantor, locks._locks, ["r"], OURS, locks.config.timing(None))


@in_memory
def test_each_round_of_a_reservation_is_counted(counted, clock):
    """From one: so each write differs from the last. At the end it is taken back."""
    store, backend = counted
    grant = lease_of("r", Owner("a", "a/1"))
    places, deadline = Reservations(store.runtime.access, ["r"]), Deadline(clock, 600.0)
    waiter = Waiter("us", "n5", clock.now())
    places.note([None], [])
    places.note([grant.lease], [held(grant)])
    assert not places.are_made
    places.end(waiter)
    assert backend.commits == []
    for _ in range(2):
        places.make(waiter, deadline)
        wipe(store)
    places.make(waiter, deadline)
    assert [write.fields["round"] for (write,) in backend.commits] == [1, 2, 3]
    places.end(None)
    places.end(waiter)
    assert backend.commits[-1] == (Delete(reservation_path("r")),)


def wipe(store):
    """Let our place be gone, as the engine removes what has expired."""
    inner = store.runtime.access.backend
    assert isinstance(inner, CountingBackend)
    inner.inner.commit([Delete(reservation_path("r"))], timeout=TIMEOUT)
