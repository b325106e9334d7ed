# Generated from tests/_async/api/test_store_lists_damaged.py by .ci/generate_sync.py; do not edit.
"""Lists go past what is damaged or somebody else's, and name it at the end; what they read is bounded."""
import pytest

from tai_state import BackendStore
from tai_state._sync.access import access
from tai_state.documents import DocumentPath, Put
from tai_state.layout import state_layout
from tests._sync.stores import TIMEOUT, WrappedBackend, plant, until_damage

PATHS = state_layout("g", "b")


class WeighingBackend(WrappedBackend):
    """Notes how many documents, and how many bytes of them, each scan or query gave."""

    def __init__(self, inner):
        super().__init__(inner)
        self.given = []

    def scan(self, collection, **options):
        return self._weighed(super().scan(collection, **options))

    def query(self, query, **options):
        return self._weighed(super().query(query, **options))

    def _weighed(self, found):
        weights: list[int] = []
        self.given.append(weights)
        for document in found:
            weights.append(document.size)
            yield document


@pytest.fixture
def three(store):
    """States a, b and c."""
    for state_id in ("a", "b", "c"):
        store.save_state("g", state_id, {"n": 1}, status="on")
    return store


@pytest.mark.parametrize("changes", [{"data": 5}, {"data": {"n": 2}}, {"version": "1"}], ids=str)
@pytest.mark.parametrize("asked", [{}, {"status": "on"}, {"limit": 5}, {"include_deleted": True}], ids=str)
def test_a_damaged_state_is_passed_over_and_named(three, changes, asked):
    """The sound ones come first, all of them; then an error carries the ids of the others."""
    plant(three, PATHS.state, **changes)
    given, error = until_damage(three.list_states("g", **asked))
    assert [state.state_id for state in given] == ["a", "c"]
    assert (error.governor_id, error.state_ids) == ("g", ["b"])
    assert "governors/g/states/b" in str(error)


def test_a_strangers_document_is_passed_over_and_named(three):
    """By the id under which it is stored, whatever is in it."""
    stranger = DocumentPath(PATHS.governor.states, "a.b")
    three.runtime.access.backend.commit([Put(stranger, {"x": 1})], timeout=TIMEOUT)
    given, error = until_damage(three.list_states("g"))
    assert ([state.state_id for state in given], error.state_ids) == (["a", "b", "c"], ["a.b"])


def test_damage_behind_the_limit_is_not_met(three):
    """A list that ends before it knows nothing of it."""
    plant(three, PATHS.state, data=5)
    given, error = until_damage(three.list_states("g", limit=1))
    assert ([state.state_id for state in given], error) == (["a"], None)


def test_many_damaged_states_are_all_named(store):
    """The error carries every id, its message tells of a few."""
    ids = [f"s{number}" for number in range(7)]
    for state_id in ids:
        store.save_state("g", state_id, {})
        plant(store, state_layout("g", state_id).state, data=5)
    given, error = until_damage(store.list_states("g"))
    assert (given, error.state_ids) == ([], ids)
    assert "7 state documents" in str(error)
    assert "and 4 more" in str(error)


def test_stats_count_past_what_is_damaged(three):
    """It is named, and not counted."""
    plant(three, PATHS.state, data=5)
    found = three.stats("g")
    assert (found.states, found.events, found.damaged) == (2, 2, ["b"])


def test_a_batch_gives_the_others(three):
    """One that its events still tell is rebuilt; one that nothing tells is named."""
    plant(three, PATHS.state, data=5)
    plant(three, state_layout("g", "c").state, data=5)
    plant(three, state_layout("g", "c").event(1), to_state=5)
    batch = three.batch_get_states("g", ["a", "b", "c", "d"])
    assert {name: state.recovered for name, state in batch.found.items()} == {"a": False, "b": True}
    assert (batch.missing, batch.damaged) == (["d"], ["c"])


@pytest.mark.parametrize("limit", [None, 1, 2, 3])
def test_a_strangers_governor_is_left_out(three, limit):
    """What somebody else keeps beside ours is no governor."""
    three.save_state("h", "a", {})
    for governor in ("a.b", "h.i"):
        stranger = PATHS.state._replace(collection=f"governors/{governor}/states")
        three.runtime.access.backend.commit([Put(stranger, {"x": 1})], timeout=TIMEOUT)
    assert [one for one in three.list_governors(limit=limit)] == ["g", "h"][:limit]


def test_one_live_state_behind_many_deleted_ones_costs_little(place):
    """The engine is asked for the live ones: it does not send the others."""
    writer = place.store()
    for number in range(40):
        writer.save_state("g", f"a{number:02}", {})
        writer.delete_state("g", f"a{number:02}")
    writer.save_state("g", "b", {})
    backend = WeighingBackend(writer.runtime.access.backend)
    store = BackendStore(backend, actor="tester")
    assert [state.state_id for state in store.list_states("g", limit=1)] == ["b"]
    assert [len(weights) for weights in backend.given] == [1]


def test_a_page_is_bounded_by_bytes(place, monkeypatch):
    """A reader holds as many documents as a page of few bytes has, and gets all of them, once."""
    monkeypatch.setattr(access, "PAGE_BYTES", 20_000)
    writer = place.store()
    for number in range(12):
        writer.save_state("g", f"s{number:02}", {"text": "x" * 9_000})
    backend = WeighingBackend(writer.runtime.access.backend)
    store = BackendStore(backend, actor="tester")
    assert [state.state_id for state in store.list_states("g")] == [f"s{number:02}" for number in range(12)]
    assert max(map(sum, backend.given)) < 40_000
