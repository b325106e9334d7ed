# Generated from tai_state/_async/history/snapshots.py by .ci/generate_sync.py; do not edit.
"""The snapshots that are kept of a state."""
from collections.abc import Iterator

from tai_state._sync.access.access import Access
from tai_state.clock import TimeLimit
from tai_state.layout import StateLayout, versioned
from tai_state.rules.history.snapshots import read_snapshot
from tai_state.rules.records.record import StateRecord


def kept_snapshots(
    access: Access, paths: StateLayout, timeout: TimeLimit
) -> Iterator[StateRecord]:
    """Iterate over the snapshots of a state, oldest first.

    Raises:
        CorruptLogError: One of them is damaged.
    """
    start, stop = versioned(paths.stored_id, 0), f"{paths.stored_id}A"
    for document in access.scan(paths.governor.snapshots, start=start, stop=stop, timeout=timeout):
        yield read_snapshot(document, paths.governor_id, paths.state_id)
