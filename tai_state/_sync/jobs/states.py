# Generated from tai_state/_async/jobs/states.py by .ci/generate_sync.py; do not edit.
"""The states that jobs are: how they are changed."""
from collections.abc import Iterable
from typing import Any

from tai_state._sync.access import inflight
from tai_state._sync.api.persister import StateMachinePersister
from tai_state._sync.api.store import StateStore
from tai_state._sync.runtime import Runtime
from tai_state._sync.transactions import reactions
from tai_state.clock import Span
from tai_state.machine import Machine
from tai_state.rules.commits.change import Change
from tai_state.rules.commits.kinds import Call
from tai_state.rules.jobs.places import Queue
from tai_state.rules.records.record import StateRecord


class JobStates(StateMachinePersister[dict[str, Any]]):
    """A persister of one queue's jobs, to which other changes are given than a machine's moves."""

    def __init__(self, store: StateStore, queue: Queue, machines: Iterable[Machine[Any]]) -> None:
        """Keep the jobs of *queue* in *store*; *machines* move what depends on them."""
        super().__init__(store, queue.machine, machines=machines)
        self.queue = queue

    @property
    def runtime(self) -> Runtime:
        """The inside of the store."""
        return self._runtime

    def call(self, job_id: str) -> Call:
        """Return what each change of a job has."""
        return self._call(self.queue.governor_id, job_id, None, None, None)

    def write(self, change: Change, timeout: Span) -> StateRecord:
        """Make *change* in one commit with its event, and return the job as it left it: no models are made of it."""
        deadline = self._runtime.access.begin(timeout)
        paths = change.paths
        with inflight.Call(self._inflight, change.kind, paths.governor_id, paths.state_id, is_new=True):
            applied = reactions.write(
                self._runtime,
                change,
                deadline,
                settings=self.settings,
                machines=self.machines,
                alone=self._alone,
            )
        return applied.record
