"""What an adoption did, and what is left."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

FINDINGS_MAX = 100
"""How many findings a report names; all are counted."""

Kind = Literal["refused", "taken", "changed", "missing"]


@dataclass(frozen=True, slots=True)
class AdoptionFinding:
    """A row that has no state, or not the one that it should have.

    Attributes:
        place: Where the row is: its path, or its file and line.
        kind: refused: it cannot become a state; taken: the state was not adopted from it; changed: the source says
            something else than when it was adopted, and the state was left alone; missing: it has no state.
        field: What is wrong with it, of one that is refused; what differs, of one that changed.
        message: A sentence.
        governor_id, state_id: The state that it would be, where that is known.
    """

    place: str
    kind: Kind
    field: str
    message: str
    governor_id: str | None = None
    state_id: str | None = None


@dataclass(slots=True)
class AdoptionReport:
    """What was done, and what every row came to, looked at behind it.

    Attributes:
        source: What it was adopted from.
        rows: How many rows it has.
        adopted: How many states this run made; of a dry run, would make.
        verified: How many rows have their state, which was adopted with the status and data that they say.
        moved_on: How many of those states have changed since: they are their store's own.
        earlier_moves: How many earlier moves this run wrote.
        converted: How many values stand in other words, since a store does not take them: references, places, vectors.
        counts: How many findings there are, by their kind.
        findings: The first of them.
        resumed_behind: How many rows an earlier run had looked at, behind which this one went on.
        is_dry_run: Whether nothing was written.
    """

    source: str
    rows: int = 0
    adopted: int = 0
    verified: int = 0
    moved_on: int = 0
    earlier_moves: int = 0
    converted: int = 0
    counts: Counter[Kind] = field(default_factory=Counter)
    findings: list[AdoptionFinding] = field(default_factory=list)
    resumed_behind: int = 0
    is_dry_run: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether every row has its state."""
        return not self.counts.total()

    def add(self, finding: AdoptionFinding) -> None:
        """Count a finding, and keep it if it is one of the first."""
        self.counts[finding.kind] += 1
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(finding)
