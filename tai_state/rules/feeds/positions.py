"""Where a subscription stands: its own document, one for each shard, one for each state; and its dead letters."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, Self, TypeVar

from tai_state.documents import (
    Delete,
    Document,
    DocumentPath,
    MustNotExist,
    Precondition,
    Put,
    UpdatedAt,
    Value,
)
from tai_state.errors import StoreError
from tai_state.layout import FORMAT, SUBSCRIPTIONS, StateLayout, escape
from tai_state.rules.locking.owners import RESERVED
from tai_state.rules.records.fields import (
    FieldError,
    check_format,
    take,
    take_list,
    take_or_none,
    take_time,
    take_time_or_none,
)

_LEASED_MAX = 400

GAP = "history_trimmed"
"""The code of a dead letter that tells of events which are nowhere any more."""

COMMIT = "commit"
"""The field of each such document that is unique to the commit that wrote it: how a lost reply is settled."""


def key_of(paths: StateLayout) -> str:
    """Return how a state is named in positions: ``governor/state``, in stored ids."""
    return f"{paths.state.collection.split('/')[1]}/{paths.stored_id}"


def event_name(paths: StateLayout, version: int) -> str:
    """Return how an event is named as the cause of another: ``governor/state@version``, in stored ids."""
    return f"{key_of(paths)}@{version}"


def shard_of(key: str, shards: int) -> int:
    """Return the shard of a state, given its key."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % shards


