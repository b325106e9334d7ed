# Generated from tai_state/_async/jobs/looks.py by .ci/generate_sync.py; do not edit.
"""Looking for jobs: one look for all callers of this process that wait for one."""
from collections.abc import Iterator

from tai_state._sync.access.turns import Lines
from tai_state._sync.jobs.finding import DueJobs, Look, Seen
from tai_state._sync.jobs.priorities import Priorities
from tai_state._sync.runtime import Runtime
from tai_state.clock import Deadline
from tai_state.documents import Cursor
from tai_state.frozen import quick_dataclass
from tai_state.rules.jobs.finding import Found
from tai_state.rules.jobs.places import Queue

_LEASES_SECONDS = 1.0
"""How often ended leases are looked for while jobs are found; where none are, with each look."""

_IN_HAND_SECONDS = 10.0
"""How long what was given to a caller is kept from others, should he never say what became of it."""

_END_SECONDS = 0.25
"""For how long looks go on where the last one ended, before one begins at the beginning of its lane again."""

_CROWD = 8
"""From how many callers on a look finds jobs for those who come next, too: they will be as many, and at once."""

_AHEAD = 3
"""How many of those come next, for each caller who waits: a query costs an engine more than a page that is longer."""

_AHEAD_MAX = 100

_AHEAD_SECONDS = 1.0
"""For how long what was found for them is good: as long as it may take until another process's priorities are seen."""

_SPREAD_MAX = 32

_CALLERS_MAX = 100


@quick_dataclass(frozen=True, slots=True)
class _Told:
    """What a caller is told who stood in line."""

    seen: Seen | None


@quick_dataclass(frozen=True, slots=True)
class _End:
    """Where the last look at a lane ended, and when the first of those looks began that went on from each other."""

    last: Cursor
    began: float


@quick_dataclass(frozen=True, slots=True)
class _Next:
    """What the last look found beside what it was asked for, and until when it is good."""

    seen: tuple[Seen, ...]
    until: float


