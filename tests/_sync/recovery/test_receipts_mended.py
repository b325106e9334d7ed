# Generated from tests/_async/recovery/test_receipts_mended.py by .ci/generate_sync.py; do not edit.
"""Receipts held against a log that has lost something: what they tell is kept until the log tells it, too."""
import pytest

from tai_state import StateMachinePersister, recover, verify
from tai_state.documents import Delete
from tests._sync.machines import COUNTER
from tests._sync.recovery.damages import S, write
from tests._sync.stores import document_at, find, plant

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
