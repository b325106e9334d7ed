# Generated from tai_state/_async/recovery/kept.py by .ci/generate_sync.py; do not edit.
"""What is kept beside a log, held against it: the snapshots and segments of one state, while its events go by."""
from collections.abc import Iterator
from dataclasses import replace

from tai_state._sync.access.access import Access
from tai_state.clock import TimeLimit
from tai_state.documents import Document
from tai_state.errors import InvalidIdError, ReplayError
from tai_state.layout import StateLayout, owner_and_version, versioned
from tai_state.models import Problem
from tai_state.rules.history.segments import Segment, read_segment
from tai_state.rules.history.snapshots import read_snapshot
from tai_state.rules.records.chain import state_digest
from tai_state.rules.records.record import EventRecord, Marks, StateRecord

_SEGMENTS_READ = 2
"""Segments read at a time: one may be 16 MiB once it is read."""


class Kept:
    """The snapshots and segments of one state. Of a snapshot its digest is kept, of the segments one at a time."""

    def __init__(self, access: Access, paths: StateLayout, timeout: TimeLimit) -> None:
        """Check those of *paths*; ``begin``, every event in order, then ``end``."""
        self._access = access
        self._paths = paths
        self._timeout = timeout
        self._digests: dict[int, str] = {}
        self._segments = self._sound_segments()
        self._segment: Segment | None = None
        self._sealed_through = 0
        self.problems: list[Problem] = []

    def begin(self) -> None:
        """Read the snapshots, and the first segment."""
        for document, version in self._documents(self._paths.governor.snapshots):
            try:
                snapshot = read_snapshot(document, self._paths.governor_id, self._paths.state_id)
            except ReplayError as error:
                self._add("corrupt_snapshot", version, str(error))
                self._digests[version] = ""
            else:
                self._digests[version] = _digest(snapshot)
        self._segment = next(self._segments, None)

    def meet(self, event: EventRecord) -> None:
        """Hold what is kept of a version against the event that made it."""
        digest = self._digests.get(event.version)
        if digest and digest != _digest(event.state()):
            self._add("corrupt_snapshot", event.version, "the snapshot is not what the events say")
        while self._segment is not None and self._segment.last < event.version:
            self._segment = next(self._segments, None)
        if self._segment is None or event.version < self._segment.first or not self._segment.events:
            return
        sealed = self._segment.events[event.version - self._segment.first]
        if replace(sealed, committed_at=event.committed_at) != event:
            self._add("corrupt_segment", event.version, "the segment holds another event than the log")

    def end(self, state: StateRecord) -> None:
        """Look at the segments that are left, and for what the marks of the state name and nobody finds."""
        while self._segment is not None:
            self._segment = next(self._segments, None)
        for version in state.marks.snapshots:
            if version not in self._digests:
                self._add("missing_snapshot", version, "the state is marked with a snapshot that is not there")
        first = max(self._sealed_through, state.marks.trimmed_through) + 1
        is_told = any(problem.kind == "corrupt_segment" for problem in self.problems)
        if first <= state.marks.sealed_through and not is_told:
            message = f"events are marked as sealed up to version {state.marks.sealed_through}, and no segment has them"
            self._add("missing_segment", first, message)

    def _sound_segments(self) -> Iterator[Segment]:
        for document, version in self._documents(self._paths.governor.segments, page=_SEGMENTS_READ):
            try:
                segment = read_segment(document, self._paths.governor_id, self._paths.state_id)
            except ReplayError as error:
                self._add("corrupt_segment", version, str(error))
                continue
            if segment.first <= self._sealed_through + 1:
                self._sealed_through = max(self._sealed_through, segment.last)
            yield segment

    def _documents(self, collection: str, page: int = 16) -> Iterator[tuple[Document, int]]:
        start, stop = versioned(self._paths.stored_id, 0), f"{self._paths.stored_id}A"
        for document in self._access.scan(collection, start=start, stop=stop, page=page, timeout=self._timeout):
            try:
                _, version = owner_and_version(document.path.id)
            except InvalidIdError as error:
                self.problems.append(foreign(document, error))
            else:
                yield document, version

    def _add(self, kind: str, version: int | None, message: str) -> None:
        self.problems.append(Problem(kind=kind, state_id=self._paths.state_id, version=version, message=message))


def foreign(document: Document, error: InvalidIdError) -> Problem:
    """Return the finding of a document that is none of ours, among ours."""
    message = f"{document.path} is none of ours: {error}"
    return Problem(kind="foreign_document", state_id=document.path.id, version=None, message=message)


def _digest(record: StateRecord) -> str:
    return state_digest(replace(record, marks=Marks()))
