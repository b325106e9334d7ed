"""Every state that a small machine can come to: walked breadth first, by the machine's pure decision alone."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from tai_state.config import check_count
from tai_state.errors import ConfigurationError, TransitionNotAllowedError
from tai_state.testing.invariants import (
    Invariant,
    Invariants,
    broken,
    check_actions,
    check_machine,
    moved,
    named_invariants,
    shown,
    stored,
)

if TYPE_CHECKING:
    from tai_state.codec import Payload
    from tai_state.machine import Machine

SHOWN_MAX = 20
"""How many dead ends and failures a report shows; all are counted."""

_PROGRESS_EVERY = 1_000

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many states were reached, and how many of them are still to be looked at."""


class Step(NamedTuple):
    """A move on a path: the action with its payload, and the status that it led to."""

    action: str
    payload: Any
    status: str


@dataclass(frozen=True, slots=True)
class Reached:
    """A state that was reached, and how: what an invariant is asked about.

    Attributes:
        data: As the machine's functions take it: a dict, or of its ``data_type``.
        version: Which it would have on this path, which is a shortest one; 1 at the start.
        start: The data that the path began with.
        path: The moves from there.
    """

    status: str
    data: Any
    version: int
    start: Any
    path: tuple[Step, ...]

    def __str__(self) -> str:
        """Tell the path, and where it ends."""
        steps = [f"start {self.start!r}"]
        steps += [f"{action} {'' if payload is None else f'{payload!r} '}-> {to}" for action, payload, to in self.path]
        return f"{'; '.join(steps)}; data {self.data!r}"


@dataclass(frozen=True, slots=True)
class Violation:
    """The first state, by the fewest moves, that breaks an invariant, and what the invariant said."""

    invariant: str
    state: Reached
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """A guard or apply that raised, or made what cannot be stored: from which state, by which action, and the error."""

    state: Reached
    action: str
    payload: Any
    error: Exception


class NeverMade(NamedTuple):
    """A move of the definition that no state came to make."""

    status: str
    action: str
    target: str
    guard: str | None


@dataclass(frozen=True, slots=True)
class Exploration:
    """What was found.

    Attributes:
        states: How many states there are: pairs of a status and data.
        moves: How many moves between them were made.
        statuses: How many of the states are in which status; 0 for one that was never reached.
        depth: How many moves the farthest state is away.
        is_complete: Whether every state was looked at: not where ``depth`` kept some away.
        dead_ends: States in a status that is not terminal, from which no action with any of the payloads leads: the
            first of them.
        dead_end_count: How many there are.
        never_made: Moves of the definition that no state made: what guards, data or payloads never allow.
        violations: By the invariant that is broken, a shortest path there.
        failures: The first errors that guards and applies raised; a machine of a store would raise them, too.
        failure_count: How many there were.
    """

    states: int
    moves: int
    statuses: dict[str, int]
    depth: int
    is_complete: bool
    dead_ends: tuple[Reached, ...]
    dead_end_count: int
    never_made: tuple[NeverMade, ...]
    violations: dict[str, Violation]
    failures: tuple[Failure, ...]
    failure_count: int

    @property
    def is_sound(self) -> bool:
        """Whether no invariant was broken, and nothing raised."""
        return not self.violations and not self.failure_count

    def __str__(self) -> str:
        """Tell all of it, a line each: what a failed assertion shows."""
        lines = [f"{self.states:,} states, {self.moves:,} moves, depth {self.depth:,}"]
        if not self.is_complete:
            lines[0] += ", not complete"
        lines += [
            f"broken: {one.invariant}: {one.detail + ': ' if one.detail else ''}{one.state}"
            for one in self.violations.values()
        ]
        lines += [
            f"raised: {one.action} {one.payload!r}: {type(one.error).__name__}: {one.error}: {one.state}"
            for one in self.failures
        ]
        lines += [f"dead end: {one}" for one in self.dead_ends]
        lines += [f"never reached: {status}" for status, count in self.statuses.items() if not count]
        lines += [
            f"never made: {one.status} --{one.action}--> {one.target}{f' [{one.guard}]' if one.guard else ''}"
            for one in self.never_made
        ]
        return "\n".join(lines)


