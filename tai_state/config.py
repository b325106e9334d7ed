"""Every public setting, and each default said once. A store's and a manager's own arguments take these."""

import os
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import timedelta
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeAlias

from tai_state.clock import TimeLimit, seconds_of, shown
from tai_state.errors import ConfigurationError
from tai_state.retry import RetryPolicy

if TYPE_CHECKING:
    from tai_state.settings.model import Settings

RECEIPT_TTL = timedelta(days=7)
"""How long an idempotency key is remembered."""

TRANSACTION_TTL = timedelta(days=7)
"""How long the record of a transaction counts, and with it an idempotency key of ``run``."""

FAILED_TRANSACTIONS_MAX = 100
"""How many transactions that failed a store remembers."""

HEAD_CACHE_SIZE = 1024
"""The most states whose heads a store keeps in memory."""

DRAIN_SECONDS = 10.0
"""How long a drain waits for the calls under way."""

LISTENER_BUFFER = 1000
"""How many changes wait for a listener of ``on_change`` at most, where nobody says otherwise."""

HEALTH_SECONDS = 5.0
"""How long ``health`` waits for the store."""

ACQUIRE_SECONDS = 10.0
"""How long ``acquire`` waits for a lock where the caller does not say."""

TTL_MAX = timedelta(days=36_525)
TTL_SECONDS_MIN = 0.01
TTL_SECONDS_MAX = 24 * 3600.0

TRANSACTION_RETRY = RetryPolicy(attempts=None, wait_initial=0.01, wait_max=1.0, deadline=30.0)
"""How a transaction that met a conflict is tried again: the deadline is the bound."""

QUEUE_AFTER = 3
"""After how many conflicts a transaction queues with those of other processes that met them at the same states."""

QUEUE_TTL_SECONDS = 5.0
"""How long those who queue wait for a process that died in front of them."""


JOB_LEASE_SECONDS = 60.0
"""How long a claim of a job lasts without a heartbeat, where neither the claim nor its queue says otherwise."""

JOB_BACKOFF = RetryPolicy(wait_initial=1.0, wait_max=300.0)
"""How long a job that failed waits before it may run again: up to a second first, up to five minutes in the end."""


def drain_seconds(timeout: TimeLimit) -> float:
    """Return how long a drain may take, in seconds.

    Raises:
        ConfigurationError: *timeout* is none; see ``seconds_of``.
    """
    return DRAIN_SECONDS if timeout is None else seconds_of(timeout, may_be_zero=True)


def check_count(value: object, name: str, *, least: int) -> int:
    """Return *value* when it is an int of at least *least*.

    Raises:
        ConfigurationError: It is not.
    """
    # By its exact type: to Python True is 1.
    if type(value) is not int or value < least:
        message = f"{name} must be an int of at least {least}, not {shown(value)}"
        raise ConfigurationError(message)
    return value


def check_flag(value: object, name: str) -> None:
    """Refuse what is neither True nor False.

    Raises:
        ConfigurationError: It is something else.
    """
    if type(value) is not bool:
        message = f"{name} must be a bool, not {shown(value)}"
        raise ConfigurationError(message)


def check_option(value: object, kind: type, name: str) -> None:
    """Refuse an option that is neither None nor a *kind*.

    Raises:
        ConfigurationError: It is something else.
    """
    if value is not None:
        check_kind(value, (kind, NoneType), name)


def check_kind(value: object, kinds: type | tuple[type, ...], what: str) -> None:
    """Refuse *value*, the argument *what*, where it is none of *kinds*; a bool is no int.

    Raises:
        ConfigurationError: It is something else; names both.
    """
    if isinstance(value, kinds) and not isinstance(value, bool):
        return
    wanted = kinds if isinstance(kinds, tuple) else (kinds,)
    names = " or ".join("None" if kind is NoneType else kind.__name__ for kind in wanted)
    message = f"{what} must be of type {names}, not {type(value).__name__}"
    raise ConfigurationError(message)


def check_colour(below: object, kinds: type | tuple[type, ...], user: object) -> None:
    """Refuse to put *user* over what is none of *kinds*: something else, or the same in the other colour.

    Raises:
        ConfigurationError: It is none; names both.
    """
    check_kind(below, kinds, f"what {type(user).__name__} stands on, of its own colour,")


@dataclass(frozen=True, slots=True)
class Encoding:
    """From which size on, in bytes of JSON, a payload is stored as one JSON text, and compressed."""

    json_bytes_min: int = 1_024
    zstd_bytes_min: int = 32_768

    def __post_init__(self) -> None:
        """Refuse what is no size."""
        check_count(self.json_bytes_min, "json_bytes_min", least=0)
        check_count(self.zstd_bytes_min, "zstd_bytes_min", least=0)

    def compressing(self) -> "Encoding":
        """Return the encoding that compresses everything: the last resort before a document is too large."""
        return Encoding(json_bytes_min=self.json_bytes_min, zstd_bytes_min=0)


