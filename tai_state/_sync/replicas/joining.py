# Generated from tai_state/_async/replicas/joining.py by .ci/generate_sync.py; do not edit.
"""One state of two stores, until both know the same, and say the same of it."""
from tai_state._sync.recovery.erasure import Eraser
from tai_state._sync.replicas.sending import Sending
from tai_state._sync.replicas.side import Side
from tai_state._sync.replicas.walking import unseen_writes, version_of
from tai_state.authors import Author, author_of
from tai_state.causality import Ordering
from tai_state.causality.conflicts import Conflict, ConflictVersion
from tai_state.causality.resolvers import Resolver
from tai_state.documents import Document
from tai_state.errors import (
    ConfigurationError,
    ConflictResolutionError,
    HistoryTrimmedError,
    InvalidDataError,
    PreconditionFailedError,
    VersionConflictError,
)
from tai_state.rules.commits.change import Target
from tai_state.rules.records.record import EventRecord, StateRecord
from tai_state.rules.recovery.erasure import read_erasure
from tai_state.rules.replicas.branches import Held
from tai_state.rules.replicas.changes import merge_change, target_as, told_in
from tai_state.rules.replicas.standing import are_equal, clock_of, content_digest, knows, same_node, standing
from tai_state.rules.replicas.writes import resolved

_ROUNDS_MAX = 10
"""How often a state is looked at again that is changed while it is synced."""


class _StoppedError(Exception):
    """The state stays as it is; what there is to say of it is among the conflicts."""


