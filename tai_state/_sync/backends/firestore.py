# Generated from tai_state/_async/backends/firestore.py by .ci/generate_sync.py; do not edit.
"""Documents in Google Cloud Firestore, or in its emulator."""
import random
from collections.abc import Iterator, Awaitable, Callable, Hashable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from tai_state._sync.access.port import Backend
from tai_state._platform.tasks import sleep
from tai_state.backends.firestore import sizes
from tai_state.backends.firestore.channels import Channels, OpenRequest, Link
from tai_state.backends.firestore.client import DEFAULT_DATABASE, Source
from tai_state.backends.firestore.errors import Boundary, ErrorMap, UnauthenticatedError
from tai_state.backends.firestore.names import check_root
from tai_state.backends.firestore.requests import LIMITED_DOCUMENTS, PAGE_BYTES, PAGE_DOCUMENTS, PROBE, Selection
from tai_state.clock import Clock, Deadline, SystemClock
from tai_state.documents import (
    Capability,
    CommitResult,
    Document,
    DocumentPath,
    FieldRange,
    Query,
    Read,
    Write,
    refuse_update_times,
)
from tai_state.errors import StoreUnavailableError
from tai_state.indexes import asked_by, index_of

if TYPE_CHECKING:
    from tai_state.models import Checkup

T = TypeVar("T")

# How far back a read on the emulator must look to be one moment: measured, 5 ms are enough.
_SETTLE_SECONDS = 0.02
# gRPC's clock may tell a little before ours that the time is up.
_DEADLINE_SLACK_SECONDS = 0.05


