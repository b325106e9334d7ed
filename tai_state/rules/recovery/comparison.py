"""A state's document, and what is kept beside its log, held against what the log tells."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from tai_state.documents import Document
from tai_state.errors import CorruptLogError
from tai_state.layout import StateLayout
from tai_state.rules.history.replay import Trimmed, differing_field
from tai_state.rules.records.chain import state_digest
from tai_state.rules.records.documents import was_altered
from tai_state.rules.records.record import EventRecord, Marks, StateRecord
from tai_state.rules.recovery.findings import Finding
from tai_state.rules.recovery.lineage import Lineage


@dataclass(slots=True)
class Inventory:
    """What is kept beside a log: its snapshots, and how far its segments reach.

    Attributes:
        snapshots: The digest of each snapshot by its version, "" for one that is damaged.
        newest: The newest that is sound.
        sealed_through: The last version that a sound segment holds.
        gaps: The runs below that no sound segment holds.
        erased_through: The last version whose values were erased.
        trimmed: What was trimmed, as the first segment says; None: nothing.
        damaged: The segments that cannot be read: the first version of each, with the last one that it claims.
    """

    snapshots: dict[int, str] = field(default_factory=dict)
    newest: StateRecord | None = None
    sealed_through: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)
    damaged: dict[int, int | None] = field(default_factory=dict)
    trimmed: Trimmed | None = None
    erased_through: int = 0

    @property
    def trimmed_through(self) -> int:
        """The last version that was trimmed."""
        return self.trimmed.version if self.trimmed is not None else 0

    def marks(self, base: Marks, through: int) -> Marks:
        """Return the marks of a state at version *through* that follow from what is kept; the others are *base*'s."""
        if self.trimmed is not None and self.trimmed.version > base.trimmed_through:
            base = replace(base, trimmed_through=self.trimmed.version, trimmed_hash=self.trimmed.hash)
        base = replace(base, erased_through=max(base.erased_through, self.erased_through))
        versions = tuple(version for version in sorted(self.snapshots) if version <= through)
        return replace(base, snapshots=versions, sealed_through=min(self.sealed_through, through))


@dataclass(frozen=True, slots=True)
class StateView:
    """A state's document as read: its record where it is sound, or what is wrong with it."""

    paths: StateLayout
    document: Document | None
    record: StateRecord | None = None
    damage: CorruptLogError | None = None


def snapshot_differs(digest: str | None, event: EventRecord) -> bool:
    """Whether a snapshot with this *digest* is not what the event of its version says."""
    return bool(digest) and digest != content_digest(event.state())


def content_digest(record: StateRecord) -> str:
    """Return the digest of a state without its marks, which a snapshot does not have."""
    return state_digest(replace(record, marks=Marks()))


def state_findings(
    view: StateView,
    lineage: Lineage,
    kept: Inventory,
    at_version: EventRecord | None,
    told: Collection[Finding] = (),
) -> list[Finding]:
    """Return what is wrong with a state's document, given all of its log.

    Args:
        at_version: The event of the version that the document names; None: it is not certain.
        told: What was found in its events.
    """
    newest = _newest(lineage, kept)
    if view.document is None or view.record is None:
        return [_without_record(view, lineage, kept, newest)]
    state = view.record
    if lineage.last is not None and lineage.version > state.version:
        message = f"the state is at version {state.version}, its events go on to version {lineage.version}"
        # Only where it goes on from the very event that made the state.
        if lineage.proven_from <= state.version and at_version is not None and at_version.hash == state.hash:
            truth = _rebuilt(lineage.last.state(), kept, state.marks)
            return [_finding("state_behind", view, state.version, message, truth)]
        if not any(one.kind == "extra_event" for one in told):
            return [_finding("state_behind", view, state.version, message)]
    name = differing_field(state, at_version.state()) if at_version is not None else None
    if name is not None and at_version is not None:
        message = f"field {name!r} of the state is not that of its last event"
        # One that names another event than the log has is no proof of either.
        is_proven = at_version.hash == state.hash
        proven = _rebuilt(at_version.state(), kept, state.marks) if is_proven else None
        return [_finding("state_mismatch", view, state.version, message, proven)]
    return [*_stale_marks(view, state, kept), *_missing_kept(view, state, kept)]


def _newest(lineage: Lineage, kept: Inventory) -> StateRecord | None:
    """Return the newest state that anything tells of."""
    told = lineage.last.state() if lineage.last is not None else None
    snapshot = kept.newest
    if snapshot is not None and snapshot.version > lineage.version:
        return snapshot
    return told


