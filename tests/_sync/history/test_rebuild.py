# Generated from tests/_async/history/test_rebuild.py by .ci/generate_sync.py; do not edit.
"""Rebuilding a state: whatever of snapshots, segments and events is left, as long as it covers every version."""
import pytest

from tai_state import StateMachinePersister, CorruptLogError, PersistenceConfig
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests._sync.machines import COUNTER
from tests._sync.stores import TIMEOUT, plant

PATHS = state_layout("g", "s")


def event_paths(*versions):
    return [PATHS.event(version) for version in versions]


def grown(store, snapshot_interval):
    """Return a persister, and its state at version 10: segments of 1 to 3, 4 to 6 and 7 to 9."""
    config = PersistenceConfig(snapshot_interval=snapshot_interval, snapshot_retention=1, segment_events=3)
    persister = StateMachinePersister(store, COUNTER, config)
    persister.start("g", "s", {"n": 0})
    for payload in range(9):
        persister.transition("g", "s", "add", payload)
    return persister, (store.get_state("g", "s"))[0]


def lose(store, *paths):
    store.runtime.access.backend.commit([Delete(path) for path in (PATHS.state, *paths)], timeout=TIMEOUT)


def rebuilt(persister):
    loaded = persister.load_state("g", "s")
    assert loaded.recovered
    return loaded.snapshot


@pytest.mark.parametrize("first", [1, 4, 7])
def test_the_events_of_a_missing_segment_are_read(store, first):
    """The first one, one in the middle, or the last."""
    persister, before = grown(store, 100)
    lose(store, PATHS.segment(first))
    assert rebuilt(persister) == before


@pytest.mark.parametrize("first", [1, 4, 7])
def test_behind_a_damaged_segment_the_next_ones_count(store, first):
    """Its own events are read; those of the others may be gone."""
    persister, before = grown(store, 100)
    plant(store, PATHS.segment(first), events=b"damaged")
    lose(store, *event_paths(*(set(range(1, 10)) - set(range(first, first + 3)))))
    assert rebuilt(persister) == before


def test_a_segment_that_does_not_follow_is_passed_over(store):
    """One of another state's events, whole as it is, is no reason to give up."""
    persister, before = grown(store, 100)
    other = StateMachinePersister(store, COUNTER, persister.config)
    other.start("g", "t", {"n": 9})
    for _ in range(4):
        other.transition("g", "t", "add")
    theirs = (store.runtime.access.backend.get(state_layout("g", "t").segment(1), timeout=TIMEOUT)).documents
    (document,) = theirs.values()
    plant(store, PATHS.segment(1), **document.fields)
    lose(store)
    assert rebuilt(persister) == before


@pytest.mark.parametrize("missing", [[9], [8, 9], [7, 8, 9]], ids=str)
def test_a_gap_behind_the_snapshot_is_filled_by_segments(store, missing):
    """The newest snapshot leads nowhere: all from the first version on does."""
    persister, before = grown(store, 6)
    lose(store, *event_paths(*missing))
    assert rebuilt(persister) == before


def test_a_gap_that_nothing_covers_is_told(store):
    """Where it is, whatever else there is."""
    persister, _ = grown(store, 100)
    lose(store, PATHS.segment(4), *event_paths(5))
    with pytest.raises(CorruptLogError) as caught:
        persister.load_state("g", "s")
    assert caught.value.version == 6
