# Generated from tai_state/_async/replicas/mending.py by .ci/generate_sync.py; do not edit.
"""What a store has lost of the events that others have made: it is found as ``verify`` finds it."""
from tai_state._sync.recovery.branches import branches_looked_at
from tai_state._sync.replicas.side import Side
from tai_state.rules.records.branches import Ref, foreign_parents


def lost_branches(side: Side) -> list[Ref]:
    """Return the events that a state's merges, or what they follow, rest on, and that are missing or damaged.

    It reads the state's whole line, and its branches.
    """
    if side.record is None:
        return []
    merged: list[Ref] = []
    for event in side.history.events(side.paths, after=side.trimmed, until=side.version, timeout=side.timeout):
        merged += foreign_parents(event)
    return (branches_looked_at(side.runtime.access, side.paths, side.record, merged, side.timeout))[1]
