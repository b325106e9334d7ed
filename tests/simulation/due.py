"""A workload of due moves: states that move by their timeouts alone, workers that die, and what must hold behind it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from tai_state import Machine, PersistenceConfig, Transition
from tai_state._async.api.persister import AsyncStateMachinePersister
from tai_state._async.due.worker import AsyncDueWorker
from tai_state.due import Timeout
from tai_state.errors import StateExistsError, TaiStateError
from tai_state.testing import Simulation
from tai_state.testing.simulation.plan import drawn

MOVES = 3
AFTER = {f"s{number}": timedelta(seconds=0.4 + 0.3 * number) for number in range(MOVES)}
RELAY = Machine(
    "relay",
    "s0",
    [
        *(Transition("go", f"s{number}", f"s{number + 1}") for number in range(MOVES)),
        Transition("beat", "*", "s1", guard=lambda *_: False),
        Transition("note", "s1", "s1", apply=lambda data, _: {"n": data["n"] + 1}),
    ],
    timeouts={status: Timeout(after, "go") for status, after in AFTER.items()},
)
STATES = 2
ROUNDS_MAX = 400


async def worker(store, name, rng):
    """Start some states, and make what is due, theirs and others', until they are where their timeouts lead."""
    persister = AsyncStateMachinePersister(store, RELAY, PersistenceConfig(due_shards=2, segment_events=3))
    due = AsyncDueWorker(persister, poll=0.3, batch=2)
    own = [f"{name}-{number}" for number in range(STATES)]
    started: set[str] = set()
    for _ in range(ROUNDS_MAX):
        try:
            for one in own:
                if one not in started:
                    await async_started(persister, one)
                    started.add(one)
            if rng.random() < 0.2:
                await async_noted(persister, rng.choice(own))
            await due.run_once()
            states = (await store.batch_get_states("relay", own)).found
            if all(one in states and states[one].status == f"s{MOVES}" for one in own):
                return
        except TaiStateError:
            pass  # the store does not answer, or nobody knows: the next round tells
        await asyncio.sleep(rng.uniform(0, 0.3))
    message = f"{own} are not where their timeouts lead"
    raise AssertionError(message)


async def async_started(persister, state_id):
    """Start a state that may be there."""
    try:
        await persister.start("relay", state_id, {"n": 0})
    except StateExistsError:
        return


async def async_noted(persister, state_id):
    """Move a state within its status, which keeps what is due."""
    snapshot = (await persister.load_state("relay", state_id)).snapshot
    if snapshot.status == "s1":
        await persister.transition("relay", state_id, "note", expected_version=snapshot.version)


async def each_move_once_and_none_early(store):
    """Each status is entered once, and none before its time by the store's clock since the commit that armed it."""
    async for state_id in async_ids(store):
        entered = [event async for event in store.get_events("relay", state_id) if event.from_status != event.to_status]
        statuses = [event.to_status for event in entered]
        assert statuses == [f"s{number}" for number in range(MOVES + 1)], (state_id, statuses)
        for before, event in pairwise(entered):
            waited = event.committed_at - before.committed_at
            assert waited >= AFTER[before.to_status], (state_id, event.version, waited)


async def async_ids(store):
    """Yield the ids of all states."""
    async for snapshot in store.list_states("relay"):
        yield snapshot.state_id


def run(seed):
    """Run the workload of *seed*, and return what it did."""
    plan = replace(drawn(seed), strangers=0)
    return Simulation(seed, plan, worker=worker, invariants=[each_move_once_and_none_early]).run()


def run_many(first, last):
    """Run the workload of each seed from *first* to before *last*."""
    return [run(seed) for seed in range(first, last)]
