# Generated from tests/_async/stores.py by .ci/generate_sync.py; do not edit.
"""Where the tests of this folder get their stores: a place on each backend, and backends that watch or fail."""
from collections.abc import Iterator, Awaitable, Callable, Hashable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tai_state import (
    BackendStore,
    FirestoreStore,
    MemoryStore,
    RedisStore,
    SqliteStore,
    Checkup,
    RetryPolicy,
)
from tai_state._sync.access.port import Backend
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


class Place:
    """A place on one backend that any number of stores share."""

    def __init__(
        self, kind: str, *, path: Path | None = None, project: str | None = None, url: str | None = None
    ) -> None:
        self.kind = kind
        self._path = path
        self._project = project
        self._url = url
        self._memory: Backend | None = None
        self._opened: list[Backend] = []

    def store(self, **options: Any) -> BackendStore:
        """Return one more store here, as a user opens it, with a backend of its own (in memory: the one)."""
        options = {"actor": "tester", **options}
        if self.kind == "memory" and self._memory is not None:
            return BackendStore(self._memory, **options)
        store: BackendStore
        if self.kind == "memory":
            store = MemoryStore(**options)
            self._memory = store.runtime.access.backend
        elif self.kind == "sqlite":
            assert self._path is not None
            store = SqliteStore(self._path, **options)
        elif self.kind == "redis":
            assert self._url is not None
            store = RedisStore(self._url, **options)
        else:
            store = FirestoreStore(self._project, **options)
        self._opened.append(store.runtime.access.backend)
        return store

    def counting(self, **options: Any) -> tuple[BackendStore, "CountingBackend"]:
        """Return one more store here, over a backend that counts its calls."""
        backend = CountingBackend(self.store().runtime.access.backend)
        return BackendStore(backend, **{"actor": "tester", **options}), backend

    def faulty(self, *faults: str, **options: Any) -> tuple[BackendStore, "FaultyBackend"]:
        """Return one more store here, over a backend whose next commits meet *faults*."""
        backend = FaultyBackend(self.store().runtime.access.backend, faults)
        return BackendStore(backend, **{"actor": "tester", "retry": NO_WAIT, **options}), backend

    def close(self) -> None:
        for backend in self._opened:
            backend.close()


class WrappedBackend(Backend):
    """Passes every call on to another backend."""

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        self.name = inner.name
        self.capabilities = inner.capabilities
        self.limits = inner.limits

    def place(self) -> Hashable:
        return self.inner.place()

    @property
    def files(self) -> Sequence[str]:
        return self.inner.files

    def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        return self.inner.get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def scan(
        self,
        collection: str,
        *,
        start: str | None = None,
        stop: str | None = None,
        limit: int | None = None,
        timeout: float,
    ) -> Iterator[Document]:
        return self.inner.scan(collection, start=start, stop=stop, limit=limit, timeout=timeout)

    def scan_ids(
        self, collection: str, *, start: str | None = None, limit: int | None = None, timeout: float
    ) -> Iterator[str]:
        return self.inner.scan_ids(collection, start=start, limit=limit, timeout=timeout)

    def query(self, query: Query, *, limit: int | None = None, timeout: float) -> Iterator[Document]:
        return self.inner.query(query, limit=limit, timeout=timeout)

    def count(self, query: Query, *, timeout: float) -> int:
        return self.inner.count(query, timeout=timeout)

    def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        return self.inner.commit(writes, timeout=timeout)

    def check_size(self, writes: Sequence[Write]) -> None:
        self.inner.check_size(writes)

    def watch(self, path: DocumentPath, *, timeout: float) -> Iterator[None]:
        return self.inner.watch(path, timeout=timeout)

    def server_time(self, *, timeout: float) -> datetime:
        return self.inner.server_time(timeout=timeout)

    def scrub(self, *, timeout: float) -> None:
        self.inner.scrub(timeout=timeout)

    def examine(self, *, timeout: float) -> Sequence[Checkup]:
        return self.inner.examine(timeout=timeout)

    def assurance(self, *, timeout: float) -> str:
        return self.inner.assurance(timeout=timeout)

    def close(self) -> None:
        self.inner.close()