class ExplorationLimitError(AssertionError):
    """There are more states than were to be looked at; what was found until then is ``exploration``."""

    def __init__(self, limit: int, exploration: Exploration) -> None:
        """Say how many, and what to do."""
        super().__init__(
            f"there are more than {limit:,} states: raise limit, bound the data or the payloads, or give a depth; "
            f"so far: {exploration}"
        )
        self.limit = limit
        self.exploration = exploration

    def __reduce__(self) -> tuple[type[ExplorationLimitError], tuple[int, Exploration]]:
        """Pickle what it was made of, not its message."""
        return type(self), (self.limit, self.exploration)


def explore(
    machine: Machine[Any],
    start_data: object = None,
    payloads: Mapping[str, Iterable[Any]] | None = None,
    invariants: Invariants = (),
    *,
    depth: int | None = None,
    limit: int = 100_000,
    progress: Progress | None = None,
) -> Exploration:
    """Walk every state that *machine* can come to from *start_data*, breadth first, and tell what was found.

    A state is a status with data; each action that its status allows is tried with each of its payloads, by the
    machine's guards and applies, which are pure. No store is needed, and time has no part in it: the action of a
    timeout is tried like any.

    What it holds of each state it has been to is a digest and its way there; data is held of those alone that are
    still to be looked at.

    Args:
        start_data: The data of a start; a list of them for several. None: an empty dict.
        payloads: By action, the payloads to try; None alone for an action that is not named.
        invariants: Functions of a state (its ``status``, ``data`` and ``version``) that must return True, by name, or
            each by its own. One that raises AssertionError is broken, too.
        depth: How many moves from the start to go at most; the exploration says whether that kept anything away.
        limit: How many states there may be.
        progress: Called now and then.

    Raises:
        ExplorationLimitError: There are more states than *limit*; it holds what was found until then.
        ConfigurationError: *machine* is no Machine, it has no action of that name, or an invariant is no function, or
            returned no bool.
        InvalidDataError: *start_data* cannot be stored, or does not fit the machine's ``data_type``.
    """
    check_machine(machine, "explore")
    tried = {action: list(some) for action, some in (payloads or {}).items()}
    check_actions(machine, tried)
    check_count(limit, "limit", least=1)
    if depth is not None:
        check_count(depth, "depth", least=0)
    walk = _Walk(machine, tried, named_invariants(invariants), limit)
    starts = start_data if isinstance(start_data, list) else [{} if start_data is None else start_data]
    if not starts:
        message = "start_data: an empty list holds no start"
        raise ConfigurationError(message)
    for one in starts:
        walk.reach(machine.initial, stored(machine, one), None)
    walk.run(depth, progress)
    return walk.report()


class _Visit(NamedTuple):
    """How a state was reached: from which one, by what, and how far it is; of a start, its data."""

    parent: int | None
    action: str
    payload: Any
    status: str
    distance: int
    start: Payload | None


