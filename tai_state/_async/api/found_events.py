"""Events of a whole governor, found by their time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tai_state._platform.iterators import async_ending
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
    """Iterate over the events that are *wanted*, in the order of their time, then of their stored ids.

    Raises:
        DamagedDocumentsError, SchemaVersionError: Behind the last event: some could not be read.
    """
    query, unreadable = wanted.query, Unreadable()
    read = given = 0
    while query is not None and given != limit:
        # Where nothing is left out here, the engine sends no more than is asked for.
        most = None if limit is None or wanted.is_filtered else limit - given
        found = runtime.access.query(query, limit=most, timeout=timeout)
        came, last = 0, None
        async with async_ending(runtime.inflight.reading(found, "find_events")) as documents:
            async for document in documents:
                came, last = came + 1, document
                if progress is not None:
                    progress(read + came)
                event = _event(document, wanted.governor.governor_id, unreadable)
                if event is None or not wanted.takes(event):
                    continue
                yield event
                given += 1
                if given == limit:
                    break
        read += came
        # Behind those that could not be read there may be others.
        query = query.behind(last) if last is not None and came == most else None
    unreadable.tell()


def _event(document: Document, governor_id: str, unreadable: Unreadable) -> EventRecord | None:
    """Return the event in a document; None for one that cannot be read, which *unreadable* takes."""
    try:
        state_id = unescape(owner_and_version(document.path.id)[0], document.path)
        return read_event(document, governor_id, state_id)
    except (CorruptLogError, SchemaVersionError, InvalidIdError) as error:
        unreadable.add(error, document)
        return None
