"""Copies of a file by SQLite's online backup, beside whoever uses it, and the exchange of a file for a copy."""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tai_state.backends.sqlite import schema
from tai_state.backends.sqlite.failures import code_of, is_busy, translate
from tai_state.backends.sqlite.file_mark import mark_as_made
from tai_state.errors import ConfigurationError, DamagedStoreError, StoreInUseError

PAGES = 1_000
"""How many pages are copied at a time, about 4 MiB."""

BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a file that is in use, or was when its process died."""

Copying = Callable[[int, int], None]
"""Told how many pages are copied, and how many there are."""

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def copy(source: str, target: str, progress: Copying, like: str | None = None) -> int:
    """Copy the store in the file *source*, as of this moment, to a new file, check it, and return its size in bytes.

    Writers go on meanwhile; the log of the store is only folded up behind it. Who may read the one may read the other.

    Args:
        like: The file whose permissions the copy gets, where it is there; None: *source*.

    Raises:
        ConfigurationError, SchemaVersionError, StoreMissingError: *source* is no store; see ``schema.prepare``.
        DamagedStoreError: The store is damaged, and so is the copy.
        StoreError: One of them cannot be read or written: the disk is full, say.
    """
    place = schema.Place(source, "FULL", read_only=True)
    try:
        schema.prepare(place)
        reader = place.open()
        try:
            # One snapshot for all steps: else the copy would begin anew with every commit of somebody else.
            reader.execute("BEGIN")
            reader.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
            # Before anything is in it.
            Path(target).touch(mode=0o600, exist_ok=False)
            _copy(reader, source, target, progress)
        finally:
            reader.close()
    except sqlite3.Error as error:
        raise translate(error, source, f"copying to {target} what is in") from error
    model = Path(like) if like is not None and Path(like).exists() else Path(source)
    Path(target).chmod(stat.S_IMODE(model.stat().st_mode))
    return Path(target).stat().st_size


def _copy(reader: sqlite3.Connection, source: str, target: str, progress: Copying) -> None:
    writer = sqlite3.connect(target, timeout=0, isolation_level=None)
    try:
        reader.backup(writer, pages=PAGES, progress=lambda _, left, total: progress(total - left, total))
        ((found,),) = writer.execute("PRAGMA integrity_check(1)").fetchall()
        if found != "ok":
            said = found.replace("\n", ": ")
            message = f"{source} is damaged, and a copy of it would be: {said}; restore it from an older backup"
            raise DamagedStoreError(message)
        mark_as_made(writer, target)
    finally:
        # As the last one, which folds the log up.
        writer.close()


def check_free(path: str) -> None:
    """Refuse to exchange a file that somebody may be using.

    Raises:
        ConfigurationError: There is no place for a file.
        StoreInUseError: What SQLite keeps beside a file in use lies there.
    """
    schema.check_place(path)
    for suffix in BESIDE:
        if Path(path + suffix).exists():
            message = f"{path}{suffix} is there: a process has the store open, or died with it"
            raise StoreInUseError(path, message)


def exchange(path: str, keep: Callable[[], None]) -> None:
    """Have *keep* put another file into the place of the one at *path*, with nobody using either.

    Raises:
        StoreInUseError: Somebody does; nothing was exchanged.
    """
    check_free(path)
    if not Path(path).exists():
        keep()
        return
    with _held(path):
        keep()


@contextmanager
def _held(path: str) -> Iterator[None]:
    """Keep everybody from a file for as long as the block runs; who opens it then waits, and finds the other one."""
    connection = schema.Place(path, "FULL").connect("rw")
    try:
        try:
            # Out of WAL mode, which nobody else may be in then, and no log is left for the file that comes.
            ((mode,),) = connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            if mode != "delete":
                raise StoreInUseError(path, f"another connection has {path} open")
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            if is_busy(error):
                raise StoreInUseError(path, f"another connection has {path} open") from error
            # A file that cannot even be locked is in no use that another one could disturb.
            if code_of(error) not in _DAMAGED:
                raise translate(error, path, "locking") from error
        yield
    finally:
        connection.close()


def places(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> tuple[str, str]:
    """Return where a backup is and where it goes, absolute; nobody is using what is there.

    Raises:
        ConfigurationError: Both are one, or there is no place for a file.
        StoreInUseError: See ``check_free``.
    """
    origin, place = Path(source).absolute(), Path(target).absolute()
    if origin.exists() and place.exists() and origin.samefile(place):
        message = f"{origin} is the store itself: name the file of a backup"
        raise ConfigurationError(message)
    check_free(str(place))
    return str(origin), str(place)


def is_there(path: str) -> bool:
    """Whether something is at *path*."""
    return Path(path).exists()