class CountingBackend(WrappedBackend):
    """Notes the name of every call, and keeps the writes of every commit."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.calls: list[str] = []
        self.commits: list[tuple[Write, ...]] = []

    def taken(self) -> list[str]:
        """Return the calls noted since the last time this was asked."""
        calls, self.calls = self.calls, []
        return calls

    def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        self.calls.append("get_many")
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def scan(
        self,
        collection: str,
        *,
        start: str | None = None,
        stop: str | None = None,
        limit: int | None = None,
        timeout: float,
    ) -> Iterator[Document]:
        self.calls.append("scan")
        return super().scan(collection, start=start, stop=stop, limit=limit, timeout=timeout)

    def scan_ids(
        self, collection: str, *, start: str | None = None, limit: int | None = None, timeout: float
    ) -> Iterator[str]:
        self.calls.append("scan_ids")
        return super().scan_ids(collection, start=start, limit=limit, timeout=timeout)

    def query(self, query: Query, *, limit: int | None = None, timeout: float) -> Iterator[Document]:
        self.calls.append("query")
        return super().query(query, limit=limit, timeout=timeout)

    def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        self.calls.append("commit")
        self.commits.append(tuple(writes))
        return super().commit(writes, timeout=timeout)

    def server_time(self, *, timeout: float) -> datetime:
        self.calls.append("server_time")
        return super().server_time(timeout=timeout)


class FaultyBackend(WrappedBackend):
    """Meets one fault per commit, then none.

    - "reply lost": the commit is applied, and reported as ambiguous;
    - "request lost": it is not applied, and reported as ambiguous;
    - "late": it is not applied yet, reported as ambiguous, and applied by ``deliver``;
    - "fine": it goes through.
    """

    def __init__(self, inner: Backend, faults: Sequence[str]) -> None:
        super().__init__(inner)
        self.faults = list(faults)
        self.sent: list[tuple[Write, ...]] = []
        self.between: Callable[[], object] | None = None
        """Called once, behind the first fault: what another writer does meanwhile."""
        self.unread = 0
        """How many reads find the store unavailable behind the last fault: those that would tell what became of it."""
        self._unread = 0
        self.clock: Any = None
        self.attempt_seconds = 0.0
        """How long each commit takes on ``clock``."""

    def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        self.sent.append(tuple(writes))
        fault = self.faults.pop(0) if self.faults else "fine"
        if self.clock is not None:
            self.clock.advance(self.attempt_seconds)
        if fault == "fine":
            return super().commit(writes, timeout=timeout)
        if not self.faults:
            self._unread, self.unread = self.unread, 0
        if fault == "reply lost":
            super().commit(writes, timeout=timeout)
        if self.between is not None:
            between, self.between = self.between, None
            between()
        raise CommitAmbiguousError(fault)

    def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        if self._unread:
            self._unread -= 1
            raise StoreUnavailableError
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def deliver(self) -> None:
        """Apply the last commit that was sent, late."""
        super().commit(self.sent[-1], timeout=TIMEOUT)


class UnreachableBackend(WrappedBackend):
    """Answers until it is cut off."""

    is_cut = False
    refused = 0

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        if self.is_cut:
            raise StoreUnavailableError("cut off")
        return super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    def commit(self, writes, *, timeout):
        if self.is_cut:
            self.refused += 1
            raise StoreUnavailableError("cut off")
        return super().commit(writes, timeout=timeout)


def find(store: BackendStore, path: DocumentPath) -> Document | None:
    """Return the document at *path*, past everything above the port."""
    return (store.runtime.access.backend.get_many([path], timeout=TIMEOUT)).get(path)


def document_at(store: BackendStore, path: DocumentPath) -> Document:
    """Return the document at *path*, which must be there."""
    document = find(store, path)
    assert document is not None, f"{path} is missing"
    return document


def plant(store: BackendStore, path: DocumentPath, **changes: object) -> None:
    """Overwrite fields of the document at *path*, past everything above the port."""
    document = find(store, path)
    fields = {**(document.fields if document else {}), **changes}
    store.runtime.access.backend.commit([Put(path, fields)], timeout=TIMEOUT)


def alter(store: BackendStore, paths: StateLayout, **changes: object) -> None:
    """Overwrite fields of a state's document as one does who knows of its digest."""
    document = document_at(store, paths.state)
    fields = {**document.fields, **changes}
    plant(store, paths.state, **changes, digest=state_digest(_state_from(fields)))


def mark(store: BackendStore, paths: StateLayout, mark: Prepared | None) -> None:
    """Let a transaction over several stores have a state in hand, as its mark says; None: let nobody have it."""
    document = document_at(store, paths.state)
    record = read_state(document, paths.governor_id, paths.state_id)
    fields = state_fields(replace(record, marks=replace(record.marks, prepared=mark)), Encoding())
    store.runtime.access.backend.commit([Put(paths.state, fields)], timeout=TIMEOUT)


def contents(store: BackendStore, governor_id: str = "g") -> dict[str, Document]:
    """Return every document of a governor by its path, times included."""
    layout = GovernorLayout(governor_id)
    names = ("states", "events", "snapshots", "segments", "receipts", "audit", "erasures")
    contents: dict[str, Document] = {}
    for name in names:
        for document in store.runtime.access.backend.scan(getattr(layout, name), timeout=TIMEOUT):
            contents[str(document.path)] = document
    return contents


def until_damage(items):
    """Return what a list gave, and the error behind it."""
    given = []
    try:
        for item in items:
            given.append(item)  # noqa: PERF401 - what came before the error counts
    except (DamagedStatesError, SchemaVersionError) as error:
        return given, error
    return given, None
