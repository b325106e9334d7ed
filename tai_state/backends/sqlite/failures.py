"""The one place that turns SQLite's errors into ours."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from tai_state._platform.interrupts import Deferral
from tai_state.errors import DamagedStoreError, StoreError, StoreReplacedError, StoreUnavailableError

_PRIMARY = 0xFF
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; 0 for an error that Python's module raised by itself."""
    code: int = getattr(error, "sqlite_errorcode", 0) or 0
    return code & _PRIMARY


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection has the lock that this one needs."""
    return code_of(error) in _BUSY


def is_io_error(error: sqlite3.Error) -> bool:
    """Whether the operating system failed to read, write or flush."""
    return code_of(error) == sqlite3.SQLITE_IOERR


_ADVICE = {
    sqlite3.SQLITE_FULL: "the disk is full: {said}; the change was not written; free some space and try again",
    sqlite3.SQLITE_READONLY: "the file is read-only: {said}; make it and its folder writable",
    sqlite3.SQLITE_CANTOPEN: "the file cannot be opened: {said}; check that it is there, and its permissions",
}

_TRANSIENT = {
    sqlite3.SQLITE_INTERRUPT: "the timeout passed: {said}",
    sqlite3.SQLITE_IOERR: "the disk failed: {said}",
} | dict.fromkeys(_BUSY, "another writer kept the file locked until the timeout: {said}")


def translate(error: sqlite3.Error, path: str, doing: str) -> StoreError:
    """Return our error for SQLite's *error*; the caller raises it ``from`` that one.

    Args:
        doing: What was tried, as it stands in "while ...".
    """
    code = code_of(error)
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    said = f"{error} ({name}) while {doing} {path}"
    if code == sqlite3.SQLITE_CANTOPEN and os.access(path, os.R_OK | os.W_OK):
        # The file is there and ours: another process was just making or removing the log beside it.
        return StoreUnavailableError(f"the file could not be opened at once: {said}")
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHMSIZE:
        # What readers and writers share beside the file has no room. To wait for that would be in vain, mostly.
        return StoreError(f"the disk is full: {said}; free some space and try again")
    if code in _DAMAGED or _is_no_text(error):
        return damaged(said)
    if code in _TRANSIENT:
        return StoreUnavailableError(_TRANSIENT[code].replace("{said}", said))
    return StoreError(_ADVICE.get(code, "{said}").replace("{said}", said))


def damaged(what: str) -> DamagedStoreError:
    """Return the error for *what* was found in the file and cannot be."""
    return DamagedStoreError(f"the file is damaged: {what}; restore it from a backup")


def _is_no_text(error: sqlite3.Error) -> bool:
    """Whether a text is none: Python's module itself finds that, and has no code for it."""
    return not hasattr(error, "sqlite_errorcode") and "decode" in str(error)


def went_away(path: str) -> StoreUnavailableError:
    """Return the error of one who was about to open a file for the first time, and finds it gone."""
    return StoreUnavailableError(f"{path} was removed while it was being opened; nothing was stored; try again")


@contextmanager
def while_there(path: str) -> Iterator[None]:
    """Tell any error of opening a file for the first time as that of a file that went away, where it did."""
    try:
        yield
    except (sqlite3.OperationalError, FileNotFoundError, StoreReplacedError) as error:
        moved = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_DBMOVED
        if moved or not Path(path).exists():
            raise went_away(path) from error
        raise


class mapped(Deferral):  # noqa: N801 - written as a function is, and no generator, which takes three times as long
    """Let no ``sqlite3.Error`` out: raise ours from it; and let no interrupt leave a connection half used."""

    __slots__ = ("_doing", "_explain")

    def __init__(self, explain: Callable[[sqlite3.Error, str], StoreError], doing: str) -> None:
        """Begin with the block."""
        self._explain = explain
        self._doing = doing

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let in what came meanwhile, and raise our error for SQLite's."""
        super().__exit__(kind, error, trace)
        if isinstance(error, sqlite3.Error):
            raise self._explain(error, self._doing) from error
