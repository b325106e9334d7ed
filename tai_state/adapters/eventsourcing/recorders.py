"""What eventsourcing asks for by name: its four kinds of recorders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    Notification,
    ProcessRecorder,
    StoredEvent,
    TrackingRecorder,
)

from tai_state.adapters.eventsourcing.failures import told
from tai_state.adapters.eventsourcing.keeping import Kept
from tai_state.adapters.eventsourcing.subscription import TaiStateSubscription

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from eventsourcing.persistence import Subscription, Tracking

    from tai_state import StateStore, Transaction


class TaiStateRecorder:
    """What recorders have in common: one application in a store.

    Every method raises a ``PersistenceError`` of eventsourcing's, whose cause is this package's error; an
    ``IntegrityError`` where something is there already. Then nothing was written, save where the cause is an
    ``OutcomeUnknownError``.
    """

    def __init__(self, store: StateStore, governor_id: str = "eventsourcing", *, purpose: str = "events") -> None:
        """Record the events of *purpose* of the application that *governor_id* is, in *store*.

        Raises:
            ConfigurationError: *purpose* cannot be told from what else is kept.
        """
        self.kept = Kept(store, governor_id, purpose)
        """What it stands on; no part of the public contract."""

    @property
    def store(self) -> StateStore:
        """The store that it records in."""
        return self.kept.store


class TaiStateAggregateRecorder(TaiStateRecorder, AggregateRecorder):
    """Events of aggregates, or their snapshots, without a number."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Add events in one commit, all or none."""
        with told():
            self.kept.insert(stored_events)
        return None

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Return the events of an aggregate with ``gt < version <= lte``, ascending by version or descending."""
        with told():
            return self.kept.select(originator_id, gt=gt, lte=lte, desc=desc, limit=limit)


class TaiStateApplicationRecorder(TaiStateAggregateRecorder, ApplicationRecorder):
    """Events of aggregates, each with a number in the sequence of its application."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        """Add events in one commit, all or none; return their numbers, which follow each other."""
        with told():
            return self.kept.insert(stored_events, is_numbered=True)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Return events in the order of their numbers, without a gap: none will be found before one that was read."""
        after = 0 if start is None else start - 1 if inclusive_of_start else start
        with told():
            return self.kept.sequence.notifications(after, limit, stop=stop, topics=topics)

    def max_notification_id(self) -> int | None:
        """Return the highest number; None: there is none yet."""
        with told():
            return self.kept.sequence.last()

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Return an iterator over the events behind the number *gt*, and then over those that come.

        What this store object records is told at once, what others do within a second.
        """
        return TaiStateSubscription(self, gt=gt, topics=topics)


class TaiStateTrackingRecorder(TaiStateRecorder, TrackingRecorder):
    """Positions in the sequences of other applications.

    A view that is kept in the same store moves on with its position in one commit: its own method runs a transaction
    of ``TransactionManager(self.store)``, changes what it likes, and calls ``track`` with it.
    """

    def track(self, tx: Transaction, tracking: Tracking) -> None:
        """Move a position on with the commit of *tx*.

        Raises:
            IntegrityError: It is there, or past that, already.
        """
        self.kept.add(tx, (), is_numbered=False, tracking=tracking)

    def insert_tracking(self, tracking: Tracking) -> None:
        """Move a position on; an IntegrityError where it is there, or past that, already."""
        with told():
            self.kept.insert((), tracking=tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        """Return the position in that application's sequence; None: there is none."""
        with told():
            return self.kept.position(application_name)


class TaiStateProcessRecorder(TaiStateTrackingRecorder, TaiStateApplicationRecorder, ProcessRecorder):
    """Events of an application, and the position of what they were made of, in one commit."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int] | None:
        """Add events in one commit, with the position that is given as ``tracking``; return their numbers."""
        with told():
            return self.kept.insert(stored_events, is_numbered=True, tracking=kwargs.get("tracking"))
