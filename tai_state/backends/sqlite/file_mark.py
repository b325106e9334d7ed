"""The mark of the file itself: which file a store was made in, so that a copy of it knows that it is one.

A plain copy of a file that is open lacks what stands in the log beside it, and what it holds looks sound: of a young
store it is nothing at all. Nothing else in the file could tell: what is written goes to the log first. But a copy is
another file, with another inode; a move within a file system keeps it, and so does what ``backup`` and ``restore`` do.
"""

import logging
import sqlite3
from pathlib import Path
from typing import NamedTuple

log = logging.getLogger("tai_state")

_READ = "SELECT key, value FROM meta WHERE key IN ('file_inode', 'file_copied', 'clock_mark')"
_WRITE = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


class FileMark(NamedTuple):
    """What a file says of itself.

    Attributes:
        is_copy: Whether it was copied since it was last written.
        copied_us: When a copy of it was first written, by the store's clock, in microseconds; None: it is none.
    """

    is_copy: bool
    copied_us: int | None


def read_mark(connection: sqlite3.Connection, inode: int) -> FileMark:
    """Return what a file, which is the one of that *inode*, says of itself."""
    stored = dict(connection.execute(_READ).fetchall())
    known = stored.get("file_inode")
    return FileMark(known is not None and known != _signed(inode), stored.get("file_copied"))


def note_file(connection: sqlite3.Connection, path: str, inode: int, *, had_log: bool, is_read_only: bool) -> None:
    """Warn where a file was copied without the log that it may have had, and keep in it that it was.

    Args:
        had_log: Whether a log lay beside the file before it was opened: the copy has all that is in it.
    """
    stored = dict(connection.execute(_READ).fetchall())
    known = stored.get("file_inode")
    if known == _signed(inode):
        return
    if known is not None and not had_log:
        log.warning(
            "%s is a copy: if the store was open when it was copied without its -wal, the newest changes are missing; "
            "copy a store by `backup`",
            path,
            extra={"event": "file_copied", "path": path},
        )
    if is_read_only:
        return
    marks = {"file_inode": _signed(inode)}
    if known is not None and not had_log:
        marks["file_copied"] = stored.get("clock_mark", 0)
    connection.executemany(_WRITE, list(marks.items()))


def mark_as_made(connection: sqlite3.Connection, path: str) -> None:
    """Have a file say that it is where it was made, and no copy of anything."""
    connection.execute("DELETE FROM meta WHERE key = 'file_copied'")
    connection.execute(_WRITE, ("file_inode", _signed(Path(path).stat().st_ino)))


def _signed(inode: int) -> int:
    # Alone, without the device, whose number may change with a boot. SQLite's integers are signed.
    return inode - 2**64 if inode >= 2**63 else inode
