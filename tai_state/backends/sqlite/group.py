"""Group commit: whoever comes while a commit is being flushed shares the next flush.

A caller queues its job. If nobody leads, it leads: it takes the write lock of the file, drains the queue, and commits
all of it in one transaction. The others wait, each at its own gate, and find their jobs done, or find that it is
their turn to lead. A caller that is alone leads at once and pays for two short locks.

The jobs are taken from the queue only once the write lock of the file is held, so that a job whose deadline passes
while another process holds that lock is withdrawn: certainly not applied.
"""

import logging
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence

from tai_state.backends.sqlite.applying import GroupApplier, Job, RunAgainError, TooEarlyError
from tai_state.backends.sqlite.expiry import commits_until_first, commits_until_next
from tai_state.backends.sqlite.failures import is_busy, is_io_error
from tai_state.backends.sqlite.file_identity import FileIdentity, LogIdentity
from tai_state.backends.sqlite.patience import SYSTEM, lock_seconds, when_free
from tai_state.backends.sqlite.store_clock import StoreClock
from tai_state.clock import Deadline
from tai_state.documents import CommitResult
from tai_state.errors import (
    CommitAmbiguousError,
    StoreClosedError,
    StoreReplacedError,
    StoreUnavailableError,
)

log = logging.getLogger("tai_state")

_JOBS_MAX = 256
_BYTES_MAX = 8 * 1_048_576
GRACE_SECONDS = 1.0
"""How long past its deadline a caller waits for a transaction that holds its job: a verdict beats a doubt."""


