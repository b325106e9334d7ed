"""Any id that a user may choose has a place of its own, through the escape of ``layout``."""

import pytest

from tai_state import layout
from tai_state._async.access.port import AsyncBackend
from tai_state.documents import Delete, DocumentPath, MustNotExist, Put
from tai_state.testing._async.conformance.base import AsyncConformanceBase, ids_of

IDS = [
    *("a", "A", "b", "a/b", "a%2Fb", "a%2fb", "a//b", "/", ".", "..", "...", "a.b", "-", "_", "__"),
    *("___", "__x__", "__x", "x__", "%5F_x__", "x@3", "x", "x@0000000000000000003", "x%403", "@", "%"),
    *("%%", "%25", "meta", "null", "None"),
    *("état 1", "état", "e\u0301tat", "ß", "ẞ", "a b", " a", "a ", " ", "\0", "a\0", "a\0b", "\n"),
    *("a\nb", "\r\n"),
    *("\t", "\\", "'", '"', "`", "*", "?", "#", "[0]", "$", "--", ";", "a_b", "aXb", "a%b"),
    *("0", "00", "1", "01"),
    *("\N{GRINNING FACE}", "\N{GRINNING FACE}a", "\uffff", "\U0010ffff", "\ue000"),
    *("x" * 480, "x" * 479 + "y", "é" * 240, "€" * 160, "\N{GRINNING FACE}" * 120),
    *("\0" * 480, "_" * 480, "/" * 480),
]
"""Ids that an engine may confuse, refuse or cut off; the last ones are as long as ids may be."""

_LONG = 100
_GOVERNOR = layout.GovernorLayout("a/b")


class AsyncIdContract(AsyncConformanceBase):
    """Ids come back as they were given, and distinct ids never meet."""

    @pytest.mark.parametrize("id_", [id_ for id_ in IDS if len(id_) < _LONG], ids=ascii)
    async def test_a_hostile_id_round_trips(self, backend: AsyncBackend, id_: str) -> None:
        """A document under a hostile governor id and state id is read back from that place."""
        at = layout.state_layout(id_, id_).state
        await self.put(backend, at, {"id": id_}, MustNotExist())
        document = await self.read(backend, at)
        assert (document.path, document.fields) == (at, {"id": id_})

    async def test_hostile_ids_stay_apart_in_one_collection(self, backend: AsyncBackend) -> None:
        """Hostile ids beside each other are as many documents, and each holds what was put there."""
        places = {id_: _GOVERNOR.state(id_).state for id_ in IDS}
        await self.put_all(backend, [Put(at, {"id": id_}, MustNotExist()) for id_, at in places.items()])
        read = await backend.get_many(list(places.values()), timeout=self.timeout)
        stored = {id_: read.documents[at].fields for id_, at in places.items()}
        assert stored == {id_: {"id": id_} for id_ in IDS}
        listed = await ids_of(backend.scan(_GOVERNOR.states, timeout=self.timeout))
        assert listed == sorted(at.id for at in places.values())
        assert {layout.unescape(id_) for id_ in listed} == set(IDS)

    async def test_hostile_ids_stay_apart_as_parents(self, backend: AsyncBackend) -> None:
        """Collections under hostile governor ids hold one document each, and every governor is listed."""
        places = {id_: layout.state_layout(id_, "s").state for id_ in IDS}
        await self.put_all(backend, [Put(at, {"id": id_}, MustNotExist()) for id_, at in places.items()])
        for id_, at in places.items():
            stored = await self.contents(backend, at.collection)
            assert [document.fields for document in stored] == [{"id": id_}], ascii(id_)
        listed = [id_ async for id_ in backend.scan_ids(layout.GOVERNORS, timeout=self.timeout)]
        assert listed == sorted(layout.escape(id_) for id_ in IDS)

    async def test_the_versions_of_an_id_are_a_range(self, backend: AsyncBackend) -> None:
        """One state's events are a range of ids, in the order of versions, free of other states' events."""
        versions = [1, 2, 9, 10, 11, 2**63 - 1]
        events = {id_: [_GOVERNOR.state(id_).event(version) for version in versions] for id_ in IDS}
        await self.put_all(backend, [Put(at, {"id": id_}) for id_, places in events.items() for at in places])
        for id_, places in events.items():
            stored_id = layout.escape(id_)
            found = backend.scan(
                _GOVERNOR.events,
                start=layout.versioned(stored_id, 0),
                stop=f"{stored_id}@~",
                timeout=self.timeout,
            )
            assert [document.path async for document in found] == places, ascii(id_)

    async def test_a_hostile_id_is_deleted_alone(self, backend: AsyncBackend) -> None:
        """Deleting one id deletes no look-alike."""
        ids = ["x", "x@3", "x%403", "X", "x ", "a_b", "aXb", "a%b"]
        places = [_GOVERNOR.state(id_).state for id_ in ids]
        await self.put_all(backend, [Put(at, {"n": 1}) for at in places])
        for gone in places:
            await self.commit(backend, Delete(gone))
            read = await backend.get_many(places, timeout=self.timeout)
            assert gone not in read.documents
            assert len(read.documents) == len(places) - 1
            await self.put(backend, gone, {"n": 1})

    async def test_an_id_and_a_collection_of_the_same_name_are_two_things(self, backend: AsyncBackend) -> None:
        """A document may be named as its collection, and as a collection beneath it."""
        places = [
            DocumentPath("states", "states"),
            DocumentPath("states/states/states", "states"),
            DocumentPath("states/states/states/states/states", "states"),
        ]
        for n, at in enumerate(places):
            await self.put(backend, at, {"n": n})
        for n, at in enumerate(places):
            stored = await self.contents(backend, at.collection)
            assert [document.fields for document in stored] == [{"n": n}]
