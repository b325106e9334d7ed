"""Whether what clients were told of a state can be explained by one order of their calls (linearizability).

The check is that of Wing and Gong, Testing and Verifying Concurrent Objects, 1993, with Lowe's memory of the
configurations that were tried (Testing for linearizability, 2017), one key at a time: linearizability is local,
so a history is linearizable when each of its keys is.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import inf

STEPS_MAX = 5_000_000


@dataclass(frozen=True, slots=True)
class Read:
    """A call that reads the state."""


@dataclass(frozen=True, slots=True)
class Move:
    """A call that makes one change, told from every other by *mark*; *expected* is the version it insists on."""

    mark: str
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A reader's reply: the version, and the mark of the change that made it (0 and None: no state yet)."""

    version: int
    mark: str | None


@dataclass(frozen=True, slots=True)
class Moved:
    """A mover's reply: the change was made, and made *version*."""

    version: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A mover's reply: the state was at *version* (None: not told), another than was expected; nothing changed."""

    version: int | None = None


Call = Read | Move
Reply = Seen | Moved | Refused


@dataclass(frozen=True, slots=True)
class Operation:
    """One call of a client, from the time at which it was made to that of its reply.

    Without a reply (None) it may have taken effect at any time since it began, or never.
    """

    key: str
    client: str
    call: Call
    began: float
    ended: float = inf
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Violation:
    """A key whose operations no order explains.

    ``stuck`` are the operations one of which would have had to be next where the longest explanation ends.
    """

    key: str
    explained: int
    stuck: tuple[Operation, ...]

    def __str__(self) -> str:
        """Say what could not be explained."""
        told = "; ".join(f"{one.client}: {one.call} -> {one.reply}" for one in self.stuck)
        return f"{self.key!r}: no order explains what came after {self.explained} operations: {told}"


def violations(operations: Iterable[Operation]) -> list[Violation]:
    """Return one violation for each key that is not linearizable; an empty list: the history is.

    Raises:
        RuntimeError: A key could not be decided in STEPS_MAX steps: too many calls have no reply.
    """
    keys: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        keys[operation.key].append(operation)
    found = (_Search(key, of_key).run() for key, of_key in sorted(keys.items()))
    return [violation for violation in found if violation is not None]


@dataclass(frozen=True, slots=True)
class _State:
    """The sequential specification: a register with a version that rises by one with every change."""

    version: int = 0
    mark: str | None = None

    def after(self, operation: Operation) -> "_State | None":
        """Return the state behind *operation*; None when it could not have got its reply here."""
        call, reply = operation.call, operation.reply
        match call, reply:
            case Read(), None:
                return self
            case Read(), Seen(version, mark):
                return self if (version, mark) == (self.version, self.mark) else None
            case Move(), Refused(version):
                told = version is None or version == self.version
                return self if told and call.expected != self.version else None
            case Move(mark, expected), Moved() | None:
                if expected is not None and expected != self.version:
                    return None
                later = _State(self.version + 1, mark)
                return later if reply is None or reply == Moved(later.version) else None
            case _:
                message = f"{reply} is no reply to {call}"
                raise ValueError(message)


@dataclass(slots=True)
class _Step:
    """One operation put in its place, and what was true before: where a search that is stuck goes on."""

    index: int
    done: int
    state: _State


@dataclass(slots=True)
class _Search:
    """The search for an order of one key's operations."""

    key: str
    operations: Sequence[Operation]
    best: int = -1
    stuck: tuple[Operation, ...] = ()
    tried: set[tuple[int, _State]] = field(default_factory=set)

    def run(self) -> Violation | None:
        """Put the operations into an order, one by one; go back where none can be next."""
        # A reader without a reply tells nothing, and changes nothing.
        told = (one for one in self.operations if one.reply is not None or isinstance(one.call, Move))
        self.operations = sorted(told, key=lambda one: one.began)
        required = sum(1 << index for index, one in enumerate(self.operations) if one.reply is not None)
        order: list[_Step] = []
        done, state, first, after = 0, _State(), 0, -1
        for _ in range(STEPS_MAX):
            if done & required == required:
                return None
            while done >> first & 1:
                first += 1
            candidates = self._candidates(done, first)
            if len(order) > self.best:
                self.best, self.stuck = len(order), tuple(self.operations[index] for index in candidates)
            step = self._next(done, state, [index for index in candidates if index > after])
            if step is not None:
                index, later = step
                order.append(_Step(index, done, state))
                done, state, after = done | 1 << index, later, -1
                continue
            if not order:
                return Violation(self.key, self.best, self.stuck)
            last = order.pop()
            done, state, after, first = last.done, last.state, last.index, 0
        message = f"{self.key!r} could not be decided in {STEPS_MAX} steps"
        raise RuntimeError(message)

    def _next(self, done: int, state: _State, candidates: Sequence[int]) -> tuple[int, _State] | None:
        """Return the next operation that can come now, and the state it leaves, in a configuration not yet tried."""
        for index in candidates:
            later = state.after(self.operations[index])
            if later is None:
                continue
            configuration = (done | 1 << index, later)
            if configuration not in self.tried:
                self.tried.add(configuration)
                return index, later
        return None

    def _candidates(self, done: int, first: int) -> list[int]:
        """Return what may be next: what began before the first reply of all that is open."""
        found, horizon = [], inf
        for index in range(first, len(self.operations)):
            operation = self.operations[index]
            if operation.began > horizon:
                break
            if not done >> index & 1:
                found.append(index)
                horizon = min(horizon, operation.ended)
        return [index for index in found if self.operations[index].began <= horizon]
