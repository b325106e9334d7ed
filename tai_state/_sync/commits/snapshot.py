# Generated from tai_state/_async/commits/snapshot.py by .ci/generate_sync.py; do not edit.
"""A snapshot made by hand: one commit that leaves the state's version as it is."""
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from tai_state._sync.access.access import Access
from tai_state._sync.commits.protocol import Settlement, Settled, commit_once
from tai_state._sync.history.reader import HistoryReader
from tai_state._platform.interrupts import shield
from tai_state.clock import Deadline, TimeLimit
from tai_state.config import Maintenance
from tai_state.documents import CommitResult
from tai_state.errors import CorruptLogError, OutcomeUnknownError, PreconditionFailedError, StateNotFoundError
from tai_state.layout import StateLayout
from tai_state.rules.commits.change import Settings
from tai_state.rules.commits.settle import Outcome, settle_snapshot, unknown_snapshot
from tai_state.rules.history.snapshots import add_snapshot
from tai_state.rules.records.documents import read_state, state_put, was_altered
from tai_state.rules.records.record import StateRecord

ShownT = TypeVar("ShownT")


def create_snapshot(
    access: Access,
    paths: StateLayout,
    settings: Settings,
    shown: Callable[[StateRecord], ShownT],
    timeout: TimeLimit,
) -> ShownT:
    """Keep a snapshot of the state as it is; the oldest beyond the retention goes in the same commit.

    The state's version stays: only its maintenance marks change. A second call at one version changes nothing.

    Args:
        shown: Makes what is returned of the state, before anything is written: what it raises refuses the snapshot.

    Raises:
        StateNotFoundError: There is no state.
        OutcomeUnknownError: The time was over before the store told whether it is kept.
    """
    deadline = access.begin(timeout)
    retention = (settings.maintenance or Maintenance()).snapshot_retention

    def attempt() -> ShownT:
        record, based = state_to_write(access, paths, deadline)
        kept = shown(record)
        if record.version in record.marks.snapshots:
            return kept
        marked, writes = add_snapshot(paths, record, settings.encoding, retention)
        state = state_put(paths, marked, settings.encoding, based)

        def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            found = (access.read([paths.state], deadline)).get(paths.state)
            marks = None
            if found is not None:
                # One that was damaged when it was found still is, where nothing was written.
                with suppress(CorruptLogError):
                    marks = read_state(found, paths.governor_id, paths.state_id).marks
            outcome = settle_snapshot(record.version, based, found, marks, refused=refused)
            if outcome is not Outcome.APPLIED or found is None:
                return Settled(outcome)
            return Settled(outcome, CommitResult(found.update_time, {}))

        def unknown() -> OutcomeUnknownError:
            return unknown_snapshot(paths.governor_id, paths.state_id, record.version)

        shield(commit_once, access, [state, *writes], deadline, Settlement(read, unknown))
        return kept

    return access.retried(attempt, deadline, also=(PreconditionFailedError,), what="a snapshot")


def state_to_write(
    access: Access, paths: StateLayout, deadline: Deadline
) -> tuple[StateRecord, datetime | None]:
    """Return the state, and the update_time of its document; where that is missing or damaged, as its log tells.

    Raises:
        StateNotFoundError: There never was one.
        CorruptLogError: Nothing determines it.
    """
    document = (access.read([paths.state], deadline)).get(paths.state)
    damage = None
    if document is not None:
        try:
            return read_state(document, paths.governor_id, paths.state_id), document.update_time
        except CorruptLogError as error:
            if was_altered(error):
                raise
            damage = error
    rebuilt = HistoryReader(access).restored(paths, document, damage, deadline)
    if rebuilt is None:
        raise StateNotFoundError(paths.governor_id, paths.state_id)
    return rebuilt, document.update_time if document is not None else None
