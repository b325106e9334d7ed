"""What other stores have made of a state, and is in no line of this one."""

from collections.abc import AsyncIterator

from tai_state._async.access.access import AsyncAccess
from tai_state.clock import Span
from tai_state.layout import StateLayout
from tai_state.rules.records.branches import read_branch
from tai_state.rules.records.record import EventRecord


async def async_branch_events(access: AsyncAccess, paths: StateLayout, timeout: Span) -> AsyncIterator[EventRecord]:
    """Iterate over the events of a state's branches, by the store that made them, then by their version there.

    Raises:
        CorruptLogError: One is damaged.
    """
    start, stop = f"{paths.stored_id}@", f"{paths.stored_id}A"
    async for document in access.scan(paths.governor.branches, start=start, stop=stop, timeout=timeout):
        yield read_branch(document, paths.governor_id, paths.state_id).event
