# Generated from tai_state/_async/feeds/subscription.py by .ci/generate_sync.py; do not edit.
"""Subscriptions: handlers that are told of each event, across processes and restarts, as often as was agreed."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeVar

from tai_state import models
from tai_state._sync.api.store import StateStore
from tai_state._sync.api.transaction_queue import ReservedLocks
from tai_state._sync.feeds.administration import Administration, checked_start
from tai_state._sync.feeds.delivery import Delivery
from tai_state._sync.feeds.telling import Telling
from tai_state._sync.feeds.visit import Visitor
from tai_state._sync.feeds.waker import Waker
from tai_state._platform.bodies import check_callback
from tai_state.config import DRAIN_SECONDS, check_colour, check_option, drain_seconds
from tai_state.documents import Capability
from tai_state.errors import ConfigurationError, StoreClosedError, TaiStateError
from tai_state.layout import OwnGovernor, check_id, state_layout
from tai_state.machine.validation import call_defect
from tai_state.rules.feeds.discovery import Looks
from tai_state.rules.feeds.interest import Condition, Handler, Interest, Told, names
from tai_state.rules.feeds.terms import DeliveryMode, SubscriptionConfig, terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from tai_state.clock import TimeLimit
    from tai_state.machine import Machine, Mover
    from tai_state.models import DeliveryOutcome
    from tai_state.rules.feeds.positions import Subscribed

log = logging.getLogger("tai_state")

HandlerT = TypeVar("HandlerT", bound=Handler)


class Subscription(Administration):
    """Tells handlers of the events of a store, in the order of each state, whoever made them.

    Its position is kept in the store, under its *name*: it goes on where it was, and any number of workers of any
    number of processes share its work. What is delivered of one state is in the order of its versions; several states
    are delivered at once, and between states no order is promised.

    - ``at_most_once``: the position moves before the handler runs. An event whose handler fails, or dies, is not told
      again; what failed is a dead letter.
    - ``at_least_once``: the position moves behind the handler. An event may be told again: let handlers bear that.
    - ``exactly_once``: the handler gets a transaction, too. What it writes with that, in this store, and the position
      are one commit. Effects elsewhere are the handler's own, and happen as under ``at_least_once``.

    A handler that raises is tried again, *max_attempts* times in all; then the event is put aside as a dead letter.
    So is one whose handler ends its process each time. A change that a handler makes has the event as its ``cause``.
    """

    def __init__(
        self,
        store: StateStore,
        name: str,
        handler: Handler | None = None,
        *,
        governor_id: str | None = None,
        statuses: Iterable[str] | None = None,
        machine: Machine[Any] | Mover | str | None = None,
        condition: Condition | None = None,
        start: str | datetime = "beginning",
        delivery: str | None = None,
        max_attempts: int | None = None,
        blocks: bool = True,
        config: SubscriptionConfig | None = None,
    ) -> None:
        """Subscribe to *store* under *name*; nothing is read or written before the first use.

        Args:
            handler: Called with each event, and under ``exactly_once`` with a transaction. None: what ``when`` adds.
            governor_id, statuses, machine, condition: Tell of the events of this governor alone; of those that left
                their state in one of these statuses; of those that this machine made; of those for which the condition,
                given the event, is true. They hold for what ``when`` adds, too.
            start: Where a subscription of a new name begins: with the first events there are ("beginning"), with what
                is committed from now on ("now"), or behind a time of the store. One that has begun goes on.
            delivery: ``at_most_once``, ``at_least_once`` or ``exactly_once``; None: as the store's settings say, or
                else ``at_least_once``.
            max_attempts: How often a failing event is tried, before it is put aside; None: as the store's settings
                say, or else 5 times. (Once, under ``at_most_once``.)
            blocks: Whether the later events of a state wait until a dead letter of it is retried. If not, they go on.
            config: How it looks and tries.

        Raises:
            ConfigurationError: One of them cannot be; names it: *governor_id* is one of the package's own, say, of
                which no subscription tells. Or *store* is of the other colour.
            InvalidIdError: *name* or *governor_id* can be no id.
        """
        check_colour(store, StateStore, self)
        check_option(config, SubscriptionConfig, "config")
        config = config or SubscriptionConfig()
        configured = store.runtime.configured
        if delivery is None:
            delivery = "at_least_once" if configured is None else configured.subscriptions.delivery
        if max_attempts is None:
            max_attempts = 5 if configured is None else configured.subscriptions.max_attempts
        self._terms = terms(delivery, max_attempts, blocks, config)
        self._governor_id = None if governor_id is None else _users_governor(governor_id)
        super().__init__(store, name, checked_start(start, "start"), self._governor_id)
        self._all = Interest(
            _names(statuses, "statuses"),
            machine=_machine_name(machine),
            condition=_condition(condition),
        )
        self._told: list[Told] = []
        if handler is not None:
            self._told.append(Told(_handler(handler), (self._all,)))
        self._is_stopped = False
        self._waker = Waker(store.runtime.writer)
        access = store.runtime.access
        self._delivery = Delivery(self._book, Telling(store.runtime, self._terms, self._told), self._stops)
        self._visitor = Visitor(
            self._book,
            self._delivery,
            self._search,
            Looks.of(config, is_exact=Capability.BY_UPDATE_TIME in store.capabilities),
            ReservedLocks(store),
            config,
            self._stops,
            owner=access.new_id(),
        )

    # Who is told

    def when(
        self,
        *,
        status: str | Iterable[str] | None = None,
        action: str | Iterable[str] | None = None,
        condition: Condition | None = None,
    ) -> Callable[[HandlerT], HandlerT]:
        """Decorate a handler that is told of some of the events: ``@subscription.when(status="paid")``.

        Each handler that an event concerns is told of it, in the order in which they were added. They share its fate:
        where one raises, all of them are told again. It fires once for each commit, however many workers there are; a
        condition that is false fires nothing.

        Args:
            status: Which left their state in this status, or in one of these; also those that found it there.
            action: Which were made by this action, or by one of these.
            condition: For which this is true, given the event; asked of those that meet the rest.
        """
        interest = Interest(_names(status, "status"), _names(action, "action"), condition=_condition(condition))

        def add(handler: HandlerT) -> HandlerT:
            self._told.append(Told(_handler(handler), (self._all, interest)))
            return handler

        return add

    # Work

    def run_once(self) -> int:
        """Deliver what is there now, and return how many events were told.

        Each event that failed before is tried once more, without waiting for its time. What another worker has its
        hands on is left to him. Behind an endpoint that a scheduler calls, this is all that a worker needs.

        Raises:
            ConfigurationError: Nobody is told of anything; or the store has no feed: ``connect(url, feed=True)``.
            TaiStateError: The store failed; what was delivered is.
        """
        with self._visitor.under_way.work():
            self._check()
            return self._pass(is_patient=False)

    def run(self) -> None:
        """Deliver until it is drained, or its store is: soon after each change of this store object, else by polling.

        A failed event waits for its time: ``wait_initial`` seconds, doubled with each attempt. Where the store fails,
        it is tried again with the next poll.

        Raises:
            ConfigurationError: As for ``run_once``.
        """
        try:
            with self._visitor.under_way.work(), self._waker as waker:
                self._check()
                while not self._stops():
                    try:
                        count = self._pass(is_patient=True)
                    except (StoreClosedError, ConfigurationError):
                        raise
                    except TaiStateError as error:
                        log.warning("subscription %s goes on with the next poll: %s", self.name, error)
                        count = 0
                    if not count:
                        waker.wait(self._terms.config.poll)
        except StoreClosedError:
            log.debug("subscription %s ends with its store", self.name)

    def drain(self, timeout: TimeLimit = DRAIN_SECONDS) -> bool:
        """Begin no further event, for good, and wait until those under way have ended; return whether they have.

        Those of ``run``, ``run_once`` and ``deliver``, but for the caller's own: a signal's handler that drains
        interrupts one, and so does a handler of events, which waits for those that are told beside it alone.

        Args:
            timeout: How many seconds that may take; None: 10.
        """
        self._is_stopped = True
        self._waker.wake()
        return self._visitor.under_way.ended(drain_seconds(timeout))

    def deliver(self, governor_id: str, state_id: str) -> DeliveryOutcome:
        """Deliver what is there of one state, and return how many events were told, and whether any are left.

        For those who know which state has changed, since something else told them: Eventarc, say. It may be asked for
        twice, and by several at once: the position is the same, and each event is told as often as was agreed. A failed
        event is tried once more with each call, and by the workers only where they find the change, too.

        Of a governor of the package's own, such as a group of keys, nobody is told here, either: there is nothing left.

        Under ``at_most_once`` the order of a state takes the lease of its shard, which is waited for: as long as it
        lasts at most. So then shards are what several can do at once.

        Raises:
            ConfigurationError: Nobody is told of anything.
            TaiStateError: The store failed.
        """
        with self._visitor.under_way.work():
            self._check(needs_feed=False)
            subscribed = self._begun()
            paths = state_layout(governor_id, state_id)
            if isinstance(governor_id, OwnGovernor) or self._governor_id not in {None, governor_id}:
                return models.DeliveryOutcome(0, is_done=True)
            if self._stops():
                return models.DeliveryOutcome(0, is_done=False)
            if self._terms.delivery is DeliveryMode.AT_MOST_ONCE:
                told = self._visitor.alone(paths, subscribed)
            else:
                told = self._delivery.state(paths, subscribed, 0, is_patient=False)
            return models.DeliveryOutcome(told.count, told.is_done)

    def _stops(self) -> bool:
        return self._is_stopped

    def _pass(self, *, is_patient: bool) -> int:
        """Visit each shard once, in an order of its own: workers that begin together do not race for each."""
        subscribed = self._begun()
        numbers = list(range(subscribed.shards))
        self._book.runtime.access.rng.shuffle(numbers)
        count = 0
        for number in numbers:
            if self._stops():
                break
            count += self._visitor.visit(number, is_patient=is_patient)
        return count

    def _begun(self) -> Subscribed:
        found = self._book.subscribed()
        if found is None:
            found = self._book.begun(self._wanted(self._terms.config.shards, self._terms.delivery))
        if found.governor_id != self._governor_id:
            # It would look for the states of one, and tell of another's: of none, and pass over all of them.
            message = (
                f"subscription {self.name!r} began with governor_id={found.governor_id!r}, not {self._governor_id!r}: "
                "give it the same, or another name"
            )
            raise ConfigurationError(message)
        return found

    def _check(self, *, needs_feed: bool = True) -> None:
        if not self._told:
            message = f"subscription {self.name!r} tells nobody: give it a handler, or add some with when"
            raise ConfigurationError(message)
        if needs_feed:
            self._search.discovery()


def _users_governor(given: str) -> str:
    if isinstance(given, OwnGovernor):
        # As plain text it would be another one.
        message = f"governor_id: {given!r} is one of the package's own, of which no subscription tells; on_change does"
        raise ConfigurationError(message)
    return check_id(given, "governor_id")


def _names(given: object, what: str) -> frozenset[str] | None:
    try:
        return names(given)
    except TypeError as error:
        message = f"{what}: {error}"
        raise ConfigurationError(message) from error


def _machine_name(machine: Machine[Any] | Mover | str | None) -> str | None:
    name = getattr(machine, "name", machine)
    if name is not None and not isinstance(name, str):
        message = f"machine must be a machine or its name, not {machine!r}"
        raise ConfigurationError(message)
    return name


def _condition(condition: Condition | None) -> Condition | None:
    # One that is async would be true of everything.
    defect = None if condition is None else call_defect(condition, "condition", "event")
    if defect is not None:
        message = f"condition: {defect}"
        raise ConfigurationError(message)
    return condition


def _handler(handler: Handler) -> Handler:
    check_callback(handler, "a handler")
    return handler
