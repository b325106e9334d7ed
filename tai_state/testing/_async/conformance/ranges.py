"""Queries by a range of one field, in its order, of one collection or of all of a name."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tai_state._async.access.port import AsyncBackend
from tai_state.documents import Bound, Cursor, DocumentPath, FieldEquals, FieldRange, Put, Query
from tai_state.testing._async.conformance.base import STATES, AsyncConformanceBase, path

_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_FIELD: dict[str, Any] = {
    "bool": True,
    "float": 1.5,
    "int-large": 2**53 + 1,
    "int-least": -7,
    "int-one": 1,
    "int-zero": 0,
    "list": [1],
    "map": {"n": 1},
    "none": None,
    "text-a": "a",
    "text-empty": "",
    "text-one": "1",
    "text-z": "\N{GRINNING FACE}",
    "text-é": "é",
    "time": _NOON,
    "time-before": _NOON - timedelta(microseconds=1),
    "time-long-ago": datetime(1970, 1, 1, tzinfo=UTC),
}
_RANGES: list[tuple[Bound | None, Bound | None, list[str]]] = [
    (0, None, ["int-zero", "int-one", "float", "int-large"]),
    (None, 1, ["int-least", "int-zero"]),
    (-7, 2, ["int-least", "int-zero", "int-one", "float"]),
    (2**53, 2**53 + 2, ["int-large"]),
    (2, 1, []),
    ("", None, ["text-empty", "text-one", "text-a", "text-é", "text-z"]),
    (None, "a", ["text-empty", "text-one"]),
    ("a", "é", ["text-a"]),
    (_NOON, None, ["time"]),
    (None, _NOON, ["time-long-ago", "time-before"]),
    (_NOON - _SECOND, _NOON + _SECOND, ["time-before", "time"]),
]
either_way = pytest.mark.parametrize("is_descending", [False, True])


class AsyncRangeContract(AsyncConformanceBase):
    """A range yields the documents whose field lies in it, by that field and then by path, in either direction."""

    async def _found(self, backend: AsyncBackend, query: Query, limit: int | None = None) -> list[str]:
        found = backend.query(query, limit=limit, timeout=self.timeout)
        return [str(document.path).removeprefix(f"{STATES}/") async for document in found]

    @either_way
    @pytest.mark.parametrize(("at_least", "below", "expected"), _RANGES, ids=str)
    async def test_a_range_is_of_one_type(
        self,
        backend: AsyncBackend,
        at_least: Bound | None,
        below: Bound | None,
        expected: list[str],
        is_descending: bool,  # noqa: FBT001 - a parameter of the test
    ) -> None:
        """Numbers are among numbers, texts among texts and times among times; the lower end belongs to it."""
        await self.put_all(backend, [Put(path(id_), {"field": value}) for id_, value in _FIELD.items()])
        await self.put(backend, path("no-field"), {"other": 1})
        within = FieldRange("field", at_least, below)
        query = Query(collection=STATES, within=within, is_descending=is_descending)
        assert await self._found(backend, query) == (expected[::-1] if is_descending else expected)

    @either_way
    async def test_a_cursor_goes_on_within_equal_values(self, backend: AsyncBackend, is_descending: bool) -> None:  # noqa: FBT001 - as above
        """Page after page, behind the last document of each, gives every document once, in order."""
        writes = [Put(path(f"{n:03}"), {"field": n // 7, "odd": n % 2}) for n in range(60)]
        await self.put_all(backend, writes[::-1])
        query = Query(collection=STATES, within=FieldRange("field", 1, 8), is_descending=is_descending)
        met: list[str] = []
        while True:
            found = backend.query(query, limit=5, timeout=self.timeout)
            page = [document async for document in found]
            met += [document.path.id for document in page]
            if len(page) < 5:  # noqa: PLR2004 - the limit above
                break
            query = query.behind(page[-1])
        expected = [f"{n:03}" for n in range(7, 56)]
        assert met == (expected[::-1] if is_descending else expected)

    async def test_a_cursor_need_not_be_there(self, backend: AsyncBackend) -> None:
        """A cursor is a place in the order, whatever became of the document that it names."""
        await self.put_all(backend, [Put(path(id_), {"field": 1}) for id_ in "bdf"])
        within = FieldRange("field", 0)
        query = Query(collection=STATES, within=within, after=Cursor(path("c"), 1))
        assert await self._found(backend, query) == ["d", "f"]

    @either_way
    async def test_a_range_and_an_equality_must_both_hold(self, backend: AsyncBackend, is_descending: bool) -> None:  # noqa: FBT001 - as above
        """Of the documents in the range those that meet the equality are found, and the limit counts these."""
        writes = [Put(path(f"{n}"), {"field": n, "even": n % 2 == 0}) for n in range(10)]
        await self.put_all(backend, writes)
        equal = (FieldEquals("even", value=True),)
        query = Query(collection=STATES, equal=equal, within=FieldRange("field", 1, 9), is_descending=is_descending)
        expected = ["8", "6", "4"] if is_descending else ["2", "4", "6"]
        assert await self._found(backend, query, limit=3) == expected

    @either_way
    async def test_many_in_a_range_are_paged(self, backend: AsyncBackend, is_descending: bool) -> None:  # noqa: FBT001 - as above
        """Every one of more than a thousand is found, once, in order."""
        count = 1_300
        writes = [Put(path(f"{n * 7 % count:05}"), {"at": _NOON + n * _SECOND}) for n in range(count)]
        await self.put_all(backend, writes)
        within = FieldRange("at", _NOON + _SECOND, _NOON + (count - 1) * _SECOND)
        query = Query(collection=STATES, within=within, is_descending=is_descending)
        expected = [f"{n * 7 % count:05}" for n in range(1, count - 1)]
        assert await self._found(backend, query) == (expected[::-1] if is_descending else expected)

    @either_way
    async def test_equal_values_are_ordered_by_path(self, backend: AsyncBackend, is_descending: bool) -> None:  # noqa: FBT001 - as above
        """Paths are compared part by part: what begins another governor's id comes before it."""
        places = [("governors/a/due", "z"), ("governors/a-b/due", "a"), ("governors/a-b/due", "b")]
        for collection, id_ in places:
            await self.put(backend, DocumentPath(collection, id_), {"at": 1})
        query = Query(collection="due", within=FieldRange("at", 0), is_group=True, is_descending=is_descending)
        expected = [f"{collection}/{id_}" for collection, id_ in places]
        assert await self._found(backend, query) == (expected[::-1] if is_descending else expected)
        behind = Query(collection="due", within=FieldRange("at", 0), is_group=True)
        behind = Query(
            collection="due", within=behind.within, is_group=True, after=Cursor(DocumentPath("governors/a/due", "z"), 1)
        )
        assert await self._found(backend, behind) == expected[1:]

    async def test_a_group_is_every_collection_of_its_name(self, backend: AsyncBackend) -> None:
        """All collections whose path ends in the name are searched, and no other; theirs is one order."""
        for n, place in enumerate(("g/a/due", "g/b/due", "g/a/due2", "g/a/undue", "g/b/due/x/more", "due")):
            await self.put(backend, DocumentPath(place, "x"), {"at": 10 - n, "on": True})
        within = FieldRange("at", 0)
        assert await self._found(backend, Query(collection="due", within=within, is_group=True)) == [
            "due/x",
            "g/b/due/x",
            "g/a/due/x",
        ]
        equal = (FieldEquals("on", value=True),)
        assert await self._found(backend, Query(collection="due", equal=equal, is_group=True)) == [
            "due/x",
            "g/a/due/x",
            "g/b/due/x",
        ]
