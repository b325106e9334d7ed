"""What one process holds open of one file."""

import os
import sqlite3
import threading
from contextlib import ExitStack, closing

from tai_state.backends.sqlite import schema
from tai_state.backends.sqlite.connections import ReaderPool
from tai_state.backends.sqlite.failures import is_busy, while_there
from tai_state.backends.sqlite.file_identity import FileIdentity, LogIdentity
from tai_state.backends.sqlite.file_locks import FileLocks
from tai_state.backends.sqlite.file_mark import note_file
from tai_state.backends.sqlite.group import GroupCommit
from tai_state.backends.sqlite.patience import deadline_in, lock_seconds, when_free
from tai_state.backends.sqlite.querying import Index
from tai_state.backends.sqlite.store_clock import (
    StoreClock,
    host_boot_id,
    read_anchor,
    shared,
    unkept_anchor,
    write_anchor,
)
from tai_state.clock import Clock, Deadline
from tai_state.errors import StoreUnavailableError


class Session:
    """The queue, the connections and the clock of one process for one file; opened at first use."""

    def __init__(self, place: schema.Place, clock: Clock, boot_id: str | None, identity: FileIdentity) -> None:
        """Open nothing yet.

        Args:
            identity: The store's, which its sessions share: a fork's child goes on with the same file.
            boot_id: What tells boots apart in tests; None: the host's.
        """
        self.pid = os.getpid()
        self._opening = threading.Lock()
        self.readers = ReaderPool(place)
        self.group = GroupCommit(place.path, self._open_writer, identity)
        self._identity = identity
        self._place = place
        self._locks = FileLocks(place.path)
        self._clock = clock
        self._boot_id = boot_id
        self._store_clock: StoreClock | None = None
        self._spare: tuple[sqlite3.Connection, LogIdentity] | None = None
        self._watcher: sqlite3.Connection | None = None
        self._watching = threading.Lock()
        self._indexes: set[Index] = set()

    def clock(self, deadline: Deadline) -> StoreClock:
        """Return the store's clock, the file made or checked first.

        Raises:
            ConfigurationError, SchemaVersionError: See ``schema.prepare``.
            StoreReplacedError: The file that the store had opened is not in its place.
            StoreUnavailableError: Another thread was still opening it at the deadline, or the file went away while
                it was opened for the first time.
            sqlite3.Error: The engine failed.
        """
        if self._store_clock is not None:
            return self._store_clock
        if not self._opening.acquire(timeout=lock_seconds(deadline)):
            raise StoreUnavailableError(f"the timeout passed while {self._place.path} was being opened")
        try:
            if self._store_clock is None:
                self._store_clock = when_free(self._prepared, deadline)
            return self._store_clock
        finally:
            self._opening.release()

    def _prepared(self) -> StoreClock:
        try:
            return self._prepare()
        except sqlite3.OperationalError as error:
            if is_busy(error):
                self._locks.check()
            raise

    def _prepare(self) -> StoreClock:
        if self._identity.known is not None:
            self._identity.check()
            return self._open(self._identity.known)
        schema.prepare(self._place)
        try:
            with while_there(self._place.path):
                # Before anything is opened: a file that is replaced meanwhile is noticed with the first commit.
                return self._open(self._identity.note())
        except StoreUnavailableError:
            # Nothing was acknowledged yet: whatever is there next time is the store's file.
            self._identity.forget()
            raise

    def _open(self, file: tuple[int, int]) -> StoreClock:
        boot_id = self._boot_id or host_boot_id()
        had_log = self._place.has_log()
        connection = self._place.open()
        log = LogIdentity(self._place.path)
        try:
            if self._place.read_only:
                note_file(connection, self._place.path, file[1], had_log=had_log, is_read_only=True)
                self._spare = connection, log
                return read_anchor(connection, self._clock, boot_id) or unkept_anchor(connection, self._clock)
            schema.keep_wal(connection, self._place)
            schema.extend(connection)
            found = read_anchor(connection, self._clock, boot_id)
            if found is None:
                connection.execute("BEGIN IMMEDIATE")
                found = write_anchor(connection, self._clock, boot_id)
                connection.execute("COMMIT")
            note_file(connection, self._place.path, file[1], had_log=had_log, is_read_only=False)
            log.check()
            found = shared(file, self._clock, found)
        except BaseException:
            # Closing rolls back what was not committed.
            connection.close()
            raise
        # Kept for the first commit: were it closed as the only one, SQLite would fold up the WAL, which takes flushes.
        self._spare = connection, log
        return found

    def _open_writer(self, deadline: Deadline) -> tuple[sqlite3.Connection, LogIdentity, StoreClock]:
        clock = self.clock(deadline)
        with self._opening:
            spare, self._spare = self._spare, None
        if spare is None:
            return when_free(self._place.open, deadline), LogIdentity(self._place.path), clock
        return *spare, clock

    def data_version(self) -> int:
        """Return a number that changes when anybody commits to the file."""
        with self._watching:
            if self._watcher is None:
                self._watcher = self._place.open()
            return _data_version(self._watcher)

    def data_version_at_once(self) -> int | None:
        """Return that number by a look at shared memory, without the disk; None where it cannot be had without waiting.

        For an event loop, which must not wait.
        """
        if not self._watching.acquire(blocking=False):
            return None
        try:
            return None if self._watcher is None else _data_version(self._watcher)
        except sqlite3.OperationalError as error:
            if is_busy(error):
                return None
            raise
        finally:
            self._watching.release()

    def keep_index(self, index: Index, deadline: Deadline) -> None:
        """Make an index, unless the file has it; while somebody else writes for long, it is done without."""
        if index in self._indexes:
            return
        # What is read must have time left.
        patience = deadline_in(deadline.remaining() / 2)
        with closing(self._place.open()) as connection:
            try:
                when_free(lambda: connection.execute(index.statement), patience)
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
                return
        self._indexes.add(index)

    def _drop_spare(self) -> None:
        spare, self._spare = self._spare, None
        if spare is not None:
            spare[0].close()

    def _drop_watcher(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.close()

    def hold(self, stack: ExitStack, seconds: float) -> None:
        """Close what is open, and until *stack* ends let nothing be opened.

        What is running is waited for, *seconds* at most each; what takes longer stays open.
        """
        # In the order in which a commit takes them.
        if self.group.writing.acquire(timeout=seconds):
            stack.callback(self.group.writing.release)
            self.group.drop_connection()
        if self._opening.acquire(timeout=seconds):
            stack.callback(self._opening.release)
            self._drop_spare()
        self.readers.hold(stack, seconds)
        if self._watching.acquire(timeout=seconds):
            stack.callback(self._watching.release)
            self._drop_watcher()

    def close(self) -> None:
        """Close all; the last process to do so lets SQLite fold the WAL into the file."""
        self.group.close()
        self.readers.close()
        with self._watching:
            self._drop_watcher()
        with self._opening:
            self._drop_spare()
            self._store_clock = None


def _data_version(connection: sqlite3.Connection) -> int:
    ((version,),) = connection.execute("PRAGMA data_version").fetchall()
    assert isinstance(version, int)
    return version
