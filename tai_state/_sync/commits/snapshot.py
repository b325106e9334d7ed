# Generated from tai_state/_async/commits/snapshot.py by .ci/generate_sync.py; do not edit.
"""A snapshot made by hand: one commit that leaves the state's version as it is."""
from tai_state._sync.access.access import Access
from tai_state._sync.commits.protocol import Settlement, Settled, commit_once
from tai_state._platform.interrupts import shield
from tai_state.clock import TimeLimit
from tai_state.config import Maintenance
from tai_state.documents import CommitResult
from tai_state.errors import OutcomeUnknownError, PreconditionFailedError, StateNotFoundError
from tai_state.layout import StateLayout
from tai_state.rules.commits.change import Settings
from tai_state.rules.commits.settle import Outcome, settle_snapshot, unknown_snapshot
from tai_state.rules.history.snapshots import add_snapshot
from tai_state.rules.records.documents import read_state, state_put
from tai_state.rules.records.record import StateRecord


def create_snapshot(
    access: Access, paths: StateLayout, settings: Settings, timeout: TimeLimit
) -> StateRecord:
    """Keep a snapshot of the state as it is; the oldest beyond the retention goes in the same commit.

    The state's version stays: only its maintenance marks change. A second call at one version changes nothing.

    Raises:
        StateNotFoundError: There is no state.
        OutcomeUnknownError: The time was over before the store told whether it is kept.
    """
    deadline = access.begin(timeout)
    retention = (settings.maintenance or Maintenance()).snapshot_retention

    def attempt() -> StateRecord:
        document = (access.read([paths.state], deadline)).get(paths.state)
        if document is None:
            raise StateNotFoundError(paths.governor_id, paths.state_id)
        record = read_state(document, paths.governor_id, paths.state_id)
        if record.version in record.marks.snapshots:
            return record
        marked, writes = add_snapshot(paths, record, settings.encoding, retention)
        state = state_put(paths, marked, settings.encoding, document.update_time)

        def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            found = (access.read([paths.state], deadline)).get(paths.state)
            marks = read_state(found, paths.governor_id, paths.state_id).marks if found is not None else None
            outcome = settle_snapshot(record.version, document.update_time, found, marks, refused=refused)
            if outcome is not Outcome.APPLIED or found is None:
                return Settled(outcome)
            return Settled(outcome, CommitResult(found.update_time, {}))

        def unknown() -> OutcomeUnknownError:
            return unknown_snapshot(paths.governor_id, paths.state_id, record.version)

        shield(commit_once, access, [state, *writes], deadline, Settlement(read, unknown))
        return record

    return access.retried(attempt, deadline, also=(PreconditionFailedError,), what="a snapshot")
