# Generated from tests/_async/locking/test_locks_told.py by .ci/generate_sync.py; do not edit.
"""What a store tells people of its locks: whose they are, since when, and who waits for them."""
import os
import socket
from datetime import timedelta

import pytest

from tai_state import LockManager, MemoryStore, DamagedDocumentsError, LockTimeoutError, LockWait
from tai_state.documents import DocumentPath, Put
from tai_state.layout import WAITS
from tai_state.rules.locking.deadlocks import Edge, Wait, wait_write
from tai_state.rules.locking.owners import Owner
from tai_state.rules.locking.reservations import Waiter, reservation_path, reserve_write
from tai_state.testing.clock import ManualClock
from tests._sync.stores import TIMEOUT, plant

HERE = (socket.gethostname(), os.getpid())


@pytest.fixture
def locks(store):
    """A lock manager over the store."""
    return LockManager(store)


def test_a_lock_tells_where_its_holder_lives_and_since_when(store, locks):
    """By the store's clock; renewals move its end, not its beginning."""
    lock = locks.acquire("r", owner="me", heartbeat=False)
    before = locks.inspect("r")
    assert (before.holder_host, before.holder_pid) == HERE
    assert before.since <= before.expires_at - timedelta(seconds=before.ttl_seconds)
    lock.renew()
    after = locks.inspect("r")
    assert after.since == before.since
    assert after.expires_at > before.expires_at


def test_a_lock_that_is_free_is_nobodys(store, locks):
    """Neither a host nor times are told of it."""
    (locks.acquire("r")).release()
    found = locks.inspect("r")
    assert (found.holder_host, found.holder_pid, found.since, found.expires_at) == (None, None, None, None)


@pytest.mark.parametrize("owner_id", [None, "me", "host-x-0123456789abcdef/task-1", "host-1-0123/task-1"])
def test_an_owner_of_another_build_has_no_host(store, locks, owner_id):
    """Where his id does not tell it, nothing is guessed."""
    locks.acquire("r", heartbeat=False)
    plant(store, DocumentPath("locks", "r"), owner_id=owner_id, granted_at=None)
    found = locks.inspect("r")
    assert (found.held, found.holder_host, found.holder_pid, found.since) == (True, None, None, None)


def test_who_holds_a_lock_and_waits_for_another_is_told(store, locks):
    """For whose grant he waits; once he waits no more, nothing."""
    seen = []
    others = LockManager(store)
    locks.acquire("a", owner="ann")
    others.acquire("b", owner="bob")

    original = store.runtime.access.backend.commit

    def commit(writes, *, timeout):
        result = original(writes, timeout=timeout)
        if any(write.path.collection == WAITS and isinstance(write, Put) for write in writes):
            seen.extend([one for one in locks.waits()])
        return result

    store.runtime.access.backend.commit = commit
    try:
        with pytest.raises(LockTimeoutError):
            others.acquire("a", owner="bob", timeout=0.3)
    finally:
        store.runtime.access.backend.commit = original
    first = seen[0]
    assert (first.resource, first.owner, first.host, first.pid, first.fencing_token) == ("a", "bob", *HERE, 1)
    assert not first.is_next
    assert [one for one in locks.waits()] == []


def test_who_is_next_is_told(store, locks):
    """His name, and since when he waits; a place that is over is nobody's."""
    access = store.runtime.access
    now = access.server_time(access.begin(TIMEOUT))
    write = reserve_write("é", Waiter("bob", "n", now), None, round_=1, now=now)
    access.backend.commit([write], timeout=TIMEOUT)
    assert [one for one in locks.waits()] == [LockWait(resource="é", owner="bob", since=now)]


def test_a_place_that_is_over_is_nobodys():
    """It was not renewed for a second, by the store's clock; nor does a wait last for ever."""
    clock = ManualClock()
    store = MemoryStore(clock=clock)
    access, locks = store.runtime.access, LockManager(store)
    now = access.server_time(access.begin(TIMEOUT))
    place = reserve_write("r", Waiter("bob", "n", now), None, round_=1, now=now)
    wait = wait_write(Wait(owner=Owner("bob", "b"), nonce="n", edges=(Edge("r", "a", 1),)), now=now)
    access.backend.commit([place, wait], timeout=TIMEOUT)
    assert [one.is_next for one in locks.waits()] == [True, False]
    clock.advance(1.5)
    assert [one.is_next for one in locks.waits()] == [False]
    clock.advance(5)
    assert [one for one in locks.waits()] == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (DocumentPath(WAITS, "x"), "is no wait"),
        (DocumentPath(WAITS, "@b b"), "is no reservation"),
        (reservation_path("r"), "is no reservation"),
    ],
    ids=str,
)
def test_a_strangers_document_among_the_waits_is_named(store, path, said):
    """Behind the others."""
    store.runtime.access.backend.commit([Put(path, {"x": 1})], timeout=TIMEOUT)
    with pytest.raises(DamagedDocumentsError, match=said) as caught:
        [one for one in LockManager(store).waits()]
    assert caught.value.paths == [str(path)]
