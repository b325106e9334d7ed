# Generated from tai_state/_async/transactions/reactions.py by .ci/generate_sync.py; do not edit.
"""A change with all that follows from it for other states: in a commit of its own where nothing does."""
from dataclasses import replace

from tai_state._sync.commits.guard import Guarding
from tai_state._sync.commits.writer import Applied
from tai_state._sync.runtime import Runtime
from tai_state.clock import Deadline
from tai_state.rules.commits.change import Change, Settings
from tai_state.rules.transactions.dependents.reactions import Machines, NotAloneError


def write(
    runtime: Runtime,
    change: Change,
    deadline: Deadline,
    *,
    settings: Settings,
    machines: Machines,
    alone: Settings,
    guarding: Guarding | None = None,
) -> Applied:
    """Make *change*, and in the same commit what the states that depend on it do about it.

    Args:
        alone: *settings* with ``alone_with(machines)``, which a caller makes once for all its changes.

    Raises:
        DependentMachineError: One of them is driven by a machine that is not among *machines*.
        DocumentTooLargeError: All of it is larger than the store takes in one commit; nothing was sent.
        OutcomeUnknownError: The deadline passed while the store may or may not have applied it.
        TaiStateError: The change was refused, or failed; nothing was written.
    """
    applied: Applied | None = None
    if not change.depends_on:
        # Nearly all changes concern their own state alone; which ones do is seen when they are decided.
        try:
            applied = runtime.writer.write(change, alone, deadline, guarding)
        except NotAloneError:
            applied = None
    if applied is None:
        # Imported here: a state that nothing depends on changes alone.
        from tai_state._sync.transactions.joint import JointChange  # noqa: PLC0415

        applied = JointChange(runtime, change, settings, machines).write(deadline, guarding)
    return _with_reaction(runtime, change, applied, deadline) if applied.replayed else applied


def _with_reaction(runtime: Runtime, change: Change, applied: Applied, deadline: Deadline) -> Applied:
    """Return the repeated start of a state that reacted at once as its first caller saw it."""
    if change.kind != "start" or not applied.event.depends_on:
        return applied
    after = runtime.history.event(change.paths, applied.event.version + 1, deadline)
    at_once = after is not None and after.kind == "reaction" and after.committed_at == applied.event.committed_at
    return replace(applied, record=after.state()) if after is not None and at_once else applied
