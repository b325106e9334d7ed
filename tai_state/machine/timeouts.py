"""Timeouts: what is due some time after a state entered a status, and what can be wrong with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, cast

from tai_state.machine.moves import statuses_of
from tai_state.machine.problems import MachineProblem, entry_place
from tai_state.machine.readable import raw_sources, readable_sources, readable_statuses, status_defect, text_defect
from tai_state.machine.transition import ANY, Transition, plain

AFTER_MAX: Final = timedelta(days=36_525)
"""How long a timeout may be: a hundred years, of which a double still tells every microsecond."""

_PLACE = "timeouts"
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


@dataclass(frozen=True, slots=True)
class Timeout:
    """What becomes of a state that stays in a status: *after* it entered it, *action* is due.

    Attributes:
        after: How long after the change that entered the status, by the store's clock; more than nothing, and at most
            a hundred years.
        action: An action of the machine that the status allows.
    """

    after: timedelta
    action: str

    def __post_init__(self) -> None:
        """Keep a StrEnum's member as plain text; what is wrong with either is reported by the machine."""
        object.__setattr__(self, "action", plain(self.action))

    def __str__(self) -> str:
        """Return it as text, such as "fail after 1 min 30 s"."""
        return f"{self.action} after {shown(self.after)}"


def shown(after: timedelta) -> str:
    """Return *after* as a text for people, such as "1 d 2 h 3 min 4.5 s"."""
    rest, microseconds = divmod(after // timedelta(microseconds=1), 1_000_000)
    parts = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    fraction = f".{microseconds:06d}".rstrip("0") if microseconds else ""
    if rest or fraction or not parts:
        parts.append(f"{rest}{fraction} s")
    return " ".join(parts)


def kept_timeouts(timeouts: Mapping[str, Timeout] | None) -> dict[str, Timeout]:
    """Return sound *timeouts* as a machine keeps them."""
    return {str.__str__(status): timeout for status, timeout in (timeouts or {}).items()}


def due_after(timeouts: Mapping[str, Timeout], status: str, action: object) -> str | None:
    """Return how long after *status* was entered *action* is due, as text; None where it is not."""
    timeout = timeouts.get(status)
    return shown(timeout.after) if timeout is not None and timeout.action == action else None


def timeout_form(timeout: Timeout) -> dict[str, Any]:
    """Return *timeout* as the JSON value of a machine file; seconds are a whole number where they can be."""
    seconds = timeout.after.total_seconds()
    return {"after": int(seconds) if seconds.is_integer() else seconds, "action": timeout.action}


def timeouts_of(value: object) -> Any:
    """Return the timeouts of a machine file; what cannot be read stays as it is, for the check to report."""
    return {status: _timeout_of(row) for status, row in value.items()} if isinstance(value, Mapping) else value


def _timeout_of(row: object) -> object:
    if not isinstance(row, Mapping):
        return row
    # Of any type: the check of the definition reports what is wrong.
    after, action = cast("Any", row.get("after")), cast("Any", row.get("action"))
    return Timeout(_duration(after), action)


def _duration(seconds: Any) -> Any:
    if not isinstance(seconds, int | float):
        return seconds
    # What has no place in a timedelta is as wrong as what is merely too long, and is told as that.
    longest = AFTER_MAX.total_seconds() + 1
    return timedelta(seconds=seconds if -longest <= seconds <= longest else longest if seconds > 0 else -longest)


def readable_timeouts(timeouts: object) -> dict[str, Timeout]:
    """Return those of *timeouts* that can be shown."""
    if not isinstance(timeouts, Mapping):
        return {}
    return {
        status: timeout
        for status, timeout in timeouts.items()
        if isinstance(status, str) and isinstance(timeout, Timeout) and isinstance(timeout.after, timedelta)
    }


def timeout_problems(
    timeouts: object, initial: str | None, items: Sequence[Transition[Any]] | None, terminal: object
) -> Iterator[MachineProblem]:
    """Yield the problems of *timeouts*, whose statuses and actions are the machine's own.

    Args:
        items: The transitions; None, like an *initial* of None, where they cannot be read.
    """
    if timeouts is None:
        return
    if not isinstance(timeouts, Mapping):
        message = f"timeouts must map statuses to Timeout, it is a {type(timeouts).__name__}"
        yield MachineProblem("invalid_timeout", message, _PLACE)
        return
    for status, timeout in timeouts.items():
        if defect := status_defect(status):
            yield MachineProblem("invalid_timeout", f"timeouts names a status that {defect}", _PLACE)
            continue
        place = entry_place(_PLACE, status)
        if not isinstance(timeout, Timeout):
            message = f"{place} must be a Timeout, not {type(timeout).__name__}"
            yield MachineProblem("invalid_timeout", message, place)
            continue
        if defect := _after_defect(timeout.after):
            yield MachineProblem("invalid_timeout", f"{place}.after {defect}", f"{place}.after")
        if defect := text_defect(timeout.action):
            yield MachineProblem("invalid_timeout", f"{place}.action {defect}", f"{place}.action")
        elif initial is not None and items is not None and _is_whole(items):
            ends = readable_statuses(terminal) or ()
            yield from _move_problems(status, timeout.action, statuses_of(initial, items), items, ends)


def _after_defect(after: object) -> str | None:
    if not isinstance(after, timedelta):
        return f"must be a timedelta, not {type(after).__name__}"
    if after <= timedelta():
        return "must be more than nothing"
    return f"must be at most {AFTER_MAX.days} days" if after > AFTER_MAX else None


def _is_whole(items: Sequence[Transition[Any]]) -> bool:
    # A status or an action may be the one that cannot be read.
    return not any(
        text_defect(item.action) or status_defect(item.target) or len(readable_sources(item)) < len(raw_sources(item))
        for item in items
    )


def _move_problems(
    status: str, action: str, statuses: Sequence[str], items: Sequence[Transition[Any]], ends: Sequence[str]
) -> Iterator[MachineProblem]:
    place = entry_place(_PLACE, status)
    if status not in statuses:
        yield MachineProblem(
            "unknown_timeout", f"{place} is of {status!r}, which is not a status of the machine", place
        )
        return
    if status in ends:
        yield MachineProblem("dead_timeout", f"{place} can never come due: {status!r} is declared terminal", place)
        return
    place += ".action"
    if action not in {item.action for item in items}:
        yield MachineProblem("unknown_timeout", f"{place} is {action!r}, which is not an action of the machine", place)
    elif not any(item.action == action and not {status, ANY}.isdisjoint(item.sources) for item in items):
        yield MachineProblem("dead_timeout", f"{place} is {action!r}, which {status!r} does not allow", place)
