"""The store of states: save, get, update, delete, list, and the events that each change left."""

import logging
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from types import TracebackType
from typing import Self

from tai_state._async.access.access import PAGE, AsyncAccess
from tai_state._async.access.inflight import AsyncInFlight
from tai_state._async.api.store_changes import AsyncStoreChanges
from tai_state._async.commits.writer import AsyncChangeWriter
from tai_state._async.history.reader import AsyncHistoryReader
from tai_state._async.locking.registry import AsyncLockRegistry, async_drain
from tai_state._async.runtime import AsyncRuntime
from tai_state.authors import checked_actor, default_actor
from tai_state.clock import TimeLimit
from tai_state.codec import Payload
from tai_state.config import (
    DRAIN_SECONDS,
    HEAD_CACHE_SIZE,
    HEALTH_SECONDS,
    RECEIPT_TTL,
    Encoding,
    Maintenance,
    check_count,
    check_option,
    check_ttl,
)
from tai_state.documents import Capability
from tai_state.errors import ConfigurationError, InvalidDataError, InvalidIdError, StateNotFoundError, TaiStateError
from tai_state.layout import GOVERNORS, META, escape, state_layout, unescape
from tai_state.models import BatchResult, Event, Health, StateSnapshot, StoreStats
from tai_state.rules.commits.change import Settings
from tai_state.rules.commits.kinds import plain_version
from tai_state.rules.history.damaged import Damaged

log = logging.getLogger("tai_state")


