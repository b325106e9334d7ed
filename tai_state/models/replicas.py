"""What is told of replicas."""

from dataclasses import dataclass, field

from tai_state.causality.conflicts import Conflict


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync of two stores has done.

    Attributes:
        governor_id: Whose states were synced.
        states: How many there are, on either side.
        sent: How many events went from the first store to the second.
        received: How many went the other way.
        merged: How many merge events were written, on both sides together.
        conflicts: What versions were in conflict, and what became of them.
    """

    governor_id: str
    states: int = 0
    sent: int = 0
    received: int = 0
    merged: int = 0
    conflicts: list[Conflict] = field(default_factory=list)

    @property
    def unresolved(self) -> list[Conflict]:
        """The conflicts that somebody has to decide: the stores say different things of these states."""
        return [conflict for conflict in self.conflicts if conflict.result == "unresolved"]
