"""The package as a subject: one machine whose move changes 200 bytes of data."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tai_state import (
    AsyncStateMachinePersister,
    Machine,
    StateMachinePersister,
    Transition,
    async_connect,
    connect,
)
from tai_state.testing.firestore_emulator import new_project_id

CALLERS = 32
DATA = {
    "n": 0,
    "customer": "c-000123",
    "total": 42.17,
    "items": ["a-17", "b-4", "c-99"],
    "note": "x" * 96,
    "open": True,
}


def moved(data: dict[str, Any], _: object) -> dict[str, Any]:
    """Return the data with one counter raised."""
    return {**data, "n": data["n"] + 1}


MACHINE = Machine("bench", "on", [Transition("add", "on", "on", apply=moved)])


def url_of(engine: str, folder: Path) -> str:
    """Return the URL of an empty store on *engine*."""
    urls = {"memory": "memory://", "sqlite": f"sqlite:///{folder}/s.db", "firestore": f"firestore://{new_project_id()}"}
    return urls[engine]


class Ours:
    """One caller on one state, in the sync colour."""

    def __init__(self, engine: str, states: int = 1, **options: Any) -> None:
        self._engine, self._states, self._options = engine, states, options

    def setup(self, folder: Path) -> None:
        self.store = connect(url_of(self._engine, folder), actor="bench", **self._options)
        self.persister = StateMachinePersister(self.store, MACHINE)
        for index in range(self._states):
            self.persister.start("g", f"s{index}", DATA)

    def step(self) -> int:
        self.persister.transition("g", "s0", "add")
        return 1

    def teardown(self) -> None:
        self.store.close()


class Threads(Ours):
    """Thirty-two threads, each on a state of its own, or all on one."""

    def setup(self, folder: Path) -> None:
        super().setup(folder)
        self._pool = ThreadPoolExecutor(CALLERS)

    def step(self) -> int:
        def many(caller: int) -> None:
            for _ in range(8):
                self.persister.transition("g", f"s{caller % self._states}", "add")

        list(self._pool.map(many, range(CALLERS)))
        return CALLERS * 8


class Tasks:
    """One task, or thirty-two: each on a state of its own, or all on one."""

    def __init__(self, engine: str, states: int = 1, callers: int = 1) -> None:
        self._engine, self._states, self._callers = engine, states, callers

    def setup(self, folder: Path) -> None:
        self._runner = asyncio.Runner()
        self.store = async_connect(url_of(self._engine, folder), actor="bench")
        self.persister = AsyncStateMachinePersister(self.store, MACHINE)
        self._runner.run(self._start())

    async def _start(self) -> None:
        for index in range(self._states):
            await self.persister.start("g", f"s{index}", DATA)

    def step(self) -> int:
        self._runner.run(self._all())
        return self._callers * 8

    async def _all(self) -> None:
        await asyncio.gather(*[self._many(f"s{caller % self._states}") for caller in range(self._callers)])

    async def _many(self, state: str) -> None:
        for _ in range(8):
            await self.persister.transition("g", state, "add")

    def teardown(self) -> None:
        self._runner.run(self.store.close())
        self._runner.close()


class Reading(Ours):
    """Reads of a state with a history of so many moves."""

    def __init__(self, engine: str, moves: int, read: Callable[["Reading"], object], **options: Any) -> None:
        super().__init__(engine, **options)
        self.moves, self._read = moves, read

    def setup(self, folder: Path) -> None:
        super().setup(folder)
        for _ in range(self.moves):
            super().step()

    def step(self) -> int:
        self._read(self)
        return 1
