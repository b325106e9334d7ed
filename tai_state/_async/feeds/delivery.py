"""Delivery: the events of one state behind its position, one after the other, each as often as was agreed."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from tai_state._async.feeds.book import AsyncBook
from tai_state._async.feeds.redelivery import AsyncRedelivery
from tai_state._async.feeds.telling import AsyncTelling, HandlerError, LeaseEndedError, MovedOnError
from tai_state._platform.iterators import async_ending
from tai_state.documents import Document
from tai_state.errors import (
    CauseDepthError,
    CorruptLogError,
    HistoryTrimmedError,
    PreconditionFailedError,
    ReplayError,
    SchemaVersionError,
)
from tai_state.layout import StateLayout
from tai_state.rules.feeds.first_sight import last_before
from tai_state.rules.feeds.letters import Delivered, failure_of, gap, letter_of, never_came_back, not_told
from tai_state.rules.feeds.positions import Failure, StatePosition, Subscribed, key_of, read_position
from tai_state.rules.feeds.terms import DeliveryMode
from tai_state.rules.records.record import EventRecord

log = logging.getLogger("tai_state")

_NEWER_ATTEMPTS = 8
"""As after so many attempts is waited for a worker of a newer release."""

PASSED_UNWRITTEN_MAX = 50
"""So many events that concern nobody are passed over without a note: to read them once more is cheaper."""


@dataclass(frozen=True, slots=True)
class AsyncDelivery:
    """Delivers the events of states.

    ``stops`` says that no further event is to be begun.
    """

    book: AsyncBook
    telling: AsyncTelling
    stops: Callable[[], bool]

    async def state(
        self,
        paths: StateLayout,
        subscribed: Subscribed,
        head: int,
        *,
        is_patient: bool,
        is_ours: Callable[[], bool] = lambda: True,
    ) -> Delivered:
        """Deliver what is behind the position of a state.

        1. What may not be tried again yet, and what waits for a dead letter, is left as it is.
        2. An event that concerns nobody is passed over.
        3. Each other one is delivered as was agreed; one that fails ends it, unless it is put aside.
        4. Where another worker has moved the position, nothing more is done here.

        Args:
            head: The version of the state that is known to be there; 0: none is.
            is_patient: Whether a failed event waits for its time.
            is_ours: Whether nobody else can have the shard of the state yet. It may say so always where the delivery is
                not ``at_most_once``: there the order is in the positions alone.
        """
        key = key_of(paths)
        path = self.book.layout.position(key)
        read = await self.book.read([path])
        document = read.get(path)
        position = None if document is None else read_position(document)
        is_new = position is None or position.epoch != subscribed.epoch
        if position is None or is_new:
            try:
                version = 0 if subscribed.since is None else await self._first(paths, subscribed.since, head)
            except ReplayError as error:
                log.warning("where to begin with %s/%s is not known: %s", paths.governor_id, paths.state_id, error)
                return Delivered()
            found = None if document is None else document.update_time
            position = StatePosition(epoch=subscribed.epoch, update_time=found, key=key, version=version)
        if position.blocked:
            return Delivered(is_done=True, version=position.version, is_blocked=True)
        if is_patient and position.retry_at is not None and read.read_time < position.retry_at:
            return Delivered(retry_at=position.retry_at, version=position.version)
        return await AsyncStateDelivery(self, paths, position, is_ours, head, is_new=is_new).run()

    async def again(self, paths: StateLayout, subscribed: Subscribed, version: int) -> Delivered:
        """Deliver a dead letter once more, out of its order."""
        redelivery = AsyncRedelivery(self.book, self.telling, paths, version)
        try:
            return await redelivery.run(subscribed.epoch)
        except (PreconditionFailedError, MovedOnError):
            return Delivered()

    async def _first(self, paths: StateLayout, since: datetime, head: int) -> int:
        """Return the last version that was committed up to *since*."""
        runtime = self.book.runtime
        with runtime.inflight.one("subscription"):
            if head < 1:
                known = await runtime.record(paths, None)
                head = 0 if known is None else known.version
            search = last_before(since, head)
            try:
                probe = next(search)
                while True:
                    try:
                        event = await runtime.history.event(paths, probe, runtime.access.begin(None))
                    except HistoryTrimmedError:
                        event = None
                    probe = search.send(None if event is None else event.committed_at)
            except StopIteration as found:
                version: int = found.value
                return version


class AsyncStateDelivery:
    """One state's delivery, from its position on."""

    def __init__(
        self,
        delivery: AsyncDelivery,
        paths: StateLayout,
        position: StatePosition,
        is_ours: Callable[[], bool],
        head: int,
        *,
        is_new: bool,
    ) -> None:
        """Go on behind *position* while the state *is_ours*; *is_new*: the subscription never met it.

        Args:
            head: The version that is known to be there; 0: none is.
        """
        self._book = delivery.book
        self._runtime = delivery.book.runtime
        self._telling = delivery.telling
        self._terms = delivery.telling.terms
        self._stops = delivery.stops
        self._is_ours = is_ours
        self._head = head
        self._paths = paths
        self._path = delivery.book.layout.position(position.key)
        self._position = position
        self._written = position
        self._is_new = is_new
        self._count = 0
        self._passed = 0

    async def run(self) -> Delivered:
        """Deliver until nothing is left, or something stops it."""
        try:
            is_done = await self._run()
            if self._is_worth_a_note:
                await self._write(self._position)
        except (PreconditionFailedError, MovedOnError):
            return Delivered(self._count, version=self._written.version)
        position = self._position
        return Delivered(self._count, is_done, position.retry_at, position.version, position.blocked)

    @property
    def _is_worth_a_note(self) -> bool:
        if self._position.version == self._written.version:
            return False
        return not self._is_new or self._count > 0 or self._passed > PASSED_UNWRITTEN_MAX

    async def _run(self) -> bool:
        while True:
            try:
                return await self._events()
            except HistoryTrimmedError as error:
                await self._pass_gap(error.trimmed_through)
            except CorruptLogError as error:
                return await self._damaged(error)
            except SchemaVersionError:
                # A worker of that release delivers it; this one comes again.
                return await self._put_off(_NEWER_ATTEMPTS)

    async def _events(self) -> bool:
        # Up to the version that the look has found, if it has: whatever came since, the next look finds.
        until = self._head if self._head > self._position.version else None
        found = self._runtime.history.events(
            self._paths, after=self._position.version, until=until, is_there=until is not None
        )
        ids = self._paths.governor_id, self._paths.state_id
        async with async_ending(self._runtime.inflight.reading(found, "subscription", *ids)) as events:
            async for event in events:
                if self._stops() or not self._is_ours():
                    return False
                if not await self._take(event):
                    return self._position.blocked
        return True

    async def _take(self, event: EventRecord) -> bool:
        """Deliver one event, or pass it over, and return whether to go on."""
        if not self._telling.concerns_somebody(event):
            self._position = self._position.passed(event.version)
            self._passed += 1
            return True
        if self._position.attempts >= self._terms.attempts:
            return await self._put_aside(event.version, never_came_back(self._position.attempts))
        if self._terms.delivery is DeliveryMode.AT_MOST_ONCE:
            return await self._at_most_once(event)
        await self._write(self._position.begun())
        try:
            if self._terms.delivery is DeliveryMode.EXACTLY_ONCE:
                await self._exactly_once(event)
            else:
                await self._telling.tell(self._paths, event)
                self._position = self._position.passed(event.version)
        except HandlerError as error:
            return await self._failed(event.version, error.reason)
        self._count += 1
        return True

    async def _at_most_once(self, event: EventRecord) -> bool:
        # First the position: whatever becomes of the handler, the event does not come again.
        await self._write(self._position.passed(event.version))
        try:
            # The reply may have been long under way: who has the shard by now tells what is behind this event.
            await self._telling.tell(self._paths, event, check=self._check_lease)
        except LeaseEndedError:
            await self._write_letter(event.version, not_told())
            return False
        except HandlerError as error:
            await self._write_letter(event.version, failure_of(error.reason, 1))
        else:
            self._count += 1
        return True

    def _check_lease(self) -> None:
        if not self._is_ours():
            raise LeaseEndedError

    async def _exactly_once(self, event: EventRecord) -> None:
        position, path, new_id = self._position, self._path, self._runtime.access.new_id
        passed = position.passed(event.version)

        def stands(document: Document | None) -> bool:
            return document is not None and read_position(document) == position

        moment = await self._telling.tell_in_commit(
            self._paths, event, path, stands, lambda: passed.put(path, new_id())
        )
        # What a commit changes has the commit's time.
        self._position = self._written = passed.written(moment)

    async def _failed(self, version: int, error: BaseException) -> bool:
        """Let a failed event be tried again, or put it aside; return whether to go on."""
        attempts = self._position.attempts
        # What ends a chain of handlers that set each other off would end it again.
        if attempts >= self._terms.attempts or isinstance(error, CauseDepthError):
            return await self._put_aside(version, failure_of(error, attempts))
        log.warning(
            "attempt %d at version %d of %s/%s by subscription %s failed: %s",
            *(attempts, version, self._paths.governor_id, self._paths.state_id, self._book.layout.name),
            type(error).__name__,
        )
        return await self._put_off(attempts)

    async def _put_off(self, attempts: int) -> bool:
        await self._write(self._position.failed(self._now, self._terms.config.wait_seconds(attempts)))
        return False

    async def _put_aside(self, version: int, failure: Failure) -> bool:
        position = self._position.stopped() if self._terms.blocks else self._position.passed(version)
        await self._write_letter(version, failure, position)
        return not self._terms.blocks

    async def _damaged(self, error: CorruptLogError) -> bool:
        """Count an attempt at an event that cannot be read; what is behind it cannot be read either."""
        await self._write(self._position.begun())
        attempts = self._position.attempts
        if attempts < self._terms.max_attempts:
            return await self._put_off(attempts)
        failure = failure_of(error, attempts)
        await self._write_letter(self._position.version + 1, failure, self._position.stopped())
        return True

    async def _pass_gap(self, last: int) -> None:
        """Go on behind events that were trimmed; of a state that was met before, that is told."""
        first = self._position.version + 1
        assert last >= first
        if self._is_new and not self._count:
            self._position = self._position.passed(last)
        else:
            await self._write_letter(first, gap(first, last), self._position.passed(last))

    @property
    def _now(self) -> datetime:
        now = self._runtime.access.store_time.latest
        assert now is not None
        return now

    async def _write(self, position: StatePosition) -> None:
        moment = await self._book.write([position.put(self._path, self._runtime.access.new_id())])
        self._position = self._written = position.written(moment)

    async def _write_letter(self, version: int, failure: Failure, position: StatePosition | None = None) -> None:
        """Put an event aside, in one commit with the position that follows from it."""
        key, new_id = self._position.key, self._runtime.access.new_id
        before = await self._book.letter(key, version)
        letter = letter_of(self._position, version, failure, self._now, before)
        put = letter.put(self._book.layout.letter(key, version), new_id())
        log.error(
            "version %d of %s/%s is a dead letter of subscription %s: %s",
            *(version, self._paths.governor_id, self._paths.state_id, self._book.layout.name, failure.code),
        )
        if position is None:
            await self._book.write([put])
        else:
            moment = await self._book.write([position.put(self._path, new_id()), put])
            self._position = self._written = position.written(moment)
