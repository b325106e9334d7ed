# Generated from tai_state/_async/recovery/repair.py by .ci/generate_sync.py; do not edit.
"""Repairs: one commit for each finding, under the precondition that things are as they were found.

A commit that is refused has met a writer, and what it was about is looked at again. So a repair can stop anywhere, and
the next one goes on from there.
"""
from contextlib import suppress
from dataclasses import dataclass, field

from tai_state._sync.access.access import Access
from tai_state._sync.commits.protocol import Settlement, Settled, commit_once
from tai_state._sync.history.reader import HistoryReader
from tai_state._sync.recovery.walk import Examined
from tai_state._sync.recovery.witnesses import Witnesses
from tai_state.authors import Author
from tai_state.clock import Deadline, Span
from tai_state.documents import Check, CommitResult, Document, DocumentPath, Write
from tai_state.errors import (
    DocumentTooLargeError,
    OutcomeUnknownError,
    PreconditionFailedError,
    ReplayError,
)
from tai_state.layout import GovernorLayout, StateLayout
from tai_state.models import Repair
from tai_state.rules.commits.change import Settings
from tai_state.rules.commits.settle import Outcome
from tai_state.rules.records.documents import read_event, read_state, state_put
from tai_state.rules.records.record import EventRecord, StateRecord
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.recovery.repair import (
    EVENTS,
    QUARANTINED,
    SEGMENTS,
    SNAPSHOTS,
    STATES,
    Mending,
    Signature,
    as_found,
    audit_put,
    is_stray,
    mend_event,
    mend_receipt,
    mend_segment,
    mend_snapshot,
    mend_state,
    move_event,
    quarantine_put,
    remove,
    segment_run,
    written_since,
)
from tai_state.rules.transactions.dependents.marks import driver, marked

_EVENTS_READ = 100


