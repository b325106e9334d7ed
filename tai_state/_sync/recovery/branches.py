# Generated from tai_state/_async/recovery/branches.py by .ci/generate_sync.py; do not edit.
"""The check of what other stores have made of a state: that a merge's parents are there, and all that they follow."""
from collections.abc import Sequence

from tai_state._sync.access.access import Access
from tai_state._sync.history.reader import HistoryReader
from tai_state.clock import Span
from tai_state.errors import CorruptLogError, HistoryTrimmedError, InvalidIdError
from tai_state.layout import StateLayout, branch_place
from tai_state.rules.records.branches import Ref, read_branch
from tai_state.rules.records.record import StateRecord
from tai_state.rules.recovery.findings import Finding


def branch_findings(
    access: Access, paths: StateLayout, state: StateRecord | None, merged: Sequence[Ref], timeout: Span
) -> list[Finding]:
    """Return what is wrong with a state's branches: what is damaged of them, and what is missing.

    Held at a time are the names of their events.

    Args:
        merged: The foreign parents of the merges in the line; without any, nobody rests on a branch.
    """
    if not merged:
        return []
    found: list[Finding] = []
    there: dict[tuple[str, int], str] = {}
    wanted = dict.fromkeys(merged)
    beginning, stop = f"{paths.stored_id}@", f"{paths.stored_id}A"
    for document in access.scan(paths.governor.branches, start=beginning, stop=stop, timeout=timeout):
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
        # One that is damaged is told already.
        if there.get((ref.origin, ref.version)) in {ref.hash, ""}:
            continue
        if not _is_in_line(access, paths, ref, trimmed, timeout):
            message = f"version {ref.version} of store {ref.origin}, which others follow, is not there"
            path = paths.branch(ref.origin, ref.version)
            found.append(Finding("missing_branch", paths.state_id, ref.version, message, path))
    return found


def _is_in_line(access: Access, paths: StateLayout, ref: Ref, trimmed: int, timeout: Span) -> bool:
    """Whether an event is in the line of this store; of what was trimmed nobody can tell."""
    if ref.version <= trimmed:
        return True
    try:
        event = HistoryReader(access).event(paths, ref.version, access.begin(timeout))
    except HistoryTrimmedError:
        return True
    except CorruptLogError:
        return True  # that it is damaged is told by itself
    return event is not None and event.hash == ref.hash
