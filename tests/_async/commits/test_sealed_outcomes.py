"""What became of a change is told by segments, too, once the documents of sealed events are removed."""

import pytest

from tai_state import (
    AsyncStateMachinePersister,
    AsyncTransactionManager,
    CorruptLogError,
    OutcomeUnknownError,
    PersistenceConfig,
    RetryPolicy,
)
from tai_state.documents import Delete
from tai_state.layout import state_layout
from tests._async.machines import COUNTER
from tests._async.stores import TIMEOUT, async_plant

PATHS = state_layout("g", "s")
CONFIG = PersistenceConfig(snapshot_interval=1_000, segment_events=3)
ONCE = RetryPolicy(attempts=1)


def persisted(store):
    return AsyncStateMachinePersister(store, COUNTER, CONFIG)


async def async_bury(store):
    """Change a state until versions 1 to 6 are sealed, and remove their documents."""
    version = (await store.get_state("g", "s"))[1]
    for _ in range(8 - version):
        await persisted(store).transition("g", "s", "add", 1)
    await store.runtime.access.backend.commit([Delete(PATHS.event(one)) for one in range(1, 7)], timeout=TIMEOUT)


@pytest.fixture
async def started(place):
    store = place.store()
    await persisted(store).start("g", "s", {"n": 0})
    return store


async def test_a_change_that_was_applied_and_sealed_is_known_to_be(started, place):
    """Its reply was lost, and nothing is left of its document when it is asked again."""
    store, backend = place.faulty("reply lost")
    backend.between = lambda: async_bury(started)
    result = await persisted(store).transition("g", "s", "add", 100)
    assert (result.version, result.snapshot.data) == (2, {"n": 100})
    assert (await started.get_state("g", "s"))[0].data == {"n": 106}
    events = [event.committed_at async for event in started.get_events("g", "s", until=2)]
    assert result.event.committed_at == events[-1]


async def test_a_change_that_another_one_took_the_place_of_is_made_behind_it(started, place):
    """Its request was lost; the event at its version is another's, and sealed: made once, behind."""
    store, backend = place.faulty("request lost")
    backend.between = lambda: async_bury(started)
    result = await persisted(store).transition("g", "s", "add", 100)
    assert (result.version, result.snapshot.data) == (9, {"n": 107})
    made = [event.version async for event in started.get_events("g", "s") if event.payload == 100]
    assert made == [9]


async def test_a_transaction_is_known_by_its_sealed_event(started, place):
    """One that leaves no record: a dependent and what it reacts to, say."""
    await persisted(started).start("g", "t", {"n": 0}, depends_on=["s"])
    store, backend = place.faulty("reply lost")
    backend.between = lambda: async_bury(started)
    result = await persisted(store).transition("g", "s", "add", 100)
    assert (result.version, (await started.get_state("g", "s"))[0].data["n"]) == (2, 106)


async def test_the_outcome_of_a_sealed_change_is_told(started, place):
    """By the error that said that it was unknown."""
    store, backend = place.faulty("reply lost", retry=ONCE)
    backend.unread = 1
    with pytest.raises(OutcomeUnknownError) as caught:
        await persisted(store).transition("g", "s", "add", 100)
    await async_bury(started)
    result = await persisted(started).outcome(caught.value)
    assert result is not None
    assert (result.version, result.snapshot.data) == (2, {"n": 100})


async def test_a_key_repeats_a_sealed_change(started):
    """The receipt names it, and its segment has it."""
    first = await persisted(started).transition("g", "s", "add", 100, idempotency_key="k")
    await async_bury(started)
    again = await persisted(started).transition("g", "s", "add", 100, idempotency_key="k")
    assert (again.replayed, again.event) == (True, first.event)
    assert (await started.get_state("g", "s"))[1] == 8


async def test_the_result_of_a_key_is_told(started):
    """Before and after it is sealed; of another key there is none."""
    first = await persisted(started).transition("g", "s", "add", 100, idempotency_key="k")
    for is_buried in (False, True):
        if is_buried:
            await async_bury(started)
        result = await persisted(started).result_of("g", "s", "k")
        assert result is not None
        assert (result.replayed, result.event, result.snapshot) == (True, first.event, first.snapshot)
    assert await persisted(started).result_of("g", "s", "other") is None
    assert await persisted(started).result_of("g", "never", "k") is None


async def test_a_key_whose_change_is_nowhere_is_told(started):
    """Neither its document nor its segment has it."""
    await persisted(started).transition("g", "s", "add", 100, idempotency_key="k")
    await async_bury(started)
    await async_plant(started, PATHS.segment(1), events=b"damaged")
    with pytest.raises(CorruptLogError):
        await persisted(started).result_of("g", "s", "k")


async def test_a_unit_of_work_is_known_by_its_record(started, place):
    """What leaves a record needs no event: it stands beside the segments."""
    store, backend = place.faulty("reply lost")
    backend.between = lambda: async_bury(started)

    async def body(tx):
        return await tx.save_state("g", "s", {"n": 5})

    assert await AsyncTransactionManager(store).run(body) == 2
