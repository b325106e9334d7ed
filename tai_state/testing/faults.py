"""Which faults a store meets, and when: decided by a seed alone, without I/O."""

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from tai_state._platform.forks import anew_in_children
from tai_state.documents import DocumentPath, Write
from tai_state.errors import ConfigurationError
from tai_state.heads import HeadCache
from tai_state.rules.commits.change import Head

LATE_CALLS_MAX = 12
"""Behind how many further calls a commit that is under way arrives at the latest."""

ITEMS_BEFORE_FAILURE_MAX = 3


class SimulatedCrash(BaseException):
    """The process that used the store is dead: this unwinds it, and no call of it reaches the store any more.

    No Exception, so that no handler of errors takes it for one.
    """


class Fault(StrEnum):
    """What can happen to a call."""

    UNAVAILABLE = "unavailable"
    REQUEST_LOST = "request_lost"
    REPLY_LOST = "reply_lost"
    LATE = "late"
    DUPLICATE = "duplicate"
    TORN = "torn"
    STALE_HEAD = "stale_head"
    DELAY = "delay"
    CRASH = "crash"
    ABANDONED = "abandoned"
    """No fault of ours: a caller was cancelled, and the commit that it had sent arrives all the same."""


class Kind(StrEnum):
    """What kind of call it is, for the faults that only some can meet."""

    READ = "read"
    BATCH = "batch"  # several documents, which need not be as of one moment
    COMMIT = "commit"


_OF_KIND = {
    Kind.READ: (Fault.UNAVAILABLE,),
    Kind.BATCH: (Fault.UNAVAILABLE, Fault.TORN),
    Kind.COMMIT: (Fault.UNAVAILABLE, Fault.REQUEST_LOST, Fault.REPLY_LOST, Fault.LATE, Fault.DUPLICATE),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How often each fault comes: the share of the calls that meet it, from 0.0 to 1.0.

    Args:
        unavailable: The call fails before anything is done (of a scan, also in the middle).
        request_lost: A commit is not applied, and its outcome is ambiguous.
        reply_lost: A commit is applied, and its outcome is ambiguous.
        late: A commit is reported as ambiguous, and arrives later, behind other calls.
        duplicate: A commit arrives twice, the second time at once or later; the caller hears of the first.
        torn: Several documents that need not be read as of one moment are not.
        stale_head: The store's cache gives an older head of a state than it knows.
        delay: The call waits on its way, or its reply does.
        delay_seconds_max: How long at most; longer than its timeout is a call or a reply that is lost.
        crash: The process dies, before the call or behind it.
        crash_after: The process dies behind so many calls: the last one is applied, and its reply never comes.
            0: it dies at its first call. None: it does not.
    """

    unavailable: float = 0.0
    request_lost: float = 0.0
    reply_lost: float = 0.0
    late: float = 0.0
    duplicate: float = 0.0
    torn: float = 0.0
    stale_head: float = 0.0
    delay: float = 0.0
    delay_seconds_max: float = 0.05
    crash: float = 0.0
    crash_after: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no share, and no time.

        Raises:
            ConfigurationError: Names the field.
        """
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "crash_after":
                if value is not None and (type(value) is not int or value < 0):
                    message = f"crash_after must be a number of calls or None, not {value!r}"
                    raise ConfigurationError(message)
                continue
            most = 3600.0 if field.name == "delay_seconds_max" else 1.0
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
                message = f"{field.name} must be a number from 0 to {most:g}, not {value!r}"
                raise ConfigurationError(message)
        for kind, of_kind in _OF_KIND.items():
            total = sum(getattr(self, fault) for fault in of_kind)
            if total > 1:
                message = f"the faults of a {kind} add up to {total:g}, and cannot be more than 1"
                raise ConfigurationError(message)


SOME_FAULTS = Faults(
    unavailable=0.05,
    request_lost=0.05,
    reply_lost=0.05,
    late=0.02,
    duplicate=0.05,
    torn=0.05,
    stale_head=0.05,
    delay=0.02,
    delay_seconds_max=0.01,
)
"""Some of everything but crashes, which nobody survives."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to one call.

    Attributes:
        fault: What goes wrong with it, None for nothing.
        before, behind: The seconds that it waits on its way, and that its reply does.
        crash: Whether the process dies "before" it or "behind" it; None: it lives.
        late: Behind how many further calls a commit arrives (again).
        items: How many documents of a scan come before it fails.
    """

    fault: Fault | None = None
    before: float = 0.0
    behind: float = 0.0
    crash: str | None = None
    late: int = 0
    items: int = 0


class FaultPlan:
    """Decides the fate of each call in turn, and counts what was injected. Threads may share it."""

    def __init__(self, seed: int | str, faults: Faults) -> None:
        """Decide by *seed*: the same calls in the same order meet the same fates."""
        self.faults = faults
        self.calls = 0
        self._rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._injected: Counter[Fault] = Counter()
        self.begin_anew()
        anew_in_children(self)

    def begin_anew(self) -> None:
        """Be free: no thread of a fork's child is inside the lock, whoever was at that moment."""
        self._lock = threading.Lock()

    @property
    def injected(self) -> Counter[Fault]:
        """How often each fault was injected so far."""
        with self._lock:
            return Counter(self._injected)

    def note(self, fault: Fault) -> None:
        """Count one injected *fault*."""
        with self._lock:
            self._injected[fault] += 1

    def next(self, kind: Kind) -> Fate:
        """Return the fate of the next call."""
        with self._lock:
            self.calls += 1
            rng = self._rng
            fault = self._drawn(kind)
            before, behind = self._delays()
            return Fate(
                fault=fault,
                before=before,
                behind=behind,
                crash=self._crash(),
                late=rng.randint(0 if fault is Fault.DUPLICATE else 1, LATE_CALLS_MAX),
                items=rng.randint(0, ITEMS_BEFORE_FAILURE_MAX),
            )

    def stop(self) -> None:
        """Inject nothing from now on."""
        self.faults = Faults()

    def gives_older_head(self) -> bool:
        """Whether the cache is to give an older head now."""
        with self._lock:
            return self._rng.random() < self.faults.stale_head

    def _drawn(self, kind: Kind) -> Fault | None:
        roll = self._rng.random()
        for fault in _OF_KIND[kind]:
            roll -= getattr(self.faults, fault)
            if roll < 0:
                return fault
        return None

    def _delays(self) -> tuple[float, float]:
        if self._rng.random() >= self.faults.delay:
            return 0.0, 0.0
        seconds = self._rng.uniform(0, self.faults.delay_seconds_max)
        return (seconds, 0.0) if self._rng.random() < 0.5 else (0.0, seconds)  # noqa: PLR2004 - one or the other

    def _crash(self) -> str | None:
        if self.faults.crash_after is not None and self.calls >= self.faults.crash_after:
            return "before" if self.calls > self.faults.crash_after else "behind"
        roll = self._rng.random()
        if roll >= self.faults.crash:
            return None
        return "before" if roll < self.faults.crash / 2 else "behind"


class UnderWay:
    """Commits on their way to the store that nobody waits for any more. Threads may share it."""

    def __init__(self) -> None:
        """Begin with none."""
        self.begin_anew()
        anew_in_children(self)

    def begin_anew(self) -> None:
        """Send none: what a fork's child inherited is on its way from the parent, and arrives once."""
        self._commits: list[tuple[int, tuple[Write, ...]]] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._commits)

    def send(self, writes: Sequence[Write], arrives: int) -> None:
        """Let *writes* arrive with call number *arrives*."""
        with self._lock:
            self._commits.append((arrives, tuple(writes)))

    def take(self, call: int | None = None) -> tuple[Write, ...] | None:
        """Return the writes of one commit that arrives with *call* or before it (None: of any), None for none."""
        with self._lock:
            for index, (arrives, writes) in enumerate(self._commits):
                if call is None or arrives <= call:
                    del self._commits[index]
                    return writes
        return None


