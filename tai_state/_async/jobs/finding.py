"""Finding what is due of a queue: the engine's query, and what may be done with each job that it gives."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from tai_state._async.access.damage import tell_damage
from tai_state._async.runtime import AsyncRuntime
from tai_state.clock import Deadline
from tai_state.documents import Cursor, Document, FieldEquals, FieldRange, Query
from tai_state.errors import CorruptLogError, ReplayError
from tai_state.frozen import quick_dataclass
from tai_state.layout import META, GovernorLayout, StateLayout, state_layout
from tai_state.machine import Machine
from tai_state.rules.due.keys import shard_key
from tai_state.rules.jobs.finding import Found, judge
from tai_state.rules.jobs.places import Queue
from tai_state.rules.records.documents import owner_of, read_state
from tai_state.rules.records.record import StateRecord

_AHEAD = timedelta(seconds=1)
"""How far past what is known of the store's clock is asked: what was just put there is not to be missed."""

_TOLD_SECONDS = 30.0
"""How long what a reply told of the store's clock is gone by: two clocks drift apart by milliseconds meanwhile."""

_PAGE_MAX = 100


@quick_dataclass(frozen=True, slots=True)
class Seen:
    """A job as it was found, and what may be done with it."""

    what: Found
    paths: StateLayout
    record: StateRecord
    update_time: datetime
    ours: Machine[dict[str, Any]]

    def as_of(self, told: datetime) -> "Seen":
        """Return what may be done with it once the store's clock has reached *told*."""
        return Seen(
            judge(self.record, self.update_time, told, self.ours), self.paths, self.record, self.update_time, self.ours
        )


@quick_dataclass(frozen=True, slots=True)
class Look:
    """What one look goes by.

    Attributes:
        told: What the store's clock had reached when it began.
        hidden: The stored ids of jobs that are in somebody's hand.
    """

    told: datetime
    deadline: Deadline
    hidden: frozenset[str] = frozenset()


class AsyncDueJobs:
    """What the engine finds of one queue."""

    def __init__(self, runtime: AsyncRuntime, queue: Queue) -> None:
        """Look through *runtime*."""
        self._runtime = runtime
        self._queue = queue
        self._states = GovernorLayout(queue.governor_id).states

    async def first(self, name: str, most: int, look: Look, *, what: Found, after: Cursor | None = None) -> list[Seen]:
        """Return the first *most* that are due under a key, behind *after*, and are *what* is looked for."""
        found: list[Seen] = []
        early: list[Seen] = []
        if most <= 0:
            return found
        async for seen in self.all(name, most, look, after=after):
            if seen.what is what:
                found.append(seen)
                if len(found) == most:
                    return found
            elif seen.what is Found.EARLY:
                early.append(seen)
        if not found and early:
            # Perhaps it has come by now: nobody is told that there is nothing by what the clock was.
            told = await self._runtime.access.server_time(look.deadline)
            found = [seen for one in early if (seen := one.as_of(told)).what is what]
        return found[:most]

    async def all(self, name: str, page: int, look: Look, *, after: Cursor | None = None) -> AsyncIterator[Seen]:
        """Iterate over what is due under a key, or is within a second; what cannot be read is stepped past."""
        origin = await self._origin(look.deadline)
        if origin is None:
            return
        query: Query | None = Query(
            collection="states",
            equal=(FieldEquals("due_key", shard_key(origin, name, 0)),),
            within=FieldRange("due_at", below=look.told + _AHEAD),
            is_group=True,
            after=after,
        )
        size = page
        while query is not None:
            documents: list[Document] = []
            async for document in self._runtime.access.query(query, limit=size, timeout=look.deadline):
                documents.append(document)  # noqa: PERF401 - a comprehension has no twin
            for document in documents:
                seen = self._seen(document, look)
                if seen is not None:
                    yield seen
            # Only what cannot be claimed yet, or by us, leads here: it must not stand before all others.
            query = query.behind(documents[-1]) if len(documents) == size else None
            size = min(2 * size, _PAGE_MAX)

    def _seen(self, document: Document, look: Look) -> Seen | None:
        if document.path.collection != self._states or document.path.id in look.hidden:
            return None
        try:
            paths = state_layout(self._queue.governor_id, owner_of(document, self._queue.governor_id))
            record = read_state(document, paths.governor_id, paths.state_id)
        except ReplayError as error:
            if isinstance(error, CorruptLogError):
                tell_damage(error)
            return None
        ours = self._queue.machine
        return Seen(judge(record, document.update_time, look.told, ours), paths, record, document.update_time, ours)

    async def told(self, deadline: Deadline) -> datetime:
        """Return what the store's clock has reached."""
        access = self._runtime.access
        now, heard = access.clock.monotonic(), access.store_time.heard
        told = access.store_time.now(now)
        return told if told is not None and now - heard < _TOLD_SECONDS else await access.server_time(deadline)

    async def _origin(self, deadline: Deadline) -> str | None:
        """Return the store's id; None where nothing was ever written to it."""
        writer = self._runtime.writer
        if writer.origin is None:
            await writer.learn_store(await self._runtime.access.read([META], deadline), deadline)
        return writer.origin
