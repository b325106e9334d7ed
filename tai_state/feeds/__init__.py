"""What has changed since: what is told of the changes of a store, in this process and beyond it.

A ``Subscription`` tells handlers of each event of a store, across processes and restarts, in the order of its state,
and keeps its position there. ``Positions`` numbers all events of a store, without a gap. ``on_change`` of a store tells
a callback of each change that this store object makes. A ``StateContainer`` is one state as a value that is validated,
made durable, and only then told to those who subscribed.
``tai_state.feeds.eventarc`` reads the events that Firestore tells of by itself, wherever it sends them.
"""

from typing import TYPE_CHECKING

from tai_state.late import late_names

if TYPE_CHECKING:
    from tai_state._async.commits.listening import AsyncChangeListener
    from tai_state._async.feeds.container import AsyncStateContainer
    from tai_state._async.feeds.listing import async_subscriptions
    from tai_state._async.feeds.numbering import AsyncPositions
    from tai_state._async.feeds.subscription import AsyncSubscription
    from tai_state._sync.commits.listening import ChangeListener
    from tai_state._sync.feeds.container import StateContainer
    from tai_state._sync.feeds.listing import subscriptions
    from tai_state._sync.feeds.numbering import Positions
    from tai_state._sync.feeds.subscription import Subscription
    from tai_state.models.feeds import DeadLetter, DeliveryOutcome, Lag, Numbered, SubscriptionInfo
    from tai_state.rules.feeds.terms import SubscriptionConfig

HOMES: dict[str, tuple[str, ...]] = {
    "tai_state._async.commits.listening": ("AsyncChangeListener",),
    "tai_state._async.feeds.container": ("AsyncStateContainer",),
    "tai_state._async.feeds.listing": ("async_subscriptions",),
    "tai_state._async.feeds.numbering": ("AsyncPositions",),
    "tai_state._async.feeds.subscription": ("AsyncSubscription",),
    "tai_state._sync.commits.listening": ("ChangeListener",),
    "tai_state._sync.feeds.container": ("StateContainer",),
    "tai_state._sync.feeds.listing": ("subscriptions",),
    "tai_state._sync.feeds.numbering": ("Positions",),
    "tai_state._sync.feeds.subscription": ("Subscription",),
    "tai_state.models.feeds": ("DeadLetter", "DeliveryOutcome", "Lag", "Numbered", "SubscriptionInfo"),
    "tai_state.rules.feeds.terms": ("SubscriptionConfig",),
}
"""The names that each module defines: who works with one colour waits for no other."""

__all__ = [
    "AsyncChangeListener",
    "AsyncPositions",
    "AsyncStateContainer",
    "AsyncSubscription",
    "ChangeListener",
    "DeadLetter",
    "DeliveryOutcome",
    "Lag",
    "Numbered",
    "Positions",
    "StateContainer",
    "Subscription",
    "SubscriptionConfig",
    "SubscriptionInfo",
    "async_subscriptions",
    "subscriptions",
]

if not TYPE_CHECKING:  # A type checker would take it for a promise of any name.
    __getattr__ = late_names(__name__, HOMES)

    def __dir__() -> list[str]:
        """List what has not been imported yet, too."""
        return sorted({*globals(), *__all__})
