"""How much faster a batch writer is than a call for each move, on SQLite and on the emulator."""

import asyncio
import time

import pytest

from tai_state import AsyncStateMachinePersister, Machine, Transition, TransitionRequest, async_connect
from tai_state.batching import AsyncBatchWriter

COUNTER = Machine("counter", "open", [Transition("add", "open", "open", apply=lambda data, _: {"n": data["n"] + 1})])
STATES, SINGLE, BATCHED, TASKS, ROUNDS = 500, 500, 4_000, 16, 3
TIMES = {"sqlite": 3.0, "firestore": 5.0}


@pytest.fixture(params=["sqlite", pytest.param("firestore", marks=pytest.mark.emulator)])
def place(request):
    """The name of the backend, and the URL of an empty place on it."""
    if request.param == "sqlite":
        return request.param, f"sqlite:///{request.getfixturevalue('tmp_path') / 'store.db'}"
    return request.param, f"firestore://{request.getfixturevalue('tai_state_project')}"


async def one_by_one(persister):
    """Return how many moves a second one caller makes."""
    began = time.perf_counter()
    for number in range(SINGLE):
        await persister.transition("g", f"s{number % STATES}", "add")
    return SINGLE / (time.perf_counter() - began)


async def in_batches(persister):
    """Return how many moves a second a writer makes that sixteen tasks put them into."""
    began = time.perf_counter()
    async with AsyncBatchWriter(persister) as writer:

        async def task(first):
            requests = [TransitionRequest("g", f"s{n % STATES}", "add") for n in range(first, BATCHED, TASKS)]
            for future in [await writer.put(request) for request in requests]:
                await future

        await asyncio.gather(*(task(first) for first in range(TASKS)))
    return BATCHED / (time.perf_counter() - began)


@pytest.mark.more
@pytest.mark.timeout(300)
async def test_batches_are_several_times_as_fast_as_single_calls(place):
    """In the best of three rounds of each, one after the other."""
    kind, url = place
    async with async_connect(url, actor="tester") as store:
        persister = AsyncStateMachinePersister(store, COUNTER)
        for number in range(STATES):
            await persister.start("g", f"s{number}", {"n": 0})
        rounds = [(await one_by_one(persister), await in_batches(persister)) for _ in range(ROUNDS)]
    single, batched = (max(one) for one in zip(*rounds, strict=True))
    print(f"{kind}: {single:,.0f} single, {batched:,.0f} in batches: {batched / single:.1f} times")  # noqa: T201
    assert batched >= TIMES[kind] * single, rounds
