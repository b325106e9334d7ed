"""Every key that a file of settings or the environment may say, and what its value must be."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Any

PREFIX = "TAI_STATE_"

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))(?:\s*\d+(?:\.\d+)?(?:ms|s|m|h|d))*", re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)

# What no value needs: longer ones are a slip, and int() of a text takes time by the square of its length.
_TEXT_MAX = 10_000


class UnfitError(ValueError):
    """A value is not what its key takes; says what it takes."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value must be.

    Args:
        wanted: What it is, for a message: "must be ...".
        read: Takes what a file says, a value of TOML, YAML or JSON; raises UnfitError.
        parse: Takes the text of a variable; raises UnfitError.
    """

    wanted: str
    read: Callable[[object], Any]
    parse: Callable[[str], Any]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UnfitError
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise UnfitError
    return value


def _flag_of(text: str) -> bool:
    try:
        return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
    except KeyError as error:
        raise UnfitError from error


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnfitError
    return value


def _count_of(text: str) -> int:
    if not text.removeprefix("-").isdecimal() or not text.isascii():
        raise UnfitError
    return int(text)


def seconds_of(value: object) -> float:
    """Return how long *value* is: a number of seconds, or a text such as ``"90s"``, ``"1h 30m"`` or ``"250ms"``."""
    if isinstance(value, str) and _DURATION.fullmatch(value.strip()):
        return sum(float(number) * UNITS[unit] for number, unit in _PART.findall(value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnfitError
    return float(value)


def _seconds_of_text(text: str) -> float:
    if re.fullmatch(r"\d+(?:\.\d+)?", text, re.ASCII):
        return float(text)
    return seconds_of(text)


def _span(value: object) -> timedelta:
    try:
        return timedelta(seconds=seconds_of(value))
    except (OverflowError, ValueError) as error:
        raise UnfitError from error


def _span_of_text(text: str) -> timedelta:
    return _span(_seconds_of_text(text))


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise UnfitError
    return tuple(_text(one) for one in value)


def _texts_of(text: str) -> tuple[str, ...]:
    return tuple(_text(one.strip()) for one in text.split(",")) if text.strip() else ()


def one_of(*choices: str) -> Kind:
    """Return the kind of a value that is one of *choices*, as it is written there."""

    def read(value: object) -> str:
        if value not in choices:
            raise UnfitError
        return str(value)

    return Kind(f"one of {', '.join(choices)}", read, read)


TEXT = Kind("a text", _text, _text)
FLAG = Kind("true or false", _flag, _flag_of)
COUNT = Kind("a whole number", _count, _count_of)
SECONDS = Kind('a number of seconds, or a text such as "90s", "1h 30m" or "250ms"', seconds_of, _seconds_of_text)
SPAN = Kind(SECONDS.wanted, _span, _span_of_text)
TEXTS = Kind("a list of texts", _texts, _texts_of)

_RETRY = {
    "attempts": COUNT,
    "wait_initial": SECONDS,
    "wait_max": SECONDS,
    "deadline": SECONDS,
    "attempt_timeout": SECONDS,
}

SECTIONS: dict[str, dict[str, Kind]] = {
    "": {
        "store": TEXT,
        "actor": TEXT,
        "node": TEXT,
        "feed": FLAG,
        "feed_shards": COUNT,
        "receipt_ttl": SPAN,
        "head_cache_size": COUNT,
    },
    "sqlite": {"synchronous": one_of("FULL", "NORMAL")},
    "encoding": {"json_bytes_min": COUNT, "zstd_bytes_min": COUNT},
    "retry": _RETRY,
    "persistence": {
        "snapshot_interval": COUNT,
        "snapshot_every": SPAN,
        "snapshot_retention": COUNT,
        "segment_events": COUNT,
        "compact_sealed": FLAG,
        "due_shards": COUNT,
    },
    "history": {"max_age": SPAN, "max_events": COUNT, "compact_after": SPAN},
    "transactions": {**_RETRY, "max_concurrent": COUNT},
    "locks": {"ttl": SECONDS, "renew_deadline": SECONDS, "retry_period": SECONDS},
    "subscriptions": {
        "delivery": one_of("at_most_once", "at_least_once", "exactly_once"),
        "max_attempts": COUNT,
    },
    "replicas": {"read_level": one_of("strong", "bounded", "eventual"), "max_lag": SPAN},
    "server": {"host": TEXT, "port": COUNT, "machines": TEXTS, "auth": TEXT, "cors": TEXTS},
    "telemetry": {
        "logs": one_of("none", "text", "json"),
        "level": one_of("DEBUG", "INFO", "WARNING", "ERROR"),
    },
}
"""The keys of each section; those of "" stand at the top."""

KEYS = {
    f"{section}.{name}" if section else name: kind
    for section, names in SECTIONS.items()
    for name, kind in names.items()
}
"""Every key, with the name of its section before it."""

VARIABLES = {PREFIX + key.upper().replace(".", "__"): key for key in KEYS}
"""Every variable of the environment, and the key that it says: ``TAI_STATE_LOCKS__TTL`` is ``locks.ttl``."""

OTHERS = ("TAI_STATE_CONFIG", "TAI_STATE_TOKEN", "TAI_STATE_URL")
"""Variables that are no settings: where the file is, and what clients of the server are told."""


def nearest(name: str, known: list[str]) -> str:
    """Return the end of a message on an unknown *name*: which of *known* was probably meant, or all there are."""
    names = {one.lower(): one for one in known}
    close = get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return f"did you mean {names[close[0]]}?" if close else f"there are {', '.join(known)}"
