"""What is in force: each key with its value and its origin, for people and programs."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from tai_state.settings.keys import KEYS, UNITS
from tai_state.settings.model import Settings
from tai_state.urls import shown

DEFAULT = "default"
"""The origin of a value that nobody set."""


class Effective(NamedTuple):
    """A key, its value as a file would say it (None: there is none), and where it comes from."""

    key: str
    value: Any
    origin: str


def effective(settings: Settings) -> Iterator[Effective]:
    """Yield every key there is, in the order of the documentation."""
    for key in KEYS:
        yield Effective(key, _written(_value(settings, key)), settings.origins.get(key, DEFAULT))


def _value(settings: Settings, key: str) -> Any:
    section, _, name = key.rpartition(".")
    match section:
        case "" | "sqlite":
            return getattr(settings, name)
        case "history":
            return getattr(settings.persistence.history, name, None)
        case "transactions":
            return getattr(settings.transactions if name == "max_concurrent" else settings.transactions.retry, name)
    return getattr(getattr(settings, section), name)


def _written(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return duration(value) if isinstance(value, timedelta) else shown(value)


def duration(span: timedelta) -> str:
    """Return *span* as a file says it, such as ``"1d 12h"``, without losing anything of it above a millisecond."""
    left, parts = round(span.total_seconds() * 1000), []
    for unit, seconds in sorted(UNITS.items(), key=lambda one: -one[1]):
        count, left = divmod(left, round(seconds * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0s"
