# Generated from tests/_async/api/test_frozen_time.py by .ci/generate_sync.py; do not edit.
"""States under tools that freeze time: freezegun puts classes of its own in datetime's place, time-machine does not."""
from datetime import UTC, datetime

import pytest
import time_machine
from freezegun import freeze_time

from tai_state import StateMachinePersister
from tests._sync.machines import COUNTER

MOMENT = datetime(2035, 5, 1, 12, tzinfo=UTC)


def travelled(moment):
    return time_machine.travel(moment, tick=False)


@pytest.fixture(params=[freeze_time, travelled], ids=["freezegun", "time-machine"])
def frozen(request):
    """What freezes time at a moment, as a context manager."""
    return request.param


def test_a_state_goes_on_inside_and_behind_a_frozen_time(frozen, store):
    """It is moved, read, listed and checked, whatever class its times are of."""
    persister = StateMachinePersister(store, COUNTER)
    persister.start("g", "s", {"n": 0, "at": datetime.now(UTC)})
    with frozen(MOMENT):
        persister.transition("g", "s", "add", 1)
        persister.start("g", "t", {"n": 0, "at": datetime.now(UTC)})
        assert (persister.load_state("g", "t")).snapshot.data["at"] == MOMENT
        assert (persister.validate_consistency("g")).problems == []
    moved = persister.transition("g", "s", "add", 1)
    assert (moved.version, moved.snapshot.data["n"]) == (3, 2)
    persister.transition("g", "t", "add", 1)
    loaded = (persister.load_state("g", "t")).snapshot
    assert (type(loaded.data["at"]), loaded.data["at"]) == (datetime, MOMENT)
    assert (persister.validate_consistency("g")).problems == []


def test_a_store_opened_in_a_frozen_time_reads_what_was_before(frozen, place):
    """With nothing cached; and what it wrote is read behind it."""
    StateMachinePersister(place.store(), COUNTER).start("g", "s", {"n": 0})
    with frozen(MOMENT):
        persister = StateMachinePersister(place.store(), COUNTER)
        persister.transition("g", "s", "add", 1)
        persister.create_snapshot("g", "s")
    other = StateMachinePersister(place.store(), COUNTER)
    assert (other.transition("g", "s", "add", 1)).version == 3
    assert (other.replay("g", "s")).data == {"n": 2}
