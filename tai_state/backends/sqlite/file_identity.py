"""Which file a store has opened, and which log: every commit looks whether they are still in their places."""

import os
import sqlite3

from tai_state.backends.sqlite.failures import translate
from tai_state.errors import StoreError, StoreReplacedError


class FileIdentity:
    """Which file a store has opened: not merely what its path is.

    A file that is removed or replaced stays open, and commits to it would be acknowledged into nothing. Asking costs
    one ``stat``, about a microsecond where a commit that is flushed takes hundreds.
    """

    def __init__(self, path: str) -> None:
        """Know no file yet."""
        self._path = path
        self.known: tuple[int, int] | None = None
        """What the file that the store has opened is known by; None: it has opened none yet."""
        self.lost: tuple[str, str] | None = None
        """What has become of its log, once it is not to be used any more."""

    def note(self) -> tuple[int, int]:
        """Take what is there as the store's file, for as long as the store lives; return what it is known by."""
        self.known = _identity(self._path)
        return self.known

    def forget(self) -> None:
        """Know no file any more: the one that was there went away before anything was stored in it."""
        self.known = None

    def check(self) -> None:
        """Do nothing while the store's file is in its place, or none is known yet.

        Raises:
            StoreReplacedError: It is not, or its log was not once before.
        """
        if self.lost is not None:
            raise StoreReplacedError(*self.lost)
        if self.known is not None:
            _check(self._path, self.known)

    def check_log(self, log: "LogIdentity") -> None:
        """Do nothing while *log* is in its place; else never use the file again, whatever is put there later.

        Raises:
            StoreReplacedError: It is not.
        """
        try:
            log.check()
        except StoreReplacedError as error:
            self.lost = error.path, error.what
            raise

    def explain(self, error: sqlite3.Error, doing: str) -> StoreError:
        """Return our error for SQLite's *error*: where the file is not in its place, that; else ``translate``'s."""
        try:
            self.check()
        except StoreReplacedError as replaced:
            return replaced
        return translate(error, self._path, doing)


class LogIdentity:
    """Which log and shared memory one connection has open: they stay the same for as long as it does.

    SQLite does not look. Measured: behind a log that was removed all is acknowledged and gone, what was committed since
    the last checkpoint included; with shared memory that was removed another process writes at the same time, since
    its locks are there.
    """

    def __init__(self, path: str) -> None:
        """Know none yet."""
        self._paths = tuple(path + suffix for suffix in ("-wal", "-shm"))
        self.known: tuple[tuple[str, tuple[int, int]], ...] = ()
        """Both, each with what it is known by; nothing before the first look."""

    def check(self) -> None:
        """Do nothing while both are as they were at the first time; the connection has read or written before.

        Raises:
            StoreReplacedError: One is not.
        """
        if self.known:
            for path, known in self.known:
                _check(path, known)
            return
        try:
            self.known = tuple([(path, _identity(path)) for path in self._paths])
        except OSError as error:
            raise StoreReplacedError(str(error.filename), "was removed") from error


def _identity(path: str) -> tuple[int, int]:
    # Not pathlib's, which takes longer than the call itself: each commit asks three times.
    found = os.stat(path)  # noqa: PTH116
    return found.st_dev, found.st_ino


def _check(path: str, known: tuple[int, int]) -> None:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError as error:
        raise StoreReplacedError(path, "was removed") from error
    if (found.st_dev, found.st_ino) != known:
        raise StoreReplacedError(path, "was replaced by another one")
