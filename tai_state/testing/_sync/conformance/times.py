# Generated from tai_state/testing/_async/conformance/times.py by .ci/generate_sync.py; do not edit.
"""The store's clock: commit times, update times, create times."""
from datetime import UTC, datetime, timedelta

import pytest

from tai_state._sync.access.port import Backend
from tai_state.documents import Check, Delete, FieldEquals, MustExist, MustNotExist, Put, Query, UpdatedAt
from tai_state.errors import PreconditionFailedError
from tai_state.testing._sync.conformance.base import STATES, ConformanceBase, path

AT = path("subject")


class TimeContract(ConformanceBase):
    """Times only rise, belong to commits, and are the same wherever they are read."""

    def test_times_are_aware_utc(self, backend: Backend) -> None:
        """Every time that the store gives is a plain datetime, aware and in UTC."""
        written = self.put(backend, AT, {"n": 1})
        read = backend.get(AT, timeout=self.timeout)
        document = read.documents[AT]
        times = [written.commit_time, *written.update_times.values(), read.read_time, document.create_time]
        times += [document.update_time, backend.server_time(timeout=self.timeout)]
        assert [type(time) for time in times] == [datetime] * len(times)
        assert [time.tzinfo.utcoffset(time) for time in times if time and time.tzinfo] == [timedelta()] * len(times)
        assert [time.astimezone(UTC) for time in times if time] == times

    def test_a_commit_tells_the_update_time_of_each_write(self, backend: Backend) -> None:
        """The update times go by path; a Delete and a Check have none."""
        self.put(backend, path("old"), {"n": 1})
        written = self.commit(
            backend,
            Check(path("none"), MustNotExist()),
            Put(path("a"), {"n": 1}),
            Delete(path("old")),
            Put(path("b"), {"n": 1}),
        )
        time = written.commit_time
        assert written.update_times == {path("a"): time, path("b"): time}

    def test_all_that_a_commit_changes_has_its_time(self, backend: Backend) -> None:
        """Documents that one commit creates or replaces have its commit time as their update time."""
        self.put(backend, path("a"), {"n": 1})
        written = self.commit(backend, *(Put(path(id_), {"n": 2}) for id_ in "abcdef"))
        assert {document.update_time for document in self.contents(backend)} == {written.commit_time}
        assert (self.read(backend, path("b"))).create_time == written.commit_time

    def test_update_times_strictly_rise(self, backend: Backend) -> None:
        """Each change of a document, however quick, has a later time than the one before."""
        times: list[datetime] = []
        for n in range(50):
            times += (self.put(backend, AT, {"n": n})).update_times.values()
        assert len(times) == 50  # noqa: PLR2004 - as many as changes
        assert times == sorted(set(times))

    def test_a_put_keeps_the_create_time(self, backend: Backend) -> None:
        """A document that is replaced keeps its create time, and its update time moves on."""
        first = self.put(backend, AT, {"n": 1})
        second = self.put(backend, AT, {"n": 2}, MustExist())
        document = self.read(backend, AT)
        assert document.create_time == first.commit_time
        assert document.update_time == second.commit_time > first.commit_time

    def test_a_document_created_anew_has_new_times(self, backend: Backend) -> None:
        """After a delete, the same fields at the same path are a new document with later times."""
        self.put(backend, AT, {"n": 1})
        before = self.read(backend, AT)
        deleted = self.commit(backend, Delete(AT))
        created = self.put(backend, AT, {"n": 1})
        after = self.read(backend, AT)
        assert after.create_time == after.update_time == created.commit_time
        assert after.update_time > deleted.commit_time > before.update_time

    def test_update_times_rise_across_deletes(self, backend: Backend) -> None:
        """However often and quickly a document is deleted and created, its update time only rises."""
        times: list[datetime] = []
        for _ in range(20):
            times += (self.put(backend, AT, {"n": 1})).update_times.values()
            self.commit(backend, Delete(AT))
        assert times == sorted(set(times))

    def test_a_check_moves_nothing(self, backend: Backend) -> None:
        """A Check that holds leaves the document's times and fields, and another reader's precondition."""
        self.put(backend, AT, {"n": 1})
        before = self.read(backend, AT)
        self.commit(backend, Check(AT, UpdatedAt(before.update_time)), Put(path("other"), {"n": 1}))
        self.commit(backend, Check(AT, MustExist()))
        assert self.read(backend, AT) == before
        self.put(backend, AT, {"n": 2}, UpdatedAt(before.update_time))

    def test_a_failed_commit_moves_nothing(self, backend: Backend) -> None:
        """A commit that fails leaves the times of the documents it names."""
        self.put(backend, AT, {"n": 1})
        before = self.read(backend, AT)
        with pytest.raises(PreconditionFailedError):
            self.commit(backend, Put(AT, {"n": 2}), Check(path("missing"), MustExist()))
        assert self.read(backend, AT) == before

    def test_a_write_of_equal_fields_tells_the_true_update_time(self, backend: Backend) -> None:
        """Whether a Put of equal fields moves the update time or not, the commit tells what a read shows."""
        self.put(backend, AT, {"n": 1})
        written = self.put(backend, AT, {"n": 1})
        assert written.update_times == {AT: (self.read(backend, AT)).update_time}

    def test_every_way_of_reading_tells_the_same_times(self, backend: Backend) -> None:
        """Get, scan and query return the same document, times included."""
        self.put(backend, AT, {"n": 1})
        self.put(backend, AT, {"n": 2})
        document = self.read(backend, AT)
        query = Query(collection=STATES, equal=(FieldEquals("n", 2),))
        found = backend.query(query, timeout=self.timeout)
        assert self.contents(backend) == [document]
        assert [one for one in found] == [document]

    def test_server_time_is_not_before_a_commit(self, backend: Backend) -> None:
        """The store's clock is at or past every commit that was acknowledged, and never runs back."""
        last = backend.server_time(timeout=self.timeout)
        for n in range(20):
            written = self.put(backend, AT, {"n": n})
            now = backend.server_time(timeout=self.timeout)
            assert now >= written.commit_time > last
            last = now