class GroupCommit:
    """The queue of commits of one process for one file, and its one writing connection."""

    def __init__(
        self,
        path: str,
        opener: Callable[[Deadline], tuple[sqlite3.Connection, LogIdentity, StoreClock]],
        identity: FileIdentity,
    ) -> None:
        """Open nothing yet; *opener* is called when the first job is committed."""
        self._path = path
        self._opener = opener
        self._identity = identity
        self._applier: GroupApplier | None = None
        self._log = LogIdentity(path)
        # Held for a few instructions at a time; guards the four fields below.
        self._guard = threading.Lock()
        self._queue: deque[Job] = deque()
        self._waiters: deque[Job] = deque()
        self._leader: Job | None = None
        self._closed = False
        # Held while the connection is used: by the leader, by close, and before a fork.
        self.writing = threading.Lock()
        self._savepoints = False
        self._commits_left = commits_until_first()

    def submit(self, job: Job) -> None:
        """Queue *job*: whoever leads next commits it. ``finish`` or ``withdraw`` must follow."""
        with self._guard:
            self._queue.append(job)

    def finish(self, job: Job) -> CommitResult:
        """See *job* through, leading if nobody does, and return its result or raise its error."""
        try:
            if not job.done:
                with self._guard:
                    if self._leader is None:
                        self._leader = job
                    else:
                        job.make_gate()
                        self._waiters.append(job)
            if not job.done and self._leader is not job:
                self._wait(job)
            if not job.done:
                self._lead(job)
            return job.result if job.result is not None else job.outcome()
        finally:
            # Told by what is so, not by how far we came: an interrupt may strike between any two steps.
            # Who is done, and for whom nobody waits, goes without a call more: each commit comes by here.
            with self._guard:
                is_over = job.done and self._leader is job and not self._waiters
                if is_over:
                    self._leader = None
            if not is_over:
                self.withdraw(job)

    def withdraw(self, job: Job) -> bool:
        """Take *job* back, pass the lead on if it was its turn; return whether it is certain not to be applied."""
        with self._guard:
            queued = not job.done and _discard(self._queue, job)
            if self._waiters:
                _discard(self._waiters, job)
            if self._leader is job:
                self._leader = None
                while self._leader is None and self._waiters:
                    next_job = self._waiters.popleft()
                    if not next_job.done:
                        self._leader = next_job
                        next_job.wake()
        if queued:
            # Whoever is about to lead for it, on another thread, is not to wait for what nobody will commit.
            job.finish(self._too_late())
        return queued

    def _wait(self, job: Job) -> None:
        """Return when *job* is done or its caller is to lead.

        Raises:
            StoreUnavailableError: The deadline passed before the job was taken; it was not applied.
            CommitAmbiguousError: The deadline passed while the transaction that holds the job had not ended.
        """
        gate = job.make_gate()
        if job.done or gate.acquire(timeout=lock_seconds(job.deadline)) or job.done:
            return
        if self.withdraw(job):
            raise self._too_late()
        if not (gate.acquire(timeout=GRACE_SECONDS) or job.done):
            raise self.in_doubt()

    def in_doubt(self) -> CommitAmbiguousError:
        """Return the error of a caller whose time is over while his job is being committed."""
        return CommitAmbiguousError(f"the timeout passed while {self._path} was flushing the commit to its disk")

    def _too_late(self) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"the timeout passed while the commit waited for other writers of {self._path}; it was not applied"
        )

    def _lead(self, job: Job) -> None:
        """Commit what is queued, group by group, until *job* is done."""
        with self.writing:
            while not job.done:
                if self._closed:
                    raise StoreClosedError(f"the store {self._path} is closed")
                try:
                    applier = self._begin(job)
                except sqlite3.Error as error:
                    raise self._identity.explain(error, "opening a transaction of") from error
                try:
                    # Under the write lock: what is acknowledged was in the file that everybody else finds.
                    self._check_files()
                except StoreReplacedError:
                    applier.roll_back()
                    raise
                self._run_group(applier)
            if self._commits_left <= 0:
                self._remove_expired()

    def _remove_expired(self) -> None:
        """Remove some of what has expired, behind the commits that are told as done; whatever ails it, they stand."""
        if self._applier is None:
            return
        is_cut = False
        try:
            is_cut = self._applier.remove_expired()
        except Exception as error:  # noqa: BLE001 - whatever it is, the commits before it are durable
            self._applier.roll_back()
            if isinstance(error, sqlite3.Error) and is_busy(error):
                return  # another process writes: behind the next commit, then
            log.info("what has expired stays in %s for now: %s", self._path, error)
            # As after any failed transaction.
            self.drop_connection()
        except BaseException:
            self._applier.roll_back()
            raise
        self._commits_left = commits_until_next(is_cut=is_cut)

    def _begin(self, job: Job) -> GroupApplier:
        """Open a transaction, and the connection before the first one."""
        applier = self._applier
        if applier is None:
            connection, self._log, clock = self._opener(job.deadline)
            applier = self._applier = GroupApplier(connection, clock)
        if applier.connection.in_transaction:  # an interrupt struck between a BEGIN and the block that undoes it
            applier.roll_back()
        try:
            applier.begin()
        except sqlite3.OperationalError:
            # Another process writes, which most commits never meet.
            when_free(applier.begin, job.deadline)
        return applier

    def _check_files(self) -> None:
        """Do nothing while the store's file and its log are in their places.

        Raises:
            StoreReplacedError: One is not.
        """
        file, log = self._identity, self._log
        if file.known is not None and file.lost is None and log.known:
            # A glance, since each commit needs one. Where it shows anything, the looks below tell of it.
            are_there = True
            try:
                for path, known in ((self._path, file.known), *log.known):
                    found = os.stat(path)  # noqa: PTH116 - pathlib's takes longer than the call itself
                    are_there = are_there and (found.st_dev, found.st_ino) == known
            except OSError:
                are_there = False
            if are_there:
                return
        file.check()
        file.check_log(log)

    def _take(self, group: list[Job]) -> None:
        """Move the next jobs from the queue to *group*; what came too late is told so."""
        size, now = 0, SYSTEM.monotonic()
        with self._guard:
            while self._queue and len(group) < _JOBS_MAX and size < _BYTES_MAX:
                job = self._queue[0]
                if now >= job.ends:
                    job.finish(self._too_late())
                else:
                    group.append(job)
                    size += job.size
                # Last, so that an interrupt can leave a job in both places, but never in none.
                self._queue.popleft()

    def _put_back(self, group: Sequence[Job]) -> None:
        with self._guard:
            for job in reversed(group):
                if not job.done and job not in self._queue:
                    job.forget()
                    self._queue.appendleft(job)

    def _run_group(self, applier: GroupApplier) -> None:
        """Run one group in the open transaction, and end both."""
        group: list[Job] = []
        committing = False
        try:
            self._take(group)
            savepoints, self._savepoints = self._savepoints and len(group) > 1, False
            committing = applier.apply(group, savepoints=savepoints)
            for job in group:
                if job.error is not None:
                    self._translate(job)
            if committing:
                applier.commit()
                self._commits_left -= len(group)
            else:
                applier.roll_back()
            for job in group:
                job.done = True
                if job.gate is not None:
                    job.wake()
        except sqlite3.Error as error:
            self._fail(applier, group, error, committing=committing)
        except RunAgainError as again:
            applier.roll_back()
            self._prepare_again(again, applier)
            self._put_back(group)
        except BaseException:
            # An interrupt. SQLite's COMMIT cannot be stopped halfway: either it has not begun, or it is over.
            if committing and not applier.connection.in_transaction:
                _deliver(group)
            else:
                applier.roll_back()
                self._put_back(group)
            raise

    def _translate(self, job: Job) -> None:
        """Make ours of an error of the engine's that was one job's alone."""
        if isinstance(job.error, sqlite3.Error):
            mine = self._identity.explain(job.error, "writing to")
            mine.__cause__ = job.error
            job.error = mine

    def _prepare_again(self, again: RunAgainError, applier: GroupApplier) -> None:
        if isinstance(again, TooEarlyError):
            applier.clock.advance(again.seen_us)
        else:
            self._savepoints = True

    def _fail(self, applier: GroupApplier, group: Sequence[Job], error: sqlite3.Error, *, committing: bool) -> None:
        """End a group whose transaction the engine refused; *committing*: in its COMMIT."""
        applier.roll_back()
        # The frames of a commit may all be in the WAL when the flush fails; a crash before they are written over
        # would bring the commit back. A full disk cannot do that: the last frame, which makes it one, is missing.
        ambiguous = committing and is_io_error(error)
        for job in group:
            mine = self._identity.explain(error, "committing to")
            if ambiguous and job.error is None:
                mine = CommitAmbiguousError(f"{mine}; whether the commit is stored is not known")
            elif committing and is_io_error(error):
                mine = StoreUnavailableError(f"{mine}; it was not applied")
            mine.__cause__ = error
            job.finish(mine)
        # What the connection believes of the file may be wrong now; the next leader opens another.
        self.drop_connection()

    def drop_connection(self) -> None:
        """Close the connection; the next leader opens another. The caller holds ``writing``."""
        applier, self._applier = self._applier, None
        if applier is not None:
            applier.close()

    def close(self) -> None:
        """End what is being committed, refuse what comes later."""
        with self.writing:
            self._closed = True
            self.drop_connection()


def _discard(jobs: deque[Job], job: Job) -> bool:
    if job not in jobs:
        return False
    jobs.remove(job)
    return True


def _deliver(group: Sequence[Job]) -> None:
    """End every job of a group; again, where an interrupt cut the first time short."""
    for job in group:
        job.done = True
        if job.gate is not None:
            job.wake()
