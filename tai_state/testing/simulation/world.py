"""The world of a simulated run: one store that all processes share, its clock, and the trace of what happened."""

import hashlib
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tai_state._async.backends.memory import AsyncMemoryBackend
from tai_state.documents import CommitResult, Put, Write
from tai_state.layout import escape
from tai_state.rules.locking.leases import lease_path
from tai_state.testing.clock import ManualClock
from tai_state.testing.simulation.failure import BrokenError
from tai_state.testing.simulation.plan import VAULT

_EVENTS = "/events"
_PLANT_SECONDS = 10.0
_VAULT_EVENTS = f"governors/{VAULT}{_EVENTS}"


def marks_of(writes: Sequence[Write]) -> list[str]:
    """Return the marks of the requests whose events are among *writes*: the reason of each change."""
    return [write.fields["metadata"]["reason"] for write in _events(writes)]


def _events(writes: Sequence[Write]) -> list[Put]:
    return [write for write in writes if isinstance(write, Put) and write.path.collection.endswith(_EVENTS)]


class Trace:
    """What happened, in order; two runs of one seed have the same."""

    def __init__(self, clock: ManualClock) -> None:
        """Begin empty."""
        self._clock = clock
        self._notes: list[tuple[Any, ...]] = []

    def note(self, *what: Any) -> None:
        """Note *what* happened now; of plain values, so that two processes write it alike."""
        self._notes.append((self._clock.monotonic(), *what))

    def lines(self) -> list[str]:
        """Return a line for each note."""
        return [f"{moment:.6f} {' '.join(map(str, what))}" for moment, *what in self._notes]

    def digest(self) -> str:
        """Return what tells two traces apart."""
        return hashlib.sha256("\n".join(self.lines()).encode()).hexdigest()


class SkewedClock:
    """A process's clock: its wall is off by some seconds, more or less with each jump, and time passes as for all."""

    def __init__(self, clock: ManualClock, skew: float) -> None:
        """Be off by *skew* seconds."""
        self._clock = clock
        self._skew = timedelta(seconds=skew)

    def now(self) -> datetime:
        """Return this process's wall clock."""
        return self._clock.now() + self._skew

    def monotonic(self) -> float:
        """Return the elapsed seconds."""
        return self._clock.monotonic()

    def jump(self, seconds: float) -> None:
        """Set the wall clock ahead, or back by negative *seconds*."""
        self._skew += timedelta(seconds=seconds)


class JumpingClock:
    """The store's clock: time passes as for all, and now and then more of it at once."""

    def __init__(self, clock: ManualClock) -> None:
        """Go on with *clock*."""
        self._clock = clock
        self._ahead = 0.0

    def now(self) -> datetime:
        """Return the time."""
        return self._clock.now() + timedelta(seconds=self._ahead)

    def monotonic(self) -> float:
        """Return the elapsed seconds."""
        return self._clock.monotonic() + self._ahead

    def jump(self, seconds: float) -> None:
        """Let *seconds* have passed."""
        self._ahead += seconds


class Ticks:
    """A clock that tells the order of moments alone: each is later than the one before."""

    def __init__(self) -> None:
        """Begin at 0."""
        self._ticks = 0

    def now(self) -> datetime:
        """Return the last moment, as if ticks were seconds."""
        return datetime.fromtimestamp(self._ticks, UTC)

    def monotonic(self) -> float:
        """Return the next moment."""
        self._ticks += 1
        return float(self._ticks)


class SharedMemory(AsyncMemoryBackend):
    """The store that the processes share; it notes what was committed, and judges guarded commits."""

    def __init__(self, clock: ManualClock, trace: Trace) -> None:
        """Hold nothing."""
        self.clock = JumpingClock(clock)
        super().__init__(clock=self.clock, watch_clock=clock)
        self.marks: Counter[str] = Counter()
        """How often a change with each mark was committed."""
        self.commits = 0
        self.broken: BrokenError | None = None
        """The first invariant that a commit broke."""
        self._trace = trace

    async def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        """Apply *writes*, and note it."""
        result = await super().commit(writes, timeout=timeout)
        self.commits += 1
        marks = marks_of(writes)
        self.marks.update(marks)
        self._trace.note("committed", *marks, *(str(write.path) for write in writes))
        for event in _events(writes):
            self._check_guard(event)
        return result

    async def plant(self, write: Put) -> None:
        """Write what is no client's."""
        await super().commit([write], timeout=_PLANT_SECONDS)

    def _check_guard(self, event: Put) -> None:
        """See that a change behind a lock was made by who holds it, at the moment at which it was made."""
        if event.path.collection != _VAULT_EVENTS or event.fields["fencing_token"] is None:
            return
        resource = event.fields["state_id"]
        tokens = {one["resource"]: one["token"] for one in event.fields["fences"]}
        token = tokens[escape(resource)]
        path = lease_path(resource)
        lease = self._engine.read([path]).documents[path].fields
        if lease["fencing_token"] != token or lease["holder"] is None:
            told = f"{event.path} was written under token {token}, the lease is {lease}"
            self.broken = self.broken or BrokenError("guarded writes", told)


@dataclass(slots=True)
class World:
    """What all parts of one run share."""

    seed: int
    clock: ManualClock
    trace: Trace
    memory: SharedMemory
    ticks: Ticks
    jumped_at: float = 0.0
    """When the store's clock jumped last, in ticks."""

    def rng(self, purpose: str) -> random.Random:
        """Return a source of randomness for one purpose."""
        return random.Random(f"{self.seed}/{purpose}")  # noqa: S311 - repeatable on purpose

    @classmethod
    def made(cls, seed: int) -> "World":
        """Return a new world."""
        clock = ManualClock()
        trace = Trace(clock)
        return cls(seed, clock, trace, SharedMemory(clock, trace), Ticks())
