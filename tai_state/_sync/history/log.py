# Generated from tai_state/_async/history/log.py by .ci/generate_sync.py; do not edit.
"""The one reader of a state's events: sealed segments for most of them, documents for the newest and for what is left.

1. A segment gives its events, in the place of as many documents.
2. What no segment has is read from its documents: the tail, events too large for a segment, and those of a segment that
   is missing or damaged.
3. A gap is looked at again before it is told: events may have been sealed, and their documents removed, in between.
4. What then is nowhere was trimmed, or is a ``CorruptLogError``.
"""
import logging
from collections.abc import Iterator, Sequence

from tai_state._sync.access.access import PAGE, Access
from tai_state._sync.access.damage import tell_damage
from tai_state.clock import Deadline, Span
from tai_state.documents import Document, DocumentPath
from tai_state.errors import CorruptLogError, HistoryTrimmedError, InvalidIdError, ReplayError
from tai_state.layout import GovernorLayout, StateLayout, owner_and_version, state_layout, state_of, versioned
from tai_state.rules.history.late import checked
from tai_state.rules.history.reading_place import ReadingPlace
from tai_state.rules.history.replay import Trimmed
from tai_state.rules.history.segments import Segment, decoded, event_in, part_of, proven, read_segment
from tai_state.rules.records.again import read_state_again
from tai_state.rules.records.chain import GENESIS
from tai_state.rules.records.documents import read_event
from tai_state.rules.records.record import EventRecord, Marks

log = logging.getLogger("tai_state")

FEW = 20
"""So many events are read by themselves: what holds them sealed holds many more."""

_SEGMENTS_READ = 8
"""Segments read at a time."""

_WINDOW = 100
"""Among how many versions below one its segment is looked for first: what a segment holds by default."""


