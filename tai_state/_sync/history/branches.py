# Generated from tai_state/_async/history/branches.py by .ci/generate_sync.py; do not edit.
"""What other stores have made of a state, and is in no line of this one."""
from collections.abc import Iterator

from tai_state._sync.access.access import Access
from tai_state.clock import Span
from tai_state.layout import StateLayout
from tai_state.rules.records.branches import read_branch
from tai_state.rules.records.record import EventRecord


def branch_events(access: Access, paths: StateLayout, timeout: Span) -> Iterator[EventRecord]:
    """Iterate over the events of a state's branches, by the store that made them, then by their version there.

    Raises:
        CorruptLogError: One is damaged.
    """
    start, stop = f"{paths.stored_id}@", f"{paths.stored_id}A"
    for document in access.scan(paths.governor.branches, start=start, stop=stop, timeout=timeout):
        yield read_branch(document, paths.governor_id, paths.state_id).event
