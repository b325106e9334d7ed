"""What is stored of events, and what may be added to it: pure decisions.

What was saved together of an aggregate is the payload of one event of its state, by columns, so that an engine keeps
it as it is: versions, topics, and what eventsourcing made of each event. The state itself says of its versions only
what is needed to refuse one that is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from eventsourcing.persistence import DatabaseError, IntegrityError, Notification, StoredEvent, Tracking

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tai_state.models import Event

STATUS: Final = "recorded"
INSERT: Final = "insert"
TRACK: Final = "track"
SEQUENCE: Final = "sequence"
"""The id of the state that numbers the events of an application. No other one's has no ``-``."""
TRACKING: Final = "tracking"
POSITION: Final = "notification_id"
LAST: Final = "last"

CHUNK_BYTES: Final = 512 * 1024
"""How much of what is saved together goes into one event: a document takes twice as much."""

Columns = dict[str, Any]


def originator(originator_id: UUID | str) -> str:
    """Return the id of an aggregate as text."""
    return str(originator_id) if isinstance(originator_id, UUID) else originator_id


def in_chunks(events: Sequence[StoredEvent]) -> Iterator[Sequence[StoredEvent]]:
    """Cut events that are saved together, in their order, where they would grow too large for one document."""
    begin, size = 0, 0
    for place, event in enumerate(events):
        more = len(event.state) + len(event.topic) + len(originator(event.originator_id))
        if size + more > CHUNK_BYTES and place > begin:
            yield events[begin:place]
            begin, size = place, 0
        size += more
    if begin < len(events):
        yield events[begin:]


def columns_of(events: Sequence[StoredEvent]) -> Columns:
    """Return what is stored of events of one aggregate."""
    return {
        "versions": [event.originator_version for event in events],
        "topics": [event.topic for event in events],
        "states": [event.state for event in events],
    }


def stored_events(event: Event, originator_id: UUID | str) -> list[StoredEvent]:
    """Return what an event of an aggregate's state holds.

    Raises:
        DatabaseError: It holds nothing of the kind, or not any more.
    """
    versions, topics, states = _read(event, "versions", "topics", "states")
    return [StoredEvent(originator_id, *each) for each in zip(versions, topics, states, strict=True)]


def numbered_columns(first: int, events: Sequence[StoredEvent]) -> Columns:
    """Return what is stored of events in the sequence, of which the first has the number *first*."""
    ids = [one.bytes if isinstance(one := event.originator_id, UUID) else one for event in events]
    return {"first": first, "originators": ids, **columns_of(events)}


def numbers_of(event: Event) -> range:
    """Return the numbers of what an event of the sequence holds; raises as ``stored_events`` does."""
    first, versions = _read(event, "first", "versions")
    return range(first, first + len(versions))


def notifications_of(event: Event) -> Iterator[Notification]:
    """Yield what an event of the sequence holds; raises as ``stored_events`` does."""
    first, ids, *columns = _read(event, "first", "originators", "versions", "topics", "states")
    for number, (stored, version, topic, state) in enumerate(zip(ids, *columns, strict=True), first):
        yield Notification(UUID(bytes=stored) if isinstance(stored, bytes) else stored, version, topic, state, number)


def _read(event: Event, *names: str) -> list[Any]:
    payload = event.payload
    if not isinstance(payload, dict) or not all(name in payload for name in names):
        message = (
            f"version {event.version} of state {event.state_id!r} of governor {event.governor_id!r} "
            f"({event.action}) holds no events of eventsourcing's, or none any more"
        )
        raise DatabaseError(message)
    return [payload[name] for name in names]


def number_in(data: Mapping[str, Any], name: str) -> int:
    """Return a number of a state's data.

    Raises:
        DatabaseError: There is none: somebody else's state has the id.
    """
    number = data.get(name)
    if not isinstance(number, int):
        message = f"a state with the id of one of eventsourcing's has no number {name!r} in its data"
        raise DatabaseError(message)
    return number


@dataclass(frozen=True, slots=True)
class Versions:
    """What a state says of the versions of its aggregate.

    Attributes:
        first, last: The lowest and the highest one.
        count: How many there are; all between the two, where they are so many.
        is_ordered: Whether they were saved in ascending order.
    """

    first: int
    last: int
    count: int
    is_ordered: bool = True

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Versions:
        """Read them from the data of the state; raises as ``number_in`` does."""
        first, last, count = (number_in(data, name) for name in ("first", "last", "count"))
        return cls(first, last, count, data.get("is_ordered") is not False)

    def data(self) -> dict[str, Any]:
        """Return the data of the state."""
        found = {"first": self.first, "last": self.last, "count": self.count}
        return found if self.is_ordered else {**found, "is_ordered": False}

    def taken(self, versions: Iterable[int]) -> set[int] | None:
        """Return those of *versions* that are taken; None where only the events themselves tell."""
        within = {version for version in versions if self.first <= version <= self.last}
        is_dense = self.count == self.last - self.first + 1
        return within if is_dense or within <= {self.first, self.last} else None


def with_more(before: Versions | None, versions: Sequence[int]) -> Versions:
    """Return what a state says once it has *versions*, ascending, too; none of them is taken."""
    if before is None:
        return Versions(versions[0], versions[-1], len(versions))
    return Versions(
        min(before.first, versions[0]),
        max(before.last, versions[-1]),
        before.count + len(versions),
        before.is_ordered and versions[0] > before.last,
    )


def by_aggregate(events: Iterable[StoredEvent]) -> dict[str, list[StoredEvent]]:
    """Return events by the ids of their aggregates, ascending by version.

    Raises:
        IntegrityError: Two of them have one version.
    """
    found: dict[str, list[StoredEvent]] = {}
    for event in events:
        found.setdefault(originator(event.originator_id), []).append(event)
    for each in found.values():
        each.sort(key=lambda event: event.originator_version)
        for one, other in pairwise(each):
            if one.originator_version == other.originator_version:
                raise taken(one)
    return found


def taken(event: StoredEvent) -> IntegrityError:
    """Return what is told of an event whose version another one has."""
    return IntegrityError(f"version {event.originator_version} of {event.originator_id} is there already")


def advanced(before: Mapping[str, Any] | None, tracking: Tracking) -> dict[str, Any]:
    """Return the data of a position that moves on.

    Raises:
        IntegrityError: It is there, or past that, already.
    """
    position = None if before is None else number_in(before, POSITION)
    if position is not None and position >= tracking.notification_id:
        message = (
            f"notification {tracking.notification_id} of {tracking.application_name!r} was tracked already: "
            f"the position is {position}"
        )
        raise IntegrityError(message)
    return {POSITION: tracking.notification_id}
