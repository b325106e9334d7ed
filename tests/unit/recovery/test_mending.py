"""A damaged event, put together again from its neighbours, at any distance that its versions have."""

from dataclasses import replace

import pytest

from tai_state.config import Encoding
from tai_state.rules.records.chain import event_hash
from tai_state.rules.records.documents import event_fields
from tai_state.rules.recovery.mending import Neighbours, mended
from tests.unit.commits.made import PATHS, document, lived, put

LIVES = lived(6)
EVENTS = [one.event for one in LIVES]


@pytest.mark.parametrize(("version", "beside"), [(1, 2), (2, 1), (2, 3), (5, 4), (5, 6), (6, 5)])
def test_a_clock_that_is_damaged_is_that_of_a_neighbour_moved_to_its_version(version, beside):
    """The store counted each change: one more than before, one less than behind."""
    index = version - 1
    previous, following = (EVENTS[beside - 1] if is_it else None for is_it in (beside < version, beside > version))
    found = document(put(LIVES[index], PATHS.event(version)), version)
    damaged = replace(found, fields={**found.fields, "causality": {"store-1": 99}})
    around = Neighbours(PATHS, version, EVENTS[index].hash, previous, following, None)
    assert mended(damaged, around) == replace(EVENTS[index], committed_at=found.create_time)


@pytest.mark.parametrize("version", [2, 5])
def test_a_version_that_an_author_came_from_is_the_one_before(version):
    """It is part of who made the change, and the neighbours tell it."""
    index = version - 1
    found = document(put(LIVES[index], PATHS.event(version)), version)
    author = {**found.fields["metadata"], "parent_version": 99}
    damaged = replace(found, fields={**found.fields, "metadata": author})
    around = Neighbours(PATHS, version, EVENTS[index].hash, EVENTS[index - 1], None, None)
    assert mended(damaged, around) == replace(EVENTS[index], committed_at=found.create_time)


@pytest.mark.parametrize("node", ["edge", "other"])
def test_the_clock_of_a_named_writer_is_found_as_well(node):
    """Whichever of the store's writers made the change."""
    writers = {"store-1": 4, "store-1/edge": 2, "store-1/other": 1, "store-0/edge": 1}
    key = f"store-1/{node}"
    before = replace(EVENTS[0], causality=writers)
    event = replace(EVENTS[1], causality={**writers, key: writers[key] + 1}, previous_hash=before.hash, hash="")
    event = replace(event, hash=event_hash(event))
    fields = {**event_fields(event, Encoding()), "causality": {"store-1": 99}}
    found = replace(document(put(LIVES[1], PATHS.event(2)), 2), fields=fields)
    around = Neighbours(PATHS, 2, event.hash, before, None, None)
    assert mended(found, around) == replace(event, committed_at=found.create_time)
