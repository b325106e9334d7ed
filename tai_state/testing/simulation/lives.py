"""The lives of a worker: one process after the other, whenever one has died."""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter

from tai_state.testing.faults import Fault, SimulatedCrash
from tai_state.testing.simulation.plan import SimulationPlan
from tai_state.testing.simulation.process import Process
from tai_state.testing.simulation.world import World

LIVES_MAX = 40


class Lives(ABC):
    """Whatever outlives the processes that run it."""

    def __init__(self, world: World, plan: SimulationPlan, name: str) -> None:
        """Start the first process."""
        self.name = name
        self.process = Process(world, plan, f"{name}-1")
        self.lives = 1
        self.injected: Counter[Fault] = Counter()
        self.calls = 0
        self._world = world
        self._plan = plan
        self._rng = self.process.rng("client")

    @abstractmethod
    async def _main(self, process: Process) -> None:
        """Do the work in a process, from the beginning or from where the one before left it."""

    @abstractmethod
    def _lost(self) -> None:
        """Take note that what the process had under way died with it."""

    async def run(self) -> None:
        """Do all the work; what is raised in a living process is raised.

        Raises:
            BrokenError: An invariant does not hold.
        """
        while True:
            main = self.process.start(self._main(self.process))
            await asyncio.wait([main])
            if not self.process.is_dead:
                main.result()
                return
            await self._mourn(main)

    async def _mourn(self, main: asyncio.Task[None]) -> None:
        """Bury the dead process, and start another."""
        dead = self.process
        await dead.bury()
        if not main.cancelled() and not isinstance(main.exception(), SimulatedCrash | None):
            main.result()
        self.count(dead)
        self._lost()
        await asyncio.sleep(self._rng.uniform(0, self._plan.downtime / 2))
        # What it had sent may arrive before its successor starts, while it starts, or behind that.
        late = asyncio.ensure_future(self._deliver(dead, self._rng.uniform(0, self._plan.downtime)))
        await asyncio.sleep(self._rng.uniform(0, self._plan.downtime / 2))
        self.lives += 1
        self.process = Process(self._world, self._plan, f"{self.name}-{self.lives}")
        if self.lives >= LIVES_MAX:
            self.process.store.faulty.plan.stop()
        await late

    async def _deliver(self, dead: Process, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await dead.store.deliver()

    def count(self, process: Process) -> None:
        """Add up what a process met."""
        self.injected += process.store.injected
        self.calls += process.store.calls
