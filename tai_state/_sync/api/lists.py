# Generated from tai_state/_async/api/lists.py by .ci/generate_sync.py; do not edit.
"""Lists of states, as stores and persisters give them: in bounded memory, past what is damaged."""
from __future__ import annotations

from typing import TYPE_CHECKING

from tai_state._sync.access.access import PAGE
from tai_state.errors import SchemaVersionError, StoredDataError
from tai_state.rules.history.damaged import Damaged
from tai_state.rules.records.arguments import check_limit

if TYPE_CHECKING:
    from collections.abc import Iterator, Callable

    from tai_state._sync.runtime import Runtime
    from tai_state.clock import Span
    from tai_state.models import DataT, StateSnapshot
    from tai_state.rules.records.record import StateRecord


def listed(
    runtime: Runtime,
    governor_id: str,
    shown: Callable[[StateRecord], StateSnapshot[DataT]],
    *,
    machine: str | None = None,
    status: str | None = None,
    after: str | None = None,
    limit: int | None = None,
    include_deleted: bool = False,
    timeout: Span = None,
) -> Iterator[StateSnapshot[DataT]]:
    """Iterate over a governor's states, ascending by stored id.

    Args:
        shown: Makes what users see of one.
        machine: Only those that a machine of this name moved last.

    Raises:
        SchemaVersionError: Behind the last state: some are of a newer release or schema.
        DamagedStatesError: Behind the last state: some could not be read, or their data does not fit.
    """
    check_limit(limit)
    given = 0
    if limit == 0:
        return
    # A list of all sends for every document, so that it can name each that is damaged.
    is_narrow = limit is not None or status is not None
    damaged = Damaged(governor_id)
    for record in runtime.records(
        governor_id,
        damaged,
        status=status,
        machine=machine if is_narrow else None,
        is_live=is_narrow and not include_deleted,
        after=after,
        page=PAGE if limit is None else min(limit, PAGE),
        timeout=timeout,
    ):
        if record.deleted and not include_deleted:
            continue
        if machine is not None and (record.machine is None or record.machine.name != machine):
            continue
        try:
            snapshot = shown(record)
        except (StoredDataError, SchemaVersionError) as error:
            damaged.note(error, record.state_id)
            continue
        yield snapshot
        given += 1
        if given == limit:
            break
    damaged.tell()
