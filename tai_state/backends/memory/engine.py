"""The engine: documents by collection, changed by one commit at a time."""

import threading
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Protocol

from tai_state._platform.forks import anew_in_children
from tai_state.backends.expiry import Expiring
from tai_state.backends.json_documents import json_document
from tai_state.backends.memory.due import DUE_KEY, DueOrder
from tai_state.backends.memory.encoding import encode
from tai_state.backends.stamps import with_stamp
from tai_state.clock import Clock
from tai_state.documents import (
    Check,
    CommitResult,
    Document,
    DocumentPath,
    MustExist,
    MustNotExist,
    Precondition,
    Put,
    Query,
    Read,
    UpdatedAt,
    Write,
)
from tai_state.errors import (
    PreconditionFailedError,
)
from tai_state.frozen import quick_dataclass
from tai_state.lifetimes import EXPIRES_AT, lifetime

PAGE_DOCUMENTS = 300
"""How many documents a scan looks at while it holds the store."""

PAGE_BYTES = 4 * 1_048_576
"""How many bytes of JSON, about: what a reader holds in memory."""

_TICK = timedelta(microseconds=1)


class Listener(Protocol):
    """Whoever wants to be woken by a change."""

    def set(self) -> None:
        """Wake up; called on the committing thread, so it must not block."""
        ...


@quick_dataclass(frozen=True, slots=True)
class Range:
    """What is still to be read of a collection: ``start <= id < stop``, at most *limit* documents."""

    collection: str
    start: str | None = None
    stop: str | None = None
    limit: int | None = None

    def after(self, last_id: str, found: int) -> "Range | None":
        """Return what is left behind *last_id* when *found* were found up to it; None for nothing."""
        left = None if self.limit is None else self.limit - found
        # No text lies between an id and the same id with a NUL behind it.
        return None if left == 0 else replace(self, start=f"{last_id}\0", limit=left)


@quick_dataclass(frozen=True, slots=True)
class _Stored:
    """A document at rest. Its fields are JSON, so that nobody can share or change them."""

    json: bytes
    create_time: datetime
    update_time: datetime

    def document(self, path: DocumentPath) -> Document:
        return json_document(path, self.json, self.create_time, self.update_time)


@dataclass(slots=True)
class _Collection:
    """The documents of one collection, and which ids have documents in collections of their own."""

    documents: dict[str, _Stored] = field(default_factory=dict)
    # Both ascending. Python compares text by code points, which is the order of its UTF-8 bytes.
    ids: list[str] = field(default_factory=list)
    parents: list[str] = field(default_factory=list)
    descendants: dict[str, int] = field(default_factory=dict)

    def count_descendant(self, parent: str, change: int) -> None:
        count = self.descendants.get(parent, 0) + change
        if count == change:
            insort(self.parents, parent)
        if count:
            self.descendants[parent] = count
        else:
            del self.descendants[parent]
            _remove(self.parents, parent)


def _remove(ascending: list[str], value: str) -> None:
    del ascending[bisect_left(ascending, value)]


def _slice(ascending: Sequence[str], start: str | None, stop: str | None) -> tuple[int, int]:
    first = 0 if start is None else bisect_left(ascending, start)
    return first, len(ascending) if stop is None else max(first, bisect_left(ascending, stop))


