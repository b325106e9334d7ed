"""The states that jobs are: how they are changed."""

from collections.abc import Iterable
from typing import Any

from tai_state._async.access import inflight
from tai_state._async.api.persister import AsyncStateMachinePersister
from tai_state._async.api.store import AsyncStateStore
from tai_state._async.runtime import AsyncRuntime
from tai_state._async.transactions import reactions
from tai_state.clock import Span
from tai_state.machine import Machine
from tai_state.rules.commits.change import Change
from tai_state.rules.commits.kinds import Call
from tai_state.rules.jobs.places import Queue
from tai_state.rules.records.record import StateRecord


class AsyncJobStates(AsyncStateMachinePersister[dict[str, Any]]):
    """A persister of one queue's jobs, to which other changes are given than a machine's moves."""

    def __init__(self, store: AsyncStateStore, queue: Queue, machines: Iterable[Machine[Any]]) -> None:
        """Keep the jobs of *queue* in *store*; *machines* move what depends on them."""
        super().__init__(store, queue.machine, machines=machines)
        self.queue = queue

    @property
    def runtime(self) -> AsyncRuntime:
        """The inside of the store."""
        return self._runtime

    def call(self, job_id: str) -> Call:
        """Return what each change of a job has."""
        return self._call(self.queue.governor_id, job_id, None, None, None)

    async def write(self, change: Change, timeout: Span) -> StateRecord:
        """Make *change* in one commit with its event, and return the job as it left it: no models are made of it."""
        deadline = self._runtime.access.begin(timeout)
        paths = change.paths
        with inflight.AsyncCall(self._inflight, change.kind, paths.governor_id, paths.state_id, is_new=True):
            applied = await reactions.async_write(
                self._runtime,
                change,
                deadline,
                settings=self.settings,
                machines=self.machines,
                alone=self._alone,
            )
        return applied.record
