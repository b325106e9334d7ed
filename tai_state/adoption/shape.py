"""What a row means: which field is the status, which the id, and what its earlier moves were. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from tai_state import ConfigurationError, InvalidDataError, InvalidIdError, Machine, TaiStateError
from tai_state.adoption.rows import Row
from tai_state.values import check_id, check_name, normalize_data, to_json

MOVES_MAX = 200
"""How many earlier moves a state may bring: they go with one commit."""


@dataclass(frozen=True, slots=True)
class EarlierMoves:
    """Where the earlier moves of a state are, and what their fields are called.

    Attributes:
        place: A field of the row that holds a list of them, as such or as JSON; of a collection, the subcollection of
            each document, or, with *key_field*, a collection.
        key_field: Of a collection of moves: the field that names the document that was moved.
        status_field: The status that was entered; None: called as the row's.
        time_field: When; they are ordered by it where all have it.
        action_field: What was done; where it is missing, the status that was entered.
        actor_field: Who did it; where it is missing, who adopts.
        data_field: What the state's data was then; where it is missing nobody knows, and the event has an empty dict.
    """

    place: str
    key_field: str | None = None
    status_field: str | None = None
    time_field: str = "at"
    action_field: str = "action"
    actor_field: str = "actor"
    data_field: str = "data"


@dataclass(frozen=True, slots=True)
class Shape:
    """How the rows of a source become states.

    Attributes:
        status_field: The field that is the status: a text, or an int, which becomes one.
        id_field: The field that is the state's id; None: as the source has it.
        governor: Whose states they are; None: as the source has it.
        governor_field: The field that says whose a state is, in place of *governor*.
        history: Where earlier moves are; None: nowhere.
    """

    status_field: str
    id_field: str | None = None
    governor: str | None = None
    governor_field: str | None = None
    history: EarlierMoves | None = None

    def __post_init__(self) -> None:
        """Refuse two governors.

        Raises:
            ConfigurationError: Both are given.
        """
        if self.governor is not None and self.governor_field is not None:
            message = (
                "governor and governor_field are both given: all states are of one governor, or each says of which"
            )
            raise ConfigurationError(message)


class Move(NamedTuple):
    """A move that a state made before it was adopted."""

    action: str
    status: str
    data: dict[str, Any]
    rest: dict[str, Any]
    time: datetime | None
    actor: str | None


class Candidate(NamedTuple):
    """A row as the state that it becomes."""

    row: Row
    governor_id: str
    state_id: str
    status: str
    data: dict[str, Any]
    moves: tuple[Move, ...]

    @property
    def weight(self) -> int:
        """About how many bytes it takes."""
        return len(to_json(self.data)) + sum(len(to_json(move.data)) + len(to_json(move.rest)) for move in self.moves)

    @property
    def source(self) -> str:
        """By what the row is known again."""
        return str(self.row.origin["source"])


class RefusedRowError(Exception):
    """The row cannot become a state: which field is wrong, and how."""

    def __init__(self, field: str, message: str) -> None:
        """Name both."""
        super().__init__(message)
        self.field = field
        self.message = message


def candidate_of(row: Row, shape: Shape, machine: Machine[Any] | None) -> Candidate:
    """Return the state that *row* becomes.

    Raises:
        RefusedRowError: It cannot become one.
    """
    if row.defect is not None:
        raise RefusedRowError("", row.defect)
    fields = dict(row.fields)
    status = _taken(fields, shape.status_field)
    state_id = row.id if shape.id_field is None else _taken(fields, shape.id_field)
    governor = shape.governor if shape.governor_field is None else _taken(fields, shape.governor_field)
    history = shape.history
    earlier: Any = row.earlier
    if history is not None and earlier is None:
        earlier = _listed(fields.pop(history.place, None), history.place)
    _check(check_name, status, shape.status_field, "status")
    _check(check_id, state_id, shape.id_field or "its id", "state_id")
    _check(check_id, governor, shape.governor_field or "governor", "governor_id")
    if machine is not None and status not in machine.statuses:
        known = ", ".join(map(repr, machine.statuses))
        raise RefusedRowError(shape.status_field, f"machine {machine.name!r} has no status {status!r}; it has {known}")
    data = _stored(fields, machine)
    moves = () if history is None else _moves(earlier or [], history, shape)
    assert state_id is not None
    assert governor is not None
    return Candidate(row, governor, state_id, status, data, moves)


def _taken(fields: dict[str, Any], name: str) -> str:
    """Take a field out of the others, as a text."""
    if name not in fields:
        raise RefusedRowError(name, "is missing")
    value = fields.pop(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise RefusedRowError(name, f"must be a text or an int, not {type(value).__name__}")
    return value


def _check(check: Any, value: object, field: str, what: str) -> None:
    try:
        check(value, what)
    except (InvalidDataError, InvalidIdError) as error:
        raise RefusedRowError(field, str(error)) from error


def _stored(fields: dict[str, Any], machine: Machine[Any] | None) -> dict[str, Any]:
    try:
        data = normalize_data(fields)
    except InvalidDataError as error:
        raise RefusedRowError(str(error.path or "").removeprefix("data."), str(error)) from error
    if machine is not None and machine.data_type is not None:
        try:
            machine.data_type.model_validate(fields)
        except ValueError as error:
            # Its type and places alone: what pydantic says quotes the data.
            told = [".".join(map(str, one["loc"])) for one in getattr(error, "errors", list)()]
            name = machine.data_type.__name__
            raise RefusedRowError(told[0] if told else "", f"does not fit {name}: {', '.join(told)}") from error
    return data


def _listed(value: object, field: str) -> list[dict[str, Any]]:
    """Return the moves that a field holds: a list, or its JSON; nothing for nothing."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else []
        except ValueError as error:
            raise RefusedRowError(field, f"is no JSON: {error}") from error
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise RefusedRowError(field, "must be a list of objects")
    return value


