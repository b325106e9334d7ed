"""Damaged and foreign documents among locks and waits: a typed error for whoever needs one, no harm to anybody else."""

from datetime import UTC, datetime

import pytest

from tai_state import (
    AsyncLockManager,
    DamagedDocumentsError,
    DeadlockError,
    SchemaVersionError,
    StoreError,
)
from tai_state._async.locking.deadlocks import AsyncWaitEdges
from tai_state.documents import DocumentPath, Put
from tai_state.layout import LOCKS
from tai_state.rules.locking.deadlocks import Edge, Wait, wait_write
from tai_state.rules.locking.leases import lease_path, read_lease
from tai_state.rules.locking.owners import Owner
from tai_state.rules.locking.reservations import reservation_path
from tests._async.stores import TIMEOUT, async_plant

DAMAGE = [
    {"holder": 7},
    {"fencing_token": "1"},
    {"ttl_seconds": [30]},
    {"resource": {"a": 1}},
    {"resource": ""},
    {"owner_id": 3},
    {"process": {"pid": "x"}},
    {"renewals": None},
    {"format": "1"},
]


async def async_put(store, path, fields):
    await store.runtime.access.backend.commit([Put(path, fields)], timeout=TIMEOUT)


async def async_resources(items):
    """Return the resources that a list gave, and the error behind it."""
    given = []
    try:
        async for item in items:
            given.append(item.resource)  # noqa: PERF401 - what came before the error counts
    except (DamagedDocumentsError, SchemaVersionError) as error:
        return given, error
    return given, None


@pytest.fixture
async def locks(place):
    """A manager that holds a, b and c."""
    manager = AsyncLockManager(place.store())
    for resource in "abc":
        await manager.acquire(resource, owner=resource, heartbeat=False)
    return manager


@pytest.mark.parametrize("damage", DAMAGE, ids=str)
async def test_a_damaged_lease_is_passed_over_in_a_list_and_named(locks, damage):
    """Behind all the others."""
    await async_plant(locks.store, lease_path("b"), **damage)
    given, error = await async_resources(locks.list())
    assert (given, error.paths) == (["a", "c"], ["locks/b"])
    assert "document locks/b is no lease" in str(error)


@pytest.mark.parametrize("stored_id", ["a.b", "%zz", "b b"])
async def test_a_strangers_document_among_the_locks_is_named(locks, stored_id):
    """By the id under which it is stored, whatever is in it."""
    await async_put(locks.store, DocumentPath(LOCKS, stored_id), {"x": 1})
    given, error = await async_resources(locks.list())
    assert (given, error.paths) == (["a", "b", "c"], [f"locks/{stored_id}"])


async def test_a_lock_of_a_newer_release_is_told_at_the_end_of_a_list(locks):
    """This one reads the others."""
    await async_plant(locks.store, lease_path("a"), format=99)
    given, error = await async_resources(locks.list())
    assert (given, type(error)) == (["b", "c"], SchemaVersionError)


@pytest.mark.parametrize("damage", DAMAGE, ids=str)
async def test_a_damaged_lease_is_an_error_of_its_own_lock_alone(locks, damage):
    """Whoever wants it is told which document it is; all other locks go on."""
    await async_plant(locks.store, lease_path("b"), **damage)
    calls = [
        lambda: locks.inspect("b"),
        lambda: locks.acquire("b", owner="d", timeout=0),
        lambda: locks.try_acquire("b", owner="d"),
        lambda: locks.acquire_many(["b", "e"], owner="d", timeout=0),
        lambda: locks.break_lock("b", 1, "because"),
    ]
    for call in calls:
        with pytest.raises(StoreError, match="document locks/b is no lease"):
            await call()
    assert (await locks.inspect("e")) is None
    assert (await locks.acquire("e", owner="d", timeout=0, heartbeat=False)).fencing_token == 1


@pytest.mark.parametrize("stored", [{}, {"x": 1}, {"owner": 5}, {"since": "noon", "owner": "x", "nonce": "n"}], ids=str)
async def test_a_strangers_reservation_keeps_nobody_out(locks, stored):
    """It is nobody's place in the queue."""
    await async_put(locks.store, reservation_path("e"), stored)
    assert (await locks.acquire("e", owner="d", timeout=0, heartbeat=False)).fencing_token == 1


WAITS = [
    {},
    {"token": "1"},
    {"others": [3]},
    {"ttl_seconds": None},
    {"owner": "somebody"},
    {"resource": ""},
    {"holder": "h" * 600},
    {"format": 99},
]


@pytest.mark.parametrize("damage", WAITS, ids=lambda one: str(one)[:30])
async def test_a_damaged_wait_does_not_hide_a_deadlock(locks, damage):
    """The search for a cycle goes past it: what the others wait for is told as ever."""
    access = locks.store.runtime.access
    deadline = access.begin(TIMEOUT)
    paths = [lease_path(resource) for resource in "abc"]
    found = (await access.read(paths, deadline)).documents
    a, b, c = (read_lease(found[path]) for path in paths)
    for lease, stored in ((b, damage), (c, None)):
        wait = Wait(owner=Owner(lease.resource, lease.holder_id), nonce="n", edges=(Edge.to(a),))
        write = wait_write(wait, now=datetime.now(UTC))
        fields = dict(write.fields) if stored is None else {**write.fields, **stored} if stored else {}
        await async_put(locks.store, write.path, fields)
    edges = AsyncWaitEdges(access, owner=Owner("a", a.holder_id), nonce="z")
    with pytest.raises(DeadlockError) as caught:
        await edges.check([b, c], deadline)
    assert (caught.value.cycle, caught.value.resources) == (["a", "c", "a"], ["c", "a"])


async def test_a_cycle_whose_lease_is_damaged_meanwhile_is_none(locks):
    """Nobody gives up for a lock of which nobody can tell who holds it: its readers are told."""
    access = locks.store.runtime.access
    deadline = access.begin(TIMEOUT)
    paths = [lease_path(resource) for resource in "ab"]
    read = await access.read(paths, deadline)
    a, b = (read_lease(read.documents[path]) for path in paths)
    wait = Wait(owner=Owner("b", b.holder_id), nonce="n", edges=(Edge.to(a),))
    write = wait_write(wait, now=datetime.now(UTC))
    await async_put(locks.store, write.path, dict(write.fields))
    edges = AsyncWaitEdges(access, owner=Owner("a", a.holder_id), nonce="z")
    with pytest.raises(DeadlockError):
        await edges.check([b], deadline)
    await async_put(locks.store, b.path, {"fencing_token": "1"})
    await edges.check([b], deadline)
