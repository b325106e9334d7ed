"""What is kept beside a log, read while its events go by: snapshots at once, segments one at a time."""

from collections.abc import AsyncIterator

from tai_state._async.access.access import AsyncAccess
from tai_state._async.recovery.beside import AsyncBeside
from tai_state.clock import Span
from tai_state.documents import Document
from tai_state.errors import InvalidIdError, ReplayError, SchemaVersionError
from tai_state.layout import StateLayout, owner_and_version, versioned
from tai_state.rules.history.segments import Segment, read_segment
from tai_state.rules.history.snapshots import read_snapshot
from tai_state.rules.records.erased import is_erased
from tai_state.rules.records.record import EventRecord
from tai_state.rules.recovery.comparison import Inventory, content_digest, snapshot_differs
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.recovery.lineage import Sealed

_SEGMENTS_READ = 2
"""Segments read at a time: one may be 16 MiB once it is read."""

_SNAPSHOTS_READ = 16


class AsyncKept:
    """The snapshots and segments of one state. Of a snapshot its digest is kept, of the segments one at a time."""

    def __init__(
        self, access: AsyncAccess, paths: StateLayout, timeout: Span, beside: AsyncBeside | None = None
    ) -> None:
        """Read those of *paths*; ``begin``, every event in order, then ``end``.

        Args:
            beside: What gives them, where all states of the governor are walked over.
        """
        self._access = access
        self._beside = beside
        self._paths = paths
        self._timeout = timeout
        self._segments = self._sound_segments()
        self._segment: Segment | None = None
        self._next = 0
        self.erased_through = 0
        """Up to which version the values of events are to be gone."""
        self.seen = Inventory()
        self.findings: list[Finding] = []

    @property
    def events(self) -> str:
        """The collection of the state's events."""
        return self._paths.governor.events

    async def begin(self) -> None:
        """Read the snapshots, and the first segment."""
        collection = self._paths.governor.snapshots
        async for document, version in self.documents(collection, page=_SNAPSHOTS_READ):
            try:
                snapshot = read_snapshot(document, self._paths.governor_id, self._paths.state_id)
            except ReplayError as error:
                self._damaged("corrupt_snapshot", document, version, error)
                self.seen.snapshots[version] = ""
            else:
                self.seen.snapshots[version] = content_digest(snapshot)
                self.seen.newest = snapshot
        self._segment = await anext(self._segments, None)

    async def before(self, version: int | None) -> AsyncIterator[Sealed]:
        """Iterate over the sealed events below *version* that were not given yet; None: all that are left."""
        while self._segment is not None:
            for event in self._segment.events[max(0, self._next - self._segment.first) :]:
                if version is not None and event.version >= version:
                    return
                self._next = event.version + 1
                yield self._sealed(self._segment, event)
            self._segment = await anext(self._segments, None)

    def at(self, version: int) -> Sealed | None:
        """Return the sealed event of *version*, up to which ``before`` has come."""
        self._next = version + 1
        segment = self._segment
        # One without events says that they are too large for a segment, and stay.
        if segment is None or not segment.events or not segment.first <= version <= segment.last:
            return None
        return self._sealed(segment, segment.events[version - segment.first])

    @staticmethod
    def _sealed(segment: Segment, event: EventRecord) -> Sealed:
        return Sealed(event, segment.first, segment.last, segment.is_alone)

    def hold(self, event: EventRecord) -> None:
        """Hold the snapshot of a version against the event that made it."""
        if snapshot_differs(self.seen.snapshots.get(event.version), event):
            path = self._paths.snapshot(event.version)
            message = "the snapshot is not what the events say"
            self.findings.append(
                Finding("corrupt_snapshot", self._paths.state_id, event.version, message, path, truth=event.state())
            )

    async def _sound_segments(self) -> AsyncIterator[Segment]:
        async for document, version in self.documents(self._paths.governor.segments, page=_SEGMENTS_READ):
            try:
                segment = read_segment(document, self._paths.governor_id, self._paths.state_id)
            except ReplayError as error:
                self._damaged("corrupt_segment", document, version, error)
                claimed = document.fields.get("last")
                self.seen.damaged[version] = claimed if type(claimed) is int and claimed >= version else None
                continue
            if segment.trimmed is not None:
                self.seen.trimmed = segment.trimmed
            elif segment.last <= self.seen.trimmed_through:
                # About to be removed.
                continue
            if segment.first > self.seen.sealed_through + 1:
                self.seen.gaps.append((self.seen.sealed_through + 1, segment.first - 1))
            if any(one.version <= self.erased_through and not is_erased(one) for one in segment.events):
                message = "the segment holds values that were erased"
                self.findings.append(
                    Finding("unfinished_erasure", self._paths.state_id, version, message, document.path)
                )
            self.seen.sealed_through = max(self.seen.sealed_through, segment.last)
            yield segment

    async def documents(self, collection: str, page: int) -> AsyncIterator[tuple[Document, int]]:
        """Iterate over the documents of the state's versions; those of somebody else are findings."""
        async for document in self._versions(collection, page):
            try:
                _, version = owner_and_version(document.path.id)
            except InvalidIdError as error:
                self.findings.append(foreign(document, error))
            else:
                yield document, version

    def _versions(self, collection: str, page: int) -> AsyncIterator[Document]:
        stored_id = self._paths.stored_id
        if self._beside is not None:
            return self._beside.versions(collection, stored_id)
        start, stop = versioned(stored_id, 0), f"{stored_id}A"
        return self._access.scan(collection, start=start, stop=stop, page=page, timeout=self._timeout)

    def _damaged(self, kind: str, document: Document, version: int, error: ReplayError) -> None:
        kind = "newer_format" if isinstance(error, SchemaVersionError) else kind
        self.findings.append(Finding(kind, self._paths.state_id, version, str(error), document.path))


def foreign(document: Document, error: InvalidIdError) -> Finding:
    """Return the finding of a document that is none of ours, among ours."""
    return Finding("foreign_document", document.path.id, None, f"it is none of ours: {error}", document.path)
