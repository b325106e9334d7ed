# Generated from tai_state/testing/_async/conformance/reads.py by .ci/generate_sync.py; do not edit.
"""Reads of one and of many documents, and the time that they are as of."""
import pytest

from tai_state._sync.access.port import Backend
from tai_state.documents import Capability, Delete, Put
from tai_state.errors import UnsupportedOperationError
from tai_state.testing._sync.conformance.base import ConformanceBase, path

both_kinds = pytest.mark.parametrize("consistent", [True, False])


class ReadContract(ConformanceBase):
    """A read returns what was acknowledged before it, and when it was so."""

    def test_get_returns_the_document(self, backend: Backend) -> None:
        """A get returns the document at its path, and no other."""
        self.put_all(backend, [Put(path("a"), {"n": 1}), Put(path("b"), {"n": 2})])
        read = backend.get(path("a"), timeout=self.timeout)
        assert {at: document.fields for at, document in read.documents.items()} == {path("a"): {"n": 1}}

    def test_get_of_a_missing_document(self, backend: Backend) -> None:
        """A get of what is not there returns no document, but the time at which there was none."""
        written = self.put(backend, path("a"), {"n": 1})
        read = backend.get(path("missing"), timeout=self.timeout)
        assert read.get(path("missing")) is None
        assert read.documents == {}
        assert read.read_time >= written.commit_time

    @both_kinds
    def test_get_many_leaves_missing_ones_out(self, backend: Backend, *, consistent: bool) -> None:
        """Of many paths, over several collections, those with a document are returned."""
        there = [path("a"), path("c"), path("a", "governors/g/events")]
        missing = [path("b"), path("a", "governors/g2/states"), path("a", "governors/g/segments")]
        self.put_all(backend, [Put(at, {"at": str(at)}) for at in there])
        read = backend.get_many([*missing, *there], timeout=self.timeout, consistent=consistent)
        assert {at: document.fields for at, document in read.documents.items()} == {at: {"at": str(at)} for at in there}
        assert all(document.path == at for at, document in read.documents.items())

    @both_kinds
    def test_get_many_takes_duplicates(self, backend: Backend, *, consistent: bool) -> None:
        """A path that is asked for twice is returned as one document."""
        self.put(backend, path("a"), {"n": 1})
        asked = [path("a"), path("b"), path("a"), path("b")]
        read = backend.get_many(asked, timeout=self.timeout, consistent=consistent)
        assert list(read.documents) == [path("a")]

    @both_kinds
    def test_get_many_takes_many(self, backend: Backend, *, consistent: bool) -> None:
        """Several hundred documents are read at once."""
        places = [path(f"{n:04}") for n in range(700)]
        self.put_all(backend, [Put(at, {"n": n}) for n, at in enumerate(places)])
        read = backend.get_many(places[::-1], timeout=self.timeout, consistent=consistent)
        assert {at: document.fields["n"] for at, document in read.documents.items()} == {
            at: n for n, at in enumerate(places)
        }

    @both_kinds
    def test_a_read_sees_what_was_acknowledged(self, backend: Backend, *, consistent: bool) -> None:
        """Right after each commit, a read shows its effect and has a read time at or after it."""
        for n in range(20):
            written = self.put(backend, path("a"), {"n": n})
            read = backend.get_many([path("a")], timeout=self.timeout, consistent=consistent)
            assert read.documents[path("a")].fields == {"n": n}
            assert read.read_time >= written.commit_time

    def test_a_read_sees_what_was_deleted(self, backend: Backend) -> None:
        """Right after a delete, neither a read nor a scan shows the document."""
        self.put(backend, path("a"), {"n": 1})
        written = self.commit(backend, Delete(path("a")))
        read = backend.get(path("a"), timeout=self.timeout)
        assert read.documents == {}
        assert read.read_time >= written.commit_time
        assert self.contents(backend) == []

    def test_read_times_never_run_back(self, backend: Backend) -> None:
        """A later read has a read time that is not earlier."""
        times = [(backend.get(path("a"), timeout=self.timeout)).read_time for _ in range(20)]
        assert times == sorted(times)

    def test_a_commit_after_a_read_is_later(self, backend: Backend) -> None:
        """What is committed after a read has a later time than the read: it is not in it."""
        for n in range(20):
            read = backend.get(path("a"), timeout=self.timeout)
            written = self.put(backend, path("a"), {"n": n})
            assert written.commit_time > read.read_time

    def test_a_document_once_read_stays_as_it_was(self, backend: Backend) -> None:
        """What a reader holds does not change with the store."""
        self.put(backend, path("a"), {"n": 1})
        before = self.read(backend, path("a"))
        times = (before.create_time, before.update_time)
        self.put(backend, path("a"), {"n": 2})
        assert (before.fields, before.create_time, before.update_time) == ({"n": 1}, *times)

    # Reads of what is past

    def test_a_read_of_the_past_is_of_its_moment_or_refused(self, backend: Backend) -> None:
        """With READ_AT it tells the moment that was asked for; without, it raises rather than tells the present."""
        at = (backend.get_many([path("a")], timeout=self.timeout)).read_time
        self.put(backend, path("a"), {"n": 1})
        if Capability.READ_AT not in backend.capabilities:
            with pytest.raises(UnsupportedOperationError):
                backend.get_many([path("a")], timeout=self.timeout, at=at)
            return
        read = backend.get_many([path("a")], timeout=self.timeout, at=at)
        assert (read.documents, read.read_time) == ({}, at)

    @both_kinds
    def test_a_read_of_the_past_sees_it(self, backend: Backend, *, consistent: bool) -> None:
        """What was changed, deleted or made behind an earlier read is seen as that read's time had it."""
        self.require(backend, Capability.READ_AT)
        changed, deleted, made = path("changed"), path("deleted"), path("made")
        self.put_all(backend, [Put(changed, {"n": 1}), Put(deleted, {"n": 1})])
        before = backend.get_many([changed, deleted, made], timeout=self.timeout)
        self.commit(backend, Put(changed, {"n": 2}), Delete(deleted), Put(made, {"n": 1}))
        asked = [made, deleted, changed]
        again = backend.get_many(asked, timeout=self.timeout, consistent=consistent, at=before.read_time)
        assert again.documents == before.documents
        assert again.read_time == before.read_time

    def test_a_read_of_the_past_is_of_one_moment_beside_writers(self, backend: Backend) -> None:
        """Documents that change together are seen together, though they are read one by one."""
        self.require(backend, Capability.READ_AT)
        places = [path("a"), path("b")]
        for n in range(5):
            self.put_all(backend, [Put(at, {"n": n}) for at in places])
            first = backend.get_many(places, timeout=self.timeout)
            self.put_all(backend, [Put(at, {"n": -n - 1}) for at in places])
            for at in places:
                read = backend.get_many([at], timeout=self.timeout, at=first.read_time)
                assert read.documents[at].fields == {"n": n}
