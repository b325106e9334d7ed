"""Reading a state's history: its events in order, the fold over them, and the state rebuilt from them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from tai_state._async.access.damage import tell_damage, tell_missing
from tai_state._async.history.log import AsyncEventLog, log
from tai_state.clock import Span
from tai_state.documents import Capability, Document, DocumentPath
from tai_state.errors import CorruptLogError, HistoryTrimmedError, SchemaVersionError, StateNotFoundError, StoreError
from tai_state.layout import META, StateLayout, owner_and_version, versioned
from tai_state.rules.due.keys import key_again
from tai_state.rules.history.lost import check_reaches, salvaged
from tai_state.rules.history.replay import Fold, Rerun, Trimmed, no_rerun
from tai_state.rules.history.snapshots import read_snapshot
from tai_state.rules.records.feeding import feed_key, feed_of
from tai_state.rules.records.fields import FieldError
from tai_state.rules.records.occasional import Prepared
from tai_state.rules.records.prepared import Part, open_parts, read_prepared
from tai_state.rules.records.record import Marks, StateRecord


class _Span(NamedTuple):
    """Up to where a replay goes, and what runs its machine again."""

    version: int | None
    time: datetime | None
    rerun: Rerun


class AsyncHistoryReader(AsyncEventLog):
    """The histories of states, read in bounded memory."""

    async def replay(
        self,
        paths: StateLayout,
        *,
        until_version: int | None = None,
        until_time: datetime | None = None,
        rerun: Rerun = no_rerun,
        timeout: Span = None,
    ) -> StateRecord:
        """Fold the events, from the first that is left to the version or time given, and return the state reached.

        Segments are read for most of them; where one does not follow, the event documents count.

        Raises:
            StateNotFoundError: There is no event up to there.
            HistoryTrimmedError: What there was up to there was trimmed.
            CorruptLogError: An event up to there is missing, damaged, or does not follow from the one before.
            ReplayError: The machine, run again, makes something else of an event.
        """
        span = _Span(until_version, until_time, rerun)
        try:
            return await self._replayed(paths, None, span, timeout)
        except HistoryTrimmedError as error:
            trimmed = error
        except CorruptLogError as error:
            log.warning("sealed events are passed over: %s", error)
            return await self._replayed(paths, None, span, timeout, sealed=False)
        base = await self.trimmed(paths, timeout)
        if base is None or (until_version is not None and until_version <= base.version):
            raise trimmed
        try:
            return await self._replayed(paths, base, span, timeout)
        except StateNotFoundError:
            raise trimmed from None

    async def _replayed(
        self, paths: StateLayout, base: Trimmed | None, span: "_Span", timeout: Span, *, sealed: bool = True
    ) -> StateRecord:
        fold = Fold(paths.governor_id, paths.state_id, base=base, rerun=span.rerun)
        last = span.version
        found = self.runs(paths, after=fold.version, until=span.version, sealed=sealed, timeout=timeout)
        async for events in found:
            later = fold.take(events, span.time)
            if later is not None:
                # It ends the replay, but only as the very next event: otherwise one is missing before it.
                last = later - 1
                break
        reached = fold.state()
        if last is not None and fold.version < last:
            reason = f"the event is missing, the history goes on to version {last}"
            raise CorruptLogError(paths.governor_id, paths.state_id, fold.version + 1, reason)
        if reached is None:
            raise StateNotFoundError(paths.governor_id, paths.state_id)
        return reached

    async def lost(self, paths: StateLayout, timeout: Span = None) -> StateRecord | None:
        """Return what the log tells of a state whose document is missing or damaged; None where it never was.

        A state that ever was has an event: the newest one is in no segment yet. So one look is enough where there is
        none, which is what most missing states are.

        Raises:
            CorruptLogError: The log is damaged too, or has a gap.
        """
        return await self.rebuild(paths, timeout=timeout) if await self.first_events([paths], timeout) else None

    async def first_events(self, absent: Sequence[StateLayout], timeout: Span) -> dict[DocumentPath, Document]:
        """Return an event of each of these states that ever was, by the path of its state.

        Of one it is any event; of several the first one, all in one read: a state that has lost that one, too, is told
        by a look at it alone.
        """
        if len(absent) == 1:
            (paths,) = absent
            start, stop = versioned(paths.stored_id, 1), f"{paths.stored_id}A"
            found = self._access.scan(paths.governor.events, start=start, stop=stop, limit=1, timeout=timeout)
            return {one.state: event async for event in found for one in absent}
        deadline = self._access.begin(timeout)
        # Of a long history the first segment is left; it stands there, too, for what was trimmed.
        wanted = [path for paths in absent for path in (paths.event(1), paths.segment(1))]
        read = await self._access.read(wanted, deadline, consistent=False)
        events = {paths.state: read.get(paths.event(1)) or read.get(paths.segment(1)) for paths in absent}
        return {path: event for path, event in events.items() if event is not None}

    async def restored(
        self, paths: StateLayout, document: Document | None, damage: CorruptLogError | None, timeout: Span
    ) -> StateRecord | None:
        """Return what a state is to be written as again, with the marks that it begins with; None where it never was.

        Args:
            document: Its document, which is damaged; None where it is missing.
            damage: What is wrong with that.

        Raises:
            CorruptLogError: The log does not determine it.
        """
        try:
            record = await self.lost(paths, timeout)
        except CorruptLogError as error:
            raise damage or error from error
        if record is None:
            if damage is not None:
                raise damage
            return None
        if document is not None:
            check_reaches(record, document)
        if damage is None:
            tell_missing(paths)
        else:
            tell_damage(damage)
        marks = salvaged(await self.marks(paths, timeout), document)
        due_key, key = await self.places(paths, record, timeout)
        prepared = await self.prepared(paths, timeout)
        return replace(record, marks=replace(marks, due_key=due_key, feed_key=key, prepared=prepared))

    async def prepared(self, paths: StateLayout, timeout: Span = None) -> Prepared | None:
        """Return the mark that a state is to have whose document is missing or damaged; None: it has none."""
        async for document in self._access.query(open_parts(), timeout=timeout):
            try:
                part = read_prepared(document)
            except (StoreError, SchemaVersionError) as error:
                log.warning("it is not known of which states it is: %s", error)
                continue
            if isinstance(part, Part) and paths.state in part.states:
                return part.mark
        return None

    async def places(self, paths: StateLayout, record: StateRecord, timeout: Span = None) -> tuple[str, str]:
        """Return where a state that is written again is looked for: when it is due, and when it has changed; or "".

        Raises:
            CorruptLogError: The store does not say how it feeds.
        """
        has_keys = Capability.BY_UPDATE_TIME not in self._access.backend.capabilities
        if record.due is None and not has_keys:
            return "", ""
        meta = (await self._access.read([META], self._access.begin(timeout))).get(META)
        stored = None if meta is None else meta.fields.get("store_id")
        # One that was never named has none that looks either.
        store_id = stored if isinstance(stored, str) else ""
        due_key = "" if record.due is None else key_again(store_id, record.due.machine)
        try:
            feed = feed_of(meta.fields) if meta is not None and has_keys else None
        except FieldError as error:
            raise CorruptLogError("", "", None, f"document {META}: {error}") from error
        return due_key, "" if feed is None else feed_key(store_id, paths.state, feed.shards)

    async def rebuild(self, paths: StateLayout, *, timeout: Span = None) -> StateRecord | None:
        """Return the state as snapshots, segments and events tell it; None when there is nothing.

        Reads the newest sound snapshot and the events that follow it. Where there is none, or there is a gap or damage
        behind it: all from the first version on that is left, sealed segments before single events.

        Raises:
            CorruptLogError: What follows is damaged or has a gap, which nothing else covers.
        """
        base = await self._newest_snapshot(paths, timeout)
        if base is None:
            return await self._folded(paths, await self.trimmed(paths, timeout), timeout)
        try:
            return await self._folded(paths, base, timeout)
        except (CorruptLogError, HistoryTrimmedError) as error:
            log.warning("what follows a snapshot is passed over: %s", error)
            try:
                return await self._folded(paths, await self.trimmed(paths, timeout), timeout)
            except CorruptLogError:
                raise error from None

    async def _folded(
        self, paths: StateLayout, base: StateRecord | Trimmed | None, timeout: Span
    ) -> StateRecord | None:
        """Return the state that the events behind *base* lead to, from segments where they do, else from documents."""
        # Behind a snapshot there are few, and most of them are sealed in no segment yet.
        by_segments = not isinstance(base, StateRecord)
        try:
            return await self._fold(paths, base, timeout, sealed=by_segments)
        except CorruptLogError as error:
            log.warning("events are read again from %s: %s", "documents" if by_segments else "segments", error)
            return await self._fold(paths, base, timeout, sealed=not by_segments)

    async def _fold(
        self, paths: StateLayout, base: StateRecord | Trimmed | None, timeout: Span, *, sealed: bool
    ) -> StateRecord | None:
        fold = Fold(paths.governor_id, paths.state_id, base=base)
        async for events in self.runs(paths, after=fold.version, sealed=sealed, timeout=timeout):
            fold.take(events)
        return fold.state()

    async def _newest_snapshot(self, paths: StateLayout, timeout: Span) -> StateRecord | None:
        newest: StateRecord | None = None
        # Ascending, the only order that every engine offers; few are kept.
        async for document in self.documents(paths.governor.snapshots, paths, timeout):
            try:
                newest = read_snapshot(document, paths.governor_id, paths.state_id)
            except CorruptLogError as error:
                tell_damage(error)
        return newest

    async def marks(self, paths: StateLayout, timeout: Span = None) -> Marks:
        """Return the marks of maintenance that a rebuilt state document begins with: what there is of it.

        Not its dependents: only their own documents tell of them.
        """
        snapshots = self.documents(paths.governor.snapshots, paths, timeout)
        kept = tuple([owner_and_version(document.path.id)[1] async for document in snapshots])
        sealed_through, trimmed = 0, await self.trimmed(paths, timeout)
        async for segment in self.segments(paths, 1, None, None, timeout):
            if segment.first != sealed_through + 1:
                break
            sealed_through = segment.last
        return Marks(
            snapshots=kept,
            sealed_through=sealed_through,
            trimmed_through=trimmed.version if trimmed is not None else 0,
            trimmed_hash=trimmed.hash if trimmed is not None else "",
        )
