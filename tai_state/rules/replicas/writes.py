"""What becomes of concurrent versions: the writes that nobody has seen, resolved in one order, whoever asks.

Versions of one line are ordered, and a merge says what others had written: so of all that two heads know, the writes
that no other write knows of are the same set wherever it is computed, and so is what a deterministic resolver makes of
them, one after the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from typing import Any

from tai_state.causality import VectorClock
from tai_state.causality.resolvers import Resolution, Resolver
from tai_state.errors import ConflictResolutionError
from tai_state.rules.commits.change import Target
from tai_state.rules.commits.kinds import data_payload
from tai_state.rules.records.erased import ERASE, is_from_before
from tai_state.rules.records.labels import checked_labels, term
from tai_state.rules.records.occasional import labels_shown
from tai_state.rules.records.record import EventRecord
from tai_state.rules.replicas.standing import clock_of


@dataclass(frozen=True, slots=True)
class Write:
    """A version as resolvers are shown it: what an event made."""

    event: EventRecord
    data: Any
    labels: Mapping[str, str]
    last_error: str | None
    governor_id: str
    state_id: str
    version: int
    status: str
    deleted: bool
    timestamp: datetime
    causality: VectorClock

    @classmethod
    def of(cls, event: EventRecord) -> "Write":
        """Return the version that an event made."""
        return cls(
            event=event,
            data=event.to_state.value(),
            labels=labels_shown(event.labels),
            last_error=event.last_error,
            governor_id=event.governor_id,
            state_id=event.state_id,
            version=event.version,
            status=event.to_status,
            deleted=event.deleted,
            timestamp=event.timestamp,
            causality=VectorClock(event.causality),
        )


@dataclass(frozen=True, slots=True)
class Merged:
    """What becomes of concurrent writes."""

    write: Write
    fields: tuple[str, ...] = ()
    siblings: tuple[Any, ...] = field(default=())

    def target(self) -> Target:
        """Return it as what a change makes of a state.

        Raises:
            InvalidDataError: A resolver has made what cannot be stored.
        """
        write, event = self.write, self.write.event
        labels = tuple(sorted(term(key, value or "") for key, value in checked_labels(write.labels).items()))
        return Target(
            write.status,
            data_payload(write.data),
            write.last_error,
            event.schema_version,
            deleted=write.deleted,
            machine=event.machine,
            labels=labels,
        )


def in_order(events: Sequence[EventRecord]) -> list[EventRecord]:
    """Return writes in an order that is the same everywhere, and in which what was known comes before who knew it."""
    return sorted(events, key=lambda event: (event.timestamp, sum(event.causality.values()), event.hash))


def left_by_erasures(writes: Sequence[EventRecord], tombstones: Sequence[Mapping[str, int]]) -> list[EventRecord]:
    """Return the writes that count where the state was erased: erasures, and what knows of all of them.

    Args:
        tombstones: What each erasure knows.
    """
    left = [one for one in writes if one.kind == ERASE or not any(is_from_before(one, clock) for clock in tombstones)]
    return left or list(writes)


def met(writes: Sequence[EventRecord]) -> VectorClock:
    """Return what all of the writes know."""
    clocks = [clock_of(write) for write in writes]
    return reduce(VectorClock.meet, clocks)


def resolved(events: Sequence[EventRecord], base: EventRecord | None, resolver: Resolver) -> Merged:
    """Return what becomes of concurrent writes, of which there is one at least.

    Args:
        base: The nearest version that all of them come from; None: it is not known.

    Raises:
        ConflictResolutionError: The resolver gives up.
        InvalidDataError: It cannot do anything with the data.
    """
    first, *others = [Write.of(event) for event in in_order(events)]
    merged = Merged(first)
    known = None if base is None else Write.of(base)
    for other in others:
        resolution = resolver.resolve(merged.write, other, known)
        merged = Merged(
            _written(resolution),
            tuple(dict.fromkeys((*merged.fields, *resolution.fields))),
            (*merged.siblings, *resolution.siblings),
        )
    return merged


def _written(resolution: Resolution) -> Write:
    source = resolution.source
    if not isinstance(source, Write):
        why = "a resolution is to name one of the versions as its source"
        raise ConflictResolutionError(source.governor_id, source.state_id, why)
    data = {} if source.deleted else resolution.data
    return replace(source, data=data, labels=dict(resolution.labels))
