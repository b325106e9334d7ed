# Generated from tai_state/_async/recovery/receipts.py by .ci/generate_sync.py; do not edit.
"""Receipts held against the events that they name."""
from collections.abc import Iterator

from tai_state._sync.access.access import Access
from tai_state._sync.history.reader import HistoryReader
from tai_state.clock import Span
from tai_state.documents import Document
from tai_state.errors import CorruptLogError, InvalidIdError, ReplayError, SchemaVersionError
from tai_state.layout import GovernorLayout
from tai_state.rules.commits.receipts import live_receipt
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.recovery.receipts import NamedReceipt, named_receipt, orphan_finding

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
        event = events.get(one.event)
        # Nearly all are there, and say what they should: no more is read of them.
        if event is None or event.fields.get("transition_id") != one.transition_id:
            finding = receipt_finding(access, one, governor, timeout)
            if finding is not None:
                yield finding


def receipt_finding(
    access: Access, one: NamedReceipt, governor: GovernorLayout, timeout: Span
) -> Finding | None:
    """Return what is wrong with a receipt, as of one moment; None: nothing, or nobody can tell."""
    paths = governor.state(one.state_id)
    read = access.read([one.path, paths.state, one.event], access.begin(timeout))
    receipt = read.get(one.path)
    if receipt is None or live_receipt(receipt, read.read_time, paths.governor_id, paths.state_id) is None:
        return None
    if read.get(paths.state) is None and HistoryReader(access).first_events([paths], timeout):
        # The state is lost, and how far it had come is told by that finding.
        return None
    return orphan_finding(one, read.get(paths.state), read.get(one.event))
