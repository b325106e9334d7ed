"""Whether a store feeds: whether its states say when they were changed, so that what has changed since can be found.

An engine that finds documents by the time of their last change feeds by itself. On another one a store is switched on,
for good: ``tai/meta`` says so, and from then on each write of a state is stamped with the store's own time
(``changed_at``), beside a ``feed_key`` that says where it is looked for. A store that is off has neither field.

How processes agree that do not ask each other:

1. Whoever changes a state that has a ``feed_key`` writes it again, whatever he knows: it is a mark of the document. A
   change rests on the document as it was read, so the scan that stamps a state makes all know who change it later.
2. Whoever creates a state looks into ``tai/meta`` first, unless he did within the last ``TRUST``. So one who does not
   know makes states without a key until then at most; a commit that is long under way lands some minutes later.
3. Those are found by a second scan, ``SETTLING`` behind the switch. Until it was made, somebody who reads the feed may
   learn of such a state late; then none is left, and none comes.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tai_state.config import check_count
from tai_state.documents import UPDATE_TIME, DocumentPath, FieldEquals, FieldRange, Query, Value
from tai_state.errors import ConfigurationError
from tai_state.layout import GovernorLayout
from tai_state.rules.records.fields import FieldError, take, take_time

FEED = "feed"
"""The field of ``tai/meta`` that says that the store feeds."""

FEED_KEY = "feed_key"
CHANGED_AT = "changed_at"

META_FORMAT = 2
"""The format of a ``tai/meta`` that says so: an earlier release, which would leave states without a key, refuses it."""

TRUST = timedelta(seconds=60)
SETTLING = timedelta(seconds=600)
"""Longer than ``TRUST``, and what a commit may be under way: Firestore ends a transaction after 270 seconds."""

SHARDS_MAX = 64


@dataclass(frozen=True, slots=True)
class Feed:
    """How a store feeds.

    Attributes:
        shards: Among how many keys its states are spread.
        since: When it was switched on, by the store's clock.
        is_scanned: Whether the states that there were have their keys.
        is_complete: Whether all have, and will have.
    """

    shards: int
    since: datetime
    is_scanned: bool = False
    is_complete: bool = False

    def fields(self) -> dict[str, Value]:
        """Return what ``tai/meta`` says of it."""
        return {
            "shards": self.shards,
            "since": self.since,
            "is_scanned": self.is_scanned,
            "is_complete": self.is_complete,
        }

    def needs_scan(self, now: datetime) -> bool:
        """Whether the states are to be looked at for keys that they lack."""
        return not self.is_complete and (not self.is_scanned or now >= self.since + SETTLING)

    def scanned(self, began: datetime) -> "Feed":
        """Return it behind a scan that *began* at that time of the store's clock."""
        return Feed(self.shards, self.since, is_scanned=True, is_complete=began >= self.since + SETTLING)


def checked_shards(shards: object) -> int:
    """Return among how many keys a store is to spread its states.

    Raises:
        ConfigurationError: That cannot be.
    """
    count = check_count(shards, "feed_shards", least=1)
    if count > SHARDS_MAX:
        message = f"feed_shards must be at most {SHARDS_MAX}, not {count}"
        raise ConfigurationError(message)
    return count


def feed_of(meta: Mapping[str, Value]) -> Feed | None:
    """Return how the store feeds whose ``tai/meta`` has these fields; None: it does not.

    Raises:
        FieldError: They are damaged.
    """
    if meta.get(FEED) is None:
        return None
    stored = take(meta, FEED, dict)
    shards = take(stored, "shards", int)
    if not 1 <= shards <= SHARDS_MAX:
        message = f"a store feeds by 1 to {SHARDS_MAX} keys, not by {shards}"
        raise FieldError(message)
    return Feed(shards, take_time(stored, "since"), take(stored, "is_scanned", bool), take(stored, "is_complete", bool))


def feed_key(store_id: str, path: DocumentPath, shards: int) -> str:
    """Return where the state at *path* is looked for among what has changed."""
    shard = 0 if shards == 1 else int.from_bytes(hashlib.sha256(str(path).encode()).digest()[:8]) % shards
    return f"{store_id}:{shard}"


def feed_keys(store_id: str, shards: int) -> tuple[str, ...]:
    """Return all keys of a store; its id holds no colon."""
    return tuple(f"{store_id}:{shard}" for shard in range(shards))


def stamp_of(path: DocumentPath, fields: Mapping[str, Value]) -> str | None:
    """Return the field that a write of *fields* to *path* is to be stamped in; None: it is not."""
    return CHANGED_AT if FEED_KEY in fields and path.collection.endswith("/states") else None


@dataclass(frozen=True, slots=True)
class Discovery:
    """Where what has changed is found: by the time of the last change, or by its stamp under these keys."""

    keys: tuple[str, ...] = ()

    @property
    def field(self) -> str:
        """The name of the time by which states are found, for ``Document.value_of``."""
        return CHANGED_AT if self.keys else UPDATE_TIME

    def queries(self, since: datetime, governor_id: str | None = None) -> Iterator[Query]:
        """Yield the queries for the states that changed at *since* or later, each in the order of their times.

        Args:
            governor_id: Whose are wanted; those of others are found as well, where there are keys.
        """
        within = FieldRange(self.field, at_least=since)
        if not self.keys:
            states = "states" if governor_id is None else GovernorLayout(governor_id).states
            yield Query(collection=states, within=within, is_group=governor_id is None)
        for key in self.keys:
            yield Query(collection="states", equal=(FieldEquals(FEED_KEY, key),), within=within, is_group=True)


class FeedKnowledge:
    """What a process knows of whether its store feeds by keys; see the cases above."""

    __slots__ = ("_heard", "discovery", "is_asked", "shards", "wanted")

    def __init__(self, wanted: int, *, is_asked: bool) -> None:
        """Know nothing yet.

        Args:
            wanted: By how many keys it is to be switched on; 0: it is left as it is.
            is_asked: Whether the engine needs keys.
        """
        self.wanted = wanted if is_asked else 0
        self.is_asked = is_asked
        self.shards = 0
        self.discovery = None if is_asked else Discovery()
        self._heard: float | None = None

    def is_unsure(self, now: float) -> bool:
        """Whether who creates a state is to look first, at *now* of the monotonic clock."""
        if not self.is_asked or self.shards:
            return False
        return self._heard is None or now - self._heard > TRUST.total_seconds()

    def hear(self, feed: Feed | None, now: float) -> None:
        """Take what ``tai/meta`` says, which was asked for at *now* or later."""
        self._heard = now
        if feed is not None:
            self.shards = feed.shards
