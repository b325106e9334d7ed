"""A workload of numbered events: states that are saved, workers that number and die, and what must hold behind it."""

import asyncio
from dataclasses import replace

from tai_state._async.feeds.numbering import AsyncPositions
from tai_state.errors import TaiStateError
from tai_state.testing import Simulation
from tai_state.testing.simulation.plan import drawn
from tests.simulation.feeds import CONFIG

STATES = 2
EVENTS = 5
ROUNDS_MAX = 600


async def worker(store, name, rng):
    """Save states of its own, and number whatever there is, until nothing is left of either."""
    positions = AsyncPositions(store, config=CONFIG)
    left = [(f"{name}-{state}", number) for number in range(EVENTS) for state in range(STATES)]
    for _ in range(ROUNDS_MAX):
        try:
            if left and rng.random() < 0.7:
                state_id, number = left[0]
                await store.save_state("source", state_id, {"n": number}, idempotency_key=f"{state_id}-{number}")
                del left[0]
            numbered = await positions.run_once()
            if not left and not numbered and await everything(store, positions):
                return
        except TaiStateError:
            pass  # the store does not answer, or nobody knows: the next round tells
        await asyncio.sleep(rng.uniform(0, 0.2))
    message = f"{name} has not numbered all"
    raise AssertionError(message)


async def everything(store, positions):
    """Whether each event has a number."""
    versions = [state.version async for state in store.list_states("source")]
    return await positions.last() >= sum(versions)


async def no_gap(store):
    """Each event has one number, in the order of its state, and no number is left out."""
    versions = {one.state_id: one.version async for one in store.list_states("source")}
    told: dict[str, list[int]] = {}
    expected = 0
    async for one in AsyncPositions(store).events():
        expected += 1
        assert one.position == expected
        assert one.event is not None
        told.setdefault(one.state_id, []).append(one.version)
    assert told == {state_id: list(range(1, last + 1)) for state_id, last in versions.items()}


def run(seed):
    """Run the workload of *seed*, and return what it did."""
    plan = replace(drawn(seed), strangers=0)
    return Simulation(seed, plan, worker=worker, invariants=[no_gap]).run()


def run_many(first, last):
    """Run the workload of each seed from *first* to before *last*."""
    return [run(seed) for seed in range(first, last)]
