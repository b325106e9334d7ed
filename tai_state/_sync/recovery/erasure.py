# Generated from tai_state/_async/recovery/erasure.py by .ci/generate_sync.py; do not edit.
"""Erasing: a state's values are gone everywhere, step by step, each of which may be done again.

``rules.recovery.erasure`` says what is written and why. A pass over a kind of documents goes on until it finds nothing
more to do: so it can be stopped behind any commit, and the next run, or a recovery, ends it.
"""
from collections.abc import Iterator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from tai_state._sync.access.access import LARGE_PAGE, Access
from tai_state._sync.commits.feeding import store_id_in
from tai_state._sync.commits.protocol import Settlement, Settled, commit_once
from tai_state._sync.commits.snapshot import state_to_write
from tai_state._sync.history.reader import HistoryReader
from tai_state._sync.recovery.gc import Gc
from tai_state._sync.recovery.gone import left_over
from tai_state._sync.recovery.removal import Removed, remove
from tai_state._platform.interrupts import shield
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


class Eraser:
    """Erases states, and ends what was begun."""

    def __init__(self, access: Access, settings: Settings, author: Author, timeout: Span = None) -> None:
        """Erase through *access*.

        Args:
            author: Who erases, and why.
            timeout: Bounds each page that is read, and each commit.
        """
        self._access = access
        self._history = HistoryReader(access)
        self._settings = replace(settings, maintenance=None, alone=None)
        self._author = author
        self._timeout = timeout
        self._sum = _Sum()
        self._removed = {name: Removed() for name in ("snapshots", "receipts", "records")}

    def state(self, paths: StateLayout) -> ErasureReport:
        """Erase one state.

        Raises:
            StateNotFoundError: It never was.
            CorruptLogError: Its document is missing or damaged, and its log does not tell what it was.
        """
        erasure = self._begin(paths)
        self.complete(paths, erasure)
        return self._report(paths.governor_id, paths.state_id)

    def governor(self, governor: GovernorLayout) -> ErasureReport:
        """Erase every state of a governor."""
        path = DocumentPath(governor.erasures, GOVERNOR)
        found = self._document(path)
        known = None if found is None else read_erasure(found, governor.governor_id)
        if known is None or known.is_finished:
            self._committed([self._erasure("", 0).put(path, found)])
        self.complete_governor(governor)
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

    def _begin(self, paths: StateLayout) -> Erasure:
        """Commit the intent and the tombstone, and return the intent; the one there is, where nothing came since."""
        deadline = self._access.begin(self._timeout)

        def attempt() -> Erasure:
            read = self._access.read([META, paths.erasure], deadline)
            found = read.get(paths.erasure)
            known = None if found is None else read_erasure(found, paths.governor_id)
            record, based = state_to_write(self._access, paths, deadline)
            if known is not None and record.deleted and record.version == known.through + 1:
                return known
            access, meta = self._access, read.get(META)
            head = Head(record, based, None if based is not None else "missing")
            view = View(head, None if meta is None else store_id_in(meta), read_time=read.read_time)
            fresh = Fresh(access.clock.now(), access.new_id(), access.new_id(), access.new_id())
            plan = decide(erase_change(Call(paths, self._author)), view, fresh, self._settings)
            assert isinstance(plan, Plan)
            erasure = replace(self._erasure(paths.state_id, record.version), clock=plan.event.causality)
            if not self._committed([*writes_of(plan), erasure.put(paths.erasure, found)], plan, paths):
                raise PreconditionFailedError
            return erasure

        return self._access.retried(attempt, deadline, also=(PreconditionFailedError,), what="an erasure")

    def complete(self, paths: StateLayout, erasure: Erasure, *, scrubs: bool = True) -> None:
        """Do what an intent says, whatever of it is done already, and say that it is finished.

        A state that has come back as it was before, from a copy, gets its tombstone again.
        """
        if self._is_there_again(paths, erasure.through):
            erasure = self._begin(paths)
        through = erasure.through
        self._events(paths, through)
        self._mark(paths, through)
        self._segments(paths, through)
        self._branches(paths, erasure)
        governor = paths.governor
        kept = self._history.documents(governor.snapshots, paths, self._timeout, until=through)
        self._remove(kept, "snapshots")
        self._remove(self._receipts(paths, through), "receipts")
        self._remove(self._about(governor.quarantine, paths), "records")
        self._rewrite(lambda: self._about(governor.audit, paths), without_content)
        self._rewrite(
            lambda: self._access.scan(TRANSACTIONS, timeout=self._timeout), lambda one: without_result(one, paths)
        )
        if scrubs:
            self.scrub()
        self._finish(erasure, paths.erasure, governor)
        self._sum.states += 1

    def _is_there_again(self, paths: StateLayout, through: int) -> bool:
        try:
            record, _ = state_to_write(self._access, paths, self._access.begin(self._timeout))
        except (CorruptLogError, StateNotFoundError):
            return False
        return record.version <= through

    def complete_governor(self, governor: GovernorLayout) -> None:
        """Erase every state there is, and say that the governor is erased."""
        for paths in self._states(governor):
            self.complete(paths, self._begin(paths), scrubs=False)
        self.scrub()
        path = DocumentPath(governor.erasures, GOVERNOR)
        found = self._document(path)
        if found is not None:
            self._finish(read_erasure(found, governor.governor_id), path, governor)

    def _states(self, governor: GovernorLayout) -> Iterator[StateLayout]:
        """Iterate over the states of which there is anything, also those that have lost their documents."""
        for document in self._access.scan(governor.states, timeout=self._timeout):
            with suppress(InvalidIdError):
                yield governor.state(unescape(document.path.id))
        for collection in (governor.events, governor.segments, governor.snapshots):
            for found in left_over(self._access, governor, collection, self._timeout):
                if isinstance(found, StateLayout):
                    yield found

    def _events(self, paths: StateLayout, through: int) -> None:
        """Erase the values in event documents; those of the first layout go with their events."""
        unsalted = 0
        for _ in range(_PASSES_MAX):
            changed = 0
            found = self._history.documents(paths.governor.events, paths, self._timeout, until=through)
            batch: list[Write] = []
            for document in found:
                write, layout_1 = self._erasing(paths, document)
                unsalted = max(unsalted, layout_1)
                batch += [] if write is None else [write]
                changed += write is not None
                if len(batch) == _BATCH:
                    self._erased(batch, "events")
                    batch = []
            if batch:
                self._erased(batch, "events")
            if not changed:
                break
        for segment in self._history.segments(paths, 1, through, None, self._timeout):
            unsalted = max([unsalted, *(one.version for one in segment.events if one.seal is None)])
        if unsalted:
            gc = Gc(self._access, self._settings, HistoryPolicy(), timeout=self._timeout)
            gc.take(paths, unsalted)
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

    def _erased(self, batch: Sequence[Write], name: str) -> bool:
        is_done = self._committed(batch)
        if is_done:
            setattr(self._sum, name, getattr(self._sum, name) + len(batch))
        return is_done

    def _mark(self, paths: StateLayout, through: int) -> None:
        """Mark the state, and drop its snapshots: whoever read its events before is refused from then on."""
        deadline = self._access.begin(self._timeout)

        def attempt() -> None:
            try:
                record, based = state_to_write(self._access, paths, deadline)
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
            if not self._committed([put, *(Delete(paths.snapshot(version)) for version in dropped)]):
                raise PreconditionFailedError
            self._removed["snapshots"].documents += len(dropped)

        self._access.retried(attempt, deadline, also=(PreconditionFailedError,), what="an erasure")

    def _segments(self, paths: StateLayout, through: int) -> None:
        for _ in range(_PASSES_MAX):
            is_clean = True
            found = self._history.documents(paths.governor.segments, paths, self._timeout, until=through, page=2)
            for document in found:
                try:
                    segment = read_segment(document, paths.governor_id, paths.state_id)
                except CorruptLogError:
                    writes: list[Write] = [Delete(document.path, UpdatedAt(document.update_time))]
                else:
                    writes = [*erased_segment(paths, document, segment, through)]
                if writes:
                    is_clean = False
                    self._sum.segments += self._committed(writes)
            if is_clean:
                return

    def clock(self, paths: StateLayout, erasure: Erasure) -> Mapping[str, int] | None:
        """Return what the tombstone of an erasure knows; None where nobody can tell any more."""
        if erasure.clock is not None:
            return erasure.clock
        try:
            tombstone = self._history.event(paths, erasure.through + 1, self._access.begin(self._timeout))
        except ReplayError:
            return None
        return None if tombstone is None else tombstone.causality

    def _branches(self, paths: StateLayout, erasure: Erasure) -> None:
        """Erase the values in what other stores have made of the state without knowing of the erasure."""
        clock = self.clock(paths, erasure)

        def rewritten(document: Document) -> Write | None:
            try:
                held = read_branch(document, paths.governor_id, paths.state_id)
            except CorruptLogError:
                return Delete(document.path, UpdatedAt(document.update_time))
            return erased_branch(document, held, clock, self._settings.encoding)

        beginning = f"{paths.stored_id}@"
        collection = paths.governor.branches
        self._rewrite(
            lambda: self._access.scan(collection, start=beginning, stop=f"{paths.stored_id}A", timeout=self._timeout),
            rewritten,
        )

    def _receipts(self, paths: StateLayout, through: int) -> Iterator[Document]:
        for document in self._access.scan(paths.governor.receipts, page=LARGE_PAGE, timeout=self._timeout):
            if is_receipt_of(document.fields, paths, through):
                yield document

    def _about(self, collection: str, paths: StateLayout) -> Iterator[Document]:
        for document in self._access.scan(collection, timeout=self._timeout):
            if is_about(document.fields, paths):
                yield document

    def _remove(self, found: Iterator[Document], name: str) -> None:
        remove(self._access, found, self._removed[name], self._timeout, is_dry_run=False)

    def _rewrite(
        self, found: Callable[[], Iterator[Document]], rewritten: Callable[[Document], Write | None]
    ) -> None:
        """Rewrite documents until none is left that is to be."""
        for _ in range(_PASSES_MAX):
            is_clean = True
            for document in found():
                put = rewritten(document)
                if put is not None:
                    is_clean = False
                    self._erased([put], "records")
            if is_clean:
                return

    def scrub(self) -> None:
        """Have the engine leave nothing of what was removed."""
        deadline = self._access.begin(self._timeout)

        def attempt() -> None:
            # A large file takes as long as it takes: not the time of one attempt, but all there is.
            self._access.backend.scrub(timeout=deadline.remaining())

        self._access.retried(attempt, deadline, what="scrubbing")

    def _finish(self, erasure: Erasure, path: DocumentPath, governor: GovernorLayout) -> None:
        found = self._document(path)
        if found is None or read_erasure(found, governor.governor_id).is_finished:
            return
        put = replace(erasure, is_finished=True).put(path, found)
        self._committed([put, erasure.audit_put(governor.audit, path)])

    def _document(self, path: DocumentPath) -> Document | None:
        return (self._access.read([path], self._access.begin(self._timeout))).get(path)

    def _committed(
        self, writes: Sequence[Write], plan: Plan | None = None, paths: StateLayout | None = None
    ) -> bool:
        """Whether *writes* were committed, as far as anybody can tell; False: look again."""
        deadline: Deadline = self._access.begin(self._timeout)

        def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            if plan is not None and paths is not None:
                event = self._history.event(paths, plan.event.version, deadline)
                if event is not None and event.transition_id == plan.event.transition_id:
                    return Settled(Outcome.APPLIED, CommitResult(event.timestamp, {}))
            # What was written before the reply was lost is found done when it is looked at again.
            return Settled(Outcome.REFUSED if refused else Outcome.UNKNOWN)

        def unknown() -> OutcomeUnknownError:
            return OutcomeUnknownError("", "", "", 0, retryable=True)

        try:
            shield(commit_once, self._access, writes, deadline, Settlement(read, unknown))
        except PreconditionFailedError:
            return False
        return True


def erase_again(access: Access, governor_ids: Iterable[str], timeout: Span) -> None:
    """Erase again what was erased in governors into which something was brought: receipts, results, whole states."""
    settings = Settings(Encoding(), None, RECEIPT_TTL)
    eraser: Eraser | None = None
    for governor_id in governor_ids:
        governor = GovernorLayout(governor_id)
        for document in access.scan(governor.erasures, timeout=timeout):
            erasure = read_erasure(document, governor_id)
            if document.path.id == GOVERNOR:
                continue
            eraser = Eraser(access, settings, Author(erasure.changed_by, erasure.reason, EMPTY), timeout)
            eraser.complete(governor.state(erasure.state_id), erasure, scrubs=False)
    if eraser is not None:
        eraser.scrub()
