"""Simulated runs: the whole package under a seed that decides what runs next, what fails, and who dies when."""

import asyncio
import gc
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from tai_state._async.api.connect import AsyncBackendStore
from tai_state.config import check_kind
from tai_state.errors import ConfigurationError
from tai_state.models import ChangeMetadata
from tai_state.testing.faults import Fault, SimulatedCrash
from tai_state.testing.simulation.checks import all_states, check_run
from tai_state.testing.simulation.client import OPENING
from tai_state.testing.simulation.disturbances import Disturber
from tai_state.testing.simulation.failure import BrokenError, SimulationFailure
from tai_state.testing.simulation.ledger import Ledger
from tai_state.testing.simulation.loop import SimulationLoop, StuckError
from tai_state.testing.simulation.plan import BANK, SHOP, SimulationPlan, Work, drawn
from tai_state.testing.simulation.process import persister_of, process_of_new_task, settings
from tai_state.testing.simulation.worker import Worker
from tai_state.testing.simulation.workload import Invariant, UserWorker, Workload, WorkloadWorker
from tai_state.testing.simulation.world import World

__all__ = ["Simulation", "SimulationFailure", "SimulationPlan", "SimulationReport", "Work"]


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """What a run did, so that a test can refuse to pass when it was too little.

    Attributes:
        done: How often each kind of work was served: its changes acknowledged, its reads answered.
        acknowledged, refused, in_doubt: How many changes got which answer; none, the last.
        events: How many changes stand in the store.
        commits, calls: How many commits were applied, and how many calls of the store were made.
        injected: How often each fault was injected.
        crashes: How many processes died.
        steps: How many steps the scheduler made.
        seconds: How much virtual time passed.
        fingerprint: Tells this run from every other: a digest of all that happened in it.
    """

    seed: int
    done: Counter[Work]
    acknowledged: int
    refused: int
    in_doubt: int
    events: int
    commits: int
    calls: int
    injected: Counter[Fault]
    crashes: int
    steps: int
    seconds: float
    fingerprint: str


class Simulation:
    """One run, decided by its seed.

    Several processes share a store in memory: each with its own caches, locks and faults, serving clients that change
    states, move money, hold locks, read and look back. A seeded scheduler chooses what goes on at every await, time
    is virtual, and processes die between any two calls of the store; their successors go on. Behind the run
    everything that the clients were told is held against what is there.

    With a *worker* it is a kit for a workload of one's own: that runs in the processes instead of the kit's clients,
    and behind the run the histories must be sound, and the *invariants* hold.
    """

    def __init__(
        self,
        seed: int,
        plan: SimulationPlan | None = None,
        *,
        worker: UserWorker | None = None,
        invariants: Sequence[Invariant] = (),
    ) -> None:
        """Prepare the run of *seed*.

        Args:
            plan: How many processes, which faults; None: drawn from the seed.
            worker: ``async def worker(store, name, rng)``, run once in each process, side by side. Its store meets the
                plan's faults and may die at any call, with all that the process was doing; another process calls the
                worker again then, under the same *name*, until it returns. It draws from *rng* and from nothing else.
            invariants: ``async def invariant(store)``, called in order behind the run with a sound store; one that
                raises does not hold.

        Raises:
            ConfigurationError: An argument is none of these.
        """
        check_kind(seed, int, "the seed of a simulation")
        check_kind(plan, (SimulationPlan, type(None)), "the plan of a simulation")
        self.seed = seed
        self.plan = plan if plan is not None else drawn(seed)
        self._workload = Workload.checked(worker, invariants)

    def run(self) -> SimulationReport:
        """Run it to its end; the same seed makes the same run, step by step.

        Raises:
            SimulationFailure: An invariant does not hold. It names the seed, and shows the end of the trace.
            ConfigurationError: An event loop is running here already.
        """
        if asyncio._get_running_loop() is not None:  # noqa: SLF001 - as every loop asks before it runs
            message = "a simulation has an event loop of its own: call run() outside of coroutines"
            raise ConfigurationError(message)
        # When garbage is collected depends on what else this process did, and a collected generator runs code.
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            return _Run(self.seed, self.plan, self._workload).result()
        finally:
            if was_enabled:
                gc.enable()


