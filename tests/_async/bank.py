"""A bank under load: many move money at the same time, while an auditor adds all of it up."""

import random
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from tai_state import AsyncStateStore, AsyncTransactionManager, RetryPolicy
from tai_state._platform.tasks import async_together
from tai_state.clock import Deadline, SystemClock
from tests._async.accounts import BANK, async_open_accounts, async_transfer

PATIENT = RetryPolicy(wait_initial=0.005, wait_max=0.1, deadline=300.0)
OPENING = 100


@dataclass
class AsyncBank:
    """What the workers and the auditor share; ``open_store`` gives each a client of its own."""

    open_store: Callable[[], AsyncStateStore]
    accounts: int = 8
    retry: RetryPolicy | None = PATIENT
    transfers: int = 0
    attempts: int = 0
    totals: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    at_work: int = 0
    is_over: Callable[[], bool] = lambda: False
    """What ends the run before its transfers are made."""
    deadline: Deadline = field(default_factory=lambda: Deadline(SystemClock(), 0.0))

    @property
    def names(self) -> list[str]:
        """The names of the accounts."""
        return [f"account-{number}" for number in range(self.accounts)]

    async def open(self) -> None:
        """Open the accounts."""
        await async_open_accounts(self.open_store(), **dict.fromkeys(self.names, OPENING))

    @property
    def is_wrong(self) -> bool:
        """Whether the auditor has seen another total than that of the opening."""
        return any(total != OPENING * self.accounts for total in self.totals)

    async def run(self, *, workers: int, transfers: int, seconds_max: float = 30.0) -> None:
        """Let each of the workers make its share of the transfers in the time, while the auditor looks."""
        self.deadline = Deadline(SystemClock(), seconds_max)
        self.at_work = workers
        share = transfers // workers
        calls: list[Callable[[], Awaitable[None]]] = [self._audit]
        calls += [partial(self._work, seed, share) for seed in range(workers)]
        await async_together(calls)

    async def _work(self, seed: int, transfers: int) -> None:
        rng = random.Random(seed)
        manager = AsyncTransactionManager(self.open_store(), self.retry)
        try:
            for _ in range(transfers):
                if self.deadline.passed or self.is_over():
                    return
                source, target = rng.sample(self.names, 2)
                await manager.run(partial(self._move, source=source, target=target, amount=rng.randint(1, 9)))
                with self.lock:
                    self.transfers += 1
        finally:
            with self.lock:
                self.at_work -= 1

    async def _move(self, tx, *, source, target, amount) -> None:
        with self.lock:
            self.attempts += 1
        await async_transfer(tx, source, target, amount)

    async def _audit(self) -> None:
        manager = AsyncTransactionManager(self.open_store(), self.retry)
        while self.at_work:
            self.totals.append(await manager.run(self.add_up, read_only=True))
        self.totals.append(await manager.run(self.add_up, read_only=True))

    async def add_up(self, tx) -> int:
        """Return what all accounts hold."""
        found = (await tx.batch_get_states(BANK, self.names)).found
        return sum(snapshot.data["n"] for snapshot in found.values())
