"""Queries by equality of top-level fields."""

from typing import Any

import pytest

from tai_state._async.access.port import AsyncBackend
from tai_state.documents import Cursor, Delete, FieldEquals, Put, Query
from tai_state.testing._async.conformance.base import STATES, AsyncConformanceBase, ids_of, path

_VALUES: dict[str, Any] = {
    "bool-false": False,
    "bool-true": True,
    "float": 1.5,
    "int-big": 2**53,
    "int-bigger": 2**53 + 1,
    "int-last": 2**63 - 1,
    "int-one": 1,
    "int-zero": 0,
    "list": ["open", 1, True],
    "map": {"field": "open"},
    "none": None,
    "text": "open",
    "text-case": "Open",
    "text-empty": "",
    "text-false": "false",
    "text-longer": "opened",
    "text-odd": 'it\'s "é" \N{GRINNING FACE} % _ \\ \0 ?',
    "text-one": "1",
    "text-space": "open ",
}
_ASKED = ["bool-false", "bool-true", "int-big", "int-bigger", "int-last", "int-one", "int-zero"]
_ASKED += ["text", "text-case", "text-empty", "text-false", "text-odd", "text-one", "text-space"]
_ODD_NAMES = ["a.b", "`", "a b", "/", '"', "'", "\\", "$", "*", "é", "\N{GRINNING FACE}", "1", "from", "id"]


class AsyncQueryContract(AsyncConformanceBase):
    """A query yields exactly the documents whose fields equal what is asked, ascending by id."""

    async def _query(
        self,
        backend: AsyncBackend,
        *,
        after: str | None = None,
        limit: int | None = None,
        **equal: str | int | bool,
    ) -> list[str]:
        conditions = tuple(FieldEquals(name, value) for name, value in equal.items())
        cursor = None if after is None else Cursor(path(after))
        query = Query(collection=STATES, equal=conditions, after=cursor)
        return await ids_of(backend.query(query, limit=limit, timeout=self.timeout))

    @pytest.mark.parametrize("asked", _ASKED)
    async def test_equality_is_exact(self, backend: AsyncBackend, asked: str) -> None:
        """Of values that look alike only the equal one of the same type is found: True is not 1."""
        await self.put_all(backend, [Put(path(id_), {"field": value}) for id_, value in _VALUES.items()])
        await self.put(backend, path("no-field"), {"other": _VALUES[asked]})
        assert await self._query(backend, field=_VALUES[asked]) == [asked]

    async def test_all_conditions_must_hold(self, backend: AsyncBackend) -> None:
        """Several conditions are met by documents that meet each of them."""
        for n in range(8):
            await self.put(backend, path(f"{n}"), {"text": "ab"[n & 1], "flag": bool(n & 2), "n": n >> 2})
        assert await self._query(backend, text="a") == ["0", "2", "4", "6"]
        assert await self._query(backend, text="a", flag=True) == ["2", "6"]
        assert await self._query(backend, text="a", flag=True, n=1) == ["6"]
        assert await self._query(backend, text="a", flag=True, n=2) == []

    async def test_a_query_has_a_cursor_and_a_limit(self, backend: AsyncBackend) -> None:
        """What is found lies behind the cursor, which need not match or be there; the limit counts matches."""
        for n in range(10):
            await self.put(backend, path(f"{n}"), {"even": n % 2 == 0})
        assert await self._query(backend, even=True, after="4") == ["6", "8"]
        assert await self._query(backend, even=True, after="5") == ["6", "8"]
        assert await self._query(backend, even=True, after="55") == ["6", "8"]
        assert await self._query(backend, even=True, limit=2) == ["0", "2"]
        assert await self._query(backend, even=True, after="1", limit=2) == ["2", "4"]
        assert await self._query(backend, even=True, after="9") == []
        assert await self._query(backend, even=True, limit=0) == []

    async def test_many_matches_are_paged(self, backend: AsyncBackend) -> None:
        """Every match among more than a thousand is found, once, ascending by id."""
        ids = [f"{n:05}" for n in range(1_300)]
        puts = [Put(path(id_), {"rare": n % 130 == 0, "found": n % 13 != 0}) for n, id_ in enumerate(ids)]
        await self.put_all(backend, puts[::-1])
        assert await self._query(backend, found=True) == [id_ for n, id_ in enumerate(ids) if n % 13]
        assert await self._query(backend, rare=True) == ids[::130]
        assert await self._query(backend, rare=True, after=ids[0], limit=5) == ids[130:651:130]

    async def test_a_query_sees_changes(self, backend: AsyncBackend) -> None:
        """A document is found by what it holds now, and not at all once it is deleted."""
        await self.put_all(backend, [Put(path(id_), {"status": "open"}) for id_ in "abc"])
        await self.put(backend, path("a"), {"status": "closed"})
        await self.commit(backend, Delete(path("b")))
        assert await self._query(backend, status="open") == ["c"]
        assert await self._query(backend, status="closed") == ["a"]

    async def test_a_query_keeps_to_its_collection(self, backend: AsyncBackend) -> None:
        """Neither collections of a similar name nor those underneath are searched."""
        for collection in (STATES, f"{STATES}2", f"{STATES}/a/notes", "governors/g2/states", "states"):
            await self.put(backend, path("a", collection), {"status": "open"})
        assert await self._query(backend, status="open") == ["a"]

    @pytest.mark.parametrize("name", _ODD_NAMES, ids=ascii)
    async def test_a_field_of_any_name_is_found(self, backend: AsyncBackend, name: str) -> None:
        """A condition names a top-level field literally: a dot or a quote in it has no meaning."""
        await self.put(backend, path("literal"), {name: "x"})
        await self.put(backend, path("nested"), {"a": {"b": "x", name: "x"}})
        query = Query(collection=STATES, equal=(FieldEquals(name, "x"),))
        assert await ids_of(backend.query(query, timeout=self.timeout)) == ["literal"]
