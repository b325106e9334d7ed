# Generated from tai_state/_async/api/found_events.py by .ci/generate_sync.py; do not edit.
"""Events of a whole governor, found by their time."""
from __future__ import annotations

from typing import TYPE_CHECKING

from tai_state import models
from tai_state.documents import Cursor
from tai_state.errors import CorruptLogError, InvalidDataError, InvalidIdError, SchemaVersionError
from tai_state.layout import GovernorLayout, owner_and_version, state_layout, unescape
from tai_state.rules.commits.arguments import check_time, check_version
from tai_state.rules.history.finding import FIRST_MOMENT, Wanted
from tai_state.rules.records.documents import read_event
from tai_state.rules.records.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Callable

    from tai_state._sync.runtime import Runtime
    from tai_state.clock import Span
    from tai_state.documents import Document
    from tai_state.rules.records.record import EventRecord


_PLACE = 3


def wanted_events(
    governor_id: str, *, since: object, until: object, action: object, changed_by: object, after: object
) -> Wanted:
    """Return what a caller asks for, checked.

    Raises:
        InvalidDataError: One of the arguments cannot be; names it.
        InvalidIdError: The governor's id cannot be one.
    """
    return Wanted(
        governor=GovernorLayout(governor_id),
        since=FIRST_MOMENT if since is None else check_time(since, "since"),
        until=None if until is None else check_time(until, "until"),
        after=None if after is None else _cursor(governor_id, after),
        action=_text(action, "action"),
        changed_by=_text(changed_by, "changed_by"),
    )


def _text(value: object, name: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    message = f"must be a str, not {type(value).__name__}"
    raise InvalidDataError(message, path=name)


def _cursor(governor_id: str, after: object) -> Cursor:
    if isinstance(after, models.Event):
        if after.governor_id != governor_id:
            message = f"is an event of governor {after.governor_id!r}, not of {governor_id!r}"
            raise InvalidDataError(message, path="after")
        after = (after.timestamp, after.state_id, after.version)
    if not isinstance(after, tuple) or len(after) != _PLACE:
        message = "must be an event, or its (timestamp, state_id, version)"
        raise InvalidDataError(message, path="after")
    timestamp, state_id, version = after
    path = state_layout(governor_id, state_id).event(check_version(version, "after"))
    return Cursor(path, check_time(timestamp, "after"))


def found_events(
    runtime: Runtime, wanted: Wanted, *, limit: int | None, progress: Callable[[int], None] | None, timeout: Span
) -> Iterator[EventRecord]:
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
    for document in runtime.inflight.reading(found):
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
