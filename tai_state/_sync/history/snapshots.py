# Generated from tai_state/_async/history/snapshots.py by .ci/generate_sync.py; do not edit.
"""The snapshots that are kept of a state."""
from collections.abc import Iterator

from tai_state._sync.access.access import Access
from tai_state._sync.history.reader import HistoryReader
from tai_state.clock import Deadline, TimeLimit
from tai_state.layout import StateLayout
from tai_state.rules.history.snapshots import read_snapshot
from tai_state.rules.records.record import StateRecord


def kept_snapshots(
    access: Access, paths: StateLayout, timeout: TimeLimit
) -> Iterator[StateRecord]:
    """Iterate over the snapshots of a state, oldest first; those of somebody else are left out.

    Raises:
        CorruptLogError: One of them is damaged.
    """
    for document in HistoryReader(access).documents(paths.governor.snapshots, paths, timeout):
        yield read_snapshot(document, paths.governor_id, paths.state_id)


def snapshot_at(
    access: Access, paths: StateLayout, version: int, deadline: Deadline
) -> StateRecord | None:
    """Return the snapshot of *version*; None where none is kept.

    Raises:
        CorruptLogError: It is damaged.
    """
    path = paths.snapshot(version)
    document = (access.read([path], deadline)).get(path)
    return read_snapshot(document, paths.governor_id, paths.state_id) if document is not None else None
