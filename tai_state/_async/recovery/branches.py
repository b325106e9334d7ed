"""The check of what other stores have made of a state: that a merge's parents are there, and all that they follow."""

from collections.abc import Sequence

from tai_state._async.access.access import AsyncAccess
from tai_state._async.history.reader import AsyncHistoryReader
from tai_state.clock import Span
from tai_state.errors import CorruptLogError, HistoryTrimmedError, InvalidIdError
from tai_state.layout import StateLayout, branch_place
from tai_state.rules.records.branches import Ref, read_branch
from tai_state.rules.records.record import StateRecord
from tai_state.rules.recovery.findings import Finding


async def async_branch_findings(
    access: AsyncAccess, paths: StateLayout, state: StateRecord | None, merged: Sequence[Ref], timeout: Span
) -> list[Finding]:
    """Return what is wrong with a state's branches; see ``async_branches_looked_at``."""
    return (await async_branches_looked_at(access, paths, state, merged, timeout))[0]


async def async_branches_looked_at(
    access: AsyncAccess, paths: StateLayout, state: StateRecord | None, merged: Sequence[Ref], timeout: Span
) -> tuple[list[Finding], list[Ref]]:
    """Return what is wrong with a state's branches, what is damaged of them or missing; and the events that are lost.

    Held at a time are the names of their events.

    Args:
        merged: The foreign parents of the merges in the line; without any, nobody rests on a branch.
    """
    if not merged:
        return [], []
    found: list[Finding] = []
    lost: list[Ref] = []
    there: dict[tuple[str, int], str] = {}
    wanted = dict.fromkeys(merged)
    beginning, stop = f"{paths.stored_id}@", f"{paths.stored_id}A"
    async for document in access.scan(paths.governor.branches, start=beginning, stop=stop, timeout=timeout):
        try:
            _, origin, version = branch_place(document.path.id)
        except InvalidIdError as error:
            found.append(Finding("foreign_document", paths.state_id, None, str(error), document.path))
            continue
        try:
            held = read_branch(document, paths.governor_id, paths.state_id)
        except CorruptLogError as error:
            found.append(Finding("corrupt_branch", paths.state_id, version, str(error), document.path))
            there[origin, version] = ""
            continue
        if (held.event.origin, held.event.version) != (origin, version):
            message = f"it holds version {held.event.version} of store {held.event.origin}"
            found.append(Finding("corrupt_branch", paths.state_id, version, message, document.path))
        there[origin, version] = held.event.hash
        wanted |= dict.fromkeys(held.parents)
    trimmed = 0 if state is None else state.marks.trimmed_through
    for ref in wanted:
        held_hash = there.get((ref.origin, ref.version))
        if held_hash == "":
            lost.append(ref)  # it is told already, as damaged
        elif held_hash != ref.hash and not await async_is_in_line(access, paths, ref, trimmed, timeout):
            found.append(_missing(paths, ref))
            lost += [ref] if held_hash is None else []
    return found, lost


def _missing(paths: StateLayout, ref: Ref) -> Finding:
    message = f"version {ref.version} of store {ref.origin}, which others follow, is not there"
    return Finding("missing_branch", paths.state_id, ref.version, message, paths.branch(ref.origin, ref.version))


async def async_is_in_line(access: AsyncAccess, paths: StateLayout, ref: Ref, trimmed: int, timeout: Span) -> bool:
    """Whether an event is in the line of this store; of what was trimmed nobody can tell."""
    if ref.version <= trimmed:
        return True
    try:
        event = await AsyncHistoryReader(access).event(paths, ref.version, access.begin(timeout))
    except HistoryTrimmedError:
        return True
    except CorruptLogError:
        return True  # that it is damaged is told by itself
    return event is not None and event.hash == ref.hash
