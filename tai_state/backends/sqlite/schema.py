"""The file: how it is recognised, created and opened. A file that is not ours is never changed."""

import os
import sqlite3
import stat
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from urllib.parse import quote

from tai_state.backends.sqlite.failures import code_of, while_there
from tai_state.backends.sqlite.file_mark import mark_as_made
from tai_state.backends.sqlite.packing import plain
from tai_state.backends.sqlite.terms import COLUMN as TERMS
from tai_state.backends.sqlite.terms import HAS_COLUMN as _HAS_TERMS
from tai_state.errors import ConfigurationError, SchemaVersionError, StoreError, StoreMissingError

APPLICATION_ID = 0x54_41_49_53
"""``TAIS``: what tells our files from others', in the header of the file."""

FORMAT = 2
"""The number of the schema, kept as ``user_version``; a file with a higher one is not opened.

In 1 the body of each document was JSON, in a column of another name. A file that has it is lifted by the first who
opens it to write (``extend``); from then on the statements of an earlier release find no such column: it would take
what is compressed for damage, and leave the column ``sought`` behind.
"""

SYNCHRONOUS = ("FULL", "NORMAL")

# A rowid table, measured against WITHOUT ROWID: rows of 0.5 to 2 KB make a clustered tree deep and slow (a
# transition took 6 % longer), and here the key's index alone lists ids without touching the documents.
_DOCUMENTS = """CREATE TABLE documents (
        collection TEXT NOT NULL,
        id TEXT NOT NULL,
        create_time INTEGER NOT NULL,
        update_time INTEGER NOT NULL,
        body BLOB NOT NULL,
        expires_at INTEGER,
        terms TEXT,
        sought,
        PRIMARY KEY (collection, id)
    )"""
_EXPIRY_INDEX = "CREATE INDEX documents_expiry ON documents (expires_at) WHERE expires_at IS NOT NULL"
_MARK = f"PRAGMA user_version = {FORMAT}"
_CREATE = (
    _DOCUMENTS,
    _EXPIRY_INDEX,
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID",
    f"PRAGMA application_id = {APPLICATION_ID}",
    _MARK,
)

# Added to files of format 1 behind the first release, which may lack them.
_HAS_EXPIRY = "SELECT 1 FROM pragma_table_info('documents') WHERE name = 'expires_at'"
_EXPIRY = (
    "ALTER TABLE documents ADD COLUMN expires_at INTEGER",
    _EXPIRY_INDEX,
    # To be looked at when something is removed next.
    """UPDATE documents SET expires_at = 0
    WHERE collection IN ('transactions', 'waits') OR collection GLOB 'governors/*/receipts'""",
)
# Its documents stay as they are; what takes time is to let the pages of the two indexes go.
_LIFT = (
    "DROP INDEX IF EXISTS documents_states_status",
    "DROP INDEX IF EXISTS documents_events_timestamp",
    "ALTER TABLE documents RENAME COLUMN fields TO body",
    "ALTER TABLE documents ADD COLUMN sought",
    _MARK,
)
# Who only reads a file of format 1 sees it as if it were lifted.
_AS_LIFTED = "CREATE TEMP VIEW documents AS SELECT *, fields AS body, NULL AS sought FROM main.documents"


class Found(Enum):
    """What is at a path."""

    NOTHING = auto()
    OURS = auto()
    UNSURE = auto()  # a crash left a journal, which only a writer may roll back


