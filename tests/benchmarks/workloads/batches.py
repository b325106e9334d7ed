"""Moves of five hundred states that sixteen tasks put into a batch writer, beside one call for each."""

import asyncio

from tai_state import TransitionRequest
from tai_state.batching import AsyncBatchWriter
from tests.benchmarks.harness import Claim, Workload
from tests.benchmarks.ours import Tasks

_STATES, _TASKS = 500, 16
_SINGLE, _BATCHED = 100, 2_000


class OneByOne(Tasks):
    """One caller, whose moves go from state to state."""

    def step(self) -> int:
        self._runner.run(self._some())
        return _SINGLE

    async def _some(self) -> None:
        for number in range(_SINGLE):
            await self.persister.transition("g", f"s{number % self._states}", "add")


class Batched(Tasks):
    """Sixteen tasks that put theirs, and then wait for all of them."""

    def step(self) -> int:
        self._runner.run(self._put_all())
        return _BATCHED

    async def _put_all(self) -> None:
        async with AsyncBatchWriter(self.persister) as writer:
            await asyncio.gather(*(self._put(writer, first) for first in range(_TASKS)))

    async def _put(self, writer: AsyncBatchWriter, first: int) -> None:
        numbers = range(first, _BATCHED, _TASKS)
        requests = [TransitionRequest("g", f"s{number % self._states}", "add") for number in numbers]
        for future in [await writer.put(request) for request in requests]:
            await future


def _workload(engine: str, must: float) -> Workload:
    return Workload(
        f"batches-{engine}",
        "moves of 500 states: one by one, and in batches",
        {"one by one": lambda: OneByOne(engine, _STATES), "batches": lambda: Batched(engine, _STATES)},
        [Claim("batches", "one by one", must)],
        needs_emulator=engine == "firestore",
    )


WORKLOADS = [_workload("sqlite", 3.0), _workload("firestore", 5.0)]
