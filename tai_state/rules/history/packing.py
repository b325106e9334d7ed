"""Packing: from the texts of events to the body of a run of them; see ``packed``."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson

from tai_state.codec import NULL, dump_plain, time_text
from tai_state.rules.history.columns import ABSENT, is_same
from tai_state.rules.history.packed import Run
from tai_state.rules.records.chain import Texts, covered_text, erasable, texts_of
from tai_state.rules.records.fields import FieldError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from tai_state.rules.records.record import EventRecord

_COMPUTED = frozenset({"digests", "previous_hash", "version"})


def pack(events: Sequence[Texts]) -> bytes | None:
    """Return the body of *events*; None where they cannot be computed again from it.

    Args:
        events: Contiguous, ascending, of one state; at least one.
    """
    if any(after.values.get("from_state") != before.values.get("to_state") for before, after in pairwise(events)):
        return None
    rows = [orjson.loads(event.covered) for event in events]
    values = _turned([event.values for event in events])
    befores = values.pop("from_state", [ABSENT])
    groups = {
        "covered": _columns_of(rows, _COMPUTED),
        "values": values,
        "beside": {
            "committed_at": _time_texts([event.committed_at for event in events]),
            "salt": [event.salt.encode() for event in events],
        },
    }
    first, count = rows[0], len(events)
    header: dict[str, Any] = {"first": first["version"], "count": count, "previous_hash": first["previous_hash"]}
    lines = [b"", befores[0] or NULL.json]
    for group, columns in groups.items():
        header[group] = {name: name != "salt" and is_same(texts) for name, texts in columns.items()}
        for name, texts in columns.items():
            lines += texts[:1] if header[group][name] else texts
    lines[0] = dump_plain(header)
    body = b"\n".join(lines)
    try:
        run = Run(body, first["governor_id"], first["state_id"])
    except FieldError:
        return None
    return body if run.hashes == [event.hash for event in events] else None


def pack_events(events: Sequence[EventRecord]) -> bytes | None:
    """Return the body of *events*, as ``pack`` does of their texts."""
    sealed = [(event, event.seal) for event in events if event.seal is not None]
    found = [texts_of(event, covered_text(event, seal), erasable(event)) for event, seal in sealed]
    texts = [one for one in found if one is not None]
    return pack(texts) if len(texts) == len(events) else None


def _columns_of(rows: Sequence[Mapping[str, Any]], but: frozenset[str]) -> dict[str, list[bytes]]:
    columns = {}
    for name, values in _turned(rows).items():
        if name in but:
            continue
        if values.count(values[0]) == len(values) and values[0] is not ABSENT:
            # Most hold one value, which is dumped once.
            columns[name] = [dump_plain(values[0])] * len(values)
        else:
            columns[name] = [_text(value) for value in values] if ABSENT in values else _dumped(values)
    return columns


def _dumped(values: list[Any]) -> list[bytes]:
    """Return the JSON of each value."""
    # All in one step, where no value has a comma in it: then there are as many pieces as values.
    pieces = dump_plain(values)[1:-1].split(b",")
    return pieces if len(pieces) == len(values) else list(map(dump_plain, values))


def _turned(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the values of all rows by name, the names in order."""
    names = list(rows[0])
    if all(list(row) == names for row in rows):
        # As nearly always: they are turned in one step.
        columns = dict(zip(names, map(list, zip(*[row.values() for row in rows], strict=True)), strict=True))
        return dict(sorted(columns.items()))
    return {name: [row.get(name, ABSENT) for row in rows] for name in _names(rows)}


def _names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({name for row in rows for name in row})


def _text(value: Any) -> bytes:
    return ABSENT if value is ABSENT else dump_plain(value)


def _time_texts(moments: Sequence[datetime | None]) -> list[bytes]:
    texts = [ABSENT if moment is None else time_text(moment) for moment in moments]
    return [_text(text) for text in texts] if ABSENT in texts else _dumped(texts)
