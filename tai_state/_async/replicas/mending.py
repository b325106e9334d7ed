"""What a store has lost of the events that others have made: it is found as ``verify`` finds it."""

from tai_state._async.recovery.branches import async_branches_looked_at
from tai_state._async.replicas.side import AsyncSide
from tai_state.rules.records.branches import Ref, foreign_parents


async def async_lost_branches(side: AsyncSide) -> list[Ref]:
    """Return the events that a state's merges, or what they follow, rest on, and that are missing or damaged.

    It reads the state's whole line, and its branches.
    """
    if side.record is None:
        return []
    merged: list[Ref] = []
    async for event in side.history.events(side.paths, after=side.trimmed, until=side.version, timeout=side.timeout):
        merged += foreign_parents(event)
    return (await async_branches_looked_at(side.runtime.access, side.paths, side.record, merged, side.timeout))[1]
