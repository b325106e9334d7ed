"""Scrubbing: nothing of what was removed stays in the file, nor in the log beside it.

SQLite leaves what it frees where it was, until something is written there. So the file is built anew from what there is
(``VACUUM``), and the log, which holds earlier pages, is folded into it and cut to nothing.
"""

import sqlite3
from contextlib import closing

from tai_state.backends.sqlite.patience import when_free
from tai_state.backends.sqlite.schema import Place
from tai_state.clock import Deadline


def scrub(place: Place, deadline: Deadline) -> None:
    """Build the file anew, and empty its log; waits for writers and readers until the deadline.

    Takes as much room again as the file does, for as long as it runs.

    Raises:
        sqlite3.OperationalError: Somebody else kept the file busy until the deadline, or the engine failed.
    """
    with closing(place.open()) as connection:
        when_free(lambda: connection.execute("VACUUM"), deadline)
        when_free(lambda: _empty_log(connection), deadline)


def _empty_log(connection: sqlite3.Connection) -> None:
    ((busy, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    if busy:
        error = sqlite3.OperationalError("a reader keeps the log from being emptied")
        # As the engine itself says it of other locks.
        error.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise error
