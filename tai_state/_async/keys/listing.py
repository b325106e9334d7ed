"""The keys of a group with their values, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tai_state._async.access.access import PAGE
from tai_state._platform.iterators import async_ending
from tai_state.errors import CorruptLogError
from tai_state.models.keys import ABSENT
from tai_state.rules.history.damaged import Damaged
from tai_state.rules.history.id_ranges import id_ranges
from tai_state.rules.keys.changes import value_of
from tai_state.rules.records.arguments import check_limit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tai_state._async.runtime import AsyncRuntime
    from tai_state.clock import Span
    from tai_state.layout import OwnGovernor
    from tai_state.rules.keys.filters import Takes


async def async_key_values(
    runtime: AsyncRuntime,
    governor_id: OwnGovernor,
    takes: Takes | None,
    *,
    prefix: str | None = None,
    after: str | None = None,
    limit: int | None = None,
    is_filtered: bool = False,
    timeout: Span = None,
) -> AsyncIterator[tuple[str, Any]]:
    """Iterate over the keys that are there, and whose values are wanted.

    Args:
        takes: Whether a value is wanted; None: values are not looked at.
        is_filtered: Whether any is not: more are read at a time then than are wanted.

    Raises:
        DamagedStatesError: Behind the last one: some could not be read.
    """
    check_limit(limit)
    if limit == 0:
        return
    given = 0
    damaged = Damaged(governor_id)
    for ids in list(id_ranges(prefix=prefix, after=after, until=None, descending=False)):
        page = PAGE if limit is None or is_filtered else min(limit, PAGE)
        records = runtime.records(governor_id, damaged, is_live=True, ids=ids, page=page, timeout=timeout)
        async with async_ending(records):
            async for record in records:
                value = None
                if takes is not None:
                    value = value_of(record)
                    if value is ABSENT:
                        # Whoever made such a state made no key.
                        reason = "its data has no value"
                        error = CorruptLogError(record.governor_id, record.state_id, record.version, reason)
                        damaged.note(error, record.state_id)
                        continue
                    if not takes(value):
                        continue
                yield record.state_id, value
                given += 1
                if given == limit:
                    damaged.tell()
                    return
    damaged.tell()