class StaleHeadCache(HeadCache[Head]):
    """A cache of heads that now and then gives an older one than it knows, as that of another process might."""

    def __init__(self, size_max: int, plan: FaultPlan) -> None:
        """Keep at most *size_max* heads; *plan* says when an older one is given."""
        super().__init__(size_max)
        self._kept_max = size_max
        self._plan = plan

    def begin_anew(self) -> None:
        """Keep none, and remember none."""
        super().begin_anew()
        self._kept: dict[DocumentPath, tuple[Head, Head | None]] = {}

    def get(self, path: DocumentPath) -> Head | None:
        """Return the head last seen at *path*, or the one seen before it."""
        return self._or_older(path, super().get(path))

    def take(self, path: DocumentPath) -> Head | None:
        """Return what ``get`` does, and keep it no more."""
        return self._or_older(path, super().take(path))

    def _or_older(self, path: DocumentPath, known: Head | None) -> Head | None:
        _, older = self._kept.get(path, (None, None))
        if older is None or not self._plan.gives_older_head():
            return known
        self._plan.note(Fault.STALE_HEAD)
        return older

    def put(self, path: DocumentPath, head: Head, *, version: int, data_bytes: int) -> None:
        """Keep *head*, and remember the one before it."""
        super().put(path, head, version=version, data_bytes=data_bytes)
        last, _ = self._kept.get(path, (None, None))
        if last is None or last.record.version < head.record.version:
            if len(self._kept) >= self._kept_max:
                self._kept.clear()
            self._kept[path] = (head, last)
