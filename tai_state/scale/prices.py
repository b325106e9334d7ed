"""The price table: a file with its source and date, the package's or one of your own."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tai_state.errors import ConfigurationError, InvalidDataError

SHIPPED = Path(__file__).with_name("prices.json")


@dataclass(frozen=True, slots=True)
class Prices:
    """The prices of one location.

    Attributes:
        source, as_of, note: Where they are from, of when, and what to know about them.
    """

    region: str
    currency: str
    source: str
    as_of: str
    note: str
    reads_per_100000: float
    writes_per_100000: float
    deletes_per_100000: float
    gib_month: float


def prices(region: str | None = None, file: Path | None = None) -> Prices:
    """Return the prices of *region* in *file*; None: the first region, and the package's own file.

    Raises:
        ConfigurationError: The file cannot be read, or has no such region; names those that it has.
        InvalidDataError: It is no price table; says which of its fields is wrong.
    """
    name = file or SHIPPED
    try:
        table = json.loads(name.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"price table {name}: {error.strerror}"
        raise ConfigurationError(message) from error
    except ValueError as error:
        message = "is no JSON"
        raise InvalidDataError(message, path=str(name)) from error
    regions = _field(table, "regions", dict)
    chosen = next(iter(regions), None) if region is None else region
    if chosen not in regions:
        message = f"price table {name} has no region {chosen!r}; it has {', '.join(sorted(regions))}"
        raise ConfigurationError(message)
    here = regions[chosen]
    return Prices(
        region=str(chosen),
        currency=_field(table, "currency", str),
        source=_field(table, "source", str),
        as_of=_field(table, "as_of", str),
        note=_field(table, "note", str),
        reads_per_100000=_number(here, "reads_per_100000"),
        writes_per_100000=_number(here, "writes_per_100000"),
        deletes_per_100000=_number(here, "deletes_per_100000"),
        gib_month=_number(here, "gib_month"),
    )


def _number(prices: Any, name: str) -> float:
    price = _field(prices, name, (int, float))
    if not 0 <= price <= sys.float_info.max:
        message = "is no price, which is a finite number of at least 0"
        raise InvalidDataError(message, path=name)
    return float(price)


def _field(table: Any, name: str, kind: type | tuple[type, ...]) -> Any:
    value = table.get(name) if isinstance(table, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        message = "is missing, or of another type"
        raise InvalidDataError(message, path=name)
    return value
