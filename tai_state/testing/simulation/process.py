"""One process of a simulated run: a store with caches and locks of its own, which can die at any call."""

import asyncio
import contextvars
import random
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any

from tai_state._async.access.port import AsyncBackend
from tai_state._async.api.connect import AsyncBackendStore
from tai_state._async.api.lock_manager import AsyncLockManager
from tai_state._async.api.persister import AsyncStateMachinePersister
from tai_state._async.api.transaction_manager import AsyncTransactionManager
from tai_state.config import LockConfig, Maintenance, PersistenceConfig
from tai_state.documents import Write
from tai_state.machine import Machine, Transition
from tai_state.retry import RetryPolicy
from tai_state.testing._async.faulty import AsyncFaultyBackend, AsyncFaultyStore
from tai_state.testing.faults import Fate, Fault, FaultPlan, Kind
from tai_state.testing.simulation.plan import SimulationPlan
from tai_state.testing.simulation.world import SkewedClock, World, marks_of

RETRY = RetryPolicy(wait_initial=0.005, wait_max=0.2, deadline=30.0, attempt_timeout=2.0)
BURIAL_ROUNDS_MAX = 10_000

PROCESS: contextvars.ContextVar["Process"] = contextvars.ContextVar("PROCESS")
"""The process whose task is running."""


def _added(data: dict[str, Any], payload: Any) -> dict[str, Any]:
    return {**data, "n": data.get("n", 0) + payload["amount"]}


MACHINE = Machine(
    "order",
    "idle",
    [
        Transition("add", ("idle", "busy"), "idle", apply=_added),
        Transition("begin", "idle", "busy"),
        Transition("end", "busy", "idle", guard=lambda data, _: data.get("n", 0) % 2 == 0),
        Transition("end", "busy", "done"),
        Transition("again", "done", "idle", apply=_added),
    ],
)
ACTIONS = ("add", "add", "begin", "end", "again")


class SimulatedBackend(AsyncFaultyBackend):
    """Notes each call, and what the network may still bring; its crash is that of its process."""

    def __init__(self, inner: AsyncBackend, plan: FaultPlan, process: "Process") -> None:
        """Belong to *process*."""
        super().__init__(inner, plan)
        self._process = process

    async def _begin(self, kind: Kind, timeout: float) -> Fate:
        fate = await super()._begin(kind, timeout)
        self._process.world.trace.note(self._process.name, kind, fate.fault or "", fate.crash or "")
        return fate

    def _put_off(self, fault: Fault, writes: Sequence[Write], calls: int) -> None:
        super()._put_off(fault, writes, calls)
        if fault is Fault.LATE:
            self._process.may_arrive.update(dict.fromkeys(marks_of(writes)))

    def crash(self) -> None:
        """Let the process be dead, with all its tasks."""
        if not self.crashed:
            super().crash()
            self._process.die()


class SimulatedStore(AsyncFaultyStore):
    """The store of one process."""

    def __init__(self, process: "Process", **options: Any) -> None:
        """Belong to *process*."""
        self._process = process
        super().__init__(process.world.memory, **options)

    def _backend_of(self, inner: AsyncBackend, plan: FaultPlan) -> AsyncFaultyBackend:
        return SimulatedBackend(inner, plan, self._process)


class Process:
    """A process, from its start to its death or the end of the run."""

    def __init__(self, world: World, plan: SimulationPlan, name: str) -> None:
        """Start with empty caches."""
        self.world = world
        self.plan = plan
        self.name = name
        self.is_dead = False
        self.tasks: list[asyncio.Task[Any]] = []
        self.may_arrive: dict[str, None] = {}
        """The marks of the changes that the network may still bring."""
        rng = self.rng("process")
        self.clock = SkewedClock(world.clock, rng.uniform(-plan.wall_skew, plan.wall_skew))
        self.store = SimulatedStore(
            self,
            seed=f"{world.seed}/{name}/faults",
            faults=plan.faults,
            clock=self.clock,
            rng=self.rng("ids"),
            **settings(plan, name),
        )
        self.orders = persister_of(self.store, plan)
        self.transactions = AsyncTransactionManager(self.store, RETRY)
        self.locks = AsyncLockManager(self.store, LockConfig(ttl=plan.lock_ttl))

    def rng(self, purpose: str) -> random.Random:
        """Return a source of randomness for one purpose."""
        return random.Random(f"{self.world.seed}/{self.name}/{purpose}")  # noqa: S311 - repeatable on purpose

    def start(self, main: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run *main* in a task of this process, as are all that it makes."""
        context = contextvars.copy_context()
        context.run(PROCESS.set, self)
        task = asyncio.get_running_loop().create_task(main, context=context)
        self.tasks.append(task)
        return task

    def adopt(self, task: asyncio.Task[Any]) -> None:
        """Take account of a task that one of this process made."""
        self.tasks = [one for one in self.tasks if not one.done()]
        self.tasks.append(task)

    def die(self) -> None:
        """Cancel all tasks; none reaches the store any more, whatever it does while it unwinds."""
        self.is_dead = True
        self.world.trace.note(self.name, "dies")
        self._cancel_all()

    def _cancel_all(self) -> None:
        for task in self.tasks:
            if not task.done():
                task.cancel()

    async def bury(self) -> None:
        """Wait until nothing of this process runs any more."""
        self.is_dead = True
        self.store.faulty.crashed = True
        for _ in range(BURIAL_ROUNDS_MAX):
            self.tasks = [task for task in self.tasks if not task.done()]
            if not self.tasks:
                break
            self._cancel_all()
            await asyncio.sleep(0.001)
        self.store.runtime.locks.forget_all()


def settings(plan: SimulationPlan, name: str) -> dict[str, Any]:
    """Return the options of a process's store."""
    return {
        "actor": name,
        "retry": RETRY,
        "receipt_ttl": timedelta(seconds=plan.receipt_ttl),
        "maintenance": Maintenance(plan.snapshot_interval, plan.snapshot_retention, plan.segment_events),
        "head_cache_size": plan.head_cache_size,
    }


def persister_of(store: AsyncBackendStore, plan: SimulationPlan) -> AsyncStateMachinePersister[Any]:
    """Return the persister of the machine that all processes run."""
    config = PersistenceConfig(plan.snapshot_interval, plan.snapshot_retention, segment_events=plan.segment_events)
    return AsyncStateMachinePersister(store, MACHINE, config)


def process_of_new_task(task: asyncio.Task[Any]) -> None:
    """Let the process whose task makes *task* take account of it."""
    process = PROCESS.get(None)
    if process is not None:
        process.adopt(task)
