# Generated from tai_state/_async/jobs/looks.py by .ci/generate_sync.py; do not edit.
"""Looking for jobs: one query for all callers of this process that wait for one."""
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta

from tai_state._sync.access.damage import tell_damage
from tai_state._sync.access.turns import Lines
from tai_state._sync.jobs.priorities import Priorities
from tai_state._sync.runtime import Runtime
from tai_state.clock import Deadline
from tai_state.documents import Document, FieldEquals, FieldRange, Query
from tai_state.errors import CorruptLogError, ReplayError
from tai_state.frozen import quick_dataclass
from tai_state.layout import META, GovernorLayout, StateLayout, state_layout
from tai_state.rules.due.keys import shard_key
from tai_state.rules.jobs.finding import Found, judge
from tai_state.rules.jobs.places import Queue
from tai_state.rules.records.documents import owner_of, read_state
from tai_state.rules.records.record import StateRecord

_AHEAD = timedelta(seconds=1)
"""How far past what is known of the store's clock a look asks: what was just put there is not to be missed."""

_TOLD_SECONDS = 30.0
"""How long what a reply told of the store's clock is gone by: two clocks drift apart by milliseconds meanwhile."""

_KEPT_SECONDS = 0.05
"""How long what a look found is good for those who did not wait for it."""

_LEASES_SECONDS = 1.0
"""How often ended leases are looked for while jobs are found; where none are, with each look."""

_SPREAD_MAX = 32

_PAGE_MIN = 4


@quick_dataclass(frozen=True, slots=True)
class Seen:
    """A job as it was found, and what may be done with it."""

    what: Found
    paths: StateLayout
    record: StateRecord
    update_time: datetime


