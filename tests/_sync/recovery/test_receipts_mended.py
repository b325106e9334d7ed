# Generated from tests/_async/recovery/test_receipts_mended.py by .ci/generate_sync.py; do not edit.
"""Receipts held against a log that has lost something: what they tell is kept until the log tells it, too."""
from typing import Any

import pytest

from tai_state import BackendStore, StateMachinePersister, recover, verify
from tai_state.documents import Delete, Put
from tests._sync.machines import COUNTER
from tests._sync.recovery.damages import S, write
from tests._sync.stores import WrappedBackend, document_at, find, plant

LOST = {"event": [S.event(4)], "event and state": [S.event(4), S.state]}


@pytest.fixture
def used_again(place):
    """State s at version 4: its key was used for version 2 and, once that was past its time, for version 4."""
    store = place.store()
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    persister.transition("g", "s", "add", 1, idempotency_key="k")
    persister.transition("g", "s", "add", 1)
    plant(store, S.receipt("k"), ttl_seconds=0.000001)
    fresh = StateMachinePersister(place.store(), COUNTER)
    assert (fresh.transition("g", "s", "add", 100, idempotency_key="k")).version == 4
    return store


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_a_receipt_of_a_lost_change_is_not_that_of_an_earlier_one(used_again, lost):
    """A key is used again once its time is over: its receipt may be all that is left of the later change."""
    store = used_again
    receipt = document_at(store, S.receipt("k"))
    write(store, *map(Delete, lost))
    for _ in range(2):
        (report,) = [report for report in recover(store, "g")]
        assert "corrupt_receipt" not in {one.kind for one in report.repaired}
        assert {one.kind for one in report.unresolved} == {"state_missing" if S.state in lost else "missing_event"}
    assert document_at(store, S.receipt("k")) == receipt
    assert (find(store, S.state) is None) == (S.state in lost)


def test_a_receipt_that_names_an_earlier_change_by_its_id_is_mended(used_again):
    """Its transition id proves which one it is of, whatever else is lost."""
    store = used_again
    made = document_at(store, S.event(2))
    plant(store, S.receipt("k"), transition_id=made.fields["transition_id"])
    write(store, Delete(S.event(4)))
    (report,) = [report for report in recover(store, "g")]
    assert [one.kind for one in report.repaired] == ["corrupt_receipt"]
    assert (document_at(store, S.receipt("k"))).fields["version"] == 2


def test_a_receipt_of_a_version_that_never_was_is_mended(used_again):
    """The log is whole: the last change under its key is the one."""
    store = used_again
    plant(store, S.receipt("k"), version=99)
    (problem,) = [one for report in verify(store, "g") for one in report.problems]
    assert (problem.kind, problem.version) == ("corrupt_receipt", 99)
    (report,) = [report for report in recover(store, "g")]
    assert ([one.kind for one in report.repaired], report.unresolved) == (["corrupt_receipt"], [])
    assert (document_at(store, S.receipt("k"))).fields["version"] == 4


DAMAGES: dict[str, tuple[dict[str, Any], str]] = {
    "damaged": ({"fingerprint": 5}, "corrupt_receipt"),
    "of a time beyond all times": ({"ttl_seconds": 1e300}, "corrupt_receipt"),
    "newer": ({"format": 99}, "newer_format"),
}


@pytest.mark.parametrize(("changes", "kind"), DAMAGES.values(), ids=DAMAGES)
def test_a_receipt_that_cannot_be_read_is_told_as_what_it_is(used_again, changes, kind):
    """Whatever else it says; the check goes on."""
    plant(used_again, S.receipt("k"), transition_id="made up", **changes)
    assert [one.kind for report in verify(used_again, "g") for one in report.problems] == [kind]


class ChangedMeanwhileBackend(WrappedBackend):
    """Lets somebody change a receipt right before it is read so many times more."""

    def __init__(self, inner, key, changes, reads=1):
        super().__init__(inner)
        self.path = S.receipt(key)
        self.changes = changes
        self.reads = reads

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        if self.path in paths:
            self.reads -= 1
            if not self.reads:
                found = (self.inner.get_many([self.path], timeout=timeout)).get(self.path)
                assert found is not None
                self.inner.commit([Put(found.path, {**found.fields, **self.changes})], timeout=timeout)
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)


@pytest.mark.parametrize(("changes", "kind"), DAMAGES.values(), ids=DAMAGES)
def test_a_receipt_that_is_hurt_between_the_reads_of_a_check_is_told(used_again, changes, kind):
    """As it is by then; the check goes on."""
    plant(used_again, S.receipt("k"), transition_id="made up")
    backend = ChangedMeanwhileBackend(used_again.runtime.access.backend, "k", changes)
    store = BackendStore(backend, actor="tester")
    assert [one.kind for report in verify(store, "g") for one in report.problems] == [kind]


@pytest.mark.parametrize("key", ["k", "unknown"])
def test_a_receipt_that_is_renewed_before_it_is_mended_stays_as_it_is(used_again, key):
    """Its key was used once more by then: what was found is of the receipt before."""
    receipt = document_at(used_again, S.receipt("k"))
    odd = {**receipt.fields, "idempotency_key": key, "transition_id": "made up"}
    write(used_again, Put(S.receipt(key), odd))
    renewed = {"version": 5, "transition_id": "renewed"}
    backend = ChangedMeanwhileBackend(used_again.runtime.access.backend, key, renewed, 2)
    (report,) = [report for report in recover(BackendStore(backend, actor="tester"), "g")]
    assert report.repaired == []
    assert (document_at(used_again, S.receipt(key))).fields == {**odd, **renewed}
