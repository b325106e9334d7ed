"""What exports in a folder are called, which of them belong together, and which go when there are too many.

A name tells when the export was made, by the store's clock, of which store, and of which governor where it is of one
alone: ``tai-state-20261129T121936123456Z-5c0e1f7a90b3.jsonl.zst``. Those of one store and one governor are a series.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from tai_state.config import check_count
from tai_state.errors import ConfigurationError

FORMATS = {"json": ".jsonl", "msgpack": ".msgpack"}
COMPRESSIONS = {"none": "", "gzip": ".gz", "zstd": ".zst", "lz4": ".lz4"}

_NAME_TEXT = (
    r"tai-state-(?P<time>\d{8}T\d{12}Z)-(?P<series>[0-9a-f]{12}(?:-[0-9a-f]{12})?)"
    r"\.(?:jsonl|msgpack)(?:\.(?:gz|zst|lz4))?"
)
_NAME = re.compile(_NAME_TEXT, re.ASCII)
_PART = re.compile(rf"\.{_NAME_TEXT}\.[0-9a-zA-Z_-]+\.part", re.ASCII)
"""What an export is called until it is whole."""

LEFT_SECONDS_MIN = 86_400.0
"""For how long nobody has written to what a killed export left; one that goes on writes all the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How exports are kept in a folder.

    Args:
        keep: How many of a series, the newest; None: all of them.
        format: "json" or "msgpack" (extra ``[backups]``).
        compression: "none", "gzip", "zstd" or "lz4" (extra ``[backups]``).
    """

    keep: int | None = None
    format: str = "json"
    compression: str = "zstd"

    def __post_init__(self) -> None:
        """Refuse what is none."""
        if self.keep is not None:
            check_count(self.keep, "keep", least=1)
        _check_known(self.format, FORMATS, "format")
        _check_known(self.compression, COMPRESSIONS, "compression")

    def name(self, time: datetime, series: str) -> str:
        """Return what an export made at *time* is called."""
        stamp = time.astimezone(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        return f"tai-state-{stamp}-{series}{FORMATS[self.format]}{COMPRESSIONS[self.compression]}"


def _check_known(value: object, known: Iterable[str], what: str) -> None:
    if not isinstance(value, str) or value not in known:
        message = f"the {what} of exports must be one of {', '.join(known)}, not {value!r}"
        raise ConfigurationError(message)


def series_of(store_id: str, governor_id: str | None) -> str:
    """Return the name of the series of a store's exports, or of those of one governor of it."""
    series = hashlib.sha256(store_id.encode()).hexdigest()[:12]
    if governor_id is None:
        return series
    return f"{series}-{hashlib.sha256(str.encode(governor_id, 'utf-8', 'surrogatepass')).hexdigest()[:12]}"


def series_in(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the names of exports among *names*, by their series, the newest first; strangers' files are left out."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        told = _NAME.fullmatch(name)
        if told is not None:
            found.setdefault(told["series"], []).append((told["time"], name))
    return {series: [name for _, name in sorted(members, reverse=True)] for series, members in found.items()}


def surplus(names: Iterable[str], new: str, keep: int | None) -> list[str]:
    """Return which exports go now that *new* is there, the oldest first: never *new* itself, nor any later one."""
    if keep is None:
        return []
    told = _NAME.fullmatch(new)
    assert told is not None
    members = series_in({*names, new})[told["series"]]
    return [name for name in reversed(members[keep:]) if name < new]


def leftovers(written: Mapping[str, float], new: str) -> list[str]:
    """Return which files in a folder exports of the series of *new* left that were killed.

    Args:
        written: When each was written last, in seconds, by the one clock of the folder; *new* just now. Where that is
            not there, since a later export has removed it, nobody can tell the time, and nothing is left over.
    """
    told, now = _NAME.fullmatch(new), written.get(new, 0.0)
    assert told is not None
    parts = [(_PART.fullmatch(name), name) for name, moment in written.items() if now - moment > LEFT_SECONDS_MIN]
    return [name for part, name in parts if part is not None and part["series"] == told["series"]]


def only_series(names: Iterable[str], folder: str) -> Sequence[str]:
    """Return the exports among *names*, the newest first.

    Raises:
        ConfigurationError: There are none in *folder*, or those of several stores or governors, of which nobody could
            say which one is meant.
    """
    found = series_in(names)
    if not found:
        message = f"there is no export in {folder}"
        raise ConfigurationError(message)
    if len(found) > 1:
        newest = ", ".join(sorted(members[0] for members in found.values()))
        message = f"{folder} holds exports of {len(found)} stores or governors: name a file, such as one of {newest}"
        raise ConfigurationError(message)
    return next(iter(found.values()))
