"""Two stores that take part: orders, and the stock that they are taken from; and processes that die between calls."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest

from tai_state import AsyncBackendStore, async_verify
from tai_state._async.access.port import AsyncBackend
from tai_state.distributed import AsyncDistributedTransaction
from tai_state.documents import DocumentPath, Write
from tai_state.errors import PreconditionFailedError, StateNotFoundError
from tai_state.layout import DISTRIBUTED, PREPARED
from tai_state.testing.faults import SimulatedCrash
from tests._async.stores import NO_WAIT, TIMEOUT, AsyncFaultyBackend, AsyncPlace, AsyncWrappedBackend

AT_ONCE = timedelta(microseconds=1)
"""A lease that is over when anybody looks."""

CALLS = 15
"""How many calls of its stores such a transaction makes, from the first read to the last note."""

ORDER, ITEM = ("shop", "o/1"), ("shop", "widget")


async def async_order(dtx):
    """Take one of the stock for an order, which is new."""
    found, _ = await dtx["stock"].get_state(*ITEM)
    await dtx["stock"].save_state(*ITEM, {"n": found.data["n"] - 1})
    await dtx["orders"].save_state(*ORDER, {"item": ITEM[1]})
    return found.data["n"] - 1


class AsyncPair:
    """The place of the orders, whose store decides, and that of the stock."""

    def __init__(self, orders: AsyncPlace, stock: AsyncPlace, root: str) -> None:
        self._orders = orders
        self._stock = stock
        self._root = {"root": root} if root else {}

    def opened(self, **options) -> tuple[AsyncBackendStore, AsyncBackendStore]:
        """Return one more store of each, as another process opens them."""
        return self._orders.store(**options), self._stock.store(**options, **self._root)

    def dying(self, death: "Death") -> tuple[AsyncBackendStore, AsyncBackendStore]:
        """Return one more store of each, in a process that dies."""
        orders, stock = (
            AsyncBackendStore(AsyncDyingBackend(store.runtime.access.backend, death), actor="tester", retry=NO_WAIT)
            for store in self.opened()
        )
        return orders, stock

    def faulty(
        self, which: int, at: int, fault: str
    ) -> tuple[tuple[AsyncBackendStore, AsyncBackendStore], AsyncFaultyBackend]:
        """Return one more store of each, of which one meets a fault at its commit of this number, from 0 on."""
        stores = [*self.opened(retry=NO_WAIT)]
        backend = AsyncFaultyBackend(stores[which].runtime.access.backend, ["fine"] * at + [fault])
        stores[which] = AsyncBackendStore(backend, actor="tester", retry=NO_WAIT)
        return (stores[0], stores[1]), backend

    def interposed(self, at: int, doing: Callable[[], Awaitable[None]]) -> tuple[AsyncBackendStore, AsyncBackendStore]:
        """Return one more store of each, before whose call of this number, of both, somebody else does something."""
        interposition = Interposition(at, doing)
        orders, stock = (
            AsyncBackendStore(AsyncInterposedBackend(store.runtime.access.backend, interposition), actor="tester")
            for store in self.opened()
        )
        return orders, stock


class Interposition:
    """What somebody else does before the call of this number, of all stores together."""

    def __init__(self, at: int, doing: Callable[[], Awaitable[None]]) -> None:
        self.at = at
        self.doing = doing
        self.calls = 0

    async def call(self) -> None:
        """Count a call."""
        self.calls += 1
        if self.calls == self.at:
            await self.doing()


class AsyncInterposedBackend(AsyncWrappedBackend):
    """Lets somebody else come first at one call."""

    def __init__(self, inner: AsyncBackend, interposition: Interposition) -> None:
        super().__init__(inner)
        self._interposition = interposition

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        await self._interposition.call()
        past = {} if at is None else {"at": at}
        return await self.inner.get_many(paths, timeout=timeout, consistent=consistent, **past)

    async def commit(self, writes, *, timeout):
        await self._interposition.call()
        return await self.inner.commit(writes, timeout=timeout)


class Death:
    """When a process dies: at the call of this number, of all of its stores, before it is made or behind it.

    Or at the first commit that writes a document of this id. ``unsent`` is the commit that it was about to make: it may
    have been sent, and arrive later.
    """

    def __init__(self, at: int | None = None, *, writing: str = "", behind: bool = False) -> None:
        self.at = at
        self.writing = writing
        self.behind = behind
        self.calls = 0
        self.unsent: tuple[AsyncBackend, Sequence[Write]] | None = None

    async def deliver(self) -> bool:
        """Let what it was about to commit arrive, and return whether it was taken."""
        assert self.unsent is not None
        backend, writes = self.unsent
        try:
            await backend.commit(writes, timeout=TIMEOUT)
        except PreconditionFailedError:
            return False
        return True

    def begin(self, writes: Sequence[Write] = ()) -> bool:
        """Count a call, and return whether the process dies behind it."""
        self.calls += 1
        if self.at is None and self.writing and any(write.path.id == self.writing for write in writes):
            self.at = self.calls
        if self.at is None or self.calls < self.at:
            return False
        if self.calls == self.at and self.behind:
            return True
        message = "the process is dead"
        raise SimulatedCrash(message)


class AsyncDyingBackend(AsyncWrappedBackend):
    """Passes calls on until its process is dead."""

    def __init__(self, inner: AsyncBackend, death: Death) -> None:
        super().__init__(inner)
        self._death = death

    async def _made(self, call, *arguments, writes=(), **options):
        dies = self._death.begin(writes)
        made = await call(*arguments, **options)
        if dies:
            message = "the process is dead"
            raise SimulatedCrash(message)
        return made

    async def get_many(self, paths, *, timeout, consistent=True, at=None):
        past = {} if at is None else {"at": at}
        return await self._made(self.inner.get_many, paths, timeout=timeout, consistent=consistent, **past)

    async def commit(self, writes, *, timeout):
        if self._death.calls + 1 == self._death.at:
            self._death.unsent = self.inner, writes
        return await self._made(self.inner.commit, writes, writes=writes, timeout=timeout)

    async def server_time(self, *, timeout):
        return await self._made(self.inner.server_time, timeout=timeout)


async def async_left(pair: AsyncPair, lease: timedelta = AT_ONCE, body=async_order, *, behind: bool = False) -> None:
    """Let a process die that has prepared everything, and decided nothing; or *behind* its decision."""
    with pytest.raises(SimulatedCrash):
        await transaction(*pair.dying(Death(writing="decision", behind=behind)), lease=lease).run(body)


def transaction(orders, stock, **options):
    """Return the transaction over both stores, decided where the orders are."""
    return AsyncDistributedTransaction(orders, {"orders": orders, "stock": stock}, **options)


async def async_outcome_of(orders, stock) -> bool:
    """Return whether the order was made, after a look that both stores tell the same, and that nothing is left."""
    try:
        await orders.get_state(*ORDER)
        is_ordered = True
    except StateNotFoundError:
        is_ordered = False
    found, version = await stock.get_state(*ITEM)
    assert (found.data["n"], version) == ((4, 2) if is_ordered else (5, 1))
    for store in (orders, stock):
        assert await async_open_parts(store) == []
        async for report in async_verify(store):
            assert report.is_consistent, report.problems
        async for document in store.runtime.access.scan("governors/shop/states"):
            assert "prepared" not in document.fields
    return is_ordered


async def async_open_parts(store) -> list[DocumentPath]:
    """Return where the parts of a store stand that are not settled."""
    return [one.path async for one in store.runtime.access.scan(PREPARED) if one.fields["is_open"]]


async def async_begun(store) -> list[DocumentPath]:
    """Return where the transactions stand that a coordinator knows of."""
    return [one.path async for one in store.runtime.access.backend.scan(DISTRIBUTED, timeout=TIMEOUT)]
