# Generated from tai_state/_async/recovery/receipts.py by .ci/generate_sync.py; do not edit.
"""Receipts held against the events that they name."""
from collections.abc import Iterator

from tai_state._sync.access.access import Access
from tai_state._sync.history.reader import HistoryReader
from tai_state.clock import Span
from tai_state.documents import Document
from tai_state.errors import CorruptLogError, InvalidIdError, ReplayError, SchemaVersionError
from tai_state.layout import GovernorLayout, is_receipt
from tai_state.rules.commits.receipts import live_receipt
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.recovery.receipts import NamedReceipt, ReceiptSearch, named_receipt, says_what_it_should

_BATCH = 100


def receipt_findings(access: Access, governor_id: str, timeout: Span) -> Iterator[Finding]:
    """Iterate over what is wrong with a governor's receipts; each is read once more before it is told."""
    governor = GovernorLayout(governor_id)
    batch: list[Document] = []
    for document in access.scan(governor.receipts, timeout=timeout):
        batch.append(document)
        if len(batch) == _BATCH:
            for finding in _judged(access, governor, batch, timeout):
                yield finding
            batch = []
    for finding in _judged(access, governor, batch, timeout):
        yield finding


def _judged(
    access: Access, governor: GovernorLayout, batch: list[Document], timeout: Span
) -> Iterator[Finding]:
    named: list[NamedReceipt] = []
    for document in batch:
        if not is_receipt(document.path.id):
            message = "it is none of ours: its id is none of a receipt"
            yield Finding("foreign_document", document.path.id, None, message, document.path)
            continue
        try:
            named.append(named_receipt(document, governor))
        except SchemaVersionError as error:
            yield Finding("newer_format", "", None, str(error), document.path)
        except (CorruptLogError, InvalidIdError, ReplayError) as error:
            yield Finding("corrupt_receipt", "", None, str(error), document.path)
    if not named:
        return
    events = access.read([one.event for one in named], access.begin(timeout), consistent=False)
    for one in named:
        # Nearly all say what they should: no more is read of them.
        if not says_what_it_should(one, events.get(one.event)):
            finding = receipt_finding(access, one, governor, timeout)
            if finding is not None:
                yield finding


def receipt_finding(
    access: Access, one: NamedReceipt, governor: GovernorLayout, timeout: Span
) -> Finding | None:
    """Return what is wrong with a receipt, given the whole log of its state; None: nothing, or nobody can tell."""
    paths = governor.state(one.state_id)
    search = ReceiptSearch(one, governor)
    for event in HistoryReader(access).documents(governor.events, paths, timeout):
        search.meet(event)
    read = access.read([one.path, paths.state], access.begin(timeout))
    receipt, state = read.get(one.path), read.get(paths.state)
    # Renewed, gone or past its time: what was found is no more.
    if receipt is None or live_receipt(receipt, read.read_time, paths.governor_id, paths.state_id) is None:
        return None
    if named_receipt(receipt, governor) != one:
        return None
    reached = state.fields.get("version") if state is not None else None
    return search.finding(reached if type(reached) is int else None)
