# Generated from tests/_async/recovery/test_store_damage.py by .ci/generate_sync.py; do not edit.
"""Documents that somebody else wrote, damaged, or wrote with a newer release: told by name, never touched."""
import pytest

from tai_state import (
    StateMachinePersister,
    CorruptLogError,
    HistoryPolicy,
    SchemaVersionError,
    recover,
)
from tai_state.documents import DocumentPath, Put
from tai_state.layout import META, state_layout
from tai_state.rules.records.formats import FORMAT_NEWEST
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, contents, plant

PATHS = state_layout("g", "s")

STATE_DAMAGE = {
    "version is text": {"version": "1"},
    "version is a float": {"version": 1.0},
    "version is a bool": {"version": True},
    "no status": {"status": None},
    "status is a number": {"status": 5},
    "data is a number": {"data": 5},
    "data is a broken text": {"data": "{"},
    "data is broken bytes": {"data": b"\x28\xb5\x2f\xfd"},
    "data is a list": {"data": "[1]"},
    "data is nothing": {"data": None},
    "hash is nothing": {"hash": None},
    "deleted is text": {"deleted": "no"},
    "timestamp is text": {"timestamp": "2024"},
    "metadata is text": {"metadata": "ann"},
    "metadata lacks its author": {"metadata": {"reason": "", "parent_version": None, "context": {}}},
    "causality counts no ints": {"causality": {"a": "1"}},
    "format is text": {"format": "1"},
    "snapshots are no ints": {"snapshots": ["1"]},
    "it names another state": {"state_id": "other"},
    "it names another governor": {"governor_id": "other"},
    "version is nought": {"version": 0},
    "version is negative": {"version": -5},
}
NEWER = {"format": FORMAT_NEWEST + 1}


def calls_on_a_state(store):
    return {
        "get": lambda: store.get_state("g", "s"),
        "find": lambda: store.find_state("g", "s"),
        "exists": lambda: store.exists("g", "s"),
        "save": lambda: store.save_state("g", "s", {"n": 2}),
        "update": lambda: store.update_state("g", "s", {"n": 2}, 1),
        "delete": lambda: store.delete_state("g", "s"),
    }


@pytest.mark.parametrize("changes", STATE_DAMAGE.values(), ids=STATE_DAMAGE)
def test_a_damaged_state_document_is_named_and_left_alone(place, changes):
    """Where its events do not tell it either, each call raises CorruptLogError with its path, and nothing changes."""
    store = place.store()
    store.save_state("g", "s", {"n": 1})
    plant(store, PATHS.state, **changes)
    plant(store, PATHS.event(1), to_state=5)
    before = contents(store)
    fresh = place.store()
    for name, call in calls_on_a_state(fresh).items():
        with pytest.raises(CorruptLogError, match="governors/g/states/s") as caught:
            call()
        assert (caught.value.governor_id, caught.value.state_id) == ("g", "s"), name
    with pytest.raises(CorruptLogError, match="governors/g/states/s"):
        [one for one in fresh.list_states("g")]
    batch = fresh.batch_get_states("g", ["s", "t"])
    assert (batch.found, batch.missing, batch.damaged) == ({}, ["t"], ["s"])
    assert (fresh.stats("g")).damaged == ["s"]
    assert contents(store) == before


def test_a_damaged_state_is_refused_by_a_store_that_had_it_cached(store):
    """Its cached head leads to a commit that fails, and then to the document and its log."""
    store.save_state("g", "s", {"n": 1})
    plant(store, PATHS.state, data=5)
    plant(store, PATHS.event(1), to_state=5)
    before = contents(store)
    with pytest.raises(CorruptLogError):
        store.save_state("g", "s", {"n": 2})
    assert contents(store) == before


def test_a_state_of_a_newer_release_is_left_alone(place):
    """SchemaVersionError names the document and both numbers."""
    store = place.store()
    store.save_state("g", "s", {"n": 1})
    plant(store, PATHS.state, **NEWER)
    before = contents(store)
    fresh = place.store()
    for name, call in calls_on_a_state(fresh).items():
        with pytest.raises(SchemaVersionError, match="governors/g/states/s") as caught:
            call()
        assert (caught.value.stored, caught.value.ours) == (FORMAT_NEWEST + 1, FORMAT_NEWEST), name
    for call in (lambda: fresh.batch_get_states("g", ["s"]), lambda: fresh.stats("g")):
        with pytest.raises(SchemaVersionError, match="governors/g/states/s"):
            call()
    assert contents(store) == before


def changes_of(store):
    """What writes to a store, and removes from it."""
    persister = StateMachinePersister(store, COUNTER)
    return {
        "save": lambda: store.save_state("g", "s", {"n": 2}),
        "delete": lambda: store.delete_state("g", "s"),
        "move": lambda: persister.transition("g", "s", "add", 1),
        "keep a snapshot": lambda: persister.create_snapshot("g", "s"),
        "erase a state": lambda: store.erase_state("g", "s", reason="test"),
        "erase a governor": lambda: store.erase_governor("g", reason="test"),
        "collect": lambda: persister.gc(history=HistoryPolicy(max_events=1)),
        "trim": lambda: persister.trim("g", "s", before_version=2),
    }


