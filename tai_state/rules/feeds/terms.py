"""The terms of a subscription: how it delivers, how often it tries, and what becomes of what it cannot deliver."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from tai_state.clock import seconds_of
from tai_state.config import check_count, check_flag
from tai_state.errors import ConfigurationError

CAUSES_MAX = 10
"""How many changes may lead to one another, each made by a handler that was told of the one before."""

T = TypeVar("T", bound=StrEnum)


class DeliveryMode(StrEnum):
    """When the position of a state moves."""

    AT_MOST_ONCE = "at_most_once"  # before its handlers run
    AT_LEAST_ONCE = "at_least_once"  # behind them
    EXACTLY_ONCE = "exactly_once"  # in the commit of what they write


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionConfig:
    """How a subscription looks and tries; seconds, where nothing else is said.

    Args:
        poll: How often is looked for changes of other processes; those of the same store object wake it at once.
        shards: Into how many parts the states are divided, of which each is one worker's at a time. Kept by the
            subscription when it begins, whatever later workers are given.
        concurrency: How many states are delivered at once.
        lease: How long a shard stays a dead worker's.
        wait_initial, wait_max: How long a failed event waits for its next attempt: doubled with each, up to the most.
        sweep_every, sweep_window: How often, and how far back, is looked again for commits that landed late, where the
            store tells changes by a stamp (Firestore). The window is what no commit outlasts.
        max_depth: How many changes may lead to one another, each made by a handler that was told of the one before.
    """

    poll: float = 1.0
    shards: int = 1
    concurrency: int = 8
    lease: float = 30.0
    wait_initial: float = 0.2
    wait_max: float = 60.0
    sweep_every: float = 300.0
    sweep_window: float = 600.0
    max_depth: int = CAUSES_MAX

    def __post_init__(self) -> None:
        """Refuse what could not work."""
        for name in ("shards", "concurrency", "max_depth"):
            check_count(getattr(self, name), name, least=1)
        for name in ("poll", "lease", "wait_max", "sweep_every", "sweep_window"):
            _check_seconds(getattr(self, name), name, may_be_zero=False)
        _check_seconds(self.wait_initial, "wait_initial", may_be_zero=True)
        if self.sweep_window < self.sweep_every:
            message = "sweep_window must be at least sweep_every: else what lands between two sweeps could be missed"
            raise ConfigurationError(message)

    def wait_seconds(self, attempts: int) -> float:
        """Return how long an event waits that was tried *attempts* times."""
        # Bounded before it is doubled: two to a large power is no float.
        return min(self.wait_max, self.wait_initial * 2.0 ** min(attempts - 1, 60))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was agreed on with one subscription.

    Attributes:
        blocks: Whether what is behind a dead letter waits for it.
    """

    delivery: DeliveryMode
    max_attempts: int
    blocks: bool
    config: SubscriptionConfig

    @property
    def attempts(self) -> int:
        """How often an event is tried."""
        return 1 if self.delivery is DeliveryMode.AT_MOST_ONCE else self.max_attempts


def terms(delivery: object, max_attempts: object, blocks: object, config: SubscriptionConfig) -> Terms:
    """Return what a user asked for.

    Raises:
        ConfigurationError: One of them cannot be; names it.
    """
    try:
        mode = DeliveryMode(str(delivery))
    except ValueError as error:
        message = f"delivery must be one of {', '.join(DeliveryMode)}, not {delivery!r}"
        raise ConfigurationError(message) from error
    check_flag(blocks, "blocks")
    count = check_count(max_attempts, "max_attempts", least=1)
    return Terms(delivery=mode, max_attempts=count, blocks=blocks is True, config=config)


def _check_seconds(seconds: object, name: str, *, may_be_zero: bool) -> None:
    try:
        seconds_of(seconds, may_be_zero=may_be_zero)
    except ConfigurationError as error:
        message = f"{name} of a subscription: {error}"
        raise ConfigurationError(message) from error


def with_shards(config: SubscriptionConfig, shards: int) -> SubscriptionConfig:
    """Return *config* with another number of shards."""
    return replace(config, shards=shards)