class Joining:
    """Brings two stores to one version of a state."""

    def __init__(self, ours: Side, theirs: Side, resolver: Resolver) -> None:
        """Look at nothing yet; of concurrent versions *resolver* decides."""
        self._sides = (ours, theirs)
        self._resolver = resolver
        self.received = 0
        self.sent = 0
        self.merged = 0
        self.conflicts: list[Conflict] = []

    def run(self) -> None:
        """Sync the state.

        Raises:
            ConfigurationError: Two stores count under one node's name.
            VersionConflictError: The state was changed again and again meanwhile.
        """
        for round_ in range(_ROUNDS_MAX):
            try:
                self._once()
            except (PreconditionFailedError, VersionConflictError):
                if round_ == _ROUNDS_MAX - 1:
                    raise
            except _StoppedError:
                return
            else:
                return

    def _once(self) -> None:
        ours, theirs = self._sides
        ours.look()
        theirs.look()
        for one, other in ((ours, theirs), (theirs, ours)):
            self._erase(one, other)
        self._check_nodes(ours.record, theirs.record)
        order = standing(ours.record, theirs.record)
        if order is Ordering.EQUAL:
            if not are_equal(ours.record, theirs.record):
                self._report(
                    "unequal", "unresolved", "both know the same and say different things: change one of them"
                )
            return
        if order in {Ordering.BEFORE, Ordering.CONCURRENT}:
            self.received += self._bring(theirs, ours)
        # The same writes again where they were concurrent: what we made of them goes back.
        if order in {Ordering.AFTER, Ordering.CONCURRENT}:
            self.sent += self._bring(ours, theirs)

    def _bring(self, source: Side, target: Side) -> int:
        """Bring the target to know what the source knows; return how many events were sent for it."""
        sending = Sending(source, target)
        common = sending.common()
        head = source.head()
        if head is None or source.record is None:
            raise self._stopped("no_base", "the events that made the state were trimmed")
        if target.record is None or (common == target.version and common >= source.trimmed):
            sending.onward()
            return sending.sent
        sending.beside(common)
        self._report_keys(sending, target)
        self._merge(target, head)
        target.look()
        return sending.sent

    def _merge(self, target: Side, foreign: Held) -> None:
        """Write the merge of the target's head and another store's, whose events stand beside the line."""
        record, event = target.record, foreign.event
        assert record is not None
        head = target.head()
        author = author_of(None, target.runtime.actor)
        if standing(record, event.state()) is Ordering.BEFORE:
            self._check_follows(target, foreign, record)
            change = target_as(event)
        elif content_digest(record) == content_digest(event):
            change = target_as(event)
        else:
            change, author = self._resolved(target, [held for held in (head, foreign) if held], author)
        runtime = target.runtime
        deadline = runtime.access.begin(target.timeout)
        runtime.writer.write(
            merge_change(target.paths, author, record, event, change), runtime.settings, deadline, None
        )
        self.merged += 1

    def _check_follows(self, target: Side, foreign: Held, record: StateRecord) -> None:
        """Refuse a version that says to know the target's, and does not follow from it: a copy that kept its id."""
        found, was_all_there = version_of(target, [foreign.ref], clock_of(record))
        is_same = found is not None and (found.hash == record.hash or content_digest(found) == content_digest(record))
        if not is_same and (found is not None or was_all_there):
            detail = "the clocks say that one knows the other, and it does not follow from it: was a store copied?"
            raise self._stopped("unequal", detail)

    def _resolved(self, target: Side, heads: list[Held], author: Author) -> tuple[Target, Author]:
        """Return what becomes of concurrent versions, and an author who tells of it."""
        refs = [head.ref for head in heads]
        writes = unseen_writes(target, refs)
        meet = clock_of(writes[0])
        for write in writes[1:]:
            meet = meet.meet(clock_of(write))
        base, was_all_there = None, True
        if meet.root:
            base, was_all_there = version_of(target, refs, meet)
        name = self._resolver.name
        try:
            merged = resolved(writes, base, self._resolver)
            target_made = merged.target()
        except (ConflictResolutionError, InvalidDataError) as error:
            raise self._stopped("concurrent", str(error), writes) from error
        if base is None and meet.root:
            why = "several" if was_all_there else "trimmed"
            detail = f"the nearest common version is not known ({why}): they were merged without one"
            self._report("no_base", "reported", detail, writes)
        self._report("concurrent", "resolved", "", writes, merged.fields)
        return target_made, told_in(author, name, merged.fields, merged.siblings)

    # Erasures

    def _erase(self, source: Side, target: Side) -> None:
        """Erase in the target what was erased in the source, unless it has seen that already."""
        document = self._erasure(source)
        if document is None:
            return
        erasure = read_erasure(document, source.paths.governor_id)
        if target.record is None:
            if self._erasure(target) is None:
                target.runtime.access.backend.commit(
                    [erasure.put(target.paths.erasure, None)],
                    timeout=target.runtime.access.attempt_seconds(target.runtime.access.begin(target.timeout)),
                )
            return
        try:
            tombstone = source.line(erasure.through + 1)
        except HistoryTrimmedError:
            tombstone = None
        is_seen = tombstone is not None and knows(target.record.causality, tombstone.causality)
        if is_seen or (tombstone is None and self._erasure(target) is not None):
            return
        author = Author(erasure.changed_by, erasure.reason, author_of(None, target.runtime.actor).context)
        eraser = Eraser(target.runtime.access, target.runtime.settings, author, target.timeout)
        eraser.state(target.paths)
        target.look()

    @staticmethod
    def _erasure(side: Side) -> Document | None:
        access = side.runtime.access
        path = side.paths.erasure
        return (access.read([path], access.begin(side.timeout))).get(path)

    # What is told

    def _check_nodes(self, ours: StateRecord | None, theirs: StateRecord | None) -> None:
        node = same_node({} if ours is None else ours.causality, {} if theirs is None else theirs.causality)
        if node is not None:
            message = f"two stores write as node {node!r}: a node is one writer; give one of them another name"
            raise ConfigurationError(message)

    def _report_keys(self, sending: Sending, target: Side) -> None:
        """Tell of idempotency keys under which both stores have made a change: neither knew of the other's."""
        receipts = {target.paths.receipt(key): (key, ref) for key, ref in sending.keys.items()}
        if not receipts:
            return
        access = target.runtime.access
        found = access.read(list(receipts), access.begin(target.timeout), consistent=False)
        for path, document in found.documents.items():
            key, ref = receipts[path]
            version = document.fields.get("version")
            detail = f"idempotency key {key!r} stands for version {version} of this store, and for a change of another"
            told = ConflictVersion(ref.origin, ref.version)
            ours = ConflictVersion(target.store_id, version if type(version) is int else 0)
            self._tell(
                Conflict(
                    target.paths.governor_id,
                    target.paths.state_id,
                    (ours, told),
                    kind="key",
                    result="reported",
                    detail=detail,
                )
            )

    def _stopped(self, kind: str, detail: str, writes: list[EventRecord] | None = None) -> _StoppedError:
        self._report(kind, "unresolved", detail, writes)
        return _StoppedError()

    def _report(
        self,
        kind: str,
        result: str,
        detail: str,
        writes: list[EventRecord] | None = None,
        fields: tuple[str, ...] = (),
    ) -> None:
        if writes is None:
            found = [(side.store_id, side.record) for side in self._sides if side.record is not None]
            versions = [ConflictVersion(origin, one.version, one.metadata.changed_by) for origin, one in found]
        else:
            versions = [ConflictVersion(one.origin, one.version, one.metadata.changed_by) for one in writes]
        paths = self._sides[0].paths
        strategy = self._resolver.name if kind == "concurrent" else ""
        self._tell(
            Conflict(
                paths.governor_id,
                paths.state_id,
                tuple(versions),
                kind=kind,
                strategy=strategy,
                result=result,
                fields=fields,
                detail=detail,
            )
        )

    def _tell(self, conflict: Conflict) -> None:
        self.conflicts.append(conflict)
