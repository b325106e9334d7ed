"""A store whose calls go wrong as a seed says: for the tests of whoever uses tai_state."""

from collections import Counter
from collections.abc import AsyncIterator, Hashable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from tai_state._async.access.port import AsyncBackend
from tai_state._async.api.connect import AsyncBackendStore, check_options
from tai_state._async.api.store import AsyncStateStore
from tai_state._platform.forks import anew_in_children
from tai_state._platform.iterators import async_ending
from tai_state._platform.tasks import async_sleep
from tai_state.config import HEAD_CACHE_SIZE, check_colour, check_kind
from tai_state.documents import Capability, CommitResult, Document, DocumentPath, Query, Read, Write
from tai_state.errors import CommitAmbiguousError, StoreUnavailableError, TaiStateError
from tai_state.testing.faults import (
    SOME_FAULTS,
    Fate,
    Fault,
    FaultPlan,
    Faults,
    Kind,
    SimulatedCrash,
    StaleHeadCache,
    UnderWay,
)

if TYPE_CHECKING:
    from tai_state.models import Checkup

T = TypeVar("T")

_DELIVERY_SECONDS = 10.0


class AsyncFaultyBackend(AsyncBackend):
    """Passes each call on to another backend, unless its plan has something else in mind.

    What it does wrong is what the port allows a backend to do. A commit whose caller is cancelled arrives all the
    same, later: a request that was sent is not taken back. Once it has crashed, every call raises SimulatedCrash.
    """

    def __init__(self, inner: AsyncBackend, plan: FaultPlan) -> None:
        """Stand before *inner*."""
        self.inner = inner
        self.name = inner.name
        self.plan = plan
        self.under_way = UnderWay()
        self.crashed = False
        self.limits = inner.limits
        # An engine that tears batches must not declare that it does not.
        torn = {Capability.STEADY_READS} if plan.faults.torn else set()
        self.capabilities = inner.capabilities - torn

    def crash(self) -> None:
        """Let the process be dead from now on."""
        if not self.crashed:
            self.crashed = True
            self.plan.note(Fault.CRASH)

    async def deliver(self) -> int:
        """Let every commit arrive that is still under way; return how many there were."""
        count = 0
        while (writes := self.under_way.take()) is not None:
            await self._arrive(writes)
            count += 1
        return count

    async def _arrive(self, writes: Sequence[Write]) -> None:
        try:
            await self.inner.commit(writes, timeout=_DELIVERY_SECONDS)
        except TaiStateError:
            # Refused, and nobody is there to hear of it.
            return

    # One call

    async def _begin(self, kind: Kind, timeout: float) -> Fate:
        """Let the call set out, and whatever else arrives by now.

        Raises:
            SimulatedCrash: The process is dead.
        """
        self._check_alive()
        fate = self.plan.next(kind)
        while (writes := self.under_way.take(self.plan.calls)) is not None:
            await self._arrive(writes)
        if fate.crash == "before":
            self.crash()
            self._check_alive()
        if fate.before or fate.behind:
            self.plan.note(Fault.DELAY)
        await self._wait(fate.before, timeout)
        return fate

    def _check_alive(self) -> None:
        if self.crashed:
            message = "the process is dead"
            raise SimulatedCrash(message)

    async def _wait(self, seconds: float, timeout: float) -> None:
        if seconds:
            await async_sleep(min(seconds, timeout))
        self._check_alive()

    async def _end(self, fate: Fate, timeout: float) -> None:
        """Let the reply come.

        Raises:
            SimulatedCrash: The process died meanwhile.
        """
        if fate.crash == "behind":
            self.crash()
        await self._wait(fate.behind, timeout)

    def _fail(self, fault: Fault) -> StoreUnavailableError:
        self.plan.note(fault)
        return StoreUnavailableError(f"a fault was injected: {fault}")

    # The port

    async def place(self) -> Hashable:
        """Return the place of the backend behind it; see the port."""
        return await self.inner.place()

    @property
    def files(self) -> Sequence[str]:
        """The files of the backend behind it; see the port."""
        return self.inner.files

    async def get_many(
        self, paths: Sequence[DocumentPath], *, timeout: float, consistent: bool = True, at: datetime | None = None
    ) -> Read:
        """Read *paths*; see the port."""
        fate = await self._begin(Kind.READ if consistent or len(paths) == 1 else Kind.BATCH, timeout)
        if fate.fault is Fault.UNAVAILABLE or fate.before > timeout:
            raise self._fail(Fault.UNAVAILABLE)
        # What is past stands still: no engine tears it.
        if fate.fault is Fault.TORN and at is None:
            self.plan.note(Fault.TORN)
            first = await self.inner.get_many(paths[: len(paths) // 2], timeout=timeout, consistent=False)
            second = await self.inner.get_many(paths[len(paths) // 2 :], timeout=timeout, consistent=False)
            read = Read({**first.documents, **second.documents}, second.read_time)
        else:
            past = {} if at is None else {"at": at}
            read = await self.inner.get_many(paths, timeout=timeout, consistent=consistent, **past)
        await self._end(fate, timeout)
        if fate.behind > timeout:
            raise self._fail(Fault.UNAVAILABLE)
        return read

    async def commit(self, writes: Sequence[Write], *, timeout: float) -> CommitResult:
        """Apply *writes*; see the port."""
        with self._sending(writes):
            fate = await self._begin(Kind.COMMIT, timeout)
        if fate.fault is Fault.UNAVAILABLE:
            raise self._fail(Fault.UNAVAILABLE)
        if fate.fault is Fault.REQUEST_LOST:
            raise self._in_doubt(Fault.REQUEST_LOST)
        if fate.fault is Fault.LATE or fate.before > timeout:
            self._put_off(Fault.LATE, writes, fate.late)
            raise self._in_doubt(Fault.LATE)
        with self._sending(writes):
            result = await self.inner.commit(writes, timeout=timeout)
        if fate.fault is Fault.DUPLICATE:
            self._put_off(Fault.DUPLICATE, writes, fate.late)
        await self._end(fate, timeout)
        if fate.fault is Fault.REPLY_LOST or fate.behind > timeout:
            raise self._in_doubt(Fault.REPLY_LOST)
        return result

    async def check_size(self, writes: Sequence[Write]) -> None:
        """Ask the backend behind it; see the port."""
        await self.inner.check_size(writes)

    def _in_doubt(self, fault: Fault) -> CommitAmbiguousError:
        self.plan.note(fault)
        return CommitAmbiguousError(f"a fault was injected: {fault}")

    @contextmanager
    def _sending(self, writes: Sequence[Write]) -> Iterator[None]:
        """Let *writes* arrive all the same when their caller is cancelled, or interrupted, in the block."""
        try:
            yield
        except (Exception, SimulatedCrash):
            raise
        except BaseException:
            self._put_off(Fault.ABANDONED, writes, 1)
            raise

    def _put_off(self, fault: Fault, writes: Sequence[Write], calls: int) -> None:
        """Let *writes* arrive (again) behind so many further *calls*."""
        if fault is not Fault.LATE:
            self.plan.note(fault)
        self.under_way.send(writes, self.plan.calls + calls)

    def scan(
        self,
        collection: str,
        *,
        start: str | None = None,
        stop: str | None = None,
        limit: int | None = None,
        timeout: float,
    ) -> AsyncIterator[Document]:
        """Iterate over a range of a collection; see the port."""
        return self._passed(self.inner.scan(collection, start=start, stop=stop, limit=limit, timeout=timeout), timeout)

    def scan_ids(
        self, collection: str, *, start: str | None = None, limit: int | None = None, timeout: float
    ) -> AsyncIterator[str]:
        """Iterate over ids; see the port."""
        return self._passed(self.inner.scan_ids(collection, start=start, limit=limit, timeout=timeout), timeout)

    def query(self, query: Query, *, limit: int | None = None, timeout: float) -> AsyncIterator[Document]:
        """Iterate over what *query* asks for; see the port."""
        return self._passed(self.inner.query(query, limit=limit, timeout=timeout), timeout)

    async def count(self, query: Query, *, timeout: float) -> int:
        """Count what *query* asks for; see the port."""
        fate = await self._begin(Kind.READ, timeout)
        if fate.fault is Fault.UNAVAILABLE or fate.before > timeout:
            raise self._fail(Fault.UNAVAILABLE)
        count = await self.inner.count(query, timeout=timeout)
        await self._end(fate, timeout)
        return count

    def watch(self, path: DocumentPath, *, timeout: float) -> AsyncIterator[None]:
        """Yield at the start and after changes; see the port."""
        return self._passed(self.inner.watch(path, timeout=timeout), timeout)

    async def _passed(self, items: AsyncIterator[T], timeout: float) -> AsyncIterator[T]:
        """Pass *items* on, up to where the plan lets it fail."""
        fate = await self._begin(Kind.READ, timeout)
        left = fate.items if fate.fault is Fault.UNAVAILABLE else None
        async with async_ending(items) as passed:
            async for item in passed:
                if left == 0:
                    break
                left = None if left is None else left - 1
                yield item
                self._check_alive()
        await self._end(fate, timeout)
        if left is not None:
            raise self._fail(Fault.UNAVAILABLE)

    async def server_time(self, *, timeout: float) -> datetime:
        """Return the store's clock; see the port."""
        fate = await self._begin(Kind.READ, timeout)
        if fate.fault is Fault.UNAVAILABLE or fate.before > timeout:
            raise self._fail(Fault.UNAVAILABLE)
        time = await self.inner.server_time(timeout=timeout)
        await self._end(fate, timeout)
        if fate.behind > timeout:
            raise self._fail(Fault.UNAVAILABLE)
        return time

    async def scrub(self, *, timeout: float) -> None:
        """Let the backend behind it leave nothing of what was removed; see the port."""
        await self.inner.scrub(timeout=timeout)

    async def examine(self, *, timeout: float) -> "Sequence[Checkup]":
        """Let the backend behind it tell of itself; see the port."""
        return await self.inner.examine(timeout=timeout)

    async def assurance(self, *, timeout: float) -> str:
        """Let the backend behind it tell what it promises; see the port."""
        return await self.inner.assurance(timeout=timeout)

    async def close(self) -> None:
        """Close the backend behind it, also after a crash: its files and threads are this process's."""
        await self.inner.close()


class AsyncFaultyStore(AsyncBackendStore):
    """A store over any backend, whose calls meet the faults that its seed decides.

    Hand it to a service in its store's place. One seed and one order of calls make one run; ``injected`` tells what
    was injected, so that a test can refuse to pass when too little was.
    """

    def __init__(
        self,
        backend: AsyncBackend | AsyncStateStore,
        *,
        seed: int | str = 0,
        faults: Faults = SOME_FAULTS,
        **options: Any,
    ) -> None:
        """Put a faulty store over *backend*.

        Args:
            backend: Any backend; or a store, whose backend and settings are taken over. Several stores may share one:
                each is then a process of its own.
            seed: Decides which call meets which fault.
            faults: How often each comes; ``SOME_FAULTS`` is some of everything but crashes.
            options: Those of AsyncBackendStore; they go before the store's own.

        Raises:
            ConfigurationError: *backend* is neither, or of the other colour; or *seed* or *faults* is none.
        """
        check_colour(backend, (AsyncBackend, AsyncStateStore), self)
        check_kind(seed, (int, str), "the seed of a faulty store")
        check_kind(faults, Faults, "the faults of a faulty store")
        check_options(type(self), options)
        inner: AsyncBackend
        if isinstance(backend, AsyncStateStore):
            access = backend.runtime.access
            inner = access.backend
            options = {
                "actor": backend.actor,
                "clock": access.clock,
                "rng": access.rng,
                "retry": access.retry,
                "encoding": backend.runtime.settings.encoding,
                "maintenance": backend.runtime.settings.maintenance,
                "receipt_ttl": backend.runtime.settings.receipt_ttl,
                "head_cache_size": backend.runtime.writer.heads.size_max,
                "feed": bool(backend.runtime.writer.feed.wanted),
                "feed_shards": backend.runtime.writer.feed.wanted or 1,
                "node": backend.runtime.settings.node or None,
                **options,
            }
        else:
            inner = backend
        plan = FaultPlan(seed, faults)
        self.faulty = self._backend_of(inner, plan)
        super().__init__(self.faulty, **options)
        heads = StaleHeadCache(options.get("head_cache_size", HEAD_CACHE_SIZE), plan)
        anew_in_children(heads)
        self.runtime.writer.heads = heads

    def _backend_of(self, inner: AsyncBackend, plan: FaultPlan) -> AsyncFaultyBackend:
        return AsyncFaultyBackend(inner, plan)

    @property
    def injected(self) -> Counter[Fault]:
        """How often each fault was injected so far."""
        return self.faulty.plan.injected

    @property
    def calls(self) -> int:
        """How many calls were made of the backend so far."""
        return self.faulty.plan.calls

    @property
    def crashed(self) -> bool:
        """Whether the process that this store stands for is dead."""
        return self.faulty.crashed

    def crash(self) -> None:
        """Let that process be dead from now on: each further call raises SimulatedCrash. Another store goes on."""
        self.faulty.crash()

    async def deliver(self) -> int:
        """Let every commit arrive that is still under way, and return how many: nothing can come later then."""
        return await self.faulty.deliver()
