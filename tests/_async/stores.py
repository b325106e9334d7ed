"""Where the tests of this folder get their stores: a place on each backend, and backends that watch or fail."""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tai_state import (
    AsyncBackendStore,
    AsyncFirestoreStore,
    AsyncMemoryStore,
    AsyncRedisStore,
    AsyncSqliteStore,
    Checkup,
    RetryPolicy,
)
from tai_state._async.access.port import AsyncBackend
from tai_state.config import Encoding
from tai_state.documents import CommitResult, Document, DocumentPath, Put, Query, Read, Write
from tai_state.errors import CommitAmbiguousError, DamagedStatesError, SchemaVersionError, StoreUnavailableError
from tai_state.layout import GovernorLayout, StateLayout
from tai_state.rules.records.chain import state_digest
from tai_state.rules.records.documents import _state_from, read_state, state_fields
from tai_state.rules.records.occasional import Prepared

TIMEOUT = 10.0
NO_WAIT = RetryPolicy(wait_initial=0.0, wait_max=0.0)

in_memory = pytest.mark.parametrize("backend_kind", ["memory"])
"""For what is decided before any backend is asked: one of them shows it as well as all."""


class AsyncPlace:
    """A place on one backend that any number of stores share."""

    def __init__(
        self, kind: str, *, path: Path | None = None, project: str | None = None, url: str | None = None
    ) -> None:
        self.kind = kind
        self._path = path
        self._project = project
        self._url = url
        self._memory: AsyncBackend | None = None
        self._opened: list[AsyncBackend] = []

    def store(self, **options: Any) -> AsyncBackendStore:
        """Return one more store here, as a user opens it, with a backend of its own (in memory: the one)."""
        options = {"actor": "tester", **options}
        if self.kind == "memory" and self._memory is not None:
            return AsyncBackendStore(self._memory, **options)
        store: AsyncBackendStore
        if self.kind == "memory":
            store = AsyncMemoryStore(**options)
            self._memory = store.runtime.access.backend
        elif self.kind == "sqlite":
            assert self._path is not None
            store = AsyncSqliteStore(self._path, **options)
        elif self.kind == "redis":
            assert self._url is not None
            store = AsyncRedisStore(self._url, **options)
        else:
            store = AsyncFirestoreStore(self._project, **options)
        self._opened.append(store.runtime.access.backend)
        return store

    def counting(self, **options: Any) -> tuple[AsyncBackendStore, "AsyncCountingBackend"]:
        """Return one more store here, over a backend that counts its calls."""
        backend = AsyncCountingBackend(self.store().runtime.access.backend)
        return AsyncBackendStore(backend, **{"actor": "tester", **options}), backend

    def faulty(self, *faults: str, **options: Any) -> tuple[AsyncBackendStore, "AsyncFaultyBackend"]:
        """Return one more store here, over a backend whose next commits meet *faults*."""
        backend = AsyncFaultyBackend(self.store().runtime.access.backend, faults)
        return AsyncBackendStore(backend, **{"actor": "tester", "retry": NO_WAIT, **options}), backend

    async def close(self) -> None:
        for backend in self._opened:
            await backend.close()


class AsyncWrappedBackend(AsyncBackend):
    """Passes every call on to another backend."""

    def __init__(self, inner: AsyncBackend) -> None:
        self.inner = inner
        self.name = inner.name
        self.capabilities = inner.capabilities
        self.limits = inner.limits

    async def place(self) -> Hashable:
        return await self.inner.place()

    @property
    def files(self) -> Sequence[str]:
        return self.inner.files

    async def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        return await self.inner.get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def scan(
        self,
        collection: str,
        *,
        start: str | None = None,
        stop: str | None = None,
        limit: int | None = None,
        timeout: float,
    ) -> AsyncIterator[Document]:
        return self.inner.scan(collection, start=start, stop=stop, limit=limit, timeout=timeout)

    def scan_ids(
        self, collection: str, *, start: str | None = None, limit: int | None = None, timeout: float
    ) -> AsyncIterator[str]:
        return self.inner.scan_ids(collection, start=start, limit=limit, timeout=timeout)

    def query(self, query: Query, *, limit: int | None = None, timeout: float) -> AsyncIterator[Document]:
        return self.inner.query(query, limit=limit, timeout=timeout)

    async def count(self, query: Query, *, timeout: float) -> int:
        return await self.inner.count(query, timeout=timeout)

    async def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        return await self.inner.commit(writes, timeout=timeout)

    async def check_size(self, writes: Sequence[Write]) -> None:
        await self.inner.check_size(writes)

    def watch(self, path: DocumentPath, *, timeout: float) -> AsyncIterator[None]:
        return self.inner.watch(path, timeout=timeout)

    async def server_time(self, *, timeout: float) -> datetime:
        return await self.inner.server_time(timeout=timeout)

    async def scrub(self, *, timeout: float) -> None:
        await self.inner.scrub(timeout=timeout)

    async def examine(self, *, timeout: float) -> Sequence[Checkup]:
        return await self.inner.examine(timeout=timeout)

    async def assurance(self, *, timeout: float) -> str:
        return await self.inner.assurance(timeout=timeout)

    async def close(self) -> None:
        await self.inner.close()


