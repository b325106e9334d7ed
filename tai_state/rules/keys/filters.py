"""Filters of the values of a group, which are looked at here, one by one."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from tai_state.conversion import normalize
from tai_state.errors import InvalidDataError
from tai_state.models.keys import ABSENT
from tai_state.rules.keys.arguments import identity, place_or_none

Takes = Callable[[Any], bool]

_ORDERED = (str, bytes, datetime)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equals(value: Any, given: Any) -> bool:
    if _is_number(value) and _is_number(given):
        return bool(value == given)
    return value is not ABSENT and identity(value) == identity(given)


def _compares(value: Any, given: Any) -> bool:
    """Whether two values have an order."""
    return (_is_number(value) and _is_number(given)) or any(
        isinstance(value, kind) and isinstance(given, kind) for kind in _ORDERED
    )


def _contains(value: Any, given: Any) -> bool:
    if isinstance(value, list):
        return any(_equals(one, given) for one in value)
    if isinstance(value, dict):
        return isinstance(given, str) and given in value
    return _are_texts(value, given) and given in value


def _are_texts(value: Any, given: Any) -> bool:
    return any(isinstance(value, kind) and isinstance(given, kind) for kind in (str, bytes))


FILTERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": _equals,
    "ne": lambda value, given: not _equals(value, given),
    "lt": lambda value, given: _compares(value, given) and value < given,
    "le": lambda value, given: _compares(value, given) and value <= given,
    "gt": lambda value, given: _compares(value, given) and value > given,
    "ge": lambda value, given: _compares(value, given) and value >= given,
    "contains": _contains,
    "starts_with": lambda value, given: _are_texts(value, given) and value.startswith(given),
    "ends_with": lambda value, given: _are_texts(value, given) and value.endswith(given),
    "is_none": lambda value, given: (value is None or value is ABSENT) is bool(given),
}
"""What a value is held against, by name. What has no order with what is given is neither more nor less."""


def filter_of(given: Mapping[str, object], path: object = None) -> Takes:
    """Return whether a value meets every filter; with a *path*, what is there in it, and where nothing is, ABSENT.

    Raises:
        InvalidDataError: There is no such filter, or what it is given cannot be stored.
    """
    where = place_or_none(path, "path")
    unknown = [name for name in given if name not in FILTERS]
    if unknown:
        message = f"is no filter; there are: {', '.join(FILTERS)}"
        raise InvalidDataError(message, path=unknown[0])
    wanted = {name: normalize(value, path=name) for name, value in given.items()}

    def takes(value: Any) -> bool:
        held = value if where is None else _at(value, where)
        return all(FILTERS[name](held, against) for name, against in wanted.items())

    return takes


def _at(value: Any, where: tuple[str, ...]) -> Any:
    for name in where:
        if not isinstance(value, dict) or name not in value:
            return ABSENT
        value = value[name]
    return value
