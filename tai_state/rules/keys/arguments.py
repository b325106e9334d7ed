"""What is given to operations on keys, checked and copied: each check takes the value and the name of the argument."""

import math
from collections.abc import Sequence

from tai_state.codec import Payload
from tai_state.conversion import normalize
from tai_state.documents import Value
from tai_state.errors import InvalidDataError
from tai_state.models.keys import ABSENT

_LEVEL = 2
"""A value is one level deeper in a state's data than it is by itself."""


def stored(value: object, what: str) -> Value:
    """Return a copy of what can be stored."""
    return normalize(value, path=what, level=_LEVEL)


def stored_or_absent(value: object, what: str) -> object:
    """Return a copy of what can be stored, or ABSENT."""
    return ABSENT if value is ABSENT else stored(value, what)


def several(values: object, what: str) -> tuple[Value, ...]:
    """Return copies of several values."""
    if not isinstance(values, tuple | list):
        message = f"must be a list, not {type(values).__name__}"
        raise InvalidDataError(message, path=what)
    # Inside of a list they are one level deeper still.
    return tuple(normalize(one, path=f"{what}[{index}]", level=_LEVEL + 1) for index, one in enumerate(values))


def number(value: object, what: str) -> int | float:
    """Return an int or a finite float."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        message = f"must be a finite int or float, not {value!r}"
        raise InvalidDataError(message, path=what)
    stored(value, what)
    return value


def number_or_none(value: object, what: str) -> int | float | None:
    """Return a number, or None."""
    return None if value is None else number(value, what)


def count_or_none(value: object, what: str) -> int | None:
    """Return an int of at least 1, or None."""
    if value is not None and (type(value) is not int or value < 1):
        message = f"must be an int of at least 1, not {value!r}"
        raise InvalidDataError(message, path=what)
    return value


def place(value: object, what: str) -> tuple[str, ...]:
    """Return the parts of a path in a value: those of a text between its dots, or those of a sequence as they are."""
    parts: object = value.split(".") if isinstance(value, str) else value
    is_several = isinstance(parts, Sequence) and bool(parts) and all(isinstance(part, str) for part in parts)
    if not is_several or (isinstance(value, str) and "" in value.split(".")):
        message = f"must be a text such as 'a.b', or a sequence of texts, not {value!r}"
        raise InvalidDataError(message, path=what)
    assert isinstance(parts, Sequence)
    return tuple(str.__str__(part) for part in parts)


def place_or_none(value: object, what: str) -> tuple[str, ...] | None:
    """Return the parts of a path, or None."""
    return None if value is None else place(value, what)


def identity(value: Value) -> bytes:
    """Return what only equal values of the same types have in common."""
    return Payload.of(value).json
