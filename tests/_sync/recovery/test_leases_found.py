# Generated from tests/_async/recovery/test_leases_found.py by .ci/generate_sync.py; do not edit.
"""Locks in a check and a recovery: damaged, of a newer release, past their time, and changed between two reads."""
from typing import Any

import pytest

from tai_state import BackendStore, LockManager, recover, verify
from tai_state.documents import Put
from tai_state.layout import LOCKS
from tai_state.rules.locking.leases import lease_path
from tests._sync.stores import TIMEOUT, WrappedBackend, document_at, find, plant

PATH = lease_path("dead")
DAMAGES: dict[str, dict[str, Any]] = {"damaged": {"fencing_token": "x"}, "newer": {"format": 99}}
KINDS = {"damaged": "corrupt_lease", "newer": "newer_format"}


@pytest.fixture
def dead(place):
    """A store with one lock, which is held past its time."""
    store = place.store()
    lock = LockManager(store).acquire("held")
    held = document_at(store, lease_path("held"))
    lock.release()
    dead = {**held.fields, "resource": "dead", "ttl_seconds": 0.000001}
    store.runtime.access.backend.commit([Put(PATH, dead)], timeout=TIMEOUT)
    return store


class ChangedMeanwhileBackend(WrappedBackend):
    """Lets somebody change a lock right before it is read so many times more."""

    def __init__(self, inner, changes, reads):
        super().__init__(inner)
        self.changes = changes
        self.reads = reads

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        if any(path.collection == LOCKS for path in paths):
            self.reads -= 1
            if not self.reads:
                found = (self.inner.get_many([PATH], timeout=timeout)).get(PATH)
                assert found is not None
                self.inner.commit([Put(PATH, {**found.fields, **self.changes})], timeout=timeout)
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


def told(reports):
    """Return the kinds of what is left of the locks."""
    return [one.kind for report in reports for one in report.unresolved]


@pytest.mark.parametrize("name", DAMAGES)
def test_a_lock_that_cannot_be_read_is_told_as_what_it_is(dead, name):
    """Damaged, or of a newer release; it stays as it is."""
    plant(dead, PATH, **DAMAGES[name])
    before = find(dead, PATH)
    assert [one.kind for report in verify(dead) for one in report.problems] == [KINDS[name]]
    assert told(recover(dead)) == [KINDS[name]]
    assert find(dead, PATH) == before


@pytest.mark.parametrize("name", DAMAGES)
def test_a_lock_that_is_hurt_between_the_reads_of_a_check_is_told(dead, name):
    """As it is by then; the check goes on."""
    backend = ChangedMeanwhileBackend(dead.runtime.access.backend, DAMAGES[name], 1)
    store = BackendStore(backend, actor="tester")
    assert [one.kind for report in verify(store) for one in report.problems] == [KINDS[name]]


@pytest.mark.parametrize("reads", [1, 2])
@pytest.mark.parametrize("name", DAMAGES)
def test_a_lock_that_is_hurt_while_it_is_freed_is_left_and_told(dead, name, reads):
    """Whichever read meets it, nothing is written over it, and the run goes on."""
    backend = ChangedMeanwhileBackend(dead.runtime.access.backend, DAMAGES[name], reads)
    store = BackendStore(backend, actor="tester")
    reports = [report for report in recover(store)]
    assert [repair for report in reports for repair in report.repaired] == []
    assert [one.kind for report in reports for one in report.unresolved] == [KINDS[name]]
    found = document_at(dead, PATH)
    assert found.fields["holder"] is not None
    assert DAMAGES[name].items() <= found.fields.items()


def test_a_lock_that_is_renewed_meanwhile_is_not_freed(dead):
    """It is held again by then: nothing is wrong with it."""
    backend = ChangedMeanwhileBackend(dead.runtime.access.backend, {"ttl_seconds": 60.0}, 2)
    store = BackendStore(backend, actor="tester")
    reports = [report for report in recover(store)]
    assert [repair for report in reports for repair in report.repaired] == []
    assert [one for report in reports for one in report.unresolved] == []
    assert (document_at(dead, PATH)).fields["holder"] is not None
