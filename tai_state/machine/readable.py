"""What can be read of a definition that no type checker has seen."""

from collections.abc import Iterable
from typing import Any

from tai_state.machine.transition import ANY, Transition, plain

TEXT_BYTES_MAX = 480
"""How long a name, status or action may be, in bytes of UTF-8."""


def listed(values: object) -> tuple[Any, ...] | None:
    """Return *values* as a tuple, one text as a tuple of itself; None where they cannot be listed."""
    if isinstance(values, str):
        return (plain(values),)
    return tuple(plain(value) for value in values) if isinstance(values, Iterable) else None


def text_defect(value: object) -> str | None:
    """Return what keeps *value* from being a name, status or action; None when nothing does."""
    if not isinstance(value, str):
        return f"must be text, not {type(value).__name__}"
    if not value:
        return "must not be empty"
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        return f"{value!r} is not valid Unicode text: {error.reason} at position {error.start}"
    if size > TEXT_BYTES_MAX:
        return f"{value[:40]!r}... has {size} bytes, at most {TEXT_BYTES_MAX} are allowed"
    return None


def status_defect(value: object) -> str | None:
    """Return what keeps *value* from being a status; None when nothing does."""
    return '"*" stands for every source and is no status' if value == ANY else text_defect(value)


def action_defect(value: object) -> str | None:
    """Return what keeps *value* from being an action; None when nothing does."""
    return '"*" stands for every source and is no action' if value == ANY else text_defect(value)


def raw_sources(item: Transition[Any]) -> tuple[object, ...]:
    """Return the sources of *item* one by one, whatever they are."""
    source: object = item.source
    return source if isinstance(source, tuple) else (source,)


def readable_sources(item: Transition[Any]) -> tuple[str, ...]:
    """Return the sources of *item* that can be read, "*" among them."""
    return tuple(source for source in raw_sources(item) if isinstance(source, str) and not text_defect(source))


def readable_statuses(values: object) -> tuple[str, ...] | None:
    """Return the items of *values* that can be statuses; None where it has no items."""
    statuses = listed(values)
    if statuses is None:
        return None
    return tuple(dict.fromkeys(status for status in statuses if not status_defect(status)))