class SubscriptionLayout:
    """The paths of one subscription's documents."""

    __slots__ = ("dead", "name", "own", "positions", "shards")

    def __init__(self, name: str) -> None:
        """Check *name* and name the documents."""
        self.own = DocumentPath(SUBSCRIPTIONS, escape(name, "name"))
        self.name = name
        self.shards = f"{self.own}/shards"
        self.positions = f"{self.own}/positions"
        self.dead = f"{self.own}/dead"

    def shard(self, number: int) -> DocumentPath:
        """Return the path of a shard's position."""
        return DocumentPath(self.shards, f"{number:04d}")

    def lease(self, number: int) -> str:
        """Return what the lease of a shard is called."""
        name = self.own.id
        # A stored id may be three times as long as an id, which the name of a lock is.
        if len(name) > _LEASED_MAX:
            name = hashlib.sha256(name.encode()).hexdigest()
        return f"{RESERVED}subscription:{name}:{number}"

    def position(self, key: str) -> DocumentPath:
        """Return the path of a state's position."""
        # By its digest: a key may be longer than an id, and sequential ids would all be written in one place.
        return DocumentPath(self.positions, hashlib.sha256(key.encode()).hexdigest())

    def letter(self, key: str, version: int) -> DocumentPath:
        """Return the path of a dead letter."""
        return DocumentPath(self.dead, hashlib.sha256(f"{key}@{version}".encode()).hexdigest())


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(ABC):
    """What is kept in one document; ``update_time`` None: it is not there yet."""

    epoch: int
    update_time: datetime | None = None

    def precondition(self) -> Precondition:
        """Return what must hold for it to be written over."""
        return MustNotExist() if self.update_time is None else UpdatedAt(self.update_time)

    @abstractmethod
    def fields(self) -> dict[str, Value]:
        """Return its fields, that of its commit aside."""

    def put(self, path: DocumentPath, commit: str) -> Put:
        """Return what writes it."""
        fields = {"format": FORMAT, "epoch": self.epoch, COMMIT: commit, **self.fields()}
        return Put(path, fields, self.precondition())

    def written(self, update_time: datetime | None) -> Self:
        """Return it as it was written at *update_time*; None: nobody knows when."""
        return replace(self, update_time=update_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribed(Kept):
    """A subscription's own document.

    Attributes:
        since: What was committed up to then is passed over; None: nothing is.
        shards: Into how many parts its states are divided.
        governor_id: The one governor that it is of; None: all.
        delivery: How it delivered when it was made, for people.
    """

    name: str
    since: datetime | None
    shards: int
    governor_id: str | None
    delivery: str

    def fields(self) -> dict[str, Value]:
        """Return its fields."""
        return {
            "name": self.name,
            "since": self.since,
            "shards": self.shards,
            "governor_id": self.governor_id,
            # A member of an enum would be stored by some engines only.
            "delivery": str.__str__(self.delivery),
        }

    def anew(self, since: datetime | None) -> Self:
        """Return it as it begins again: what is kept of the epoch before counts no more."""
        return replace(self, epoch=self.epoch + 1, since=since)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardPosition(Kept):
    """How far the states of a shard were looked at.

    Attributes:
        reached: All that was known to have changed up to then is delivered, dead or pending; None: nothing yet.
        swept_at: When the last sweep began.
        pending: The keys of states that have events yet to be delivered, whenever they changed; and
            ``key@version`` of dead letters that are to be delivered once more, out of their order.
    """

    reached: datetime | None = None
    swept_at: datetime | None = None
    pending: tuple[str, ...] = ()

    def fields(self) -> dict[str, Value]:
        """Return its fields."""
        return {"reached": self.reached, "swept_at": self.swept_at, "pending": list(self.pending)}

    def noting(self, entry: str) -> Self:
        """Return it with one more that is pending."""
        return self if entry in self.pending else replace(self, pending=(*self.pending, entry))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatePosition(Kept):
    """Which events of a state were delivered.

    Attributes:
        version: The last that was delivered, passed over, or put aside.
        attempts: How often the next one was begun.
        retry_at: When it may be tried again, by the store's clock; None: at once.
        blocked: Whether the next one is a dead letter, which all behind it wait for.
    """

    key: str
    version: int
    attempts: int = 0
    retry_at: datetime | None = None
    blocked: bool = False

    def fields(self) -> dict[str, Value]:
        """Return its fields."""
        return {
            "state": self.key,
            "version": self.version,
            "attempts": self.attempts,
            "retry_at": self.retry_at,
            "blocked": self.blocked,
        }

    def begun(self) -> Self:
        """Return it with one more attempt at the next event."""
        return replace(self, attempts=self.attempts + 1, retry_at=None)

    def failed(self, now: datetime, seconds: float) -> Self:
        """Return it with the next event to be tried again *seconds* later."""
        return replace(self, retry_at=now + timedelta(seconds=seconds))

    def passed(self, version: int) -> Self:
        """Return it behind the event of *version*."""
        return replace(self, version=version, attempts=0, retry_at=None, blocked=False)

    def stopped(self) -> Self:
        """Return it before a dead letter."""
        return replace(self, retry_at=None, blocked=True)

    def again(self) -> Self:
        """Return it before the same event, to be tried anew."""
        return replace(self, attempts=0, retry_at=None, blocked=False)


class Failure(NamedTuple):
    """Why an event cannot be delivered, and up to which version that holds; None: for it alone."""

    code: str
    error: str
    attempts: int
    last: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter(Kept):
    """An event that was put aside.

    Attributes:
        key: The state.
        version: The event; of a gap the first that is missing.
        last: The last version of a gap; else as ``version``.
        code: The code of the error, or the name of its class where it is none of ours.
        error: Its text.
        died_at: When, by the store's clock.
        again: Whether it is to be delivered once more, out of its order.
        done: Whether it was: it is no dead letter any more.
    """

    key: str
    version: int
    last: int
    code: str
    error: str
    attempts: int
    died_at: datetime
    again: bool = False
    done: bool = False

    def fields(self) -> dict[str, Value]:
        """Return its fields."""
        return {
            "state": self.key,
            "version": self.version,
            "last": self.last,
            "code": self.code,
            "error": self.error,
            "attempts": self.attempts,
            "died_at": self.died_at,
            "again": self.again,
            "done": self.done,
        }

    @property
    def is_gap(self) -> bool:
        """Whether it tells of events that are nowhere any more."""
        return self.code == GAP

    def once_more(self) -> Self:
        """Return it to be delivered again, out of its order, with as many attempts as at first."""
        return replace(self, again=True, done=False, attempts=0)

    def begun(self) -> Self:
        """Return it with one more attempt."""
        return replace(self, attempts=self.attempts + 1)

    def settled(self) -> Self:
        """Return it as delivered."""
        return replace(self, again=False, done=True)

    def dead(self, failure: Failure) -> Self:
        """Return it as it was put aside once more."""
        return replace(self, again=False, done=False, code=failure.code, error=failure.error, attempts=failure.attempts)

    def removal(self, path: DocumentPath) -> Delete:
        """Return what takes it away, unless somebody changed it."""
        return Delete(path, self.precondition())


def read_subscribed(document: Document) -> Subscribed:
    """Return the subscription in its own document.

    Raises:
        StoreError: It is none of ours.
        SchemaVersionError: A newer release wrote it.
    """
    return reading(document, _subscribed)


def read_shard(document: Document) -> ShardPosition:
    """Return the position of a shard; raises as ``read_subscribed``."""
    return reading(document, _shard)


def read_position(document: Document) -> StatePosition:
    """Return the position of a state; raises as ``read_subscribed``."""
    return reading(document, _position)


def read_letter(document: Document) -> Letter:
    """Return a dead letter; raises as ``read_subscribed``."""
    return reading(document, _letter)


T = TypeVar("T")


def reading(
    document: Document, make: Callable[[Mapping[str, Value], int, datetime], T], *, has_epoch: bool = True
) -> T:
    """Return what *make* makes of a document's fields, epoch and update time; raises as ``read_subscribed``."""
    try:
        check_format(document.fields, document.path)
        epoch = take(document.fields, "epoch", int) if has_epoch else 0
        return make(document.fields, epoch, document.update_time)
    except FieldError as error:
        message = f"document {document.path} is none of a subscription's: {error}"
        raise StoreError(message) from error


def _subscribed(fields: Mapping[str, Value], epoch: int, update_time: datetime) -> Subscribed:
    shards = take(fields, "shards", int)
    if shards < 1:
        message = f"field 'shards' should be at least 1, it is {shards}"
        raise FieldError(message)
    return Subscribed(
        epoch=epoch,
        update_time=update_time,
        name=take(fields, "name", str),
        since=take_time_or_none(fields, "since"),
        shards=shards,
        governor_id=take_or_none(fields, "governor_id", str),
        delivery=take(fields, "delivery", str),
    )


def _shard(fields: Mapping[str, Value], epoch: int, update_time: datetime) -> ShardPosition:
    return ShardPosition(
        epoch=epoch,
        update_time=update_time,
        reached=take_time_or_none(fields, "reached"),
        swept_at=take_time_or_none(fields, "swept_at"),
        pending=take_list(fields, "pending", str),
    )


def _position(fields: Mapping[str, Value], epoch: int, update_time: datetime) -> StatePosition:
    return StatePosition(
        epoch=epoch,
        update_time=update_time,
        key=take(fields, "state", str),
        version=take(fields, "version", int),
        attempts=take(fields, "attempts", int),
        retry_at=take_time_or_none(fields, "retry_at"),
        blocked=take(fields, "blocked", bool),
    )


def _letter(fields: Mapping[str, Value], epoch: int, update_time: datetime) -> Letter:
    return Letter(
        epoch=epoch,
        update_time=update_time,
        key=take(fields, "state", str),
        version=take(fields, "version", int),
        last=take(fields, "last", int),
        code=take(fields, "code", str),
        error=take(fields, "error", str),
        attempts=take(fields, "attempts", int),
        died_at=take_time(fields, "died_at"),
        again=take(fields, "again", bool),
        done=take(fields, "done", bool),
    )
