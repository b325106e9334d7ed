# Generated from tai_state/_async/recovery/exporter.py by .ci/generate_sync.py; do not edit.
"""The export: every document of a store or a governor, state by state, in bounded memory, beside live writers.

A state goes into the file as of one version of its document: with the events and segments up to there, and the
snapshots that it names. Its document stands first. Where one of those is missing because the state has moved on and
dropped it, the state as it is by then is taken instead. Receipts of changes that were made meanwhile are read with
their state, all others behind the states: none is of a change that is not in the file, and none of those is left out.

Held at a time are the snapshots of one state and the keys of its changes since the export began.
"""
from collections.abc import Iterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tai_state._sync.access.access import LARGE_PAGE, PAGE, Access
from tai_state._sync.recovery.beside import Beside, in_turn
from tai_state._sync.recovery.export_file import ExportWriter
from tai_state._sync.recovery.gone import left_over
from tai_state._sync.recovery.verify import PROBLEMS_MAX, Verifier, Progress
from tai_state.clock import Span
from tai_state.documents import Document, DocumentPath
from tai_state.errors import InvalidDataError, InvalidIdError
from tai_state.layout import (
    AUDIT,
    LOCKS,
    TRANSACTIONS,
    GovernorLayout,
    StateLayout,
    owner_and_version,
    unescape,
    versioned,
)
from tai_state.models import ExportReport, Problem
from tai_state.rules.history.segments import events_alone
from tai_state.rules.records.record import EventRecord
from tai_state.rules.recovery.carried import NotCarriedError, carried_fields, is_only_prepared
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.recovery.taken import Cut, locks_of

_ROUNDS_MAX = 8
_LOCKS_MAX = 10_000


@dataclass(slots=True)
class Counted:
    """What an export has written so far, and what it left out."""

    governors: int = 0
    states: int = 0
    events: int = 0
    left_out: list[Problem] = field(default_factory=list)
    omitted: int = 0

    def leave_out(self, problem: Problem) -> None:
        """Take what could not be carried, as much as there is room for."""
        if len(self.left_out) < PROBLEMS_MAX:
            self.left_out.append(problem)
        else:
            self.omitted += 1