@dataclass
class _Walk:
    machine: Machine[Any]
    payloads: dict[str, list[Any]]
    invariants: dict[str, Invariant]
    limit: int
    visits: list[_Visit] = field(default_factory=list)
    known: set[bytes] = field(default_factory=set)
    waiting: deque[tuple[int, Payload]] = field(default_factory=deque)
    violations: dict[str, Violation] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    failure_count: int = 0
    dead_ends: list[Reached] = field(default_factory=list)
    dead_end_count: int = 0
    moves: int = 0
    made: set[tuple[str, str, int]] = field(default_factory=set)
    is_complete: bool = True

    def reach(self, status: str, data: Payload, came: tuple[int, str, Any] | None) -> None:
        """Note a state; a new one is held against the invariants, and waits to be looked at.

        Raises:
            ExplorationLimitError: It is one too many.
        """
        name = status.encode()
        key = hashlib.blake2b(b"%d:%b%b" % (len(name), name, data.json), digest_size=16).digest()
        if key in self.known:
            return
        if len(self.visits) >= self.limit:
            self.is_complete = False
            raise ExplorationLimitError(self.limit, self.report())
        self.known.add(key)
        if came is None:
            visit = _Visit(None, "", None, status, 0, data)
        else:
            visit = _Visit(*came, status, self.visits[came[0]].distance + 1, None)
        self.visits.append(visit)
        number = len(self.visits) - 1
        self.waiting.append((number, data))
        for name_of, invariant in self.invariants.items():
            if name_of not in self.violations:
                self._judge(name_of, invariant, number, data)

    def _judge(self, name: str, invariant: Invariant, number: int, data: Payload) -> None:
        state = self.reached(number, data)
        detail = broken(name, invariant, state)
        if detail is not None:
            # Shown anew: the invariant may have changed what it was given.
            self.violations[name] = Violation(name, self.reached(number, data), detail)

    def run(self, depth: int | None, progress: Progress | None) -> None:
        """Look at what waits until nothing does."""
        looked = 0
        while self.waiting:
            number, data = self.waiting.popleft()
            if depth is not None and self.visits[number].distance >= depth:
                self.is_complete = self.is_complete and not self.machine.allowed(self.visits[number].status)
                continue
            self._look(number, data)
            looked += 1
            if progress is not None and (looked % _PROGRESS_EVERY == 0 or not self.waiting):
                progress(len(self.visits), len(self.waiting))

    def _look(self, number: int, data: Payload) -> None:
        status = self.visits[number].status
        is_stuck = True
        for action in self.machine.allowed(status):
            candidates = self.machine.candidates(status, action)
            for payload in self.payloads.get(action, (None,)):
                try:
                    move = moved(self.machine, status, data, action, payload)
                except TransitionNotAllowedError:
                    continue
                except Exception as error:  # noqa: BLE001 - whatever a guard or apply raises is what is looked for
                    is_stuck = False
                    self._note_failure(number, data, action, payload, error)
                    continue
                is_stuck = False
                self.moves += 1
                self.made.add((status, action, next(i for i, one in enumerate(candidates) if one is move.transition)))
                self.reach(move.status, move.data, (number, action, payload))
        if is_stuck and status not in self.machine.terminal:
            self.dead_end_count += 1
            if len(self.dead_ends) < SHOWN_MAX:
                self.dead_ends.append(self.reached(number, data))

    def _note_failure(self, number: int, data: Payload, action: str, payload: Any, error: Exception) -> None:
        self.failure_count += 1
        if len(self.failures) < SHOWN_MAX:
            self.failures.append(Failure(self.reached(number, data), action, payload, error))

    def reached(self, number: int, data: Payload) -> Reached:
        """Return a state with its way there."""
        steps: list[Step] = []
        visit = self.visits[number]
        while visit.parent is not None:
            steps.append(Step(visit.action, visit.payload, visit.status))
            visit = self.visits[visit.parent]
        assert visit.start is not None
        start, seen = shown(self.machine, visit.start), shown(self.machine, data)
        return Reached(self.visits[number].status, seen, len(steps) + 1, start, tuple(reversed(steps)))

    def report(self) -> Exploration:
        """Return what was found until now."""
        counts = Counter(visit.status for visit in self.visits)
        never = (
            NeverMade(status, action, one.target, one.guard_name)
            for status in self.machine.statuses
            for action in self.machine.allowed(status)
            for place, one in enumerate(self.machine.candidates(status, action))
            if (status, action, place) not in self.made
        )
        return Exploration(
            states=len(self.visits),
            moves=self.moves,
            statuses={status: counts[status] for status in self.machine.statuses},
            depth=max(visit.distance for visit in self.visits),
            is_complete=self.is_complete,
            dead_ends=tuple(self.dead_ends),
            dead_end_count=self.dead_end_count,
            never_made=tuple(never),
            violations=dict(self.violations),
            failures=tuple(self.failures),
            failure_count=self.failure_count,
        )
