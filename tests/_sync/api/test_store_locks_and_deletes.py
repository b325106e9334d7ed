# Generated from tests/_async/api/test_store_locks_and_deletes.py by .ci/generate_sync.py; do not edit.
"""What a store's own changes take beside the data: locks, and deletes that find nothing."""
import copy
import pickle

import pytest

from tai_state import (
    LockManager,
    StateMachinePersister,
    TransactionManager,
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
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, contents


@pytest.mark.parametrize("kind", ["save", "update", "delete"])
def test_a_lock_guards_a_stores_change(store, kind):
    """Its token goes into the event, and the store refuses a holder who was replaced."""
    store.save_state("g", "s", {"n": 1})
    calls = {
        "save": lambda lock: store.save_state("g", "s", {"n": 2}, lock=lock),
        "update": lambda lock: store.update_state("g", "s", {"n": 2}, 1, lock=lock),
        "delete": lambda lock: store.delete_state("g", "s", lock=lock),
    }
    locks = LockManager(store)
    old = locks.acquire("x", owner="old", heartbeat=False)
    locks.break_lock("x", old.fencing_token, "it hangs")
    before = contents(store)
    with pytest.raises(FencedOutError):
        calls[kind](old)
    assert contents(store) == before
    with locks.hold("x", owner="new") as lock:
        calls[kind](lock)
        (event,) = [one for one in store.get_events("g", "s", after=1)]
        assert event.fencing_token == lock.fencing_token


def test_what_is_no_lock_is_refused(store):
    """By its name, before anything is sent."""
    with pytest.raises(ConfigurationError, match="lock="):
        store.save_state("g", "s", {}, lock="x")


def test_a_delete_tells_what_was_there(store):
    """The version is an int like any, whose event has the status and the data."""
    store.save_state("g", "s", {"n": 1}, status="open")
    deleted = store.delete_state("g", "s", idempotency_key="k")
    assert (deleted, isinstance(deleted, int), f"{deleted}") == (2, True, "2")
    assert (deleted.event.from_status, deleted.event.from_state) == ("open", {"n": 1})
    again = store.delete_state("g", "s", idempotency_key="k")
    assert (again, again.event) == (2, deleted.event)


def test_a_deleted_version_is_a_version(store):
    """It may be expected, and asked from, as any other."""
    store.save_state("g", "s", {"n": 1})
    deleted = store.delete_state("g", "s")
    assert store.save_state("g", "s", {"n": 2}, expected_version=deleted) == 3
    assert [event.version for event in store.get_events("g", "s", after=deleted)] == [3]


def test_a_second_delete_may_find_nothing(store):
    """With missing_ok it is in order: nothing is written, and no event stands behind the version."""
    store.save_state("g", "s", {"n": 1})
    store.delete_state("g", "s")
    before = contents(store)
    for state_id, version in (("s", 2), ("never", 0)):
        deleted = store.delete_state("g", state_id, missing_ok=True)
        assert (deleted, deleted.event) == (version, None)
        with pytest.raises(StateNotFoundError):
            store.delete_state("g", state_id)
    assert contents(store) == before


def test_missing_ok_deletes_what_is_there(store):
    """Once."""
    store.save_state("g", "s", {"n": 1})
    assert [store.delete_state("g", "s", missing_ok=True) for _ in range(3)] == [2, 2, 2]
    assert len([event for event in store.get_events("g", "s")]) == 2


def test_a_transaction_deletes_the_same_way(store):
    """It tells what was there, and finds nothing with missing_ok."""
    store.save_state("g", "s", {"n": 1}, status="open")

    def body(tx):
        deleted = tx.delete_state("g", "s", missing_ok=True)
        again = tx.delete_state("g", "s", missing_ok=True)
        never = tx.delete_state("g", "never", missing_ok=True)
        with pytest.raises(StateNotFoundError):
            tx.delete_state("g", "s")
        return deleted, again, never

    deleted, again, never = TransactionManager(store).run(body)
    assert (deleted, again, never) == (2, 2, 0)
    assert deleted.event.from_state == {"n": 1}
    assert (again.event, never.event) == (None, None)


def test_a_deleted_version_survives_pickling(store):
    """With its event."""
    store.save_state("g", "s", {"n": 1})
    deleted = store.delete_state("g", "s")
    for copied in (pickle.loads(pickle.dumps(deleted)), copy.deepcopy(deleted)):
        assert (type(copied), copied, copied.event) == (DeletedVersion, 2, deleted.event)


@pytest.fixture
def kept(store):
    """A persister of a state of version 5, with snapshots of versions 2 and 4."""
    persister = StateMachinePersister(store, COUNTER, PersistenceConfig(snapshot_interval=2, segment_events=100))
    persister.start("g", "s", {"n": 1})
    for _ in range(4):
        persister.transition("g", "s", "add")
    return persister


def test_a_snapshot_is_read_by_its_version(kept):
    """As it was then."""
    snapshot = kept.get_snapshot("g", "s", 4)
    assert (snapshot.version, snapshot.data) == (4, {"n": 4})
    assert snapshot == kept.replay("g", "s", until_version=4)


def test_a_snapshot_that_is_not_kept_is_told(kept):
    """With those that are; a state that never was is another matter."""
    with pytest.raises(SnapshotNotFoundError) as caught:
        kept.get_snapshot("g", "s", 3)
    assert (caught.value.version, caught.value.kept) == (3, [2, 4])
    with pytest.raises(StateNotFoundError) as missing:
        kept.get_snapshot("g", "never", 1)
    assert type(missing.value) is StateNotFoundError


def test_a_snapshot_is_restored_by_a_rollback(kept, store):
    """Also where the event of its version is gone."""
    gone = Delete(state_layout("g", "s").event(2))
    store.runtime.access.backend.commit([gone], timeout=TIMEOUT)
    result = kept.rollback("g", "s", 2)
    assert (result.version, result.snapshot.data) == (6, {"n": 2})
    with pytest.raises(VersionNotFoundError):
        kept.rollback("g", "s", 9)
