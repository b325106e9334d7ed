"""Access to a store: a backend with clock, randomness and policy, and reads that are tried again."""

import math
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from tai_state._async.access.port import AsyncBackend
from tai_state._async.access.retry import async_retry, async_retry_after
from tai_state._platform.interrupts import AsyncInterruptible
from tai_state._platform.iterators import async_end, async_ending
from tai_state.clock import Clock, Deadline, Span, StoreTime, SystemClock
from tai_state.documents import Document, DocumentPath, Query, Read
from tai_state.errors import StoreUnavailableError
from tai_state.indexes import is_asked
from tai_state.retry import RetryPolicy

T = TypeVar("T")

LARGE_PAGE = 1_000
"""Documents read at a time of a whole collection that may be large: there are engines that go through all of it for
each page."""

PAGE = 300
"""Documents read at a time: what a reader holds in memory."""

PAGE_BYTES = 8 * 1024 * 1024
"""Bytes read at a time, about: a page ends once it has this many, where the backend tells the documents' sizes."""


def page_for(limit: int | None) -> int:
    """Return how many are read at a time where so many are wanted: pages of one size, so that the last is no larger."""
    if not limit:
        return PAGE
    return math.ceil(limit / math.ceil(limit / PAGE))


@dataclass(frozen=True, slots=True)
class AsyncAccess:
    """What everything above the port needs to reach it."""

    backend: AsyncBackend
    clock: Clock = field(default_factory=SystemClock)
    rng: random.Random = field(default_factory=random.SystemRandom)
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    store_time: StoreTime = field(default_factory=StoreTime)

    def begin(self, timeout: Span) -> Deadline:
        """Start the total time of one operation; a deadline that has begun is that of an operation around it."""
        if isinstance(timeout, Deadline):
            return timeout
        # Most calls say nothing, and need not pay for a check of what they said.
        return Deadline(self.clock, self.retry.deadline) if timeout is None else self.retry.begin(self.clock, timeout)

    def attempt_seconds(self, deadline: Deadline) -> float:
        """Return the seconds that the next attempt at the store may take.

        Raises:
            DeadlineExceededError: No time is left.
        """
        return deadline.at_most(self.retry.attempt_timeout)

    def new_id(self) -> str:
        """Return a unique id: 128 random bits in hexadecimal."""
        return f"{self.rng.getrandbits(128):032x}"

    def new_ids(self) -> tuple[str, str, str]:
        """Return three unique ids: a change needs as many, and asking for each alone takes three times as long."""
        text = self.rng.randbytes(48).hex()
        return text[:32], text[32:64], text[64:]

    async def read(
        self,
        paths: Sequence[DocumentPath],
        deadline: Deadline,
        *,
        consistent: bool = True,
        at: datetime | None = None,
    ) -> Read:
        """Read *paths* as of one moment; transient failures are tried again until *deadline*.

        Args:
            at: That moment, for a backend that can; None: now.

        Raises:
            DeadlineExceededError, RetriesExhaustedError: The store did not answer in time.
            StoreError: It refused.
        """
        # One document is always as of one moment; no engine needs to be slow for it.
        needs_one_moment = consistent and len(paths) > 1
        # A backend of somebody else's that cannot read the past need not know of it.
        past = {} if at is None else {"at": at}

        async def attempt() -> Read:
            seconds = deadline.at_most(self.retry.attempt_timeout)
            with AsyncInterruptible():
                return await self.backend.get_many(paths, timeout=seconds, consistent=needs_one_moment, **past)

        try:
            read = await attempt()
        except StoreUnavailableError as error:
            first = error
        else:
            self.store_time.hear(read.read_time, self.clock.monotonic())
            return read
        # Outside of its handler: what is raised then has that error as its cause alone.
        read = await async_retry_after(
            first,
            attempt,
            StoreUnavailableError,
            policy=self.retry,
            deadline=deadline,
            rng=self.rng,
            what="a read",
        )
        self.store_time.hear(read.read_time, self.clock.monotonic())
        return read

    async def scan(
        self,
        collection: str,
        *,
        start: str | None = None,
        stop: str | None = None,
        after: str | None = None,
        limit: int | None = None,
        page: int = PAGE,
        timeout: Span = None,
    ) -> AsyncIterator[Document]:
        """Iterate over a range of a collection, ascending by id, paged.

        Args:
            after: Leave out this id and all before it.
            page: How many documents are read at a time.
            timeout: The time that each page may take, retries included.
        """
        last, given = after, 0
        while limit is None or given < limit:
            wanted = page if limit is None else min(page, limit - given)
            # A port's range begins with its start: the last document is read once more, and left out.
            most = wanted + (0 if last is None else 1)

            def ask(seconds: float, start: str | None = last or start, most: int = most) -> AsyncIterator[Document]:
                return self.backend.scan(collection, start=start, stop=stop, limit=most, timeout=seconds)

            found, is_cut = await self._page(ask, self.begin(timeout))
            documents: list[Document] = [document for document in found if document.path.id != last][:wanted]
            for document in documents:
                yield document
            given += len(documents)
            if not is_cut and len(documents) < wanted:
                return
            last = documents[-1].path.id

    async def query(
        self,
        query: Query,
        *,
        limit: int | None = None,
        first: int | None = None,
        page: int = PAGE,
        timeout: Span = None,
    ) -> AsyncIterator[Document]:
        """Iterate over what *query* asks for, in its order, *limit* documents at most, paged as ``scan`` is.

        Args:
            first: How many the engine is asked for at first: whoever has enough of them stops there, and an engine that
                is asked for all sends a page of its own, which is billed. The others come behind them all the same.
        """
        assert is_asked(query), f"{query} is in no list of what is indexed: add it to indexes.ASKED"
        rest, left, ahead = query, limit, first
        source: AsyncIterator[Document] | None = None

        async def next_page() -> tuple[list[Document], bool]:
            # One iterator serves all pages: an engine that sorts what it finds would begin anew with each.
            nonlocal source
            if source is None:
                asked = left if ahead is None else ahead
                source = self.backend.query(rest, limit=asked, timeout=self.attempt_seconds(deadline))
            documents: list[Document] = []
            held = 0
            try:
                with AsyncInterruptible():
                    async for document in source:
                        documents.append(document)
                        held += document.size
                        if len(documents) == page or held >= PAGE_BYTES:
                            return documents, True
            except StoreUnavailableError:
                source = None
                raise
            return documents, False

        goes_on = True
        try:
            while goes_on and left != 0:
                deadline = self.begin(timeout)
                documents, goes_on = await self.retried(next_page, deadline)
                for document in documents:
                    yield document
                if documents:
                    rest = rest.behind(documents[-1])
                left = None if left is None else left - len(documents)
                ahead = None if ahead is None else ahead - len(documents)
                if ahead == 0:
                    # All that was asked for was given: there may be more.
                    await async_end(source)
                    source, ahead, goes_on = None, None, True
        finally:
            await async_end(source)

    async def count(self, query: Query, deadline: Deadline) -> int:
        """Return how many documents *query* asks for, by the engine's own count where it has one."""
        assert is_asked(query), f"{query} is in no list of what is indexed: add it to indexes.ASKED"

        async def attempt() -> int:
            with AsyncInterruptible():
                return await self.backend.count(query, timeout=self.attempt_seconds(deadline))

        return await self.retried(attempt, deadline)

    async def _page(
        self, ask: Callable[[float], AsyncIterator[Document]], deadline: Deadline
    ) -> tuple[list[Document], bool]:
        """Return the documents that are asked for, and whether there are so many bytes of them that it ends early."""

        async def attempt() -> tuple[list[Document], bool]:
            found = ask(self.attempt_seconds(deadline))
            documents: list[Document] = []
            held = 0
            with AsyncInterruptible():
                async with async_ending(found):
                    async for document in found:
                        documents.append(document)
                        held += document.size
                        # The second one at least: the first may be the last of the page before.
                        if held >= PAGE_BYTES and len(documents) > 1:
                            return documents, True
            return documents, False

        return await self.retried(attempt, deadline)

    async def scan_ids(
        self,
        collection: str,
        *,
        after: str | None = None,
        limit: int | None = None,
        first: int | None = None,
        timeout: Span = None,
    ) -> AsyncIterator[str]:
        """Iterate over the ids in a collection, parents without a document of their own included, ascending, paged.

        Args:
            first: How many the engine is asked for at first; see ``query``.
        """
        source: AsyncIterator[str] | None = None
        last, given, ahead = after, 0, limit if limit is not None else first

        async def next_page() -> list[str]:
            # One iterator serves all pages: an engine without a cursor for ids would begin anew with each.
            nonlocal source
            if source is None:
                seconds = self.attempt_seconds(deadline)
                # A port's range begins with its start: the last id is read once more, and left out.
                most = None if ahead is None else ahead - given + (last is not None)
                source = self.backend.scan_ids(collection, start=last, limit=most, timeout=seconds)
            ids: list[str] = []
            try:
                with AsyncInterruptible():
                    async for found in source:
                        if found != last:
                            ids.append(found)
                        if len(ids) == wanted:
                            break
            except StoreUnavailableError:
                source = None
                raise
            return ids

        goes_on = True
        try:
            while goes_on and given != limit:
                wanted = PAGE if ahead is None else min(PAGE, ahead - given)
                deadline = self.begin(timeout)
                ids = await self.retried(next_page, deadline)
                for found in ids:
                    yield found
                goes_on = len(ids) == wanted
                given += len(ids)
                last = ids[-1] if ids else last
                if given == ahead:
                    # It was asked for so many alone.
                    await async_end(source)
                    source = ahead = None
        finally:
            await async_end(source)

    async def server_time(self, deadline: Deadline) -> datetime:
        """Return the store's clock."""

        async def attempt() -> datetime:
            with AsyncInterruptible():
                return await self.backend.server_time(timeout=self.attempt_seconds(deadline))

        moment = await self.retried(attempt, deadline)
        self.store_time.hear(moment, self.clock.monotonic())
        return moment

    async def see_passed(self, moment: datetime, deadline: Deadline) -> None:
        """Ask the store for its time where no reply told yet that it has passed *moment*."""
        latest = self.store_time.latest
        if latest is None or moment > latest:
            await self.server_time(deadline)

    async def retried(
        self,
        attempt: Callable[[], Awaitable[T]],
        deadline: Deadline,
        *,
        also: tuple[type[Exception], ...] = (),
        what: str = "a read",
    ) -> T:
        """Return what *attempt* returns; a store that is unavailable is asked again until *deadline*."""
        return await async_retry(
            attempt,
            (StoreUnavailableError, *also),
            policy=self.retry,
            deadline=deadline,
            rng=self.rng,
            what=what,
        )
