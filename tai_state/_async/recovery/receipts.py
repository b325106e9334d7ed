"""Receipts held against the events that they name."""

from collections.abc import AsyncIterator

from tai_state._async.access.access import AsyncAccess
from tai_state._async.history.reader import AsyncHistoryReader
from tai_state.clock import Span
from tai_state.documents import Document
from tai_state.errors import CorruptLogError, InvalidIdError, ReplayError, SchemaVersionError
from tai_state.layout import GovernorLayout
from tai_state.rules.commits.receipts import live_receipt
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.recovery.receipts import NamedReceipt, named_receipt, orphan_finding

_BATCH = 100


async def async_receipt_findings(access: AsyncAccess, governor_id: str, timeout: Span) -> AsyncIterator[Finding]:
    """Iterate over what is wrong with a governor's receipts; each is read once more before it is told."""
    governor = GovernorLayout(governor_id)
    batch: list[Document] = []
    async for document in access.scan(governor.receipts, timeout=timeout):
        batch.append(document)
        if len(batch) == _BATCH:
            async for finding in _async_judged(access, governor, batch, timeout):
                yield finding
            batch = []
    async for finding in _async_judged(access, governor, batch, timeout):
        yield finding


async def _async_judged(
    access: AsyncAccess, governor: GovernorLayout, batch: list[Document], timeout: Span
) -> AsyncIterator[Finding]:
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
    events = await access.read([one.event for one in named], access.begin(timeout), consistent=False)
    for one in named:
        event = events.get(one.event)
        # Nearly all are there, and say what they should: no more is read of them.
        if event is None or event.fields.get("transition_id") != one.transition_id:
            finding = await async_receipt_finding(access, one, governor, timeout)
            if finding is not None:
                yield finding


async def async_receipt_finding(
    access: AsyncAccess, one: NamedReceipt, governor: GovernorLayout, timeout: Span
) -> Finding | None:
    """Return what is wrong with a receipt, as of one moment; None: nothing, or nobody can tell."""
    paths = governor.state(one.state_id)
    read = await access.read([one.path, paths.state, one.event], access.begin(timeout))
    receipt = read.get(one.path)
    if receipt is None or live_receipt(receipt, read.read_time, paths.governor_id, paths.state_id) is None:
        return None
    if read.get(paths.state) is None and await AsyncHistoryReader(access).first_events([paths], timeout):
        # The state is lost, and how far it had come is told by that finding.
        return None
    return orphan_finding(one, read.get(paths.state), read.get(one.event))
