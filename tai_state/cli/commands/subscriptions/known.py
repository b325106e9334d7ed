"""The subscriptions that are there, by name."""

from typing import TYPE_CHECKING

from tai_state.cli.program.failures import SubscriptionNotFoundError
from tai_state.feeds import Subscription, subscriptions

if TYPE_CHECKING:
    from tai_state import StateStore


def named(store: "StateStore", name: str) -> Subscription:
    """Return the subscription called *name*, to ask of it, not to deliver.

    Raises:
        SubscriptionNotFoundError: None of that name has begun.
    """
    subscription = Subscription(store, name)
    found = next((one for one in subscriptions(store) if one.name == name), None)
    if found is None:
        raise SubscriptionNotFoundError(name)
    return subscription if found.governor_id is None else Subscription(store, name, governor_id=found.governor_id)
