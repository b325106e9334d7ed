"""One status for several: how a configuration of a statechart is written as the text that a state has as its status."""

from collections.abc import Iterable

from tai_state.errors import InvalidDataError
from tai_state.machine.readable import status_defect

SEPARATOR = "+"

_ESCAPES = (("%", "%25"), (SEPARATOR, "%2B"), ("*", "%2A"))


def status_of(names: Iterable[str]) -> str:
    """Return the status that stands for the states *names*, in whatever order they are given.

    They are sorted, each once, and joined by "+"; in a name "%", "+" and "*" are written as "%25", "%2B" and "%2A". A
    name without these is its own status. ``names_of`` is the way back.

    Raises:
        InvalidDataError: There are none, one is no text or empty, or all together take more than 480 bytes.
    """
    listed = [names] if isinstance(names, str) else list(names)
    for name in listed:
        if not isinstance(name, str) or not name:
            message = f"names {name!r}, which cannot be a state"
            raise InvalidDataError(message, path="configuration")
    status = SEPARATOR.join(_escaped(name) for name in sorted(set(listed)))
    if defect := status_defect(status):
        raise InvalidDataError(defect, path="configuration")
    return status


def names_of(status: str) -> tuple[str, ...]:
    """Return the states that *status* stands for, sorted.

    Raises:
        InvalidDataError: No configuration is written so.
    """
    names = tuple(_plain(part) for part in status.split(SEPARATOR))
    if not all(names) or status_of(names) != status:
        message = f"{status!r} stands for no configuration"
        raise InvalidDataError(message, path="status")
    return names


def _escaped(name: str) -> str:
    for plain, written in _ESCAPES:
        name = name.replace(plain, written)
    return name


def _plain(part: str) -> str:
    for plain, written in reversed(_ESCAPES):
        part = part.replace(written, plain)
    return part
