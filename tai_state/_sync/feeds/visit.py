# Generated from tai_state/_async/feeds/visit.py by .ci/generate_sync.py; do not edit.
"""A visit of a shard: which of its states changed, and what is still pending, delivered under the shard's lease.

1. A look is a query, without the lease: where it finds nothing to do, it has cost no more than that.
2. Where it does, the lease is tried for once. Somebody else's: his worker does it.
3. With the lease all is read again: the position may have moved meanwhile. Then, page by page: the states are
   delivered, several at once, and the position moves behind the page, guarded by the lease. What could not be ended is
   pending.
4. A visit is for what had changed when it began: later changes are the next one's.
"""
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from tai_state._sync.api.transaction_queue import ReservedLocks
from tai_state._sync.feeds.book import Book
from tai_state._sync.feeds.delivery import Delivery
from tai_state._sync.feeds.known import Known
from tai_state._sync.feeds.search import Search
from tai_state._sync.feeds.under_way import UnderWay
from tai_state._sync.locking.guarding import guarding
from tai_state._sync.locking.lock_set import LockSet
from tai_state._platform.callers import caller
from tai_state._platform.iterators import ending
from tai_state._platform.tasks import together
from tai_state.errors import (
    DeadlockError,
    LockError,
    PreconditionFailedError,
    StoreError,
    TaiStateError,
)
from tai_state.layout import StateLayout, governor_of, state_layout, unescape
from tai_state.rules.feeds.discovery import Found, Looks
from tai_state.rules.feeds.letters import Delivered
from tai_state.rules.feeds.positions import ShardPosition, Subscribed, key_of, shard_of
from tai_state.rules.feeds.terms import SubscriptionConfig

log = logging.getLogger("tai_state")

PENDING_MAX = 100
"""How many states of a shard may be pending: beyond that its position waits for them."""

_RELEASE_SECONDS = 2.0


class LostError(Exception):
    """Another worker has the shard, or has moved its position."""


@dataclass(slots=True)
class Visitor:
    """Visits shards.

    Attributes:
        known: What this worker knows to be delivered.
        later: When a pending state may be tried again, as far as this worker knows.
        under_way: What this worker does, for who waits for its end.
    """

    book: Book
    delivery: Delivery
    search: Search
    looks: Looks
    locks: ReservedLocks
    config: SubscriptionConfig
    stops: Callable[[], bool]
    owner: str
    known: Known = field(default_factory=Known)
    later: dict[str, datetime] = field(default_factory=dict)
    under_way: UnderWay = field(default_factory=UnderWay)

    def visit(self, number: int, *, is_patient: bool) -> int:
        """Deliver what is there of a shard, and return how many events that were.

        Args:
            is_patient: Whether a failed event waits for its time.
        """
        subscribed, position, now = self.read(number)
        if not self._is_worth_it(number, subscribed, position, now, is_patient=is_patient):
            return 0
        held = self._lease(number, self.owner)
        if held is None:
            return 0
        visit = self._begun(number, held, is_patient=is_patient)
        try:
            visit.run()
        except LostError as error:
            log.debug("a visit of shard %d ends early: %s", number, error.__cause__)
        finally:
            self._release(held)
        return visit.count

    def _begun(self, number: int, held: LockSet, *, is_patient: bool) -> "Visit":
        return Visit(self, number, held, is_patient=is_patient)

    def read(self, number: int) -> tuple[Subscribed, ShardPosition, datetime]:
        """Return the subscription, the position of a shard, and the store's time."""
        subscribed, position, read = self.book.shard(number)
        if subscribed is None:
            message = f"document {self.book.layout.own} was removed while subscription {self.book.layout.name!r} ran"
            raise StoreError(message)
        self.known.begin(subscribed.epoch)
        if position is None or position.epoch != subscribed.epoch:
            found = None if position is None else position.update_time
            position = ShardPosition(epoch=subscribed.epoch, update_time=found)
        return subscribed, position, read.read_time

    def _is_worth_it(
        self, number: int, subscribed: Subscribed, position: ShardPosition, now: datetime, *, is_patient: bool
    ) -> bool:
        """Whether there is anything to deliver or to note."""
        if self.looks.is_sweep_due(position, now) or self.due(position, now, is_patient=is_patient):
            return True
        start = self.looks.start(position, subscribed.since, sweeps=False, now=now)
        with ending(self.search.pages(number, subscribed, start)) as pages:
            for page in pages:
                if any(not self.known.has(found.key, found.version) for found in page.found):
                    return True
                # Position and changes drift apart where those of others are passed over: a note keeps the next look
                # short.
                if page.is_full:
                    return True
        return False

    def due(self, position: ShardPosition, now: datetime, *, is_patient: bool) -> list[str]:
        """Return which pending states may be tried now, as far as is known."""
        if not is_patient:
            return list(position.pending)
        return [key for key in position.pending if self.later.get(key, now) <= now]

    def alone(self, paths: StateLayout, subscribed: Subscribed) -> Delivered:
        """Deliver what is there of one state under the lease of its shard, waiting for that as long as it may last."""
        number = shard_of(key_of(paths), subscribed.shards)
        # Each call by itself, also beside others of this process.
        held = self._lease(number, self.book.runtime.access.new_id(), self.config.lease)
        if held is None:
            return Delivered()
        try:
            return self.delivery.state(paths, subscribed, 0, is_patient=False, is_ours=lambda: held.held)
        finally:
            self._release(held)

    def _lease(self, number: int, owner: str, seconds: float = 0) -> LockSet | None:
        resource = self.book.layout.lease(number)
        try:
            return self.locks.acquire_reserved([resource], owner=owner, timeout=seconds, ttl=self.config.lease)
        except (LockError, DeadlockError) as error:
            log.debug("shard %d of subscription %s is visited by another: %s", number, self.book.layout.name, error)
            return None

    def _release(self, held: LockSet) -> None:
        try:
            held.release(timeout=_RELEASE_SECONDS)
        except TaiStateError as error:
            log.debug("the next visit has to wait for the end of a lease: %s", error)


