"""One application's states in a store: reads what is there, lets ``events`` decide, and commits it as one."""

from __future__ import annotations

from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from eventsourcing.persistence import IntegrityError

from tai_state import (
    ConfigurationError,
    StaleReadError,
    StateMachinePersister,
    TransactionManager,
    VersionConflictError,
)
from tai_state.adapters.eventsourcing.changes import Changes, OneChange
from tai_state.adapters.eventsourcing.events import (
    INSERT,
    LAST,
    POSITION,
    SEQUENCE,
    STATUS,
    TRACK,
    TRACKING,
    Versions,
    advanced,
    by_aggregate,
    columns_of,
    in_chunks,
    number_in,
    numbered_columns,
    originator,
    stored_events,
    taken,
    with_more,
)
from tai_state.adapters.eventsourcing.sequence import RUN, ApplicationSequence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from eventsourcing.persistence import StoredEvent, Tracking

    from tai_state import StateSnapshot, StateStore


TURN_SECONDS_MAX: Final = 10.0


class Numbered(NamedTuple):
    """The number of the first of some events, and the last number that each version of the sequence holds of them."""

    first: int
    places: list[tuple[int, int]]


class Kept:
    """What a recorder keeps of one application; raises this package's errors, and IntegrityError."""

    def __init__(self, store: StateStore, governor_id: str, purpose: str) -> None:
        """Keep the events of *purpose* of an application.

        Raises:
            ConfigurationError: The purpose cannot be told from what else is kept.
        """
        if not purpose or "-" in purpose or purpose in {SEQUENCE, TRACKING}:
            message = f"purpose must be a word without '-' that is not {SEQUENCE!r} or {TRACKING!r}, not {purpose!r}"
            raise ConfigurationError(message)
        self.store = store
        self.governor_id = governor_id
        self.purpose = purpose
        self.sequence = ApplicationSequence(store, governor_id)
        self.manager = TransactionManager(store)
        self._persister = StateMachinePersister(store)
        self._turn = Lock()

    def _state_id(self, originator_id: UUID | str) -> str:
        return f"{self.purpose}-{originator(originator_id)}"

    # Writing

    def insert(
        self, events: Sequence[StoredEvent], *, is_numbered: bool = False, tracking: Tracking | None = None
    ) -> list[int]:
        """Add events, all or none; return their numbers, where they get any.

        Raises:
            IntegrityError: One is there already, or the position is not before what was tracked.
        """
        if not events and tracking is None:
            return []

        def body(tx: Changes) -> Numbered:
            return self.add(tx, events, is_numbered=is_numbered, tracking=tracking)

        if _concerns_one(events, is_numbered=is_numbered, tracking=tracking):
            with suppress(VersionConflictError, StaleReadError):
                body(OneChange(self.store))
                return []
        # All who write have the sequence to change: those of one process go one after the other, and meet no conflict.
        # Who is kept waiting for long goes on all the same: the commit is what refuses.
        has_turn = is_numbered and self._turn.acquire(timeout=TURN_SECONDS_MAX)
        try:
            numbered = self.manager.run(body)
        finally:
            if has_turn:
                self._turn.release()
        for last, version in numbered.places:
            self.sequence.remember(last, version)
        return list(range(numbered.first, numbered.first + len(events))) if is_numbered else []

    def add(
        self, tx: Changes, events: Sequence[StoredEvent], *, is_numbered: bool, tracking: Tracking | None
    ) -> Numbered:
        """Add events within a transaction; raises as ``insert`` does.

        Returns:
            What numbers they got, if any.
        """
        groups = {f"{self.purpose}-{one}": each for one, each in by_aggregate(events).items()}
        position = None if tracking is None else f"{TRACKING}-{tracking.application_name}"
        sequence = [SEQUENCE] if is_numbered and events else []
        found = tx.batch_get_states(self.governor_id, [*groups, *sequence, *([position] if position else [])]).found
        for state_id, each in groups.items():
            self._add_of(tx, state_id, found.get(state_id), each)
        numbered = self._add_numbered(tx, found.get(SEQUENCE), events) if sequence else Numbered(0, [])
        if tracking is not None and position is not None:
            before = found.get(position)
            data = advanced(None if before is None else before.data, tracking)
            self._log(tx, position, TRACK, data)
        return numbered

    def _add_of(self, tx: Changes, state_id: str, before: StateSnapshot | None, events: Sequence[StoredEvent]) -> None:
        had = None if before is None else Versions.of(before.data)
        versions = [event.originator_version for event in events]
        if before is not None and had is not None:
            there = had.taken(versions)
            if there is None:
                # What there was at that version never changes: it may be read beside the transaction.
                stored = self._all(state_id, events[0].originator_id, until=before.version)
                there = {one.originator_version for one in stored}
            for event in events:
                if event.originator_version in there:
                    raise taken(event)
        is_new = before is None
        for chunk in in_chunks(events):
            had = with_more(had, [event.originator_version for event in chunk])
            self._log(tx, state_id, INSERT, had.data(), columns_of(chunk), is_new=is_new)
            is_new = False

    def _add_numbered(self, tx: Changes, before: StateSnapshot | None, events: Sequence[StoredEvent]) -> Numbered:
        first = last = 0 if before is None else number_in(before.data, LAST)
        places: list[tuple[int, int]] = []
        for chunk in in_chunks(events):
            payload = numbered_columns(last + 1, chunk)
            last += len(chunk)
            is_new = before is None and not places
            places.append((last, self._log(tx, SEQUENCE, INSERT, {LAST: last}, payload, is_new=is_new)))
        return Numbered(first + 1, places)

    def _log(
        self,
        tx: Changes,
        state_id: str,
        action: str,
        data: Mapping[str, Any],
        payload: object = None,
        *,
        is_new: bool = False,
    ) -> int:
        made = tx.log_transition(
            self._persister, self.governor_id, state_id, action, to_status=STATUS, data=data, payload=payload
        )
        if is_new and made.version > 1:
            message = f"state {state_id!r} of governor {self.governor_id!r} was deleted; what it held is not made anew"
            raise IntegrityError(message)
        return made.version

    # Reading

    def select(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[StoredEvent]:
        """Return the events of an aggregate with ``gt < version <= lte``, ascending by version or descending."""
        state_id = self._state_id(originator_id)
        if gt is lte is limit is None:
            found = self._all(state_id, originator_id)
            return found[::-1] if desc else found
        head = self.store.find_state(self.governor_id, state_id) if limit != 0 else None
        if head is None:
            return []
        versions = Versions.of(head.data)
        if gt is not None and versions.last <= gt:
            return []
        # An event of ours holds at least one of theirs: no more of them can be behind *gt* than theirs are.
        after = 0 if gt is None else max(0, head.version - (versions.last - gt))
        if not versions.is_ordered:
            found = self._all(state_id, originator_id, until=head.version)
            every: Iterable[StoredEvent] = found[::-1] if desc else found
        elif desc:
            every = self._backward(state_id, originator_id, after, head.version, RUN if lte is not None else limit)
        else:
            every = self._forward(state_id, originator_id, after, head.version)
        return _within(every, gt, lte, limit, desc=desc)

    def _all(self, state_id: str, originator_id: UUID | str, *, until: int | None = None) -> list[StoredEvent]:
        found: list[StoredEvent] = []
        for event in self.store.get_events(self.governor_id, state_id, until=until):
            if event.deleted:
                # Nothing is behind it: what was deleted is not made anew.
                return []
            found += stored_events(event, originator_id)
        # All but some snapshots are in order, and such a list is only looked through.
        found.sort(key=lambda one: one.originator_version)
        return found

    def _forward(self, state_id: str, originator_id: UUID | str, after: int, until: int) -> Iterator[StoredEvent]:
        for event in self.store.get_events(self.governor_id, state_id, after=after, until=until):
            yield from stored_events(event, originator_id)

    def _backward(
        self, state_id: str, originator_id: UUID | str, after: int, until: int, size: int | None
    ) -> Iterator[StoredEvent]:
        size = min(size or RUN, RUN)
        while until > after:
            begin = max(after, until - size)
            page = list(self.store.get_events(self.governor_id, state_id, after=begin, until=until))
            for event in reversed(page):
                yield from reversed(stored_events(event, originator_id))
            until = begin

    def position(self, application_name: str) -> int | None:
        """Return up to where an application was tracked; None: it never was."""
        found = self.store.find_state(self.governor_id, f"{TRACKING}-{application_name}")
        return None if found is None else number_in(found.data, POSITION)


def _concerns_one(events: Sequence[StoredEvent], *, is_numbered: bool, tracking: Tracking | None) -> bool:
    """Whether one change of one state is all that there is to be made."""
    if tracking is not None or is_numbered:
        return not events
    return len({event.originator_id for event in events}) == 1 and len(list(in_chunks(events))) == 1


def _within(
    events: Iterable[StoredEvent], gt: int | None, lte: int | None, limit: int | None, *, desc: bool
) -> list[StoredEvent]:
    """Return the first *limit* of *events*, which are in order, that are between the two versions."""
    found: list[StoredEvent] = []
    for event in events:
        version = event.originator_version
        is_high, is_low = lte is not None and version > lte, gt is not None and version <= gt
        if is_low if desc else is_high:
            break
        if not is_high and not is_low:
            found.append(event)
            if len(found) == limit:
                break
    return found
