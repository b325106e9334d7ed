"""Which value of each key holds, and the settings that come of it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from tai_state.config import TRANSACTION_RETRY, Encoding, HistoryPolicy, LockConfig, PersistenceConfig
from tai_state.errors import ConfigurationError
from tai_state.retry import RetryPolicy
from tai_state.settings.model import (
    ReplicaSettings,
    ServerSettings,
    Settings,
    SubscriptionSettings,
    TelemetrySettings,
    TransactionSettings,
)
from tai_state.settings.sources import NAMES, Said, said_by, said_in
from tai_state.urls import shown

T = TypeVar("T")

FILE_VARIABLE = "TAI_STATE_CONFIG"


def load_settings(path: str | os.PathLike[str] | None, environment: Mapping[str, str]) -> Settings:
    """Return what the file at *path* and *environment* say; see ``tai_state.config.load``."""
    file = Path(path) if path is not None else find_file(environment, Path())
    said = said_in(file) if file is not None else {}
    return settings_of({**said, **said_by(environment)})


def find_file(environment: Mapping[str, str], folder: Path) -> Path | None:
    """Return the file of settings that nobody named: that of ``$TAI_STATE_CONFIG``, or the one in *folder*, if any.

    Raises:
        ConfigurationError: There are two in *folder*, and nobody could say which one holds.
    """
    named = environment.get(FILE_VARIABLE)
    if named:
        return Path(named)
    found = [folder / name for name in NAMES if (folder / name).exists()]
    if len(found) > 1:
        message = f"there are {' and '.join(map(str, found))}: keep one, or name one in ${FILE_VARIABLE}"
        raise ConfigurationError(message)
    return found[0] if found else None


def settings_of(said: Mapping[str, Said]) -> Settings:
    """Return the settings that *said* makes, by key, over the defaults.

    Raises:
        ConfigurationError: Values do not go together; names the section, and where they stand.
    """
    sections: dict[str, dict[str, Any]] = {}
    for key, (value, _) in said.items():
        section, _, name = key.rpartition(".")
        sections.setdefault(section, {})[name] = value

    def made(section: str, make: Callable[..., T], **more: Any) -> T:
        try:
            return make(**sections.get(section, {}), **more)
        except ConfigurationError as error:
            origins = {one.origin for key, one in said.items() if key.rpartition(".")[0] == section}
            message = f"{', '.join(sorted(origins))}: {f'[{section}] ' if section else ''}{error}"
            raise ConfigurationError(message) from error

    history = made("history", HistoryPolicy) if "history" in sections else None
    parts = {
        "encoding": made("encoding", Encoding),
        "retry": made("retry", RetryPolicy),
        "persistence": made("persistence", PersistenceConfig, history=history),
        "transactions": made("transactions", _transactions),
        "locks": made("locks", LockConfig),
        "subscriptions": made("subscriptions", SubscriptionSettings),
        "replicas": made("replicas", ReplicaSettings),
        "server": made("server", ServerSettings),
        "telemetry": made("telemetry", TelemetrySettings),
        "origins": MappingProxyType({key: one.origin for key, one in said.items()}),
        "values": MappingProxyType({key: shown(one.value) for key, one in said.items()}),
    }
    sections[""] = sections.get("", {}) | sections.get("sqlite", {})
    return made("", Settings, **parts)


def _transactions(*, max_concurrent: int | None = None, **retry: Any) -> TransactionSettings:
    return TransactionSettings(retry=replace(TRANSACTION_RETRY, **retry), max_concurrent=max_concurrent)
