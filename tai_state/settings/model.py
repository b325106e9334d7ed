"""What a file of settings and the environment come to, as the package's own classes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from tai_state.authors import checked_actor
from tai_state.causality.nodes import check_node
from tai_state.config import (
    HEAD_CACHE_SIZE,
    RECEIPT_TTL,
    TRANSACTION_RETRY,
    Encoding,
    LockConfig,
    PersistenceConfig,
    check_concurrency,
    check_count,
    check_ttl,
)
from tai_state.errors import ConfigurationError
from tai_state.models.replicas import ReadLevel
from tai_state.retry import RetryPolicy
from tai_state.urls import Secret

PORT_MAX = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionSettings:
    """How transactions are tried again, and how many run at once in a process; None: as many as begin."""

    retry: RetryPolicy = TRANSACTION_RETRY
    max_concurrent: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no bound."""
        check_concurrency(self.max_concurrent)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionSettings:
    """How subscriptions deliver that do not say it themselves."""

    delivery: str = "at_least_once"
    max_attempts: int = 5

    def __post_init__(self) -> None:
        """Refuse what no subscription takes."""
        check_count(self.max_attempts, "max_attempts", least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaSettings:
    """How new what is read through a replica has to be, where neither it nor its reader says."""

    read_level: str = "strong"
    max_lag: timedelta | None = None

    def __post_init__(self) -> None:
        """Refuse what is no level."""
        _ = self.level

    @property
    def level(self) -> ReadLevel:
        """The level.

        Raises:
            ConfigurationError: *max_lag* is missing where the level is bounded, or is there where it is not.
        """
        if (self.read_level == "bounded") is (self.max_lag is None):
            message = "max_lag is for read_level bounded, which needs it"
            raise ConfigurationError(message)
        return ReadLevel(self.read_level, self.max_lag)  # type: ignore[arg-type]  # one that is none is refused


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What ``tai-state serve`` is told, where its options say nothing else."""

    host: str = "127.0.0.1"
    port: int = 8080
    machines: tuple[str, ...] = ()
    auth: str | None = None
    cors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no port."""
        if check_count(self.port, "port", least=0) > PORT_MAX:
            message = f"port must be at most {PORT_MAX:,}, not {self.port:,}"
            raise ConfigurationError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetrySettings:
    """What the command line's long runs, such as ``serve``, log on stderr: none, text, or JSON for Google."""

    logs: str = "none"
    level: str = "INFO"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of a program, each with its default where neither the file nor the environment says it.

    ``connect(settings=...)`` opens the store as they say, and what is put over that store takes the rest: persisters
    ``persistence``, lock managers ``locks``, transaction managers ``transactions``, subscriptions ``subscriptions``,
    replicas ``replicas``. What a class is told by its caller goes first.

    Attributes:
        store: The store's URL; None: as ``connect`` decides.
        synchronous: Of a SQLite store alone: "FULL" or "NORMAL".
        origins: Where each value comes from that is no default, by its key: a file's path, or ``$NAME``.
        values: Each key's value that is no default, as it stands for a reader.
    """

    store: str | None = None
    actor: str | None = None
    node: str | None = None
    feed: bool | None = None
    feed_shards: int = 1
    receipt_ttl: timedelta = RECEIPT_TTL
    head_cache_size: int = HEAD_CACHE_SIZE
    synchronous: str = "FULL"
    encoding: Encoding = field(default_factory=Encoding)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    persistence: PersistenceConfig = field(default_factory=PersistenceConfig)
    transactions: TransactionSettings = field(default_factory=TransactionSettings)
    locks: LockConfig = field(default_factory=LockConfig)
    subscriptions: SubscriptionSettings = field(default_factory=SubscriptionSettings)
    replicas: ReplicaSettings = field(default_factory=ReplicaSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    values: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        """Refuse what no store takes."""
        if self.store is not None:
            object.__setattr__(self, "store", Secret(self.store))
        if self.actor is not None:
            checked_actor(self.actor)
        check_node(self.node)
        check_count(self.feed_shards, "feed_shards", least=1)
        check_ttl(self.receipt_ttl, "receipt_ttl")
        check_count(self.head_cache_size, "head_cache_size", least=0)

    def store_options(self, scheme: str) -> dict[str, Any]:
        """Return what a store of *scheme* is told beside its URL."""
        options: dict[str, Any] = {
            "actor": self.actor,
            "node": self.node,
            "feed": self.feed,
            "feed_shards": self.feed_shards,
            "receipt_ttl": self.receipt_ttl,
            "head_cache_size": self.head_cache_size,
            "encoding": self.encoding,
            "retry": self.retry,
            "maintenance": self.persistence.maintenance,
            "settings": self,
        }
        return options | ({"synchronous": self.synchronous} if scheme == "sqlite" else {})
