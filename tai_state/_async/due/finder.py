"""Where workers look, and when: what every kind of worker that makes what is due goes by."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from tai_state._async.due.lookout import Lookout, seconds_until
from tai_state._platform.waits import AsyncSignal
from tai_state.layout import META
from tai_state.rules.due.keys import shard_key
from tai_state.rules.due.looking import look

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from tai_state._async.commits.listening import AsyncListener
    from tai_state._async.runtime import AsyncRuntime
    from tai_state.documents import Document, DocumentPath, Query
    from tai_state.rules.records.record import EventRecord

log = logging.getLogger("tai_state")

_SKEW_SECONDS = 60.0
"""From which difference on a worker tells of it: a file that a host with a wrong clock once wrote keeps that time."""

_TIME_IS_OLD_SECONDS = 600.0
"""From when on the store is asked for its time: two clocks that run for so long may differ by some milliseconds."""


class AsyncDueFinder:
    """Finds what is due under the keys of some names, and knows when to look again.

    While a worker is ``listening``, what its own process arms is taken into account, too.
    """

    def __init__(self, runtime: AsyncRuntime, names: Collection[str], *, shards: int, poll: float, batch: int) -> None:
        """Look through *runtime* for what is due of *names*, each spread over so many *shards*.

        Args:
            poll: How many seconds at most are between two looks.
            batch: How many states it holds in memory at a time.
        """
        self.poll = poll
        self.batch = batch
        self.lookout = Lookout()
        self._runtime = runtime
        self._names = tuple(names)
        self._shards = shards
        self._signal: AsyncSignal | None = None
        self._is_skew_told = False
        self._looks = 0

    async def look(self) -> AsyncIterator[list[DocumentPath]]:
        """Iterate over what is due now, page by page, and note when the next one is.

        Whoever leaves before the end sees the rest with the next look.
        """
        now = await self._now()
        keys = await self.keys() if now is not None else []
        if now is None or not keys:
            return
        # Each look begins with another of them: whoever leaves early comes to all, however much is due of one.
        self._looks += 1
        first = self._looks % len(keys)
        monotonic = self._runtime.access.clock.monotonic()
        since, until = self.lookout.since(monotonic), now + timedelta(seconds=self.poll)
        self.lookout.begin()
        for key in keys[first:] + keys[:first]:
            query: Query | None = look(key, since, until)
            while query is not None:
                found = [one async for one in self._runtime.access.query(query, limit=self.batch)]
                due, has_come_to_later = self._due_of(found)
                if due:
                    yield due
                # They come in the order of time: behind one that is not due yet none is.
                is_last = len(found) < self.batch or has_come_to_later
                query = None if is_last else query.behind(found[-1])
        # As of when it began: what was armed since is seen by the next look.
        self.lookout.looked(now, monotonic, was_full=since is None)

    async def keys(self) -> list[str]:
        """Return where to look; nowhere in a store that nobody has changed yet."""
        writer, access = self._runtime.writer, self._runtime.access
        if writer.origin is None:
            deadline = access.begin(None)
            await writer.learn_store(await access.read([META], deadline), deadline)
        if writer.origin is None:
            return []
        return [shard_key(writer.origin, name, shard) for name in self._names for shard in range(self._shards)]

    @contextmanager
    def listening(self, listener: AsyncListener) -> Iterator[None]:
        """Let *listener* be told, for as long as the block runs, of what this process changes; ``rest`` works there."""
        self._signal = AsyncSignal()
        listeners = self._runtime.writer.listeners
        listeners.append(listener)
        try:
            yield
        finally:
            if listener in listeners:
                listeners.remove(listener)

    async def rest(self, is_over: Callable[[], bool]) -> None:
        """Wait for the next look, which is sooner where something is armed meanwhile that is due sooner.

        Args:
            is_over: Whether no look is to come.
        """
        assert self._signal is not None
        began = self._runtime.access.clock.monotonic()
        while await self._signal.wait(self._pause(began)):
            # Most of what a busy process arms is due much later, and no reason to ask the store.
            if is_over() or not self._pause(began):
                return

    def wake(self) -> None:
        """End the wait for the next look, if there is one."""
        if self._signal is not None:
            self._signal.set()

    def tell(self, event: EventRecord) -> None:
        """Take a change into account that this process made: what it armed may be due before the next look."""
        due, signal = event.due, self._signal
        if due is None or signal is None or due.machine not in self._names or due.version != event.version:
            return
        self.lookout.expect(due.at)
        signal.set()

    # Inside

    def _pause(self, began: float) -> float:
        """Return how long to wait for the next look, of a rest that *began* at that time of the monotonic clock."""
        access, due = self._runtime.access, self.lookout.next_due
        monotonic = access.clock.monotonic()
        left = max(0.0, began + self.poll - monotonic)
        now = access.store_time.now(monotonic)
        return left if due is None or now is None else min(left, seconds_until(due, now))

    async def _now(self) -> datetime | None:
        """Return what the store's clock has reached, which nearly always some reply told."""
        access = self._runtime.access
        told, monotonic = access.store_time, access.clock.monotonic()
        if told.latest is None or monotonic - told.heard > _TIME_IS_OLD_SECONDS:
            await access.server_time(access.begin(None))
        now = told.now(access.clock.monotonic())
        if now is not None and not self._is_skew_told:
            self._is_skew_told = True
            tell_skew(now, access.clock.now())
        return now

    def _due_of(self, found: Sequence[Document]) -> tuple[list[DocumentPath], bool]:
        """Return those of the documents that are due, and whether there is one that is not; note when that is."""
        access, due = self._runtime.access, list["DocumentPath"]()
        monotonic = access.clock.monotonic()
        now = access.store_time.now(monotonic)
        for document in found:
            at = document.fields["due_at"]
            if now is not None and at > now:
                self.lookout.expect(at)
                return due, True
            if not self.lookout.is_stepped_past(document.path, monotonic):
                due.append(document.path)
        return due, False


def tell_skew(store: datetime, host: datetime) -> None:
    """Warn of a store whose clock is far from the host's: what is due at a time of day is done by the store's."""
    seconds = (store - host).total_seconds()
    if abs(seconds) > _SKEW_SECONDS:
        extra = {"event": "clock_skew", "seconds": seconds}
        log.warning(
            "the store's clock is %.0f seconds ahead of this host's: what is due is done by it", seconds, extra=extra
        )
