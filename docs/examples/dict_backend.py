"""A backend of one's own, as small as it can be: documents in a dict, a lock around it, a clock that only rises.

It holds nothing beyond its process and wakes nobody, so it declares no more than that its batches are never torn, and
that it finds documents by when they were changed.
``tests/unit/docs/test_dict_backend.py`` proves it by the conformance suite.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from tai_state import (
    Backend,
    Capability,
    DocumentTooLargeError,
    InvalidDataError,
    PreconditionFailedError,
    UnsupportedOperationError,
)
from tai_state.codec import from_json, to_json
from tai_state.documents import (
    CommitResult,
    Delete,
    Document,
    DocumentPath,
    Limits,
    MustNotExist,
    Precondition,
    Put,
    Query,
    Read,
    UpdatedAt,
    Write,
    check_stamp,
    refuse_past,
)


class DictBackend(Backend):
    """Documents in this process's memory; fields are kept as JSON, so that nobody shares them."""

    capabilities = frozenset({Capability.STEADY_READS, Capability.BY_UPDATE_TIME})
    limits = Limits(document_bytes=1_048_576, commit_bytes=10 * 1_048_576)

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Hold nothing; *now* is the host's time, which need not rise."""
        self._now = now
        self._time = datetime.min.replace(tzinfo=UTC)
        self._documents: dict[DocumentPath, tuple[bytes, datetime, datetime]] = {}
        self._lock = threading.Lock()

    def _tick(self) -> datetime:
        # Every commit, and every read, is later than all before it: a lease could not end otherwise.
        self._time = max(self._now(), self._time + timedelta(microseconds=1))
        return self._time

    def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        """Read *paths* at one moment."""
        del timeout, consistent
        refuse_past(at)
        with self._lock:
            return Read({path: self._document(path) for path in paths if path in self._documents}, self._tick())

    def _document(self, path: DocumentPath) -> Document:
        fields, created, updated = self._documents[path]
        return Document(path, from_json(fields), created, updated)

    def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        """Check everything, then apply everything."""
        del timeout
        # Whatever cannot be stored is refused before anything is changed.
        stored = {write.path: self._json(write) for write in writes if isinstance(write, Put)}
        self._check_sizes(writes, stored)
        with self._lock:
            for write in writes:
                self._check(write.path, write.precondition)
            now = self._tick()
            for write in writes:
                if isinstance(write, Put):
                    _, created, _ = self._documents.get(write.path, (b"", now, now))
                    fields = stored[write.path]
                    if write.stamped is not None:
                        fields = to_json({**write.fields, write.stamped: now})
                    self._documents[write.path] = (fields, created, now)
                elif isinstance(write, Delete):
                    self._documents.pop(write.path, None)
        return CommitResult(now, dict.fromkeys(stored, now))

    def _json(self, put: Put) -> bytes:
        check_stamp(put)
        return to_json(dict(put.fields))

    def _check_sizes(self, writes: Sequence[Write], stored: dict[DocumentPath, bytes]) -> None:
        if len({write.path for write in writes}) != len(writes):
            raise InvalidDataError("a commit has two writes to one document", path=str(writes[0].path))
        for path, fields in stored.items():
            if len(fields) > self.limits.document_bytes:
                raise DocumentTooLargeError(len(fields), self.limits.document_bytes, f"document {path}")
        if (size := sum(map(len, stored.values()))) > self.limits.commit_bytes:
            raise DocumentTooLargeError(size, self.limits.commit_bytes, "the commit")

    def _check(self, path: DocumentPath, precondition: Precondition | None) -> None:
        found = self._documents.get(path)
        if isinstance(precondition, UpdatedAt):
            holds = found is not None and found[2] == precondition.update_time
        else:
            holds = precondition is None or (found is None) == isinstance(precondition, MustNotExist)
        if not holds:
            raise PreconditionFailedError(path=str(path))

    def scan(
        self,
        collection: str,
        *,
        start: str | None = None,
        stop: str | None = None,
        limit: int | None = None,
        timeout: float,
    ) -> Iterator[Document]:
        """Iterate in the order of ids; Python compares text as its UTF-8 bytes compare."""
        del timeout
        with self._lock:
            found = sorted(path for path in self._documents if path.collection == collection)
        given = 0
        for path in found:
            if given == limit or (stop is not None and path.id >= stop):
                return
            if start is None or path.id >= start:
                with self._lock:
                    document = self._document(path) if path in self._documents else None
                if document is not None:
                    given += 1
                    yield document

    def scan_ids(
        self, collection: str, *, start: str | None = None, limit: int | None = None, timeout: float
    ) -> Iterator[str]:
        """Iterate over ids, those that only have documents underneath included."""
        del timeout
        prefix = f"{collection}/"
        with self._lock:
            names = [f"{path}" for path in self._documents]
        ids = sorted({name.removeprefix(prefix).split("/")[0] for name in names if name.startswith(prefix)})
        found = [one for one in ids if start is None or one >= start]
        yield from found[:limit]

    def query(self, query: Query, *, limit: int | None = None, timeout: float) -> Iterator[Document]:
        """Look at every document, and sort what the query takes."""
        del timeout
        with self._lock:
            found = [self._document(path) for path in self._documents if query.covers(path.collection)]
        yield from query.arranged(one for one in found if query.takes(one))[:limit]

    def watch(self, path: DocumentPath, *, timeout: float) -> Iterator[None]:
        """Refuse: waiters look for themselves instead."""
        raise UnsupportedOperationError(f"{path} cannot be watched here for {timeout:g} seconds")

    def server_time(self, *, timeout: float) -> datetime:
        """Return a time later than every commit so far."""
        del timeout
        with self._lock:
            return self._tick()

    def close(self) -> None:
        """There is nothing to close."""
