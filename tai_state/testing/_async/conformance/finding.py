"""Queries by the items of a list and by the time of the last change, and counts."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tai_state._async.access.port import AsyncBackend
from tai_state.documents import (
    UPDATE_TIME,
    Capability,
    Cursor,
    Delete,
    DocumentPath,
    FieldContains,
    FieldEquals,
    FieldRange,
    Put,
    Query,
)
from tai_state.errors import UnsupportedOperationError
from tai_state.testing._async.conformance.base import STATES, AsyncConformanceBase, path

_LISTS: dict[str, Any] = {
    "alone": ["a=1"],
    "among": ["0", "a=1", "b"],
    "deep": {"a=1": ["a=1"]},
    "empty": [],
    "key": {"a=1": 1},
    "longer": ["a=11", "a"],
    "mixed": [1, True, None, {"a=1": "a=1"}, "a=1"],
    "none": None,
    "odd": ['it\'s "é" \N{GRINNING FACE} % _ \\ \0 ?', "1"],
    "one": [1, True],
    "text": "a=1",
    "twice": ["a=1", "a=1"],
}
_TICK = timedelta(microseconds=1)
either_field = pytest.mark.parametrize("name", ["labels", "tags"])


class AsyncFindingContract(AsyncConformanceBase):
    """A list that holds something is found by it, a change by its time, and what is counted is what is found."""

    async def _listed(self, backend: AsyncBackend, query: Query, limit: int | None = None) -> list[str]:
        found = backend.query(query, limit=limit, timeout=self.timeout)
        paths = [str(document.path).removeprefix(f"{STATES}/") async for document in found]
        if limit is None:
            # Whatever is found is what is counted.
            assert await backend.count(query, timeout=self.timeout) == len(paths)
        return paths

    # The items of a list

    @either_field
    async def test_a_list_is_found_by_what_it_holds(self, backend: AsyncBackend, name: str) -> None:
        """Exactly the lists in which that text is, once each; no text, and no map that holds it."""
        await self.put_all(backend, [Put(path(id_), {name: value}) for id_, value in _LISTS.items()])
        await self.put(backend, path("no-field"), {"other": ["a=1"]})
        expected = {
            "a=1": ["alone", "among", "mixed", "twice"],
            "1": ["odd"],
            _LISTS["odd"][0]: ["odd"],
            "a": ["longer"],
            "": [],
            "true": [],
        }
        found = {}
        for asked in expected:
            found[asked] = await self._listed(backend, Query(collection=STATES, contains=FieldContains(name, asked)))
        assert found == expected

    @either_field
    async def test_a_list_is_found_as_it_is_now(self, backend: AsyncBackend, name: str) -> None:
        """Changed, taken away, deleted and created anew: what counts is what the document holds."""
        await self.put_all(backend, [Put(path(id_), {name: ["x", "y"]}) for id_ in "abcde"])
        await self.put(backend, path("a"), {name: ["y", "z"]})
        await self.put(backend, path("b"), {"other": 1})
        await self.commit(backend, Delete(path("c")))
        await self.commit(backend, Delete(path("d")))
        await self.put(backend, path("d"), {name: ["z"]})
        asked = {term: Query(collection=STATES, contains=FieldContains(name, term)) for term in "xyz"}
        found = {term: await self._listed(backend, query) for term, query in asked.items()}
        assert found == {"x": ["e"], "y": ["a", "e"], "z": ["a", "d"]}

    @either_field
    async def test_lists_are_found_beside_other_conditions(self, backend: AsyncBackend, name: str) -> None:
        """All conditions must hold, and the cursor and the limit are those of the order, in a collection or a group."""
        terms = [["even", "all"], ["all"]]
        puts = [Put(path(f"{n:02}"), {name: terms[n % 2], "n": n // 6}) for n in range(12)]
        await self.put_all(backend, [*puts, Put(path("x", "governors/f/states"), {name: ["even"], "n": 1})])
        even = FieldContains(name, "even")
        for collection, is_group, more in ((STATES, False, []), ("states", True, ["governors/f/states/x"])):
            query = Query(collection=collection, contains=even, is_group=is_group)
            assert await self._listed(backend, query) == [*more, "00", "02", "04", "06", "08", "10"]
            assert await self._listed(backend, query, limit=2) == [*more, "00", "02"][:2]
            behind = Query(collection=collection, contains=even, is_group=is_group, after=Cursor(path("05")))
            assert await self._listed(backend, behind) == ["06", "08", "10"]
            both = Query(collection=collection, contains=even, is_group=is_group, equal=(FieldEquals("n", 1),))
            assert await self._listed(backend, both) == [*more, "06", "08", "10"]

    @either_field
    async def test_lists_are_found_in_the_order_of_a_range(self, backend: AsyncBackend, name: str) -> None:
        """By the field of the range, then by path, from either end."""
        await self.put_all(
            backend, [Put(path(f"{n:02}"), {name: ["all"] if n % 3 else [], "n": n // 4}) for n in range(12)]
        )
        expected = ["04", "05", "07", "08", "10", "11"]
        for is_descending, ordered in ((False, expected), (True, expected[::-1])):
            query = Query(
                collection=STATES,
                contains=FieldContains(name, "all"),
                within=FieldRange("n", 1),
                is_descending=is_descending,
            )
            assert await self._listed(backend, query) == ordered
            behind = query.behind([one async for one in backend.query(query, limit=2, timeout=self.timeout)][-1])
            assert await self._listed(backend, behind) == ordered[2:]

    async def test_many_lists_are_paged(self, backend: AsyncBackend) -> None:
        """Every one among many is found, once, in order."""
        ids = [f"{n:04}" for n in range(320)]
        await self.put_all(backend, [Put(path(id_), {"labels": ["all", f"of={n % 7}"]}) for n, id_ in enumerate(ids)])
        assert await self._listed(backend, Query(collection=STATES, contains=FieldContains("labels", "all"))) == ids
        few = Query(collection=STATES, contains=FieldContains("labels", "of=3"))
        assert await self._listed(backend, few) == ids[3::7]

    async def test_a_group_is_bounded_by_a_path(self, backend: AsyncBackend) -> None:
        """What is below a collection or a document is found, in the order of paths, from either end."""
        places = ["a/b/due", "g/a/due", "g/a/due/x/due", "g/a-b/due", "g2/a/due", "due"]
        await self.put_all(backend, [Put(path(id_, place), {"labels": ["x"]}) for place in places for id_ in "pq"])
        of_one = ["g/a/due/p", "g/a/due/q", "g/a/due/x/due/p", "g/a/due/x/due/q"]
        of_all = [*of_one, "g/a-b/due/p", "g/a-b/due/q"]
        held = FieldContains("labels", "x")
        for below, expected in {"g": of_all, "g/a": of_one, "g/b": []}.items():
            bare = Query(collection="due", is_group=True, below=below)
            assert await self._listed(backend, bare) == expected
            query = replace(bare, contains=held)
            assert await self._listed(backend, query) == expected
            query = replace(query, is_descending=True)
            assert await self._listed(backend, query) == expected[::-1]
            assert await self._listed(backend, query, limit=1) == expected[-1:]
            behind = replace(query, after=Cursor(path("q", "g/a/due")))
            assert await self._listed(backend, behind) == [one for one in expected if one == "g/a/due/p"]

    async def test_paths_are_read_from_their_end(self, backend: AsyncBackend) -> None:
        """The order of a query without a range is turned around, too."""
        await self.put_all(backend, [Put(path(id_), {"n": n % 2}) for n, id_ in enumerate("abcdef")])
        query = Query(collection=STATES, equal=(FieldEquals("n", 1),), is_descending=True)
        assert await self._listed(backend, query) == ["f", "d", "b"]
        assert await self._listed(backend, replace(query, after=Cursor(path("e")))) == ["d", "b"]
        assert await self._listed(backend, query, limit=2) == ["f", "d"]

    # Counts

    async def test_a_count_is_of_what_is_found(self, backend: AsyncBackend) -> None:
        """Of a value it is exact in its type, of nothing it is none, and a cursor counts what is behind it."""
        values = [True, 1, "1", "true", '{"a":1}', {"a": 1}, "x", "x", "x", None]
        await self.put_all(backend, [Put(path(f"{n}"), {"v": value}) for n, value in enumerate(values)])
        counts = {}
        for value in (True, 1, "1", '{"a":1}', "x", "y"):
            query = Query(collection=STATES, equal=(FieldEquals("v", value),))
            counts[repr(value)] = await backend.count(query, timeout=self.timeout)
        assert counts == {"True": 1, "1": 1, "'1'": 1, "'{\"a\":1}'": 1, "'x'": 3, "'y'": 0}
        query = Query(collection=STATES, equal=(FieldEquals("v", "x"),), after=Cursor(path("6")))
        assert await backend.count(query, timeout=self.timeout) == 2  # noqa: PLR2004 - those behind it
        assert await backend.count(Query(collection=STATES), timeout=self.timeout) == len(values)
        assert await backend.count(Query(collection="governors/none/states"), timeout=self.timeout) == 0

    # The time of the last change

    async def _changed(self, backend: AsyncBackend, *, is_descending: bool = False, **bounds: Any) -> list[str]:
        within = FieldRange(UPDATE_TIME, **bounds)
        query = Query(collection="states", within=within, is_group=True, is_descending=is_descending)
        return await self._listed(backend, query)

    async def test_what_changed_since_is_found_or_refused(self, backend: AsyncBackend) -> None:
        """In the order of the changes, each document where its last one is; a backend that cannot says so."""
        began = await backend.server_time(timeout=self.timeout)
        times = [(await self.put(backend, path(id_), {"n": 1})).commit_time for id_ in "cab"]
        if Capability.BY_UPDATE_TIME not in backend.capabilities:
            with pytest.raises(UnsupportedOperationError):
                await self._changed(backend, at_least=began)
            query = Query(collection="states", within=FieldRange(UPDATE_TIME, began), is_group=True)
            with pytest.raises(UnsupportedOperationError):
                await backend.count(query, timeout=self.timeout)
            return
        assert await self._changed(backend, at_least=began) == ["c", "a", "b"]
        assert await self._changed(backend, at_least=began, is_descending=True) == ["b", "a", "c"]
        assert await self._changed(backend, at_least=times[1]) == ["a", "b"]
        assert await self._changed(backend, at_least=times[1] + _TICK) == ["b"]
        assert await self._changed(backend, below=times[1]) == ["c"]
        await self.put(backend, path("c"), {"n": 2})
        await self.commit(backend, Delete(path("a")))
        assert await self._changed(backend, at_least=began) == ["b", "c"]

    async def test_what_one_commit_changed_is_told_apart(self, backend: AsyncBackend) -> None:
        """Documents of one commit share its time, and are told apart by their path."""
        self.require(backend, Capability.BY_UPDATE_TIME)
        began = await backend.server_time(timeout=self.timeout)
        places = [("governors/a/states", "z"), ("governors/a-b/states", "a"), ("governors/a-b/states", "b")]
        await self.commit(backend, *(Put(DocumentPath(*place), {"n": 1}) for place in places))
        await self.put_all(backend, [Put(path(f"{n:03}"), {"n": n}) for n in range(300)])
        await self.put(backend, path("x", "governors/a/events"), {"n": 1})
        query = Query(collection="states", within=FieldRange(UPDATE_TIME, began), is_group=True)
        met: list[str] = []
        while page := [one async for one in backend.query(query, limit=101, timeout=self.timeout)]:
            met += [str(one.path) for one in page]
            query = query.behind(page[-1])
        assert met[:3] == [f"{collection}/{id_}" for collection, id_ in places]
        assert met[3:] == [f"{STATES}/{n:03}" for n in range(300)]