INLINE = Encoding(json_bytes_min=2**62, zstd_bytes_min=2**62)
"""The encoding that keeps every payload a native value, for digests and segments."""


@dataclass(frozen=True, slots=True)
class Maintenance:
    """How often a state is snapshotted, how many snapshots are kept, and how many events make a sealed segment.

    ``snapshot_every`` makes snapshots by time, too; None: by the number of changes alone. ``compact_sealed`` lets the
    commit that seals events remove their documents.
    """

    snapshot_interval: int = 100
    snapshot_retention: int = 5
    segment_events: int = 100
    snapshot_every: timedelta | None = None
    compact_sealed: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers below 1."""
        for name in ("snapshot_interval", "snapshot_retention", "segment_events"):
            check_count(getattr(self, name), name, least=1)
        if self.snapshot_every is not None:
            check_ttl(self.snapshot_every, "snapshot_every")
        check_flag(self.compact_sealed, "compact_sealed")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPolicy:
    """How much of the histories ``gc`` keeps; what is None bounds nothing. Nothing goes before ``gc`` is called.

    Whatever it says, the newest event stays, and what a rebuild needs, and every event that a live receipt names.

    Args:
        max_age: Events that are older are trimmed: they are gone for good, and the versions before them with them.
        max_events: More events of a state than these are trimmed, the oldest first.
        compact_after: Once sealed events are older, their own documents are removed, and their segments alone hold
            them: nothing is lost, and a history takes a fraction of the documents. Builds older than this one cannot
            read it then.
    """

    max_age: timedelta | None = None
    max_events: int | None = None
    compact_after: timedelta | None = None

    def __post_init__(self) -> None:
        """Refuse what is no bound."""
        if self.max_age is not None:
            check_ttl(self.max_age, "max_age")
        if self.max_events is not None:
            check_count(self.max_events, "max_events", least=1)
        if self.compact_after is not None:
            check_span(self.compact_after, "compact_after")


Upcaster: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes data of one schema version, a dict of its own, and returns that of the next; pure, it may run again."""


@dataclass(frozen=True, slots=True)
class PersistenceConfig:
    """The settings of one persister; processes with different ones may share a store.

    Args:
        snapshot_interval: A snapshot goes with the commit that reaches a multiple of it.
        snapshot_retention: The newest snapshots that are kept, exactly.
        segment_events: So many events are sealed in one segment, which one commit reads and writes; fewer where they
            are large.
        snapshot_every: A snapshot goes with the first change in each of these periods, too, which are counted from 1970
            on in UTC; None: by *snapshot_interval* alone.
        due_shards: Among how many keys those states are spread that are due: for more than some hundreds that are armed
            in a second on Firestore; workers ask once for each. Every process that uses a store has the same; it may
            only ever be raised, first where workers run, then where states are moved.
        compact_sealed: Whether the commit that seals events removes their own documents: their segment alone holds them
            then, as behind ``gc`` with ``compact_after``. A history takes a fraction of the room, and every read of it
            is as before; but ``find_events`` does not find them, nobody sees them in a console, and there is no second
            copy from which ``recover`` could mend one.
        history: How much of the histories ``gc`` keeps; None: all of it.
        retry: How often and how long conflicts and transient failures are tried again; None: as the store does.
        schema_version: The version of the data's own schema; a state with a higher one is refused.
        upcasters: Functions by the schema version of the data that they take; each returns that of the next version, up
            to *schema_version*, without a gap. They run on what a persister returns and moves on from, which then is of
            *schema_version*; what is stored stays as it is until a reducer makes it anew, or ``migrate`` does.
    """

    snapshot_interval: int = 100
    snapshot_retention: int = 5
    _: KW_ONLY
    retry: RetryPolicy | None = None
    segment_events: int = 100
    schema_version: int = 1
    upcasters: Mapping[int, Upcaster] = field(default_factory=dict, hash=False)
    snapshot_every: timedelta | None = None
    history: HistoryPolicy | None = None
    compact_sealed: bool = False
    due_shards: int = 1

    def __post_init__(self) -> None:
        """Refuse what could not work."""
        _ = self.maintenance
        check_count(self.due_shards, "due_shards", least=1)
        check_count(self.schema_version, "schema_version", least=1)
        upcasters: dict[int, Upcaster] = {}
        if self.upcasters or type(self.upcasters) is not dict:
            # Imported here: few have upcasters.
            from tai_state.upcasters import checked_upcasters  # noqa: PLC0415

            upcasters = checked_upcasters(self.upcasters, self.schema_version)
        # A copy: what the caller does to the mapping since changes nothing here.
        object.__setattr__(self, "upcasters", upcasters)
        check_option(self.retry, RetryPolicy, "retry")
        check_option(self.history, HistoryPolicy, "history")

    @property
    def maintenance(self) -> Maintenance:
        """The numbers, as the rules take them."""
        return Maintenance(
            self.snapshot_interval,
            self.snapshot_retention,
            self.segment_events,
            self.snapshot_every,
            self.compact_sealed,
        )


