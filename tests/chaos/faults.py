"""What can happen to a Commit on its way, and the seeded plan that decides when it does."""

import random
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from itertools import chain, repeat


class Fault(StrEnum):
    """A fault of one Commit. "Reset": the client's connection is reset, so that it cannot know."""

    CUT_BEFORE = "cut before"
    """Reset, and the request is never delivered: certainly not applied."""
    CUT_BETWEEN = "cut between"
    """Reset behind the delivered request: applied or not."""
    CUT_AFTER = "cut after"
    """Reset once the server has told its success: certainly applied, never acknowledged."""
    HOLE_BEFORE = "hole before"
    """The request vanishes; the client hears nothing for a while, then the connection is reset."""
    HOLE_AFTER = "hole after"
    """The server's success vanishes, in the same way: certainly applied, never acknowledged."""
    DELAY_REQUEST = "delay request"
    """The request is delivered late; past the attempt's timeout it races with its own repetition."""
    DELAY_REPLY = "delay reply"
    """The server's success is delivered late."""
    ZOMBIE = "zombie"
    """Reset now; the request is delivered later."""
    KILL_AFTER = "kill after"
    """The client is killed once the server has told its success, which it never hears."""
    KILL_BEFORE = "kill before"
    """The client is killed with the request under way, which is delivered later."""
    FREEZE = "freeze"
    """The client is stopped once the server has told its success, and goes on later."""


UPON_REPLY = frozenset({Fault.CUT_AFTER, Fault.HOLE_AFTER, Fault.DELAY_REPLY, Fault.KILL_AFTER, Fault.FREEZE})
"""Done when the server has told its success; a Commit that fails has none of them."""

LOST_REPLIES = frozenset({Fault.CUT_AFTER, Fault.HOLE_AFTER})
"""Certainly applied, and never acknowledged to a client that lives."""

KILLS = frozenset({Fault.KILL_AFTER, Fault.KILL_BEFORE})

SECONDS: Mapping[Fault, tuple[float, float]] = {
    Fault.HOLE_BEFORE: (0.3, 1.2),
    Fault.HOLE_AFTER: (0.3, 1.2),
    Fault.DELAY_REQUEST: (0.02, 1.5),
    Fault.DELAY_REPLY: (0.02, 0.5),
    Fault.ZOMBIE: (0.0, 1.5),
    Fault.KILL_BEFORE: (0.0, 2.0),
    Fault.FREEZE: (0.2, 2.5),
}
"""From how long to how long a fault takes: up to longer than an attempt's timeout and a lease's ttl."""


class Plan:
    """Decides the fate of one client's Commits, one after the other."""

    def __init__(
        self, seed: str, faults: Iterable[Fault | None], seconds: Mapping[Fault, tuple[float, float]] = SECONDS
    ) -> None:
        """Give these *faults* in order, and none when they end; *seed* decides how many *seconds* each takes."""
        self._rng = random.Random(seed)
        self._seconds = seconds
        self._faults: Iterator[Fault | None] = chain(faults, repeat(None))

    @classmethod
    def random(cls, seed: str, rates: Mapping[Fault, float]) -> "Plan":
        """Return a plan without end in which each fault comes at its rate."""
        return cls(seed, _drawn(random.Random(f"{seed}/faults"), rates))

    def next(self) -> tuple[Fault | None, float]:
        """Return what happens to the next Commit, and for how many seconds."""
        fault = next(self._faults)
        return fault, self._rng.uniform(*self._seconds.get(fault, (0.0, 0.0))) if fault is not None else 0.0


def _drawn(rng: random.Random, rates: Mapping[Fault, float]) -> Iterator[Fault | None]:
    assert sum(rates.values()) <= 1.0
    while True:
        lot = rng.random()
        for fault, rate in rates.items():
            lot -= rate
            if lot < 0:
                yield fault
                break
        else:
            yield None
