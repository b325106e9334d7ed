"""A user's own workload in a simulated run: his worker in processes that die, and his invariants behind them."""

import asyncio
import inspect
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tai_state._async.api.connect import AsyncBackendStore
from tai_state._async.api.persister import AsyncStateMachinePersister
from tai_state._async.api.store import AsyncStateStore
from tai_state.errors import ConfigurationError
from tai_state.testing.faults import Fault, SimulatedCrash
from tai_state.testing.simulation.failure import BrokenError
from tai_state.testing.simulation.plan import SimulationPlan
from tai_state.testing.simulation.process import Process
from tai_state.testing.simulation.worker import LIVES_MAX
from tai_state.testing.simulation.world import World

UserWorker = Callable[[AsyncStateStore, str, random.Random], Awaitable[None]]
"""Called with the store of its process, its name, which outlives the process, and a source of randomness."""

Invariant = Callable[[AsyncStateStore], Awaitable[None]]
"""Called behind the run with a sound store; raises what it likes where it does not hold."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What a user gives a simulation."""

    worker: UserWorker
    invariants: tuple[Invariant, ...]

    @classmethod
    def checked(cls, worker: object, invariants: Sequence[object]) -> "Workload | None":
        """Return the workload; None where a user gives none.

        Raises:
            ConfigurationError: The worker or an invariant is no coroutine function, or there are invariants alone.
        """
        if not isinstance(invariants, Sequence) or isinstance(invariants, str):
            message = f"invariants must be a sequence of coroutine functions, not {invariants!r}"
            raise ConfigurationError(message)
        if worker is None and not invariants:
            return None
        for name, one in (("worker", worker), *(("an invariant", one) for one in invariants)):
            if not inspect.iscoroutinefunction(one):
                message = f"{name} of a simulation must be an async function, not {one!r}"
                raise ConfigurationError(message)
        return cls(worker, tuple(invariants))  # type: ignore[arg-type]  # functions, as was seen above

    async def check(self, store: AsyncBackendStore) -> int:
        """Hold the invariants, the user's and that every history is sound; return the number of events.

        Raises:
            BrokenError: One does not hold.
        """
        events = 0
        persister = AsyncStateMachinePersister(store)
        async for governor in store.list_governors():
            report = await persister.validate_consistency(governor)
            events += report.events
            if not report.is_consistent:
                raise BrokenError("state is replay", repr(report.problems))
        for invariant in self.invariants:
            try:
                await invariant(store)
            except Exception as error:
                raise BrokenError(getattr(invariant, "__name__", repr(invariant)), repr(error)) from error
        return events


class WorkloadWorker:
    """One of a user's workers: whenever its process has died, another one calls it again."""

    def __init__(self, world: World, plan: SimulationPlan, name: str, workload: Workload) -> None:
        """Start the first process."""
        self.process = Process(world, plan, f"{name}-1")
        self.lives = 1
        self.injected: Counter[Fault] = Counter()
        self.calls = 0
        self._world = world
        self._plan = plan
        self._name = name
        self._workload = workload
        self._rng = self.process.rng("worker")

    async def run(self) -> None:
        """Call the worker until it returns; what it raises in a living process is raised."""
        while True:
            main = self.process.start(self._main(self.process))
            await asyncio.wait([main])
            if not self.process.is_dead:
                main.result()
                return
            await self._mourn(main)

    async def _main(self, process: Process) -> None:
        await self._workload.worker(process.store, self._name, self._rng)

    async def _mourn(self, main: asyncio.Task[None]) -> None:
        dead = self.process
        await dead.bury()
        if not main.cancelled() and not isinstance(main.exception(), SimulatedCrash | None):
            main.result()
        self.count(dead)
        await asyncio.sleep(self._rng.uniform(0, self._plan.downtime))
        await dead.store.deliver()
        self.lives += 1
        self.process = Process(self._world, self._plan, f"{self._name}-{self.lives}")
        if self.lives >= LIVES_MAX:
            self.process.store.faulty.plan.stop()

    def count(self, process: Process) -> None:
        """Add up what a process met."""
        self.injected += process.store.injected
        self.calls += process.store.calls
