"""Times that a wrong clock left in a file are brought back to now: offline, in a copy that nobody uses yet.

A host whose clock was ahead when it opened a file has lifted the store's clock for good, since that never falls: see
``store_clock``. What was committed since has later times than any right clock. These follow each other as before,
microsecond by microsecond, behind the last time that is right.
"""

import sqlite3
from contextlib import closing
from datetime import datetime

from tai_state.backends.sqlite.encoding import from_us, to_us
from tai_state.backends.sqlite.failures import translate
from tai_state.clock import Clock

_LAST_RIGHT = """SELECT max(moment) FROM (
    SELECT max(update_time) AS moment FROM documents WHERE update_time <= :now
    UNION ALL SELECT max(create_time) FROM documents WHERE create_time <= :now
)"""
_LATER = """CREATE TEMP TABLE later AS
    SELECT old, row_number() OVER (ORDER BY old) AS place FROM (
        SELECT update_time AS old FROM documents WHERE update_time > :now
        UNION SELECT create_time FROM documents WHERE create_time > :now
    )"""
_BRING_BACK = (
    "CREATE UNIQUE INDEX temp.later_old ON later (old)",
    """UPDATE documents SET
        expires_at = expires_at - update_time + (SELECT :base + place FROM later WHERE old = update_time),
        update_time = (SELECT :base + place FROM later WHERE old = update_time)
        WHERE update_time > :now""",
    """UPDATE documents SET
        create_time = (SELECT :base + place FROM later WHERE old = create_time)
        WHERE create_time > :now""",
    # Whoever opens the file next starts its clock.
    "UPDATE meta SET value = '' WHERE key = 'boot_id'",
    "UPDATE meta SET value = 0 WHERE key = 'clock_offset'",
    "UPDATE meta SET value = :base + (SELECT count(*) FROM later) + 1 WHERE key = 'clock_mark'",
)


def bring_back(path: str, clock: Clock) -> datetime | None:
    """Bring the times in the file at *path*, which nobody uses, back to what *clock* says.

    Returns:
        The time before all that were brought back; None: none was.

    Raises:
        StoreError: The file cannot be written.
    """
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            return _bring_back(connection, to_us(clock.now()))
    except sqlite3.Error as error:
        raise translate(error, path, "setting back the times in") from error


def _bring_back(connection: sqlite3.Connection, now_us: int) -> datetime | None:
    connection.execute("BEGIN IMMEDIATE")
    ((right_us,),) = connection.execute(_LAST_RIGHT, {"now": now_us}).fetchall()
    connection.execute(_LATER, {"now": now_us})
    ((count,),) = connection.execute("SELECT count(*) FROM later").fetchall()
    # They end now, and all of them are behind the last that was right.
    base_us = max(right_us or 0, now_us - count)
    for statement in _BRING_BACK:
        given = {"now": now_us, "base": base_us}
        connection.execute(statement, {name: value for name, value in given.items() if f":{name}" in statement})
    connection.execute("COMMIT")
    return from_us(base_us) if count else None
