# Generated from tai_state/_async/history/reader.py by .ci/generate_sync.py; do not edit.
"""Reading a state's history: its events in order, the fold over them, and the state rebuilt from them."""
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from tai_state._sync.access.access import Access
from tai_state._sync.access.damage import tell_damage, tell_missing
from tai_state.clock import Span
from tai_state.documents import Document, DocumentPath
from tai_state.errors import CorruptLogError, InvalidIdError, StateNotFoundError
from tai_state.layout import StateLayout, owner_and_version, versioned
from tai_state.rules.history.lost import check_reaches, salvaged
from tai_state.rules.history.replay import Fold, Rerun, no_rerun
from tai_state.rules.history.segments import Segment, read_segment
from tai_state.rules.history.snapshots import read_snapshot
from tai_state.rules.records.documents import read_event
from tai_state.rules.records.record import EventRecord, Marks, StateRecord

log = logging.getLogger("tai_state")


class HistoryReader:
    """The histories of states, read in bounded memory."""

    def __init__(self, access: Access) -> None:
        """Read through *access*."""
        self._access = access

    def events(
        self,
        paths: StateLayout,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int | None = None,
        timeout: Span = None,
    ) -> Iterator[EventRecord]:
        """Iterate over the event documents with ``after < version <= until``, in version order."""
        collection = paths.governor.events
        for document in self.documents(collection, paths, timeout, after=after, until=until, limit=limit):
            yield read_event(document, paths.governor_id, paths.state_id)

    def replay(
        self,
        paths: StateLayout,
        *,
        until_version: int | None = None,
        until_time: datetime | None = None,
        rerun: Rerun = no_rerun,
        timeout: Span = None,
    ) -> StateRecord:
        """Fold the event documents, from the first to the version or time given, and return the state reached.

        Raises:
            StateNotFoundError: There is no event up to there.
            CorruptLogError: An event up to there is missing, damaged, or does not follow from the one before.
            ReplayError: The machine, run again, makes something else of an event.
        """
        fold = Fold(paths.governor_id, paths.state_id, rerun=rerun)
        last = until_version
        for event in self.events(paths, until=until_version, timeout=timeout):
            if until_time is not None and event.timestamp > until_time:
                # It ends the replay, but only as the very next event: otherwise one is missing before it.
                last = event.version - 1
                break
            fold.step(event)
        reached = fold.state()
        if last is not None and fold.version < last:
            reason = f"the event is missing, the history goes on to version {last}"
            raise CorruptLogError(paths.governor_id, paths.state_id, fold.version + 1, reason)
        if reached is None:
            raise StateNotFoundError(paths.governor_id, paths.state_id)
        return reached

    def lost(self, paths: StateLayout, timeout: Span = None) -> StateRecord | None:
        """Return what the log tells of a state whose document is missing or damaged; None where it never was.

        A state that ever was has an event: the newest one is in no segment yet. So one look is enough where there is
        none, which is what most missing states are.

        Raises:
            CorruptLogError: The log is damaged too, or has a gap.
        """
        return self.rebuild(paths, timeout=timeout) if self.first_events([paths], timeout) else None

    def first_events(self, absent: Sequence[StateLayout], timeout: Span) -> dict[DocumentPath, Document]:
        """Return an event of each of these states that ever was, by the path of its state.

        Of one it is any event; of several the first one, all in one read: a state that has lost that one, too, is told
        by a look at it alone.
        """
        if len(absent) == 1:
            (paths,) = absent
            start, stop = versioned(paths.stored_id, 1), f"{paths.stored_id}A"
            found = self._access.scan(paths.governor.events, start=start, stop=stop, limit=1, timeout=timeout)
            return {one.state: event for event in found for one in absent}
        deadline = self._access.begin(timeout)
        read = self._access.read([paths.event(1) for paths in absent], deadline, consistent=False)
        events = {paths.state: read.get(paths.event(1)) for paths in absent}
        return {path: event for path, event in events.items() if event is not None}

    def restored(
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
            record = self.lost(paths, timeout)
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
        return replace(record, marks=salvaged(self.marks(paths, timeout), document))

    def rebuild(self, paths: StateLayout, *, timeout: Span = None) -> StateRecord | None:
        """Return the state as snapshots, segments and events tell it; None when there is nothing.

        Reads the newest sound snapshot and the events that follow it. Where there is none, or there is a gap or damage
        behind it: all from the first version on, sealed segments before single events.

        Raises:
            CorruptLogError: What follows is damaged or has a gap, which nothing else covers.
        """
        base = self._newest_snapshot(paths, timeout)
        if base is None:
            return self._from_the_first(paths, timeout)
        fold = Fold(paths.governor_id, paths.state_id, base=base)
        try:
            self._follow(fold, paths, timeout=timeout)
        except CorruptLogError as error:
            log.warning("what follows a snapshot is passed over: %s", error)
            try:
                return self._from_the_first(paths, timeout)
            except CorruptLogError:
                raise error from None
        return fold.state()

    def _from_the_first(self, paths: StateLayout, timeout: Span) -> StateRecord | None:
        fold = Fold(paths.governor_id, paths.state_id)
        for segment in self._segments(paths, timeout):
            # A segment that is missing or damaged leaves a gap, which the events themselves may fill.
            self._follow(fold, paths, until=segment.first - 1, timeout=timeout)
            try:
                for event in segment.events[max(0, fold.version + 1 - segment.first) :]:
                    fold.step(event)
            except CorruptLogError as error:
                log.warning("a segment that does not follow is passed over: %s", error)
        self._follow(fold, paths, timeout=timeout)
        return fold.state()

    def _follow(self, fold: Fold, paths: StateLayout, *, until: int | None = None, timeout: Span) -> None:
        """Step through the events behind the version reached."""
        if until is None or until > fold.version:
            for event in self.events(paths, after=fold.version, until=until, timeout=timeout):
                fold.step(event)

    def _segments(self, paths: StateLayout, timeout: Span) -> Iterator[Segment]:
        for document in self.documents(paths.governor.segments, paths, timeout):
            try:
                yield read_segment(document, paths.governor_id, paths.state_id)
            except CorruptLogError as error:
                tell_damage(error)

    def _newest_snapshot(self, paths: StateLayout, timeout: Span) -> StateRecord | None:
        newest: StateRecord | None = None
        # Ascending, the only order that every engine offers; few are kept.
        for document in self.documents(paths.governor.snapshots, paths, timeout):
            try:
                newest = read_snapshot(document, paths.governor_id, paths.state_id)
            except CorruptLogError as error:
                tell_damage(error)
        return newest

    def marks(self, paths: StateLayout, timeout: Span = None) -> Marks:
        """Return the marks of maintenance that a rebuilt state document begins with: what there is of it.

        Not its dependents: only their own documents tell of them.
        """
        snapshots = self.documents(paths.governor.snapshots, paths, timeout)
        kept = tuple([owner_and_version(document.path.id)[1] for document in snapshots])
        sealed_through = 0
        for segment in self._segments(paths, timeout):
            if segment.first != sealed_through + 1:
                break
            sealed_through = segment.last
        return Marks(snapshots=kept, sealed_through=sealed_through)

    def documents(
        self,
        collection: str,
        paths: StateLayout,
        timeout: Span,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int | None = None,
    ) -> Iterator[Document]:
        """Iterate over the documents of a state's versions, in their order; those of somebody else are left out."""
        start = versioned(paths.stored_id, after + 1)
        # "A" is the character behind "@": the end of this state's range.
        stop = versioned(paths.stored_id, until + 1) if until is not None else f"{paths.stored_id}A"
        for document in self._access.scan(collection, start=start, stop=stop, limit=limit, timeout=timeout):
            try:
                owner_and_version(document.path.id)
            except InvalidIdError as error:
                log.warning("passed over in %s: %s", collection, error)
            else:
                yield document
