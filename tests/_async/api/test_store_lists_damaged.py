"""Lists go past what is damaged or somebody else's, and name it at the end; what they read is bounded."""

import pytest

from tai_state import AsyncBackendStore
from tai_state._async.access import access
from tai_state.documents import DocumentPath, Put
from tai_state.layout import state_layout
from tests._async.stores import TIMEOUT, AsyncWrappedBackend, async_plant, async_until_damage

PATHS = state_layout("g", "b")


class AsyncWeighingBackend(AsyncWrappedBackend):
    """Notes how many documents, and how many bytes of them, each scan or query gave."""

    def __init__(self, inner):
        super().__init__(inner)
        self.given = []

    def scan(self, collection, **options):
        return self._weighed(super().scan(collection, **options))

    def query(self, query, **options):
        return self._weighed(super().query(query, **options))

    async def _weighed(self, found):
        weights: list[int] = []
        self.given.append(weights)
        async for document in found:
            weights.append(document.size)
            yield document


@pytest.fixture
async def three(store):
    """States a, b and c."""
    for state_id in ("a", "b", "c"):
        await store.save_state("g", state_id, {"n": 1}, status="on")
    return store


@pytest.mark.parametrize("changes", [{"data": 5}, {"data": {"n": 2}}, {"version": "1"}], ids=str)
@pytest.mark.parametrize("asked", [{}, {"status": "on"}, {"limit": 5}, {"include_deleted": True}], ids=str)
async def test_a_damaged_state_is_passed_over_and_named(three, changes, asked):
    """The sound ones come first, all of them; then an error carries the ids of the others."""
    await async_plant(three, PATHS.state, **changes)
    given, error = await async_until_damage(three.list_states("g", **asked))
    assert [state.state_id for state in given] == ["a", "c"]
    assert (error.governor_id, error.state_ids) == ("g", ["b"])
    assert "governors/g/states/b" in str(error)


async def test_a_strangers_document_is_passed_over_and_named(three):
    """By the id under which it is stored, whatever is in it."""
    stranger = DocumentPath(PATHS.governor.states, "a.b")
    await three.runtime.access.backend.commit([Put(stranger, {"x": 1})], timeout=TIMEOUT)
    given, error = await async_until_damage(three.list_states("g"))
    assert ([state.state_id for state in given], error.state_ids) == (["a", "b", "c"], ["a.b"])


async def test_damage_behind_the_limit_is_not_met(three):
    """A list that ends before it knows nothing of it."""
    await async_plant(three, PATHS.state, data=5)
    given, error = await async_until_damage(three.list_states("g", limit=1))
    assert ([state.state_id for state in given], error) == (["a"], None)


async def test_many_damaged_states_are_all_named(store):
    """The error carries every id, its message tells of a few."""
    ids = [f"s{number}" for number in range(7)]
    for state_id in ids:
        await store.save_state("g", state_id, {})
        await async_plant(store, state_layout("g", state_id).state, data=5)
    given, error = await async_until_damage(store.list_states("g"))
    assert (given, error.state_ids) == ([], ids)
    assert "7 state documents" in str(error)
    assert "and 4 more" in str(error)


async def test_stats_count_past_what_is_damaged(three):
    """It is named, and not counted."""
    await async_plant(three, PATHS.state, data=5)
    found = await three.stats("g")
    assert (found.states, found.events, found.damaged) == (2, 2, ["b"])


async def test_a_batch_gives_the_others(three):
    """One that its events still tell is rebuilt; one that nothing tells is named."""
    await async_plant(three, PATHS.state, data=5)
    await async_plant(three, state_layout("g", "c").state, data=5)
    await async_plant(three, state_layout("g", "c").event(1), to_state=5)
    batch = await three.batch_get_states("g", ["a", "b", "c", "d"])
    assert {name: state.recovered for name, state in batch.found.items()} == {"a": False, "b": True}
    assert (batch.missing, batch.damaged) == (["d"], ["c"])


@pytest.mark.parametrize("limit", [None, 1, 2, 3])
async def test_a_strangers_governor_is_left_out(three, limit):
    """What somebody else keeps beside ours is no governor."""
    await three.save_state("h", "a", {})
    for governor in ("a.b", "h.i"):
        stranger = PATHS.state._replace(collection=f"governors/{governor}/states")
        await three.runtime.access.backend.commit([Put(stranger, {"x": 1})], timeout=TIMEOUT)
    assert [one async for one in three.list_governors(limit=limit)] == ["g", "h"][:limit]


async def test_one_live_state_behind_many_deleted_ones_costs_little(place):
    """The engine is asked for the live ones: it does not send the others."""
    writer = place.store()
    for number in range(40):
        await writer.save_state("g", f"a{number:02}", {})
        await writer.delete_state("g", f"a{number:02}")
    await writer.save_state("g", "b", {})
    backend = AsyncWeighingBackend(writer.runtime.access.backend)
    store = AsyncBackendStore(backend, actor="tester")
    assert [state.state_id async for state in store.list_states("g", limit=1)] == ["b"]
    assert [len(weights) for weights in backend.given] == [1]


async def test_a_page_is_bounded_by_bytes(place, monkeypatch):
    """A reader holds as many documents as a page of few bytes has, and gets all of them, once."""
    monkeypatch.setattr(access, "PAGE_BYTES", 20_000)
    writer = place.store()
    for number in range(12):
        await writer.save_state("g", f"s{number:02}", {"text": "x" * 9_000})
    backend = AsyncWeighingBackend(writer.runtime.access.backend)
    store = AsyncBackendStore(backend, actor="tester")
    assert [state.state_id async for state in store.list_states("g")] == [f"s{number:02}" for number in range(12)]
    assert max(map(sum, backend.given)) < 40_000
