"""The Redis backend: one server, shared by any number of hosts."""

from collections.abc import AsyncIterator, Hashable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tai_state._async.access.port import AsyncBackend
from tai_state._platform.tasks import async_sleep
from tai_state.backends.redis import encoding, querying, scripts
from tai_state.backends.redis.addresses import read_address
from tai_state.backends.redis.encoding import FORMAT, LIMITS, Argument, encode, from_us
from tai_state.backends.redis.expiry import Turns
from tai_state.backends.redis.keys import END, text_of
from tai_state.backends.redis.links import AsyncLinks, check_installed
from tai_state.backends.redis.querying import PAGE_BYTES, PAGE_DOCUMENTS, Walk, scan_walk, walk_of
from tai_state.clock import Deadline, SystemClock
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
from tai_state.errors import PreconditionFailedError, SchemaVersionError

if TYPE_CHECKING:
    from tai_state.models import Checkup

_POLL_SECONDS = 0.02
_SYSTEM = SystemClock()


class AsyncRedisBackend(AsyncBackend):
    """Documents in one Redis server, below a root of their own; nothing is connected before first use.

    Every operation is one request, save one more where the server has forgotten a script. What outlives the server is
    what its own settings say, which ``assurance`` tells.
    """

    name = "Redis"

    capabilities: frozenset[Capability] = frozenset(
        {
            Capability.DURABLE,
            Capability.SHARED,
            Capability.WATCH,
            Capability.STEADY_READS,
            Capability.BY_UPDATE_TIME,
        }
    )
    limits: Limits = LIMITS

    def __init__(self, url: str) -> None:
        """Keep where the store is.

        Args:
            url: ``redis://``, ``rediss://`` or ``unix://``; see ``addresses``.

        Raises:
            ConfigurationError: The URL has another form, or redis-py is not installed.
        """
        self._address = read_address(url)
        check_installed()
        self._links = AsyncLinks(self._address)
        self._clock_key = f"{self._address.prefix}clock"
        self._turns = Turns()

    async def place(self) -> Hashable:
        """Return what tells these documents from others; see the port."""
        # Another process cannot open by its URL alone what asks for more.
        return ("redis" if self._address.is_open else "redis, with credentials", self._address.url)

    async def check_size(self, writes: Sequence[Write]) -> None:
        """Refuse what is too large; see the port."""
        encode(writes)

    async def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        """Apply *writes* by one script; see the port."""
        request = encode(writes)
        if not writes:
            return CommitResult(await self.server_time(timeout=timeout), {})
        keys = [self._clock_key, *map(self._key, request.paths)]
        removable = self._turns.next()
        arguments: list[Argument] = [FORMAT, self._address.prefix, str(removable), *request.arguments]
        answer = await self._links.run(scripts.COMMIT, keys, arguments, timeout=timeout, is_commit=True)
        if answer[0] == 0:
            raise PreconditionFailedError(path=str(request.paths[answer[1]]))
        _, now_us, removed = self._known(answer)
        if removable:
            self._turns.left(removed >= removable)
        commit_time = from_us(now_us)
        return CommitResult(commit_time, dict.fromkeys(request.puts, commit_time))

    async def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        """Read *paths* by one script, whether or not it must be *consistent*."""
        del consistent
        if at is not None:
            refuse_past(at)
        keys = [self._clock_key, *map(self._key, paths)]
        answer = self._known(await self._links.run(scripts.READ, keys, [FORMAT], timeout=timeout))
        return Read(encoding.documents(paths, answer[1:]), from_us(answer[0]))

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
        walk: Walk | None = scan_walk(collection, start, stop)
        left = limit
        while walk is not None and (left is None or left > 0):
            size = PAGE_DOCUMENTS if left is None else min(PAGE_DOCUMENTS, left)
            documents, walk = await self._page(walk, size, timeout)
            for found in documents:
                yield found
            left = None if left is None else left - len(documents)

    async def query(self, query: Query, *, limit: int | None = None, timeout: float) -> AsyncIterator[Document]:
        """Iterate over what *query* asks for; one that no index serves is found whole before the first is given."""
        walk = walk_of(query)
        if walk is None:
            for document in (await self._gathered(query, timeout))[:limit]:
                yield document
            return
        left = limit
        while walk is not None and (left is None or left > 0):
            size = min(PAGE_DOCUMENTS, left) if left is not None and walk.is_exact else PAGE_DOCUMENTS
            documents, walk = await self._page(walk, size, timeout)
            found = [one for one in documents if query.covers(one.path.collection) and query.takes(one)][:left]
            for document in found:
                yield document
            left = None if left is None else left - len(found)

    async def _gathered(self, query: Query, timeout: float) -> list[Document]:
        collections = [query.collection]
        if query.is_group:
            collections = [one async for one in self._collections(query, timeout)]
        found: list[Document] = []
        for collection in collections:
            async for document in self.scan(collection, timeout=timeout):
                if query.takes(document):
                    found.append(document)  # noqa: PERF401 - a comprehension has no twin
        return query.arranged(found)

    async def _collections(self, query: Query, timeout: float) -> AsyncIterator[str]:
        index, low, high = querying.group_bounds(query)
        while True:
            arguments: list[Argument] = [FORMAT, self._address.prefix, index, low, high, str(PAGE_DOCUMENTS)]
            answer = await self._links.run(scripts.MEMBERS, [self._clock_key], arguments, timeout=timeout)
            members = self._known(answer)[1]
            for member in members:
                collection = text_of(member).replace(END, "/")
                if query.covers(collection):
                    yield collection
            if len(members) < PAGE_DOCUMENTS:
                return
            low = b"(" + members[-1]

    async def count(self, query: Query, *, timeout: float) -> int:
        """Count by the server where one index tells all; see the port."""
        walk = walk_of(query)
        if walk is None or not walk.is_exact:
            return await super().count(query, timeout=timeout)
        arguments: list[Argument] = [FORMAT, self._address.prefix, walk.index, walk.low, walk.high]
        answer = await self._links.run(scripts.COUNT, [self._clock_key], arguments, timeout=timeout)
        return int(self._known(answer)[1])

    async def _page(self, walk: Walk, size: int, timeout: float) -> tuple[list[Document], Walk | None]:
        """Return the next documents on the way, *size* at most, and what is left of it."""
        base = "" if walk.collection is None else f"{walk.collection}/"
        arguments: list[Argument] = [FORMAT, self._address.prefix, walk.index, walk.low, walk.high]
        arguments += ["d" if walk.is_descending else "a", str(size), str(PAGE_BYTES), base, str(walk.skip)]
        arguments += ["" if base else "p"]
        _, is_cut, *found = self._known(
            await self._links.run(scripts.PAGE, [self._clock_key], arguments, timeout=timeout)
        )
        members = found[::2]
        documents = [
            encoding.document(walk.path_of(member), stored) for member, stored in zip(members, found[1::2], strict=True)
        ]
        return documents, walk.behind(members[-1]) if is_cut or len(members) == size else None

    async def scan_ids(
        self, collection: str, *, start: str | None = None, limit: int | None = None, timeout: float
    ) -> AsyncIterator[str]:
        """Iterate over the ids >= *start* of documents and of parents, ascending."""
        place = collection.replace("/", END)
        left = limit
        first, parents_from = f"[{start or ''}", f"[{place}{END}{start or ''}"
        while left is None or left > 0:
            size = PAGE_DOCUMENTS if left is None else min(PAGE_DOCUMENTS, left)
            arguments: list[Argument] = [
                FORMAT,
                self._address.prefix,
                collection,
                place,
                first,
                parents_from,
                str(size),
            ]
            answer = await self._links.run(scripts.IDS, [self._clock_key], arguments, timeout=timeout)
            _, ids, parents = self._known(answer)
            page = sorted({*ids, *parents})[:size]
            for found in page:
                yield text_of(found)
            if len(page) < size:
                return
            left = None if left is None else left - len(page)
            last = text_of(page[-1])
            first, parents_from = f"({last}", f"[{place}{END}{last}\x02"

    async def watch(self, path: DocumentPath, *, timeout: float) -> AsyncIterator[None]:
        """Yield at the start and soon after each change of *path*, by any process, until *timeout* has passed."""
        deadline = Deadline(_SYSTEM, timeout)
        changed = await self._changed(path, timeout)
        yield
        while not deadline.passed:
            await async_sleep(min(_POLL_SECONDS, deadline.remaining()))
            latest = await self._changed(path, max(1.0, deadline.remaining()))
            if latest != changed:
                changed = latest
                yield

    async def _changed(self, path: DocumentPath, timeout: float) -> Any:
        """Return what a document has of its times, which say whether it is another one."""
        return await self._links.ask("GETRANGE", self._key(path), "0", "31", timeout=timeout)

    async def server_time(self, *, timeout: float) -> datetime:
        """Return the store's clock."""
        return (await self.get_many([], timeout=timeout)).read_time

    async def examine(self, *, timeout: float) -> "list[Checkup]":
        """Tell what outlives the server, and whether it lets data vanish; see the port."""
        from tai_state.backends.redis.checkups import SETTINGS, examine  # noqa: PLC0415 - few look

        return examine(self._address.url, await self._settings(SETTINGS, timeout))

    async def assurance(self, *, timeout: float) -> str:
        """Tell what outlives the server by its settings, in a sentence; see the port."""
        from tai_state.backends.redis.checkups import SETTINGS, assurance  # noqa: PLC0415 - few ask

        return assurance(await self._settings(SETTINGS, timeout))

    async def close(self) -> None:
        """Close the connections; a second call does nothing."""
        await self._links.close()

    async def _settings(self, names: Sequence[str], timeout: float) -> dict[str, str] | None:
        """Return settings of the server; None where they may not be asked for."""
        from tai_state.errors import StoreClosedError, StoreError, StoreUnavailableError  # noqa: PLC0415 - few ask

        deadline = Deadline(_SYSTEM, timeout)
        settings: dict[str, str] = {}
        try:
            for name in names:
                answer = await self._links.ask("CONFIG", "GET", name, timeout=deadline.remaining())
                settings |= {key.decode(): value.decode() for key, value in zip(answer[::2], answer[1::2], strict=True)}
        except (StoreUnavailableError, StoreClosedError):
            raise
        except StoreError:
            # Managed servers forbid it, and some know no such command.
            return None
        return settings

    def _key(self, path: DocumentPath) -> str:
        return f"{self._address.prefix}d:{path.collection}/{path.id}"

    def _known(self, answer: Any) -> Any:
        """Return the answer of a script.

        Raises:
            SchemaVersionError: The store is of another format.
        """
        if answer[0] == b"format":
            raise SchemaVersionError(int(answer[1]), int(FORMAT), f"the store at {self._address.url}")
        return answer
