"""What is not needed any more, removed: ``rules.recovery.retention`` says what may go, and why.

1. Receipts, records of transactions and waits that have expired by the store's clock; and what is known of those over
   several stores that were settled everywhere a day ago.
2. Histories beyond their bounds: the marks first, in one commit with all that a rebuild needs, then the documents.
3. Sealed events' own documents, each run in the one commit that says that its segment is alone. What no change has
   sealed, since transactions seal nothing, is sealed first.
4. What an earlier run that was stopped has left.

A commit that is refused has met a writer, and is made again on what is there then; a state that cannot be read, or
whose log says something else than its segments, is left alone and told. So it can be stopped anywhere and run again,
beside writers, and two may run at once.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tai_state._async.access.access import LARGE_PAGE, AsyncAccess
from tai_state._async.history.reader import AsyncHistoryReader
from tai_state._async.recovery.governors import async_governors
from tai_state._async.recovery.in_doubt import async_clear_decided
from tai_state._async.recovery.marking import async_marked
from tai_state._async.recovery.removal import BATCH, Removed, async_committed, async_remove
from tai_state._async.recovery.unsealed import AsyncUnsealed
from tai_state._async.recovery.verify import Progress, no_progress
from tai_state.clock import Span
from tai_state.config import HistoryPolicy
from tai_state.documents import Document, DocumentPath, Write
from tai_state.errors import (
    CorruptLogError,
    DocumentTooLargeError,
    InvalidIdError,
    PreconditionFailedError,
    PreparedError,
    ReplayError,
    StateNotFoundError,
)
from tai_state.layout import PREPARED, TRANSACTIONS, WAITS, GovernorLayout, StateLayout, owner_and_version, unescape
from tai_state.models import GcReport, Problem
from tai_state.rules.commits.change import Settings
from tai_state.rules.history.segments import Segment, alone_put, due_events, read_segment
from tai_state.rules.history.snapshots import read_snapshot
from tai_state.rules.records.documents import read_state
from tai_state.rules.records.record import StateRecord
from tai_state.rules.recovery.retention import (
    allowed,
    compacted,
    cut,
    fewer_snapshots,
    has_expired,
    is_older,
)

PROBLEMS_MAX = 1_000
"""The most states left alone that one report names."""


@dataclass(slots=True)
class Sum:
    """What was removed so far, by kind."""

    states: int = 0
    trimmed: int = 0
    sealed: int = 0
    events: Removed = field(default_factory=Removed)
    segments: Removed = field(default_factory=Removed)
    snapshots: Removed = field(default_factory=Removed)
    receipts: Removed = field(default_factory=Removed)
    transactions: Removed = field(default_factory=Removed)
    waits: Removed = field(default_factory=Removed)
    left: list[Problem] = field(default_factory=list)

    def leave(self, paths: StateLayout, reason: str) -> None:
        """Note a state that is left alone."""
        if len(self.left) < PROBLEMS_MAX:
            problem = Problem(
                kind="left_alone", state_id=paths.state_id, version=None, message=reason, path=str(paths.state)
            )
            self.left.append(problem)

    def report(self, governor_id: str, *, is_dry_run: bool) -> GcReport:
        """Return what users see of it."""
        kinds = (self.events, self.segments, self.snapshots, self.receipts, self.transactions, self.waits)
        return GcReport(
            governor_id=governor_id,
            states=self.states,
            trimmed=self.trimmed,
            sealed=self.sealed,
            events=self.events.documents,
            segments=self.segments.documents,
            snapshots=self.snapshots.documents,
            receipts=self.receipts.documents,
            transactions=self.transactions.documents,
            waits=self.waits.documents,
            bytes=sum(kind.bytes for kind in kinds),
            left=self.left,
            is_dry_run=is_dry_run,
        )


class AsyncGc:
    """Removes what is not needed any more, and counts what is gone."""

    def __init__(
        self,
        access: AsyncAccess,
        settings: Settings,
        policy: HistoryPolicy,
        *,
        retention: int | None = None,
        progress: Progress = no_progress,
        timeout: Span = None,
        is_dry_run: bool = False,
    ) -> None:
        """Remove through *access* what *policy* does not keep.

        Args:
            retention: The newest snapshots that are kept; None: as many as there are.
            timeout: Bounds each page that is read, and each commit.
        """
        self._access = access
        self._history = AsyncHistoryReader(access)
        self._settings = settings
        self._unsealed = AsyncUnsealed(access, settings, timeout)
        self._policy = policy
        self._retention = retention
        self._progress = progress
        self._timeout = timeout
        self._is_dry_run = is_dry_run
        self.sum = Sum()

    async def all(self) -> GcReport:
        """Go over every governor, then over what is of none."""
        async for governor in async_governors(self._access, self._timeout):
            await self._governor(governor)
        now = await self._now()
        await self._remove_expired(TRANSACTIONS, self.sum.transactions, now)
        await self._remove_expired(PREPARED, self.sum.transactions, now)
        await async_clear_decided(self._access, self.sum.transactions, now, self._timeout, is_dry_run=self._is_dry_run)
        await self._remove_expired(WAITS, self.sum.waits, now)
        return self.sum.report("", is_dry_run=self._is_dry_run)

    async def governor(self, governor_id: str) -> GcReport:
        """Go over one governor: its receipts, then its states."""
        await self._governor(GovernorLayout(governor_id))
        return self.sum.report(governor_id, is_dry_run=self._is_dry_run)

    async def trim(self, paths: StateLayout, *, through: int | None = None, before: datetime | None = None) -> GcReport:
        """Trim one history up to a version, or to the last event before a time.

        Raises:
            StateNotFoundError: The state never was.
        """
        document = (await self._access.read([paths.state], self._access.begin(self._timeout))).get(paths.state)
        if document is None:
            raise StateNotFoundError(paths.governor_id, paths.state_id)
        lowest = await self._named(paths.governor, None)
        record = read_state(document, paths.governor_id, paths.state_id)
        if before is not None:
            through = await self._last_before(paths, record, before)
        self.sum.states += 1
        await self._trimmed(paths, record, through or 0, lowest.get(paths.state_id))
        return self.sum.report(paths.governor_id, is_dry_run=self._is_dry_run)

    async def take(self, paths: StateLayout, through: int) -> None:
        """Trim a history up to a version, whatever receipts name, and remove what was there."""
        gone = await self._cut(paths, through)
        await self._remove_versions(paths, paths.governor.events, gone, self.sum.events)
        await self._remove_versions(paths, paths.governor.segments, gone, self.sum.segments)

    async def _now(self) -> datetime:
        return await self._access.server_time(self._access.begin(self._timeout))

    async def _governor(self, governor: GovernorLayout) -> None:
        now = await self._now()
        lowest = await self._named(governor, now)
        async for document in self._access.scan(governor.states, timeout=self._timeout):
            try:
                paths = governor.state(unescape(document.path.id))
            except InvalidIdError:
                continue
            self.sum.states += 1
            self._progress(governor.governor_id, paths.stored_id)
            try:
                record = await self._sealed(paths, read_state(document, paths.governor_id, paths.state_id))
                await self._state(paths, record, now, lowest.get(paths.state_id))
            except (ReplayError, DocumentTooLargeError, PreparedError) as error:
                self.sum.leave(paths, str(error))

    async def _sealed(self, paths: StateLayout, record: StateRecord) -> StateRecord:
        """Seal the full runs of a state's events, and return the state as it is then."""
        first = record.marks.first_unsealed
        if self._is_dry_run:
            self.sum.sealed += due_events(record, self._settings.maintenance)
            return record
        record = await self._unsealed.sealed(paths, record)
        self.sum.sealed += record.marks.first_unsealed - first
        return record

    async def _named(self, governor: GovernorLayout, now: datetime | None) -> Mapping[str, int]:
        """Remove the receipts that have expired, and return the lowest version that the others name, by state.

        Args:
            now: None: remove none.
        """
        lowest: dict[str, int] = {}

        async def expired() -> AsyncIterator[Document]:
            async for receipt in self._access.scan(governor.receipts, page=LARGE_PAGE, timeout=self._timeout):
                state_id, version = receipt.fields.get("state_id"), receipt.fields.get("version")
                if now is not None and has_expired(receipt, now):
                    yield receipt
                elif isinstance(state_id, str) and type(version) is int:
                    lowest[state_id] = min(version, lowest.get(state_id, version))

        await async_remove(self._access, expired(), self.sum.receipts, self._timeout, is_dry_run=self._is_dry_run)
        return lowest

    async def _remove_expired(self, collection: str, removed: Removed, now: datetime) -> None:
        async def expired() -> AsyncIterator[Document]:
            async for document in self._access.scan(collection, page=LARGE_PAGE, timeout=self._timeout):
                if has_expired(document, now):
                    yield document

        await async_remove(self._access, expired(), removed, self._timeout, is_dry_run=self._is_dry_run)

    async def _state(self, paths: StateLayout, record: StateRecord, now: datetime, lowest_named: int | None) -> None:
        policy, wanted = self._policy, 0
        if policy.max_events is not None:
            wanted = record.version - policy.max_events
        if policy.max_age is not None:
            wanted = max(wanted, await self._last_before(paths, record, now - policy.max_age))
        trimmed = await self._trimmed(paths, record, wanted, lowest_named)
        await self._fewer_snapshots(paths)
        if policy.compact_after is not None:
            await self._compacted(paths, range(trimmed + 1, record.marks.sealed_through + 1), now)

    async def _last_before(self, paths: StateLayout, record: StateRecord, moment: datetime) -> int:
        """Return the last version that was made before *moment*; 0: none that is left."""
        after, last = record.marks.trimmed_through, 0
        # Of most histories the oldest event is young enough, and nothing else has to be read.
        for limit in (1, None):
            async for event in self._history.events(paths, after=after, limit=limit, timeout=self._timeout):
                if event.timestamp >= moment:
                    return last
                last = event.version
        return last

    async def _trimmed(self, paths: StateLayout, record: StateRecord, wanted: int, lowest_named: int | None) -> int:
        """Trim a history where it should be, remove what is left of what was trimmed, and return up to where it is."""
        through = allowed(wanted, record, lowest_named)
        gone = record.marks.trimmed_through
        if through:
            dropped = await self._snapshots(paths, record, through) if self._is_dry_run else ()
            gone = through if self._is_dry_run else await self._cut(paths, through)
            self.sum.snapshots.add(*dropped)
            self.sum.trimmed += 1
        if gone:
            await self._remove_versions(paths, paths.governor.events, gone, self.sum.events)
            await self._remove_versions(paths, paths.governor.segments, gone, self.sum.segments)
        return gone

    async def _remove_versions(self, paths: StateLayout, collection: str, through: int, removed: Removed) -> None:
        standing = {paths.segment(1)} if not self._is_dry_run else set()

        async def gone() -> AsyncIterator[Document]:
            async for document in self._history.documents(collection, paths, self._timeout, until=through):
                last = document.fields.get("last", 0)
                # In a dry run the segment through which it goes is there as it is.
                if document.path not in standing and not (type(last) is int and last > through):
                    yield document

        await async_remove(self._access, gone(), removed, self._timeout, is_dry_run=self._is_dry_run)

    async def _cut(self, paths: StateLayout, through: int) -> int:
        """Commit that a history is trimmed up to a version, and return up to where it is."""
        deadline = self._access.begin(self._timeout)

        async def attempt() -> int:
            document = (await self._access.read([paths.state], deadline)).get(paths.state)
            if document is None:
                raise StateNotFoundError(paths.governor_id, paths.state_id)
            record = read_state(document, paths.governor_id, paths.state_id)
            if record.marks.trimmed_through >= through:
                return record.marks.trimmed_through
            following = await self._history.event(paths, through + 1, deadline)
            if following is None:
                reason = "the event is missing, and the history cannot be trimmed up to it: run recover first"
                raise CorruptLogError(paths.governor_id, paths.state_id, through + 1, reason)
            segment = await self._history.segment_of(paths, through + 1, deadline)
            if segment is not None and segment.first <= through and not segment.events:
                # What is too large for a segment stays with what it stands beside.
                return await self._cut(paths, segment.first - 1) if segment.first > 1 else 0
            made = cut(
                paths,
                record,
                following,
                segment,
                found=document.update_time,
                encoding=self._settings.encoding,
                has_snapshot=await self._has_snapshot(paths, record, through),
            )
            dropped = await self._snapshots(paths, record, through)
            await async_marked(self._access, paths, made.state, made.others, deadline)
            self.sum.snapshots.add(*dropped)
            return through

        return await self._access.retried(attempt, deadline, also=(PreconditionFailedError,), what="a trim")

    async def _snapshots(self, paths: StateLayout, record: StateRecord, through: int) -> list[Document]:
        """Return the snapshots that a trim takes along."""
        dropped = [paths.snapshot(one) for one in record.marks.snapshots if one <= through]
        if not dropped:
            return []
        return [*(await self._access.read(dropped, self._access.begin(self._timeout))).documents.values()]

    async def _has_snapshot(self, paths: StateLayout, record: StateRecord, through: int) -> bool:
        """Whether the newest snapshot is sound, and above what is trimmed."""
        newest = max(record.marks.snapshots, default=0)
        if newest <= through:
            return False
        document = (await self._access.read([paths.snapshot(newest)], self._access.begin(self._timeout))).get(
            paths.snapshot(newest)
        )
        try:
            return document is not None and bool(read_snapshot(document, paths.governor_id, paths.state_id))
        except ReplayError:
            return False

    async def _fewer_snapshots(self, paths: StateLayout) -> None:
        """Drop the snapshots beyond the newest, as marks and documents, in one commit."""
        if self._retention is None:
            return
        deadline = self._access.begin(self._timeout)
        document = (await self._access.read([paths.state], deadline)).get(paths.state)
        if document is None:
            return
        record = read_state(document, paths.governor_id, paths.state_id)
        fewer = fewer_snapshots(paths, record, document.update_time, self._retention, self._settings.encoding)
        if fewer is None:
            return
        put, deletes = fewer
        old = await self._access.read([one.path for one in deletes], deadline)
        if not self._is_dry_run:
            try:
                await async_marked(self._access, paths, put, deletes, deadline)
            except PreconditionFailedError:
                # A writer was faster; its own commit, or the next run, does it.
                return
        self.sum.snapshots.add(*old.documents.values())

    async def _compacted(self, paths: StateLayout, sealed: range, now: datetime) -> None:
        """Remove the documents of *sealed* events that are old enough, a segment at a time."""
        assert self._policy.compact_after is not None
        after, until = sealed.start - 1, sealed.stop - 1
        first: int | None = None
        events = self._history.documents(paths.governor.events, paths, self._timeout, after=after, until=until, limit=1)
        async for document in events:
            first = owner_and_version(document.path.id)[1]
        if first is None:
            return
        found = self._history.documents(paths.governor.segments, paths, self._timeout, after=after, until=until, page=2)
        async for document in found:
            segment = read_segment(document, paths.governor_id, paths.state_id)
            if not segment.events or segment.last < first:
                continue
            if not is_older(segment.events[-1], now, self._policy.compact_after):
                return
            if not await self._alone(paths, document, segment):
                self.sum.leave(paths, f"segment {document.path} and the events that it holds differ: run recover")
                return

    async def _alone(self, paths: StateLayout, document: Document, segment: Segment) -> bool:
        """Remove the documents of a segment's events; whether there is none left that says something else."""
        documents: dict[int, Document] = {}
        async for event in self._history.documents(
            paths.governor.events, paths, self._timeout, after=segment.first - 1, until=segment.last
        ):
            documents[owner_and_version(event.path.id)[1]] = event
        deletes = compacted(segment, documents, paths)
        if deletes is None:
            return False
        by_path: dict[DocumentPath, Document] = {one.path: one for one in documents.values()}
        mark: list[Write] = [] if segment.is_alone else [alone_put(document)]
        for start in range(0, len(deletes), BATCH):
            part = deletes[start : start + BATCH]
            writes = [*mark, *part]
            mark = []
            if not self._is_dry_run and not await async_committed(self._access, writes, part[0].path, self._timeout):
                # Somebody repairs it, or was faster; the next run looks again.
                return True
            self.sum.events.add(*(by_path[one.path] for one in part))
        return True
