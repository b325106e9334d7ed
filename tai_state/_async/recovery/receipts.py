"""Receipts held against the events that they name."""

from collections.abc import AsyncIterator, Sequence

from tai_state._async.access.access import LARGE_PAGE, AsyncAccess
from tai_state._async.history.reader import AsyncHistoryReader
from tai_state._async.recovery.kept import AsyncKept
from tai_state.clock import Span
from tai_state.documents import Document
from tai_state.errors import CorruptLogError, InvalidIdError, ReplayError, SchemaVersionError
from tai_state.layout import GovernorLayout, is_receipt
from tai_state.rules.commits.receipts import live_receipt
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.recovery.receipts import NamedReceipt, ReceiptSearch, named_receipt, says_what_it_should

_BATCH = 100

_ODD_MAX = 10_000
"""Of so many odd receipts, held by what they name, the logs are walked over before more are read."""


async def async_receipt_findings(access: AsyncAccess, governor_id: str, timeout: Span) -> AsyncIterator[Finding]:
    """Iterate over what is wrong with a governor's receipts.

    One that does not name what it should is read once more, and told as it is by then; one that cannot be read is told
    as it was found. The log of a state is walked over once for all its receipts, or for as many as are held at a time.
    """
    governor = GovernorLayout(governor_id)
    named: list[NamedReceipt] = []
    odd: list[NamedReceipt] = []
    async for document in access.scan(governor.receipts, page=LARGE_PAGE, timeout=timeout):
        found = _judged(document, governor)
        if isinstance(found, Finding):
            yield found
            continue
        named.append(found)
        if len(named) == _BATCH:
            odd += await _async_odd(access, named, timeout)
            named = []
        if len(odd) >= _ODD_MAX:
            async for finding in _async_searched(access, odd, governor, timeout):
                yield finding
            odd = []
    odd += await _async_odd(access, named, timeout)
    async for finding in _async_searched(access, odd, governor, timeout):
        yield finding


def _judged(document: Document, governor: GovernorLayout) -> NamedReceipt | Finding:
    """Return what a receipt names, or what is wrong with it by itself."""
    if not is_receipt(document.path.id):
        message = "it is none of ours: its id is none of a receipt"
        return Finding("foreign_document", document.path.id, None, message, document.path)
    try:
        return named_receipt(document, governor)
    except SchemaVersionError as error:
        return Finding("newer_format", "", None, str(error), document.path)
    except (CorruptLogError, InvalidIdError, ReplayError) as error:
        return Finding("corrupt_receipt", "", None, str(error), document.path)


async def _async_odd(access: AsyncAccess, named: Sequence[NamedReceipt], timeout: Span) -> list[NamedReceipt]:
    """Return the receipts that do not name what they should, by one look at each event: nearly none."""
    if not named:
        return []
    events = await access.read([one.event for one in named], access.begin(timeout), consistent=False)
    return [
        one
        for one in named
        if not says_what_it_should(one, events.get(one.event)) and not await _async_is_sealed(access, one, timeout)
    ]


async def _async_is_sealed(access: AsyncAccess, one: NamedReceipt, timeout: Span) -> bool:
    """Whether a segment has the event that a receipt names, under its key."""
    try:
        event = await AsyncHistoryReader(access).sealed_at(one.event, timeout)
    except ReplayError:
        return False
    return event is not None and (event.transition_id, event.idempotency_key) == (one.transition_id, one.key)


async def _async_searched(
    access: AsyncAccess, odd: Sequence[NamedReceipt], governor: GovernorLayout, timeout: Span
) -> AsyncIterator[Finding]:
    """Iterate over what is wrong with receipts, given the whole logs of their states."""
    by_state: dict[str, list[NamedReceipt]] = {}
    for one in odd:
        by_state.setdefault(one.state_id, []).append(one)
    for state_id, receipts in by_state.items():
        kept = AsyncKept(access, governor.state(state_id), timeout)
        await kept.begin()
        search = ReceiptSearch(receipts, governor.governor_id, state_id, kept.seen.trimmed_through)
        async for document, version in kept.documents(kept.events, _BATCH):
            async for sealed in kept.before(version):
                search.take(sealed.event)
            search.meet(document)
            kept.at(version)
        async for sealed in kept.before(None):
            search.take(sealed.event)
        for start in range(0, len(receipts), _BATCH):
            for finding in await _async_told(access, receipts[start : start + _BATCH], search, governor, timeout):
                yield finding


async def _async_told(
    access: AsyncAccess,
    receipts: Sequence[NamedReceipt],
    search: ReceiptSearch,
    governor: GovernorLayout,
    timeout: Span,
) -> list[Finding]:
    """Return what is wrong with receipts of one state as they are by now, once its log was walked over."""
    paths = governor.state(receipts[0].state_id)
    read = await access.read([paths.state, *(one.path for one in receipts)], access.begin(timeout))
    state = read.get(paths.state)
    version = state.fields.get("version") if state is not None else None
    reached = version if type(version) is int else None
    found: list[Finding] = []
    for one in receipts:
        document = read.get(one.path)
        now = None if document is None else _judged(document, governor)
        if isinstance(now, Finding):
            found.append(now)
        # Renewed, gone or past its time: what was found is no more.
        elif now == one and document is not None and live_receipt(document, read.read_time, *search.ids) is not None:
            finding = search.finding(one, reached)
            found += [] if finding is None else [finding]
    return found
