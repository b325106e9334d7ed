"""What a subscription tells of itself."""

from datetime import datetime
from typing import Any, NamedTuple

from tai_state.models.states import Event, Model


class Lag(NamedTuple):
    """How far a subscription is behind: how many states wait, and how long the oldest of them."""

    states: int
    seconds: float


class DeliveryOutcome(NamedTuple):
    """What became of one state when it was delivered on request.

    Attributes:
        delivered: How many events were told.
        is_done: Whether nothing is left to be done: all is told, or waits for a dead letter. If not, ask again later.
    """

    delivered: int
    is_done: bool


class Numbered(NamedTuple):
    """An event with its position in the store.

    Attributes:
        event: None where it is nowhere any more: it was trimmed, or erased.
    """

    position: int
    governor_id: str
    state_id: str
    version: int
    event: Event[Any] | None


class DeadLetter(Model, frozen=True):
    """An event that a subscription could not deliver, and put aside.

    Attributes:
        version: Of the event; of a gap the first that is missing.
        last_version: As ``version``; of a gap the last that is missing.
        event: The event itself; None where it is nowhere any more.
        code: The code of the error, such as ``cause_depth``, or the name of its class where it is none of tai_state's.
            ``handler_never_came_back``: the process ended in each attempt. ``history_trimmed``: a gap, trimmed before
            it was delivered. ``not_told``: under ``at_most_once`` its worker lost the lease before he could tell it.
        error: The text of the error.
        attempts: How often the event was tried.
        died_at: When it was put aside, by the store's clock.
    """

    governor_id: str
    state_id: str
    version: int
    last_version: int
    event: Event[Any] | None
    code: str
    error: str
    attempts: int
    died_at: datetime


class SubscriptionInfo(Model, frozen=True):
    """A subscription as the store has it.

    Attributes:
        since: What was committed up to then is not delivered; None: all is.
        governor_id: The one governor that it is of; None: all.
        reached: The time of the last change up to which all is delivered, dead or pending; None: nothing yet.
        pending: How many states, or dead letters, are to be delivered again.
    """

    name: str
    delivery: str
    governor_id: str | None
    shards: int
    since: datetime | None
    reached: datetime | None
    pending: int
