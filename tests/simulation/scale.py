"""Five hundred instances on paper: ``python -m tests.simulation.scale`` prints the table of docs/scale.md.

A discrete simulation (simpy), seeded. It is a model and no measurement: what Google says of one document (a write a
second) and of one index that rises with time (500 a second) are hard limits here, latencies are round numbers, and
an instance does what the package does: callers of one state take turns, a refused commit reads again after a wait with
full jitter, and whoever has the turn carries along those who stand behind it, unless it was refused once.
"""

import random
from collections import defaultdict, deque
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import simpy

from tai_state import RetryPolicy
from tai_state._async.commits.coalescing import CHANGES_MAX
from tai_state.scale.limits import DOCUMENT_WRITES_PER_SECOND, MONOTONIC_WRITES_PER_SECOND
from tai_state.telemetry.tallies import quantile

INSTANCES = 500
SEED = 20
READ_SECONDS, COMMIT_SECONDS = 0.01, 0.03
WARM_SHARE = 1 / 3
POLICY = RetryPolicy()

Steps = Generator[simpy.Event, Any, Any]


@dataclass(frozen=True)
class Scenario:
    """What is moved, how often, and by whom; *routed*: all moves of a state come to one instance."""

    name: str
    states: int
    governors: int
    per_second: float
    coalescing: bool
    routed: bool = False


SCENARIOS = [
    Scenario(name, states, governors, per_second, coalescing, routed)
    for name, states, governors, per_second in (
        ("a hot machine", 1, 1, 50.0),
        ("a hot governor", 20_000, 1, 750.0),
        ("a uniform load", 20_000, 1_000, 750.0),
    )
    for coalescing, routed in ((False, False), (True, False), (False, True), (True, True))
]


@dataclass
class Outcome:
    """What became of the moves behind the warm-up."""

    seconds: float
    waits: list[float] = field(default_factory=list)
    failed: int = 0
    commits: int = 0
    refused: int = 0

    def cells(self) -> list[str]:
        """Return the numbers of a row: done a second, median, 99th percentile, failed, refused commits."""
        ordered = sorted(self.waits) or [0.0]
        ended = len(self.waits) + self.failed
        return [
            f"{len(self.waits) / self.seconds:,.1f}",
            f"{quantile(ordered, 0.5):.2f}",
            f"{quantile(ordered, 0.99):.2f}",
            f"{self.failed / max(1, ended):.0%}",
            f"{self.refused / max(1, self.commits):.0%}",
        ]


class Document:
    """A state's document: one write at a time, one a second, and only upon the version that its writer read."""

    def __init__(self, env: simpy.Environment, index: simpy.Resource) -> None:
        self.version = 0
        self._env, self._index = env, index
        self._line = simpy.Resource(env)
        self._free_at = 0.0

    def commit(self, known: int, events: int) -> Steps:
        """Return whether a commit of so many events upon version *known* was applied."""
        with self._line.request() as turn:
            yield turn
            if known != self.version:
                return False
            if self._env.now < self._free_at:
                yield self._env.timeout(self._free_at - self._env.now)
            with self._index.request() as place:
                yield place
                yield self._env.timeout(events / MONOTONIC_WRITES_PER_SECOND)
            self.version += 1
            self._free_at = self._env.now + 1 / DOCUMENT_WRITES_PER_SECOND
            return True


class Model:
    """The store, the instances, and those who ask them for moves."""

    def __init__(self, scenario: Scenario, seconds: float, seed: int) -> None:
        self.scenario, self.seconds = scenario, seconds
        self.env = simpy.Environment()
        self.rng = random.Random(seed)
        self.outcome = Outcome(seconds * (1 - WARM_SHARE))
        indexes = [simpy.Resource(self.env) for _ in range(scenario.governors)]
        self.documents = [Document(self.env, indexes[state % scenario.governors]) for state in range(scenario.states)]
        self.lines: defaultdict[tuple[int, int], deque[float]] = defaultdict(deque)
        self.heads: dict[tuple[int, int], int] = {}

    def run(self) -> Outcome:
        """Run it to its end."""
        self.env.process(self._arrivals())
        self.env.run(until=self.seconds)
        return self.outcome

    def _arrivals(self) -> Steps:
        while True:
            yield self.env.timeout(self.rng.expovariate(self.scenario.per_second))
            state = self.rng.randrange(self.scenario.states)
            instance = state % INSTANCES if self.scenario.routed else self.rng.randrange(INSTANCES)
            line = self.lines[instance, state]
            line.append(self.env.now)
            if len(line) == 1:
                self.env.process(self._serve((instance, state)))

    def _serve(self, place: tuple[int, int]) -> Steps:
        """Make the moves that stand in one line, until nobody does."""
        line = self.lines[place]
        while line:
            carried = min(len(line), CHANGES_MAX) if self.scenario.coalescing else 1
            made = yield from self._change(place, line, carried)
            for _ in range(made):
                self._ended(line.popleft())
            if not made:
                line.popleft()
                self.outcome.failed += self.env.now > self.seconds * WARM_SHARE
        del self.lines[place]

    def _change(self, place: tuple[int, int], line: deque[float], carried: int) -> Steps:
        """Return how many of the first in a line were made by one commit; 0: the first one's time was over."""
        document = self.documents[place[1]]
        wait = POLICY.wait_initial
        while self.env.now - line[0] < POLICY.deadline:
            if place not in self.heads:
                yield self.env.timeout(READ_SECONDS)
                self.heads[place] = document.version
            yield self.env.timeout(COMMIT_SECONDS)
            applied = yield from document.commit(self.heads.pop(place), carried)
            if self.env.now > self.seconds * WARM_SHARE:
                self.outcome.commits += 1
                self.outcome.refused += not applied
            if applied:
                self.heads[place] = document.version
                return carried
            carried = 1
            yield self.env.timeout(self.rng.uniform(0, wait))
            wait = min(2 * wait, POLICY.wait_max)
        return 0

    def _ended(self, came: float) -> None:
        if self.env.now > self.seconds * WARM_SHARE:
            self.outcome.waits.append(self.env.now - came)


HEAD = (
    "| Load | Callers of a state | Asked for a second | Done a second | Median s | 99 % s | Failed | Commits refused |"
)


def row(scenario: Scenario, seconds: float = 90.0, seed: int = SEED) -> str:
    """Return a scenario's row of the table."""
    who = "at one instance" if scenario.routed else "at all instances"
    how = f"{who}, {'one commit for those who wait' if scenario.coalescing else 'a commit each'}"
    cells = [scenario.name, how, f"{scenario.per_second:g}", *Model(scenario, seconds, seed).run().cells()]
    return f"| {' | '.join(cells)} |"


def table(seconds: float = 90.0) -> list[str]:
    """Return the lines of the table."""
    return [HEAD, "|---|---|---|---|---|---|---|---|", *(row(scenario, seconds) for scenario in SCENARIOS)]


if __name__ == "__main__":
    print(*table(), sep="\n")  # noqa: T201 - a program prints
