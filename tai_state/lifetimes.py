"""How long a document counts, where it says so itself."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from tai_state.documents import Value

EXPIRES_AT = "tai_expires_at"
"""The field without which a document stays for ever; a TTL policy looks at it."""


class Lifetime(NamedTuple):
    """How long a document counts, as it says itself: until both have passed."""

    latest: datetime
    ttl: timedelta

    def ends(self, update_time: datetime) -> datetime | None:
        """Return the last moment at which a document of that *update_time* counts; None where no calendar has it."""
        # The first is by its writer's clock, which may be ahead or behind. The second is by the store's alone.
        try:
            return max(self.latest, update_time + self.ttl)
        except OverflowError:
            return None


def lifetime(fields: Mapping[str, Value]) -> Lifetime | None:
    """Return the lifetime of a document; None for one that stays."""
    latest, seconds = fields.get(EXPIRES_AT), fields.get("ttl_seconds")
    if not isinstance(latest, datetime) or latest.utcoffset() is None:
        return None
    # Somebody else's field of that name says nothing to us.
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return Lifetime(latest, timedelta(seconds=seconds))
    except (OverflowError, ValueError):
        return None
