"""What one store has of a state and the other lacks, brought there word for word."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from tai_state._async.replicas.side import AGAIN, AsyncSide
from tai_state._platform.iterators import async_ending
from tai_state.errors import CorruptLogError, PreconditionFailedError
from tai_state.rules.records.branches import Held, Ref
from tai_state.rules.records.documents import state_put
from tai_state.rules.records.record import EventRecord, Marks
from tai_state.rules.replicas.changes import brought, event_put, without_erased

_EVENTS_MAX = 100
_BYTES_MAX = 1024 * 1024
"""How many events, and about how many bytes of them, one commit brings."""

_EVENT_BYTES = 2_000


class AsyncSending:
    """Brings what *source* has of a state to *target*."""

    def __init__(self, source: AsyncSide, target: AsyncSide, tombstones: Sequence[Mapping[str, int]]) -> None:
        """Look at nothing yet.

        Args:
            tombstones: What the erasures know that either store knows of: values from before them are not sent.
        """
        self.source = source
        self.target = target
        self._tombstones = tombstones
        self.sent = 0
        """How many events were brought."""
        self.keys: dict[str, Ref] = {}
        """The idempotency keys of those that were brought beside the line, each with its event."""

    async def common(self) -> int:
        """Return the last version up to which both lines are one; where both were trimmed there, the trimmed one."""
        source, target = self.source, self.target
        low, high = max(source.trimmed, target.trimmed), min(source.version, target.version)
        if high < low or not await self._agree(low):
            return 0
        # Where two hashes are one, so is all before: each covers the one before it.
        return await _last(low, high, self._agree)

    async def _agree(self, version: int) -> bool:
        ours = await self.source.hash_at(version)
        return ours is not None and ours == await self.target.hash_at(version)

    async def beside(self, common: int) -> None:
        """Bring all that follows the last common version beside the target's line."""
        source, target = self.source, self.target

        async def is_there(version: int) -> bool:
            event = await source.line(version)
            return event is not None and await target.has(Ref(event.origin, version, event.hash))

        first = max(common, source.trimmed)
        # An event is brought behind all that it follows: from the first that is missing on, all are.
        known = await _last(first, source.version, is_there)
        # What was trimmed there may be there here.
        before = await source.line(known) or (await target.line(known) if known == common else None)
        async with async_ending(_parts(source, known)) as parts:
            async for part in parts:
                batch: list[Held] = []
                for event in part:
                    await self._foreign(event)
                    kept = without_erased(event, self._tombstones)
                    batch.append(Held(kept, None if before is None else before.origin))
                    before = event
                    if event.idempotency_key:
                        self.keys[event.idempotency_key] = Ref(event.origin, event.version, event.hash)
                self.sent += await target.keep(batch)

    async def onward(self) -> None:
        """Bring all that follows the target's head into its line, as it is; the target's head is in the source's line.

        Raises:
            PreconditionFailedError: The target was changed meanwhile.
            CorruptLogError: Events stand above the version of the target.
        """
        source, target = self.source, self.target
        after = target.version or source.trimmed
        async with async_ending(_parts(source, after)) as parts:
            async for part in parts:
                for event in part:
                    await self._foreign(event)
                await self._go_on([brought(without_erased(event, self._tombstones)) for event in part])
                self.sent += len(part)

    async def _go_on(self, events: Sequence[EventRecord]) -> None:
        """Bring events into the line, in one commit with the state that they make."""
        target, access = self.target, self.target.runtime.access
        deadline, encoding = access.begin(target.timeout), target.runtime.settings.encoding
        last = events[-1]
        is_first = True

        async def attempt() -> None:
            nonlocal is_first
            if not is_first:
                above = await target.is_event(events[0].version)
                await target.look()
                if target.record is not None and target.record.hash == last.hash:
                    return
                if target.version != (events[0].version - 1 if target.record is not None else 0):
                    raise _MovedError
                if above:
                    why = "an event stands above its version: the state is to be recovered"
                    raise CorruptLogError(target.paths.governor_id, target.paths.state_id, events[0].version, why)
            is_first = False
            marks = await self._marks(last)
            state = state_put(target.paths, last.state(marks), encoding, target.based)
            puts = [event_put(target.paths, event, encoding) for event in events]
            await access.backend.commit([state, *puts], timeout=access.attempt_seconds(deadline))

        try:
            await access.retried(attempt, deadline, also=AGAIN, what="what another store has")
        except _MovedError as error:
            raise PreconditionFailedError from error
        await target.look()

    async def _marks(self, last: EventRecord) -> Marks:
        """Return the marks of the state that is written: those that it has, or a new one begins with."""
        target, theirs = self.target, self.source.record
        assert theirs is not None
        if target.record is not None:
            return replace(target.record.marks, due_key="", due_moved_to=None, due_tries=0)
        marks = Marks(
            trimmed_through=theirs.marks.trimmed_through,
            trimmed_hash=theirs.marks.trimmed_hash,
            erased_through=theirs.marks.erased_through,
        )
        _, feed_key = await target.history.places(target.paths, last.state(), target.timeout)
        return replace(marks, feed_key=feed_key)

    async def _foreign(self, event: EventRecord) -> None:
        """Bring what the foreign parent of a merge follows, and itself, beside the target's line."""
        foreign = event.foreign_parent
        if foreign is not None:
            await self.bring(Ref(foreign.origin, foreign.version, foreign.hash))

    async def bring(self, last: Ref) -> None:
        """Bring an event, and what it follows, beside the target's line, as far as the source has what is missing."""
        batch: list[Held] = []
        size = 0
        for ref in await self._missing(last):
            held = await self.source.find(ref)
            if held is None:
                message = "what a merge follows was trimmed meanwhile"
                raise PreconditionFailedError(message)
            batch.append(held._replace(event=without_erased(held.event, self._tombstones)))
            size += _size(held.event)
            if _is_full(batch, size):
                self.sent += await self.target.keep(batch)
                batch, size = [], 0
        self.sent += await self.target.keep(batch)

    async def _missing(self, last: Ref) -> list[Ref]:
        """Return what the target lacks of an event and all that it follows, each behind those that it follows."""
        found: dict[Ref, None] = {}
        under_way: list[tuple[Ref, bool]] = [(last, False)]
        seen: set[Ref] = set()
        while under_way:
            ref, is_left = under_way.pop()
            if is_left:
                found[ref] = None
                continue
            if ref in seen:
                continue
            seen.add(ref)
            if await self.target.has(ref):
                continue
            held = await self.source.find(ref)
            if held is None:
                continue
            under_way.append((ref, True))
            under_way += [(parent, False) for parent in held.parents]
        return list(found)


