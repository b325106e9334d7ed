# Generated from tests/_async/history/test_snapshot_commits.py by .ci/generate_sync.py; do not edit.
"""Snapshots made by hand whose replies are lost: what is told of them is so; and those that are made by time."""
from datetime import timedelta

import pytest

from tai_state import (
    StateMachinePersister,
    CorruptLogError,
    OutcomeUnknownError,
    PersistenceConfig,
    RetryPolicy,
)
from tai_state.layout import state_layout
from tai_state.testing.clock import ManualClock
from tests._sync.machines import COUNTER
from tests._sync.stores import document_at, plant, in_memory

ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def other(place):
    """Another caller's persister, whose state is at version 1."""
    persister = StateMachinePersister(place.store(), COUNTER)
    persister.start("g", "s", {"n": 1})
    return persister


def faulty(place, *faults, **options):
    store, backend = place.faulty(*faults, **options)
    return StateMachinePersister(store, COUNTER), backend


def kept(persister):
    return [snapshot.version for snapshot in persister.list_snapshots("g", "s")]


@pytest.mark.parametrize("faults", [("reply lost",), ("request lost",), ("reply lost", "reply lost")])
def test_a_lost_reply_is_settled(place, other, faults):
    """It is sent again as it is, or its mark is found: the snapshot is kept, once."""
    persister, backend = faulty(place, *faults)
    assert (persister.create_snapshot("g", "s")).version == 1
    assert kept(other) == [1]
    assert all(writes == backend.sent[0] for writes in backend.sent)


def test_the_last_reply_is_lost_and_a_read_tells(place, other):
    """The attempts are spent: its mark tells that it was applied."""
    persister, _ = faulty(place, "reply lost", retry=ONCE)
    assert (persister.create_snapshot("g", "s")).version == 1
    assert kept(other) == [1]


@pytest.mark.parametrize("fault", ["reply lost", "request lost"])
def test_what_nobody_can_tell_is_not_called_unwritten(place, other, fault):
    """The error says that it may have been kept; asked for again it is."""
    persister, backend = faulty(place, fault, retry=ONCE)
    backend.unread = 1
    with pytest.raises(OutcomeUnknownError, match="snapshot"):
        persister.create_snapshot("g", "s")
    assert (persister.create_snapshot("g", "s")).version == 1
    assert kept(other) == [1]


def test_a_state_that_moved_meanwhile_is_kept_as_it_is_then(place, other):
    """The first commit met another writer, and can never be applied: the next one is of the newer version."""
    persister, backend = faulty(place, "request lost")
    backend.between = lambda: other.transition("g", "s", "add")
    assert (persister.create_snapshot("g", "s")).version == 2
    assert kept(other) == [2]


def test_a_state_that_was_altered_is_not_kept(place, other):
    """Whoever altered it meant something by it; one that is damaged is kept as its log tells it."""
    store = place.store()
    paths = state_layout("g", "s")
    sound = document_at(store, paths.state)
    persister = StateMachinePersister(store, COUNTER)
    plant(store, paths.state, status="another")
    with pytest.raises(CorruptLogError, match="altered by hand"):
        persister.create_snapshot("g", "s")
    assert kept(other) == []
    plant(store, paths.state, **{**sound.fields, "status": 7})
    assert (persister.create_snapshot("g", "s")).version == 1
    assert kept(other) == [1]


@in_memory
def test_snapshots_are_made_by_time_too(place):
    """With the first change in each period, and with each multiple of the interval."""
    clock = ManualClock()
    config = PersistenceConfig(snapshot_interval=4, snapshot_every=timedelta(days=1))
    persister = StateMachinePersister(place.store(clock=clock), COUNTER, config)
    persister.start("g", "s", {"n": 1})
    for hours in (0, 25, 0, 0, 0, 72, 0):
        clock.advance(hours * 3600)
        persister.transition("g", "s", "add")
    assert kept(persister) == [3, 4, 7, 8]