class Visit:
    """One visit, under the lease of the shard."""

    def __init__(self, visitor: Visitor, number: int, held: LockSet, *, is_patient: bool) -> None:
        """Visit shard *number*, whose lease is *held*."""
        self._visitor = visitor
        self._number = number
        self._held = held
        self._is_patient = is_patient
        self.count = 0
        self._pending: dict[str, None] = {}
        self._put_off: set[str] = set()

    def run(self) -> None:
        """Deliver what is there.

        Raises:
            LostError: Another worker has the shard, or moved its position; what was delivered is.
        """
        visitor = self._visitor
        subscribed, position, now = visitor.read(self._number)
        self._pending = dict.fromkeys(position.pending)
        sweeps = visitor.looks.is_sweep_due(position, now)
        start = visitor.looks.start(position, subscribed.since, sweeps=sweeps, now=now)
        before, is_first = position, position.reached is None
        due = visitor.due(position, now, is_patient=self._is_patient)
        self._deliver(subscribed, [_pending(key, now) for key in due])
        is_at_end = False
        with ending(visitor.search.pages(self._number, subscribed, start)) as pages:
            for page in pages:
                fresh = [found for found in page.found if self._is_fresh(found)]
                self._deliver(subscribed, fresh)
                if visitor.stops() or len(self._noted(position)) < len(self._pending):
                    break
                if page.last is not None:
                    position = self._note(position, page.last)
                is_at_end = not page.is_full or (page.last is not None and page.last >= now)
                if is_at_end:
                    break
        if is_at_end and (sweeps or (is_first and not visitor.looks.is_exact)):
            position = replace(position, swept_at=now)
        if self._noted(position) != position.pending or position.swept_at != before.swept_at:
            self._write(position)

    def _is_fresh(self, found: Found) -> bool:
        # What was put off is pending, and tried once in a visit.
        return found.key not in self._put_off and not self._visitor.known.has(found.key, found.version)

    def _noted(self, position: ShardPosition) -> tuple[str, ...]:
        """Return the pending states as they are noted: of more than that the position waits, which finds them again.

        Those that *position* has are noted still, however many were retried: nothing else would lead to them.
        """
        before = frozenset(position.pending)
        kept = [key for key in self._pending if key in before]
        new = [key for key in self._pending if key not in before]
        return (*kept, *new[: max(0, PENDING_MAX - len(kept))])

    def _note(self, position: ShardPosition, reached: datetime) -> ShardPosition:
        """Move the position of the shard behind a page; a sweep moves it nowhere."""
        if position.reached is not None and reached <= position.reached and self._noted(position) == position.pending:
            return position
        latest = reached if position.reached is None else max(position.reached, reached)
        return self._write(replace(position, reached=latest))

    def _write(self, position: ShardPosition) -> ShardPosition:
        book = self._visitor.book
        position = replace(position, pending=self._noted(position))
        put = position.put(book.layout.shard(self._number), book.runtime.access.new_id())
        try:
            moment = book.write([put], guarding=guarding(book.runtime.access, self._held))
        except (LockError, PreconditionFailedError) as error:
            raise LostError from error
        return position.written(moment)

    def _deliver(self, subscribed: Subscribed, found: list[Found]) -> None:
        """Deliver states, several at once."""
        visitor, size = self._visitor, self._visitor.config.concurrency
        stored = visitor.book.positions([one.key for one in found], subscribed.epoch)
        behind = [
            one
            for one in found
            if one.key not in stored or stored[one.key].version < one.version or one.key in self._pending
        ]
        for key, position in stored.items():
            visitor.known.learn(key, position.version)
        for first in range(0, len(behind), size):
            if visitor.stops():
                return
            if not self._held.held:
                raise LostError
            some = behind[first : first + size]
            calls = [partial(self._state, subscribed, one, caller()) for one in some]
            # One alone needs no thread of its own.
            outcomes = [calls[0]()] if len(calls) == 1 else together(calls)
            for one, outcome in zip(some, outcomes, strict=True):
                self._take(one, outcome)

    def _state(self, subscribed: Subscribed, found: Found, visitor: int) -> Delivered:
        delivery = self._visitor.delivery
        # A handler that drains its own subscription waits for those beside it, and not for who waits for all of them.
        with self._visitor.under_way.work(within=visitor):
            if "@" in found.key:
                return delivery.again(found.paths, subscribed, found.version)
            return delivery.state(
                found.paths, subscribed, found.version, is_patient=self._is_patient, is_ours=lambda: self._held.held
            )

    def _take(self, found: Found, outcome: Delivered) -> None:
        visitor = self._visitor
        self.count += outcome.count
        visitor.known.learn(found.key, outcome.version)
        visitor.later.pop(found.key, None)
        if outcome.is_done:
            self._pending.pop(found.key, None)
            if outcome.is_blocked:
                visitor.known.learn(found.key, found.version)
            return
        self._pending[found.key] = None
        self._put_off.add(found.key)
        if outcome.retry_at is not None:
            visitor.later[found.key] = outcome.retry_at


def _pending(entry: str, now: datetime) -> Found:
    """Return what is pending: a state whose head is not known, or one version of it, to be delivered again."""
    key, _, version = entry.partition("@")
    governor, _, state = key.partition("/")
    return Found(state_layout(governor_of(governor), unescape(state)), entry, int(version or 0), now)