class _Run:
    def __init__(self, seed: int, plan: SimulationPlan, workload: Workload | None) -> None:
        self._plan = plan
        self._workload = workload
        self._world = World.made(seed)
        self._ledger = Ledger(self._world)
        self._workers: list[Worker | WorkloadWorker] = []
        self._loop = SimulationLoop(self._world.clock, self._world.rng("schedule"), steps_max=plan.steps_max)
        self._loop.on_task = process_of_new_task

    def result(self) -> SimulationReport:
        world = self._world
        try:
            events = self._loop.run_main(self._main(), check=self._check)
            self._check_unhandled()
        except BrokenError as error:
            raise SimulationFailure(world.seed, error.invariant, error.details, world.trace.lines()) from error
        except StuckError as error:
            raise SimulationFailure(world.seed, "progress", str(error), world.trace.lines()) from error
        except Exception as error:
            raise SimulationFailure(world.seed, "no other error", repr(error), world.trace.lines()) from error
        finally:
            self._end()
        return self._report(events)

    def _end(self) -> None:
        """Leave nothing behind: no task, and no lock that another run of this process could take for held."""
        for worker in self._workers:
            worker.process.store.faulty.crashed = True
        self._loop.end_all()
        for worker in self._workers:
            worker.process.store.runtime.locks.forget_all()
        self._loop.close()

    def _check(self) -> None:
        if self._world.memory.broken is not None:
            raise self._world.memory.broken

    def _check_unhandled(self) -> None:
        for context in self._loop.unhandled:
            error = context.get("exception")
            if not isinstance(error, SimulatedCrash):
                raise BrokenError("no unhandled error", f"{context['message']}: {error!r}")

    async def _main(self) -> int:
        store = AsyncBackendStore(
            self._world.memory, clock=self._world.clock, rng=self._world.rng("ids"), **settings(self._plan, "setup")
        )
        names = [f"w{number}" for number in range(self._plan.workers)]
        if self._workload is not None:
            users = [WorkloadWorker(self._world, self._plan, name, self._workload) for name in names]
            self._workers = [*users]
            await self._all([worker.run() for worker in users], self._disturbances())
            await self._bury_all()
            return await self._workload.check(store)
        total = await self._set_up(store)
        workers = [Worker(self._world, self._plan, name, self._ledger) for name in names]
        self._workers = [*workers]
        await self._all([worker.run() for worker in workers], self._disturbances())
        await self._all([worker.settle() for worker in workers])
        await self._bury_all()
        return await check_run(store, self._plan, self._ledger, total)

    async def _bury_all(self) -> None:
        """End all processes, and let everything arrive that they had sent."""
        for worker in self._workers:
            worker.count(worker.process)
            await worker.process.bury()
            await worker.process.store.deliver()

    def _disturbances(self) -> Coroutine[Any, Any, None] | None:
        plan = self._plan
        if not (plan.store_jumps or plan.wall_jumps or plan.strangers):
            return None
        return Disturber(self._world, self._plan, lambda: [worker.process for worker in self._workers]).run()

    @staticmethod
    async def _all(calls: list[Any], beside: Coroutine[Any, Any, None] | None = None) -> None:
        """Await all *calls*; what goes on *beside* them ends with the last."""
        aside = asyncio.ensure_future(beside) if beside is not None else None
        tasks = [asyncio.ensure_future(call) for call in calls]
        for task in tasks:
            await task
        if aside is not None and not aside.cancel():
            await aside

    async def _set_up(self, store: AsyncBackendStore) -> int:
        """Open the accounts and the vaults, and start one order; return what the accounts hold."""
        persister = persister_of(store, self._plan)
        for number, (governor, name) in enumerate(all_states(self._plan)):
            if governor == SHOP and number:
                continue  # the others are for the clients to start
            mark, key = f"setup.{number}", f"{governor}/{name}"
            signed = ChangeMetadata(changed_by="setup", reason=mark)
            self._ledger.ask(mark, [key])
            if governor == BANK:
                version = await store.save_state(governor, name, {"balance": OPENING}, signed)
            else:
                version = (await persister.start(governor, name, {"n": 0}, metadata=signed)).version
            self._ledger.acknowledge(mark, {key: version})
        return OPENING * self._plan.accounts

    def _report(self, events: int) -> SimulationReport:
        promises = self._ledger.promises.values()
        injected: Counter[Fault] = Counter()
        done: Counter[Work] = Counter()
        for worker in self._workers:
            injected += worker.injected
            if isinstance(worker, Worker):
                done += worker.done
        return SimulationReport(
            seed=self._world.seed,
            done=done,
            acknowledged=sum(bool(promise.versions) for promise in promises),
            refused=sum(promise.is_refused for promise in promises),
            in_doubt=sum(promise.is_open for promise in promises),
            events=events,
            commits=self._world.memory.commits,
            calls=sum(worker.calls for worker in self._workers),
            injected=injected,
            crashes=injected[Fault.CRASH],
            steps=self._loop.steps,
            seconds=self._world.clock.monotonic(),
            fingerprint=self._world.trace.digest(),
        )
