# Generated from tai_state/_async/due/states.py by .ci/generate_sync.py; do not edit.
"""States of the package's own that are due: how they are changed."""
from typing import Any

from tai_state._sync.access import inflight
from tai_state._sync.api.persister import StateMachinePersister
from tai_state._sync.runtime import Runtime
from tai_state._sync.transactions import reactions
from tai_state.clock import Span
from tai_state.rules.commits.change import Change
from tai_state.rules.records.record import StateRecord


class DueStates(StateMachinePersister[dict[str, Any]]):
    """A persister to which other changes are given than a machine's moves."""

    @property
    def runtime(self) -> Runtime:
        """The inside of the store."""
        return self._runtime

    def write(self, change: Change, timeout: Span, *, is_new: bool = True) -> StateRecord:
        """Make *change* in one commit with its event, and return the state as it left it: no models are made of it.

        Args:
            is_new: Whether it is refused once the store is drained; else it is the end of what began before.
        """
        deadline = self._runtime.access.begin(timeout)
        paths = change.paths
        with inflight.Call(self._inflight, change.kind, paths.governor_id, paths.state_id, is_new=is_new):
            applied = reactions.write(
                self._runtime,
                change,
                deadline,
                settings=self.settings,
                machines=self.machines,
                alone=self._alone,
            )
        return applied.record
