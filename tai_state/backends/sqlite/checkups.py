"""What a file tells of itself to a doctor: whether it was copied without its log, and whether its indexes are there."""

import sqlite3

from tai_state.backends.sqlite.encoding import from_us
from tai_state.backends.sqlite.file_mark import read_mark
from tai_state.backends.sqlite.schema import FORMAT, Place, lift
from tai_state.models import Checkup

_RESTORE = "tai-state restore BACKUP"


def examine(connection: sqlite3.Connection, place: Place, inode: int) -> list[Checkup]:
    """Look at the file at *place*, which has that *inode*."""
    return [_file(connection, place, inode), _indexes(connection)]


def _file(connection: sqlite3.Connection, place: Place, inode: int) -> Checkup:
    mark = read_mark(connection, inode)
    if not mark.is_copy and mark.copied_us is None:
        return Checkup(check="file", status="ok", message=f"{place.path} is no plain copy of another file")
    since = "and was not written since" if mark.copied_us is None else f"first written {from_us(mark.copied_us)}"
    message = (
        f"{place.path} is a plain copy of another file, {since}: if that was open, what stood in its -wal is missing"
    )
    if connection.execute("SELECT 1 FROM documents LIMIT 1").fetchone() is None:
        return Checkup(check="file", status="problem", message=f"{message}, which is all of it", mend=_RESTORE)
    return Checkup(check="file", status="warning", message=message, mend=_RESTORE)


def _indexes(connection: sqlite3.Connection) -> Checkup:
    if lift(connection):
        message = "an earlier release made the file: what is looked for takes longer until it is opened to write"
        return Checkup(check="indexes", status="warning", message=message, mend="tai-state recover")
    return Checkup(check="indexes", status="ok", message=f"those of format {FORMAT} are there")