class MemoryEngine:
    """Documents in memory, shared by threads; every operation is atomic and never waits for long."""

    def __init__(self, clock: Clock) -> None:
        """Hold nothing; *clock* drives the store's own clock."""
        self._clock = clock
        self.begin_anew()
        anew_in_children(self)
        self._collections: dict[str, _Collection] = {}
        self._listeners: dict[DocumentPath, list[Listener]] = {}
        self._expiring = Expiring()
        self._due = DueOrder()
        # Elapsed time, not the wall clock, moves the store's clock: a step of the wall moves no lease.
        self._started = clock.now()
        self._started_monotonic = clock.monotonic()
        self._last_time = self._started

    def begin_anew(self) -> None:
        """Be free: no thread of a fork's child is inside the lock, whoever was at that moment."""
        self._lock = threading.Lock()

    def server_time(self) -> datetime:
        """Return the store's clock, later than every time it gave before."""
        with self._lock:
            return self._tick()

    def read(self, paths: Iterable[DocumentPath]) -> Read:
        """Return the documents at *paths* that exist, all as of one moment."""
        found: dict[DocumentPath, _Stored] = {}
        with self._lock:
            for path in paths:
                if (stored := self._find(path)) is not None:
                    found[path] = stored
            read_time = self._tick()
        return Read({path: stored.document(path) for path, stored in found.items()}, read_time)

    def page(self, wanted: Range) -> tuple[list[Document], Range | None]:
        """Return the next documents of *wanted*, possibly none, and what is left of it."""
        with self._lock:
            collection = self._collections.get(wanted.collection)
            if collection is None or wanted.limit == 0:
                return [], None
            first, end = _slice(collection.ids, wanted.start, wanted.stop)
            ids, stored = _first_page(collection, first, end)
        documents = (one.document(DocumentPath(wanted.collection, id_)) for id_, one in zip(ids, stored, strict=True))
        found = list(islice(documents, wanted.limit))
        is_last = first + len(ids) == end
        return found, None if is_last else wanted.after(ids[-1], len(found))

    def collections(self, query: Query) -> list[str]:
        """Return the collections that *query* asks."""
        with self._lock:
            return [name for name in self._collections if query.covers(name)]

    def due(self, query: Query, limit: int | None) -> list[Document] | None:
        """Return the first *limit* documents that a query by what is due takes; None for any other query."""
        found: list[tuple[DocumentPath, _Stored]] = []
        with self._lock:
            paths = self._due.paths(query)
            if paths is None:
                return None
            for path in paths:
                stored = self._find(path)
                if stored is not None and query.covers(path.collection):
                    found.append((path, stored))
                    if limit is not None and len(found) >= limit:
                        break
        return [stored.document(path) for path, stored in found]

    def page_of_ids(self, wanted: Range) -> tuple[list[str], Range | None]:
        """Return the next ids of *wanted*, parents without a document included, and what is left of it."""
        size = PAGE_DOCUMENTS if wanted.limit is None else min(PAGE_DOCUMENTS, wanted.limit)
        with self._lock:
            collection = self._collections.get(wanted.collection)
            if collection is None or size == 0:
                return [], None
            slices = []
            for ascending in (collection.ids, collection.parents):
                first, end = _slice(ascending, wanted.start, wanted.stop)
                slices.append(ascending[first : min(end, first + size)])
        ids = list(dict.fromkeys(merge(*slices)))[:size]
        return ids, wanted.after(ids[-1], len(ids)) if len(ids) == size else None

    def commit(self, writes: Sequence[Write]) -> CommitResult:
        """Apply *writes*, all or none, and wake whoever listens to what changed.

        Raises:
            PreconditionFailedError: A precondition did not hold.
            InvalidDataError, InvalidIdError: A document or a path is none that Firestore takes.
            DocumentTooLargeError: A document or the commit is larger than Firestore takes.
            InvalidDataError: A path occurs twice.
        """
        encoded = encode(writes)
        listeners: list[Listener] = []
        with self._lock:
            found: list[_Stored | None] = []
            for write in writes:
                before = self._find(write.path)
                if not _holds(write.precondition, before):
                    raise PreconditionFailedError(path=str(write.path))
                found.append(before)
            commit_time = self._tick()
            update_times: dict[DocumentPath, datetime] = {}
            for write, json, before in zip(writes, encoded, found, strict=True):
                is_changed = self._apply(write, json, before, commit_time)
                if isinstance(write, Put):
                    update_times[write.path] = before.update_time if before and not is_changed else commit_time
                if is_changed and write.path in self._listeners:
                    listeners += self._listeners[write.path]
            for path in self._expiring.due(commit_time):
                if self._remove_expired(path, commit_time):
                    listeners += self._listeners.get(path, ())
        for listener in listeners:
            listener.set()
        return CommitResult(commit_time, update_times)

    def subscribe(self, path: DocumentPath, listener: Listener) -> None:
        """Wake *listener* after every change of *path*."""
        with self._lock:
            self._listeners.setdefault(path, []).append(listener)

    def unsubscribe(self, path: DocumentPath, listener: Listener) -> None:
        """Wake *listener* no more."""
        with self._lock:
            listeners = self._listeners[path]
            listeners.remove(listener)
            if not listeners:
                del self._listeners[path]

    def _tick(self) -> datetime:
        elapsed = timedelta(seconds=self._clock.monotonic() - self._started_monotonic)
        self._last_time = max(self._started + elapsed, self._last_time + _TICK)
        return self._last_time

    def _find(self, path: DocumentPath) -> _Stored | None:
        collection = self._collections.get(path.collection)
        return collection.documents.get(path.id) if collection else None

    def _apply(self, write: Write, json: bytes, before: _Stored | None, time: datetime) -> bool:
        """Make the change that *write* asks for of what was *before* and return whether there was one to make."""
        if isinstance(write, Put):
            if write.stamped is not None:
                json = with_stamp(json, write.stamped, time)
            # As on Firestore, a write that changes nothing does not move the update_time.
            if before is not None and before.json == json:
                return False
            self._store(write.path, _Stored(json, before.create_time if before else time, time))
            if EXPIRES_AT in write.fields:
                self._expiring.note(write.path, write.fields, time)
            if DUE_KEY in write.fields:
                self._due.note(write.path, write.fields)
            elif write.path in self._due.places:
                self._due.forget(write.path)
            return True
        if isinstance(write, Check) or before is None:
            return False
        self._remove(write.path)
        return True

    def _remove_expired(self, path: DocumentPath, now: datetime) -> bool:
        """Remove a document whose time is over by what it says itself and return whether it was."""
        found = self._find(path)
        lasting = lifetime(found.document(path).fields) if found is not None else None
        ends = lasting.ends(found.update_time) if found is not None and lasting is not None else None
        if ends is None or ends >= now:
            return False
        self._remove(path)
        return True

    def _store(self, path: DocumentPath, stored: _Stored) -> None:
        collection = self._collections.get(path.collection)
        if collection is None:
            collection = self._collections[path.collection] = _Collection()
        if path.id not in collection.documents:
            insort(collection.ids, path.id)
            self._count_in_ancestors(path, 1)
        collection.documents[path.id] = stored

    def _remove(self, path: DocumentPath) -> None:
        collection = self._collections[path.collection]
        del collection.documents[path.id]
        _remove(collection.ids, path.id)
        self._count_in_ancestors(path, -1)
        if path in self._due.places:
            self._due.forget(path)

    def _count_in_ancestors(self, path: DocumentPath, change: int) -> None:
        segments = path.collection.split("/")
        for end in range(1, len(segments), 2):
            name = "/".join(segments[:end])
            ancestor = self._collections.get(name)
            if ancestor is None:
                ancestor = self._collections[name] = _Collection()
            ancestor.count_descendant(segments[end], change)


def _holds(precondition: Precondition | None, stored: _Stored | None) -> bool:
    if precondition is None:
        return True
    if stored is None:
        return isinstance(precondition, MustNotExist)
    if isinstance(precondition, UpdatedAt):
        return stored.update_time == precondition.update_time
    return isinstance(precondition, MustExist)


def _first_page(collection: _Collection, first: int, end: int) -> tuple[list[str], list[_Stored]]:
    """Return what a scan looks at next: few enough documents, and few enough bytes."""
    ids: list[str] = []
    stored: list[_Stored] = []
    size = 0
    for id_ in collection.ids[first : min(end, first + PAGE_DOCUMENTS)]:
        ids.append(id_)
        stored.append(collection.documents[id_])
        size += len(stored[-1].json)
        if size >= PAGE_BYTES:
            break
    return ids, stored
