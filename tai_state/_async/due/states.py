"""States of the package's own that are due: how they are changed."""

from typing import Any

from tai_state._async.access import inflight
from tai_state._async.api.persister import AsyncStateMachinePersister
from tai_state._async.runtime import AsyncRuntime
from tai_state._async.transactions import reactions
from tai_state.clock import Span
from tai_state.rules.commits.change import Change
from tai_state.rules.records.record import StateRecord


class AsyncDueStates(AsyncStateMachinePersister[dict[str, Any]]):
    """A persister to which other changes are given than a machine's moves."""

    @property
    def runtime(self) -> AsyncRuntime:
        """The inside of the store."""
        return self._runtime

    async def write(self, change: Change, timeout: Span, *, is_new: bool = True) -> StateRecord:
        """Make *change* in one commit with its event, and return the state as it left it: no models are made of it.

        Args:
            is_new: Whether it is refused once the store is drained; else it is the end of what began before.
        """
        deadline = self._runtime.access.begin(timeout)
        paths = change.paths
        with inflight.AsyncCall(self._inflight, change.kind, paths.governor_id, paths.state_id, is_new=is_new):
            applied = await reactions.async_write(
                self._runtime,
                change,
                deadline,
                settings=self.settings,
                machines=self.machines,
                alone=self._alone,
            )
        return applied.record