class Looks:
    """Looks for the jobs of one queue, for all callers of this process together."""

    def __init__(self, runtime: Runtime, queue: Queue, priorities: Priorities) -> None:
        """Know of nothing yet."""
        self._clock = runtime.access.clock
        self._rng = runtime.access.rng
        self._queue = queue
        self._priorities = priorities
        self._due = DueJobs(runtime, queue)
        self._lines = Lines()
        self._leases_at: float | None = None
        self._spread = 1
        # What was given to callers who are about to claim it, and when; and where the last look at a lane ended.
        self._in_hand: dict[str, float] = {}
        self._ends: dict[str, _End] = {}
        self._next = _Next((), 0.0)

    def next(self, deadline: Deadline) -> Seen | None:
        """Return a job that may be claimed, or whose lease has ended; None where there is none.

        Whoever is first in line looks for all who stand behind him when he begins, and tells them.

        Raises:
            DeadlineExceededError: The time was over before the store told.
        """
        turn = self._lines.turn(self._queue.name, deadline, wish=self)
        with turn:
            if turn.answer is not None:
                assert isinstance(turn.answer, _Told)
                return turn.answer.seen
            others = self._lines.take(turn, _CALLERS_MAX - 1)
            callers = 1 + len(others)
            try:
                found = self._found_before(callers)
                if len(found) < callers:
                    found += self._look(callers - len(found), found, deadline)
            except BaseException:
                # What was found before is found again.
                self._ends.clear()
                self._lines.give_back(others)
                raise
            for seen in found:
                self._in_hand[seen.paths.state.id] = self._clock.monotonic()
            told = [_Told(seen) for seen in found] + [_Told(None)] * (1 + len(others) - len(found))
            self._lines.answer(list(zip(others, told[1:], strict=True)))
            return told[0].seen

    def done(self, seen: Seen) -> None:
        """Note that whoever was given *seen* has done with it what was to be done, or could not."""
        self._in_hand.pop(seen.paths.state.id, None)

    def put(self, priority: int) -> None:
        """Note that this process has put a job there: who comes next is given none of a lower priority before it."""
        if priority > self._priorities.known[-1]:
            self._forget()

    def won(self) -> None:
        """Note that what was found was still so."""
        self._spread = max(1, self._spread - 1)

    def lost(self) -> None:
        """Note that another process was quicker: pick among more from now on, so that not all race for one.

        What was found for those who come next is what that one is at, too.
        """
        self._spread = min(_SPREAD_MAX, self._spread * 2)
        self._forget()

    def _forget(self) -> None:
        """Let the next look begin where the lanes do."""
        self._next = _Next((), 0.0)
        self._ends.clear()

    def expired(self, deadline: Deadline) -> Iterator[Seen]:
        """Iterate over the jobs whose leases have ended."""
        look = Look(self._due.told(deadline), deadline)
        for seen in self._due.all(self._queue.leases, _CALLERS_MAX, look):
            if seen.what is Found.EXPIRED:
                yield seen

    def _found_before(self, callers: int) -> list[Seen]:
        """Return what the last look has found for those who come now."""
        found = self._next
        seen = found.seen if self._clock.monotonic() < found.until else ()
        self._next = _Next(seen[callers:], found.until)
        return list(seen[:callers])

    def _look(self, callers: int, found: list[Seen], deadline: Deadline) -> list[Seen]:
        """Find a job for each of *callers*, where there are so many, beside those that were *found* already."""
        now = self._clock.monotonic()
        # As of now: what is claimed while we look may be shown to us as it was before.
        hidden = self._hidden(now).union(seen.paths.state.id for seen in found)
        look = Look(self._due.told(deadline), deadline, hidden)
        expired: list[Seen] = []
        # What ended comes first: it is quickly put back, and may have been the only attempt under way.
        asks_leases = self._leases_at is None or now - self._leases_at >= _LEASES_SECONDS
        if asks_leases:
            expired = self._expired(callers, look)
        is_fresh = self._priorities.is_fresh()
        if not is_fresh:
            self._priorities.read(deadline)
        beside = min(_AHEAD * callers, _AHEAD_MAX) if callers >= _CROWD and self._spread == 1 else 0
        queued = self._queued(callers - len(expired), look, beside)
        if len(expired) + len(queued) < callers:
            # Nobody is told that there is nothing before all was looked at.
            if not asks_leases:
                expired = self._expired(callers - len(queued), look)
            if is_fresh and self._priorities.read(deadline):
                queued = self._queued(callers - len(expired), look)
        seen = expired + queued
        self._next = _Next(tuple(seen[callers:]), now + _AHEAD_SECONDS)
        return seen[:callers]

    def _hidden(self, now: float) -> frozenset[str]:
        hidden = set()
        for id_, given_at in self._in_hand.copy().items():
            if now - given_at < _IN_HAND_SECONDS:
                hidden.add(id_)
            else:
                self._in_hand.pop(id_, None)
        return frozenset(hidden)

    def _expired(self, most: int, look: Look) -> list[Seen]:
        self._leases_at = self._clock.monotonic()
        return self._due.first(self._queue.leases, most, look, what=Found.EXPIRED)

    def _queued(self, least: int, look: Look, beside: int = 0) -> list[Seen]:
        """Return the first that may be claimed, those of the highest priority first.

        Args:
            least: How many are looked for in all lanes.
            beside: How many more are taken of the lane in which the last of those is, where that costs no query more.
        """
        found: list[Seen] = []
        for priority in self._priorities.known:
            wanted = least - len(found)
            if wanted <= 0:
                break
            lane = self._lane(self._queue.lane(priority), wanted + self._spread - 1, look, beside)
            if self._spread > 1:
                self._rng.shuffle(lane)
            found += lane[: wanted + beside]
        return found

    def _lane(self, name: str, least: int, look: Look, beside: int) -> list[Seen]:
        """Return the first *least* of a lane that may be claimed and are in nobody's hand, and those *beside* them.

        While others of this process are about to claim what the last look found, the next one begins where that ended:
        it need not step past all of that again.
        """
        end, now = self._ends.get(name), self._clock.monotonic()
        if end is not None and (not look.hidden or now - end.began >= _END_SECONDS):
            end = None
        found: list[Seen] = []
        if end is not None:
            found = self._due.first(name, least + beside, look, what=Found.CLAIMABLE, after=end.last)
        if len(found) < least:
            end, found = None, self._due.first(name, least + beside, look, what=Found.CLAIMABLE)
        if found:
            last = found[-1]
            self._ends[name] = _End(Cursor(last.paths.state, last.record.due_at), now if end is None else end.began)
        return found
