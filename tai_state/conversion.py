"""Values that are not plain, but have a plain one that stands for them; and what to do about the rest."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum

from pydantic import BaseModel

from tai_state.errors import InvalidDataError
from tai_state.models import Model
from tai_state.typed import dumped

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _refuse(message: str, path: str) -> InvalidDataError:
    return InvalidDataError(message, path=path)


def normal_time(value: datetime, path: str) -> datetime:
    """Return an aware datetime in UTC, a plain one: not of a subclass such as those that freeze time in tests.

    Raises:
        InvalidDataError: It has no time zone, cannot be told in UTC, or holds more than a datetime does.
    """
    if value.utcoffset() is None:
        message = "a datetime needs a time zone"
        raise _refuse(message, path)
    elapsed = value - _EPOCH
    try:
        normal = _EPOCH + timedelta(elapsed.days, elapsed.seconds, elapsed.microseconds)
    except OverflowError as error:
        message = "the datetime is out of range in UTC"
        raise _refuse(message, path) from error
    if normal != value:
        message = f"a {type(value).__name__} that is no whole number of microseconds cannot be stored"
        raise _refuse(message, path)
    return normal


def plain(value: object, path: str) -> object:
    """Return the plain value that stands for *value*: what may be inside it is not looked at.

    A datetime of any kind is in UTC, an enum member is its value, a pydantic model a dict (see ``typed``).

    Raises:
        InvalidDataError: Nothing stands for it; says what to do.
    """
    # Asked with isinstance: where a test freezes time, no datetime is of the type of that name.
    if isinstance(value, datetime):
        return normal_time(value, path)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Model):
        message = f"a {type(value).__name__} is no data; pass what you need of it, such as its `data`"
        raise _refuse(message, path)
    if isinstance(value, BaseModel):
        return dumped(value, path)
    message = f"{type(value).__name__} cannot be stored; {_advice(value)}"
    raise _refuse(message, path)


def _advice(value: object) -> str:
    """Return what to do with a value that cannot be stored."""
    advices: list[tuple[type | tuple[type, ...], str]] = [
        (Decimal, "use str(value), or a pydantic model with a Decimal field"),
        ((date, time), "use value.isoformat(), or a pydantic model with such a field"),
        (timedelta, "use value.total_seconds(), or a pydantic model with a timedelta field"),
        (tuple, "use list(value)"),
        ((set, frozenset), "use sorted(value), a list; a set has no order"),
        ((bytearray, memoryview), "use bytes(value)"),
        (str, "use str(value)"),
        (int, "use int(value)"),
        (float, "use float(value)"),
        (dict, "use dict(value)"),
    ]
    for kinds, advice in advices:
        if isinstance(value, kinds):
            return advice
    if type(value).__name__ == "UUID":
        return "use str(value), or a pydantic model with a UUID field"
    return "use None, bool, int, float, str, bytes, datetime, list, dict, an enum member or a pydantic model"
