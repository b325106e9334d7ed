"""Processes that order over two stores, and kill themselves at a listed call of theirs."""

import os
import signal
from dataclasses import dataclass
from datetime import timedelta

from tai_state import BackendStore, connect
from tai_state.distributed import DistributedTransaction
from tai_state.testing.firestore_emulator import HOST_VARIABLE
from tests._sync.stores import WrappedBackend
from tests.chaos.coalesced import strike
from tests.children import end_with_parent

ITEM = ("warehouse", "tea")

FIRST, LAST = 6, 14
"""The calls of both stores between the first prepare and the last settlement, both included."""

POINTS = [(at, behind) for at in range(FIRST, LAST + 1) for behind in (False, True)]
"""Where a process dies: at which call, before it is made or behind it."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a process is told.

    Args:
        orders, stock: The URLs of the stores; the first one decides.
        point: Where it dies.
        lease: In seconds.
        host: Where the emulator is found.
    """

    orders: str
    stock: str
    order_id: str
    point: tuple[int, bool]
    lease: float
    host: str | None = None
    seconds_max: int = 60


class Calls:
    """Counts the calls of all stores of a process, and kills it at one of them."""

    def __init__(self, at: int, *, behind: bool) -> None:
        self._left = at
        self._behind = behind

    def made(self, call, *arguments, **options):
        """Make a call, or die."""
        self._left -= 1
        if self._left == 0 and not self._behind:
            strike()
        result = call(*arguments, **options)
        if self._left == 0:
            strike()
        return result


class CountedBackend(WrappedBackend):
    """Passes calls on as long as its process lives."""

    def __init__(self, inner, calls: Calls) -> None:
        super().__init__(inner)
        self._calls = calls

    def get_many(self, paths, *, timeout, consistent=True, at=None):
        past = {} if at is None else {"at": at}
        return self._calls.made(self.inner.get_many, paths, timeout=timeout, consistent=consistent, **past)

    def commit(self, writes, *, timeout):
        return self._calls.made(self.inner.commit, writes, timeout=timeout)


def work(told: Order, life: int) -> None:
    """Order one, as far as it comes."""
    del life
    end_with_parent()
    signal.alarm(told.seconds_max)
    if told.host is not None:
        os.environ[HOST_VARIABLE] = told.host
    at, behind = told.point
    calls = Calls(at, behind=behind)
    orders, stock = (
        BackendStore(CountedBackend(connect(url).runtime.access.backend, calls), actor="mortal")
        for url in (told.orders, told.stock)
    )

    def body(dtx):
        item, _ = dtx["stock"].get_state(*ITEM)
        dtx["stock"].save_state(*ITEM, {"left": item.data["left"] - 1})
        dtx["orders"].save_state("shop", told.order_id, {})

    lease = timedelta(seconds=told.lease)
    DistributedTransaction(orders, {"orders": orders, "stock": stock}, lease=lease).run(body)
