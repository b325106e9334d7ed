"""The snapshots that are kept of a state."""

from collections.abc import AsyncIterator

from tai_state._async.access.access import AsyncAccess
from tai_state._async.history.reader import AsyncHistoryReader
from tai_state.clock import Deadline, TimeLimit
from tai_state.layout import StateLayout
from tai_state.rules.history.snapshots import read_snapshot
from tai_state.rules.records.record import StateRecord


async def async_kept_snapshots(
    access: AsyncAccess, paths: StateLayout, timeout: TimeLimit
) -> AsyncIterator[StateRecord]:
    """Iterate over the snapshots of a state, oldest first; those of somebody else are left out.

    Raises:
        CorruptLogError: One of them is damaged.
    """
    async for document in AsyncHistoryReader(access).documents(paths.governor.snapshots, paths, timeout):
        yield read_snapshot(document, paths.governor_id, paths.state_id)


async def async_snapshot_at(
    access: AsyncAccess, paths: StateLayout, version: int, deadline: Deadline
) -> StateRecord | None:
    """Return the snapshot of *version*; None where none is kept.

    Raises:
        CorruptLogError: It is damaged.
    """
    path = paths.snapshot(version)
    document = (await access.read([path], deadline)).get(path)
    return read_snapshot(document, paths.governor_id, paths.state_id) if document is not None else None