class AsyncCountingBackend(AsyncWrappedBackend):
    """Notes the name of every call, and keeps the writes of every commit."""

    def __init__(self, inner: AsyncBackend) -> None:
        super().__init__(inner)
        self.calls: list[str] = []
        self.commits: list[tuple[Write, ...]] = []

    def taken(self) -> list[str]:
        """Return the calls noted since the last time this was asked."""
        calls, self.calls = self.calls, []
        return calls

    async def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        self.calls.append("get_many")
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def scan(
        self,
        collection: str,
        *,
        start: str | None = None,
        stop: str | None = None,
        limit: int | None = None,
        timeout: float,
    ) -> AsyncIterator[Document]:
        self.calls.append("scan")
        return super().scan(collection, start=start, stop=stop, limit=limit, timeout=timeout)

    def scan_ids(
        self, collection: str, *, start: str | None = None, limit: int | None = None, timeout: float
    ) -> AsyncIterator[str]:
        self.calls.append("scan_ids")
        return super().scan_ids(collection, start=start, limit=limit, timeout=timeout)

    def query(self, query: Query, *, limit: int | None = None, timeout: float) -> AsyncIterator[Document]:
        self.calls.append("query")
        return super().query(query, limit=limit, timeout=timeout)

    async def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        self.calls.append("commit")
        self.commits.append(tuple(writes))
        return await super().commit(writes, timeout=timeout)

    async def server_time(self, *, timeout: float) -> datetime:
        self.calls.append("server_time")
        return await super().server_time(timeout=timeout)


class AsyncFaultyBackend(AsyncWrappedBackend):
    """Meets one fault per commit, then none.

    - "reply lost": the commit is applied, and reported as ambiguous;
    - "request lost": it is not applied, and reported as ambiguous;
    - "late": it is not applied yet, reported as ambiguous, and applied by ``deliver``;
    - "fine": it goes through.
    """

    def __init__(self, inner: AsyncBackend, faults: Sequence[str]) -> None:
        super().__init__(inner)
        self.faults = list(faults)
        self.sent: list[tuple[Write, ...]] = []
        self.between: Callable[[], Awaitable[object]] | None = None
        """Called once, behind the first fault: what another writer does meanwhile."""
        self.unread = 0
        """How many reads find the store unavailable behind the last fault: those that would tell what became of it."""
        self._unread = 0
        self.clock: Any = None
        self.attempt_seconds = 0.0
        """How long each commit takes on ``clock``."""

    async def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        self.sent.append(tuple(writes))
        fault = self.faults.pop(0) if self.faults else "fine"
        if self.clock is not None:
            self.clock.advance(self.attempt_seconds)
        if fault == "fine":
            return await super().commit(writes, timeout=timeout)
        if not self.faults:
            self._unread, self.unread = self.unread, 0
        if fault == "reply lost":
            await super().commit(writes, timeout=timeout)
        if self.between is not None:
            between, self.between = self.between, None
            await between()
        raise CommitAmbiguousError(fault)

    async def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        if self._unread:
            self._unread -= 1
            raise StoreUnavailableError
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    async def deliver(self) -> None:
        """Apply the last commit that was sent, late."""
        await super().commit(self.sent[-1], timeout=TIMEOUT)


class AsyncUnreachableBackend(AsyncWrappedBackend):
    """Answers until it is cut off."""

    is_cut = False
    refused = 0

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        if self.is_cut:
            raise StoreUnavailableError("cut off")
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    async def commit(self, writes, *, timeout):
        if self.is_cut:
            self.refused += 1
            raise StoreUnavailableError("cut off")
        return await super().commit(writes, timeout=timeout)


async def async_find(store: AsyncBackendStore, path: DocumentPath) -> Document | None:
    """Return the document at *path*, past everything above the port."""
    return (await store.runtime.access.backend.get_many([path], timeout=TIMEOUT)).get(path)


async def async_document_at(store: AsyncBackendStore, path: DocumentPath) -> Document:
    """Return the document at *path*, which must be there."""
    document = await async_find(store, path)
    assert document is not None, f"{path} is missing"
    return document


async def async_plant(store: AsyncBackendStore, path: DocumentPath, **changes: object) -> None:
    """Overwrite fields of the document at *path*, past everything above the port."""
    document = await async_find(store, path)
    fields = {**(document.fields if document else {}), **changes}
    await store.runtime.access.backend.commit([Put(path, fields)], timeout=TIMEOUT)


async def async_alter(store: AsyncBackendStore, paths: StateLayout, **changes: object) -> None:
    """Overwrite fields of a state's document as one does who knows of its digest."""
    document = await async_document_at(store, paths.state)
    fields = {**document.fields, **changes}
    await async_plant(store, paths.state, **changes, digest=state_digest(_state_from(fields)))


async def async_mark(store: AsyncBackendStore, paths: StateLayout, mark: Prepared | None) -> None:
    """Let a transaction over several stores have a state in hand, as its mark says; None: let nobody have it."""
    document = await async_document_at(store, paths.state)
    record = read_state(document, paths.governor_id, paths.state_id)
    fields = state_fields(replace(record, marks=replace(record.marks, prepared=mark)), Encoding())
    await store.runtime.access.backend.commit([Put(paths.state, fields)], timeout=TIMEOUT)


async def async_contents(store: AsyncBackendStore, governor_id: str = "g") -> dict[str, Document]:
    """Return every document of a governor by its path, times included."""
    layout = GovernorLayout(governor_id)
    names = ("states", "events", "snapshots", "segments", "receipts", "audit", "erasures")
    contents: dict[str, Document] = {}
    for name in names:
        async for document in store.runtime.access.backend.scan(getattr(layout, name), timeout=TIMEOUT):
            contents[str(document.path)] = document
    return contents


async def async_until_damage(items):
    """Return what a list gave, and the error behind it."""
    given = []
    try:
        async for item in items:
            given.append(item)  # noqa: PERF401 - what came before the error counts
    except (DamagedStatesError, SchemaVersionError) as error:
        return given, error
    return given, None
