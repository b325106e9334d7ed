"""The worker: looks for what is due, and makes the moves."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from tai_state._async.access.inflight import AsyncInFlight
from tai_state._async.api.persister import AsyncStateMachinePersister
from tai_state._async.due.firing import AsyncFiring, Fired, Outcome
from tai_state._async.due.lookout import Lookout, seconds_until
from tai_state._platform.tasks import async_together
from tai_state._platform.waits import AsyncSignal
from tai_state.authors import Author, author_of_due
from tai_state.clock import TimeLimit, seconds_of
from tai_state.config import DRAIN_SECONDS, check_colour, check_count, drain_seconds
from tai_state.documents import Document, DocumentPath
from tai_state.errors import (
    ConfigurationError,
    DeadlineExceededError,
    ReplayError,
    RetriesExhaustedError,
    StoreClosedError,
    StoreError,
)
from tai_state.layout import META, StateLayout, state_layout, state_of
from tai_state.models.due import DueState
from tai_state.rules.due.keys import shard_key
from tai_state.rules.due.looking import look
from tai_state.rules.records.arguments import check_time
from tai_state.rules.records.documents import read_state
from tai_state.rules.records.record import EventRecord, StateRecord

log = logging.getLogger("tai_state")

POLL_SECONDS = 5.0
"""How often a worker looks where its owner does not say."""

BATCH = 100
"""How many states it holds at a time."""

PENDING = 1_000
"""How many states ``pending`` returns at most where nobody says."""

_AT_ONCE = 16
"""How many are read again together, and moved side by side."""

_SKEW_SECONDS = 60.0
"""From which difference on a worker tells of it: a file that a host with a wrong clock once wrote keeps that time."""

_TIME_IS_OLD_SECONDS = 600.0
"""From when on the store is asked for its time: two clocks that run for so long may differ by some milliseconds."""


class AsyncDueWorker:
    """Makes the moves of a persister's machines that are due: timeouts and schedules.

    Any number of workers, in any number of processes, may serve one store: each move is made once, and what a worker
    that died left behind is made by the next one that looks. Only the store's clock counts: nothing is done before its
    time by that, whatever the hosts' clocks say.

    An action that is not allowed when it is due ends as an event of the kind "refused", and so does one whose guard or
    reducer raises, behind five tries with growing pauses. A state that cannot be moved here, since a newer definition
    moved it, it is damaged, or the engine does not take it, is left to others and comes again.

    Idle, it asks the store once in *poll* seconds for each of its machines and of the configured ``due_shards``. It
    looks before that when it knows that something is due, as it does of all that this process arms. ``run_once`` is for
    where nothing runs between requests, such as behind an endpoint that a scheduler calls.
    """

    def __init__(
        self, persister: AsyncStateMachinePersister[Any], *, poll: float = POLL_SECONDS, batch: int = BATCH
    ) -> None:
        """Serve the machines of *persister*, those of its ``machines=`` too.

        Args:
            poll: How many seconds at most are between two looks.
            batch: How many states it holds in memory at a time.

        Raises:
            ConfigurationError: *persister* is none, or of the other colour, or has no machine; or a number cannot be.
        """
        check_colour(persister, AsyncStateMachinePersister, self)
        if not persister.machines:
            message = "a worker makes moves: its persister needs a machine"
            raise ConfigurationError(message)
        self._poll = seconds_of(poll)
        self._batch = check_count(batch, "batch", least=1)
        self._inflight = AsyncInFlight("the due worker", within=persister.store.runtime.inflight)
        self._firing = AsyncFiring(persister, self._inflight)
        self._runtime = self._firing.runtime
        self._actor = persister.store.actor
        self._names = tuple(persister.machines)
        self._shards = persister.settings.due_shards
        self._lookout = Lookout()
        self._signal: AsyncSignal | None = None
        self._is_skew_told = False

    async def run_once(self) -> int:
        """Make all moves that are due now, and return how many were made; refused ones are not counted.

        Raises:
            StoreClosedError: The worker, or its store, is drained.
            StoreError, DeadlineExceededError, RetriesExhaustedError: The store does not answer; what is due stays due.
        """
        with self._inflight.one("due"):
            now = await self._now()
            keys = await self._keys() if now is not None else []
            if now is None or not keys:
                return 0
            monotonic = self._runtime.access.clock.monotonic()
            since, until = self._lookout.since(monotonic), now + timedelta(seconds=self._poll)
            self._lookout.begin()
            fired = 0
            for key in keys:
                fired += await self._look(key, since, until)
            # As of when it began: what was armed since is seen by the next look.
            self._lookout.looked(now, monotonic, was_full=since is None)
            return fired

    async def run(self) -> None:
        """Make moves as they become due, until the worker or its store is drained.

        A store that does not answer is asked again with the next look.
        """
        self._signal = AsyncSignal()
        listeners = self._runtime.writer.listeners
        listeners.append(self)
        try:
            while not self._inflight_is_shut():
                try:
                    await self.run_once()
                except StoreClosedError:
                    return
                except (StoreError, DeadlineExceededError, RetriesExhaustedError) as error:
                    log.warning("the due worker looks again in %g seconds: %s", self._poll, error)
                    self._lookout.begin()
                await self._rest(self._signal)
        finally:
            if self in listeners:
                listeners.remove(self)

    async def drain(self, timeout: TimeLimit = DRAIN_SECONDS) -> bool:
        """Make no more moves, and wait up to *timeout* seconds for those under way; return whether all ended.

        ``run`` returns then; what is due is left to other workers.
        """
        self._inflight.refuse()
        self.stop_soon()
        return await self._inflight.drain(drain_seconds(timeout))

    async def pending(
        self, *, until: datetime | None = None, limit: int = PENDING, timeout: TimeLimit = None
    ) -> list[DueState]:
        """Return what is due of the machines that this worker serves, now or later, in the order of time.

        What is damaged is left out.

        Args:
            until: What is due before that; None: all.
            limit: At most so many.
            timeout: Bounds each page that is read.

        Raises:
            InvalidDataError: *until* is no aware datetime.
            ConfigurationError: *limit* is no positive int.
        """
        # Imported here: it is for people.
        from tai_state._async.due.listing import async_pending  # noqa: PLC0415

        before = None if until is None else check_time(until, "until")
        most = check_count(limit, "limit", least=1)
        with self._inflight.one("due_pending"):
            return await async_pending(self._runtime.access, await self._keys(), before, most, timeout)

    # What the writer of this process tells

    def tell(self, event: EventRecord) -> None:
        """Take a change into account that this process made: what it armed may be due before the next look."""
        due, signal = event.due, self._signal
        if due is None or signal is None or due.machine not in self._names or due.version != event.version:
            return
        self._lookout.expect(due.at)
        signal.set()

    def stop_soon(self) -> None:
        """Let ``run`` see that it is to end."""
        if self._signal is not None:
            self._signal.set()

    async def close(self, timeout: TimeLimit = None) -> bool:
        """End with the store; what is under way was waited for with its calls."""
        return await self.drain(timeout)

    # Inside

    def _inflight_is_shut(self) -> bool:
        try:
            self._inflight.check()
        except StoreClosedError:
            return True
        return False

    async def _rest(self, signal: AsyncSignal) -> None:
        """Wait for the next look, which is sooner where something is armed meanwhile that is due sooner."""
        began = self._runtime.access.clock.monotonic()
        while await signal.wait(self._pause(began)):
            # Most of what a busy process arms is due much later, and no reason to ask the store.
            if self._inflight_is_shut() or not self._pause(began):
                return

    def _pause(self, began: float) -> float:
        """Return how long to wait for the next look, of a rest that *began* at that time of the monotonic clock."""
        access, due = self._runtime.access, self._lookout.next_due
        monotonic = access.clock.monotonic()
        left = max(0.0, began + self._poll - monotonic)
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

    async def _keys(self) -> list[str]:
        """Return where to look; nowhere in a store that nobody has changed yet."""
        writer, access = self._runtime.writer, self._runtime.access
        if writer.origin is None:
            deadline = access.begin(None)
            await writer.learn_store(await access.read([META], deadline), deadline)
        if writer.origin is None:
            return []
        return [shard_key(writer.origin, name, shard) for name in self._names for shard in range(self._shards)]

    async def _look(self, key: str, since: datetime | None, until: datetime) -> int:
        """Make the moves that are due under one key, and note when the next one is."""
        fired, query = 0, look(key, since, until)
        while True:
            found = [one async for one in self._runtime.access.query(query, limit=self._batch)]
            due, has_come_to_later = self._due_of(found)
            fired += await self._fire_all(due)
            # They come in the order of time: behind one that is not due yet none is.
            if len(found) < self._batch or has_come_to_later:
                return fired
            query = query.behind(found[-1])

    def _due_of(self, found: Sequence[Document]) -> tuple[list[DocumentPath], bool]:
        """Return those of the documents that are due, and whether there is one that is not; note when that is."""
        access, due = self._runtime.access, list[DocumentPath]()
        monotonic = access.clock.monotonic()
        now = access.store_time.now(monotonic)
        for document in found:
            at = document.fields["due_at"]
            if now is not None and at > now:
                self._lookout.expect(at)
                return due, True
            if not self._lookout.is_stepped_past(document.path, monotonic):
                due.append(document.path)
        return due, False

    async def _fire_all(self, paths: list[DocumentPath]) -> int:
        """Make the moves of states that were found to be due, some at a time."""
        # Each worker in an order of its own: several that found the same meet at few.
        self._runtime.access.rng.shuffle(paths)
        fired = 0
        for first in range(0, len(paths), _AT_ONCE):
            self._inflight.check()
            outcomes = await self._fire_some(paths[first : first + _AT_ONCE])
            fired += sum(outcome.outcome is Outcome.FIRED for outcome in outcomes)
            troubles = [outcome.trouble for outcome in outcomes if outcome.trouble is not None]
            # Where others could be moved, it is the state's own: it is stepped past, and holds up nobody.
            if troubles and len(troubles) == len(outcomes):
                raise troubles[0]
        return fired

    async def _fire_some(self, paths: Sequence[DocumentPath]) -> list[Fired]:
        access = self._runtime.access
        read = await access.read(paths, access.begin(None), consistent=False)
        # Here: what runs side by side may be threads, which know nothing of this context.
        author = author_of_due(self._actor)
        calls = [
            partial(self._fire, document, read.read_time, author)
            for path in paths
            if (document := read.get(path)) is not None
        ]
        # One alone, as most are, needs no task, and no thread, of its own.
        return [await calls[0]()] if len(calls) == 1 else await async_together(calls)

    async def _fire(self, document: Document, read_time: datetime, author: Author) -> Fired:
        path, monotonic = document.path, self._runtime.access.clock.monotonic()
        found = _readable(document)
        if found is None:
            self._lookout.step_past(path, monotonic)
            return Fired(Outcome.STEPPED)
        paths, record = found
        if record.due is None:
            return Fired(Outcome.GONE)
        fired = await self._firing.fire(paths, document, record, read_time, author)
        if fired.again is not None:
            self._lookout.expect(fired.again)
        elif fired.outcome is Outcome.STEPPED:
            self._lookout.step_past(path, monotonic)
        if fired.outcome in {Outcome.FIRED, Outcome.REFUSED}:
            self._lookout.done(path)
        return fired


def tell_skew(store: datetime, host: datetime) -> None:
    """Warn of a store whose clock is far from the host's: what is due at a time of day is done by the store's."""
    seconds = (store - host).total_seconds()
    if abs(seconds) > _SKEW_SECONDS:
        extra = {"event": "clock_skew", "seconds": seconds}
        log.warning(
            "the store's clock is %.0f seconds ahead of this host's: what is due is done by it", seconds, extra=extra
        )


def _readable(document: Document) -> tuple[StateLayout, StateRecord] | None:
    """Return the state in a document; None for one that is damaged, or that a newer release wrote."""
    governor_id, state_id = state_of(str(document.path))
    if not governor_id or not state_id:
        return None
    try:
        return state_layout(governor_id, state_id), read_state(document, governor_id, state_id)
    except ReplayError as error:
        log.warning("what is due of %s is stepped past: %s", document.path, error)
        return None
