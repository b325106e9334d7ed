"""What a store's own changes take beside the data: locks, and deletes that find nothing."""

import copy
import pickle

import pytest

from tai_state import (
    AsyncLockManager,
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    ConfigurationError,
    DeletedVersion,
    FencedOutError,
    PersistenceConfig,
    SnapshotNotFoundError,
    StateNotFoundError,
    VersionNotFoundError,
)
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, async_contents


@pytest.mark.parametrize("kind", ["save", "update", "delete"])
async def test_a_lock_guards_a_stores_change(store, kind):
    """Its token goes into the event, and the store refuses a holder who was replaced."""
    await store.save_state("g", "s", {"n": 1})
    calls = {
        "save": lambda lock: store.save_state("g", "s", {"n": 2}, lock=lock),
        "update": lambda lock: store.update_state("g", "s", {"n": 2}, 1, lock=lock),
        "delete": lambda lock: store.delete_state("g", "s", lock=lock),
    }
    locks = AsyncLockManager(store)
    old = await locks.acquire("x", owner="old", heartbeat=False)
    await locks.break_lock("x", old.fencing_token, "it hangs")
    before = await async_contents(store)
    with pytest.raises(FencedOutError):
        await calls[kind](old)
    assert await async_contents(store) == before
    async with locks.hold("x", owner="new") as lock:
        await calls[kind](lock)
        (event,) = [one async for one in store.get_events("g", "s", after=1)]
        assert event.fencing_token == lock.fencing_token


async def test_what_is_no_lock_is_refused(store):
    """By its name, before anything is sent."""
    with pytest.raises(ConfigurationError, match="lock="):
        await store.save_state("g", "s", {}, lock="x")


async def test_a_delete_tells_what_was_there(store):
    """The version is an int like any, whose event has the status and the data."""
    await store.save_state("g", "s", {"n": 1}, status="open")
    deleted = await store.delete_state("g", "s", idempotency_key="k")
    assert (deleted, isinstance(deleted, int), f"{deleted}") == (2, True, "2")
    assert (deleted.event.from_status, deleted.event.from_state) == ("open", {"n": 1})
    again = await store.delete_state("g", "s", idempotency_key="k")
    assert (again, again.event) == (2, deleted.event)


async def test_a_deleted_version_is_a_version(store):
    """It may be expected, and asked from, as any other."""
    await store.save_state("g", "s", {"n": 1})
    deleted = await store.delete_state("g", "s")
    assert await store.save_state("g", "s", {"n": 2}, expected_version=deleted) == 3
    assert [event.version async for event in store.get_events("g", "s", after=deleted)] == [3]


async def test_a_second_delete_may_find_nothing(store):
    """With missing_ok it is in order: nothing is written, and no event stands behind the version."""
    await store.save_state("g", "s", {"n": 1})
    await store.delete_state("g", "s")
    before = await async_contents(store)
    for state_id, version in (("s", 2), ("never", 0)):
        deleted = await store.delete_state("g", state_id, missing_ok=True)
        assert (deleted, deleted.event) == (version, None)
        with pytest.raises(StateNotFoundError):
            await store.delete_state("g", state_id)
    assert await async_contents(store) == before


async def test_missing_ok_deletes_what_is_there(store):
    """Once."""
    await store.save_state("g", "s", {"n": 1})
    assert [await store.delete_state("g", "s", missing_ok=True) for _ in range(3)] == [2, 2, 2]
    assert len([event async for event in store.get_events("g", "s")]) == 2


async def test_a_transaction_deletes_the_same_way(store):
    """It tells what was there, and finds nothing with missing_ok."""
    await store.save_state("g", "s", {"n": 1}, status="open")

    async def body(tx):
        deleted = await tx.delete_state("g", "s", missing_ok=True)
        again = await tx.delete_state("g", "s", missing_ok=True)
        never = await tx.delete_state("g", "never", missing_ok=True)
        with pytest.raises(StateNotFoundError):
            await tx.delete_state("g", "s")
        return deleted, again, never

    deleted, again, never = await AsyncTransactionManager(store).run(body)
    assert (deleted, again, never) == (2, 2, 0)
    assert deleted.event.from_state == {"n": 1}
    assert (again.event, never.event) == (None, None)


async def test_a_deleted_version_survives_pickling(store):
    """With its event."""
    await store.save_state("g", "s", {"n": 1})
    deleted = await store.delete_state("g", "s")
    for copied in (pickle.loads(pickle.dumps(deleted)), copy.deepcopy(deleted)):
        assert (type(copied), copied, copied.event) == (DeletedVersion, 2, deleted.event)


@pytest.fixture
async def kept(store):
    """A persister of a state of version 5, with snapshots of versions 2 and 4."""
    persister = AsyncStateMachinePersister(store, COUNTER, PersistenceConfig(snapshot_interval=2, segment_events=100))
    await persister.start("g", "s", {"n": 1})
    for _ in range(4):
        await persister.transition("g", "s", "add")
    return persister


async def test_a_snapshot_is_read_by_its_version(kept):
    """As it was then."""
    snapshot = await kept.get_snapshot("g", "s", 4)
    assert (snapshot.version, snapshot.data) == (4, {"n": 4})
    assert snapshot == await kept.replay("g", "s", until_version=4)


async def test_a_snapshot_that_is_not_kept_is_told(kept):
    """With those that are; a state that never was is another matter."""
    with pytest.raises(SnapshotNotFoundError) as caught:
        await kept.get_snapshot("g", "s", 3)
    assert (caught.value.version, caught.value.kept) == (3, [2, 4])
    with pytest.raises(StateNotFoundError) as missing:
        await kept.get_snapshot("g", "never", 1)
    assert type(missing.value) is StateNotFoundError


async def test_a_snapshot_is_restored_by_a_rollback(kept, store):
    """Also where the event of its version is gone."""
    gone = Delete(state_layout("g", "s").event(2))
    await store.runtime.access.backend.commit([gone], timeout=TIMEOUT)
    result = await kept.rollback("g", "s", 2)
    assert (result.version, result.snapshot.data) == (6, {"n": 2})
    with pytest.raises(VersionNotFoundError):
        await kept.rollback("g", "s", 9)
