"""A commit is applied whole or not at all, and what is too large is refused before anything is written."""

from collections.abc import Sequence

import pytest

from tai_state._async.access.port import AsyncBackend
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
from tai_state.testing._async.conformance.base import STATES, AsyncConformanceBase, path

_MANY = 60
_EVENTS = "governors/g/events"
_TESTABLE_COMMIT_BYTES_MAX = 64 * 1024 * 1024


class AsyncAtomicityContract(AsyncConformanceBase):
    """All or none, whatever makes a commit fail."""

    async def _refused_whole(
        self, backend: AsyncBackend, writes: Sequence[Write], error: type[TaiStateError]
    ) -> TaiStateError:
        """Expect *error* and nothing changed; return the error."""
        collections = sorted({write.path.collection for write in writes})
        before = [await self.contents(backend, collection) for collection in collections]
        with pytest.raises(error) as caught:
            await self.commit(backend, *writes)
        assert [await self.contents(backend, collection) for collection in collections] == before
        return caught.value

    async def test_a_commit_writes_several_documents(self, backend: AsyncBackend) -> None:
        """Puts, deletes and checks on several collections are applied together."""
        await self.put(backend, path("old"), {"n": 1})
        await self.commit(
            backend,
            Put(path("new"), {"n": 2}, MustNotExist()),
            Put(path("new", _EVENTS), {"n": 3}),
            Delete(path("old"), MustExist()),
            Check(path("none"), MustNotExist()),
        )
        assert (await self.read(backend, path("new"))).fields == {"n": 2}
        assert (await self.read(backend, path("new", _EVENTS))).fields == {"n": 3}
        assert await self.find(backend, path("old")) is None

    @pytest.mark.parametrize("last", ["put", "delete", "check"])
    async def test_a_failure_of_the_last_write_undoes_all(self, backend: AsyncBackend, last: str) -> None:
        """When the last of many writes fails its precondition, no write before it can be seen."""
        await self.put_all(backend, [Put(path(f"old{n}"), {"n": n}) for n in range(_MANY)])
        missing = path("missing", _EVENTS)
        failing: dict[str, Write] = {
            "put": Put(missing, {}, MustExist()),
            "delete": Delete(missing, MustExist()),
            "check": Check(missing, MustExist()),
        }
        writes: list[Write] = [Put(path(f"new{n}"), {"n": n}) for n in range(_MANY)]
        writes += [Put(path(f"old{n}"), {"n": -1}) for n in range(0, _MANY, 2)]
        writes += [Delete(path(f"old{n}")) for n in range(1, _MANY, 2)]
        await self._refused_whole(backend, [*writes, failing[last]], PreconditionFailedError)

    async def test_a_failure_of_the_first_write_undoes_all(self, backend: AsyncBackend) -> None:
        """When the first write fails its precondition, those behind it are not applied either."""
        await self.put(backend, path("a"), {"n": 1})
        writes: list[Write] = [
            Put(path("a"), {"n": 2}, MustNotExist()),
            Put(path("b"), {"n": 2}),
            Delete(path("c")),
        ]
        await self._refused_whole(backend, writes, PreconditionFailedError)

    async def test_a_stale_check_undoes_all(self, backend: AsyncBackend) -> None:
        """A document that was only read, and has changed since, fails the commit."""
        await self.put(backend, path("read"), {"n": 1})
        seen = await self.read(backend, path("read"))
        await self.put(backend, path("read"), {"n": 2})
        writes: list[Write] = [Put(path("a"), {"n": 1}), Check(path("read"), UpdatedAt(seen.update_time))]
        await self._refused_whole(backend, writes, PreconditionFailedError)

    async def test_preconditions_see_the_store_before_the_commit(self, backend: AsyncBackend) -> None:
        """One write's effect does not make another write's precondition hold."""
        writes: list[Write] = [Put(path("a"), {"n": 1}), Check(path("b"), MustExist())]
        await self._refused_whole(backend, writes, PreconditionFailedError)

    @pytest.mark.parametrize(
        "second",
        [Put(path("a"), {"n": 2}), Delete(path("a")), Check(path("a"), MustNotExist())],
        ids=["put", "delete", "check"],
    )
    async def test_a_path_that_occurs_twice_is_refused(self, backend: AsyncBackend, second: Write) -> None:
        """Each path occurs at most once in a commit; a second time is an error that no retry mends."""
        writes = [Put(path("b"), {"n": 1}), Put(path("a"), {"n": 1}), second]
        error = await self._refused_whole(backend, writes, TaiStateError)
        assert not error.retryable

    async def test_a_large_document_is_stored(self, backend: AsyncBackend) -> None:
        """A document of nine tenths of the limit is stored and read back equal."""
        fields = {"text": "x" * (backend.limits.document_bytes * 9 // 10)}
        await self.put(backend, path("large"), fields)
        assert (await self.read(backend, path("large"))).fields == fields

    async def test_a_document_that_is_too_large_is_refused(self, backend: AsyncBackend) -> None:
        """A document over the limit is refused with its size, and so is the rest of its commit."""
        limit = backend.limits.document_bytes
        writes = [Put(path("small"), {"n": 1}), Put(path("large"), {"text": "x" * (limit + 1)})]
        error = await self._refused_whole(backend, writes, DocumentTooLargeError)
        assert isinstance(error, DocumentTooLargeError)
        assert error.size > error.limit == limit

    async def test_size_is_counted_in_bytes(self, backend: AsyncBackend) -> None:
        """Text counts by its UTF-8 bytes, not by its characters."""
        limit = backend.limits.document_bytes
        writes = [Put(path("large"), {"text": "\N{GRINNING FACE}" * (limit // 4 + 1)})]
        await self._refused_whole(backend, writes, DocumentTooLargeError)

    async def test_a_commit_that_is_too_large_is_refused(self, backend: AsyncBackend) -> None:
        """Documents that are each small enough are refused when together they exceed the commit's limit."""
        limits = backend.limits
        piece = limits.document_bytes * 9 // 10
        # All of them share one text, so that even a large limit costs little here.
        fields = {"text": "x" * piece}
        writes = [Put(path(f"large{n}"), fields) for n in range(limits.commit_bytes // piece + 1)]
        error = await self._refused_whole(backend, writes, DocumentTooLargeError)
        assert isinstance(error, DocumentTooLargeError)
        assert error.size > error.limit == limits.commit_bytes

    async def test_a_large_commit_is_applied(self, backend: AsyncBackend) -> None:
        """Documents of two thirds of a commit's limit together are stored in one commit."""
        limits = backend.limits
        piece = min(limits.document_bytes // 2, limits.commit_bytes // 8)
        count = min(limits.commit_bytes, _TESTABLE_COMMIT_BYTES_MAX) * 2 // 3 // piece
        count = min(count, limits.commit_writes or count)
        await self.commit(backend, *(Put(path(f"large{n:03}"), {"text": "x" * piece}) for n in range(count)))
        stored = await self.contents(backend)
        assert [(document.path, len(document.fields["text"])) for document in stored] == [
            (DocumentPath(STATES, f"large{n:03}"), piece) for n in range(count)
        ]
