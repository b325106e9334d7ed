"""The sequence of an application: one state, each event of which holds what was saved together, numbered.

A number is contiguous, a version is contiguous, and an event holds one or several: so a version is found from a
number by looking, within bounds that every look narrows, and what was seen once is remembered.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final

from tai_state.adapters.eventsourcing.events import LAST, SEQUENCE, notifications_of, number_in, numbers_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from eventsourcing.persistence import Notification

    from tai_state import StateStore
    from tai_state.models import Event

PLACES_MAX: Final = 1_024
"""How many places in the sequence a recorder remembers: each who reads on goes on from one."""

RUN: Final = 100
"""How many events are read at a time: what a segment holds by default."""

FEW: Final = 16
"""How many are read at first by who begins with the first number."""

NEAR: Final = 16
"""How many events are rather read in vain than looked for one by one."""

ALL: Final = frozenset[str]()
"""The topics of who asks for none."""


class ApplicationSequence:
    """Reads the notifications of an application; raises this package's errors."""

    def __init__(self, store: StateStore, governor_id: str) -> None:
        """Read the sequence of the application that *governor_id* is."""
        self._store = store
        self._governor_id = governor_id
        # By a number and topics, or none for all: the version behind which the next number of these is. That of all
        # never changes; the others come nearer, as far as anybody has looked.
        self._places: OrderedDict[tuple[int, frozenset[str]], int] = OrderedDict({(0, ALL): 0})
        self._lock = Lock()

    def last(self) -> int | None:
        """Return the highest number; None: there is none."""
        found = self._store.find_state(self._governor_id, SEQUENCE)
        return None if found is None else number_in(found.data, LAST)

    def remember(self, number: int, version: int, topics: frozenset[str] = ALL) -> None:
        """Know from now on that what comes behind *number*, of these topics if any, is behind *version*."""
        with self._lock:
            self._places[number, topics] = version
            self._places.move_to_end((number, topics))
            if len(self._places) > PLACES_MAX:
                self._places.popitem(last=False)

    def notifications(
        self, after: int, limit: int, *, stop: int | None = None, topics: Collection[str] = ()
    ) -> list[Notification]:
        """Return at most *limit* notifications with ``after < number <= stop``, ascending, of these topics if any."""
        found: list[Notification] = []
        after, wanted = max(after, 0), frozenset(topics)
        is_empty = limit < 1 or (stop is not None and stop <= after)
        version = None if is_empty else self._before(after, wanted)
        if version is None:
            return found
        # An event holds at least one of them, and from here on about as many as up to here; the first and the last one
        # may be asked for in part.
        most = RUN if topics else min(limit, RUN)
        least = limit * version // after + 2 if after else FEW
        for event in self._events(version, min(least, most), most):
            for one in notifications_of(event):
                if stop is not None and one.id > stop:
                    return found
                if one.id <= after or (wanted and one.topic not in wanted):
                    continue
                found.append(one)
                if len(found) == limit:
                    is_last = one.id == numbers_of(event)[-1]
                    self.remember(one.id, event.version if is_last else event.version - 1)
                    return found
            version = event.version
        # Whoever asks for the same again, and finds nothing new, looks through nothing twice.
        self.remember(found[-1].id if found else after, version, wanted)
        return found

    def _events(self, after: int, size: int, size_max: int) -> Iterator[Event]:
        while True:
            left = size
            for event in self._store.get_events(self._governor_id, SEQUENCE, after=after, limit=size):
                left -= 1
                yield event
            if left:
                return
            after, size = after + size, min(2 * size, size_max)

    def _before(self, after: int, topics: frozenset[str]) -> int | None:
        """Return a version behind which the number behind *after* is, of these topics if any; None: there is none yet.

        It is not far behind, or as far as anybody has looked for these topics.
        """
        with self._lock:
            known = self._places.get((after, topics), self._places.get((after, ALL)))
        if known is not None:
            return known
        head = self._store.find_state(self._governor_id, SEQUENCE)
        last = 0 if head is None else number_in(head.data, LAST)
        if head is None or last <= after:
            return None
        # An event holds at least one number: so the version is neither higher than the numbers up to it are many, nor
        # lower than those behind it allow.
        low, high = max(0, head.version - (last - after)), min(head.version, after + 1)
        while high - low > NEAR:
            middle = (low + high) // 2
            (event,) = self._store.get_events(self._governor_id, SEQUENCE, after=middle - 1, limit=1)
            numbers = numbers_of(event)
            if numbers[-1] <= after:
                low, high = middle, min(high, middle + after - numbers[-1] + 1)
            else:
                low, high = max(low, middle - 1 - max(0, numbers[0] - after - 1)), middle
        return low
