"""Workers that put moves into batch writers from several tasks each, and note what was acknowledged."""

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tai_state import (
    AsyncStateMachinePersister,
    Machine,
    RetryPolicy,
    Transition,
    TransitionRequest,
    async_connect,
)
from tai_state.batching import AsyncBatchWriter
from tai_state.testing.firestore_emulator import HOST_VARIABLE
from tests.children import end_with_parent

COUNTER = Machine(
    "counter", "open", [Transition("add", "open", "open", apply=lambda data, _: {"n": data["n"] + 1, "last": _})]
)
PATIENT = RetryPolicy(wait_initial=0.005, wait_max=0.1, deadline=120.0)
AT_ONCE = 50
"""How many outcomes a task waits for at a time."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a worker is told.

    Args:
        items: The numbers of its items, each an item of the state ``number % states``.
        tasks: Among how many tasks they are.
        host: Where the emulator is found.
    """

    url: str
    folder: Path
    name: str
    items: range
    states: int
    tasks: int
    host: str | None = None
    seconds_max: int = 900

    def acknowledged(self) -> set[int]:
        """Return the items that were acknowledged to any of its lives."""
        texts = [path.read_text(encoding="ascii") for path in self.folder.glob(f"{self.name}.*.journal")]
        # Whoever was killed may have left half a line.
        return {int(line) for text in texts for line in text.split("\n")[:-1]}


def work(told: Share, life: int) -> None:
    """Put every item that nobody has acknowledged yet, and end once all are."""
    end_with_parent()
    signal.alarm(told.seconds_max)
    if told.host is not None:
        os.environ[HOST_VARIABLE] = told.host
    asyncio.run(_work(told, life))


async def _work(told: Share, life: int) -> None:
    left = sorted(set(told.items) - told.acknowledged())
    with (told.folder / f"{told.name}.{life}.journal").open("a", encoding="ascii") as journal:

        def note(number: int) -> None:
            journal.write(f"{number}\n")
            journal.flush()

        async with async_connect(told.url, actor=told.name, retry=PATIENT) as store:
            persister = AsyncStateMachinePersister(store, COUNTER)
            async with AsyncBatchWriter(persister, max_wait=0.02) as writer:
                tasks = (_task(writer, told.states, left[task :: told.tasks], note) for task in range(told.tasks))
                await asyncio.gather(*tasks)


async def _task(writer: AsyncBatchWriter, states: int, numbers: list[int], note: Callable[[int], None]) -> None:
    for first in range(0, len(numbers), AT_ONCE):
        asked = numbers[first : first + AT_ONCE]
        futures = [await writer.put(_item(number, states)) for number in asked]
        for number, future in zip(asked, futures, strict=True):
            await future
            note(number)


def _item(number: int, states: int) -> TransitionRequest:
    return TransitionRequest("g", f"s{number % states}", "add", number, idempotency_key=f"item-{number}")
