"""The fold that goes on: a state's events in order, each judged by itself, by those around it, and by its segment.

Of each version there is an event document, the event in a segment, both or neither:

1. The document follows from what came before, and the segment says the same: it is sound.
2. It does not, and the segment's does: that is the truth, and the document is missing or corrupt.
3. Both follow and they differ: the next event, or the state, tells which one the log goes on from.
4. It does not match its own hash, and no segment has it: its neighbours hold half of what it says. Put in, it counts
   where it has the hash that the next event, or the state, names: nothing is guessed.
5. It matches its own hash and does not follow: the chain is broken there, and goes on from it.
6. An event that stands in another's place is that one where nothing else is, and the chain leads through it.
7. Neither is there: a gap; what follows is judged by itself. What was trimmed is none.
8. No document, where the segment is alone: its copy is the event, and nothing is missing.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from tai_state.documents import Document
from tai_state.errors import ReplayError, SchemaVersionError, StoredDataError
from tai_state.layout import StateLayout
from tai_state.rules.history.replay import Rerun, Trimmed, contradiction, no_rerun, schema_before
from tai_state.rules.records.documents import read_event
from tai_state.rules.records.erased import is_erased
from tai_state.rules.records.record import EventRecord, StateRecord
from tai_state.rules.recovery.findings import STRAY, Finding
from tai_state.rules.recovery.mending import Neighbours, mended, own_flaw


class Sealed(NamedTuple):
    """An event in a segment, the versions that the segment is of, and whether it is all that there is of them."""

    event: EventRecord
    first: int
    last: int
    is_alone: bool = False


@dataclass(frozen=True, slots=True)
class _Pending:
    """An event document that is damaged, until what follows tells more of it."""

    version: int
    document: Document
    reason: str
    previous: EventRecord | None
    proven_from: int


_STRAYS_MAX = 100
"""The most events in others' places that are kept in mind."""

_LOST = frozenset({"missing_event", "corrupt_event"})


