"""The blocking SQLite backend that both colours wrap."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tai_state._platform.tasks import AsyncWorker
from tai_state.backends.sqlite import forks, querying, reading
from tai_state.backends.sqlite.applying import Job
from tai_state.backends.sqlite.encoding import encode, from_us
from tai_state.backends.sqlite.failures import is_busy, mapped
from tai_state.backends.sqlite.file_identity import FileIdentity
from tai_state.backends.sqlite.file_mark import FileMark, read_mark
from tai_state.backends.sqlite.group import GRACE_SECONDS
from tai_state.backends.sqlite.patience import lock_seconds, when_free
from tai_state.backends.sqlite.schema import SYNCHRONOUS, Place
from tai_state.backends.sqlite.scrubbing import scrub
from tai_state.backends.sqlite.session import Session
from tai_state.clock import Clock, Deadline
from tai_state.documents import CommitResult, Document, DocumentPath, Query, Read, Write
from tai_state.errors import (
    CommitAmbiguousError,
    ConfigurationError,
    StoreClosedError,
    StoreUnavailableError,
    UnsupportedOperationError,
)

if TYPE_CHECKING:
    import asyncio

    from tai_state.models import Checkup
else:
    from tai_state._platform import late_asyncio as asyncio

T = TypeVar("T")


class SqliteEngine:
    """Documents in one SQLite file; every method may be called by many threads at once.

    Timeouts are seconds of real time, whatever the store's *clock* is.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: str,
        clock: Clock,
        read_only: bool = False,
        boot_id: str | None = None,
    ) -> None:
        """Check the options; the file is not touched before first use.

        Args:
            synchronous: ``FULL``: an acknowledged commit survives a power cut; ``NORMAL``: it survives the death
                of the process, and a power cut may undo the last ones.
            read_only: Make and change nothing.
            boot_id: What tells one boot of the host from another, in tests; None: the host's own.

        Raises:
            ConfigurationError: The path is ``:memory:`` or empty, or *synchronous* is neither of the two.
        """
        text = os.fspath(path)
        if not isinstance(text, str) or not text or text == ":memory:":
            raise ConfigurationError(f"the SQLite store needs a file, not {text!r}; memory:// keeps states in memory")
        if "\0" in text:
            raise ConfigurationError(f"the path {text!r} holds a NUL, which no file system takes")
        if synchronous not in SYNCHRONOUS:
            raise ConfigurationError(f"synchronous must be one of {', '.join(SYNCHRONOUS)}, not {synchronous!r}")
        # Absolute, so that a later chdir does not lead to another file.
        self.path = str(Path(text).absolute())
        self._place = Place(self.path, synchronous, read_only)
        self._clock = clock
        self._boot_id = boot_id
        self._closed = False
        self._identity = FileIdentity(self.path)
        self._session = Session(self._place, clock, boot_id, self._identity)
        forks.watch(self)

    def session(self) -> Session:
        """Return what this process holds open.

        Raises:
            StoreClosedError: It is.
        """
        if self._closed:
            raise StoreClosedError(f"the store {self.path} is closed")
        if self._session.pid != os.getpid():
            # A fork's child. SQLite forbids it to use or even to close what its parent opened.
            forks.keep_for_ever(self._session)
            self._session = Session(self._place, self._clock, self._boot_id, self._identity)
        return self._session

    def submit(self, writes: Sequence[Write], *, timeout: float) -> Job:
        """Check and queue a commit, without I/O; ``finish`` or ``withdraw`` must follow.

        Raises:
            DocumentTooLargeError, InvalidDataError: See ``encode``.
            UnsupportedOperationError: The file was opened to read only.
        """
        if self._place.read_only:
            raise UnsupportedOperationError(f"the store {self.path} was opened to read only")
        job = Job(encode(writes), timeout)
        session = self._session
        if self._closed or session.pid != os.getpid():
            session = self.session()
        session.group.submit(job)
        return job

    async def async_finish(self, job: Job, worker: AsyncWorker) -> CommitResult:
        """Do what ``finish`` does on the thread of *worker*, so that no loop waits for the disk.

        The caller's time counts from ``submit``, also while the thread is busy with a job that has more of it.
        """
        call = worker.begin(partial(self.finish, job))
        try:
            await asyncio.wait([call], timeout=lock_seconds(job.deadline))
            if not (call.done() or self.withdraw(job)):
                # It is being flushed: a verdict beats a doubt.
                await asyncio.wait([call], timeout=GRACE_SECONDS)
            if call.done():
                return call.result()
            if job.done:
                return job.outcome()
            raise self._session.group.in_doubt()
        finally:
            call.cancel()

    def finish(self, job: Job, _: object = None) -> CommitResult:
        """Wait for the commit's verdict, running it and what is queued beside it where nobody else does.

        Raises:
            PreconditionFailedError: Nothing of it was written.
            StoreUnavailableError: Not applied.
            CommitAmbiguousError: Applied or not.
            StoreError: Refused for good.
        """
        # Also of a store that is closed by now: what another caller has committed for this one is told as done.
        if not job.done and self._session.pid != os.getpid():
            raise CommitAmbiguousError(f"the process forked, and its parent commits to {self.path} what it began")
        return self._session.group.finish(job)

    def withdraw(self, job: Job) -> bool:
        """Take back what is still queued; return whether it was, and so is certain not to be applied."""
        return not job.done and self._session.group.withdraw(job)

    def get_many(self, paths: Sequence[DocumentPath], *, deadline: Deadline) -> Read:
        """Read *paths* in one snapshot."""
        with mapped(self._identity.explain, "reading"):
            session = self.session()
            clock = session.clock(deadline)
            rows = self._read(session, deadline, partial(reading.get_rows, paths=paths))
        documents: dict[DocumentPath, Document] = {}
        for path, row in rows:
            documents[path] = reading.document(path, row)
            clock.advance(row[1])
        return Read(documents, from_us(clock.now_us()))

    def scan_page(
        self, collection: str, *, start: str, stop: str | None, limit: int, deadline: Deadline
    ) -> reading.Page:
        """Read a page of the documents with ``start <= id < stop``; it may be short."""
        limit = min(limit, reading.PAGE_DOCUMENTS_MAX)
        return self._page(
            lambda connection: reading.scan(connection, collection, start=start, stop=stop, limit=limit), deadline
        )

    def query_page(
        self, query: Query, place: querying.Place | None, *, limit: int, deadline: Deadline
    ) -> querying.QueryPage:
        """Read a page of what *query* asks for, behind *place*; it may be short."""
        self._index_for(query, deadline)
        limit = min(limit, reading.PAGE_DOCUMENTS_MAX)
        return self._page(lambda connection: querying.read(connection, query, place, limit), deadline)

    def count(self, query: Query, *, deadline: Deadline) -> int | None:
        """Return how many documents *query* asks for; None where they must be looked at one by one."""
        self._index_for(query, deadline)
        return self._page(lambda connection: querying.count(connection, query), deadline)

    def _index_for(self, query: Query, deadline: Deadline) -> None:
        """Give the file the index that *query* needs, if it is one that not every file has."""
        index = querying.late_index(query)
        if index is not None and not self._place.read_only:
            with mapped(self._identity.explain, "indexing"):
                session = self.session()
                session.clock(deadline)
                session.keep_index(index, deadline)

    def scan_ids_page(self, collection: str, *, start: str, limit: int, deadline: Deadline) -> reading.IdPage:
        """Read a page of the ids >= *start* of documents and of parents."""
        limit = min(limit, reading.PAGE_DOCUMENTS_MAX)
        return self._page(
            lambda connection: reading.scan_ids(connection, collection, start=start, limit=limit), deadline
        )

    def _page(self, call: Callable[[sqlite3.Connection], T], deadline: Deadline) -> T:
        with mapped(self._identity.explain, "reading"):
            session = self.session()
            session.clock(deadline)
            return self._read(session, deadline, call)

    def _read(self, session: Session, deadline: Deadline, call: Callable[[sqlite3.Connection], T]) -> T:
        if deadline.passed:
            raise StoreUnavailableError(f"the timeout passed before {self.path} could be read")
        self._identity.check()
        try:
            return session.readers.run(call, deadline)
        except sqlite3.OperationalError as error:
            # Readers wait for nobody in WAL mode, but for those who open or close the file first or last.
            if not is_busy(error):
                raise
        return when_free(partial(session.readers.run, call, deadline), deadline)

    def data_version(self, *, deadline: Deadline) -> int:
        """Return a number that changes with every commit of anybody."""
        with mapped(self._identity.explain, "watching"):
            session = self.session()
            session.clock(deadline)
            return when_free(session.data_version, deadline)

    def data_version_at_once(self) -> int | None:
        """Return that number without waiting for anything; None where that cannot be."""
        with mapped(self._identity.explain, "watching"):
            return self.session().data_version_at_once()

    def update_time_us(self, path: DocumentPath, *, deadline: Deadline) -> int | None:
        """Return when the document last changed, None where there is none."""
        rows = self._page(lambda connection: reading.get_rows(connection, [path]), deadline)
        return rows[0][1][1] if rows else None

    def server_time_us(self, *, deadline: Deadline) -> int:
        """Return the store's clock."""
        with mapped(self._identity.explain, "opening"):
            return self.session().clock(deadline).now_us()

    def file_mark(self, *, deadline: Deadline) -> FileMark:
        """Return what the file says of itself: whether it is a copy of another one."""

        def read(connection: sqlite3.Connection) -> FileMark:
            assert self._identity.known is not None, "what is read was opened"
            return read_mark(connection, self._identity.known[1])

        return self._page(read, deadline)

    def examine(self, *, deadline: Deadline) -> "list[Checkup]":
        """Return what the file tells of itself to a doctor."""
        from tai_state.backends.sqlite.checkups import examine  # noqa: PLC0415 - few look

        def look(connection: sqlite3.Connection) -> "list[Checkup]":
            assert self._identity.known is not None, "what is read was opened"
            return examine(connection, self._place, self._identity.known[1])

        return self._page(look, deadline)

    def scrub(self, *, deadline: Deadline) -> None:
        """Leave nothing of what was removed in the file."""
        with mapped(self._identity.explain, "scrubbing"):
            self.session().clock(deadline)
            self._identity.check()
            scrub(self._place, deadline)

    @property
    def real_path(self) -> str:
        """The file's one path, behind links."""
        return os.path.realpath(self.path)

    def close(self) -> None:
        """End the commit that is running and close the connections; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._session.pid != os.getpid():
            forks.keep_for_ever(self._session)
            return
        with mapped(self._identity.explain, "closing"):
            self._session.close()

    @property
    def closed(self) -> bool:
        """Whether ``close`` was called."""
        return self._closed

    def hold_for_fork(self) -> Callable[[], None]:
        """Close the connections and keep others from opening any; return what lets them again."""
        session = self._session
        if self._closed or session.pid != os.getpid():
            return lambda: None
        return forks.hold(session)
