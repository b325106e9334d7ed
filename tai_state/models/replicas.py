"""What is told of replicas: what a sync has done, how new a read has to be, and how new it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Literal

from tai_state.clock import seconds_of
from tai_state.errors import ConfigurationError

if TYPE_CHECKING:
    from tai_state.causality import Ordering
    from tai_state.causality.conflicts import Conflict
    from tai_state.models.states import StateSnapshot


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


@dataclass(frozen=True, slots=True)
class ReadLevel:
    """How new what is read through a ``ReplicaStore`` has to be: ``strong``, ``bounded(max_lag)`` or ``eventual``.

    Attributes:
        name: Which of the three.
        max_lag: Of ``bounded``: how old at most.
    """

    name: Literal["strong", "bounded", "eventual"]
    max_lag: timedelta | None = None

    strong: ClassVar[ReadLevel]
    """As the remote store says it now."""

    eventual: ClassVar[ReadLevel]
    """As the local store has it, however old; nothing is asked of the remote store."""

    def __post_init__(self) -> None:
        """Refuse what is no level.

        Raises:
            ConfigurationError: It is none of the three, or has a bound where it has none, or the reverse.
        """
        if self.name not in {"strong", "bounded", "eventual"} or (self.name == "bounded") is (self.max_lag is None):
            message = "a level is ReadLevel.strong, ReadLevel.bounded(max_lag) or ReadLevel.eventual"
            raise ConfigurationError(message)

    @classmethod
    def bounded(cls, max_lag: float | timedelta) -> ReadLevel:
        """Return the level of what is at most *max_lag* old, in seconds.

        Raises:
            ConfigurationError: It is no positive time.
        """
        return cls("bounded", timedelta(seconds=seconds_of(max_lag)))


ReadLevel.strong = ReadLevel("strong")
ReadLevel.eventual = ReadLevel("eventual")


@dataclass(frozen=True, slots=True)
class ReplicaRead:
    """What was read through a ``ReplicaStore``, and how new it is.

    Attributes:
        snapshot: The state; None where it does not exist, or is deleted.
        version: Its version in the store that it came from, a tombstone's, too; 0 where there is none.
        source: That store: ``local`` or ``remote``.
        age: How old it is at most: it knows of all that the remote store had acknowledged that long before the read.
            0 is as new as can be; None is unknown: the two stores were not brought together yet, or left this state.
        level: The level at which it was asked for.
        is_repaired: Whether the local copy was behind, and was brought what it lacked.
    """

    snapshot: StateSnapshot | None
    version: int
    source: Literal["local", "remote"]
    age: timedelta | None
    level: ReadLevel
    is_repaired: bool = False


@dataclass(frozen=True, slots=True)
class Staleness:
    """Whether something that was read is behind what the remote store says now.

    Attributes:
        governor_id, state_id: The state.
        is_stale: Whether there is anything that it does not know of.
        standing: How its clock stands to the remote one: ``before`` and ``concurrent`` are stale.
        version: Its version, in the store that it came from; 0: there was none.
        current_version: That of the remote store; 0: there is none.
    """

    governor_id: str
    state_id: str
    is_stale: bool
    standing: Ordering
    version: int
    current_version: int
