"""Snapshots made by hand, and the list of those that are kept."""

from collections.abc import AsyncIterator

from tai_state._async.access.access import AsyncAccess
from tai_state.clock import TimeLimit
from tai_state.config import Maintenance
from tai_state.errors import PreconditionFailedError, StateNotFoundError
from tai_state.layout import StateLayout, versioned
from tai_state.rules.commits.change import Settings
from tai_state.rules.history.snapshots import add_snapshot, read_snapshot
from tai_state.rules.records.documents import read_state, state_put
from tai_state.rules.records.record import StateRecord


class AsyncSnapshots:
    """The snapshots of states."""

    def __init__(self, access: AsyncAccess) -> None:
        """Work through *access*."""
        self._access = access

    async def create(self, paths: StateLayout, settings: Settings, timeout: TimeLimit) -> StateRecord:
        """Keep a snapshot of the state as it is; the oldest beyond the retention goes in the same commit.

        The state's version stays: only its maintenance marks change. A second call at one version changes nothing.

        Raises:
            StateNotFoundError: There is no state.
        """
        deadline = self._access.begin(timeout)
        retention = (settings.maintenance or Maintenance()).snapshot_retention

        async def attempt() -> StateRecord:
            document = (await self._access.read([paths.state], deadline)).get(paths.state)
            if document is None:
                raise StateNotFoundError(paths.governor_id, paths.state_id)
            record = read_state(document, paths.governor_id, paths.state_id)
            if record.version in record.marks.snapshots:
                return record
            marked, writes = add_snapshot(paths, record, settings.encoding, retention)
            state = state_put(paths, marked, settings.encoding, document.update_time)
            seconds = self._access.attempt_seconds(deadline)
            # An ambiguous reply needs no settling: the snapshot's content is the same whoever wrote it, and the
            # next attempt finds its mark.
            await self._access.backend.commit([state, *writes], timeout=seconds)
            return record

        return await self._access.retried(attempt, deadline, also=(PreconditionFailedError,), what="a snapshot")

    async def list(self, paths: StateLayout, timeout: TimeLimit) -> AsyncIterator[StateRecord]:
        """Iterate over the snapshots that are kept, oldest first.

        Raises:
            CorruptLogError: One of them is damaged.
        """
        start, stop = versioned(paths.stored_id, 0), f"{paths.stored_id}A"
        async for document in self._access.scan(paths.governor.snapshots, start=start, stop=stop, timeout=timeout):
            yield read_snapshot(document, paths.governor_id, paths.state_id)