def _without_record(view: StateView, lineage: Lineage, kept: Inventory, newest: StateRecord | None) -> Finding:
    truth = _rebuilt(newest, kept, Marks()) if newest is not None else None
    if view.document is None:
        message = "there is no state document, though there are events, snapshots or segments of it"
        return _finding("state_missing", view, None, message, truth)
    assert view.damage is not None
    fields = view.document.fields
    # One that says that it is another state's says nothing of this one.
    is_own = (fields.get("governor_id"), fields.get("state_id")) == (view.paths.governor_id, view.paths.state_id)
    claimed = fields.get("version") if is_own else None
    reaches = max(lineage.version, newest.version if newest is not None else 0)
    # Written over, the only trace would be gone of events that are missing at the end. One that was altered says of
    # itself that it is not to be believed.
    if type(claimed) is int and claimed > reaches and not was_altered(view.damage):
        truth = None
    return _finding("corrupt_state", view, view.damage.version, str(view.damage), truth)


def _rebuilt(record: StateRecord, kept: Inventory, marks: Marks) -> StateRecord:
    # How a due time was moved was of what the document said, which is not what the log tells.
    marks = replace(marks, due_key="", due_moved_to=None, due_tries=0)
    return replace(record, marks=kept.marks(marks, record.version))


def _stale_marks(view: StateView, state: StateRecord, kept: Inventory) -> list[Finding]:
    derived = kept.marks(state.marks, state.version)
    unknown = [version for version in derived.snapshots if version not in state.marks.snapshots]
    if not unknown and derived.sealed_through <= state.marks.sealed_through:
        return []
    named = tuple(sorted({*state.marks.snapshots, *unknown}))
    sealed_through = max(derived.sealed_through, state.marks.sealed_through)
    truth = replace(state, marks=replace(state.marks, snapshots=named, sealed_through=sealed_through))
    message = "there are snapshots or segments of it of which its marks say nothing"
    return [_finding("stale_marks", view, state.version, message, truth)]


def _missing_kept(view: StateView, state: StateRecord, kept: Inventory) -> list[Finding]:
    found = []
    for version in state.marks.snapshots:
        if version not in kept.snapshots:
            message = "the state is marked with a snapshot that is not there"
            path = view.paths.snapshot(version)
            found.append(Finding("missing_snapshot", view.paths.state_id, version, message, path))
    for first, last in _unsealed(state.marks, kept):
        message = f"events are marked as sealed up to version {last}, and no segment has them"
        path = view.paths.segment(first)
        found.append(Finding("missing_segment", view.paths.state_id, first, message, path, last))
    return found


def _unsealed(marks: Marks, kept: Inventory) -> list[tuple[int, int]]:
    """Return the runs that should be sealed and of which there is no segment, not even a damaged one."""
    found = []
    for first, last in _runs(kept, marks.sealed_through):
        start = max(first, marks.trimmed_through + 1)
        # A damaged segment is a finding of its own, as far as it should reach.
        stop = min([last + 1, *(one for one in kept.damaged if start <= one <= last)])
        if start < stop:
            found.append((start, stop - 1))
    return found


def _runs(kept: Inventory, sealed_through: int) -> list[tuple[int, int]]:
    runs = [*kept.gaps]
    if kept.sealed_through < sealed_through:
        runs.append((kept.sealed_through + 1, sealed_through))
    return [(first, min(last, sealed_through)) for first, last in runs if first <= sealed_through]


def reach(finding: Finding, kept: Inventory, sealed_through: int) -> Finding:
    """Return the *finding* of a segment that cannot be read with the last version that it should hold."""
    if finding.kind != "corrupt_segment" or finding.version not in kept.damaged:
        return finding
    version = finding.version
    ends = [last for first, last in _runs(kept, sealed_through) if first <= version <= last]
    following = [one - 1 for one in kept.damaged if one > version]
    last = min([*ends, *following], default=kept.damaged[version])
    return replace(finding, last=last)


def _finding(
    kind: str, view: StateView, version: int | None, message: str, truth: StateRecord | None = None
) -> Finding:
    return Finding(kind, view.paths.state_id, version, message, view.paths.state, truth=truth)


def above(findings: Collection[Finding], lineage: Lineage, state: StateRecord) -> list[Finding]:
    """Return *findings*, those of events that stand above a state, and do not follow from it, as extra events."""
    if lineage.last is not None and lineage.proven_from <= state.version:
        return [*findings]

    def seen(one: Finding) -> Finding:
        if one.version is None or one.version <= state.version or one.kind not in _EXTRA or one.truth is not None:
            return one
        message = f"it stands above the state's version {state.version}, and does not follow from it"
        return Finding("extra_event", one.state_id, one.version, message, one.path)

    return [seen(one) for one in findings]


_EXTRA = frozenset({"corrupt_event", "broken_chain"})