@dataclass(frozen=True, slots=True)
class LockConfig:
    """How long leases last and how they are renewed, in seconds.

    Args:
        ttl: How long a lease outlives its last renewal.
        renew_deadline: How long a heartbeat tries before it gives the lease up; None: two thirds of the ttl.
        retry_period: Between two tries; None: a fifteenth of the ttl.
    """

    ttl: float = 30.0
    renew_deadline: float | None = None
    retry_period: float | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be safe."""
        self.timing(self.ttl)

    def timing(self, ttl: float | None = None) -> "LeaseTiming":
        """Return the seconds in force for *ttl*, or for the configured one.

        Raises:
            ConfigurationError: Unless ttl > renew deadline > 1.2 x retry period > 0: else a lease could not be
                renewed in time.
        """
        seconds = _checked(self.ttl if ttl is None else ttl, "ttl")
        deadline = seconds * 2 / 3 if self.renew_deadline is None else _checked(self.renew_deadline, "renew_deadline")
        period = seconds / 15 if self.retry_period is None else _checked(self.retry_period, "retry_period")
        if not (seconds >= TTL_SECONDS_MIN and seconds > deadline > 1.2 * period):
            message = (
                "locks need ttl > renew_deadline > 1.2 x retry_period, and a ttl of at least "
                f"{TTL_SECONDS_MIN} seconds; not {seconds:g}, {deadline:g} and {period:g} seconds"
            )
            raise ConfigurationError(message)
        return LeaseTiming(seconds, deadline, period)


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """The seconds in force for one lease."""

    ttl: float
    renew_deadline: float
    retry_period: float

    @property
    def heartbeat_period(self) -> float:
        """How often a heartbeat renews: three times in a ttl, and twice before it would give up."""
        return min(self.ttl / 3, self.renew_deadline / 2)

    @property
    def margin(self) -> float:
        """How long before its end the holder stops trusting its own clock: for drift between two clocks' rates."""
        return self.ttl * 0.05

    @property
    def trusted_seconds(self) -> float:
        """How long after a renewal was sent the holder trusts his lease."""
        return self.ttl - self.margin


def _checked(seconds: object, name: str) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= TTL_SECONDS_MAX:
        message = f"the {name} of a lock must be a positive number of seconds, at most a day, not {shown(seconds)}"
        raise ConfigurationError(message)
    return float(seconds)


def check_ttl(ttl: object, name: str) -> timedelta:
    """Return *ttl*.

    Raises:
        ConfigurationError: It is no positive timedelta, or one of more than a hundred years.
    """
    if not isinstance(ttl, timedelta) or not timedelta(0) < ttl <= TTL_MAX:
        message = f"{name} must be a positive timedelta of at most {TTL_MAX.days:,} days, not {ttl!r}"
        raise ConfigurationError(message)
    return ttl


def check_span(span: object, name: str) -> timedelta:
    """Return *span*.

    Raises:
        ConfigurationError: It is no timedelta, a negative one, or one of more than a hundred years.
    """
    if not isinstance(span, timedelta) or not timedelta(0) <= span <= TTL_MAX:
        message = f"{name} must be a timedelta of 0 to {TTL_MAX.days:,} days, not {span!r}"
        raise ConfigurationError(message)
    return span


def check_concurrency(count: object) -> int | None:
    """Return how many transactions may run at once.

    Raises:
        ConfigurationError: It is no int of at least 1, and not None.
    """
    if count is not None and (type(count) is not int or count < 1):
        message = f"max_concurrent must be an int of at least 1 or None, not {shown(count)}"
        raise ConfigurationError(message)
    return count


def load(path: str | os.PathLike[str] | None = None) -> "Settings":
    """Return the settings of a program, for ``connect(settings=load())``; docs/configuration.md has a line for each.

    Variables of the environment go before the file, and the file before the defaults. ``TAI_STATE_LOCKS__TTL`` says
    what ``ttl`` in the section ``[locks]`` does.

    Args:
        path: A file in TOML, or YAML or JSON, as its name ends. None: that of ``$TAI_STATE_CONFIG``, or else
            ``tai-state.toml`` (``.yaml``, ``.yml``, ``.json``) in the working directory, if it is there.

    Raises:
        ConfigurationError: The file cannot be read, a key or a variable is unknown, a value is not what its key takes,
            or values do not go together; names what and where. Nothing else was read or changed.
    """
    from tai_state.settings.loading import load_settings  # noqa: PLC0415 - few programs have a file of settings

    return load_settings(path, os.environ)
