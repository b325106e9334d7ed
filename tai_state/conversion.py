"""Values as users give them: checked, copied, and where they are not plain, the plain ones that stand for them."""

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from tai_state import models
from tai_state.documents import Value
from tai_state.errors import InvalidDataError
from tai_state.typed import dumped, is_model

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

LEVELS_MAX = 20
"""How deep a value may nest; the outermost dict is level 1, lists count."""


INT_MIN, INT_MAX = -(2**63), 2**63 - 1


_PLAIN = frozenset({type(None), bool, bytes})


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
    if is_model(value) and isinstance(value, models.Model):
        message = f"a {type(value).__name__} is no data; pass what you need of it, such as its `data`"
        raise _refuse(message, path)
    if is_model(value):
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


def check_text(text: str, path: str, what: str = "the text") -> None:
    """Refuse a text that is not valid Unicode: it has no bytes."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            message = f"{what} is not valid Unicode text: {error.reason} at position {error.start}"
            raise _refuse(message, path) from error


def normalize(value: object, *, path: str = "data", level: int = 1) -> Value:
    """Return a checked deep copy of *value*: datetimes in UTC, enum members as their values, models as dicts.

    Raises:
        InvalidDataError: Something in it cannot be stored and given back equal; names the path.
    """
    kind = type(value)
    if kind is dict or kind is list:
        return _normalize_container(value, path, level)
    if isinstance(value, str) and kind is str:
        check_text(value, path)
    elif isinstance(value, int) and kind is int:
        if not INT_MIN <= value <= INT_MAX:
            message = "an int must fit in 64 bits"
            raise _refuse(message, path)
    elif isinstance(value, float) and kind is float:
        if not math.isfinite(value):
            message = f"a float must be finite, not {value}"
            raise _refuse(message, path)
    elif kind not in _PLAIN:
        converted = plain(value, path)
        return converted if isinstance(converted, datetime) else normalize(converted, path=path, level=level)
    return value


def is_shallow(value: object) -> bool:
    """Whether a value nests no deeper than LEVELS_MAX."""
    level = [value]
    for _ in range(LEVELS_MAX):
        parts = (part.values() if isinstance(part, dict) else part for part in level if isinstance(part, dict | list))
        level = [item for part in parts for item in part if isinstance(item, dict | list)]
        if not level:
            return True
    return False


def _normalize_container(value: object, path: str, level: int) -> Value:
    if level > LEVELS_MAX:
        message = f"nested deeper than {LEVELS_MAX} levels"
        raise _refuse(message, path)
    if isinstance(value, list):
        return [normalize(item, path=f"{path}[{index}]", level=level + 1) for index, item in enumerate(value)]
    assert isinstance(value, dict)
    normal: dict[str, Value] = {}
    for given, item in value.items():
        key = given if type(given) is str else _normal_key(given, path)
        if not key.isascii():
            check_text(key, path, f"the key {key!r}")
        normal[key] = normalize(item, path=f"{path}.{key}", level=level + 1)
    if len(normal) < len(value):
        message = "a key is there twice, once as a member of an enum"
        raise _refuse(message, path)
    return normal


def _normal_key(given: object, path: str) -> str:
    key = given.value if isinstance(given, Enum) else given
    if type(key) is not str:
        message = f"the key {key!r} is a {type(key).__name__}, keys must be str"
        raise _refuse(message, path)
    return key


def normalize_data(data: object, *, path: str = "data") -> dict[str, Value]:
    """Return a checked deep copy of a state's data: a dict, or a pydantic model (see ``typed``).

    Raises:
        InvalidDataError: It is neither, or something in it cannot be stored.
    """
    normal: Any = normalize(data, path=path) if isinstance(data, dict) or is_model(data) else None
    if type(normal) is not dict:
        message = f"must be a dict or a pydantic model, not {type(data).__name__}"
        raise _refuse(message, path)
    return normal
