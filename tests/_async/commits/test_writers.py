"""Who counts in the clock of a state: each store, and each writer of one that has a name of its own."""

import pytest

from tai_state import AsyncStateMachinePersister, AsyncTransactionManager, ConfigurationError, Machine, Transition
from tai_state.testing import AsyncFaultyStore, Faults

COUNTER = Machine("counter", "on", [Transition("add", "on", "on")])


async def async_clock(store):
    """Return the counters of a state."""
    return (await store.get_state("g", "s"))[0].causality.root


async def test_a_store_counts_its_own_changes(place):
    """As its id, whoever makes them."""
    async with place.store() as one, place.store() as other:
        await one.save_state("g", "s", {"n": 1})
        await other.save_state("g", "s", {"n": 2})
        events = [event async for event in one.get_events("g", "s")]
        assert await async_clock(one) == {events[0].origin: 2}


async def test_a_writer_with_a_name_counts_beside_his_store(place):
    """Through whatever he changes: the store, a persister, a transaction."""
    async with place.store(node="edge") as store, place.store() as plain:
        persister = AsyncStateMachinePersister(store, COUNTER)
        event = (await persister.start("g", "s", {})).event
        await persister.transition("g", "s", "add")
        await store.save_state("g", "s", {"n": 1})

        async def body(tx):
            await tx.save_state("g", "s", {"n": 2})

        await AsyncTransactionManager(store).run(body)
        assert await async_clock(store) == {f"{event.origin}/edge": 4}
        await plain.save_state("g", "s", {"n": 3})
        assert await async_clock(store) == {f"{event.origin}/edge": 4, event.origin: 1}


async def test_a_store_with_faults_has_the_name_of_the_one_that_it_wraps(place):
    """A test sees what users see."""
    store = AsyncFaultyStore(place.store(node="edge"), faults=Faults())
    version = await store.save_state("g", "s", {})
    assert version == 1
    assert [key.partition("/")[2] for key in await async_clock(store)] == ["edge"]


@pytest.mark.parametrize("node", ["", 7, "a/b", "\ud800", "x" * 481])
async def test_what_is_no_name_of_a_writer_is_refused(place, node):
    """Before anything is opened."""
    with pytest.raises(ConfigurationError, match="node"):
        place.store(node=node)
