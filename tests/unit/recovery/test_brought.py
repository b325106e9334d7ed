"""What a file would bring back of what was erased, decided for each document."""

from datetime import UTC, datetime

import pytest

from tai_state.documents import DocumentPath
from tai_state.layout import state_layout
from tai_state.rules.recovery.brought import states_named, without_erased
from tai_state.rules.recovery.erasure import Erasure

PATHS = state_layout("g", "a/b")
ERASED = {
    PATHS.erasure: Erasure("a/b", 3, "somebody", "asked to", datetime(2026, 1, 1, tzinfo=UTC), "x", is_finished=True)
}
RECEIPT = DocumentPath(PATHS.governor.receipts, "0" * 64)
AUDIT = DocumentPath(PATHS.governor.audit, "x")
QUARANTINE = DocumentPath(PATHS.governor.quarantine, "x")
TRANSACTION = DocumentPath("transactions", "x")
SHOWN = {"before": 1, "after": 2}
HIDDEN = {"before": None, "after": None}


@pytest.mark.parametrize("version", [3, 0, None, True])
def test_a_receipt_of_what_was_erased_does_not_come_back(version):
    """Nor one that does not say of which version it is."""
    assert without_erased(RECEIPT, {"state_id": "a/b", "version": version}, ERASED) is None


@pytest.mark.parametrize("fields", [{"state_id": "a/b", "version": 4}, {"state_id": "a", "version": 3}, {"version": 3}])
def test_any_other_receipt_comes(fields):
    """Of a later change, or of another state."""
    assert without_erased(RECEIPT, fields, ERASED) == fields


@pytest.mark.parametrize(
    "about",
    [{"state_id": "a/b"}, {"state_id": "a%2Fb"}, {"path": str(PATHS.state)}, {"path": str(PATHS.event(2))}],
)
def test_what_was_put_aside_and_what_repairs_show_does_not_come_back(about):
    """However they name the state: the copy stays away, the record comes without what it shows."""
    assert without_erased(QUARANTINE, {**about, **SHOWN}, ERASED) is None
    assert without_erased(AUDIT, {**about, **SHOWN}, ERASED) == {**about, **HIDDEN}


@pytest.mark.parametrize("about", [{"state_id": ""}, {"state_id": "x" * 500}, {"path": "a.b"}, {"state_id": 1}, {}])
def test_records_of_others_come_as_they_are(about):
    """Also where they name what could be no state."""
    for path in (QUARANTINE, AUDIT):
        assert without_erased(path, {**about, **SHOWN}, ERASED) == {**about, **SHOWN}


def test_the_result_of_a_transaction_that_wrote_it_does_not_come_back():
    """The record of the transaction does."""
    for written, result in (([str(PATHS.state), "x", 1], None), ([str(state_layout("g", "b").state)], 5), (None, 5)):
        fields = {"documents": written, "result": 5}
        assert without_erased(TRANSACTION, fields, ERASED) == {"documents": written, "result": result}


@pytest.mark.parametrize("path", [DocumentPath("audit", "x"), DocumentPath("locks", "r"), PATHS.state, PATHS.event(1)])
def test_a_document_of_a_state_or_of_none_names_no_other(path):
    """What becomes of it is decided by the history of the state."""
    assert states_named(path, {"state_id": "a/b"}) == []