class AsyncStateStore(AsyncStoreChanges):
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
    ) -> None:
        """Put a store over *access*.

        Args:
            actor: The author of changes that nobody else signs; None: the Cloud Run service or the user.
            encoding: From which sizes on payloads are stored as JSON text, and compressed.
            maintenance: How often states are snapshotted; a persister's configuration goes first.
            receipt_ttl: How long an idempotency key is remembered.
            head_cache_size: The most states whose heads are kept in memory.

        Raises:
            ConfigurationError: One of them cannot be; names it.
        """
        check_option(encoding, Encoding, "encoding")
        check_option(maintenance, Maintenance, "maintenance")
        self.runtime = AsyncRuntime(
            access=access,
            writer=AsyncChangeWriter(access, cache_size=check_count(head_cache_size, "head_cache_size", least=0)),
            history=AsyncHistoryReader(access),
            locks=AsyncLockRegistry(),
            inflight=AsyncInFlight(),
            settings=Settings(
                encoding or Encoding(), maintenance or Maintenance(), check_ttl(receipt_ttl, "receipt_ttl")
            ),
            actor=checked_actor(actor) if actor is not None else default_actor(),
        )
        """The store's inside, for the package's own classes; no part of the public contract."""

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

    async def drain(self, timeout: float = DRAIN_SECONDS) -> bool:
        """Take no new calls, wait for those under way, and release the locks that were granted over this store.

        Callers who wait for a lock, and calls that come later, get a StoreClosedError. A lock that could not be
        released in time is renewed no more: it ends with its ttl. May be called by the handler of a signal, also of
        one that interrupted a call of this store.

        Args:
            timeout: How many seconds all of it may take, also where the store does not answer.

        Returns:
            Whether all calls have ended and all locks are released.
        """
        return await async_drain(self.runtime.inflight, self.runtime.locks, timeout)

    async def close(self) -> None:
        """Release connections and threads; a second call does nothing.

        Locks that are held yet are renewed no more.
        """
        self.runtime.inflight.refuse()
        self.runtime.locks.forget_all()
        await self.runtime.access.backend.close()

    async def health(self, *, timeout: float = HEALTH_SECONDS) -> Health:
        """Ask the store for its time, once; never raises for a store that does not answer."""
        clock, began = self.runtime.access.clock, self.runtime.access.clock.monotonic()
        backend = self.runtime.access.backend
        name = backend.name or type(backend).__name__
        try:
            with self.runtime.inflight.one():
                await backend.get(META, timeout=timeout)
        except TaiStateError as error:
            return Health(ok=False, backend=name, latency_seconds=clock.monotonic() - began, message=str(error))
        return Health(ok=True, backend=name, latency_seconds=clock.monotonic() - began)

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the backend declares that it can do."""
        return self.runtime.access.backend.capabilities

    # Reads

    async def get_state(
        self, governor_id: str, state_id: str, *, timeout: TimeLimit = None
    ) -> tuple[StateSnapshot, int]:
        """Return the state and its version.

        Where its document is missing or damaged, it is rebuilt from snapshots and events; the snapshot's ``recovered``
        says so, and nothing is written: the next change of the state is what writes the document again.

        Raises:
            StateNotFoundError: It does not exist, or is deleted.
            CorruptLogError: It is damaged, and cannot be rebuilt.
        """
        found = await self.runtime.find(state_layout(governor_id, state_id), timeout)
        if found is None or found.record.deleted:
            raise StateNotFoundError(governor_id, state_id, deleted=found is not None)
        return found.record.public(Payload.value, recovered=found.recovered), found.record.version

    async def find_state(self, governor_id: str, state_id: str, *, timeout: TimeLimit = None) -> StateSnapshot | None:
        """Return the state as ``get_state`` does; None when it does not exist, or is deleted.

        Raises:
            CorruptLogError: It is damaged, and cannot be rebuilt.
        """
        found = await self.runtime.find(state_layout(governor_id, state_id), timeout)
        if found is None or found.record.deleted:
            return None
        return found.record.public(Payload.value, recovered=found.recovered)

    async def exists(self, governor_id: str, state_id: str, *, timeout: TimeLimit = None) -> bool:
        """Whether the state exists and is not deleted."""
        record = await self.runtime.record(state_layout(governor_id, state_id), timeout)
        return record is not None and not record.deleted

    async def batch_get_states(
        self, governor_id: str, state_ids: Iterable[str], *, include_deleted: bool = False, timeout: TimeLimit = None
    ) -> BatchResult:
        """Return several states of a governor as of one moment; without *include_deleted*, deleted ones are missing.

        Those whose documents are missing or damaged are rebuilt as by ``get_state``, from what the events tell then.
        """
        if isinstance(state_ids, str):
            message = "must be several ids, not one str"
            raise InvalidDataError(message, path="state_ids")
        wanted = list({paths.state: paths for paths in (state_layout(governor_id, one) for one in state_ids)}.values())
        if not wanted:
            return BatchResult(found={}, missing=[])
        records, damaged = await self.runtime.find_many(wanted, timeout)
        found: dict[str, StateSnapshot] = {}
        missing: list[str] = []
        for paths in wanted:
            one = records.get(paths.state)
            if one is not None and (include_deleted or not one.record.deleted):
                found[paths.state_id] = one.record.public(Payload.value, recovered=one.recovered)
            elif paths.state_id not in damaged:
                missing.append(paths.state_id)
        return BatchResult.model_construct(found=found, missing=missing, damaged=damaged)

    async def list_governors(
        self, *, after: str | None = None, limit: int | None = None, timeout: TimeLimit = None
    ) -> AsyncIterator[str]:
        """Iterate over the governors that ever had a state, ascending by stored id.

        What somebody else keeps in the same place, under an id that is none of ours, is left out. ``timeout`` bounds
        each page.
        """
        start = None if after is None else escape(after, "after")
        check_limit(limit)
        found = self.runtime.access.scan_ids(GOVERNORS, after=start, limit=None, timeout=timeout)
        given = 0
        async for stored in self.runtime.inflight.reading(found):
            if given == limit:
                return
            try:
                governor_id = unescape(stored, f"{GOVERNORS}/{stored}")
            except InvalidIdError as error:
                log.warning("left out of the governors: %s", error)
                continue
            yield governor_id
            given += 1

    async def list_states(
        self,
        governor_id: str,
        *,
        status: str | None = None,
        after: str | None = None,
        limit: int | None = None,
        include_deleted: bool = False,
        timeout: TimeLimit = None,
    ) -> AsyncIterator[StateSnapshot]:
        """Iterate over a governor's states, ascending by stored id, the same order on every backend.

        Documents that are damaged or somebody else's are passed over, and named at the end. (With a *status* or a
        *limit* the engine is asked for what matches; a document that lost the very field is named by a list of all.) A
        state whose document is missing is in no list; ``validate_consistency`` finds it.

        Args:
            status: Only the states in this status.
            after: Begin behind this state id.
            timeout: Bounds each page.

        Raises:
            DamagedStatesError: Behind the last state: some could not be read.
        """
        check_limit(limit)
        given = 0
        if limit == 0:
            return
        page = PAGE if limit is None else min(limit, PAGE)
        is_live = not include_deleted and (limit is not None or status is not None)
        damaged = Damaged(governor_id)
        async for record in self.runtime.records(
            governor_id, damaged, status=status, is_live=is_live, after=after, page=page, timeout=timeout
        ):
            if record.deleted and not include_deleted:
                continue
            yield record.public(Payload.value)
            given += 1
            if given == limit:
                break
        damaged.tell()

    async def get_events(
        self,
        governor_id: str,
        state_id: str,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int | None = None,
        timeout: TimeLimit = None,
    ) -> AsyncIterator[Event]:
        """Iterate over a state's events with ``after < version <= until``, in version order.

        A state that never was has none. ``timeout`` bounds each page.
        """
        paths = state_layout(governor_id, state_id)
        check_limit(limit)
        check_version(after, "after")
        if until is not None:
            check_version(until, "until")
        found = self.runtime.history.events(paths, after=after, until=until, limit=limit, timeout=timeout)
        async for event in self.runtime.inflight.reading(found):
            yield event.public(Payload.value)

    async def stats(self, governor_id: str, *, timeout: TimeLimit = None) -> StoreStats:
        """Count what a governor holds; reads every state document of it, and no event.

        Those that are damaged or somebody else's are not counted, but named.
        """
        states = deleted = events = versions = highest = 0
        by_status: dict[str, int] = {}
        damaged = Damaged(governor_id)
        async for record in self.runtime.records(governor_id, damaged, timeout=timeout):
            events += record.version - record.marks.trimmed_through
            versions += record.version
            highest = max(highest, record.version)
            if record.deleted:
                deleted += 1
                continue
            states += 1
            by_status[record.status] = by_status.get(record.status, 0) + 1
        damaged.tell(damaged=False)
        return StoreStats(
            governor_id=governor_id,
            states=states,
            deleted=deleted,
            events=events,
            versions=versions,
            highest_version=highest,
            by_status=dict(sorted(by_status.items())),
            damaged=list(damaged.states),
        )


def check_colour(below: object, kind: type, user: object) -> None:
    """Refuse to put *user* over what is no *kind*: something else, or the same in the other colour.

    Raises:
        ConfigurationError: It is not; names both.
    """
    if not isinstance(below, kind):
        names = (type(user).__name__, kind.__name__, type(below).__name__)
        message = "a {} stands on what is a {}, of its own colour, and not on a {}".format(*names)
        raise ConfigurationError(message)


def check_limit(limit: object) -> None:
    """Refuse a limit that is no int of at least 0."""
    if limit is not None and (type(limit) is not int or limit < 0):
        message = f"must be an int of at least 0, not {limit!r}"
        raise InvalidDataError(message, path="limit")


def check_version(version: object, name: str) -> int:
    """Return a version as a plain int from 0 to 2**62.

    Raises:
        InvalidDataError: It is none.
    """
    plain = plain_version(version, name)
    if plain > 2**62:
        message = f"must be an int of at most 2**62, not {version!r}"
        raise InvalidDataError(message, path=name)
    return plain
