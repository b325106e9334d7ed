"""What transactions over several stores have left: parts that nobody settled, and decisions that nobody needs."""

from collections.abc import AsyncIterator, Collection
from datetime import datetime, timedelta

from tai_state._async.access.access import AsyncAccess
from tai_state._async.recovery.removal import Removed, async_committed
from tai_state.clock import Span
from tai_state.config import Encoding
from tai_state.documents import Document, DocumentPath
from tai_state.errors import SchemaVersionError, StoreError
from tai_state.layout import DISTRIBUTED
from tai_state.rules.distributed.parts import lost_marks
from tai_state.rules.distributed.records import PARTIES_AT_ONCE, Begin, Places, clearing, read_begin
from tai_state.rules.records.prepared import Part, open_parts, read_prepared
from tai_state.rules.recovery.findings import Finding


async def async_in_doubt_findings(access: AsyncAccess, timeout: Span) -> AsyncIterator[Finding]:
    """Iterate over the parts of a store that should be settled by now, and over their states without a mark.

    Their own leases tell when, counted from the prepare, which comes behind the begin: one that is told is over.
    """
    async for document in access.query(open_parts(), timeout=timeout):
        try:
            part = read_prepared(document)
        except (StoreError, SchemaVersionError) as error:
            yield Finding("in_doubt_transaction", "", None, str(error), document.path)
            continue
        deadline = access.begin(timeout)
        if not isinstance(part, Part):
            continue
        read = await access.read([document.path, *part.states], deadline)
        again = read.get(document.path)
        # Settled meanwhile, or not late yet: nothing is wrong.
        if again is None or again.update_time != document.update_time or not _is_late(again, part, read.read_time):
            continue
        message = f"transaction {part.transaction_id} over several stores is not settled, and its lease is over"
        yield Finding("in_doubt_transaction", "", None, message, document.path)
        puts, left = lost_marks(part, read.documents, "", Encoding(), read.read_time)
        for path in [*(put.path for put in puts), *left]:
            message = f"it has lost the mark of transaction {part.transaction_id} over several stores"
            yield Finding("lost_preparation", "", None, message, path)


def _is_late(document: Document, part: Part, read_time: datetime) -> bool:
    return read_time > document.create_time + timedelta(seconds=part.lease_seconds)


async def async_clear_decided(
    access: AsyncAccess, removed: Removed, now: datetime, timeout: Span, *, is_dry_run: bool
) -> None:
    """Remove what a coordinator's store knows of transactions that were settled everywhere for long enough.

    All of one go in one commit: whoever decides late finds neither its begin, nor a place for another decision. What is
    known of many is read in one request.
    """
    begun: dict[DocumentPath, tuple[Document, Begin]] = {}
    parties = 0
    async for document in access.scan(DISTRIBUTED, timeout=timeout):
        try:
            begin = read_begin(document)
        except (StoreError, SchemaVersionError):
            continue
        begun[document.path] = document, begin
        parties += 1 + len(begin.parties)
        if parties >= PARTIES_AT_ONCE:
            await _async_clear(access, begun.values(), removed, now, timeout, is_dry_run=is_dry_run)
            begun, parties = {}, 0
    await _async_clear(access, begun.values(), removed, now, timeout, is_dry_run=is_dry_run)


async def _async_clear(
    access: AsyncAccess,
    begun: Collection[tuple[Document, Begin]],
    removed: Removed,
    now: datetime,
    timeout: Span,
    *,
    is_dry_run: bool,
) -> None:
    steps = {begin.transaction_id: Places(begin.transaction_id).steps_of(begin.parties) for _, begin in begun}
    if not steps:
        return
    wanted = [path for paths in steps.values() for path in paths]
    read = await access.read(wanted, access.begin(timeout), consistent=False)
    for document, begin in begun:
        decision, *settled = (read.get(path) for path in steps[begin.transaction_id])
        told = [one for one in settled if one is not None]
        writes = clearing(document, decision, told, now)
        if writes is not None and (is_dry_run or await async_committed(access, writes, document.path, timeout)):
            removed.add(*(one for one in (document, decision, *told) if one is not None))
