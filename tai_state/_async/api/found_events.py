"""Events of a whole governor, found by their time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tai_state.errors import CorruptLogError, InvalidIdError, SchemaVersionError
from tai_state.layout import owner_and_version, unescape
from tai_state.rules.records.documents import read_event
from tai_state.rules.records.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tai_state._async.runtime import AsyncRuntime
    from tai_state.clock import Span
    from tai_state.documents import Document
    from tai_state.rules.history.finding import Wanted
    from tai_state.rules.records.record import EventRecord


async def async_found_events(
    runtime: AsyncRuntime, wanted: Wanted, *, limit: int | None, progress: Callable[[int], None] | None, timeout: Span
) -> AsyncIterator[EventRecord]:
    """Iterate over the events that are *wanted*, in the order of their time, then of state and version.

    Raises:
        DamagedDocumentsError, SchemaVersionError: Behind the last event: some could not be read.
    """
    query = wanted.query
    if query is None or limit == 0:
        return
    unreadable = Unreadable()
    # Where nothing is left out here, the engine sends no more than is asked for.
    most = None if wanted.is_filtered else limit
    found = runtime.access.query(query, limit=most, timeout=timeout)
    read = given = 0
    async for document in runtime.inflight.reading(found):
        read += 1
        if progress is not None:
            progress(read)
        try:
            event = _event(document, wanted.governor.governor_id)
        except (CorruptLogError, SchemaVersionError, InvalidIdError) as error:
            unreadable.add(error, document)
            continue
        if wanted.takes(event):
            yield event
            given += 1
            if given == limit:
                break
    unreadable.tell()


def _event(document: Document, governor_id: str) -> EventRecord:
    state_id = unescape(owner_and_version(document.path.id)[0], document.path)
    return read_event(document, governor_id, state_id)
