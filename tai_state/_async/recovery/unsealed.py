"""Full runs of events that no change has sealed, since transactions seal nothing, or since it was put off."""

from tai_state._async.access.access import AsyncAccess
from tai_state._async.history.sealing import AsyncSealing
from tai_state._async.recovery.marking import async_marked
from tai_state.clock import Span
from tai_state.errors import PreconditionFailedError
from tai_state.layout import StateLayout
from tai_state.rules.commits.change import Settings
from tai_state.rules.commits.decide import sealed_state
from tai_state.rules.history.segments import segment_due
from tai_state.rules.records.documents import read_state
from tai_state.rules.records.record import StateRecord

_ATTEMPTS = 3
"""How often a run is sealed anew where a writer is faster; of a state that never rests the next run has its turn."""


class AsyncUnsealed:
    """Seals what is due, a run in one commit; what cannot be read is left as it is, for who repairs it."""

    def __init__(self, access: AsyncAccess, settings: Settings, timeout: Span) -> None:
        """Seal through *access*; *timeout* bounds each run."""
        self._access = access
        self._settings = settings
        self._timeout = timeout
        self._sealing = AsyncSealing(access)

    async def sealed(self, paths: StateLayout, record: StateRecord) -> StateRecord:
        """Seal the full runs of a state's events, and return the state as it is then."""
        maintenance = self._settings.maintenance
        attempts = _ATTEMPTS
        while attempts and maintenance is not None and segment_due(record, maintenance):
            deadline = self._access.begin(self._timeout)
            document = (await self._access.read([paths.state], deadline)).get(paths.state)
            if document is None:
                return record
            record = read_state(document, paths.governor_id, paths.state_id)
            segment = await self._sealing.due_segment(paths, record, maintenance, deadline, lambda _: ())
            if segment is None:
                return record
            sealed, put, others = sealed_state(paths, record, segment, document.update_time, self._settings)
            try:
                await async_marked(self._access, paths, put, others, deadline)
            except PreconditionFailedError:
                attempts -= 1
            else:
                record, attempts = sealed, _ATTEMPTS
        return record