class Lineage:
    """What a state's events tell, taken version by version; ``findings`` holds what is wrong with them."""

    def __init__(
        self,
        paths: StateLayout,
        state: StateRecord | None,
        rerun: Rerun = no_rerun,
        trimmed: Trimmed | None = None,
    ) -> None:
        """Begin before the first event.

        Args:
            state: What the state's document says, where it is sound: a witness of its own version.
            trimmed: What its first segment says that was trimmed.
        """
        self._paths = paths
        self._state = state
        self._rerun = rerun
        told = (0, "") if trimmed is None else (trimmed.version, trimmed.hash)
        marks = (state.marks.trimmed_through, state.marks.trimmed_hash) if state is not None else (0, "")
        self._trimmed = max(told, marks)
        self._pending: _Pending | None = None
        self._other: Sealed | None = None
        self._strays: dict[int, EventRecord] = {}
        self._named: dict[int, str] = {}
        self._blamed = 0
        self.findings: list[Finding] = []
        self.last: EventRecord | None = None
        """The last event that is sound; None: there is none at ``version``."""
        self.version = 0
        self.proven_from = 1
        """From which version on each event follows from the one before, up to the last."""
        self.events = 0

    @property
    def through(self) -> int | None:
        """The version up to which there should be events; None: the state's document does not tell."""
        return self._state.version if self._state is not None else None

    def meet(self, version: int, document: Document | None, sealed: Sealed | None) -> list[EventRecord]:
        """Take what there is of the next *version*, and return the events that are certain by now, in order."""
        self._gap(version)
        event, damage = (None, None) if document is None else self._read(version, document)
        if event is not None:
            self.events += 1
            if self._pending is None and self._other is None and self._follows(event):
                self._take(event, sealed)
                return [event]
        return self._judge(version, document, event, damage, sealed)

    def finish(self, through: int | None = None) -> list[EventRecord]:
        """Take it that no more follow, and return the events that are certain by that.

        Args:
            through: The version of the state, up to which there should be events.
        """
        settled = self._settle(None)
        if through is not None and self.version < through:
            self._gap(through + 1)
        if self._state is not None:
            self._named[self._state.version] = self._state.hash
        self.findings = [self._found_elsewhere(finding) for finding in self.findings]
        return settled

    def _found_elsewhere(self, finding: Finding) -> Finding:
        """Return the finding of an event with its truth, where that stands elsewhere and the chain names it."""
        version = finding.version
        if finding.kind not in _LOST or finding.truth is not None or version is None:
            return finding
        stray = self._strays.get(version)
        is_one = finding.last in {None, version}
        if stray is None or not is_one or stray.hash != self._named.get(version):
            return finding
        return replace(finding, truth=stray, other=STRAY)

    def _gap(self, version: int) -> None:
        """Tell of the versions below *version* of which there is nothing, unless they were trimmed."""
        if version <= self.version + 1:
            return
        self._settle(None)
        first = max(self.version, self._trimmed[0]) + 1
        if first < version:
            many = f"events {first} to {version - 1} are" if first < version - 1 else "the event is"
            self._add("missing_event", first, f"{many} missing", last=version - 1)
        self.last, self.version, self.proven_from = None, version - 1, version

    def _read(self, version: int, document: Document) -> tuple[EventRecord | None, str | None]:
        try:
            event = read_event(document, self._paths.governor_id, self._paths.state_id)
        except SchemaVersionError as error:
            self.findings.append(Finding("newer_format", self._paths.state_id, version, str(error), document.path))
            return None, None
        except ReplayError as error:
            return None, str(error)
        if event.version == version:
            return event, None
        # What is in the place of another version is not this one; but that one may be nowhere else.
        if len(self._strays) < _STRAYS_MAX and own_flaw(event) is None:
            self._strays.setdefault(event.version, event)
        return None, f"it says that it is version {event.version}"

    def _follows(self, event: EventRecord) -> bool:
        if self.last is None and self.version:
            is_linked = self.version != self._trimmed[0] or event.previous_hash == self._trimmed[1]
            return is_linked and own_flaw(event) is None
        return contradiction(self.last, event) is None

    def _take(self, event: EventRecord, sealed: Sealed | None) -> None:
        """Go on from a sound event document."""
        self._advance(event)
        if sealed is None or replace(sealed.event, committed_at=event.committed_at) == event:
            return
        # Of one event, erased or not: which of the two is to be is no question of the log.
        if sealed.event.hash == event.hash and is_erased(sealed.event) is not is_erased(event):
            return
        if own_flaw(sealed.event) is None and sealed.event.previous_hash == event.previous_hash:
            self._other = sealed
        else:
            self._blame(sealed)

    def _advance(self, event: EventRecord) -> None:
        if self.last is None and self.version:
            self._named[self.version] = event.previous_hash
        before = schema_before(self.last, event)
        self.last, self.version = event, event.version
        try:
            difference = self._rerun(event, before)
        except StoredDataError as error:
            difference = str(error)
        if difference is not None:
            self._add("replay", event.version, difference)

    def _judge(
        self,
        version: int,
        document: Document | None,
        event: EventRecord | None,
        damage: str | None,
        sealed: Sealed | None,
    ) -> list[EventRecord]:
        flaw = damage if event is None else own_flaw(event)
        copy = sealed.event if sealed is not None and own_flaw(sealed.event) is None else None
        settled = self._settle(event if flaw is None and event is not None else copy)
        if event is not None and flaw is None and self._follows(event):
            self._take(event, sealed)
            return [*settled, event]
        is_newer = document is not None and event is None and damage is None
        for other in (copy, self._strays.get(version)):
            if other is not None and not is_newer and self._follows(other):
                if document is None and other is copy and sealed is not None and sealed.is_alone:
                    self.events += 1
                    self._advance(other)
                else:
                    self._restore(version, document, flaw, other)
                return [*settled, other]
        if event is not None and flaw is None:
            self._add("broken_chain", version, contradiction(self.last, event) or "it does not follow")
            self._advance(event)
            self.proven_from = version
            return [*settled, event]
        if document is not None and flaw is not None:
            self._pending = _Pending(version, document, flaw, self.last, self.proven_from)
        elif document is None:
            self._add("missing_event", version, "the event is missing, and its segment is damaged", last=version)
        self.last, self.version, self.proven_from = None, version, version + 1
        return settled

    def _restore(self, version: int, document: Document | None, flaw: str | None, copy: EventRecord) -> None:
        """Go on from a copy of an event that is missing, or damaged, in its own place."""
        kind = "missing_event" if document is None else "corrupt_event"
        reason = "the event is missing" if document is None else flaw or "it does not follow from the one before"
        self._add(kind, version, f"{reason}; a copy of it is sound", truth=copy)
        self._advance(copy)

    def _settle(self, following: EventRecord | None) -> list[EventRecord]:
        """Decide what was open, by the event that follows or by the state."""
        if self._other is not None:
            self._choose(following)
        pending, self._pending = self._pending, None
        if pending is None:
            return []
        mended = self._mended(pending, following)
        self._add("corrupt_event", pending.version, pending.reason, truth=mended)
        if mended is None:
            return []
        self._advance(mended)
        self.proven_from = pending.proven_from
        return [mended]

    def _choose(self, following: EventRecord | None) -> None:
        """Say which of two that differ is the truth: the one that the next event, or the state, names."""
        other, self._other = self._other, None
        assert other is not None
        assert self.last is not None
        version = other.event.version
        named = following.previous_hash if following is not None else self._named_by_state(version)
        if named == other.event.hash:
            message = "it is not the event that the log goes on from; its segment has that one"
            self._add("corrupt_event", version, message, truth=other.event)
            self.last = other.event
        elif named is None:
            self._add("broken_chain", version, "its segment has another event, and nothing tells which is right")
        else:
            self._blame(other)

    def _blame(self, sealed: Sealed) -> None:
        """Tell of a segment once, whatever of it differs: it is written again as a whole."""
        if sealed.first == self._blamed:
            return
        self._blamed = sealed.first
        message = f"the segment holds another event than the log, of version {sealed.event.version}"
        path, state_id = self._paths.segment(sealed.first), self._paths.state_id
        self.findings.append(Finding("corrupt_segment", state_id, sealed.first, message, path, sealed.last))

    def _named_by_state(self, version: int) -> str | None:
        return self._state.hash if self._state is not None and self._state.version == version else None

    def _mended(self, pending: _Pending, following: EventRecord | None) -> EventRecord | None:
        """Return the event that a damaged document was, where its neighbours prove it."""
        stray = self._strays.get(pending.version)
        is_linked = pending.previous is not None or pending.version == 1
        if stray is not None and is_linked and contradiction(pending.previous, stray) is None:
            return stray
        state = self._state if self._state is not None and self._state.version == pending.version else None
        named = following.previous_hash if following is not None else self._named_by_state(pending.version)
        if named is None:
            return None
        neighbours = Neighbours(self._paths, pending.version, named, pending.previous, following, state)
        return mended(pending.document, neighbours)

    def _add(
        self,
        kind: str,
        version: int,
        message: str,
        *,
        last: int | None = None,
        truth: EventRecord | None = None,
    ) -> None:
        path = self._paths.event(version)
        other = STRAY if truth is not None and truth is self._strays.get(version) else ""
        self.findings.append(Finding(kind, self._paths.state_id, version, message, path, last, truth, other))
