"""Erasing: a state's values are gone everywhere, step by step, each of which may be done again.

``rules.recovery.erasure`` says what is written and why. A pass over a kind of documents goes on until it finds nothing
more to do: so it can be stopped behind any commit, and the next run, or a recovery, ends it.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from tai_state._async.access.access import LARGE_PAGE, AsyncAccess
from tai_state._async.commits.feeding import store_id_in
from tai_state._async.commits.protocol import AsyncSettlement, Settled, async_commit_once
from tai_state._async.commits.snapshot import async_state_to_write
from tai_state._async.history.reader import AsyncHistoryReader
from tai_state._async.recovery.gc import AsyncGc
from tai_state._async.recovery.gone import async_left_over
from tai_state._async.recovery.removal import Removed, async_remove
from tai_state._platform.interrupts import async_shield
from tai_state.authors import Author
from tai_state.clock import Deadline, Span
from tai_state.codec import EMPTY
from tai_state.config import RECEIPT_TTL, Encoding, HistoryPolicy
from tai_state.documents import CommitResult, Delete, Document, DocumentPath, UpdatedAt, Write
from tai_state.errors import (
    CorruptLogError,
    InvalidIdError,
    OutcomeUnknownError,
    PreconditionFailedError,
    ReplayError,
    StateNotFoundError,
)
from tai_state.layout import META, TRANSACTIONS, GovernorLayout, StateLayout, unescape
from tai_state.models import ErasureReport
from tai_state.rules.commits.change import Fresh, Head, Plan, Settings, View
from tai_state.rules.commits.decide import decide, writes_of
from tai_state.rules.commits.kinds import Call
from tai_state.rules.commits.plain import erase_change
from tai_state.rules.commits.settle import Outcome
from tai_state.rules.history.segments import read_segment
from tai_state.rules.records.branches import read_branch
from tai_state.rules.records.documents import read_event, state_put
from tai_state.rules.recovery.erasure import (
    GOVERNOR,
    Erasure,
    erased_branch,
    erased_event,
    erased_segment,
    is_about,
    is_receipt_of,
    read_erasure,
    without_content,
    without_result,
)

_BATCH = 100
"""Documents written in one commit: an erased event is small."""

_PASSES_MAX = 20
"""How often one kind of documents is gone over while somebody else writes there."""


@dataclass(slots=True)
class _Sum:
    states: int = 0
    events: int = 0
    segments: int = 0
    records: int = 0


class AsyncEraser:
    """Erases states, and ends what was begun."""

    def __init__(self, access: AsyncAccess, settings: Settings, author: Author, timeout: Span = None) -> None:
        """Erase through *access*.

        Args:
            author: Who erases, and why.
            timeout: Bounds each page that is read, and each commit.
        """
        self._access = access
        self._history = AsyncHistoryReader(access)
        self._settings = replace(settings, maintenance=None, alone=None)
        self._author = author
        self._timeout = timeout
        self._sum = _Sum()
        self._removed = {name: Removed() for name in ("snapshots", "receipts", "records")}

    async def state(self, paths: StateLayout) -> ErasureReport:
        """Erase one state.

        Raises:
            StateNotFoundError: It never was.
            CorruptLogError: Its document is missing or damaged, and its log does not tell what it was.
        """
        erasure = await self._begin(paths)
        await self.complete(paths, erasure)
        return self._report(paths.governor_id, paths.state_id)

    async def governor(self, governor: GovernorLayout) -> ErasureReport:
        """Erase every state of a governor."""
        path = DocumentPath(governor.erasures, GOVERNOR)
        found = await self._document(path)
        known = None if found is None else read_erasure(found, governor.governor_id)
        if known is None or known.is_finished:
            await self._committed([self._erasure("", 0).put(path, found)])
        await self.complete_governor(governor)
        return self._report(governor.governor_id, "")

    def _report(self, governor_id: str, state_id: str) -> ErasureReport:
        return ErasureReport(
            governor_id=governor_id,
            state_id=state_id,
            states=self._sum.states,
            events=self._sum.events,
            segments=self._sum.segments,
            snapshots=self._removed["snapshots"].documents,
            receipts=self._removed["receipts"].documents,
            records=self._sum.records + self._removed["records"].documents,
        )

    def _erasure(self, state_id: str, through: int) -> Erasure:
        author, access = self._author, self._access
        return Erasure(state_id, through, author.changed_by, author.reason, access.clock.now(), access.new_id())

    async def _begin(self, paths: StateLayout) -> Erasure:
        """Commit the intent and the tombstone, and return the intent; the one there is, where nothing came since."""
        deadline = self._access.begin(self._timeout)

        async def attempt() -> Erasure:
            read = await self._access.read([META, paths.erasure], deadline)
            found = read.get(paths.erasure)
            known = None if found is None else read_erasure(found, paths.governor_id)
            record, based = await async_state_to_write(self._access, paths, deadline)
            if known is not None and record.deleted and record.version == known.through + 1:
                return known
            access, meta = self._access, read.get(META)
            head = Head(record, based, None if based is not None else "missing")
            view = View(head, None if meta is None else store_id_in(meta), read_time=read.read_time)
            fresh = Fresh(access.clock.now(), access.new_id(), access.new_id(), access.new_id())
            plan = decide(erase_change(Call(paths, self._author)), view, fresh, self._settings)
            assert isinstance(plan, Plan)
            erasure = replace(self._erasure(paths.state_id, record.version), clock=plan.event.causality)
            if not await self._committed([*writes_of(plan), erasure.put(paths.erasure, found)], plan, paths):
                raise PreconditionFailedError
            return erasure

        return await self._access.retried(attempt, deadline, also=(PreconditionFailedError,), what="an erasure")

    async def complete(self, paths: StateLayout, erasure: Erasure, *, scrubs: bool = True) -> None:
        """Do what an intent says, whatever of it is done already, and say that it is finished.

        A state that has come back as it was before, from a copy, gets its tombstone again.
        """
        if await self._is_there_again(paths, erasure.through):
            erasure = await self._begin(paths)
        through = erasure.through
        await self._events(paths, through)
        await self._mark(paths, through)
        await self._segments(paths, through)
        await self._branches(paths, erasure)
        governor = paths.governor
        kept = self._history.documents(governor.snapshots, paths, self._timeout, until=through)
        await self._remove(kept, "snapshots")
        await self._remove(self._receipts(paths, through), "receipts")
        await self._remove(self._about(governor.quarantine, paths), "records")
        await self._rewrite(lambda: self._about(governor.audit, paths), without_content)
        await self._rewrite(
            lambda: self._access.scan(TRANSACTIONS, timeout=self._timeout), lambda one: without_result(one, paths)
        )
        if scrubs:
            await self.scrub()
        await self._finish(erasure, paths.erasure, governor)
        self._sum.states += 1

    async def _is_there_again(self, paths: StateLayout, through: int) -> bool:
        try:
            record, _ = await async_state_to_write(self._access, paths, self._access.begin(self._timeout))
        except (CorruptLogError, StateNotFoundError):
            return False
        return record.version <= through

    async def complete_governor(self, governor: GovernorLayout) -> None:
        """Erase every state there is, and say that the governor is erased."""
        async for paths in self._states(governor):
            await self.complete(paths, await self._begin(paths), scrubs=False)
        await self.scrub()
        path = DocumentPath(governor.erasures, GOVERNOR)
        found = await self._document(path)
        if found is not None:
            await self._finish(read_erasure(found, governor.governor_id), path, governor)

    async def _states(self, governor: GovernorLayout) -> AsyncIterator[StateLayout]:
        """Iterate over the states of which there is anything, also those that have lost their documents."""
        async for document in self._access.scan(governor.states, timeout=self._timeout):
            with suppress(InvalidIdError):
                yield governor.state(unescape(document.path.id))
        for collection in (governor.events, governor.segments, governor.snapshots):
            async for found in async_left_over(self._access, governor, collection, self._timeout):
                if isinstance(found, StateLayout):
                    yield found

    async def _events(self, paths: StateLayout, through: int) -> None:
        """Erase the values in event documents; those of the first layout go with their events."""
        unsalted = 0
        for _ in range(_PASSES_MAX):
            changed = 0
            found = self._history.documents(paths.governor.events, paths, self._timeout, until=through)
            batch: list[Write] = []
            async for document in found:
                write, layout_1 = self._erasing(paths, document)
                unsalted = max(unsalted, layout_1)
                batch += [] if write is None else [write]
                changed += write is not None
                if len(batch) == _BATCH:
                    await self._erased(batch, "events")
                    batch = []
            if batch:
                await self._erased(batch, "events")
            if not changed:
                break
        async for segment in self._history.segments(paths, 1, through, None, self._timeout):
            unsalted = max([unsalted, *(one.version for one in segment.events if one.seal is None)])
        if unsalted:
            gc = AsyncGc(self._access, self._settings, HistoryPolicy(), timeout=self._timeout)
            await gc.take(paths, unsalted)
            self._sum.events += gc.sum.events.documents
            self._sum.segments += gc.sum.segments.documents

    def _erasing(self, paths: StateLayout, document: Document) -> tuple[Write | None, int]:
        """Return the write that erases an event, None where there is none; and its version where it is of layout 1."""
        try:
            event = read_event(document, paths.governor_id, paths.state_id)
        except CorruptLogError:
            # Whatever it holds may be what is to go.
            return Delete(document.path, UpdatedAt(document.update_time)), 0
        return erased_event(document, event, self._settings.encoding), event.version if event.seal is None else 0

    async def _erased(self, batch: Sequence[Write], name: str) -> bool:
        is_done = await self._committed(batch)
        if is_done:
            setattr(self._sum, name, getattr(self._sum, name) + len(batch))
        return is_done

    async def _mark(self, paths: StateLayout, through: int) -> None:
        """Mark the state, and drop its snapshots: whoever read its events before is refused from then on."""
        deadline = self._access.begin(self._timeout)

        async def attempt() -> None:
            try:
                record, based = await async_state_to_write(self._access, paths, deadline)
            except (CorruptLogError, StateNotFoundError):
                # Nobody can change the state either, and so nobody can seal what was read.
                return
            marks = record.marks
            dropped = [version for version in marks.snapshots if version <= through]
            if marks.erased_through >= through:
                return
            kept = tuple(version for version in marks.snapshots if version > through)
            marks = replace(marks, erased_through=max(through, marks.erased_through), snapshots=kept)
            put = state_put(paths, replace(record, marks=marks), self._settings.encoding, based)
            if not await self._committed([put, *(Delete(paths.snapshot(version)) for version in dropped)]):
                raise PreconditionFailedError
            self._removed["snapshots"].documents += len(dropped)

        await self._access.retried(attempt, deadline, also=(PreconditionFailedError,), what="an erasure")

    async def _segments(self, paths: StateLayout, through: int) -> None:
        for _ in range(_PASSES_MAX):
            is_clean = True
            found = self._history.documents(paths.governor.segments, paths, self._timeout, until=through, page=2)
            async for document in found:
                try:
                    segment = read_segment(document, paths.governor_id, paths.state_id)
                except CorruptLogError:
                    writes: list[Write] = [Delete(document.path, UpdatedAt(document.update_time))]
                else:
                    writes = [*erased_segment(paths, document, segment, through)]
                if writes:
                    is_clean = False
                    self._sum.segments += await self._committed(writes)
            if is_clean:
                return

    async def clock(self, paths: StateLayout, erasure: Erasure) -> Mapping[str, int] | None:
        """Return what the tombstone of an erasure knows; None where nobody can tell any more."""
        if erasure.clock is not None:
            return erasure.clock
        try:
            tombstone = await self._history.event(paths, erasure.through + 1, self._access.begin(self._timeout))
        except ReplayError:
            return None
        return None if tombstone is None else tombstone.causality

    async def _branches(self, paths: StateLayout, erasure: Erasure) -> None:
        """Erase the values in what other stores have made of the state without knowing of the erasure."""
        clock = await self.clock(paths, erasure)

        def rewritten(document: Document) -> Write | None:
            try:
                held = read_branch(document, paths.governor_id, paths.state_id)
            except CorruptLogError:
                return Delete(document.path, UpdatedAt(document.update_time))
            return erased_branch(document, held, clock, self._settings.encoding)

        beginning = f"{paths.stored_id}@"
        collection = paths.governor.branches
        await self._rewrite(
            lambda: self._access.scan(collection, start=beginning, stop=f"{paths.stored_id}A", timeout=self._timeout),
            rewritten,
        )

    async def _receipts(self, paths: StateLayout, through: int) -> AsyncIterator[Document]:
        async for document in self._access.scan(paths.governor.receipts, page=LARGE_PAGE, timeout=self._timeout):
            if is_receipt_of(document.fields, paths, through):
                yield document

    async def _about(self, collection: str, paths: StateLayout) -> AsyncIterator[Document]:
        async for document in self._access.scan(collection, timeout=self._timeout):
            if is_about(document.fields, paths):
                yield document

    async def _remove(self, found: AsyncIterator[Document], name: str) -> None:
        await async_remove(self._access, found, self._removed[name], self._timeout, is_dry_run=False)

    async def _rewrite(
        self, found: Callable[[], AsyncIterator[Document]], rewritten: Callable[[Document], Write | None]
    ) -> None:
        """Rewrite documents until none is left that is to be."""
        for _ in range(_PASSES_MAX):
            is_clean = True
            async for document in found():
                put = rewritten(document)
                if put is not None:
                    is_clean = False
                    await self._erased([put], "records")
            if is_clean:
                return

    async def scrub(self) -> None:
        """Have the engine leave nothing of what was removed."""
        deadline = self._access.begin(self._timeout)

        async def attempt() -> None:
            # A large file takes as long as it takes: not the time of one attempt, but all there is.
            await self._access.backend.scrub(timeout=deadline.remaining())

        await self._access.retried(attempt, deadline, what="scrubbing")

    async def _finish(self, erasure: Erasure, path: DocumentPath, governor: GovernorLayout) -> None:
        found = await self._document(path)
        if found is None or read_erasure(found, governor.governor_id).is_finished:
            return
        put = replace(erasure, is_finished=True).put(path, found)
        await self._committed([put, erasure.audit_put(governor.audit, path)])

    async def _document(self, path: DocumentPath) -> Document | None:
        return (await self._access.read([path], self._access.begin(self._timeout))).get(path)

    async def _committed(
        self, writes: Sequence[Write], plan: Plan | None = None, paths: StateLayout | None = None
    ) -> bool:
        """Whether *writes* were committed, as far as anybody can tell; False: look again."""
        deadline: Deadline = self._access.begin(self._timeout)

        async def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            if plan is not None and paths is not None:
                event = await self._history.event(paths, plan.event.version, deadline)
                if event is not None and event.transition_id == plan.event.transition_id:
                    return Settled(Outcome.APPLIED, CommitResult(event.timestamp, {}))
            # What was written before the reply was lost is found done when it is looked at again.
            return Settled(Outcome.REFUSED if refused else Outcome.UNKNOWN)

        def unknown() -> OutcomeUnknownError:
            return OutcomeUnknownError("", "", "", 0, retryable=True)

        try:
            await async_shield(async_commit_once, self._access, writes, deadline, AsyncSettlement(read, unknown))
        except PreconditionFailedError:
            return False
        return True


async def async_erase_again(access: AsyncAccess, governor_ids: Iterable[str], timeout: Span) -> None:
    """Erase again what was erased in governors into which something was brought: receipts, results, whole states."""
    settings = Settings(Encoding(), None, RECEIPT_TTL)
    eraser: AsyncEraser | None = None
    for governor_id in governor_ids:
        governor = GovernorLayout(governor_id)
        async for document in access.scan(governor.erasures, timeout=timeout):
            erasure = read_erasure(document, governor_id)
            if document.path.id == GOVERNOR:
                continue
            eraser = AsyncEraser(access, settings, Author(erasure.changed_by, erasure.reason, EMPTY), timeout)
            await eraser.complete(governor.state(erasure.state_id), erasure, scrubs=False)
    if eraser is not None:
        await eraser.scrub()
