"""What a monitor adds up, in bounded memory."""

from __future__ import annotations

import heapq
import math
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tai_state.observers import Operation

DURATIONS_MAX = 1_000
"""How many durations are kept of an operation, the last ones."""

TOP = 10
"""How many states and calls are named."""

STATES_MAX = 1_000
"""How many states are counted at a time, to name the most contended ones."""

QUANTILES = (0.5, 0.95, 0.99)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of *ordered* that as many as *share* of them do not exceed (the nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(slots=True)
class Durations:
    """How often something took how long: all of it as count and sum, the last of them one by one."""

    count: int = 0
    total: float = 0.0
    last: deque[float] = field(default_factory=lambda: deque(maxlen=DURATIONS_MAX))

    def add(self, seconds: float) -> None:
        """Count one."""
        self.count += 1
        self.total += seconds
        self.last.append(seconds)

    def quantiles(self) -> dict[float, float]:
        """Return those of the last durations; none where there is none."""
        ordered = sorted(self.last)
        return {share: quantile(ordered, share) for share in QUANTILES} if ordered else {}

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-like data, in seconds."""
        told = {f"p{round(share * 100)}": seconds for share, seconds in self.quantiles().items()}
        return {"count": self.count, "sum": self.total, **told, "max": max(self.last, default=0.0)}


SUMMED = (
    "reads",
    "documents_read",
    "commits",
    "documents_written",
    "documents_deleted",
    "bytes_written",
    "conflicts",
    "unavailable",
    "ambiguous",
    "ambiguous_resolved",
    "is_carried",
)
"""What is summed up of the operations of one name."""


@dataclass(slots=True)
class OperationTally:
    """All operations of one name."""

    durations: Durations = field(default_factory=Durations)
    errors: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)

    def add(self, operation: Operation) -> None:
        """Count one."""
        self.durations.add(operation.seconds)
        if operation.error is not None:
            self.errors[operation.error] += 1
        for name in SUMMED:
            self.sums[name] += getattr(operation, name)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON-like data; ``carried`` are the changes that another caller's commit made."""
        sums = {name.removeprefix("is_"): self.sums[name] for name in SUMMED}
        return {"seconds": self.durations.as_dict(), "errors": dict(self.errors), **sums}


class Heaviest:
    """The states that were met most often, counted in bounded memory: "Space-Saving" (Metwally and others, 2005).

    A new state takes the place, and the count, of the least one: a count is never too small, and too large by that of
    the state that went at most.
    """

    def __init__(self, most: int = STATES_MAX) -> None:
        """Count nothing yet, and at most so many states at a time."""
        self._most = most
        self._counts: dict[tuple[str, str], int] = {}

    def add(self, key: tuple[str, str], count: int) -> None:
        """Count *key* so many times."""
        before = self._counts.pop(key, 0)
        if not before and len(self._counts) >= self._most:
            least = min(self._counts, key=lambda one: self._counts[one])
            before = self._counts.pop(least)
        self._counts[key] = before + count

    def top(self) -> list[tuple[tuple[str, str], int]]:
        """Return the first of them, the most contended one first."""
        return heapq.nlargest(TOP, self._counts.items(), key=lambda item: item[1])


class Slowest:
    """The calls that took longest."""

    def __init__(self) -> None:
        """Begin with none."""
        self._calls: list[tuple[float, int, dict[str, Any]]] = []
        self._number = 0

    def add(self, operation: Operation) -> None:
        """Keep it, if it is one of them."""
        if len(self._calls) == TOP and operation.seconds <= self._calls[0][0]:
            return
        self._number += 1  # of two that took as long, the dicts are not compared
        told = {
            "operation": operation.name,
            "governor_id": operation.governor_id,
            "state_id": operation.state_id,
            "seconds": operation.seconds,
            "commits": operation.commits,
            "conflicts": operation.conflicts,
            "error": operation.error,
        }
        heapq.heappush(self._calls, (operation.seconds, self._number, told))
        if len(self._calls) > TOP:
            heapq.heappop(self._calls)

    def top(self) -> list[dict[str, Any]]:
        """Return them, the slowest first."""
        return [told for _, _, told in sorted(self._calls, key=lambda call: call[:2], reverse=True)]
