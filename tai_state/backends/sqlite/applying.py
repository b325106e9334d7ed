"""Runs the commits of a group inside one transaction."""

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress

from tai_state.backends.sqlite.encoding import REPLACE, REPLACE_AT, Request, Step, from_us, to_us
from tai_state.backends.sqlite.expiry import remove_expired
from tai_state.backends.sqlite.patience import SYSTEM
from tai_state.backends.sqlite.store_clock import RESERVE_US, StoreClock
from tai_state.backends.sqlite.terms import keep_terms
from tai_state.clock import Deadline
from tai_state.documents import CommitResult
from tai_state.errors import PreconditionFailedError

_TIME_OF = "SELECT update_time FROM documents WHERE collection = ? AND id = ?"
_RAISE_MARK = "UPDATE meta SET value = :mark WHERE key = 'clock_mark' AND value < :mark"


class RunAgainError(Exception):
    """The transaction must be rolled back and its jobs run again."""


class TooEarlyError(RunAgainError):
    """A document holds a time that is not below the commit's: the clock must move above it first."""

    def __init__(self, seen_us: int) -> None:
        """Give the time that the document holds."""
        super().__init__(seen_us)
        self.seen_us = seen_us


class HalfDoneError(RunAgainError):
    """A job failed after some of its steps had run, and no savepoint was there to undo them alone."""


class Job:
    """One caller's commit; ``result`` or ``error`` counts once ``done`` is true."""

    __slots__ = ("done", "ends", "error", "gate", "puts", "result", "size", "steps")

    def __init__(self, request: Request, timeout: float) -> None:
        """Make a job that nobody has taken."""
        self.steps, self.puts, self.size = request
        self.ends = SYSTEM.monotonic() + timeout
        self.result: CommitResult | None = None
        self.error: Exception | None = None
        self.done = False
        self.gate: threading.Lock | None = None

    @property
    def deadline(self) -> Deadline:
        """Until when the caller waits; asked for by those alone who have to."""
        return Deadline(SYSTEM, self.ends - SYSTEM.monotonic())

    def make_gate(self) -> threading.Lock:
        """Return the gate to wait at: closed until there is something to do or to know.

        Made only for those who wait. Look at ``done`` after this, for who ends the job looks for a gate after that.
        """
        if self.gate is None:
            gate = threading.Lock()
            gate.acquire()
            self.gate = gate
        return self.gate

    def wake(self) -> None:
        """Let the caller look again: its job is done, or it is the caller's turn to lead."""
        gate = self.gate
        if gate is not None and gate.locked():
            gate.release()

    def forget(self) -> None:
        """Drop the verdict of an attempt that was rolled back."""
        self.result, self.error = None, None

    def finish(self, error: Exception | None = None) -> None:
        """Fix the verdict, *error* if given, and wake the caller."""
        if error is not None:
            self.result, self.error = None, error
        self.done = True
        self.wake()

    def outcome(self) -> CommitResult:
        """Return the result of a job that is done, or raise its error."""
        assert self.done
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result


