"""States under tools that freeze time: freezegun puts classes of its own in datetime's place, time-machine does not."""

from datetime import UTC, datetime

import pytest
import time_machine
from freezegun import freeze_time

from tai_state import AsyncStateMachinePersister
from tests._async.machines import COUNTER

MOMENT = datetime(2035, 5, 1, 12, tzinfo=UTC)


def travelled(moment):
    return time_machine.travel(moment, tick=False)


@pytest.fixture(params=[freeze_time, travelled], ids=["freezegun", "time-machine"])
def frozen(request):
    """What freezes time at a moment, as a context manager."""
    return request.param


async def test_a_state_goes_on_inside_and_behind_a_frozen_time(frozen, store):
    """It is moved, read, listed and checked, whatever class its times are of."""
    persister = AsyncStateMachinePersister(store, COUNTER)
    await persister.start("g", "s", {"n": 0, "at": datetime.now(UTC)})
    with frozen(MOMENT):
        await persister.transition("g", "s", "add", 1)
        await persister.start("g", "t", {"n": 0, "at": datetime.now(UTC)})
        assert (await persister.load_state("g", "t")).snapshot.data["at"] == MOMENT
        assert (await persister.validate_consistency("g")).problems == []
    moved = await persister.transition("g", "s", "add", 1)
    assert (moved.version, moved.snapshot.data["n"]) == (3, 2)
    await persister.transition("g", "t", "add", 1)
    loaded = (await persister.load_state("g", "t")).snapshot
    assert (type(loaded.data["at"]), loaded.data["at"]) == (datetime, MOMENT)
    assert (await persister.validate_consistency("g")).problems == []


async def test_a_store_opened_in_a_frozen_time_reads_what_was_before(frozen, place):
    """With nothing cached; and what it wrote is read behind it."""
    await AsyncStateMachinePersister(place.store(), COUNTER).start("g", "s", {"n": 0})
    with frozen(MOMENT):
        persister = AsyncStateMachinePersister(place.store(), COUNTER)
        await persister.transition("g", "s", "add", 1)
        await persister.create_snapshot("g", "s")
    other = AsyncStateMachinePersister(place.store(), COUNTER)
    assert (await other.transition("g", "s", "add", 1)).version == 3
    assert (await other.replay("g", "s")).data == {"n": 2}
