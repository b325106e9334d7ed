"""The memory backend: the reference that the other backends are measured by."""

from collections.abc import AsyncIterator, Hashable, Sequence
from datetime import datetime

from tai_state._async.access.port import AsyncBackend
from tai_state._platform.tasks import async_give_way
from tai_state._platform.waits import AsyncSignal
from tai_state.backends.memory import LIMITS, MemoryEngine, Range
from tai_state.backends.memory.encoding import encode
from tai_state.clock import Clock, Deadline, SystemClock
from tai_state.documents import (
    Capability,
    CommitResult,
    Document,
    DocumentPath,
    Query,
    Read,
    Write,
    refuse_past,
)

_HOST_CLOCK = SystemClock()


class AsyncMemoryBackend(AsyncBackend):
    """Documents in this process's memory, gone with the object; usable from several threads and loops.

    Each operation lets other tasks run before it starts, as one that waits for a network does, so that
    races show up here too. No operation waits for long, so ``timeout`` matters to ``watch`` alone.
    """

    name = "Memory"
    capabilities = frozenset({Capability.WATCH, Capability.STEADY_READS, Capability.BY_UPDATE_TIME})
    limits = LIMITS

    def __init__(self, *, clock: Clock | None = None, watch_clock: Clock | None = None) -> None:
        """Hold nothing; the store's clock starts at *clock*'s time and goes on with its elapsed time.

        Args:
            watch_clock: By which ``watch`` waits; None: the host's, since a waiter really waits. For a simulation,
                whose waiters do not.
        """
        self._engine = MemoryEngine(_HOST_CLOCK if clock is None else clock)
        self._watch_clock = _HOST_CLOCK if watch_clock is None else watch_clock

    async def place(self) -> Hashable:
        """Return what tells these documents from others; see the port."""
        return ("memory", id(self._engine))

    async def get_many(
        self,
        paths: Sequence[DocumentPath],
        *,
        timeout: float,  # noqa: ARG002 - nothing here waits
        consistent: bool = True,  # noqa: ARG002 - every read is
        at: datetime | None = None,
    ) -> Read:
        """Read *paths* at one moment; see the port."""
        if at is not None:
            refuse_past(at)
        await async_give_way()
        return self._engine.read(paths)

    def scan(
        self,
        collection: str,
        *,
        start: str | None = None,
        stop: str | None = None,
        limit: int | None = None,
        timeout: float,  # noqa: ARG002 - nothing here waits
    ) -> AsyncIterator[Document]:
        """Iterate over a range of a collection; see the port."""
        return self._documents(Range(collection, start, stop, limit))

    async def query(
        self,
        query: Query,
        *,
        limit: int | None = None,
        timeout: float,  # noqa: ARG002 - nothing here waits
    ) -> AsyncIterator[Document]:
        """Iterate over what *query* asks for; see the port. All that meets it is found before the first is given."""
        await async_give_way()
        due = self._engine.due(query, limit)
        if due is not None:
            for document in due:
                yield document
            return
        found: list[Document] = []
        for collection in self._engine.collections(query):
            async for document in self._documents(Range(collection)):
                if query.takes(document):
                    found.append(document)  # noqa: PERF401 - a comprehension has no twin
        for document in query.arranged(found)[:limit]:
            yield document

    async def _documents(self, rest: Range | None) -> AsyncIterator[Document]:
        while rest is not None:
            await async_give_way()
            page, rest = self._engine.page(rest)
            for document in page:
                yield document

    async def scan_ids(
        self,
        collection: str,
        *,
        start: str | None = None,
        limit: int | None = None,
        timeout: float,  # noqa: ARG002 - nothing here waits
    ) -> AsyncIterator[str]:
        """Iterate over ids, missing parents included; see the port."""
        rest: Range | None = Range(collection, start, limit=limit)
        while rest is not None:
            await async_give_way()
            page, rest = self._engine.page_of_ids(rest)
            for id_ in page:
                yield id_

    async def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:  # noqa: ARG002 - nothing here waits
        """Apply *writes*, all or none; see the port."""
        await async_give_way()
        return self._engine.commit(writes)

    async def check_size(self, writes: Sequence[Write]) -> None:
        """Refuse what is too large; see the port."""
        encode(writes)

    async def watch(self, path: DocumentPath, *, timeout: float) -> AsyncIterator[None]:
        """Yield at the start and after changes; see the port. *timeout* is real time, whatever the store's clock."""
        # The waiter really waits, so a clock that a test holds still must not make it wait for ever.
        deadline = Deadline(self._watch_clock, timeout)
        signal = AsyncSignal()
        self._engine.subscribe(path, signal)
        try:
            yield
            while not deadline.passed and await signal.wait(deadline.remaining()):
                yield
        finally:
            self._engine.unsubscribe(path, signal)

    async def server_time(self, *, timeout: float) -> datetime:  # noqa: ARG002 - nothing here waits
        """Return the store's clock; see the port."""
        await async_give_way()
        return self._engine.server_time()

    async def close(self) -> None:
        """Do nothing: there is nothing to release, and the documents stay readable."""