@dataclass(frozen=True, slots=True)
class Place:
    """Where the file is, and whether and how safely it is written."""

    path: str
    synchronous: str
    read_only: bool = False

    def connect(self, mode: str) -> sqlite3.Connection:
        """Open a connection that any one thread at a time may use.

        Args:
            mode: SQLite's ``ro``, ``rw`` or ``rwc`` (which creates the file); more parameters may follow it.
        """
        return sqlite3.connect(
            # An empty authority, so that a path that begins with two slashes names no host; bytes, for names that
            # are no UTF-8.
            f"file://{quote(os.fsencode(self.path))}?mode={mode}",
            uri=True,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
        )

    def open(self) -> sqlite3.Connection:
        """Open a connection to a file that ``prepare`` has found sound; a file that has gone is not made anew."""
        if self.read_only:
            return self._open_to_read()
        connection = self.connect("rw")
        try:
            connection.create_function("plain", 1, plain, deterministic=True)
            # Cache and checkpoints stay as SQLite has them. Measured: a larger cache changes nothing, and with
            # checkpoints four times as far apart a commit takes 7 % longer, since the WAL's growth is flushed too.
            connection.execute(f"PRAGMA synchronous = {self.synchronous}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_to_read(self) -> sqlite3.Connection:
        connection = self.connect(self.mode())
        try:
            connection.create_function("plain", 1, plain, deterministic=True)
            if _format_of(connection) == 1:
                connection.execute(_AS_LIFTED)
        except BaseException:
            connection.close()
            raise
        return connection

    def mode(self) -> str:
        """Return how a file is opened that is only read: as it lies there where nobody may write beside it.

        A reader of a file in WAL mode needs the shared memory beside it, and makes it where it is missing; the last
        one to close removes it again. Where that cannot be, a log beside the file means that somebody else has it open,
        and made it. Without a log the file is whole, and read as it lies there.
        """
        if self._is_writable():
            return "rw"
        return "ro" if self.has_log() else "ro&immutable=1"

    def _is_writable(self) -> bool:
        return os.access(self.path, os.W_OK) and os.access(Path(self.path).parent, os.W_OK)

    def has_log(self) -> bool:
        """Whether a log with something in it lies beside the file."""
        try:
            return Path(f"{self.path}-wal").stat().st_size > 0
        except OSError:
            return False

    def resting(self) -> tuple[int, int, int] | None:
        """Return what a file that is read as it lies there is known by; None: it is not read so.

        Whoever writes begins with a log beside the file, and changes the file itself before removing the log.
        """
        if not self.read_only or self._is_writable() or self.has_log():
            return None
        try:
            found = Path(self.path).stat()
        except OSError:
            return None  # it has gone, which opening it will tell
        return found.st_ino, found.st_size, found.st_mtime_ns


def check_place(path: str) -> None:
    """Refuse a path at which no file can be.

    Raises:
        ConfigurationError: The folder is missing, or what is there is no file: a folder, a FIFO, a device.
    """
    folder = Path(path).parent
    if not folder.is_dir():
        raise ConfigurationError(f"the folder {folder} of the SQLite file {path} does not exist; create it first")
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return  # nothing is there yet, or it cannot be looked at: opening it will tell
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise ConfigurationError(f"{path} is {kind}; the SQLite store needs a file")


def prepare(place: Place) -> None:
    """Create the file where there is none, and make sure that it is ours.

    May be called again from the start when it finds the file locked.

    Raises:
        ConfigurationError: It is no database, or somebody else's; nothing in it was changed.
        SchemaVersionError: A newer release made it; nothing in it was changed.
        StoreMissingError: It is to be read only, and is not there or empty.
        StoreUnavailableError: It went away meanwhile.
    """
    check_place(place.path)
    if place.read_only:
        if _look(place) is Found.NOTHING:
            raise StoreMissingError(f"{place.path} holds no store yet, and was opened to read only")
        return
    if _look(place) is not Found.OURS:
        _create(place)


def _look(place: Place) -> Found:
    """Say what is at the path without writing a byte: a read-only connection runs no checkpoint."""
    try:
        connection = place.connect(place.mode() if place.read_only else "ro")
    except sqlite3.OperationalError as error:
        # One that was not there a moment ago is being made by another process: who would make it looks again.
        is_new = code_of(error) == sqlite3.SQLITE_CANTOPEN and not place.read_only
        if Path(place.path).exists() and not is_new:
            raise
        return Found.NOTHING
    try:
        with while_there(place.path):
            # As of one moment: beside somebody who is just making the file, its marks would contradict each other.
            connection.execute("BEGIN")
            return _judge(connection, place.path)
    except sqlite3.OperationalError as error:
        if code_of(error) == sqlite3.SQLITE_READONLY:
            return Found.UNSURE
        raise
    finally:
        connection.close()


def _format_of(connection: sqlite3.Connection) -> int:
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    assert isinstance(version, int)
    return version


def _judge(connection: sqlite3.Connection, path: str) -> Found:
    try:
        ((application_id,),) = connection.execute("PRAGMA application_id").fetchall()
        version = _format_of(connection)
        ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    except sqlite3.DatabaseError as error:
        if code_of(error) == sqlite3.SQLITE_NOTADB:
            raise ConfigurationError(f"{path} is not an SQLite database; it was left as it is") from error
        raise
    if application_id == 0 and version == 0 and tables == 0:
        return Found.NOTHING
    if application_id != APPLICATION_ID or version < 1:
        raise ConfigurationError(f"{path} is another application's SQLite database; it was left as it is")
    if version > FORMAT:
        raise SchemaVersionError(version, FORMAT, f"the file {path}")
    return Found.OURS


def _create(place: Place) -> None:
    """Write the schema in one transaction; of processes that race here, one writes and the others find it."""
    connection = place.connect("rwc")
    try:
        with while_there(place.path):
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            if _judge(connection, place.path) is Found.NOTHING:
                for statement in _CREATE:
                    connection.execute(statement)
                # Before there is a log: even a copy without it has this.
                mark_as_made(connection, place.path)
            connection.execute("COMMIT")
    finally:
        # Closing rolls back what was not committed.
        connection.close()


def was_lifted(connection: sqlite3.Connection) -> bool:
    """Whether the file that a connection reads as if it were lifted has been lifted since: it is to be opened again."""
    has_view = connection.execute("SELECT 1 FROM sqlite_temp_schema WHERE type = 'view'").fetchall()
    return bool(has_view) and _format_of(connection) != 1


def extend(connection: sqlite3.Connection) -> None:
    """Lift a file of an earlier format to ours, in one transaction; of processes that race here, one does."""
    if _format_of(connection) == FORMAT:
        return
    connection.execute("BEGIN IMMEDIATE")
    if _format_of(connection) < FORMAT:
        for statement in lift(connection):
            connection.execute(statement)
    connection.execute("COMMIT")


def lift(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return what makes our format of a file; nothing where it is of that."""
    if _format_of(connection) == FORMAT:
        return ()
    statements: tuple[str, ...] = ()
    if not connection.execute(_HAS_EXPIRY).fetchall():
        statements += _EXPIRY
    if not connection.execute(_HAS_TERMS).fetchall():
        statements += (TERMS,)
    return statements + _LIFT


def keep_wal(connection: sqlite3.Connection, place: Place) -> None:
    """Keep the journal of our file in WAL mode, in which readers and the writer never wait for each other.

    Raises:
        StoreError: The file system has no shared memory, as network file systems have none.
    """
    ((mode,),) = connection.execute("PRAGMA journal_mode").fetchall()
    if mode != "wal":
        # The switch itself goes by a rollback journal. Under NORMAL that is flushed in one go with what says that it
        # is whole: a power cut could have it rolled back where a part of it is missing, and the file be none any more.
        connection.execute("PRAGMA synchronous = FULL")
        ((mode,),) = connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute(f"PRAGMA synchronous = {place.synchronous}")
    if mode != "wal":
        raise StoreError(f"{place.path} cannot be kept in WAL mode (SQLite says {mode!r}): use a local file system")
