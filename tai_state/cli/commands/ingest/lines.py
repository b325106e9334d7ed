"""One line of a log: what it must hold, and why it is refused."""

import json
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from tai_state.cli.program.encodings import BOM
from tai_state.errors import InvalidDataError, InvalidIdError
from tai_state.values import check_id, check_name, normalize_data

UNKNOWN_ACTOR = "unknown"
_KEYS = ("at", "governor", "machine", "from", "to", "actor", "data")


class BadLineError(ValueError):
    """A line cannot be applied; the message says why, ``key`` which governor and machine it is of, where it says so."""

    key: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A sound line: one recorded change.

    Args:
        number: Its place in the file, from 1.
        from_status: The status before; None for a machine's first line.
        named_action: The line's own action, if it has one.
    """

    number: int
    at: datetime
    governor: str
    machine: str
    from_status: str | None
    to_status: str
    actor: str
    named_action: str | None
    data: dict[str, Any]

    @property
    def action(self) -> str:
        """The action that is recorded: the line's own, or else the status that it leads to."""
        return self.named_action or self.to_status

    @property
    def key(self) -> tuple[str, str]:
        """The state that it changes: governor and machine."""
        return self.governor, self.machine


def parse_line(number: int, raw: bytes, zone: tzinfo | None = None) -> Line:
    """Return the line that *raw* holds; keys that it does not know are passed over.

    Args:
        zone: Whose time it is that has no offset; None: such a time is refused.

    Raises:
        BadLineError: It is no JSON object, lacks a key, or holds what cannot be stored.
    """
    fields = _object(raw)
    try:
        return _line(number, fields, zone)
    except BadLineError as error:
        governor, machine = fields.get("governor"), fields.get("machine")
        if isinstance(governor, str) and isinstance(machine, str):
            error.key = governor, machine
        raise


def _line(number: int, fields: dict[str, Any], zone: tzinfo | None) -> Line:
    missing = [key for key in _KEYS if key not in fields]
    if missing:
        raise BadLineError(f"it has no {', '.join(map(repr, missing))}")
    try:
        source, action = fields["from"], fields.get("action")
        return Line(
            number=number,
            at=_time(fields["at"], zone),
            # Few governors and statuses have many lines: they are kept in memory once.
            governor=sys.intern(check_id(fields["governor"], "governor")),
            machine=check_id(fields["machine"], "machine"),
            from_status=None if source is None else sys.intern(check_name(source, "from")),
            to_status=sys.intern(check_name(fields["to"], "to")),
            actor=_actor(fields["actor"]),
            named_action=None if action is None else check_name(action, "action"),
            data=normalize_data(fields["data"]),
        )
    except (InvalidIdError, InvalidDataError) as error:
        raise BadLineError(str(error)) from error


def _object(raw: bytes) -> dict[str, Any]:
    if raw.startswith(BOM):
        raise BadLineError("it begins with a byte order mark (BOM), which JSON has not")
    try:
        value = json.loads(raw.decode(), object_pairs_hook=_distinct, parse_constant=_no_number)
    except BadLineError:
        raise
    except UnicodeDecodeError as error:
        raise BadLineError(f"it is not UTF-8: {error.reason} at byte {error.start:,}") from error
    except json.JSONDecodeError as error:
        raise BadLineError(f"it is no JSON: {error.msg} at column {error.colno:,}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, or endless nesting
        raise BadLineError(f"it is no JSON that can be read: {error}") from error
    if not isinstance(value, dict):
        raise BadLineError(f"it is no JSON object but {type(value).__name__}")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # JSON leaves the meaning of a repeated key open; Python would keep the last one and say nothing.
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise BadLineError(f"the key {repeated!r} is there more than once in one object")
    return found


def _no_number(text: str) -> Any:
    raise BadLineError(f"it holds {text}, which is no JSON number")


def _time(value: object, zone: tzinfo | None) -> datetime:
    if not isinstance(value, str):
        raise BadLineError(f"at must be text, not {type(value).__name__}")
    try:
        found = datetime.fromisoformat(value)
    except ValueError as error:
        raise BadLineError(f"at {value!r} is no time in ISO 8601") from error
    if found.utcoffset() is None:
        found = _placed(found, value, zone)
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise BadLineError(f"at {value!r} is out of range in UTC") from error


def _placed(found: datetime, value: str, zone: tzinfo | None) -> datetime:
    """Return the time without an offset as one of *zone*; what is not there once is not guessed."""
    if zone is None:
        raise BadLineError(f"at {value!r} has no offset; --timezone says whose time it is")
    first, second = (found.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    # Where a clock is put forward, neither reading leads back to what was written.
    if first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != found:
        raise BadLineError(f"at {value!r} is no time in {zone}: the clock was put forward there")
    raise BadLineError(
        f"at {value!r} is there twice in {zone}, where the clock was put back; "
        f"write it with an offset: {first.isoformat()} or {second.isoformat()}"
    )


def _actor(value: object) -> str:
    if value is None or value == "":
        return UNKNOWN_ACTOR
    if not isinstance(value, str):
        raise BadLineError(f"actor must be text or null, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise BadLineError(f"actor is not valid Unicode text: {error.reason}") from error
    return value
