# Generated from tai_state/_async/commits/settling.py by .ci/generate_sync.py; do not edit.
"""How a change whose commit got no verdict is settled: by one read of its state and its event."""
from tai_state._sync.access.access import Access
from tai_state._sync.commits.protocol import Settled, settled_by
from tai_state._sync.history.reader import HistoryReader
from tai_state.clock import Deadline
from tai_state.documents import CommitResult
from tai_state.layout import StateLayout
from tai_state.rules.commits.change import Plan
from tai_state.rules.commits.settle import Outcome, settle


def settle_plan(
    access: Access,
    history: HistoryReader,
    paths: StateLayout,
    plan: Plan,
    deadline: Deadline,
    *,
    refused: bool,
) -> Settled:
    """Return what became of *plan*; *refused*: the last attempt met a precondition that did not hold."""
    event_path = paths.event(plan.event.version)
    read = access.read([paths.state, event_path], deadline)
    state, event = read.get(paths.state), read.get(event_path)
    outcome = settle(plan, state, event, refused=refused)
    if outcome is Outcome.UNKNOWN:
        # Sealed meanwhile, its document may have been removed.
        sealed = history.sealed_event(paths, plan.event.version, deadline)
        return settled_by(plan.event.transition_id, sealed)
    if outcome is not Outcome.APPLIED or event is None:
        return Settled(outcome)
    # The state as our commit left it has our commit's time. One of a later time may be at our version all the
    # same: a snapshot taken since has put its mark there, and our own record knows nothing of it.
    is_ours = state is not None and state.update_time == event.create_time
    return Settled(outcome, CommitResult(event.create_time, {paths.state: event.create_time} if is_ours else {}))
