# Generated from tai_state/_async/jobs/states.py by .ci/generate_sync.py; do not edit.
"""The states that jobs are: how they are changed."""
from collections.abc import Iterable
from typing import Any

from tai_state._sync.api.store import StateStore
from tai_state._sync.due.states import DueStates
from tai_state.machine import Machine
from tai_state.rules.commits.kinds import Call
from tai_state.rules.jobs.places import Queue


class JobStates(DueStates):
    """A persister of one queue's jobs."""

    def __init__(self, store: StateStore, queue: Queue, machines: Iterable[Machine[Any]]) -> None:
        """Keep the jobs of *queue* in *store*; *machines* move what depends on them."""
        super().__init__(store, queue.machine, machines=machines)
        self.queue = queue

    def call(self, job_id: str) -> Call:
        """Return what each change of a job has."""
        return self._call(self.queue.governor_id, job_id, None, None, None)
