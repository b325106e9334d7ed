"""A workload over two stores: money moves between them, processes die at any call of either, and the sums agree."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

from tai_state import AsyncBackendStore, AsyncTransactionManager, RetryPolicy
from tai_state._async.backends.memory import AsyncMemoryBackend
from tai_state.distributed import AsyncDistributedTransaction, PreparedError, async_settle
from tai_state.errors import TaiStateError
from tai_state.layout import PREPARED
from tai_state.testing import Simulation
from tai_state.testing._async.faulty import AsyncFaultyStore
from tai_state.testing.simulation.plan import drawn
from tai_state.testing.simulation.process import PROCESS, SimulatedBackend, settings

TRANSFERS = 2
ACCOUNTS = ("a", "b")
LEASE_SECONDS = 0.3
ROUNDS_MAX = 400
RETRY = RetryPolicy(attempts=None, wait_initial=0.005, wait_max=0.1, deadline=3.0, attempt_timeout=1.0)

CALLS = 12
"""About how many calls of its stores a transfer makes from its begin on."""

POINTS = [(at, behind) for at in range(1, CALLS + 1) for behind in (False, True)]
"""Where a process dies: at which call of its first transfer, before it is made or behind it."""


class SecondStore(AsyncFaultyStore):
    """The other store of a process: its crash is that of the process, too."""

    def __init__(self, process, memory):
        self._process = process
        super().__init__(
            memory,
            seed=f"{process.world.seed}/{process.name}/second",
            faults=process.plan.faults,
            clock=process.clock,
            rng=process.rng("second ids"),
            **settings(process.plan, process.name),
        )

    def _backend_of(self, inner, plan):
        return SimulatedBackend(inner, plan, self._process)


class Blow:
    """Lets a process die at one of the calls that its stores get from now on."""

    def __init__(self, backends, at, *, behind):
        self._left = at
        self._behind = behind
        for backend in backends:
            self._arm(backend)

    def _arm(self, backend):
        begin, end = backend._begin, backend._end
        strikes = False

        async def begin_armed(kind, timeout):
            nonlocal strikes
            self._left -= 1
            if self._left == 0:
                if not self._behind:
                    backend.crash()
                strikes = self._behind
            return await begin(kind, timeout)

        async def end_armed(fate, timeout):
            if strikes:
                backend.crash()
            await end(fate, timeout)

        backend._begin, backend._end = begin_armed, end_armed


@dataclass
class Bank:
    """Two stores, and what their clients were told.

    Attributes:
        point: Where the first life of each process dies; None: where its faults say.
        told: The transfers that were acknowledged.
    """

    seed: int
    point: tuple[int, bool] | None = None
    memory: AsyncMemoryBackend | None = None
    told: set[str] = field(default_factory=set)
    seconds: list[SecondStore] = field(default_factory=list)

    async def worker(self, store, name, rng):
        """Move money from the one store to the other, again until each transfer is made."""
        process = PROCESS.get()
        if self.memory is None:
            self.memory = AsyncMemoryBackend(clock=process.world.memory.clock)
        second = SecondStore(process, self.memory)
        self.seconds.append(second)
        both = AsyncDistributedTransaction(
            store, {"left": store, "right": second}, lease=timedelta(seconds=LEASE_SECONDS), retry=RETRY
        )
        for number in range(TRANSFERS):
            await self._transfer(both, f"{name}-{number}", rng)

    async def _transfer(self, both, name, rng):
        left, right = both.stores["left"], both.stores["right"]
        own = name.rpartition("-")[0]
        for _ in range(ROUNDS_MAX):
            try:
                if await left.find_state("made", name) is not None:
                    return
                if self.point is not None and PROCESS.get().name == f"{own}-1" and name.endswith("-0"):
                    at, behind = self.point
                    Blow([left.faulty, right.faulty], at, behind=behind)
                source, target = rng.choice(ACCOUNTS), rng.choice(ACCOUNTS)

                async def body(dtx, source=source, target=target):
                    await async_add(dtx["left"], source, -1)
                    await async_add(dtx["right"], target, 1)
                    for one in ("left", "right"):
                        await dtx[one].save_state("made", name, {}, expected_version=0)

                await both.run(body)
            except PreparedError:
                await async_settle_each(left, right)
            except TaiStateError:
                pass  # refused, or nobody knows: the next round tells
            else:
                self.told.add(name)
                return
            await async_local(left if rng.random() < 0.5 else right)
            await asyncio.sleep(rng.uniform(0, 0.3))
        message = f"transfer {name} is stuck"
        raise AssertionError(message)

    async def both_stores_agree_on_every_transfer(self, store):
        """Once all is settled: the sums, which transfers were made, no mark, and what was told was so."""
        assert self.memory is not None
        for late in self.seconds:
            await late.deliver()
        second = AsyncBackendStore(self.memory, clock=store.runtime.access.clock, actor="judge")
        await asyncio.sleep(LEASE_SECONDS * 2)
        both = AsyncDistributedTransaction(store, {"left": store, "right": second})
        await both.recover()
        made, sums = [], []
        for one in (store, second):
            made.append({state.state_id async for state in one.list_states("made")})
            sums.append(sum([state.data["n"] async for state in one.list_states("bank")]))
            assert [part.path async for part in one.runtime.access.scan(PREPARED) if part.fields["is_open"]] == []
            for governor in ("made", "bank"):
                async for state in one.list_states(governor, include_deleted=True):
                    assert (state.prepared_by, state.deleted) == (None, False)
        assert made[0] == made[1] >= self.told
        assert sums == [-len(made[0]), len(made[0])]


async def async_add(tx, account, amount):
    """Add to an account, which may be new."""
    found = await tx.find_state("bank", account)
    balance = 0 if found is None else found.data["n"]
    await tx.save_state("bank", account, {"n": balance + amount})


async def async_local(store):
    """Move money within one store, as others do there meanwhile."""

    async def body(tx):
        await async_add(tx, "a", 1)
        await async_add(tx, "b", -1)

    try:
        await AsyncTransactionManager(store, RETRY).run(body)
    except TaiStateError:
        return


async def async_settle_each(left, right):
    """Settle what others have left, as whoever meets it does."""
    try:
        for store in (left, right):
            await async_settle(store, coordinator=left)
    except TaiStateError:
        return


def run(seed, point=None):
    """Run the workload of *seed*, and return what it did."""
    bank = Bank(seed, point)
    plan = replace(drawn(seed), strangers=0, workers=2)
    invariants = [bank.both_stores_agree_on_every_transfer]
    return Simulation(seed, plan, worker=bank.worker, invariants=invariants).run()


def run_many(first, last):
    """Run the workload of each seed from *first* to before *last*; each dies at the next point, too."""
    return [run(seed, POINTS[seed % len(POINTS)]) for seed in range(first, last)]


def run_point(point, seeds):
    """Run the workload of some seeds, whose processes die at one point."""
    return [run(seed, point) for seed in range(seeds)]
