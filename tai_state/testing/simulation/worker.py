"""A worker: it serves its requests with one process after the other, whenever one has died."""

import asyncio
import contextlib
from collections import Counter, deque

from tai_state.testing.simulation.client import Client, DoubtError
from tai_state.testing.simulation.failure import BrokenError
from tai_state.testing.simulation.ledger import Ledger
from tai_state.testing.simulation.lives import Lives
from tai_state.testing.simulation.plan import BANK, SHOP, VAULT, SimulationPlan, Work
from tai_state.testing.simulation.process import ACTIONS, Process
from tai_state.testing.simulation.requests import CHANGES, Request, drawn_requests
from tai_state.testing.simulation.world import World

ATTEMPTS_MAX = 6


class Worker(Lives):
    """Requests that outlive the processes that serve them."""

    def __init__(self, world: World, plan: SimulationPlan, name: str, ledger: Ledger) -> None:
        """Draw the requests."""
        super().__init__(world, plan, name)
        self.done: Counter[Work] = Counter()
        """How often each kind of work was served, and its changes acknowledged."""
        self._ledger = ledger
        self._waiting = deque(drawn_requests(name, plan, self.process.rng("requests"), ACTIONS))
        self._open: list[Request] = []

    def _lost(self) -> None:
        for request in self._open:
            for mark in request.marks:
                self._ledger.doubt(mark)
        # Those with a key are asked for again, by whoever comes next.
        self._waiting.extendleft(
            request for request in self._open if request.key is not None and not self._ledger.is_answered(request.mark)
        )
        self._open.clear()

    # In the process

    async def _main(self, process: Process) -> None:
        if self.lives > 1:
            await self._recover(process)
        lanes = [asyncio.ensure_future(self._lane(process)) for _ in range(self._plan.lanes)]
        for lane in lanes:
            await lane

    async def _recover(self, process: Process) -> None:
        """See that the store is sound behind a crash: all that was written is whole."""
        client = Client(process, self._ledger)
        governor, target = self._rng.choice(((SHOP, "order-0"), (BANK, "account-0"), (VAULT, "vault-0")))
        request = Request(Work.CHECK, f"{self.name}.recovery-{self.lives}", governor, (target,), 0)
        await client.make(request)

    async def _lane(self, process: Process) -> None:
        client = Client(process, self._ledger)
        while self._waiting:
            request = self._waiting.popleft()
            self._open.append(request)
            await self._serve(process, client, request)
            self._open.remove(request)
            if self._is_done(request):
                self.done[request.work] += 1
            await asyncio.sleep(self._rng.uniform(0, self._plan.think))

    def _is_done(self, request: Request) -> bool:
        promises = self._ledger.promises
        is_answered = any(promises[mark].versions for mark in request.marks)
        return is_answered if request.work in CHANGES else request.is_served

    async def _serve(self, process: Process, client: Client, request: Request) -> None:
        """Make the request, again and again while its outcome is unknown and its key is remembered."""
        for _ in range(ATTEMPTS_MAX):
            if request.began is None:
                request.began = self._world.clock.monotonic()
            elif not self._may_repeat(request):
                return
            request.marks.clear()
            try:
                await self._attempt(process, client, request)
            except DoubtError:
                continue
            return

    def _may_repeat(self, request: Request) -> bool:
        """Whether asking once more can only give the one outcome: not once its key may be forgotten."""
        assert request.began is not None
        age = self._world.clock.monotonic() - request.began
        is_remembered = request.work is Work.TRANSFER or age < self._plan.receipt_ttl / 2
        return request.key is not None and is_remembered

    async def _attempt(self, process: Process, client: Client, request: Request) -> None:
        if request.cancel_seconds is None:
            await client.make(request)
            return
        task = asyncio.ensure_future(client.make(request))
        await self._soon(request.cancel_seconds, request.cancel_steps)
        was_done = task.done()
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            if was_done or process.is_dead:
                raise
        if task.cancelled():
            for mark in request.marks:
                self._ledger.cancelled(mark, may_arrive=mark in process.may_arrive)

    async def _soon(self, seconds: float, steps: int) -> None:
        await asyncio.sleep(seconds)
        for _ in range(steps):
            await asyncio.sleep(0)

    # Behind the run

    async def settle(self) -> None:
        """Without faults, let everything arrive, and see that the process goes on with the caches that it has.

        Raises:
            BrokenError: It does not.
        """
        self.process.store.faulty.plan.stop()
        await self.process.store.deliver()
        if not self.process.is_dead:
            await self.process.start(self._go_on())

    async def _go_on(self) -> None:
        client = Client(self.process, self._ledger)
        for number in range(self._plan.states):
            mark = f"{self.name}.last-{number}"
            request = Request(Work.LOG, mark, SHOP, (f"order-{number}",), number, key=mark)
            with contextlib.suppress(DoubtError):
                await client.make(request)
            if not self._ledger.promises[mark].versions:
                raise BrokenError("progress", f"without faults, {mark} was not made")
