"""Numbering: a contiguous position for each event of a store, given out behind the commits by one worker at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tai_state import models
from tai_state._async.access.access import PAGE
from tai_state._async.api.store import AsyncStateStore
from tai_state._async.api.transaction_queue import AsyncReservedLocks
from tai_state._async.feeds.book import AsyncBook
from tai_state._async.feeds.delivery import AsyncDelivery
from tai_state._async.feeds.search import AsyncSearch
from tai_state._async.feeds.telling import AsyncTelling
from tai_state._async.feeds.visit import AsyncVisit, AsyncVisitor, LostError
from tai_state._platform.iterators import async_ending
from tai_state.codec import Payload
from tai_state.config import check_colour, check_count
from tai_state.documents import Capability
from tai_state.errors import HistoryTrimmedError, PreconditionFailedError
from tai_state.rules.feeds.discovery import Looks
from tai_state.rules.feeds.numbers import STATES_MAX, NumberLayout, batch, number_id, read_entry, read_last
from tai_state.rules.feeds.positions import Subscribed
from tai_state.rules.feeds.terms import DeliveryMode, SubscriptionConfig, terms
from tai_state.rules.history.segments import event_in
from tai_state.rules.records.documents import read_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tai_state._async.history.reader import AsyncHistoryReader
    from tai_state._async.locking.lock_set import AsyncLockSet
    from tai_state.clock import TimeLimit
    from tai_state.documents import Write
    from tai_state.layout import StateLayout
    from tai_state.models.feeds import Numbered
    from tai_state.rules.feeds.discovery import Found
    from tai_state.rules.feeds.numbers import Entry
    from tai_state.rules.history.segments import Segment
    from tai_state.rules.records.record import EventRecord


class AsyncPositions:
    """Numbers the events of a store 1, 2, 3, ..., without a gap and for good, and tells them in that order.

    What projections want of a log: a place that is one number, the same for all who read, and proof that nothing is
    left out. Numbers are given out behind the commits, by whoever asks for them: those of one state are in the order of
    its versions, those of several in the order in which they were found to have changed. One numbers at a time, and
    when he dies another takes over; each event gets one number, however they end. Events of keys and sagas get none.

    Nothing of it is in the way of a change: a store that nobody numbers has no field of it, and one that is numbered
    pays when it is read. A number costs one small document, and a commit for each 200.
    """

    def __init__(self, store: AsyncStateStore, *, config: SubscriptionConfig | None = None) -> None:
        """Number the events of *store*; nothing is read or written before the first use.

        Args:
            config: How long the lease of the one who numbers lasts, and how it is swept for late commits.

        Raises:
            ConfigurationError: *store* is of the other colour.
        """
        check_colour(store, AsyncStateStore, self)
        config = config or SubscriptionConfig()
        self._runtime = store.runtime
        self._layout = NumberLayout()
        self._book = AsyncBook(store.runtime, self._layout)
        self._search = AsyncSearch(store.runtime)
        told = AsyncTelling(store.runtime, terms(DeliveryMode.EXACTLY_ONCE, 1, blocks=True, config=config), ())
        self._visitor = _AsyncNumberingVisitor(
            self._book,
            AsyncDelivery(self._book, told, _never),
            self._search,
            Looks.of(config, is_exact=Capability.BY_UPDATE_TIME in store.capabilities),
            AsyncReservedLocks(store),
            config,
            _never,
            owner=store.runtime.access.new_id(),
            layout=self._layout,
        )

    async def run_once(self) -> int:
        """Number what is there now, and return how many events that were.

        What another worker is numbering is left to him.

        Raises:
            ConfigurationError: The store has no feed: ``connect(url, feed=True)``.
            TaiStateError: The store failed; what was numbered is.
        """
        await self._search.discovery()
        if await self._book.subscribed() is None:
            # From the first events on, so that a number means the same to all.
            await self._book.begun(
                Subscribed(
                    epoch=1, name=self._layout.name, since=None, shards=1, governor_id=None, delivery="positions"
                )
            )
        return await self._visitor.visit(0, is_patient=False)

    async def last(self, *, timeout: TimeLimit = None) -> int:
        """Return the last number that was given out; 0: none was."""
        read = await self._book.read([self._layout.last], timeout)
        return read_last(read.get(self._layout.last), 1).number

    async def events(
        self, *, after: int = 0, limit: int | None = None, timeout: TimeLimit = None
    ) -> AsyncIterator[Numbered]:
        """Iterate over the events behind the position *after*, in the order of their positions, without a gap.

        What is not numbered yet is not told: ``run_once`` numbers it.

        Args:
            limit: How many at most; None: all.
            timeout: The time that each page may take.

        Raises:
            ReplayError: An event is damaged, or of a newer release.
        """
        check_count(after, "after", least=0)
        start = number_id(after + 1)
        page: list[Entry] = []
        found = self._runtime.access.scan(self._layout.numbers, start=start, limit=limit, timeout=timeout)
        async with async_ending(self._runtime.inflight.reading(found, "positions")) as documents:
            async for document in documents:
                page.append(read_entry(document))
                if len(page) == PAGE:
                    for one in await self._shown(page, timeout):
                        yield one
                    page = []
        for one in await self._shown(page, timeout):
            yield one

    async def _shown(self, page: Sequence[Entry], timeout: TimeLimit) -> list[Numbered]:
        """Return the events of some numbers: those that have documents of their own, and each segment, by one read."""
        paths = [entry.paths for entry in page]
        places = [state.event(entry.version) for entry, state in zip(page, paths, strict=True)]
        read = await self._book.read(places, timeout)
        shown: list[Numbered] = []
        sealed = _AsyncSealed(self._runtime.history)
        for entry, state, place in zip(page, paths, places, strict=True):
            document = read.get(place)
            if document is not None:
                record: EventRecord | None = read_event(document, state.governor_id, state.state_id)
            else:
                record = await sealed.event(entry, state, timeout)
            event = None if record is None else record.public(Payload.value)
            shown.append(models.Numbered(entry.number, state.governor_id, state.state_id, entry.version, event))
        return shown


class _AsyncSealed:
    """Reads events from segments, each once: those of one state that were found together have numbers in a row."""

    def __init__(self, history: AsyncHistoryReader) -> None:
        self._history = history
        self._key = ""
        self._segment: Segment | None = None

    async def event(self, entry: Entry, paths: StateLayout, timeout: TimeLimit) -> EventRecord | None:
        """Return the event that has a number; None where it was trimmed, or is nowhere."""
        segment = self._segment if entry.key == self._key else None
        if segment is None or not segment.first <= entry.version <= segment.last:
            segment = await self._history.segment_of(paths, entry.version, timeout)
            self._key, self._segment = entry.key, segment
        try:
            return None if segment is None else event_in(segment, (paths.governor_id, paths.state_id), entry.version)
        except HistoryTrimmedError:
            return None


@dataclass(slots=True)
class _AsyncNumberingVisitor(AsyncVisitor):
    """Visits what has changed, to number it."""

    layout: NumberLayout = None  # type: ignore[assignment]  # always given: what is inherited has defaults

    def _begun(self, number: int, held: AsyncLockSet, *, is_patient: bool) -> AsyncVisit:
        return _AsyncNumberingVisit(self, number, held, is_patient=is_patient)


class _AsyncNumberingVisit(AsyncVisit):
    """One visit, in which what has changed is numbered."""

    _visitor: _AsyncNumberingVisitor

    async def _deliver(self, subscribed: Subscribed, found: list[Found]) -> None:
        left = found
        while left:
            if not self._held.held:
                raise LostError
            left = await self._give(subscribed, left)

    async def _give(self, subscribed: Subscribed, found: list[Found]) -> list[Found]:
        """Number some of what was found in one commit, and return what is left of it."""
        book, layout, known = self._visitor.book, self._visitor.layout, self._visitor.known
        # A commit takes no more states: the positions of the others would be read again for theirs.
        some, rest = found[:STATES_MAX], found[STATES_MAX:]
        stored = await book.positions([one.key for one in some], subscribed.epoch)
        last = read_last((await book.read([layout.last])).get(layout.last), subscribed.epoch)
        given = batch(some, stored, last)
        if given.entries:
            new_id = book.runtime.access.new_id
            writes: list[Write] = [given.last.put(layout.last, new_id())]
            writes += [one.put(layout.position(one.key), new_id()) for one in given.positions]
            writes += [entry.put(layout, new_id()) for entry in given.entries]
            try:
                await book.write(writes)
            except PreconditionFailedError as error:
                raise LostError from error
            self.count += len(given.entries)
        reached = {key: position.version for key, position in stored.items()}
        reached |= {position.key: position.version for position in given.positions}
        for key, version in reached.items():
            known.learn(key, version)
        return [one for one in some if reached.get(one.key, 0) < one.version] + rest


def _never() -> bool:
    return False