class Export:
    """Reads a store and writes what is in it."""

    def __init__(self, access: Access, writer: ExportWriter, progress: Progress, timeout: Span) -> None:
        """Read through *access*, and tell *progress* of each state.

        Args:
            timeout: The time that each page may take.
        """
        self._access = access
        self._writer = writer
        self._progress = progress
        self._timeout = timeout
        self._counted = Counted()
        self._locks: dict[DocumentPath, None] = {}

    def all(self) -> None:
        """Export the whole store."""
        began = self._access.server_time(self._access.begin(self._timeout))
        # Their counters first: nobody can take a lock of a copy in which they are not yet.
        self._all_of(LOCKS)
        for governor_id, stranger in Verifier(self._access, timeout=self._timeout).governors():
            if stranger is None:
                self._governor(GovernorLayout(governor_id))
            else:
                self._counted.leave_out(stranger.problem())
        # States that are in the file may have been written under locks that were first taken meanwhile.
        self._all_of(LOCKS, since=began)
        self._all_of(TRANSACTIONS)
        self._all_of(AUDIT)

    def governor(self, governor_id: str) -> None:
        """Export one governor, with the counters of the locks under which its states were written."""
        self._governor(GovernorLayout(governor_id), with_locks=True)

    def report(self, file: str, governor_id: str | None) -> ExportReport:
        """Return what was done."""
        counted = self._counted
        return ExportReport(
            file=file,
            governor_id=governor_id,
            governors=counted.governors,
            states=counted.states,
            events=counted.events,
            documents=self._writer.documents,
            left_out=counted.left_out,
            omitted=counted.omitted,
        )

    def _governor(self, governor: GovernorLayout, *, with_locks: bool = False) -> None:
        before = self._writer.documents
        began = self._access.server_time(self._access.begin(self._timeout))
        beside = Beside(self._access, governor, self._timeout)
        for document, is_in_turn in self._states(governor):
            try:
                paths = governor.state(unescape(document.path.id, document.path))
            except InvalidIdError as error:
                self._leave_out(document, str(error), "foreign_document")
                continue
            given = beside if is_in_turn else None
            self._state(paths, document, began, beside=given, with_locks=with_locks)
        gone: set[str] = set()
        for collection in (governor.events, governor.snapshots, governor.segments):
            if beside.is_complete(collection):
                continue
            for left in left_over(self._access, governor, collection, self._timeout):
                if isinstance(left, Finding):
                    self._counted.leave_out(left.problem())
                elif left.stored_id not in gone:
                    gone.add(left.stored_id)
                    self._state(left, None, began, with_locks=False)
        for receipt in self._access.scan(governor.receipts, page=LARGE_PAGE, timeout=self._timeout):
            if receipt.update_time < began:
                self._write(receipt)
        self._all_of(governor.branches)
        self._all_of(governor.audit)
        self._all_of(governor.quarantine)
        self._all_of(governor.erasures)
        self._counted.governors += self._writer.documents > before

    def _states(self, governor: GovernorLayout) -> Iterator[tuple[Document, bool]]:
        """Iterate over the documents of a governor's states as ``in_turn`` does, but for those not made yet."""
        for document, is_in_turn in in_turn(self._access.scan(governor.states, timeout=self._timeout)):
            if not is_only_prepared(document):
                yield document, is_in_turn

    def _all_of(self, collection: str, since: datetime | None = None) -> None:
        for document in self._access.scan(collection, timeout=self._timeout):
            if since is None or document.create_time >= since:
                self._write(document)

    def _state(
        self,
        paths: StateLayout,
        document: Document | None,
        began: datetime,
        *,
        beside: Beside | None = None,
        with_locks: bool,
    ) -> None:
        self._progress(paths.governor_id, paths.stored_id)
        self._counted.states += document is not None
        cut, keys = Cut(document), set[str]()
        if document is not None:
            self._write(document)
        snapshots = self._follow(paths, cut, began, keys, beside)
        if beside is not None and not cut.is_whole(snapshots):
            # What was given may be older than the document.
            snapshots = self._follow(paths, cut, began, keys)
        for _ in range(_ROUNDS_MAX):
            if cut.is_whole(snapshots) and not cut.goes_on:
                break
            now = (self._access.read([paths.state], self._access.begin(self._timeout))).get(paths.state)
            if now is None or cut.is_as(now):
                # So it is damaged, and all that there is goes with it.
                if cut.takes_all:
                    break
                cut.take_all()
            elif cut.is_whole(snapshots):
                break
            else:
                cut.move_to(now)
                self._write(now)
            snapshots = self._follow(paths, cut, began, keys)
        for snapshot in snapshots:
            self._write(snapshot)
        self._write_read([paths.receipt(key) for key in sorted(keys)])
        if with_locks:
            self._write_locks(cut.document)

    def _follow(
        self, paths: StateLayout, cut: Cut, began: datetime, keys: set[str], beside: Beside | None = None
    ) -> list[Document]:
        """Write the events and segments of a state that were not written yet, and return its snapshots.

        Args:
            beside: What gives them, where nothing was written yet.
        """
        events = self._versions(paths.governor.events, paths, cut.events_through, beside)
        self._write_events(events, cut, began, keys)
        segments = self._versions(paths.governor.segments, paths, cut.segments_through, beside)
        for segment in self._write_segments(segments, cut):
            # What was made, and lost its document to its segment, since the export began.
            if segment.update_time >= began:
                keys.update(_keys_since(began, events_alone(segment, paths.governor_id)))
        snapshots = self._versions(paths.governor.snapshots, paths, 0, beside)
        return [one for one in snapshots if cut.takes_snapshot(one)]

    def _write_events(self, events: Iterator[Document], cut: Cut, began: datetime, keys: set[str]) -> None:
        for event in events:
            if not cut.takes_event(event):
                return
            self._write(event)
            self._counted.events += 1
            key = event.fields.get("idempotency_key")
            if event.create_time >= began and isinstance(key, str):
                keys.add(key)

    def _write_segments(self, segments: Iterator[Document], cut: Cut) -> Iterator[Document]:
        """Write segments, and iterate over those that were written."""
        for segment in segments:
            if not cut.takes_segment(segment):
                return
            self._write(segment)
            yield segment

    def _versions(
        self, collection: str, paths: StateLayout, after: int, beside: Beside | None
    ) -> Iterator[Document]:
        """Iterate over the documents of a state's versions; those of somebody else are left out, and told."""
        start, stop = versioned(paths.stored_id, after + 1 if after else 0), f"{paths.stored_id}A"
        found = (
            self._access.scan(collection, start=start, stop=stop, timeout=self._timeout)
            if beside is None
            else beside.versions(collection, paths.stored_id)
        )
        for document in found:
            try:
                owner_and_version(document.path.id)
            except InvalidIdError as error:
                self._leave_out(document, str(error), "foreign_document")
            else:
                yield document

    def _write_locks(self, state: Document | None) -> None:
        """Write the counters of the locks under which a state was written, unless they just were."""
        wanted = [path for path in locks_of(state) if path not in self._locks]
        for path in wanted:
            self._locks[path] = None
            if len(self._locks) > _LOCKS_MAX:
                del self._locks[next(iter(self._locks))]
        self._write_read(wanted)

    def _write_read(self, paths: list[DocumentPath]) -> None:
        """Write those of some documents that are there."""
        for first in range(0, len(paths), PAGE):
            wanted = paths[first : first + PAGE]
            read = self._access.read(wanted, self._access.begin(self._timeout), consistent=False)
            for path in wanted:
                if (document := read.get(path)) is not None:
                    self._write(document)

    def _write(self, document: Document) -> None:
        try:
            self._writer.write(document.path, carried_fields(document))
        except (NotCarriedError, InvalidDataError) as error:
            self._leave_out(document, str(error), "unreadable")

    def _leave_out(self, document: Document, reason: str, kind: str) -> None:
        problem = Problem(kind=kind, state_id="", version=None, message=reason, path=str(document.path))
        self._counted.leave_out(problem)


def _keys_since(began: datetime, events: Sequence[EventRecord]) -> Iterator[str]:
    for event in events:
        is_before = event.committed_at is not None and event.committed_at < began
        if event.idempotency_key is not None and not is_before:
            yield event.idempotency_key
