# Generated from tai_state/_async/api/lists.py by .ci/generate_sync.py; do not edit.
"""Lists of states, as stores and persisters give them: in bounded memory, past what is damaged."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from tai_state._sync.access.access import page_for
from tai_state._platform.iterators import ending
from tai_state.errors import InvalidDataError, SchemaVersionError, StoredDataError
from tai_state.rules.history.damaged import Damaged
from tai_state.rules.history.id_ranges import id_ranges
from tai_state.rules.records.arguments import check_limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Callable, Sequence

    from tai_state._sync.runtime import Runtime
    from tai_state.clock import Span
    from tai_state.rules.history.id_ranges import IdRange
    from tai_state.rules.records.record import StateRecord

ShownT = TypeVar("ShownT")


def listed(
    runtime: Runtime,
    governor_id: str,
    shown: Callable[[StateRecord], ShownT],
    *,
    machine: str | None = None,
    status: str | None = None,
    prefix: str | None = None,
    after: str | None = None,
    until: str | None = None,
    limit: int | None = None,
    include_deleted: bool = False,
    descending: bool = False,
    timeout: Span = None,
) -> Iterator[ShownT]:
    """Iterate over a governor's states, ascending by stored id, or descending.

    Args:
        shown: Makes what users see of one.
        machine: Only those that a machine of this name moved last.
        prefix, after, until: Only those whose ids begin with it, behind it, and up to it.

    Raises:
        SchemaVersionError: Behind the last state: some are of a newer release or schema.
        DamagedStatesError: Behind the last state: some could not be read, or their data does not fit.
    """
    check_limit(limit)
    ranges = list(id_ranges(prefix=prefix, after=after, until=until, descending=descending))
    if descending and include_deleted and status is None:
        message = "no index has live and deleted states from their end: give status=, or leave include_deleted out"
        raise InvalidDataError(message, path="descending")
    given = 0
    if limit == 0:
        return
    # A list of all sends for every document, so that it can name each that is damaged.
    is_narrow = limit is not None or status is not None
    asked: dict[str, Any] = {
        "machine": machine if is_narrow else None,
        "is_live": is_narrow and not include_deleted,
        "first": limit,
        "page": page_for(limit),
        "timeout": timeout,
    }
    if descending:
        # From the end there is an index of one condition; the others are looked at here.
        asked |= {"machine": None, "is_live": status is None, "is_descending": True}
    damaged = Damaged(governor_id)
    with ending(_records(runtime, governor_id, damaged, ranges, status=status, **asked)) as records:
        for record in records:
            if record.deleted and not include_deleted:
                continue
            if machine is not None and (record.machine is None or record.machine.name != machine):
                continue
            try:
                one = shown(record)
            except (StoredDataError, SchemaVersionError) as error:
                damaged.note(error, record.state_id)
                continue
            yield one
            given += 1
            if given == limit:
                break
    damaged.tell()


def _records(
    runtime: Runtime, governor_id: str, damaged: Damaged, ranges: Sequence[IdRange], **asked: Any
) -> Iterator[StateRecord]:
    for ids in ranges:
        with ending(runtime.records(governor_id, damaged, ids=ids, **asked)) as records:
            for record in records:
                yield record