@dataclass(slots=True)
class Round:
    """What was done about the findings of one walk over a state.

    Attributes:
        left: Those that nothing determines, or whose repair is more than one commit takes.
        is_refused: Whether a writer was faster, so that the state is to be looked at again.
    """

    repairs: list[Repair] = field(default_factory=list)
    left: list[Finding] = field(default_factory=list)
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Repairer:
    """Repairs what was found.

    Attributes:
        settings: How documents are encoded and how many events make a segment.
        author: Who repairs, and why.
    """

    access: Access
    settings: Settings
    author: Author
    timeout: Span
    is_dry_run: bool = False

    def witnesses(self, governor: GovernorLayout) -> Witnesses:
        """Return what the documents of a governor tell of its states, to be kept while that is repaired."""
        return Witnesses(self.access, governor, self.timeout)

    def repair(self, examined: Examined, witnesses: Witnesses) -> "Round":
        """Repair what was found of a state, as far as anything determines it, and tell *witnesses* of it."""
        paths, done = examined.paths, Round()
        # What a newer release wrote may be right by rules that this one does not know.
        if paths is None or any(finding.kind == "newer_format" for finding in examined.findings):
            done.left += examined.findings
            return done
        for findings in _together(examined.findings):
            mendings: list[Mending] = []
            for finding in findings:
                mending = self._mending(finding, paths, examined, witnesses)
                if mending is None:
                    done.left.append(finding)
                else:
                    mendings.append(mending)
            if not mendings:
                continue
            # What somebody else wrote since is looked at again: it may have been mended by that.
            is_as_found = all(mending.writes for mending in mendings)
            repairs = self.commit(mendings, paths.governor.audit) if is_as_found else []
            if repairs is None:
                done.left += [mending.finding for mending in mendings]
            else:
                done.repairs += repairs
                done.is_refused = done.is_refused or not repairs
                if repairs and not self.is_dry_run:
                    _note(mendings, witnesses)
        return done

    def _mending(
        self, finding: Finding, paths: StateLayout, examined: Examined, witnesses: Witnesses
    ) -> Mending | None:
        encoding, state = self.settings.encoding, examined.document
        if finding.kind in STATES:
            if finding.truth is None or witnesses.went_further(paths.state_id, finding.truth.version):
                return None
            dependents = witnesses.dependents(paths, state)
            history, truth = HistoryReader(self.access), finding.truth
            keys = history.places(paths, truth, self.timeout) if isinstance(truth, StateRecord) else ("", "")
            prepared = history.prepared(paths, self.timeout)
            return mend_state(finding, paths, state, dependents, encoding, keys=keys, prepared=prepared)
        if finding.kind == "lost_mark":
            return self._mark(finding, paths)
        found = self.document(finding.path)
        if examined.is_older(found):
            return written_since(finding)
        if finding.kind in EVENTS:
            return mend_event(finding, found, encoding)
        return self._beside(finding, paths, found, state)

    def _beside(
        self, finding: Finding, paths: StateLayout, found: Document | None, state: Document | None
    ) -> Mending | None:
        """Return what is written about something that stands beside a state's document and its log."""
        encoding = self.settings.encoding
        stands = Check(paths.state, as_found(state))
        if finding.kind in SNAPSHOTS and finding.version is not None:
            events = self._events(paths, range(finding.version, finding.version + 1))
            return mend_snapshot(finding, found, stands, events[0] if events else None, encoding)
        if finding.kind in SEGMENTS and self.settings.maintenance is not None:
            events = self._events(paths, segment_run(finding, self.settings.maintenance))
            return mend_segment(finding, paths, found, stands, events)
        if finding.kind == "extra_event" and found is not None:
            return move_event(finding, paths, found, stands, self.access.clock.now())
        return None

    def _mark(self, finding: Finding, paths: StateLayout) -> Mending | None:
        """Return the write of the mark that a dependency lacks."""
        dependency = paths.governor.state(finding.other)
        read = self.access.read([paths.state, dependency.state], self._deadline())
        document, own = read.get(dependency.state), read.get(paths.state)
        if document is None or own is None:
            return None
        try:
            dependent = read_state(own, paths.governor_id, paths.state_id)
            record = read_state(document, dependency.governor_id, dependency.state_id)
        except ReplayError:
            return None
        with_mark = marked(record, paths.state_id, driver(dependent))
        if with_mark is record:
            return written_since(finding)
        if record.marks.prepared is not None:
            # Another transaction has it in hand, whose writes hold its marks: it is marked once that is settled.
            return None
        put = state_put(dependency, with_mark, self.settings.encoding, document.update_time)
        message = f"state {dependency.state_id!r} is marked with its dependent {paths.state_id!r}"
        return Mending(finding, message, put.path, (put,), document.fields, put.fields)

    def receipt(self, finding: Finding, governor: GovernorLayout) -> list[Repair]:
        """Mend a receipt, or remove one that names nothing that there is; none: nobody can tell, or it has changed."""
        found = self.document(finding.path)
        # Its key may have been used again: what was found is of the receipt before.
        if found is None or found.update_time != finding.seen:
            return []
        mending = remove(finding, found) if finding.kind == "orphaned_receipt" else mend_receipt(finding, found)
        return [] if mending is None else self.commit([mending], governor.audit) or []

    def quarantine(self, finding: Finding, governor: GovernorLayout) -> None:
        """Copy what cannot be repaired to quarantine, where there is no copy yet."""
        if finding.kind not in QUARANTINED or self.is_dry_run:
            return
        found = self.document(finding.path)
        put = quarantine_put(finding, governor.quarantine, found, self.access.clock.now())
        if self.document(put.path) is None:
            # Too large for a copy beside it, it is told, and stays where it is.
            with suppress(DocumentTooLargeError):
                self._committed([put], put.path)

    def commit(self, mendings: list[Mending], audit: str) -> list[Repair] | None:
        """Write repairs with their records, all or none.

        Returns:
            None where they are more than the store takes in one commit; nothing where somebody was there first.
        """
        author, access = self.author, self.access
        signed = [
            (one, Signature(author.changed_by, author.reason, access.clock.now(), access.new_id())) for one in mendings
        ]
        records = [audit_put(one, audit, signature) for one, signature in signed]
        writes = [write for one in mendings for write in one.writes]
        try:
            if not self.is_dry_run and not self._committed([*writes, *records], records[0].path):
                return []
        except DocumentTooLargeError:
            return None
        return [
            Repair(
                kind=one.finding.kind,
                state_id=one.finding.state_id,
                version=one.finding.version,
                path=str(one.path),
                message=one.message,
                audit_id="" if self.is_dry_run else signature.audit_id,
            )
            for one, signature in signed
        ]

    def _committed(self, writes: list[Write], witness: DocumentPath) -> bool:
        """Whether *writes* were committed, by us; *witness* is a document that nobody else makes.

        Raises:
            DocumentTooLargeError: They are more than the store takes; nothing was sent.
        """
        deadline = self._deadline()

        def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            found = (self.access.read([witness], deadline)).get(witness)
            if found is not None:
                return Settled(Outcome.APPLIED, CommitResult(found.create_time, {}))
            return Settled(Outcome.REFUSED if refused else Outcome.UNKNOWN)

        def unknown() -> OutcomeUnknownError:
            return OutcomeUnknownError(witness.id, "", "", 0, retryable=True)

        try:
            commit_once(self.access, writes, deadline, Settlement(read, unknown))
        except PreconditionFailedError:
            return False
        return True

    def document(self, path: DocumentPath) -> Document | None:
        """Return the document at *path*."""
        return (self.access.read([path], self._deadline())).get(path)

    def _events(self, paths: StateLayout, versions: range) -> list[EventRecord]:
        """Return the events of *versions* where all of them are there and can be read; else none."""
        events: list[EventRecord] = []
        for first in range(versions.start, versions.stop, _EVENTS_READ):
            wanted = [paths.event(version) for version in range(first, min(versions.stop, first + _EVENTS_READ))]
            read = self.access.read(wanted, self._deadline(), consistent=False)
            for path in wanted:
                document = read.get(path)
                try:
                    event = (
                        read_event(document, paths.governor_id, paths.state_id)
                        if document is not None
                        else HistoryReader(self.access).sealed_at(path, self._deadline())
                    )
                except ReplayError:
                    return []
                if event is None:
                    return []
                events.append(event)
        return events

    def _deadline(self) -> Deadline:
        return self.access.begin(self.timeout)


def _note(mendings: list[Mending], witnesses: Witnesses) -> None:
    for one in mendings:
        truth = one.finding.truth
        if one.finding.kind in STATES and isinstance(truth, StateRecord):
            witnesses.note(truth)


def _together(findings: tuple[Finding, ...]) -> list[list[Finding]]:
    """Return findings in order, in the groups that are mended in one commit: mostly each for itself."""
    # An event that stands in another's place may be the only copy: that place is written with its own, or not at all.
    if not any(is_stray(finding) for finding in findings):
        return [[finding] for finding in findings]
    shared = [finding for finding in findings if _overwrites(finding)]
    return [shared, *([finding] for finding in findings if not _overwrites(finding))]


def _overwrites(finding: Finding) -> bool:
    """Whether what mends an event may take the place of another one, or its only copy."""
    # What is restored from a segment to where nothing stands takes none.
    return is_stray(finding) or (finding.kind == "corrupt_event" and finding.truth is not None)
