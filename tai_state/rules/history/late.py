"""Sealed events that are decoded when somebody looks at them: that each of them can be is known before.

Whoever reads a history asks most of its events for a few fields, or passes by; and to decode an event takes ten times
as long as to prove it. So the columns of a run are looked at as a whole, which tells as much as decoding each event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import repeat
from types import NoneType
from typing import TYPE_CHECKING, Any, overload

from tai_state import models
from tai_state.codec import Payload, from_json
from tai_state.errors import CorruptLogError, InvalidDataError
from tai_state.rules.history.packed import Run
from tai_state.rules.records.fields import FieldError
from tai_state.rules.records.record import EventRecord

if TYPE_CHECKING:
    from tai_state.models import Event
    from tai_state.rules.records.record import AsData


_Check = Callable[[Sequence[bytes]], bool]


class Part(Sequence[EventRecord]):
    """Some events of a run, each decoded when it is asked for."""

    def __init__(self, run: Run, places: range) -> None:
        """Take those at *places*."""
        self.run = run
        self.places = places

    def __len__(self) -> int:
        """Return how many events there are."""
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> EventRecord: ...

    @overload
    def __getitem__(self, index: slice) -> Part: ...

    def __getitem__(self, index: int | slice) -> EventRecord | Part:
        """Decode one event, or take several.

        Raises:
            FieldError: As for an event of a run.
        """
        if isinstance(index, int):
            return self.run[self.places[index]]
        return Part(self.run, self.places[index])


class LateEvent:
    """An event of a run, as far as it is asked for."""

    __slots__ = ("_place", "_run")

    def __init__(self, run: Run, place: int) -> None:
        """Decode nothing yet."""
        self._run = run
        self._place = place

    @property
    def version(self) -> int:
        """The version that it made."""
        return self._run.first + self._place

    @property
    def schema_version(self) -> int:
        """The schema version of the data that it left."""
        return self._run.schema_version(self._place)

    def public(self, as_data: AsData[Any], before: AsData[Any] | None = None) -> Event[Any]:
        """Return what ``EventRecord.public`` does, made when somebody looks."""
        if EventRecord.is_late(as_data, before):
            return _stored_event(self._run, self._place)
        return _decoded(self._run, self._place).public(as_data, before)


def late_events(part: Sequence[EventRecord]) -> Sequence[EventRecord | LateEvent]:
    """Return events as they are, and those of a run as late ones: ``checked`` is to have passed it."""
    run, places = _places(part)
    return part if run is None else [LateEvent(run, place) for place in places]


def stored_events(part: Sequence[EventRecord]) -> Sequence[Event[Any]]:
    """Return the public models of events, their data as it is stored."""
    run, places = _places(part)
    if run is None:
        return [event.public(Payload.value) for event in part]
    return [_stored_event(run, place) for place in places]


def _places(part: Sequence[EventRecord]) -> tuple[Run | None, range]:
    """Return the run of which events are, and where in it they are; None where they are of none."""
    if isinstance(part, Part):
        return part.run, part.places
    return part if isinstance(part, Run) else None, range(len(part))


def _stored_event(run: Run, place: int) -> Event[Any]:
    event: Event[Any] = models.later(models.Event, partial(_fields_of, run, place))
    return event


def _fields_of(run: Run, place: int) -> dict[str, Any]:
    return _decoded(run, place).shown(Payload.value, Payload.value)


def _decoded(run: Run, place: int) -> EventRecord:
    try:
        return run[place]
    except FieldError as error:
        reason = f"the sealed event is damaged: {error}"
        raise CorruptLogError(*run.ids, run.first + place, reason) from error


def checked(run: Run) -> Run:
    """Return *run*, each event of which can be decoded.

    Raises:
        FieldError: One cannot: its hash is right, and somebody else made it.
    """
    if run.is_checked:
        return run
    others: list[Sequence[bytes]] = []
    for name, texts in run.varying().items():
        check = _CHECKS.get(name)
        if check is None:
            others.append(texts)
        elif not check(texts):
            message = f"the column {name!r} holds what no event has"
            raise FieldError(message)
    # What all have in common, and each combination of what few kinds of events have: decoded once.
    seen: set[tuple[bytes, ...]] = set()
    for place, kind in enumerate(zip(*others, strict=True)) if others else ((0, ()),):
        if kind not in seen:
            seen.add(kind)
            run[place]
    run.is_checked = True
    return run


_RUNS_MAX = 16
_RUN_BYTES_MAX = 256 * 1024
_kept: dict[tuple[str, str, str], Run] = {}


def kept_run(digest: str, governor_id: str, state_id: str) -> Run | None:
    """Return the run of a segment that was read before; None where it is not kept.

    Args:
        digest: The SHA-256 of its bytes, which is to be that of those that were just read: so nothing that was altered
            since is passed over.
    """
    return _kept.get((digest, governor_id, state_id))


def keep_run(digest: str, run: Run, size: int) -> None:
    """Keep a run of so many bytes: the newest events of a state are read again and again, and are sealed once."""
    if size <= _RUN_BYTES_MAX:
        if len(_kept) >= _RUNS_MAX:
            _kept.clear()
        _kept[digest, *run.ids] = run


def _values(texts: Sequence[bytes]) -> list[Any]:
    """Return the values of a column; none where a text is no value, or several."""
    try:
        values = from_json(b"[%b]" % b",".join(texts))
    except InvalidDataError:
        return []
    return values if isinstance(values, list) and len(values) == len(texts) else []


def _are(*kinds: type) -> _Check:
    wanted = frozenset(kinds)

    def check(texts: Sequence[bytes]) -> bool:
        values = _values(texts)
        return bool(values) and wanted.issuperset(map(type, values))

    return check


def _are_times(texts: Sequence[bytes]) -> bool:
    try:
        return bool(list(map(datetime.fromisoformat, _values(texts))))
    except (TypeError, ValueError):
        return False


def _are_counters(texts: Sequence[bytes]) -> bool:
    values = _values(texts)
    return _only(dict, values) and _only(int, [count for each in values for count in each.values()])


def _are_versions(texts: Sequence[bytes]) -> bool:
    values = _values(texts)
    return _only(list, values) and _only(int, [version for each in values for version in each])


def _only(kind: type, values: Sequence[Any]) -> bool:
    return bool(values) and {kind}.issuperset(map(type, values))


def _any(texts: Sequence[bytes]) -> bool:  # noqa: ARG001 - as all checks
    return True


def _are_maps(texts: Sequence[bytes]) -> bool:
    return all(map(bytes.startswith, texts, repeat(b"{")))


def _are_salts(texts: Sequence[bytes]) -> bool:
    return all(map(bytes.isascii, texts))


def _or_absent(check: _Check) -> _Check:
    def check_others(texts: Sequence[bytes]) -> bool:
        there = [text for text in texts if text]
        return not there or check(there)

    return check_others


_CHECKS: Mapping[str, _Check] = {
    "causality": _are_counters,
    "changed_by": _or_absent(_are(str)),
    "committed_at": _or_absent(_are_times),
    "context": _any,
    "created_at": _are_times,
    "idempotency_key": _or_absent(_are(str, NoneType)),
    "last_error": _or_absent(_are(str, NoneType)),
    "parent_version": _or_absent(_are(int, NoneType)),
    "parents": _are_versions,
    "payload": _any,
    "reason": _or_absent(_are(str)),
    "salt": _are_salts,
    "timestamp": _are_times,
    "to_state": _are_maps,
    "transition_id": _are(str),
}
"""Of the columns in which many events differ: whether all their texts are such as an event has.

Payloads are whatever they are, and data is a map.
"""