class GroupApplier:
    """The writing connection and what runs on it: one transaction a group of jobs."""

    def __init__(self, connection: sqlite3.Connection, clock: StoreClock) -> None:
        """Take over *connection*, which is in no transaction."""
        self.clock = clock
        self.connection = connection
        self._cursor = connection.cursor()
        self._mark_us = 0  # the last mark written, maybe in a transaction that did not end well

    def begin(self) -> None:
        """Open a transaction with the file's write lock."""
        self._mark_us = 0
        self._cursor.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """End the transaction; what it wrote is durable."""
        self._cursor.execute("COMMIT")
        self.clock.mark_us = max(self.clock.mark_us, self._mark_us)

    def remove_expired(self) -> bool:
        """Remove some of the documents whose time is over, in a transaction of their own; return whether more may be.

        Raises:
            sqlite3.Error: It was not to be; nothing is removed, and the caller rolls back.
        """
        self.begin()
        is_cut = remove_expired(self._cursor, self.clock.now_us())
        self.commit()
        return is_cut

    def roll_back(self) -> None:
        """Leave no transaction open; where the engine has already undone it, there is nothing to do."""
        with suppress(sqlite3.Error):
            if self.connection.in_transaction:
                self._cursor.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection; what is not committed is undone."""
        with suppress(sqlite3.Error):
            self.connection.close()

    def apply(self, group: Sequence[Job], *, savepoints: bool) -> bool:
        """Run every job in the open transaction and note its verdict in it; a job that fails leaves nothing behind.

        Args:
            savepoints: Guard each job with a savepoint. Without them (two statements less a job), a job may fail
                only at its first change.

        Returns:
            Whether anything is there to be committed.

        Raises:
            RunAgainError: The transaction cannot stand; roll it back and run the jobs again.
        """
        last_us = 0
        alone = len(group) == 1
        for job in group:
            if savepoints:
                self._cursor.execute("SAVEPOINT job")
            changes = 0
            try:
                time_us = self.clock.next_us()
                for step in job.steps:
                    self._run(step, time_us)
                    changes += step.statement is not None
            except RunAgainError:
                raise
            except Exception as error:  # noqa: BLE001 - it becomes the job's verdict
                self._undo(job, error, savepoints=savepoints, clean=changes == 0 or alone)
            else:
                last_us = time_us
                moment = from_us(time_us)
                job.result = CommitResult(moment, dict.fromkeys(job.puts, moment))
            if savepoints:
                self._cursor.execute("RELEASE job")
        if last_us:
            if last_us >= self.clock.mark_us:
                self._raise_mark(last_us)
            self.clock.let_pass(last_us)
        return last_us > 0

    def _undo(self, job: Job, error: Exception, *, savepoints: bool, clean: bool) -> None:
        """Note that *job* failed, if its steps can be undone without the others'."""
        if not self.connection.in_transaction:  # the engine itself rolled everything back: the disk is full, say
            raise error
        if savepoints:
            self._cursor.execute("ROLLBACK TO job")
        elif not clean:
            raise HalfDoneError from error
        job.error = error

    def _run(self, step: Step, time_us: int) -> None:
        path, statement = step.path, step.statement
        if statement is None:
            self._check(step)
            return
        if step.terms is not None:
            keep_terms(self._cursor)
        # In the places that the statements have for them.
        arguments: tuple[object, ...]
        if step.body is None:
            arguments = (*path, time_us) if step.expected_us is None else (*path, step.expected_us, time_us)
        else:
            body = step.body if step.stamped is None else step.body_at(time_us)
            expires_us = None if step.lasting is None else step.expires_us(time_us)
            content = (time_us, body, expires_us, step.terms, step.sought)
            if statement is REPLACE_AT:
                arguments = (*content, *path, step.expected_us, time_us)
            else:
                arguments = (*content, *path, time_us) if statement is REPLACE else (*path, time_us, *content)
        if self._cursor.execute(statement, arguments).rowcount:
            return
        held_us = self._time_of(step)
        if not _is_met(step, held_us):
            raise PreconditionFailedError(path=str(path))
        if held_us is not None:
            raise TooEarlyError(held_us)

    def _check(self, step: Step) -> None:
        if not _is_met(step, self._time_of(step)):
            raise PreconditionFailedError(path=str(step.path))

    def _time_of(self, step: Step) -> int | None:
        found = self._cursor.execute(_TIME_OF, (step.path.collection, step.path.id)).fetchall()
        if not found:
            return None
        ((held_us,),) = found
        # What is none is neither followed nor taken for no document.
        return to_us(from_us(held_us))

    def _raise_mark(self, last_us: int) -> None:
        """Make sure that the mark in the file is past the commits' times."""
        self._mark_us = last_us + RESERVE_US
        self._cursor.execute(_RAISE_MARK, {"mark": self._mark_us})


def _is_met(step: Step, held_us: int | None) -> bool:
    """Whether a document of that update_time, None for no document, meets the step's precondition."""
    if step.expected_us is not None:
        return held_us == step.expected_us
    return step.present is None or step.present is (held_us is not None)
