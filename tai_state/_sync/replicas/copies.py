# Generated from tai_state/_async/replicas/copies.py by .ci/generate_sync.py; do not edit.
"""The copies of another store's states that a store has, and as of when they are all that the other one had."""
from datetime import datetime, timedelta
from typing import NamedTuple

from tai_state._sync.replicas.side import AGAIN
from tai_state._sync.runtime import Runtime
from tai_state.clock import Deadline, Span
from tai_state.documents import DocumentPath
from tai_state.errors import CorruptLogError
from tai_state.heads import HeadCache
from tai_state.layout import REPLICAS, GovernorLayout, StateLayout
from tai_state.rules.records.again import read_state_again
from tai_state.rules.records.record import StateRecord
from tai_state.rules.replicas.caught_up import CaughtUp, mark_path, marks_of, read_mark
from tai_state.rules.replicas.standing import knows

_CONFIRMED_MAX = 10_000
"""Of how many states it is remembered as of when they were last held against the other store."""


class Copy(NamedTuple):
    """What a store has of a state, and how old that is.

    Attributes:
        record: The state; None where there is none.
        is_rebuilt: Whether it was made of its events, its document being lost or damaged.
        moment: When it was read, by the clock of its store.
        as_of: It knows of all that the other store had acknowledged by then, by the same clock; None: nobody knows.
    """

    record: StateRecord | None
    is_rebuilt: bool
    moment: datetime
    as_of: datetime | None

    @property
    def age(self) -> timedelta | None:
        """How old it is at most; None: nobody knows."""
        return None if self.as_of is None else max(self.moment - self.as_of, timedelta())


class Copies:
    """The local half of what is read of two stores."""

    def __init__(self, runtime: Runtime) -> None:
        """Read through *runtime*, and remember nothing yet."""
        self.runtime = runtime
        self._confirmed: HeadCache[tuple[datetime, dict[str, int]]] = HeadCache(_CONFIRMED_MAX)

    def look(self, paths: StateLayout, store_id: str | None, deadline: Deadline) -> Copy:
        """Return the copy of a state.

        Args:
            store_id: The other store; None: it has not said yet which one it is. Then it is the one that this store
                was ever brought together with, where there is one alone.

        Raises:
            CorruptLogError: It is damaged, and cannot be rebuilt.
        """
        access = self.runtime.access
        place = self._only_mark(paths.governor, deadline) if store_id is None else None
        place = mark_path(paths.governor, store_id) if store_id is not None else place
        # As of one moment: a mark that is newer than the state would say that of it which is not so.
        read = access.read([paths.state, *([] if place is None else [place])], deadline)
        mark = None if place is None else read_mark(read.get(place))
        document = read.get(paths.state)
        try:
            record = None if document is None else read_state_again(document, paths.governor_id, paths.state_id)
        except CorruptLogError:
            record = None
        if record is not None and record.is_made:
            return Copy(record, False, read.read_time, self._as_of(paths, record, mark))  # noqa: FBT003 - by its place
        # Where its document is lost, what is rebuilt of it is as old as its last event.
        found = self.runtime.find(paths, deadline)
        if found is not None:
            return Copy(found.record, found.recovered, read.read_time, None)
        return Copy(None, False, read.read_time, self._as_of(paths, None, mark))  # noqa: FBT003 - as above

    def _only_mark(self, governor: GovernorLayout, deadline: Deadline) -> DocumentPath | None:
        low, high = marks_of(governor)
        scan = self.runtime.access.scan(REPLICAS, start=low, stop=high, limit=2, timeout=deadline)
        found = [one.path for one in scan]
        return found[0] if len(found) == 1 else None

    def _as_of(self, paths: StateLayout, record: StateRecord | None, mark: CaughtUp | None) -> datetime | None:
        times: list[datetime] = []
        if mark is not None and paths.stored_id not in mark.left:
            times.append(mark.as_of)
        confirmed = self._confirmed.get(paths.state)
        # Not of a file that was put back from a backup: it knows less than was confirmed.
        if confirmed is not None and knows({} if record is None else record.causality, confirmed[1]):
            times.append(confirmed[0])
        return max(times, default=None)

    def confirm(self, paths: StateLayout, clock: dict[str, int], as_of: datetime) -> None:
        """Remember that what the other store had of a state by some time, it and no more is known here.

        Args:
            clock: What that knows.
            as_of: The time, by the clock of this store.
        """
        order = int(as_of.timestamp() * 1_000_000)
        self._confirmed.put(paths.state, (as_of, clock), version=order, data_bytes=0)


def note_caught_up(
    runtime: Runtime, governor: GovernorLayout, mark: CaughtUp | None, timeout: Span
) -> None:
    """Write down as of when a store knows what another one has; what says more stays. None: nothing is written."""
    if mark is None:
        return
    access = runtime.access
    deadline = access.begin(timeout)
    path = mark_path(governor, mark.store_id)

    def attempt() -> None:
        found = (access.read([path], deadline)).get(path)
        known = read_mark(found)
        if known is None or known.as_of < mark.as_of:
            access.backend.commit([mark.put(path, found)], timeout=access.attempt_seconds(deadline))

    access.retried(attempt, deadline, also=AGAIN, what="how far two stores have come")
