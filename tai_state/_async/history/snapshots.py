"""The snapshots that are kept of a state."""

from collections.abc import AsyncIterator

from tai_state._async.access.access import AsyncAccess
from tai_state.clock import TimeLimit
from tai_state.layout import StateLayout, versioned
from tai_state.rules.history.snapshots import read_snapshot
from tai_state.rules.records.record import StateRecord


async def async_kept_snapshots(
    access: AsyncAccess, paths: StateLayout, timeout: TimeLimit
) -> AsyncIterator[StateRecord]:
    """Iterate over the snapshots of a state, oldest first.

    Raises:
        CorruptLogError: One of them is damaged.
    """
    start, stop = versioned(paths.stored_id, 0), f"{paths.stored_id}A"
    async for document in access.scan(paths.governor.snapshots, start=start, stop=stop, timeout=timeout):
        yield read_snapshot(document, paths.governor_id, paths.state_id)
