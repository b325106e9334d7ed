# Generated from tai_state/_async/jobs/priorities.py by .ci/generate_sync.py; do not edit.
"""Which priorities a queue has: what looks for its jobs has to know them all."""
from tai_state._sync.api.store import StateStore
from tai_state.clock import Deadline
from tai_state.errors import ConflictError
from tai_state.layout import state_layout
from tai_state.rules.jobs.places import SETTINGS_GOVERNOR, Queue, priorities_from, with_priority

FRESH_SECONDS = 1.0
"""How long what was read of them is good where jobs are found; where none are, they are read again."""


class Priorities:
    """The priorities of one queue, as this process knows them: 0, and those that a state of the store tells.

    They only ever become more. A queue whose jobs all have priority 0 has no such state.
    """

    def __init__(self, store: StateStore, queue: Queue) -> None:
        """Know of 0 alone."""
        self._store = store
        self._queue = queue
        self._known: tuple[int, ...] = (0,)
        self._read_at: float | None = None

    @property
    def known(self) -> tuple[int, ...]:
        """Those that are known, the highest first."""
        return self._known

    def is_fresh(self) -> bool:
        """Whether they were read a moment ago."""
        now = self._store.runtime.access.clock.monotonic()
        return self._read_at is not None and now - self._read_at < FRESH_SECONDS

    def read(self, deadline: Deadline) -> bool:
        """Read them, and return whether there are more than were known."""
        known = self._known
        self._stored(deadline)
        return self._known != known

    def add(self, priority: int, deadline: Deadline) -> None:
        """Let the queue have *priority* from now on, before a job is put there.

        Raises:
            InvalidDataError: There would be too many.
        """
        while priority not in self._known:
            version = self._stored(deadline)
            wanted = with_priority(self._known, priority)
            if wanted == self._known:
                return
            try:
                self._store.save_state(
                    SETTINGS_GOVERNOR,
                    self._queue.name,
                    {"priorities": list(wanted)},
                    expected_version=version,
                    timeout=deadline.at_most(deadline.seconds),
                )
            except ConflictError:
                continue  # somebody else added one: read it, and add ours beside it
            self._known = wanted

    def _stored(self, deadline: Deadline) -> int:
        """Read them, and return the version of the state that tells them; 0 where there is none."""
        runtime, paths = self._store.runtime, state_layout(SETTINGS_GOVERNOR, self._queue.name)
        asked = runtime.access.clock.monotonic()
        # Most queues have no such state, and need not pay for a search for one that was lost.
        record, damage = runtime.document(paths, deadline)
        if damage is not None:
            record = runtime.record(paths, deadline)
        self._read_at = asked
        if record is None or record.deleted:
            return 0
        self._known = tuple(sorted({*self._known, *priorities_from(record.data.value())}, reverse=True))
        return record.version
