# Generated from tests/_async/history/test_compact_sealed.py by .ci/generate_sync.py; do not edit.
"""With ``compact_sealed`` the commit that seals events removes their documents, and nothing of a history is missed."""
import pytest

from tai_state import StateMachinePersister, PersistenceConfig, verify
from tai_state.documents import Delete, Put
from tai_state.layout import state_layout
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, document_at, plant

PATHS = state_layout("g", "s")
KEPT = PersistenceConfig(snapshot_interval=1_000, segment_events=4)
COMPACT = PersistenceConfig(snapshot_interval=1_000, segment_events=4, compact_sealed=True)


def moved(persister, first, last):
    """Bring a state from one version to another, each move under a key of its own."""
    for version in range(first, last + 1):
        persister.transition("g", "s", "add", version, idempotency_key=f"k{version}")


def grown(store, config=COMPACT):
    """Return a persister, and its state at version 10: 1 to 8 are sealed, by fours."""
    persister = StateMachinePersister(store, COUNTER, config)
    persister.start("g", "s", {"n": 0})
    moved(persister, 2, 10)
    return persister


def documents(store, collection):
    """Return the versions of a collection's documents."""
    found = store.runtime.access.backend.scan(collection, timeout=TIMEOUT)
    return [int(document.path.id.rpartition("@")[2]) for document in found]


def test_what_is_sealed_loses_its_documents(store):
    """In the same commit, and its segment says that it is alone; every read is as before."""
    persister = grown(store)
    assert documents(store, PATHS.governor.events) == [9, 10]
    assert [(document_at(store, PATHS.segment(one))).fields["alone"] for one in (1, 5)] == [True, True]
    assert [event.version for event in persister.history("g", "s")] == list(range(1, 11))
    assert [event.version for event in store.get_events("g", "s", after=2, limit=3)] == [3, 4, 5]
    assert (persister.replay("g", "s")).data == {"n": 54}
    assert (persister.replay("g", "s", until_version=6)).data == {"n": 20}
    assert (persister.transition("g", "s", "add", 3, idempotency_key="k3")).replayed
    assert [one for report in verify(store) for one in report.problems] == []
    assert (persister.rollback("g", "s", 6)).snapshot.data == {"n": 20}


def test_what_is_sealed_goes_with_one_commit(place):
    """Of the state, the event, the segment and so many deletions."""
    store, backend = place.counting()
    grown(store)
    sealing = backend.commits[4]
    assert [write.path for write in sealing if isinstance(write, Delete)] == [PATHS.event(one) for one in range(1, 5)]
    assert {write.path for write in sealing if isinstance(write, Put)} >= {
        PATHS.state,
        PATHS.event(5),
        PATHS.segment(1),
    }


def test_what_another_process_made_loses_its_documents_too(place):
    """It is read before it is sealed."""
    persister = grown(place.store(), KEPT)
    StateMachinePersister(place.store(), COUNTER, KEPT).transition("g", "s", "add", 1)
    other = StateMachinePersister(place.store(), COUNTER, COMPACT)
    moved(other, 12, 13)
    assert documents(other.store, PATHS.governor.events) == [*range(1, 9), 13]
    assert (persister.validate_consistency("g")).is_consistent


def test_a_lost_state_of_sealed_events_is_recovered(store):
    """With its marks, from segments and what follows them."""
    persister = grown(store)
    before = (document_at(store, PATHS.state)).fields
    store.runtime.access.backend.commit([Delete(PATHS.state)], timeout=TIMEOUT)
    report = persister.recover("g")
    assert ([one.kind for one in report.repaired], report.unresolved) == (["state_missing"], [])
    assert (document_at(store, PATHS.state)).fields == before


@pytest.mark.usefixtures("store")
def test_a_damaged_event_is_neither_sealed_nor_removed(place):
    """Where it was read, and is not what follows: nobody removes what may be the only truth."""
    grown(place.store(), KEPT)
    store = place.store()
    moved(StateMachinePersister(store, COUNTER, KEPT), 11, 12)
    plant(store, PATHS.event(10), to_status="shut")
    moved(StateMachinePersister(place.store(), COUNTER, COMPACT), 13, 14)
    assert documents(store, PATHS.governor.events) == list(range(1, 15))
