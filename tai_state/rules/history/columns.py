"""The columns of packed events: which there may be, read from the lines of a body, and joined to what hashes cover."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any

from tai_state.compression import PAYLOAD_BYTES_MAX
from tai_state.rules.records.fields import FieldError, take

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COLUMNS = {
    "covered": frozenset(
        {"action", "causality", "cause", "created_at", "deleted", "depends_on", "due_action", "due_after", "due_at"}
        | {"due_machine", "due_version", "fences", "fencing_token", "from_status", "foreign_parent"}
        | {"governor_id", "kind", "layout", "machine", "occurred_at", "origin", "parent_version", "parents"}
        | {"schema_version", "signals", "state_id", "timestamp", "to_status", "transition_id"}
    ),
    "values": frozenset({"changed_by", "context", "idempotency_key", "last_error", "payload", "reason", "to_state"})
    | {"labels"},
    "beside": frozenset({"committed_at", "salt"}),
}
"""The columns that there may be of each group.

A name is part of the text that a hash covers: one that somebody made up could hold a field and its text, which would be
covered, and seen by nobody. A column that is new here is of a new format.
"""

ABSENT = b""
"""The text of what an event does not have: no JSON is empty."""


def is_same(texts: list[bytes]) -> bool:
    """Whether all of them are one."""
    return texts.count(texts[0]) == len(texts)


def read_columns(lines: list[bytes], told: dict[str, Any], count: int) -> list[dict[str, list[bytes]]]:
    """Return the columns of each group, of as many lines as there are events."""
    groups = [take(told, group, dict) for group in COLUMNS]
    for group, known in zip(groups, COLUMNS.values(), strict=True):
        if unknown := group.keys() - known:
            message = f"it has columns of no known name: {sorted(unknown)}"
            raise FieldError(message)
    # Before any line is repeated: there is a salt for each event, so that no number in the header is taken on trust.
    needed = sum(1 if is_one else count for group in groups for is_one in group.values())
    is_ours = groups[-1].keys() == {"committed_at", "salt"} and groups[-1]["salt"] is False
    if count < 1 or not is_ours or needed != len(lines):
        message = f"it has {len(lines)} lines, of columns of {count} events"
        raise FieldError(message)
    found, place, grown = [], 0, 0
    for group in groups:
        columns: dict[str, list[bytes]] = {}
        for name, is_one in group.items():
            end = place + (1 if is_one else count)
            grown += count * (len(name) + len(lines[place])) if is_one else 0
            # What is there once is hashed for each event.
            if grown > PAYLOAD_BYTES_MAX:
                message = f"its columns would grow past {PAYLOAD_BYTES_MAX} bytes"
                raise FieldError(message)
            columns[name] = lines[place:end] * (count if is_one else 1)
            place = end
        found.append(columns)
    return found


def joined(columns: dict[str, list[bytes]]) -> Iterator[bytes]:
    """Yield for each event what JSON holds of these columns, in the order of their names, a comma before each."""
    parts: list[Iterable[bytes]] = []
    fixed = b""
    for name in sorted(columns):
        texts, key = columns[name], b',"%b":' % name.encode()
        if is_same(texts):
            fixed += key + texts[0] if texts[0] else b""
        elif ABSENT in texts:
            parts += [repeat(fixed), [key + text if text else ABSENT for text in texts]]
            fixed = b""
        else:
            parts += [repeat(fixed + key), texts]
            fixed = b""
    count = len(next(iter(columns.values())))
    return map(b"".join, zip(*parts, repeat(fixed, count), strict=False))
