"""A bank, and other writers who come between: what the tests of transactions share."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from tai_state import (
    AsyncBackendStore,
    AsyncStateStore,
    AsyncTransaction,
    AsyncTransactionManager,
    Capability,
    RetryPolicy,
)
from tai_state._async.access.port import AsyncBackend
from tai_state.documents import CommitResult, Document, DocumentPath, Read, Write
from tests._async.stores import AsyncWrappedBackend

BANK = "bank"
AT_ONCE = RetryPolicy(attempts=5, wait_initial=0.0, wait_max=0.0)


def manager_of(store, retry=AT_ONCE):
    return AsyncTransactionManager(store, retry=retry)


async def async_open_accounts(store: AsyncStateStore, **amounts: int) -> None:
    """Open an account for each name."""
    for name, amount in amounts.items():
        await store.save_state(BANK, name, {"n": amount})


async def async_amounts(store: AsyncStateStore, *names: str) -> list[int]:
    """Return what the accounts hold, as of one moment."""
    found = (await store.batch_get_states(BANK, names)).found
    return [found[name].data["n"] for name in names]


async def async_amount(tx: AsyncTransaction, name: str) -> int:
    """Return what one account holds, read in a transaction."""
    snapshot, _ = await tx.get_state(BANK, name)
    amount: int = snapshot.data["n"]
    return amount


async def async_put(tx: AsyncTransaction, name: str, amount: int) -> int:
    """Let one account hold *amount*."""
    return await tx.save_state(BANK, name, {"n": amount})


async def async_transfer(tx: AsyncTransaction, source: str, target: str, amount: int) -> None:
    """Move *amount* between two accounts that are read in one go."""
    found = (await tx.batch_get_states(BANK, [source, target])).found
    await async_put(tx, source, found[source].data["n"] - amount)
    await async_put(tx, target, found[target].data["n"] + amount)


class AsyncMeddledBackend(AsyncWrappedBackend):
    """Before the reads and the commits to come, makes the calls that are put into its lists, one each."""

    def __init__(self, inner: AsyncBackend) -> None:
        super().__init__(inner)
        self.before_reads: list[Callable[[], Awaitable[object]]] = []
        self.before_commits: list[Callable[[], Awaitable[object]]] = []

    async def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        if self.before_reads:
            await self.before_reads.pop(0)()
        return await super().get_many(paths, timeout=timeout, consistent=consistent, at=at)

    async def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        if self.before_commits:
            await self.before_commits.pop(0)()
        return await super().commit(writes, timeout=timeout)


class AsyncPresentBackend(AsyncWrappedBackend):
    """Reads the present alone, whatever the engine can."""

    def __init__(self, inner: AsyncBackend) -> None:
        super().__init__(inner)
        self.capabilities = inner.capabilities - {Capability.READ_AT}


class AsyncTearingBackend(AsyncWrappedBackend):
    """Reads a batch document by document where it need not be consistent, and calls ``between`` behind the first."""

    def __init__(self, inner: AsyncBackend) -> None:
        super().__init__(inner)
        self.capabilities = inner.capabilities - {Capability.STEADY_READS, Capability.READ_AT}
        self.between: list[Callable[[], Awaitable[object]]] = []
        self.consistent_reads = 0

    async def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        if consistent or at is not None:
            self.consistent_reads += 1
            return await super().get_many(paths, timeout=timeout, consistent=True, at=at)
        found: dict[DocumentPath, Document] = {}
        read_time = datetime.min.replace(tzinfo=UTC)
        for number, path in enumerate(paths):
            if number == 1 and self.between:
                await self.between.pop(0)()
            read = await super().get_many([path], timeout=timeout)
            found.update(read.documents)
            read_time = read.read_time
        return Read(found, read_time)


def over(place, kind):
    """Return one more store in the place over a backend of that kind, and the backend."""
    backend = kind(place.store().runtime.access.backend)
    return AsyncBackendStore(backend, actor="tester"), backend