def moved(place):
    """Return a store with a state of three versions."""
    store = place.store()
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0})
    for number in range(2):
        persister.transition("g", "s", "add", number)
    return store


def test_a_store_of_a_newer_release_is_not_written(place):
    """What tai/meta says goes for everything."""
    store = moved(place)
    plant(store, META, format=3)
    # Something to be mended.
    plant(store, PATHS.state, data=5)
    before = contents(store)
    for name, change in changes_of(place.store()).items():
        with pytest.raises(SchemaVersionError) as caught:
            change()
        assert "the store" in str(caught.value), name
    with pytest.raises(SchemaVersionError, match="the store"):
        StateMachinePersister(place.store(), COUNTER).recover("g")
    with pytest.raises(SchemaVersionError, match="the store"):
        [one for one in recover(place.store())]
    assert contents(store) == before


@pytest.mark.parametrize("changes", [{"format": "1"}, {"store_id": 7}, {"store_id": None}], ids=str)
def test_a_damaged_meta_document_is_named(place, changes):
    """A store without its id is not written."""
    store = moved(place)
    plant(store, META, **changes)
    before = contents(store)
    for name, change in changes_of(place.store()).items():
        with pytest.raises(CorruptLogError) as caught:
            change()
        assert "tai/meta" in str(caught.value), name
    assert contents(store) == before


def test_beside_a_damaged_meta_document_the_rest_is_mended(place):
    """Which nothing else tells; a newer release cannot have written it."""
    store = moved(place)
    plant(store, META, store_id=7)
    plant(store, PATHS.state, data=5)
    report = StateMachinePersister(place.store(), COUNTER).recover("g")
    assert [(one.kind, one.state_id) for one in report.repaired] == [("corrupt_state", "s")]


EVENT_DAMAGE = {
    "version is text": {"version": "2"},
    "action is nothing": {"action": None},
    "to_state is a number": {"to_state": 5},
    "from_state is broken": {"from_state": "{"},
    "parents are no ints": {"parents": ["1"]},
    "it names another state": {"state_id": "other"},
    "format is text": {"format": "1"},
}


@pytest.mark.parametrize("changes", EVENT_DAMAGE.values(), ids=EVENT_DAMAGE)
def test_a_damaged_event_document_is_named(store, changes):
    """The events before it are still given, then CorruptLogError names it."""
    for n in range(3):
        store.save_state("g", "s", {"n": n})
    plant(store, PATHS.event(2), **changes)
    seen = []

    def read():
        for event in store.get_events("g", "s"):
            seen.append(event.version)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(CorruptLogError, match="governors/g/events/s@0000000000000000002"):
        read()
    assert seen == [1]


def test_an_event_of_a_newer_release_is_named(store):
    """As a state is."""
    store.save_state("g", "s", {})
    plant(store, PATHS.event(1), **NEWER)
    with pytest.raises(SchemaVersionError, match="events/s@"):
        [one for one in store.get_events("g", "s")]


@pytest.mark.parametrize(
    "changes",
    [
        {"version": None},
        {"fingerprint": 5},
        {"ttl_seconds": "x"},
        {"ttl_seconds": 1e300},
        {"format": None},
    ],
    ids=str,
)
def test_a_damaged_receipt_is_named(store, changes):
    """A key whose receipt cannot be read decides nothing."""
    store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    plant(store, PATHS.receipt("k"), **changes)
    before = contents(store)
    with pytest.raises(CorruptLogError, match="governors/g/receipts/"):
        store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    assert contents(store) == before


def test_a_receipt_whose_event_is_gone_is_told(store):
    """The outcome that it names cannot be given back, and no second one is made."""
    store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    plant(store, PATHS.event(1), transition_id="foreign")
    before = contents(store)
    with pytest.raises(CorruptLogError):
        store.save_state("g", "s", {"n": 1}, idempotency_key="k")
    assert contents(store) == before


def test_a_document_of_strangers_among_the_states_is_named(store):
    """An id that we never made is no reason to fail without a name."""
    store.save_state("g", "s", {})
    stranger = DocumentPath(PATHS.governor.states, "a.b")
    store.runtime.access.backend.commit([Put(stranger, {"x": 1})], timeout=TIMEOUT)
    with pytest.raises(CorruptLogError, match=r"governors/g/states/a\.b"):
        [one for one in store.list_states("g")]


def test_an_event_above_the_state_is_a_named_contradiction(store):
    """A version that is taken, below a state that does not know of it, ends in an error, not in a loop."""
    store.save_state("g", "s", {"n": 1})
    plant(store, PATHS.event(2), transition_id="foreign")
    before = contents(store)
    with pytest.raises(CorruptLogError, match="validate_consistency") as caught:
        store.save_state("g", "s", {"n": 2})
    assert caught.value.version == 2
    assert contents(store) == before
