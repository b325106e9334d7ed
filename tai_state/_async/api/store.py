"""The store of states: its settings and its life; what it reads and changes stands beside it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Self

from tai_state import models
from tai_state._async.access.inflight import AsyncInFlight
from tai_state._async.api.store_changes import AsyncStoreChanges
from tai_state._async.api.store_erasure import AsyncStoreErasure
from tai_state._async.api.store_reads import AsyncStoreReads
from tai_state._async.commits.writer import AsyncChangeWriter
from tai_state._async.history.reader import AsyncHistoryReader
from tai_state._async.locking.registry import AsyncLockRegistry, async_drain
from tai_state._async.runtime import AsyncRuntime
from tai_state.authors import checked_actor, default_actor
from tai_state.causality.conflicts import ConflictHistory
from tai_state.causality.nodes import check_node
from tai_state.clock import Deadline, SystemClock, TimeLimit, seconds_of
from tai_state.config import (
    DRAIN_SECONDS,
    HEAD_CACHE_SIZE,
    HEALTH_SECONDS,
    LISTENER_BUFFER,
    RECEIPT_TTL,
    Encoding,
    Maintenance,
    check_count,
    check_flag,
    check_option,
    check_ttl,
    drain_seconds,
)
from tai_state.errors import PreparedError, TaiStateError
from tai_state.layout import META
from tai_state.rules.commits.change import Settings
from tai_state.rules.records.feeding import checked_shards

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from types import TracebackType

    from tai_state._async.access.access import AsyncAccess
    from tai_state._async.commits.listening import AsyncChangeListener
    from tai_state.documents import Capability
    from tai_state.models import Event, Health
    from tai_state.settings.model import Settings as Configured


class AsyncStateStore(AsyncStoreReads, AsyncStoreChanges, AsyncStoreErasure):
    """States of governors over one backend; each change is one commit with its event.

    Leaving it as a context manager drains it (bounded) and closes the backend. It does no I/O before its
    first use.

    A call that is cancelled, or in the main thread interrupted by Ctrl-C or a handler of SIGTERM that raises, ends
    where it waits. A commit that was begun is brought to its end first, and what is in doubt about it is settled, which
    takes no longer than the call's deadline. (A second signal of its kind strikes at once: the outcome is unknown then,
    and a retry under the same idempotency key tells it.)
    """

    def __init__(
        self,
        access: AsyncAccess,
        *,
        actor: str | None = None,
        encoding: Encoding | None = None,
        maintenance: Maintenance | None = None,
        receipt_ttl: timedelta = RECEIPT_TTL,
        head_cache_size: int = HEAD_CACHE_SIZE,
        feed: bool | None = None,
        feed_shards: int = 1,
        node: str | None = None,
        settings: Configured | None = None,
    ) -> None:
        """Put a store over *access*.

        Args:
            actor: The author of changes that nobody else signs; None: the Cloud Run service or the user.
            encoding: From which sizes on payloads are stored as JSON text, and compressed.
            maintenance: How often states are snapshotted; a persister's configuration goes first.
            receipt_ttl: How long an idempotency key is remembered.
            head_cache_size: The most states whose heads are kept in memory.
            feed: Whether to switch the store's feed on, for good, where the engine needs that; None, False: it is left
                as it is.
            feed_shards: Among how many keys its states are spread when it is switched on.
            node: This writer's name in the clocks of its changes, beside the store's id; None: the id alone.
            settings: What persisters, locks, transactions and subscriptions over it take that are told nothing else.

        Raises:
            ConfigurationError: One of them cannot be; names it.
        """
        check_option(encoding, Encoding, "encoding")
        check_option(maintenance, Maintenance, "maintenance")
        if feed is not None:
            check_flag(feed, "feed")
        inflight = AsyncInFlight()
        self.runtime = AsyncRuntime(
            access=access,
            writer=AsyncChangeWriter(
                access,
                cache_size=check_count(head_cache_size, "head_cache_size", least=0),
                feed_shards=checked_shards(feed_shards) if feed else 0,
            ),
            history=AsyncHistoryReader(access),
            locks=AsyncLockRegistry(inflight.observers),
            inflight=inflight,
            conflicts=ConflictHistory(clock=access.clock),
            settings=Settings(
                encoding or Encoding(),
                maintenance or Maintenance(),
                check_ttl(receipt_ttl, "receipt_ttl"),
                node=check_node(node),
            ),
            actor=checked_actor(actor) if actor is not None else default_actor(),
            configured=settings,
        )
        """The store's inside, for the package's own classes; no part of the public contract."""
        self.runtime.writer.settle_marked = partial(_async_settle_marked, self.runtime)

    @property
    def actor(self) -> str:
        """The author of changes that nobody else signs."""
        return self.runtime.actor

    # Life

    async def __aenter__(self) -> Self:
        """Return the store itself; nothing is opened before it is used."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the calls under way (at most 10 seconds), then close."""
        try:
            await self.drain()
        finally:
            await self.close()

    async def drain(self, timeout: TimeLimit = DRAIN_SECONDS) -> bool:
        """Take no new calls, wait for those under way, and release the locks that were granted over this store.

        Callers who wait for a lock, and calls that come later, get a StoreClosedError. A lock that could not be
        released in time is renewed no more: it ends with its ttl. Listeners are told what is in their buffers, and
        closed. May be called by the handler of a signal, also of one that interrupted a call of this store.

        Args:
            timeout: How many seconds all of it may take, also where the store does not answer; None: 10.

        Returns:
            Whether all calls have ended, all locks are released and all listeners are told.
        """
        deadline = Deadline(SystemClock(), drain_seconds(timeout))
        is_done = await async_drain(self.runtime.inflight, self.runtime.locks, deadline.remaining())
        for listener in tuple(self.runtime.writer.listeners):
            is_done = await listener.close(deadline.remaining()) and is_done
        return is_done

    async def close(self) -> None:
        """Release connections and threads; a second call does nothing.

        Locks that are held yet are renewed no more, and listeners take no more changes.
        """
        self.runtime.inflight.refuse()
        for listener in tuple(self.runtime.writer.listeners):
            listener.stop_soon()
        self.runtime.locks.forget_all()
        await self.runtime.access.backend.close()

    async def health(self, *, timeout: TimeLimit = HEALTH_SECONDS) -> Health:
        """Ask the store for its time, once; never raises for a store that does not answer. *timeout* None: 5 seconds.

        Where it depends on the engine's settings what outlives the engine, as with Redis, the message tells that.

        Raises:
            ConfigurationError: *timeout* is none.
        """
        seconds = HEALTH_SECONDS if timeout is None else seconds_of(timeout)
        clock, began = self.runtime.access.clock, self.runtime.access.clock.monotonic()
        backend = self.runtime.access.backend
        name = backend.name or type(backend).__name__
        try:
            with self.runtime.inflight.one("health"):
                await backend.get(META, timeout=seconds)
                latency = clock.monotonic() - began
                assured = await backend.assurance(timeout=max(seconds - latency, 0))
        except TaiStateError as error:
            return models.Health(ok=False, backend=name, latency_seconds=clock.monotonic() - began, message=str(error))
        return models.Health(ok=True, backend=name, latency_seconds=latency, message=assured)

    @property
    def conflicts(self) -> ConflictHistory:
        """The last versions in conflict that syncs and replicas of this store object met, and what became of them."""
        return self.runtime.conflicts

    # Who listens

    def on_change(
        self,
        callback: Callable[[Event], object],
        *,
        governor_id: str | None = None,
        state_id: str | None = None,
        on_missed: Callable[[int], object] | None = None,
        buffer: int = LISTENER_BUFFER,
    ) -> AsyncChangeListener:
        """Call *callback* with the event of each change that this store object makes from now on, once it is durable.

        Those of its persisters and transactions included; what other processes, or other stores over the same place,
        change is not told here, nor what an import brings: that is what a ``Subscription`` is for. Callbacks run beside
        the changes, never within them, one at a time: whoever makes a change waits for no listener, and what a
        listener raises is logged, and disturbs nobody. Changes of one state are told in the order in which this process
        heard that they are durable: that is the order of their versions, save where transactions of several threads
        come close upon each other. One whose outcome is unknown is not told.

        Args:
            callback: May be async with an async store.
            governor_id, state_id: Tell of the changes of this governor, and of the states of this id, alone.
            on_missed: Called with a number of changes that were not told, before the next one behind the gap is: the
                buffer was full, and the oldest went. None: it is logged.
            buffer: How many changes may wait for the listener.

        Returns:
            The listener, whose ``close()`` ends it and whose ``missed`` counts what it was not told; a context manager.

        Raises:
            ConfigurationError: One of the callbacks cannot be called, or *buffer* is no positive int.
        """
        # Imported here: most stores have no listener.
        from tai_state._async.commits.listening import AsyncChangeListener  # noqa: PLC0415

        return AsyncChangeListener(
            self.runtime.writer,
            callback,
            governor_id=governor_id,
            state_id=state_id,
            on_missed=on_missed,
            buffer=buffer,
        )

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the backend declares that it can do."""
        return self.runtime.access.backend.capabilities


async def _async_settle_marked(runtime: AsyncRuntime, error: PreparedError, deadline: Deadline) -> bool:
    # Imported here: few stores take part in transactions over several.
    from tai_state._async.api.settling import async_settle_marked  # noqa: PLC0415

    return await async_settle_marked(runtime, error, deadline)
