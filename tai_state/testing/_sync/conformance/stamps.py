# Generated from tai_state/testing/_async/conformance/stamps.py by .ci/generate_sync.py; do not edit.
"""Stamps: the store's own time in a field, set with the commit."""
from datetime import UTC, datetime, timedelta

import pytest

from tai_state._sync.access.port import Backend
from tai_state.documents import FieldEquals, FieldRange, MustNotExist, Put, Query
from tai_state.errors import InvalidDataError, PreconditionFailedError
from tai_state.testing._sync.conformance.base import STATES, ConformanceBase, ids_of, path

AT = path("subject")
_NEAR = timedelta(seconds=1)


class StampContract(ConformanceBase):
    """A stamped Put writes its fields and one more: a time of the store's clock, near the commit's."""

    def test_a_stamp_is_the_stores_time(self, backend: Backend) -> None:
        """The field holds an aware time in UTC near the commit's, whatever the document holds beside it."""
        fields = {"n": 1, "text": "x", "map": {"at": "x"}, "at": datetime(2026, 1, 1, tzinfo=UTC)}
        written = self.commit(backend, Put(AT, fields, stamped="changed_at"))
        read = (self.read(backend, AT)).fields
        stamp = read.pop("changed_at", None)
        assert read == fields
        assert isinstance(stamp, datetime)
        assert stamp.utcoffset() == timedelta()
        assert abs(stamp - written.commit_time) < _NEAR

    def test_a_stamp_stands_beside_any_fields(self, backend: Backend) -> None:
        """Also beside none, or one that looks like an encoded value."""
        alike: list[dict[str, object]] = [{}, {"$time": "x"}, {"$map": {"n": 1}}]
        for fields in alike:
            self.commit(backend, Put(AT, fields, stamped="changed_at"))
            read = (self.read(backend, AT)).fields
            assert isinstance(read.pop("changed_at"), datetime)
            assert read == fields

    def test_the_commit_tells_the_update_time_as_ever(self, backend: Backend) -> None:
        """A stamped Put of equal fields is a change, and its update time is what a read shows."""
        first = self.commit(backend, Put(AT, {"n": 1}, stamped="changed_at"))
        second = self.commit(backend, Put(AT, {"n": 1}, stamped="changed_at"), Put(path("other"), {"n": 1}))
        document = self.read(backend, AT)
        assert second.update_times == {AT: document.update_time, path("other"): second.commit_time}
        assert document.update_time > first.commit_time

    def test_stamps_never_fall(self, backend: Backend) -> None:
        """Of changes that follow each other none has a stamp before that of the one before."""
        stamps = []
        for n in range(5):
            self.commit(backend, Put(AT, {"n": n}, stamped="changed_at"))
            stamps.append((self.read(backend, AT)).fields["changed_at"])
        assert stamps == sorted(stamps)

    def test_the_stamps_of_a_commit_are_one(self, backend: Backend) -> None:
        """All documents that a commit stamps get the same time, and those that it does not get none."""
        puts = [Put(path(id_), {"n": 1}, MustNotExist(), stamped="changed_at") for id_ in "abc"]
        self.commit(backend, *puts, Put(path("d"), {"n": 1}))
        found = self.contents(backend)
        assert len({one.fields["changed_at"] for one in found if one.path.id != "d"}) == 1
        assert found[-1].fields == {"n": 1}

    def test_a_put_without_a_stamp_takes_it_away(self, backend: Backend) -> None:
        """A Put replaces all fields, that of a stamp too."""
        self.commit(backend, Put(AT, {"n": 1}, stamped="changed_at"))
        self.put(backend, AT, {"n": 2})
        assert (self.read(backend, AT)).fields == {"n": 2}

    def test_a_stamped_put_that_is_refused_writes_nothing(self, backend: Backend) -> None:
        """Its precondition guards it like any other."""
        self.commit(backend, Put(AT, {"n": 1}, stamped="changed_at"))
        before = self.read(backend, AT)
        with pytest.raises(PreconditionFailedError):
            self.commit(backend, Put(AT, {"n": 2}, MustNotExist(), stamped="changed_at"))
        assert self.read(backend, AT) == before

    def test_a_stamp_needs_a_field_of_its_own(self, backend: Backend) -> None:
        """One that the document has, or whose name is no plain word, is refused before anything is sent."""
        for name in ("n", "a.b", "", "é"):
            with pytest.raises(InvalidDataError):
                self.commit(backend, Put(AT, {"n": 1}, stamped=name))
        assert self.find(backend, AT) is None

    def test_what_is_stamped_is_found_by_its_stamp(self, backend: Backend) -> None:
        """Its order is that of the changes; what has no stamp is not found."""
        for id_ in ("b", "a", "c"):
            self.commit(backend, Put(path(id_), {"n": 1}, stamped="changed_at"))
        self.put(backend, path("d"), {"n": 1})
        within = FieldRange("changed_at", datetime(2000, 1, 1, tzinfo=UTC))
        query = Query(collection=STATES, equal=(FieldEquals("n", 1),), within=within)
        assert sorted(ids_of(backend.query(query, timeout=self.timeout))) == ["a", "b", "c"]
