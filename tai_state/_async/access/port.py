"""The port: the few operations that every backend offers, and everything above it is written on."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Hashable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from tai_state.documents import (
    Capability,
    CommitResult,
    Document,
    DocumentPath,
    Limits,
    Query,
    Read,
    Write,
)

if TYPE_CHECKING:
    from tai_state.models import Checkup


class AsyncBackend(ABC):
    """A store of documents with atomic, conditional commits.

    A backend tries each operation once: retries, deadlines over several attempts and the
    resolution of ambiguous commits belong to the layers above. Every method takes ``timeout``, the
    seconds that this one attempt may take, and raises only errors of tai_state:

    - ``StoreUnavailableError``: not applied, and trying again may help;
    - ``CommitAmbiguousError`` (from ``commit`` alone): applied, or not, or applied later;
    - ``PreconditionFailedError`` (from ``commit`` alone): nothing of it was written;
    - ``DocumentTooLargeError``, ``InvalidDataError``: refused before anything was sent;
    - ``StoreClosedError``: this backend was closed;
    - ``StoreError``: refused for good.

    ``tai_state.testing.AsyncBackendConformance`` proves an implementation.
    """

    name: str = ""
    """What people call the engine; "": what its class is called."""

    capabilities: frozenset[Capability]
    limits: Limits

    async def place(self) -> Hashable:
        """Return what tells this store of documents from every other.

        The same for all backends of this process over the same documents: a lock guards the changes that are made
        through any of them. Unless a backend says more, only it itself is.
        """
        return id(self)

    @property
    def files(self) -> Sequence[str]:
        """The files of this host that hold what is in it, by their real paths: no copy of it takes their place."""
        return ()

    async def get(self, path: DocumentPath, *, timeout: float) -> Read:
        """Read one document with the store's read time; see ``get_many``."""
        return await self.get_many([path], timeout=timeout)

    @abstractmethod
    async def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        """Read *paths*, all as of one moment: the returned ``read_time``.

        The read sees every commit acknowledged before the call, and a commit made after it gets a later time. Times
        are aware datetimes in UTC, to the microsecond.

        Args:
            consistent: False lets an engine whose batch reads can be torn beside writers answer
                faster; for callers whose commit checks what they read.
            at: Read as of this moment, the ``read_time`` of an earlier read of some minutes ago at most, and return it
                as this one's.

        Raises:
            UnsupportedOperationError: *at* is given, and the backend does not declare ``Capability.READ_AT``.
        """

    @abstractmethod
    def scan(
        self,
        collection: str,
        *,
        start: str | None = None,
        stop: str | None = None,
        limit: int | None = None,
        timeout: float,
    ) -> AsyncIterator[Document]:
        """Iterate over a collection's documents with ``start <= id < stop``, ascending by id.

        Paged underneath, in bounded memory; each page is as of its own moment. ``timeout`` bounds
        each page. Ids compare as their UTF-8 bytes do.
        """

    @abstractmethod
    def scan_ids(
        self, collection: str, *, start: str | None = None, limit: int | None = None, timeout: float
    ) -> AsyncIterator[str]:
        """Iterate over the ids >= *start* in a collection, ascending, parents without a document of their own included.

        ``governors/g`` need not exist for ``governors/g/states/s`` to be there: its id is still listed, once.
        """

    @abstractmethod
    def query(self, query: Query, *, limit: int | None = None, timeout: float) -> AsyncIterator[Document]:
        """Iterate over what *query* asks for, in its order, *limit* documents at most.

        Paged underneath, in bounded memory; each page is as of its own moment, so that a document whose field changes
        meanwhile may be met twice, or not at all. ``timeout`` bounds each page.

        Raises:
            StoreError: The engine needs an index for it, which is not there; the message names it.
            UnsupportedOperationError: It is of ``UPDATE_TIME``, and the backend does not declare
                ``Capability.BY_UPDATE_TIME``.
        """

    async def count(self, query: Query, *, timeout: float) -> int:
        """Return how many documents *query* asks for, behind its cursor if it has one; raises what ``query`` does.

        An engine that counts by itself does; here they are read, page by page, each of which *timeout* bounds.
        """
        count = 0
        # By the class's own: one count is one request to those who look on, whatever is read for it here.
        async for _ in type(self).query(self, query, timeout=timeout):
            count += 1
        return count

    @abstractmethod
    async def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        """Apply *writes*, all or none; each path occurs at most once.

        A ``Put`` or ``Delete`` that changes a document moves its update_time strictly up, and what a
        commit changes gets the commit's time, which ``update_times`` tells of each ``Put``. The stamps of all Puts of a
        commit are one time; see ``Put``. Acknowledged means as
        durable as the backend declares. Documents whose time is over by ``tai_expires_at`` and ``ttl_seconds``, both,
        may be removed by the backend itself.
        """

    async def check_size(self, writes: Sequence[Write]) -> None:
        """Refuse *writes* that ``commit`` would for their size; nothing is sent. One that cannot tell passes them.

        Raises:
            DocumentTooLargeError: A document, or all of them together, are larger than the backend takes.
        """
        del writes

    @abstractmethod
    def watch(self, path: DocumentPath, *, timeout: float) -> AsyncIterator[None]:
        """Yield once at the start and again soon after each change of *path*, until *timeout* seconds have passed.

        A wake-up, no more: changes may be merged, and a spurious one may come.

        Raises:
            UnsupportedOperationError: The backend does not declare ``Capability.WATCH``.
        """

    @abstractmethod
    async def server_time(self, *, timeout: float) -> datetime:
        """Return the store's clock: later than or equal to every commit time acknowledged before the call."""

    async def scrub(self, *, timeout: float) -> None:
        """Leave nothing of what was removed in what the engine keeps: for an erasure, after its last commit.

        An engine whose removals are removals does nothing.
        """
        del timeout

    async def examine(self, *, timeout: float) -> "Sequence[Checkup]":
        """Tell what only the engine can of itself, for ``examine`` of a store; nothing is written.

        What cannot be asked is told as "not checkable"; an engine that has nothing to tell tells nothing.
        """
        del timeout
        return ()

    async def assurance(self, *, timeout: float) -> str:
        """Tell in a sentence how much the engine promises of what it has acknowledged, where that depends on settings.

        For ``health`` of a store; "" where ``Capability.DURABLE`` says all there is to say.
        """
        del timeout
        return ""

    @abstractmethod
    async def close(self) -> None:
        """Release connections and threads; a second call does nothing."""
