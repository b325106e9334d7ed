# Generated from tai_state/testing/_async/conformance/atomicity.py by .ci/generate_sync.py; do not edit.
"""A commit is applied whole or not at all, and what is too large is refused before anything is written."""
from collections.abc import Sequence

import pytest

from tai_state._sync.access.port import Backend
from tai_state.documents import (
    Check,
    Delete,
    DocumentPath,
    MustExist,
    MustNotExist,
    Put,
    UpdatedAt,
    Write,
)
from tai_state.errors import DocumentTooLargeError, PreconditionFailedError, TaiStateError
from tai_state.testing._sync.conformance.base import STATES, ConformanceBase, path

_MANY = 60
_EVENTS = "governors/g/events"
_TESTABLE_COMMIT_BYTES_MAX = 64 * 1024 * 1024


class AtomicityContract(ConformanceBase):
    """All or none, whatever makes a commit fail."""

    def _refused_whole(
        self, backend: Backend, writes: Sequence[Write], error: type[TaiStateError]
    ) -> TaiStateError:
        """Expect *error* and nothing changed; return the error."""
        collections = sorted({write.path.collection for write in writes})
        before = [self.contents(backend, collection) for collection in collections]
        with pytest.raises(error) as caught:
            self.commit(backend, *writes)
        assert [self.contents(backend, collection) for collection in collections] == before
        return caught.value

    def test_a_commit_writes_several_documents(self, backend: Backend) -> None:
        """Puts, deletes and checks on several collections are applied together."""
        self.put(backend, path("old"), {"n": 1})
        self.commit(
            backend,
            Put(path("new"), {"n": 2}, MustNotExist()),
            Put(path("new", _EVENTS), {"n": 3}),
            Delete(path("old"), MustExist()),
            Check(path("none"), MustNotExist()),
        )
        assert (self.read(backend, path("new"))).fields == {"n": 2}
        assert (self.read(backend, path("new", _EVENTS))).fields == {"n": 3}
        assert self.find(backend, path("old")) is None

    @pytest.mark.parametrize("last", ["put", "delete", "check"])
    def test_a_failure_of_the_last_write_undoes_all(self, backend: Backend, last: str) -> None:
        """When the last of many writes fails its precondition, no write before it can be seen."""
        self.put_all(backend, [Put(path(f"old{n}"), {"n": n}) for n in range(_MANY)])
        missing = path("missing", _EVENTS)
        failing: dict[str, Write] = {
            "put": Put(missing, {}, MustExist()),
            "delete": Delete(missing, MustExist()),
            "check": Check(missing, MustExist()),
        }
        writes: list[Write] = [Put(path(f"new{n}"), {"n": n}) for n in range(_MANY)]
        writes += [Put(path(f"old{n}"), {"n": -1}) for n in range(0, _MANY, 2)]
        writes += [Delete(path(f"old{n}")) for n in range(1, _MANY, 2)]
        self._refused_whole(backend, [*writes, failing[last]], PreconditionFailedError)

    def test_a_failure_of_the_first_write_undoes_all(self, backend: Backend) -> None:
        """When the first write fails its precondition, those behind it are not applied either."""
        self.put(backend, path("a"), {"n": 1})
        writes: list[Write] = [
            Put(path("a"), {"n": 2}, MustNotExist()),
            Put(path("b"), {"n": 2}),
            Delete(path("c")),
        ]
        self._refused_whole(backend, writes, PreconditionFailedError)

    def test_a_stale_check_undoes_all(self, backend: Backend) -> None:
        """A document that was only read, and has changed since, fails the commit."""
        self.put(backend, path("read"), {"n": 1})
        seen = self.read(backend, path("read"))
        self.put(backend, path("read"), {"n": 2})
        writes: list[Write] = [Put(path("a"), {"n": 1}), Check(path("read"), UpdatedAt(seen.update_time))]
        self._refused_whole(backend, writes, PreconditionFailedError)

    def test_preconditions_see_the_store_before_the_commit(self, backend: Backend) -> None:
        """One write's effect does not make another write's precondition hold."""
        writes: list[Write] = [Put(path("a"), {"n": 1}), Check(path("b"), MustExist())]
        self._refused_whole(backend, writes, PreconditionFailedError)

    @pytest.mark.parametrize(
        "second",
        [Put(path("a"), {"n": 2}), Delete(path("a")), Check(path("a"), MustNotExist())],
        ids=["put", "delete", "check"],
    )
    def test_a_path_that_occurs_twice_is_refused(self, backend: Backend, second: Write) -> None:
        """Each path occurs at most once in a commit; a second time is an error that no retry mends."""
        writes = [Put(path("b"), {"n": 1}), Put(path("a"), {"n": 1}), second]
        error = self._refused_whole(backend, writes, TaiStateError)
        assert not error.retryable

    def test_a_large_document_is_stored(self, backend: Backend) -> None:
        """A document of nine tenths of the limit is stored and read back equal."""
        fields = {"text": "x" * (backend.limits.document_bytes * 9 // 10)}
        self.put(backend, path("large"), fields)
        assert (self.read(backend, path("large"))).fields == fields

    def test_a_document_that_is_too_large_is_refused(self, backend: Backend) -> None:
        """A document over the limit is refused with its size, and so is the rest of its commit."""
        limit = backend.limits.document_bytes
        writes = [Put(path("small"), {"n": 1}), Put(path("large"), {"text": "x" * (limit + 1)})]
        error = self._refused_whole(backend, writes, DocumentTooLargeError)
        assert isinstance(error, DocumentTooLargeError)
        assert error.size > error.limit == limit

    def test_size_is_counted_in_bytes(self, backend: Backend) -> None:
        """Text counts by its UTF-8 bytes, not by its characters."""
        limit = backend.limits.document_bytes
        writes = [Put(path("large"), {"text": "\N{GRINNING FACE}" * (limit // 4 + 1)})]
        self._refused_whole(backend, writes, DocumentTooLargeError)

    def test_a_commit_that_is_too_large_is_refused(self, backend: Backend) -> None:
        """Documents that are each small enough are refused when together they exceed the commit's limit."""
        limits = backend.limits
        piece = limits.document_bytes * 9 // 10
        # All of them share one text, so that even a large limit costs little here.
        fields = {"text": "x" * piece}
        writes = [Put(path(f"large{n}"), fields) for n in range(limits.commit_bytes // piece + 1)]
        error = self._refused_whole(backend, writes, DocumentTooLargeError)
        assert isinstance(error, DocumentTooLargeError)
        assert error.size > error.limit == limits.commit_bytes

    def test_a_large_commit_is_applied(self, backend: Backend) -> None:
        """Documents of two thirds of a commit's limit together are stored in one commit."""
        limits = backend.limits
        piece = min(limits.document_bytes // 2, limits.commit_bytes // 8)
        count = min(limits.commit_bytes, _TESTABLE_COMMIT_BYTES_MAX) * 2 // 3 // piece
        count = min(count, limits.commit_writes or count)
        self.commit(backend, *(Put(path(f"large{n:03}"), {"text": "x" * piece}) for n in range(count)))
        stored = self.contents(backend)
        assert [(document.path, len(document.fields["text"])) for document in stored] == [
            (DocumentPath(STATES, f"large{n:03}"), piece) for n in range(count)
        ]
