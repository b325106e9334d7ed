"""What became of a row: whether its state stands as it says."""

from typing import Any, Literal, NamedTuple

from tai_state import Event, HistoryTrimmedError, StateSnapshot, StateStore
from tai_state.adoption.shape import Candidate
from tai_state.adoption.writing import ADOPT, ADOPTED_FROM
from tai_state.values import differences, to_json


class Standing(NamedTuple):
    """How a state stands to its row.

    Attributes:
        kind: "equal", or what is wrong.
        has_moved: Whether the state has changed since it was adopted.
    """

    kind: Literal["equal", "taken", "changed"]
    field: str = ""
    message: str = ""
    has_moved: bool = False


class _Adopted(NamedTuple):
    status: str
    data: dict[str, Any]
    has_moved: bool


def standing_of(store: StateStore, one: Candidate, snapshot: StateSnapshot) -> Standing:
    """Return how the state of *snapshot*, deleted ones included, stands to its row.

    Where the state is as it was adopted, nothing more is read; else the events of its adoption.
    """
    try:
        adopted = _as_adopted(store, one, snapshot)
    except HistoryTrimmedError:
        return Standing("taken", "", "the event of its adoption is trimmed: nobody can tell what was adopted")
    if adopted is None:
        return Standing("taken", "", "the state was there, and was not adopted from this source; it was left alone")
    if adopted.status != one.status:
        message = f"was adopted as {adopted.status!r}, and is {one.status!r} now"
        return Standing("changed", "status", f"{message}; the state was left alone", adopted.has_moved)
    if to_json(adopted.data) != to_json(one.data):
        found = differences(adopted.data, one.data)
        place = ".".join(map(str, found[0].path)) if found else ""
        message = f"{len(found)} values differ from what was adopted; the state was left alone"
        return Standing("changed", place, message, adopted.has_moved)
    return Standing("equal", has_moved=adopted.has_moved)


def _as_adopted(store: StateStore, one: Candidate, snapshot: StateSnapshot) -> _Adopted | None:
    """Return what was adopted; None where the state did not come from this source."""
    if not snapshot.deleted and snapshot.metadata.context.get(ADOPTED_FROM) == one.source:
        return _Adopted(snapshot.status, snapshot.data, has_moved=False)
    event = _event(store, one, 1)
    payload = None if event is None else event.payload
    if event is None or not isinstance(payload, dict):
        return None
    if event.action != ADOPT:
        origin = payload.get("adopted")
        if not isinstance(origin, dict) or origin.get("source") != one.source:
            return None
        event = _event(store, one, int(origin["adopted_as"]))
        payload = None if event is None else event.payload
    if event is None or not isinstance(payload, dict) or payload.get("source") != one.source:
        return None
    return _Adopted(event.to_status, event.to_state, has_moved=True)


def _event(store: StateStore, one: Candidate, version: int) -> Event | None:
    return next(iter(store.get_events(one.governor_id, one.state_id, after=version - 1, limit=1)), None)
