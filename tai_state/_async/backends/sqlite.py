"""The SQLite backend: one file, shared by threads and processes of one host."""

import os
from collections.abc import AsyncIterator, Hashable, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from tai_state._async.access.port import AsyncBackend
from tai_state._platform.tasks import AsyncWorker, async_sleep
from tai_state.backends.sqlite import SqliteEngine
from tai_state.backends.sqlite.encoding import LIMITS, encode, from_us
from tai_state.backends.sqlite.patience import deadline_in
from tai_state.backends.sqlite.querying import place_of
from tai_state.backends.sqlite.reading import PAGE_DOCUMENTS_MAX
from tai_state.clock import Clock, Deadline, SystemClock
from tai_state.documents import (
    Capability,
    CommitResult,
    Document,
    DocumentPath,
    Limits,
    Query,
    Read,
    Write,
    refuse_past,
)

if TYPE_CHECKING:
    from tai_state.models import Checkup

_POLL_SECONDS = 0.01


class AsyncSqliteBackend(AsyncBackend):
    """Documents in one SQLite file in WAL mode, many threads and processes at once.

    The file is made at first use; its folder must be there. What each call raises stands at
    the port; opening may also raise ``ConfigurationError`` (no folder, no database, somebody
    else's database: left as it is) and ``SchemaVersionError`` (a newer release's file).
    """

    name = "SQLite"

    capabilities: frozenset[Capability] = frozenset(
        {
            Capability.DURABLE,
            Capability.SHARED,
            Capability.WATCH,
            Capability.STEADY_READS,
            Capability.ONE_HOST,
            Capability.BY_UPDATE_TIME,
        }
    )
    limits: Limits = LIMITS

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        synchronous: str = "FULL",
        read_only: bool = False,
        clock: Clock | None = None,
    ) -> None:
        """Check the options; nothing is opened before first use.

        Args:
            path: The file. ``:memory:`` is refused: that is what the memory backend is for.
            synchronous: ``FULL``, or ``NORMAL``, with which a power cut may undo the last commits.
            read_only: Make and change nothing, and refuse commits.
            clock: The wall clock starts the store's clock once a boot, the boot clock moves it; None: the host's.

        Raises:
            ConfigurationError: The path or *synchronous* cannot be.
        """
        self._engine = SqliteEngine(path, synchronous=synchronous, read_only=read_only, clock=clock or SystemClock())
        # Two threads, so that no read waits for a flush.
        self._commits = AsyncWorker("tai-sqlite-commit")
        self._reads = AsyncWorker("tai-sqlite-read")

    async def place(self) -> Hashable:
        """Return what tells this file from others; see the port."""
        return ("sqlite", self._engine.real_path)

    @property
    def files(self) -> Sequence[str]:
        """The file, and what SQLite keeps beside it."""
        from tai_state.backends.sqlite.copies import BESIDE  # noqa: PLC0415 - few stores are copied

        return [self._engine.real_path + ending for ending in ("", *BESIDE)]

    async def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        """Read *paths* in one snapshot, whether or not it must be *consistent*."""
        del consistent
        if at is not None:
            refuse_past(at)
        self._engine.session()
        deadline = deadline_in(timeout)
        return await self._reads.run(partial(self._engine.get_many, list(paths), deadline=deadline), deadline)

    async def scan(
        self,
        collection: str,
        *,
        start: str | None = None,
        stop: str | None = None,
        limit: int | None = None,
        timeout: float,
    ) -> AsyncIterator[Document]:
        """Iterate over a collection's documents with ``start <= id < stop``, ascending by id."""
        next_start: str | None = start or ""
        left = limit
        while next_start is not None and (left is None or left > 0):
            self._engine.session()
            deadline = deadline_in(timeout)
            call = partial(
                self._engine.scan_page,
                collection,
                start=next_start,
                stop=stop,
                limit=PAGE_DOCUMENTS_MAX if left is None else left,
                deadline=deadline,
            )
            documents, next_start = await self._reads.run(call, deadline)
            for found in documents:
                yield found
            left = None if left is None else left - len(documents)

    async def query(self, query: Query, *, limit: int | None = None, timeout: float) -> AsyncIterator[Document]:
        """Iterate over what *query* asks for; see the port."""
        place, goes_on = place_of(query), True
        left = limit
        while goes_on and (left is None or left > 0):
            self._engine.session()
            deadline = deadline_in(timeout)
            size = PAGE_DOCUMENTS_MAX if left is None else left
            call = partial(self._engine.query_page, query, place, limit=size, deadline=deadline)
            documents, place = await self._reads.run(call, deadline)
            goes_on = place is not None
            for found in documents:
                yield found
            left = None if left is None else left - len(documents)

    async def count(self, query: Query, *, timeout: float) -> int:
        """Count what *query* asks for, by SQLite where it can tell; see the port."""
        self._engine.session()
        deadline = deadline_in(timeout)
        found = await self._reads.run(partial(self._engine.count, query, deadline=deadline), deadline)
        return await super().count(query, timeout=timeout) if found is None else found

    async def scan_ids(
        self, collection: str, *, start: str | None = None, limit: int | None = None, timeout: float
    ) -> AsyncIterator[str]:
        """Iterate over the ids >= *start* of documents and of parents, ascending."""
        next_start: str | None = start or ""
        left = limit
        while next_start is not None and (left is None or left > 0):
            self._engine.session()
            deadline = deadline_in(timeout)
            call = partial(
                self._engine.scan_ids_page,
                collection,
                start=next_start,
                limit=PAGE_DOCUMENTS_MAX if left is None else left,
                deadline=deadline,
            )
            ids, next_start = await self._reads.run(call, deadline)
            for found in ids:
                yield found
            left = None if left is None else left - len(ids)

    async def check_size(self, writes: Sequence[Write]) -> None:
        """Refuse what is too large; see the port."""
        encode(writes)

    async def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        """Apply *writes* in one transaction, which commits that wait beside this one may share."""
        job = self._engine.submit(writes, timeout=timeout)
        try:
            # Queued before the thread is asked: one flush takes all that the loop has queued by then.
            return await self._engine.async_finish(job, self._commits)
        finally:
            if not job.done:
                # For a cancelled caller: what nobody has taken yet is not applied.
                self._engine.withdraw(job)

    async def watch(self, path: DocumentPath, *, timeout: float) -> AsyncIterator[None]:
        """Yield at the start and soon after each change of *path*, by any process, until *timeout* has passed."""
        deadline = deadline_in(timeout)
        self._engine.session()
        version = await self._data_version(deadline)
        changed = await self._reads.run(partial(self._engine.update_time_us, path, deadline=deadline), deadline)
        yield
        while not deadline.passed:
            await async_sleep(min(_POLL_SECONDS, deadline.remaining()))
            seen = self._engine.data_version_at_once()
            if seen == version:
                continue
            in_time = deadline_in(max(1.0, deadline.remaining()))
            version = seen if seen is not None else await self._data_version(in_time)
            latest = await self._reads.run(partial(self._engine.update_time_us, path, deadline=in_time), in_time)
            if latest != changed:
                changed = latest
                yield

    async def _data_version(self, deadline: Deadline) -> int:
        return await self._reads.run(partial(self._engine.data_version, deadline=deadline), deadline)

    async def server_time(self, *, timeout: float) -> datetime:
        """Return the store's clock."""
        self._engine.session()
        deadline = deadline_in(timeout)
        return from_us(await self._reads.run(partial(self._engine.server_time_us, deadline=deadline), deadline))

    async def copied_at(self, *, timeout: float) -> datetime | None:
        """Return when the file was found to be a copy of another one, which may lack what was in the log of that one.

        None: it is none. One that nobody has written to yet is found to be a copy now.
        """
        self._engine.session()
        deadline = deadline_in(timeout)
        mark = await self._reads.run(partial(self._engine.file_mark, deadline=deadline), deadline)
        if mark.is_copy:
            return await self.server_time(timeout=timeout)
        return None if mark.copied_us is None else from_us(mark.copied_us)

    async def examine(self, *, timeout: float) -> "list[Checkup]":
        """Tell whether the file was copied without its log, and whether its indexes are there."""
        self._engine.session()
        deadline = deadline_in(timeout)
        return await self._reads.run(partial(self._engine.examine, deadline=deadline), deadline)

    async def scrub(self, *, timeout: float) -> None:
        """Build the file anew and empty its log, so that nothing of what was removed is in them."""
        self._engine.session()
        deadline = deadline_in(timeout)
        await self._reads.run(partial(self._engine.scrub, deadline=deadline), deadline)

    async def close(self) -> None:
        """End the running commit and close the connections and threads; a second call does nothing."""
        if not self._engine.closed:
            await self._commits.run(self._engine.close)
        await self._commits.close()
        await self._reads.close()
