"""Scans by id: bounds, order, paging, and what belongs to a collection."""

import pytest

from tai_state._async.access.port import AsyncBackend
from tai_state.documents import Delete, Put
from tai_state.testing._async.conformance.base import STATES, AsyncConformanceBase, ids_of, path

_MANY = 1_050
_ASCII_IDS = ["%41", "-", "0", "00", "1", "10", "2", "A", "A@1", "AB", "B", "Z", "_"]
_ASCII_IDS += ["a", "a%20", "a-", "a0", "a@1", "aA", "a_", "aa", "b", "z"]
_OTHER_IDS = ["z", "é", "\u05d0", "\ue000", "\uff21", "\uffff"]
_OTHER_IDS += ["\U00010000", "\N{GRINNING FACE}", "\U0010ffff"]


class AsyncScanContract(AsyncConformanceBase):
    """A scan yields exactly the documents of a range of a collection, ascending by id."""

    async def _seed_ids(self, backend: AsyncBackend, *ids: str, collection: str = STATES) -> None:
        await self.put_all(backend, [Put(path(id_, collection), {"id": id_}) for id_ in ids])

    async def _scan(
        self,
        backend: AsyncBackend,
        *,
        start: str | None = None,
        stop: str | None = None,
        limit: int | None = None,
    ) -> list[str]:
        return await ids_of(backend.scan(STATES, start=start, stop=stop, limit=limit, timeout=self.timeout))

    async def _ids(
        self, backend: AsyncBackend, collection: str, *, start: str | None = None, limit: int | None = None
    ) -> list[str]:
        found = backend.scan_ids(collection, start=start, limit=limit, timeout=self.timeout)
        return [id_ async for id_ in found]

    async def test_an_empty_collection_has_nothing(self, backend: AsyncBackend) -> None:
        """A scan of a collection that nobody ever wrote to yields nothing."""
        assert await self._scan(backend) == []
        assert await self._ids(backend, STATES) == []

    @pytest.mark.parametrize(
        ("start", "stop", "expected"),
        [
            (None, None, "abcde"),
            ("b", None, "bcde"),
            (None, "d", "abc"),
            ("b", "d", "bc"),
            ("b", "b", ""),
            ("d", "b", ""),
            ("aa", "cc", "bc"),
            ("f", None, ""),
            (None, "a", ""),
            ("0", "~", "abcde"),
        ],
    )
    async def test_bounds(self, backend: AsyncBackend, start: str | None, stop: str | None, expected: str) -> None:
        """The first bound belongs to the range, the second does not, and neither need exist."""
        await self._seed_ids(backend, *"ecadb")
        assert await self._scan(backend, start=start, stop=stop) == list(expected)

    @pytest.mark.parametrize(("limit", "expected"), [(1, "b"), (2, "bc"), (3, "bcd"), (4, "bcd"), (5_000, "bcd")])
    async def test_a_limit_cuts_the_range_off(self, backend: AsyncBackend, limit: int, expected: str) -> None:
        """A limit keeps the first ones of the range."""
        await self._seed_ids(backend, *"edcba")
        assert await self._scan(backend, start="b", stop="e", limit=limit) == list(expected)

    async def test_ids_ascend_by_their_bytes(self, backend: AsyncBackend) -> None:
        """The characters of stored ids sort as their bytes do, neither by locale nor by case."""
        await self._seed_ids(backend, *reversed(_ASCII_IDS))
        assert await self._scan(backend) == _ASCII_IDS

    async def test_other_ids_ascend_by_their_utf8_bytes(self, backend: AsyncBackend) -> None:
        """Ids past ASCII sort by their UTF-8 bytes; UTF-16 would put U+FFFF behind the emoji."""
        await self._seed_ids(backend, *reversed(_OTHER_IDS))
        assert await self._scan(backend) == _OTHER_IDS
        assert await self._scan(backend, start="\uffff", stop="\U0010ffff") == _OTHER_IDS[5:8]

    async def test_a_long_collection_is_paged(self, backend: AsyncBackend) -> None:
        """Every document of a collection of more than a thousand is yielded, once and in order."""
        ids = [f"{n:05}" for n in range(_MANY)]
        await self._seed_ids(backend, *ids)
        assert await self._scan(backend) == ids
        assert await self._scan(backend, start=ids[7], stop=ids[-7]) == ids[7:-7]
        assert await self._scan(backend, start=ids[3], limit=_MANY - 20) == ids[3 : _MANY - 17]

    async def test_a_scan_goes_on_while_documents_change(self, backend: AsyncBackend) -> None:
        """Documents changed or deleted behind the cursor neither end a scan nor come twice."""
        ids = [f"{n:05}" for n in range(400)]
        await self._seed_ids(backend, *ids)
        seen = []
        async for document in backend.scan(STATES, timeout=self.timeout):
            seen.append(document.path.id)
            if len(seen) % 100 == 1:
                await self.commit(backend, Delete(document.path))
        assert seen == ids

    async def test_deleted_documents_are_left_out(self, backend: AsyncBackend) -> None:
        """A scan does not yield what was deleted, and yields what was created again."""
        await self._seed_ids(backend, *"abcd")
        await self.commit(backend, Delete(path("b")), Delete(path("c")))
        await self._seed_ids(backend, "c")
        assert await self._scan(backend) == list("acd")
        assert await self._ids(backend, STATES) == list("acd")

    async def test_collections_of_a_common_prefix_stay_apart(self, backend: AsyncBackend) -> None:
        """A collection whose name begins with another's, or looks like it, is another collection."""
        others = ["governors/g/states2", "governors/g/state", "governors/g/States", "governors/g2/states"]
        others += [
            "governors/G/states",
            "governors/_/states",
            "governors/%67/states",
            "other/g/states",
            "states",
        ]
        for other in others:
            await self._seed_ids(backend, f"in {other}".replace("/", "-"), collection=other)
        await self._seed_ids(backend, "mine")
        assert await self._scan(backend) == ["mine"]
        assert await self._ids(backend, STATES) == ["mine"]

    async def test_collections_underneath_are_left_out(self, backend: AsyncBackend) -> None:
        """A scan yields no documents of collections underneath, and no parents without a document."""
        await self._seed_ids(backend, "a", "c")
        await self._seed_ids(backend, "x", collection=f"{STATES}/a/notes")
        await self._seed_ids(backend, "y", collection=f"{STATES}/b/notes")
        assert await self._scan(backend) == ["a", "c"]

    async def test_missing_parents_are_listed(self, backend: AsyncBackend) -> None:
        """An id without a document is listed, once, when there are documents underneath."""
        await self._seed_ids(backend, "s1", "s2", collection="governors/b/states")
        await self._seed_ids(backend, "e1", collection="governors/b/events")
        await self._seed_ids(backend, "s1", collection="governors/d/states")
        await self._seed_ids(backend, "a", "c", "d", collection="governors")
        assert await self._ids(backend, "governors") == list("abcd")
        assert await self._ids(backend, "governors/b/states") == ["s1", "s2"]

    async def test_ids_have_a_start_and_a_limit(self, backend: AsyncBackend) -> None:
        """The start belongs to what is listed, and missing parents count for the limit as others do."""
        await self._seed_ids(backend, "a", "c", "e", collection="governors")
        for missing in "bd":
            await self._seed_ids(backend, "s", collection=f"governors/{missing}/states")
        assert await self._ids(backend, "governors", start="b") == list("bcde")
        assert await self._ids(backend, "governors", start="bb") == list("cde")
        assert await self._ids(backend, "governors", limit=3) == list("abc")
        assert await self._ids(backend, "governors", start="b", limit=3) == list("bcd")
        assert await self._ids(backend, "governors", start="f") == []

    async def test_a_parent_goes_with_its_last_document(self, backend: AsyncBackend) -> None:
        """An id without a document is listed no more when the last document underneath is deleted."""
        await self._seed_ids(backend, "s1", "s2", collection="governors/a/states")
        await self._seed_ids(backend, "s", collection="governors/b/states")
        await self.commit(backend, Delete(path("s1", "governors/a/states")))
        assert await self._ids(backend, "governors") == ["a", "b"]
        await self.commit(backend, Delete(path("s2", "governors/a/states")))
        assert await self._ids(backend, "governors") == ["b"]

    async def test_many_ids_are_paged(self, backend: AsyncBackend) -> None:
        """Missing parents of more than a page are all listed, once and in order."""
        ids = [f"{n:05}" for n in range(_MANY)]
        await self.put_all(backend, [Put(path("s", f"governors/{id_}/states"), {"n": 1}) for id_ in ids])
        assert await self._ids(backend, "governors") == ids
        assert await self._ids(backend, "governors", start=ids[5], limit=_MANY - 10) == ids[5:-5]
