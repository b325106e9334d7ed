"""Removing what has expired: few documents at a time, found by an index, each judged by what it says itself.

The column ``expires_at`` is a hint that is written with each document. A build that does not know it leaves an old one
behind, so a document goes only where its own fields and its update_time say so.
"""

import random
import sqlite3

from tai_state.backends.expiry import BYTES_MAX, COMMITS_BETWEEN, COMMITS_BETWEEN_PARTS, DOCUMENTS_MAX
from tai_state.backends.sqlite.encoding import ends_us
from tai_state.codec import from_json
from tai_state.errors import InvalidDataError, StoreError
from tai_state.lifetimes import lifetime

# As bytes, whatever damage has put there.
DUE = """SELECT rowid, update_time, CAST(body AS BLOB) FROM documents
    WHERE expires_at < ? ORDER BY expires_at LIMIT ?"""
_REMOVE = "DELETE FROM documents WHERE rowid = ?"
_KEEP = "UPDATE documents SET expires_at = ? WHERE rowid = ?"


def commits_until_first() -> int:
    """Return after how many commits a process removes first.

    Any number, so that processes which end after a few commits remove as often, together, as one that goes on.
    """
    return random.randint(1, COMMITS_BETWEEN)  # noqa: S311 - no secret


def commits_until_next(*, is_cut: bool) -> int:
    """Return after how many commits it removes again; *is_cut*: what is due was more than one removal takes."""
    return COMMITS_BETWEEN_PARTS if is_cut else COMMITS_BETWEEN


def remove_expired(cursor: sqlite3.Cursor, now_us: int) -> bool:
    """Remove the documents whose time is over at *now_us*, some of them at most, in the open transaction.

    Returns:
        Whether there may be more: it took as many as one removal may.
    """
    over: list[tuple[int]] = []
    later: list[tuple[int | None, int]] = []
    size = 0
    for row, update_us, body in cursor.execute(DUE, (now_us, DOCUMENTS_MAX)):
        ends = _ends_us(body, update_us)
        if ends is not None and ends < now_us:
            over.append((row,))
        else:
            later.append((ends, row))
        size += len(body)
        if size >= BYTES_MAX:
            break
    cursor.executemany(_REMOVE, over)
    cursor.executemany(_KEEP, later)
    return size >= BYTES_MAX or len(over) + len(later) == DOCUMENTS_MAX


def _ends_us(body: bytes, update_us: int) -> int | None:
    """Return when a document ends by what it says itself; None for one that stays, which damage is, too."""
    try:
        fields = from_json(body)
        return ends_us(lifetime(fields), update_us) if isinstance(fields, dict) else None
    except (InvalidDataError, StoreError, TypeError, OverflowError):
        # No JSON, or an update_time that is no number: SQLite keeps what it is given.
        return None
