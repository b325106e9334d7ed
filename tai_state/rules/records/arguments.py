"""Versions, times and limits that callers give, checked where they come in."""

from datetime import datetime

from tai_state.clock import shown
from tai_state.conversion import normal_time
from tai_state.errors import InvalidDataError


def plain_version(version: object, name: str) -> int:
    """Return a version as a plain int; that of a delete is a ``DeletedVersion``.

    Raises:
        InvalidDataError: It is no int of at least 0.
    """
    if not isinstance(version, int) or isinstance(version, bool) or version < 0:
        message = f"must be an int of at least 0, not {shown(version)}"
        raise InvalidDataError(message, path=name)
    return int(version)


def check_version(version: object, name: str) -> int:
    """Return a version as a plain int from 0 to 2**62.

    Raises:
        InvalidDataError: It is none.
    """
    plain = plain_version(version, name)
    if plain > 2**62:
        message = f"must be an int of at most 2**62, not {shown(version)}"
        raise InvalidDataError(message, path=name)
    return plain


def check_limit(limit: object) -> None:
    """Refuse a limit that is no int of at least 0."""
    if limit is not None and (type(limit) is not int or limit < 0):
        message = f"must be an int of at least 0, not {shown(limit)}"
        raise InvalidDataError(message, path="limit")


def check_time(value: object, what: str) -> datetime:
    """Return an aware datetime in UTC.

    Raises:
        InvalidDataError: It is naive, or no datetime.
    """
    if not isinstance(value, datetime):
        message = f"must be a datetime, not {type(value).__name__}"
        raise InvalidDataError(message, path=what)
    # Read as local time it would mean another moment on every host.
    return normal_time(value, what)


def check_branches(branches: object, limit: int | None, *, descending: bool) -> None:
    """Refuse what is no flag, and branches where they have no place: in the middle of a line, or before its end."""
    if type(branches) is not bool:
        message = f"must be a bool, not {type(branches).__name__}"
        raise InvalidDataError(message, path="branches")
    if limit is not None or descending:
        message = "stand behind the whole of the line: leave limit and descending out"
        raise InvalidDataError(message, path="branches")
