# Generated from tai_state/_async/recovery/walk.py by .ci/generate_sync.py; do not edit.
"""The one walk over a state: its document, its events, its snapshots and its segments, in bounded memory."""
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from tai_state._sync.access.access import Access
from tai_state._sync.recovery.beside import Beside
from tai_state._sync.recovery.branches import branch_findings
from tai_state._sync.recovery.kept import Kept
from tai_state.clock import Span
from tai_state.documents import Document
from tai_state.errors import CorruptLogError, SchemaVersionError
from tai_state.layout import StateLayout
from tai_state.rules.commits.judging import Judge
from tai_state.rules.history.replay import Rerun
from tai_state.rules.records.branches import Ref, foreign_parents
from tai_state.rules.records.documents import read_state
from tai_state.rules.records.erased import is_erased
from tai_state.rules.records.record import EventRecord, StateRecord
from tai_state.rules.recovery.comparison import StateView, above, reach, state_findings
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.recovery.lineage import Lineage

_PAGE = 300


@dataclass(frozen=True, slots=True)
class Examined:
    """What a walk over one state found; ``record`` is its document's, where that is sound.

    ``paths`` is None where a document is nobody's state, or somebody else's; ``is_stale`` says that the state has moved
    since its document was read, so that nothing is said of the two together. ``read_time`` is from when the findings
    are, by the store's clock: what was written since is not what was found.
    """

    paths: StateLayout | None
    document: Document | None
    record: StateRecord | None
    findings: tuple[Finding, ...]
    events: int
    is_stale: bool = False
    read_time: datetime | None = None

    def is_older(self, document: Document | None) -> bool:
        """Whether a document was written since."""
        return document is not None and self.read_time is not None and document.update_time > self.read_time

    @property
    def is_doubtful(self) -> bool:
        """Whether the state itself may be another than its document says: then nothing is concluded from it."""
        if self.paths is None:
            return True
        doubtful = {self.paths.governor.states, self.paths.governor.events}
        return any(finding.path.collection in doubtful for finding in self.findings)


class Walk:
    """Walks over states."""

    def __init__(self, access: Access, rerun: Rerun, judge: Judge, timeout: Span) -> None:
        """Read through *access*; *rerun* and *judge* find what machines would not have made."""
        self._access = access
        self._rerun = rerun
        self._judge = judge
        self._timeout = timeout

    def over(self, paths: StateLayout, document: Document | None, beside: Beside | None = None) -> Examined:
        """Hold everything that there is of a state against its *document*; *beside* gives what is beside that."""
        view, newer = _view(paths, document)
        if newer is not None:
            # What is of a newer release may follow rules that this one does not know: nothing else is judged.
            return Examined(paths, document, None, (newer,), 0)
        kept = Kept(self._access, paths, self._timeout, beside)
        kept.erased_through = view.record.marks.erased_through if view.record is not None else 0
        kept.begin()
        lineage = Lineage(paths, view.record, self._rerun, kept.seen.trimmed)
        at_version: EventRecord | None = None
        back: list[Finding] = []
        merged: list[Ref] = []
        for event in self._certain(kept, lineage):
            kept.hold(event)
            back = back or _came_back(event, kept, paths)
            merged += foreign_parents(event)
            if view.record is not None and event.version == view.record.version:
                at_version = event
        state = view.record
        if document is None and not (lineage.version or kept.seen.snapshots or kept.findings):
            return Examined(paths, None, None, (), 0)
        findings = [*lineage.findings, *back]
        is_stale = state is not None and lineage.version > state.version and not self._stands(view)
        if not is_stale:
            if state is not None and lineage.version > state.version:
                findings = above(findings, lineage, state)
            findings += state_findings(view, lineage, kept.seen, at_version, findings)
        elif state is not None:
            findings = [one for one in findings if one.version is None or one.version <= state.version]
        sealed_through = state.marks.sealed_through if state is not None else kept.seen.sealed_through
        findings += [reach(one, kept.seen, sealed_through) for one in kept.findings]
        findings += branch_findings(self._access, paths, state, merged, self._timeout)
        examined = Examined(paths, document, state, tuple(findings), lineage.events, is_stale)
        if state is None or examined.is_doubtful:
            return examined
        return replace(examined, findings=(*findings, *self._judged(paths, state)))

    def _certain(self, kept: Kept, lineage: Lineage) -> Iterator[EventRecord]:
        """Iterate over the events that are certain, once they are: from event documents, segments or both."""
        through = lineage.through
        for document, version in kept.documents(kept.events, _PAGE):
            for sealed in kept.before(version):
                for event in lineage.meet(sealed.event.version, None, sealed):
                    yield event
            for event in lineage.meet(version, document, kept.at(version)):
                yield event
        for sealed in kept.before(None):
            for event in lineage.meet(sealed.event.version, None, sealed):
                yield event
        for event in lineage.finish(through):
            yield event

    def _judged(self, paths: StateLayout, state: StateRecord) -> list[Finding]:
        return [
            Finding(kind, paths.state_id, state.version, message, paths.state) for kind, message in self._judge(state)
        ]

    def _stands(self, view: StateView) -> bool:
        """Whether a state's document has not changed since it was read: else its events may be newer than it."""
        assert view.document is not None
        read = self._access.read([view.document.path], self._access.begin(self._timeout))
        now = read.get(view.document.path)
        return now is not None and now.update_time == view.document.update_time


def _came_back(event: EventRecord, kept: Kept, paths: StateLayout) -> list[Finding]:
    """Note what was erased, and find an event whose values were, and are there."""
    if is_erased(event):
        kept.seen.erased_through = event.version
        return []
    if event.version > kept.erased_through:
        return []
    # One of them tells of all: an erasure goes over all of them.
    message = "the event holds values that were erased"
    return [Finding("unfinished_erasure", paths.state_id, event.version, message, paths.event(event.version))]


def _view(paths: StateLayout, document: Document | None) -> tuple[StateView, Finding | None]:
    if document is None:
        return StateView(paths, None), None
    try:
        return StateView(paths, document, read_state(document, paths.governor_id, paths.state_id)), None
    except SchemaVersionError as error:
        return StateView(paths, document), Finding("newer_format", paths.state_id, None, str(error), document.path)
    except CorruptLogError as error:
        return StateView(paths, document, damage=error), None