def _moves(earlier: Sequence[Mapping[str, Any]], history: EarlierMoves, shape: Shape) -> tuple[Move, ...]:
    if len(earlier) > MOVES_MAX:
        message = (
            f"has {len(earlier):,} earlier moves; {MOVES_MAX} go with one commit: leave --history out, or shorten it"
        )
        raise RefusedRowError(history.place, message)
    moves = [_move(dict(one), f"{history.place}[{number}]", history, shape) for number, one in enumerate(earlier)]
    timed = [(move.time, number) for number, move in enumerate(moves) if move.time is not None]
    if len(timed) == len(moves):
        return tuple(moves[number] for _, number in sorted(timed))
    return tuple(moves)


def _move(fields: dict[str, Any], place: str, history: EarlierMoves, shape: Shape) -> Move:
    status_field = history.status_field or shape.status_field
    try:
        status = _taken(fields, status_field)
        action = _taken(fields, history.action_field) if fields.get(history.action_field) else status
        actor = _taken(fields, history.actor_field) if fields.get(history.actor_field) else None
    except RefusedRowError as error:
        raise RefusedRowError(f"{place}.{error.field}", error.message) from error
    _check(check_name, status, f"{place}.{status_field}", "status")
    _check(check_name, action, f"{place}.{history.action_field}", "action")
    time = _time(fields.pop(history.time_field, None), f"{place}.{history.time_field}")
    if history.key_field is not None:
        fields.pop(history.key_field, None)
    data = fields.pop(history.data_field, None)
    if data is not None and not isinstance(data, dict):
        raise RefusedRowError(f"{place}.{history.data_field}", f"must be an object, not {type(data).__name__}")
    try:
        return Move(action, status, normalize_data(data or {}), normalize_data(fields), time, actor)
    except TaiStateError as error:
        raise RefusedRowError(place, str(error)) from error


def _time(value: object, place: str) -> datetime | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise RefusedRowError(place, f"{value!r:.100} is no time in ISO 8601") from error
    if not isinstance(value, datetime):
        raise RefusedRowError(place, f"must be a time, not {type(value).__name__}")
    if value.utcoffset() is None:
        raise RefusedRowError(place, "has no offset, and nobody knows whose time it is")
    return value
