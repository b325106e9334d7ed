# Generated from tai_state/_async/feeds/telling.py by .ci/generate_sync.py; do not edit.
"""Telling: the handlers of one event, called with it, alone or in a transaction of their own."""
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tai_state._sync.api.transaction import Transaction
from tai_state._sync.runtime import Runtime
from tai_state._sync.transactions.attempt import Attempt
from tai_state._sync.transactions.run import Run
from tai_state._platform.bodies import call_back
from tai_state.authors import Caused, caused_by
from tai_state.codec import Payload
from tai_state.config import TRANSACTION_RETRY
from tai_state.documents import Document, DocumentPath, Put
from tai_state.errors import StoreClosedError, StoreUnavailableError, TaiStateError
from tai_state.layout import StateLayout
from tai_state.rules.feeds.interest import Told, who_may
from tai_state.rules.feeds.positions import COMMIT, event_name
from tai_state.rules.feeds.terms import Terms
from tai_state.rules.records.record import EventRecord

log = logging.getLogger("tai_state")


class MovedOnError(Exception):
    """Another worker has moved what a delivery rests on."""


class LeaseEndedError(Exception):
    """Another worker may have the state by now, so that no handler is begun any more."""


class HandlerError(Exception):
    """A handler failed; with what, is the cause."""

    @property
    def reason(self) -> BaseException:
        """What the handler failed with."""
        return self.__cause__ or self


@dataclass(frozen=True, slots=True)
class Telling:
    """Calls those who are told."""

    runtime: Runtime
    terms: Terms
    told: Sequence[Told]

    def concerns_somebody(self, event: EventRecord) -> bool:
        """Whether an event is to be told; where a condition cannot say, it fails when the event is told."""
        maybe = who_may(self.told, event)
        if not maybe:
            return False
        shown = event.public(Payload.value)
        try:
            return any(one.takes(shown) for one in maybe)
        except Exception as error:  # noqa: BLE001 - a user's condition may raise anything
            log.debug("a condition raised %s", type(error).__name__)
            return True

    def tell(
        self, paths: StateLayout, event: EventRecord, *more: object, check: Callable[[], None] = lambda: None
    ) -> None:
        """Call each handler that an event concerns, in their order, with *more* arguments.

        Args:
            check: Called right before each of them is; raises LeaseEndedError where it is not to be any more.

        Raises:
            HandlerError: One of them failed.
            LeaseEndedError: One of them was not to be called any more.
        """
        depth = event.cause.depth if event.cause is not None else 0
        caused = Caused(event_name(paths, event.version), depth + 1, self.terms.config.max_depth)
        try:
            for one in who_may(self.told, event):
                # A copy for each: what one handler does to it, no other sees.
                shown = event.public(Payload.value)
                if one.takes(shown):
                    # Nothing is awaited between this and the handler.
                    check()
                    with caused_by(caused):
                        call_back(one.handler, shown, *more)
        except LeaseEndedError:
            raise
        except Exception as error:
            raise HandlerError from error

    def tell_in_commit(
        self,
        paths: StateLayout,
        event: EventRecord,
        path: DocumentPath,
        stands: Callable[[Document | None], bool],
        put: Callable[[], Put],
    ) -> datetime:
        """Call the handlers with a transaction whose commit makes *put*, too, and return when that was committed.

        Args:
            path: Of the document that *put* writes.
            stands: Whether that document is as this delivery knows it.

        Raises:
            MovedOnError: It is not; nothing was written.
            HandlerError: A handler failed, or what it made cannot be committed.
        """
        attempts: list[Attempt] = []

        def body(attempt: Attempt) -> None:
            if not stands(attempt.document(path)):
                raise MovedOnError
            self.tell(paths, event, Transaction(attempt))
            attempt.carry(put(), COMMIT)
            attempts[:] = [attempt]

        run = Run(
            self.runtime,
            body,
            policy=TRANSACTION_RETRY,
            deadline=TRANSACTION_RETRY.begin(self.runtime.access.clock, None),
            guarding=None,
            record_ttl=None,
        )
        try:
            with self.runtime.inflight.one("subscription"):
                run.result()
        except (StoreUnavailableError, StoreClosedError):
            raise
        except TaiStateError as error:
            # Too large, say, or in conflict with others until its time was over.
            raise HandlerError from error
        committed_at = attempts[0].committed_at
        assert committed_at is not None
        return committed_at