class Looks:
    """What this process has found of one queue and not yet given to a caller."""

    def __init__(self, runtime: Runtime, queue: Queue, priorities: Priorities) -> None:
        """Know of nothing yet."""
        self._runtime = runtime
        self._queue = queue
        self._priorities = priorities
        self._states = GovernorLayout(queue.governor_id).states
        self._lines = Lines()
        self._found: deque[Seen] = deque()
        self._found_at = 0.0
        # Looks are counted: the last one that began, and the last one that found nothing.
        self._begun = 0
        self._in_vain = 0
        self._leases_at: float | None = None
        self._spread = 1

    def next(self, deadline: Deadline) -> Seen | None:
        """Return a job that may be claimed, or whose lease has ended; None where there is none.

        Raises:
            DeadlineExceededError: The time was over before the store told.
        """
        came = self._begun
        turn = self._lines.turn(self._queue.name, deadline)
        with turn:
            if self._monotonic() - self._found_at > _KEPT_SECONDS:
                self._found.clear()
            if not self._found:
                if self._in_vain > came:
                    return None  # a look that began since found nothing
                self._look(len(turn.line), deadline)
            return self._found.popleft() if self._found else None

    def won(self) -> None:
        """Note that what was found was still so."""
        self._spread = max(1, self._spread - 1)

    def lost(self) -> None:
        """Note that another process was quicker: pick among more from now on, so that not all race for one."""
        self._spread = min(_SPREAD_MAX, self._spread * 2)

    def expired(self, deadline: Deadline) -> Iterator[Seen]:
        """Iterate over the jobs whose leases have ended."""
        told = self._told(deadline)
        for seen in self._due(self._queue.leases, told, _SPREAD_MAX, deadline):
            if seen.what is Found.EXPIRED:
                yield seen

    def _monotonic(self) -> float:
        return self._runtime.access.clock.monotonic()

    def _look(self, callers: int, deadline: Deadline) -> None:
        """Find a job for each of *callers*, where there are so many."""
        self._begun += 1
        number = self._begun
        told = self._told(deadline)
        now = self._monotonic()
        found: list[Seen] = []
        # What ended comes first: it is quickly put back, and may have been the only attempt under way.
        asks_leases = self._leases_at is None or now - self._leases_at >= _LEASES_SECONDS
        if asks_leases:
            found += self._leases(callers, told, deadline)
        is_fresh = self._priorities.is_fresh()
        if not is_fresh:
            self._priorities.read(deadline)
        found += self._queued(callers - len(found), told, deadline)
        if not found:
            if not asks_leases:
                found += self._leases(callers, told, deadline)
            if is_fresh and self._priorities.read(deadline):
                found += self._queued(callers, told, deadline)
        self._found.extend(found)
        self._found_at = self._monotonic()
        if not found:
            self._in_vain = number

    def _leases(self, most: int, told: datetime, deadline: Deadline) -> list[Seen]:
        self._leases_at = self._monotonic()
        return self._some(self._queue.leases, Found.EXPIRED, most, told, deadline)

    def _queued(self, most: int, told: datetime, deadline: Deadline) -> list[Seen]:
        """Return the first that may be claimed, those of the highest priority first."""
        found: list[Seen] = []
        for priority in self._priorities.known:
            if len(found) >= most:
                break
            wanted = most - len(found)
            lane = self._some(
                self._queue.lane(priority), Found.CLAIMABLE, wanted + self._spread - 1, told, deadline
            )
            if self._spread > 1:
                self._runtime.access.rng.shuffle(lane)
            found += lane[:wanted]
        return found

    def _some(self, name: str, what: Found, most: int, told: datetime, deadline: Deadline) -> list[Seen]:
        """Return the first *most* under a key that are *what* is looked for."""
        found: list[Seen] = []
        early: list[Seen] = []
        if most <= 0:
            return found
        for seen in self._due(name, told, most, deadline):
            if seen.what is what:
                found.append(seen)
                if len(found) == most:
                    return found
            elif seen.what is Found.EARLY:
                early.append(seen)
        if not found and early:
            # Perhaps it has come by now: nobody is told that there is nothing by what the clock was.
            told = self._runtime.access.server_time(deadline)
            found = [seen for one in early if (seen := _judged(one, told)).what is what]
        return found[:most]

    def _due(self, name: str, told: datetime, page: int, deadline: Deadline) -> Iterator[Seen]:
        """Iterate over what is due under a key, or is within a second; what cannot be read is stepped past."""
        origin = self._origin(deadline)
        if origin is None:
            return
        query: Query | None = Query(
            collection="states",
            equal=(FieldEquals("due_key", shard_key(origin, name, 0)),),
            within=FieldRange("due_at", below=told + _AHEAD),
            is_group=True,
        )
        size = max(page, _PAGE_MIN)
        while query is not None:
            documents: list[Document] = []
            for document in self._runtime.access.query(query, limit=size, timeout=deadline):
                documents.append(document)  # noqa: PERF401 - a comprehension has no twin
            for document in documents:
                seen = self._seen(document, told)
                if seen is not None:
                    yield seen
            # Only what cannot be claimed yet, or by us, leads here: it must not stand before all others.
            query = query.behind(documents[-1]) if len(documents) == size else None

    def _seen(self, document: Document, told: datetime) -> Seen | None:
        if document.path.collection != self._states:
            return None
        try:
            paths = state_layout(self._queue.governor_id, owner_of(document, self._queue.governor_id))
            record = read_state(document, paths.governor_id, paths.state_id)
        except ReplayError as error:
            if isinstance(error, CorruptLogError):
                tell_damage(error)
            return None
        return Seen(judge(record, document.update_time, told), paths, record, document.update_time)

    def _told(self, deadline: Deadline) -> datetime:
        """Return what the store's clock has reached."""
        access = self._runtime.access
        now, heard = access.clock.monotonic(), access.store_time.heard
        told = access.store_time.now(now)
        return told if told is not None and now - heard < _TOLD_SECONDS else access.server_time(deadline)

    def _origin(self, deadline: Deadline) -> str | None:
        """Return the store's id; None where nothing was ever written to it."""
        writer = self._runtime.writer
        if writer.origin is None:
            writer.learn_origin(self._runtime.access.read([META], deadline))
        return writer.origin


def _judged(seen: Seen, told: datetime) -> Seen:
    return Seen(judge(seen.record, seen.update_time, told), seen.paths, seen.record, seen.update_time)
