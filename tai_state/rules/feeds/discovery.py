"""Discovery: which states have changed, and from when on a look must begin so that none is passed over.

An engine that finds documents by their update time tells them in the order of its commits: a look begins where the last
one ended. Elsewhere a change is found by a stamp that the store set when the commit reached it. One that had to wait
lands behind later ones: so a look overlaps the last one, and now and then a sweep begins so early that no commit can
still be under way that is older (Firestore ends a transaction after 270 seconds).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from tai_state.documents import Document
from tai_state.layout import OwnGovernor, StateLayout, state_layout, state_of
from tai_state.rules.feeds.positions import ShardPosition, key_of, shard_of
from tai_state.rules.feeds.terms import SubscriptionConfig

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_OVERLAP_LEAST = 1.0


class Found(NamedTuple):
    """A state that changed: its head's version, and when that was found to have been made."""

    paths: StateLayout
    key: str
    version: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Looks:
    """How a subscription looks.

    Attributes:
        is_exact: Whether what is found is found in the order of its commits.
        overlap: How many seconds a look reaches back behind the last one.
        sweep_every: How many seconds lie between two sweeps.
        sweep_window: How many seconds a sweep reaches back.
    """

    is_exact: bool
    overlap: float
    sweep_every: float
    sweep_window: float

    @classmethod
    def of(cls, config: SubscriptionConfig, *, is_exact: bool) -> Self:
        """Return how one looks whose configuration this is."""
        return cls(
            is_exact=is_exact,
            overlap=max(config.poll, _OVERLAP_LEAST),
            sweep_every=config.sweep_every,
            sweep_window=config.sweep_window,
        )

    def is_sweep_due(self, position: ShardPosition, now: datetime) -> bool:
        """Whether the next look is to be a sweep."""
        if self.is_exact or position.reached is None:
            return False
        return position.swept_at is None or now >= position.swept_at + timedelta(seconds=self.sweep_every)

    def start(self, position: ShardPosition, since: datetime | None, *, sweeps: bool, now: datetime) -> datetime:
        """Return the time from which on the next look asks for what changed."""
        floor = EARLIEST if since is None else since
        if position.reached is None:
            # What was stamped before the subscription began may land behind it.
            return floor if self.is_exact else _earlier(floor, self.sweep_window)
        if self.is_exact:
            return max(position.reached, floor)
        start = _earlier(position.reached, self.overlap)
        if sweeps:
            # Since the last sweep, and what could be under way when that began.
            last = now if position.swept_at is None else position.swept_at
            start = min(start, _earlier(last, self.sweep_window))
        return start


def _earlier(moment: datetime, seconds: float) -> datetime:
    return max(EARLIEST, moment - timedelta(seconds=min(seconds, (moment - EARLIEST).total_seconds())))


def found_in(document: Document, changed_at: datetime) -> Found | None:
    """Return the state in a document that was found; None for what is no state of a user's: no look finds a key."""
    governor_id, state_id = state_of(str(document.path))
    version = document.fields.get("version")
    if not state_id or isinstance(governor_id, OwnGovernor) or type(version) is not int or version < 1:
        return None
    paths = state_layout(governor_id, state_id)
    return Found(paths, key_of(paths), version, changed_at)


def is_in_shard(found: Found, number: int, shards: int) -> bool:
    """Whether a state that was found belongs to a shard."""
    return shards == 1 or shard_of(found.key, shards) == number
