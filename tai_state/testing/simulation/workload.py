"""A user's own workload in a simulated run: his worker in processes that die, and his invariants behind them."""

import inspect
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tai_state._async.api.connect import AsyncBackendStore
from tai_state._async.api.persister import AsyncStateMachinePersister
from tai_state._async.api.store import AsyncStateStore
from tai_state.errors import ConfigurationError
from tai_state.testing.simulation.failure import BrokenError
from tai_state.testing.simulation.lives import Lives
from tai_state.testing.simulation.plan import SimulationPlan
from tai_state.testing.simulation.process import Process
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


class WorkloadWorker(Lives):
    """One of a user's workers: whenever its process has died, another one calls it again."""

    def __init__(self, world: World, plan: SimulationPlan, name: str, workload: Workload) -> None:
        """Start the first process."""
        super().__init__(world, plan, name)
        self._workload = workload
        self._user_rng = self.process.rng("worker")

    async def _main(self, process: Process) -> None:
        await self._workload.worker(process.store, self.name, self._user_rng)

    def _lost(self) -> None:
        """Know nothing of it: the user's worker looks at the store for what it had done."""
