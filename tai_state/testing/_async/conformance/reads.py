"""Reads of one and of many documents, and the time that they are as of."""

import pytest

from tai_state._async.access.port import AsyncBackend
from tai_state.documents import Capability, Delete, Put
from tai_state.errors import UnsupportedOperationError
from tai_state.testing._async.conformance.base import AsyncConformanceBase, path

both_kinds = pytest.mark.parametrize("consistent", [True, False])


class AsyncReadContract(AsyncConformanceBase):
    """A read returns what was acknowledged before it, and when it was so."""

    async def test_get_returns_the_document(self, backend: AsyncBackend) -> None:
        """A get returns the document at its path, and no other."""
        await self.put_all(backend, [Put(path("a"), {"n": 1}), Put(path("b"), {"n": 2})])
        read = await backend.get(path("a"), timeout=self.timeout)
        assert {at: document.fields for at, document in read.documents.items()} == {path("a"): {"n": 1}}

    async def test_get_of_a_missing_document(self, backend: AsyncBackend) -> None:
        """A get of what is not there returns no document, but the time at which there was none."""
        written = await self.put(backend, path("a"), {"n": 1})
        read = await backend.get(path("missing"), timeout=self.timeout)
        assert read.get(path("missing")) is None
        assert read.documents == {}
        assert read.read_time >= written.commit_time

    @both_kinds
    async def test_get_many_leaves_missing_ones_out(self, backend: AsyncBackend, *, consistent: bool) -> None:
        """Of many paths, over several collections, those with a document are returned."""
        there = [path("a"), path("c"), path("a", "governors/g/events")]
        missing = [path("b"), path("a", "governors/g2/states"), path("a", "governors/g/segments")]
        await self.put_all(backend, [Put(at, {"at": str(at)}) for at in there])
        read = await backend.get_many([*missing, *there], timeout=self.timeout, consistent=consistent)
        assert {at: document.fields for at, document in read.documents.items()} == {at: {"at": str(at)} for at in there}
        assert all(document.path == at for at, document in read.documents.items())

    @both_kinds
    async def test_get_many_takes_duplicates(self, backend: AsyncBackend, *, consistent: bool) -> None:
        """A path that is asked for twice is returned as one document."""
        await self.put(backend, path("a"), {"n": 1})
        asked = [path("a"), path("b"), path("a"), path("b")]
        read = await backend.get_many(asked, timeout=self.timeout, consistent=consistent)
        assert list(read.documents) == [path("a")]

    @both_kinds
    async def test_get_many_takes_many(self, backend: AsyncBackend, *, consistent: bool) -> None:
        """Several hundred documents are read at once."""
        places = [path(f"{n:04}") for n in range(700)]
        await self.put_all(backend, [Put(at, {"n": n}) for n, at in enumerate(places)])
        read = await backend.get_many(places[::-1], timeout=self.timeout, consistent=consistent)
        assert {at: document.fields["n"] for at, document in read.documents.items()} == {
            at: n for n, at in enumerate(places)
        }

    @both_kinds
    async def test_a_read_sees_what_was_acknowledged(self, backend: AsyncBackend, *, consistent: bool) -> None:
        """Right after each commit, a read shows its effect and has a read time at or after it."""
        for n in range(20):
            written = await self.put(backend, path("a"), {"n": n})
            read = await backend.get_many([path("a")], timeout=self.timeout, consistent=consistent)
            assert read.documents[path("a")].fields == {"n": n}
            assert read.read_time >= written.commit_time

    async def test_a_read_sees_what_was_deleted(self, backend: AsyncBackend) -> None:
        """Right after a delete, neither a read nor a scan shows the document."""
        await self.put(backend, path("a"), {"n": 1})
        written = await self.commit(backend, Delete(path("a")))
        read = await backend.get(path("a"), timeout=self.timeout)
        assert read.documents == {}
        assert read.read_time >= written.commit_time
        assert await self.contents(backend) == []

    async def test_read_times_never_run_back(self, backend: AsyncBackend) -> None:
        """A later read has a read time that is not earlier."""
        times = [(await backend.get(path("a"), timeout=self.timeout)).read_time for _ in range(20)]
        assert times == sorted(times)

    async def test_a_commit_after_a_read_is_later(self, backend: AsyncBackend) -> None:
        """What is committed after a read has a later time than the read: it is not in it."""
        for n in range(20):
            read = await backend.get(path("a"), timeout=self.timeout)
            written = await self.put(backend, path("a"), {"n": n})
            assert written.commit_time > read.read_time

    async def test_a_document_once_read_stays_as_it_was(self, backend: AsyncBackend) -> None:
        """What a reader holds does not change with the store."""
        await self.put(backend, path("a"), {"n": 1})
        before = await self.read(backend, path("a"))
        times = (before.create_time, before.update_time)
        await self.put(backend, path("a"), {"n": 2})
        assert (before.fields, before.create_time, before.update_time) == ({"n": 1}, *times)

    # Reads of what is past

    async def test_a_read_of_the_past_is_of_its_moment_or_refused(self, backend: AsyncBackend) -> None:
        """With READ_AT it tells the moment that was asked for; without, it raises rather than tells the present."""
        at = (await backend.get_many([path("a")], timeout=self.timeout)).read_time
        await self.put(backend, path("a"), {"n": 1})
        if Capability.READ_AT not in backend.capabilities:
            with pytest.raises(UnsupportedOperationError):
                await backend.get_many([path("a")], timeout=self.timeout, at=at)
            return
        read = await backend.get_many([path("a")], timeout=self.timeout, at=at)
        assert (read.documents, read.read_time) == ({}, at)

    @both_kinds
    async def test_a_read_of_the_past_sees_it(self, backend: AsyncBackend, *, consistent: bool) -> None:
        """What was changed, deleted or made behind an earlier read is seen as that read's time had it."""
        self.require(backend, Capability.READ_AT)
        changed, deleted, made = path("changed"), path("deleted"), path("made")
        await self.put_all(backend, [Put(changed, {"n": 1}), Put(deleted, {"n": 1})])
        before = await backend.get_many([changed, deleted, made], timeout=self.timeout)
        await self.commit(backend, Put(changed, {"n": 2}), Delete(deleted), Put(made, {"n": 1}))
        asked = [made, deleted, changed]
        again = await backend.get_many(asked, timeout=self.timeout, consistent=consistent, at=before.read_time)
        assert again.documents == before.documents
        assert again.read_time == before.read_time

    async def test_a_read_of_the_past_is_of_one_moment_beside_writers(self, backend: AsyncBackend) -> None:
        """Documents that change together are seen together, though they are read one by one."""
        self.require(backend, Capability.READ_AT)
        places = [path("a"), path("b")]
        for n in range(5):
            await self.put_all(backend, [Put(at, {"n": n}) for at in places])
            first = await backend.get_many(places, timeout=self.timeout)
            await self.put_all(backend, [Put(at, {"n": -n - 1}) for at in places])
            for at in places:
                read = await backend.get_many([at], timeout=self.timeout, at=first.read_time)
                assert read.documents[at].fields == {"n": n}