class FirestoreBackend(Backend):
    """Documents in one Firestore database, below an optional root.

    Nothing is imported, read or connected before first use. Every operation is tried once, save one
    more try with fresh credentials when they were refused.
    """

    name = "Firestore"

    capabilities: frozenset[Capability] = frozenset(
        {Capability.DURABLE, Capability.SHARED, Capability.WATCH, Capability.READ_AT}
    )

    def __init__(
        self,
        project: str | None = None,
        database: str = DEFAULT_DATABASE,
        *,
        client: Any = None,
        root: str = "",
        rng: random.Random | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Keep where the database is.

        Args:
            project: None: found in the environment, as the official client finds it.
            client: A ready ``google.cloud.firestore`` Client or Client, whose project, database,
                credentials and endpoint are taken; it is neither used nor closed.
            root: A document path, such as ``apps/x``, under which everything is kept.
            rng: Spreads the waits that an exhausted quota asks for.
            clock: Measures the time that an operation of several requests has left.

        Raises:
            ConfigurationError: *root* is no document path, or *client* is for another database.
        """
        source = Source(project, database, client)
        self.limits = sizes.limits(emulator=source.is_emulator)
        if not source.is_emulator:
            # Documented of production; the emulator was seen to tear them.
            self.capabilities = self.capabilities | {Capability.STEADY_READS}
        self._channels = Channels(source, check_root(root))
        self._errors = ErrorMap(rng)
        self._clock = clock or SystemClock()

    def place(self) -> Hashable:
        """Return what tells these documents from others; see the port."""
        link = self._channels.open()
        return ("firestore", link.requests.names.base)

    def check_size(self, writes: Sequence[Write]) -> None:
        """Refuse what is too large; see the port."""
        (self._channels.open()).requests.commit(writes)

    def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        """Apply *writes* by exactly one Commit RPC; see the port."""
        if not writes:
            return CommitResult(self.server_time(timeout=timeout), {})
        link = self._channels.open()
        request = link.requests.commit(writes)

        def attempt(seconds: float) -> Any:
            with self._errors.committing(link.requests.names, writes):
                return link.commit(request, timeout=seconds, metadata=link.requests.database_metadata)

        return link.requests.commit_result(writes, self._authenticated(attempt, timeout))

    def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        """Read *paths*, 300 in one BatchGet, all as of *at*, or of the first one's read time; see the port."""
        link = self._channels.open()
        deadline = Deadline(self._clock, timeout)
        wanted = list(dict.fromkeys(paths))
        if not wanted:
            return Read({}, self._server_time(link, deadline.remaining()))
        if consistent and link.requests.is_emulator and len(wanted) > 1:
            # The emulator tears a BatchGet beside writers, unless it reads a moment that is past. Its own
            # time, taken now, still sees whatever was acknowledged before this call.
            at = at or self._server_time(link, deadline.remaining())
            sleep(_SETTLE_SECONDS)
        documents: dict[DocumentPath, Document] = {}
        for first in range(0, len(wanted), PAGE_DOCUMENTS):
            page = self._batch_get(link, wanted[first : first + PAGE_DOCUMENTS], at, deadline.remaining())
            at = page.read_time if at is None else at
            documents.update(page.documents)
        assert at is not None
        return Read(documents, at)

    def _batch_get(self, link: Link, paths: Sequence[DocumentPath], at: datetime | None, timeout: float) -> Read:
        request = link.requests.batch_get(paths, at)

        def attempt(seconds: float) -> list[Any]:
            with self._errors.reading():
                call = link.batch_get(request, timeout=seconds, metadata=link.requests.database_metadata)
                return [response for response in call]

        return link.requests.read(paths, self._authenticated(attempt, timeout))

    def scan(
        self,
        collection: str,
        *,
        start: str | None = None,
        stop: str | None = None,
        limit: int | None = None,
        timeout: float,
    ) -> Iterator[Document]:
        """Iterate by RunQuery, a page of 300 documents, up to 1,001 of a limit, or 8 MiB each; see the port."""
        return self._select(Selection(collection, start=start, stop=stop), limit, timeout)

    def query(self, query: Query, *, limit: int | None = None, timeout: float) -> Iterator[Document]:
        """Iterate by RunQuery as ``scan`` does; see the port."""
        refuse_update_times(query)
        link = self._channels.open()

        def ask(last: Document | None, size: int) -> tuple[Any, Any]:
            return link.requests.query(query if last is None else query.behind(last), size)

        boundary = self._errors.querying(index_of(asked_by(query)))
        for document in self._paged(link, ask, limit, timeout, boundary=boundary, within=query.within):
            yield document

    def count(self, query: Query, *, timeout: float) -> int:
        """Count by RunAggregationQuery; see the port."""
        refuse_update_times(query)
        link = self._channels.open()
        request, metadata = link.requests.count(query)

        def attempt(seconds: float) -> list[Any]:
            with self._errors.querying(index_of(asked_by(query))):
                call = link.count(request, timeout=seconds, metadata=metadata)
                return [response for response in call]

        return link.requests.counted(self._authenticated(attempt, timeout))

    def _select(self, selection: Selection, limit: int | None, timeout: float) -> Iterator[Document]:
        link = self._channels.open()
        if selection.is_empty:
            return

        def ask(last: Document | None, size: int) -> tuple[Any, Any]:
            return link.requests.scan(selection if last is None else selection.following(last), size)

        for document in self._paged(link, ask, limit, timeout, boundary=self._errors.reading()):
            yield document

    def _paged(
        self,
        link: Link,
        ask: Callable[[Document | None, int], tuple[Any, Any]],
        limit: int | None,
        timeout: float,
        *,
        boundary: Boundary,
        within: FieldRange | None = None,
    ) -> Iterator[Document]:
        """Iterate page by page; *ask* makes the request for so many documents behind the last one."""
        left = limit
        last: Document | None = None
        is_last = False
        while not is_last and (left is None or left > 0):
            size = PAGE_DOCUMENTS if left is None else min(left, LIMITED_DOCUMENTS)
            request, metadata = ask(last, size)
            responses, is_cut = self._responses(link, request, metadata, timeout, boundary)
            page = link.requests.documents(responses, within)
            is_last = not is_cut and len(page) < size
            for document in page:
                yield document
                last = document
            left = None if left is None else left - len(page)

    def _responses(
        self, link: Link, request: Any, metadata: Any, timeout: float, boundary: Boundary
    ) -> tuple[list[Any], bool]:
        """Return the responses to a RunQuery, and whether there were so many bytes that the rest was left."""

        def attempt(seconds: float) -> tuple[list[Any], bool]:
            responses: list[Any] = []
            held = 0
            with boundary:
                call = link.run_query(request, timeout=seconds, metadata=metadata)
                try:
                    for response in call:
                        responses.append(response)
                        held += response.ByteSize()
                        if held > PAGE_BYTES:
                            break
                finally:
                    call.cancel()
            return responses, held > PAGE_BYTES

        return self._authenticated(attempt, timeout)

    def scan_ids(
        self, collection: str, *, start: str | None = None, limit: int | None = None, timeout: float
    ) -> Iterator[str]:
        """Iterate by ListDocuments; see the port.

        The ids before *start* are read, too, and skipped: ListDocuments has no cursor but its own page
        tokens, refuses an order beside ``show_missing``, and only it tells of missing parents.
        """
        link = self._channels.open()
        left = limit
        token: str | None = ""
        while token is not None and (left is None or left > 0):
            # Those before *start* count, too, and come first: how many there are nobody knows.
            size = PAGE_DOCUMENTS if left is None or start is not None else min(left, PAGE_DOCUMENTS)
            ids, token = self._ids(link, collection, token, size, timeout)
            for stored_id in ids:
                if start is not None and stored_id < start:
                    continue
                if left is not None:
                    if left <= 0:
                        return
                    left -= 1
                yield stored_id

    def _ids(
        self, link: Link, collection: str, token: str, size: int, timeout: float
    ) -> tuple[list[str], str | None]:
        """Return a page of ids, *size* at most, and the token of the next one, None after the last."""
        request, metadata = link.requests.list_documents(collection, token, size)

        def attempt(seconds: float) -> Any:
            with self._errors.reading():
                return link.list_documents(request, timeout=seconds, metadata=metadata)

        response = self._authenticated(attempt, timeout)
        return list(link.requests.ids(response)), response.next_page_token or None

    def watch(self, path: DocumentPath, *, timeout: float) -> Iterator[None]:
        """Yield when Firestore tells of a change, by a Listen stream of our own channel; see the port.

        The stream begins with the document as it is, so that no change between the first wake-up and
        the stream's start goes unseen.

        Raises:
            StoreUnavailableError: The stream broke before *timeout*; changes may have been missed.
        """
        deadline = Deadline(self._clock, timeout)
        yield None
        if deadline.passed:
            return
        link = self._channels.open()
        message, metadata = link.requests.listen(path)
        request = OpenRequest(message)
        call = None
        try:
            with self._errors.reading():
                call = link.listen(iter(request), timeout=deadline.remaining(), metadata=metadata)
                for response in call:
                    if self._errors.is_change(response):
                        yield None
            ended_early = StoreUnavailableError("the watch ended early")
        except StoreUnavailableError as error:
            ended_early = error
        finally:
            request.close()
            if call is not None:
                call.cancel()
        if deadline.remaining() > _DEADLINE_SLACK_SECONDS:
            raise ended_early

    def server_time(self, *, timeout: float) -> datetime:
        """Return the read time of a document that is never there; see the port."""
        return self._server_time(self._channels.open(), timeout)

    def _server_time(self, link: Link, timeout: float) -> datetime:
        return (self._batch_get(link, [PROBE], None, timeout)).read_time

    def examine(self, *, timeout: float) -> "list[Checkup]":
        """Tell of indexes, TTL policies and security rules, as far as the credentials may ask; see the port."""
        return self._channels.examine(timeout)

    def close(self) -> None:
        """Close the channels; see the port."""
        self._channels.close()

    def _authenticated(self, attempt: Callable[[float], T], timeout: float) -> T:
        """Make *attempt*; when the credentials are refused, refresh them and make it once more."""
        deadline = Deadline(self._clock, timeout)
        try:
            return attempt(timeout)
        except UnauthenticatedError:
            self._channels.refresh_credentials()
        return attempt(deadline.remaining())