class EventLog:
    """The events of states, wherever they are kept, in bounded memory."""

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
        sealed: bool = True,
        timeout: Span = None,
        is_there: bool = False,
    ) -> Iterator[EventRecord]:
        """Iterate over the events with ``after < version <= until``, in version order and without a gap.

        Args:
            sealed: Whether segments may take the place of documents.
            is_there: Whether all up to *until* are known to have been committed: then no engine has to look for them.

        Raises:
            HistoryTrimmedError: The next one was trimmed.
            CorruptLogError: The next one is damaged, or is nowhere though later ones are there.
        """
        place = ReadingPlace(after, limit, is_there=is_there)
        for part in self._parts(paths, place, until, timeout, sealed=sealed):
            for event in part:
                yield event

    def checked_parts(
        self,
        paths: StateLayout,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int | None = None,
        timeout: Span = None,
    ) -> Iterator[Sequence[EventRecord]]:
        """Iterate over the events as ``events`` does, a few at a time; sealed ones are not decoded yet, and can be.

        Raises:
            HistoryTrimmedError, CorruptLogError: As for ``events``.
        """
        place = ReadingPlace(after, limit, given=checked)
        for part in self._parts(paths, place, until, timeout, sealed=True):
            yield part

    def runs(
        self, paths: StateLayout, *, after: int = 0, until: int | None = None, sealed: bool = True, timeout: Span = None
    ) -> Iterator[Sequence[EventRecord]]:
        """Iterate over the events as ``events`` does, a few at a time; sealed ones as a ``Run`` where they can be.

        Raises:
            HistoryTrimmedError, CorruptLogError: As for ``events``.
        """
        place = ReadingPlace(after, None, given=proven)
        for part in self._parts(paths, place, until, timeout, sealed=sealed):
            yield part

    def _parts(
        self, paths: StateLayout, place: ReadingPlace, until: int | None, timeout: Span, *, sealed: bool
    ) -> Iterator[Sequence[EventRecord]]:
        wanted = [] if until is None else [until - place.version]
        wanted += [] if place.left is None else [place.left]
        is_worth_it = sealed and min(wanted, default=FEW + 1) > FEW
        by_segments = is_worth_it and self._has_sealed(paths, place.version, timeout)
        is_first = True
        while not place.has(until):
            began = place.begin()
            found = self._part(paths, place, until, timeout, by_segments=by_segments)
            for part in found:
                yield part
            has_moved, was_by_segments = place.version > began or is_first, by_segments
            is_first, by_segments = False, sealed
            # What ends early may have been sealed, and its documents removed, while it was read.
            if place.is_cut and not has_moved and was_by_segments is sealed:
                raise self._missing(paths, place, timeout)
            if not place.is_cut and (until is None or not has_moved):
                return

    def _has_sealed(self, paths: StateLayout, after: int, timeout: Span) -> bool:
        """Whether there may be sealed events above *after*."""
        marks = self._marks(paths, timeout) if after else None
        return marks is None or marks.sealed_through > after

    def _part(
        self, paths: StateLayout, place: ReadingPlace, until: int | None, timeout: Span, *, by_segments: bool
    ) -> Iterator[Sequence[EventRecord]]:
        """Iterate over the events behind a place, to the end or to a gap."""
        if by_segments:
            for part in self._sealed(paths, place, until, timeout):
                yield part
        if not place.is_cut:
            for part in self._unsealed(paths, place, until, timeout):
                yield part

    def _sealed(
        self, paths: StateLayout, place: ReadingPlace, until: int | None, timeout: Span
    ) -> Iterator[Sequence[EventRecord]]:
        """Iterate over the events behind a place up to the last sealed one; documents fill what segments leave out."""
        for segment in self.segments(paths, place.version + 1, until, place, timeout):
            if segment.trimmed is not None and segment.last > place.version:
                raise HistoryTrimmedError(paths.governor_id, paths.state_id, place.version + 1, segment.last)
            if not segment.events:
                continue
            if segment.first > place.version + 1:
                for part in self._unsealed(paths, place, segment.first - 1, timeout):
                    yield part
            given = max(0, place.version + 1 - segment.first)
            count = len(segment.events) - given
            if count <= 0:
                continue
            taken = place.takes(segment.first + given, count, until)
            if taken:
                yield part_of(segment, given, taken)
            if taken < count:
                return

    def _unsealed(
        self, paths: StateLayout, place: ReadingPlace, until: int | None, timeout: Span
    ) -> Iterator[Sequence[EventRecord]]:
        """Iterate over the event documents behind a place, to the end or to a gap."""
        if place.has(until):
            return
        if place.is_there and until is not None and until - place.version <= _WINDOW:
            documents = self._by_ids(paths, range(place.version + 1, until + 1), timeout)
        else:
            documents = self.documents(
                paths.governor.events, paths, timeout, after=place.version, until=until, limit=place.left
            )
        for document in documents:
            if not place.takes(owner_and_version(document.path.id)[1]):
                return
            yield (read_event(document, paths.governor_id, paths.state_id),)

    def _by_ids(self, paths: StateLayout, versions: range, timeout: Span) -> Iterator[Document]:
        """Iterate over the event documents of *versions*, those that there are, a few at a time."""
        for first in range(0, len(versions), FEW):
            wanted = [paths.event(version) for version in versions[first : first + FEW]]
            read = self._access.read(wanted, self._access.begin(timeout), consistent=False)
            for path in wanted:
                if (document := read.get(path)) is not None:
                    yield document

    def _missing(self, paths: StateLayout, place: ReadingPlace, timeout: Span) -> ReplayError:
        """Return the error of an event that is nowhere."""
        ids, version = (paths.governor_id, paths.state_id), place.version + 1
        trimmed = self.trimmed(paths, timeout)
        if trimmed is not None and trimmed.version >= version:
            return HistoryTrimmedError(*ids, version, trimmed.version)
        reason = f"version {place.cut_at} follows version {place.version}"
        why = "" if place.damage is None else f"; {place.damage.reason}"
        error = CorruptLogError(*ids, place.cut_at, f"{reason}{why}")
        error.__cause__ = place.damage
        return error

    def trimmed(self, paths: StateLayout, timeout: Span) -> Trimmed | None:
        """Return what was trimmed of a history, as its first segment or the state's document says; None: nothing."""
        path = paths.segment(1)
        read = self._access.read([path], self._access.begin(timeout))
        document = read.get(path)
        if document is not None:
            try:
                segment = read_segment(document, paths.governor_id, paths.state_id)
            except CorruptLogError as error:
                tell_damage(error)
            else:
                return segment.trimmed
        marks = self._marks(paths, timeout)
        if marks is None or not marks.trimmed_through:
            return None
        return Trimmed(marks.trimmed_through, marks.trimmed_hash or GENESIS)

    def _marks(self, paths: StateLayout, timeout: Span) -> Marks | None:
        """Return the marks of a state; None where its document is missing or damaged."""
        document = (self._access.read([paths.state], self._access.begin(timeout))).get(paths.state)
        try:
            record = None if document is None else read_state_again(document, paths.governor_id, paths.state_id)
        except ReplayError:
            return None
        return None if record is None else record.marks

    def event(self, paths: StateLayout, version: int, deadline: Deadline) -> EventRecord | None:
        """Return the event that made *version*, from its document or its segment; None when it is not there.

        Raises:
            HistoryTrimmedError: It was trimmed.
            CorruptLogError: It is damaged.
        """
        path = paths.event(version)
        document = (self._access.read([path], deadline)).get(path)
        if document is not None:
            return read_event(document, paths.governor_id, paths.state_id)
        return self.sealed_event(paths, version, deadline)

    def sealed_event(self, paths: StateLayout, version: int, timeout: Span) -> EventRecord | None:
        """Return the event that made *version* from its segment; None when none holds it.

        Raises:
            HistoryTrimmedError: It was trimmed.
            CorruptLogError: Its segment is damaged.
        """
        segment = self.segment_of(paths, version, timeout)
        return None if segment is None else event_in(segment, (paths.governor_id, paths.state_id), version)

    def sealed_at(self, path: DocumentPath, timeout: Span) -> EventRecord | None:
        """Return the event whose document stood at *path* from its segment; None when none holds it.

        Raises:
            HistoryTrimmedError, CorruptLogError: As for ``sealed_event``.
        """
        governor_id, state_id = state_of(str(path))
        if not state_id or path.collection != GovernorLayout(governor_id).events:
            return None
        _, version = owner_and_version(path.id)
        return self.sealed_event(state_layout(governor_id, state_id), version, timeout)

    def segment_of(self, paths: StateLayout, version: int, timeout: Span) -> Segment | None:
        """Return the segment that *version* belongs to; None where none says so.

        Raises:
            CorruptLogError: It is damaged.
        """
        if not self._has_sealed(paths, version - 1, timeout):
            return None
        document = self._segment_before(paths, version, timeout)
        segment = None if document is None else read_segment(document, paths.governor_id, paths.state_id)
        return segment if segment is not None and segment.last >= version else None

    def _segment_before(self, paths: StateLayout, version: int, timeout: Span) -> Document | None:
        """Return the last segment that begins with *version* or before it; the engines list ascending alone."""
        window = _WINDOW
        while True:
            after = max(0, version - window)
            found = None
            collection = paths.governor.segments
            for document in self.documents(
                collection, paths, timeout, after=after, until=version, page=_SEGMENTS_READ
            ):
                found = document
            if found is not None or after == 0:
                return found
            window *= 8

    def segments(
        self, paths: StateLayout, version: int, until: int | None, place: ReadingPlace | None, timeout: Span
    ) -> Iterator[Segment]:
        """Iterate over the sound segments from that of *version* on to that of *until*, in order.

        One look finds that of *version*, where it is none of the few that are longer than usual, and those behind it.
        """
        first = max(0, version - _WINDOW)
        before: Document | None = None
        is_reached = version <= 1
        for document in self._segments_behind(first, paths, until, timeout):
            if not is_reached and owner_and_version(document.path.id)[1] <= version:
                before = document
                continue
            if not is_reached:
                is_reached = True
                segment = self._reached(before, paths, first, place, timeout)
                if segment is not None:
                    yield segment
            segment = self._sound(document, paths, place)
            if segment is not None:
                yield segment
        if not is_reached:
            segment = self._reached(before, paths, first, place, timeout)
            if segment is not None:
                yield segment

    def _segments_behind(
        self, after: int, paths: StateLayout, until: int | None, timeout: Span
    ) -> Iterator[Document]:
        # A scan's page begins with the last document of the one before; a scan of one page each reads none twice.
        limit: int | None = _SEGMENTS_READ
        while True:
            start, stop = _range(paths, after, until)
            found = self._access.scan(paths.governor.segments, start=start, stop=stop, limit=limit, timeout=timeout)
            count = ours = 0
            for document in found:
                count += 1
                if _is_of_a_version(document):
                    after, ours = owner_and_version(document.path.id)[1], ours + 1
                    yield document
            if limit is None or count < limit:
                return
            limit = limit if ours == count else None  # somebody else's are among them: the rest in one go

    def _reached(
        self, before: Document | None, paths: StateLayout, first: int, place: ReadingPlace | None, timeout: Span
    ) -> Segment | None:
        """Return the last sound segment that begins before a version: *before*, or else that below *first*."""
        if before is None and first:
            before = self._segment_before(paths, first, timeout)
        return None if before is None else self._sound(before, paths, place)

    @staticmethod
    def _sound(document: Document, paths: StateLayout, place: ReadingPlace | None) -> Segment | None:
        try:
            given = decoded if place is None else place.given
            return read_segment(document, paths.governor_id, paths.state_id, given)
        except CorruptLogError as error:
            tell_damage(error)
            if place is not None:
                place.damage = error
            return None

    def documents(
        self,
        collection: str,
        paths: StateLayout,
        timeout: Span,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int | None = None,
        page: int = PAGE,
    ) -> Iterator[Document]:
        """Iterate over the documents of a state's versions, in their order; those of somebody else are left out."""
        start, stop = _range(paths, after, until)
        found = self._access.scan(collection, start=start, stop=stop, limit=limit, page=page, timeout=timeout)
        for document in found:
            if _is_of_a_version(document):
                yield document


def _range(paths: StateLayout, after: int, until: int | None) -> tuple[str, str]:
    # "A" is the character behind "@": the end of a state's range.
    stop = f"{paths.stored_id}A" if until is None else versioned(paths.stored_id, until + 1)
    return versioned(paths.stored_id, after + 1), stop


def _is_of_a_version(document: Document) -> bool:
    try:
        owner_and_version(document.path.id)
    except InvalidIdError as error:
        log.warning("passed over in %s: %s", document.path.collection, error)
        return False
    return True