class _MovedError(Exception):
    """The target was changed meanwhile."""


async def _last(low: int, high: int, holds: Callable[[int], Awaitable[bool]]) -> int:
    """Return the last version up to *high* that something holds of, as it does of *low* and of none behind one not."""
    step = _EVENTS_MAX // 2
    while low < high:
        # The upper ones first, and from them in longer and longer steps: most of what there is is known on both sides,
        # and where little is, all of it is asked for once and not again and again.
        middle = max((low + high + 1) // 2, high - step)
        if await holds(middle):
            low = middle
        else:
            high, step = middle - 1, 2 * step
    return low


def _size(event: EventRecord) -> int:
    """Return about how many bytes an event has, before anything is compressed."""
    return _EVENT_BYTES + len(event.payload.json) + len(event.from_state.json) + len(event.to_state.json)


def _is_full(events: Sequence[object], size: int) -> bool:
    """Whether so many events, of so many bytes together, are as much as one commit brings."""
    return len(events) == _EVENTS_MAX or size >= _BYTES_MAX


async def _parts(source: AsyncSide, after: int) -> AsyncIterator[list[EventRecord]]:
    """Iterate over the events of a line behind a version, as many at a time as one commit brings."""
    part: list[EventRecord] = []
    size = 0
    found = source.history.events(source.paths, after=after, until=source.version, timeout=source.timeout)
    async for event in found:
        part.append(event)
        size += _size(event)
        if _is_full(part, size):
            yield part
            part, size = [], 0
    if part:
        yield part
