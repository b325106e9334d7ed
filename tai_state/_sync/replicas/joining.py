# Generated from tai_state/_async/replicas/joining.py by .ci/generate_sync.py; do not edit.
"""One state of two stores, until both know the same, and say the same of it."""
import logging
from collections.abc import Awaitable, Callable, Mapping

from tai_state._sync.replicas.erasing import (
    Erased,
    complete,
    ended,
    erased,
    intend,
    told,
)
from tai_state._sync.replicas.mending import lost_branches
from tai_state._sync.replicas.sending import Sending
from tai_state._sync.replicas.side import Side
from tai_state._sync.replicas.walking import unseen_writes, version_of
from tai_state.authors import Author, author_of
from tai_state.causality import Ordering
from tai_state.causality.conflicts import Conflict, ConflictVersion
from tai_state.causality.resolvers import Resolver
from tai_state.errors import (
    ConfigurationError,
    ConflictResolutionError,
    InvalidDataError,
    PreconditionFailedError,
    VersionConflictError,
)
from tai_state.rules.commits.change import Target
from tai_state.rules.records.branches import Held, ref_of
from tai_state.rules.records.record import EventRecord, StateRecord
from tai_state.rules.replicas.changes import merge_change, target_as, told_in
from tai_state.rules.replicas.standing import are_equal, clock_of, content_digest, same_node, standing
from tai_state.rules.replicas.writes import left_by_erasures, met, resolved

_ROUNDS_MAX = 10
"""How often a state is looked at again that is changed while it is synced."""


log = logging.getLogger("tai_state")

UNRESOLVED = "unresolved"
"""The result of a conflict that somebody has to decide."""


class _StoppedError(Exception):
    """The state stays as it is; what there is to say of it is among the conflicts."""


class Joining:
    """Brings two stores to one version of a state."""

    def __init__(
        self, ours: Side, theirs: Side, resolver: Resolver | None, *, mends_branches: bool = False
    ) -> None:
        """Look at nothing yet; of concurrent versions *resolver* decides, without which nothing is done with them.

        Args:
            mends_branches: Whether each side is brought again what it has lost of its branches, and the other has.
        """
        self._mends_branches = mends_branches
        self._sides = (ours, theirs)
        self._resolver = resolver
        self.received = 0
        self.sent = 0
        self.merged = 0
        self.conflicts: list[Conflict] = []
        self._erased: list[Erased | None] = []
        # What is to be told once it is so: a merge that is refused is made anew, and may become another one.
        self._noted: list[Conflict] = []

    def run(self) -> None:
        """Sync the state.

        Raises:
            ConfigurationError: Two stores count under one node's name.
        """
        if not self._settled(self._joined):
            self._noted.clear()
            self._report("busy", UNRESOLVED, "it was changed again and again while it was synced: sync again")
        self._tell_noted()

    def catch_up(self) -> bool:
        """Bring our store what it lacks, where it is behind; nothing is decided, and nothing told of what stays apart.

        Returns:
            Whether it was behind, and knows now what theirs knew.

        Raises:
            ConfigurationError: As ``run`` does.
        """
        before = self.received + self.merged
        self._settled(self._caught_up)
        self._noted.clear()
        ours, theirs = self._sides
        return self.received + self.merged > before and standing(ours.record, theirs.record) is not Ordering.BEFORE

    def _settled(self, once: Callable[[], None]) -> bool:
        """Do something on the state as it is; False: it never stood still for it."""
        for _ in range(_ROUNDS_MAX):
            self._noted.clear()
            try:
                once()
            except (PreconditionFailedError, VersionConflictError):
                continue
            except _StoppedError:
                pass
            return True
        return False

    def _look(self) -> Ordering:
        """Read both sides anew, and return how ours stands to theirs."""
        ours, theirs = self._sides
        ours.look()
        theirs.look()
        for side in self._sides:
            if side.record is not None and side.record.marks.prepared is not None:
                raise self._stopped("prepared", "a transaction over several stores has the state in hand: sync again")
        self._erased = [erased(ours), erased(theirs)]
        for side, known in zip(self._sides, self._erased, strict=True):
            if known is not None:
                ended(side, known)
        self._check_nodes(ours.record, theirs.record)
        return standing(ours.record, theirs.record)

    def _joined(self) -> None:
        ours, theirs = self._sides
        order = self._look()
        if self._mends_branches:
            self._mend(ours, theirs)
            self._mend(theirs, ours)
        if order is Ordering.EQUAL:
            if not are_equal(ours.record, theirs.record):
                self._report("unequal", UNRESOLVED, "both know the same and say different things: change one of them")
            self._tell_erased()
            return
        if order in {Ordering.BEFORE, Ordering.CONCURRENT}:
            self._bring(theirs, ours)
        # The same writes again where they were concurrent: what we made of them goes back.
        if order in {Ordering.AFTER, Ordering.CONCURRENT}:
            self._bring(ours, theirs)

    def _caught_up(self) -> None:
        ours, theirs = self._sides
        if self._look() is Ordering.BEFORE:
            self._bring(theirs, ours)

    def _mend(self, source: Side, target: Side) -> None:
        sending = Sending(source, target, self._tombstones)
        try:
            for ref in lost_branches(target):
                sending.bring(ref)
        finally:
            self._count(sending)

    def _count(self, sending: Sending) -> None:
        if sending.target is self._sides[0]:
            self.received += sending.sent
        else:
            self.sent += sending.sent

    def _bring(self, source: Side, target: Side) -> None:
        """Bring the target to know what the source knows."""
        sending = Sending(source, target, self._tombstones)
        try:
            self._bring_by(sending, source, target)
        finally:
            # Also of what comes to no merge: the next sync finds it there.
            self._count(sending)

    def _bring_by(self, sending: Sending, source: Side, target: Side) -> None:
        common = sending.common()
        head = source.head()
        if head is None or source.record is None:
            raise self._lost_head()
        is_new = target.record is None
        goes_on = common == target.version
        erased = self._erased[self._sides.index(source)]
        intent = None
        if erased is not None:
            # Of one line both versions are one.
            through = erased.erasure.through if goes_on else target.version
            intent = intend(target, erased, through=through)
        if goes_on:
            sending.onward()
        else:
            sending.beside(common)
            self._report_keys(sending, target)
            self._merge(target, head, erases=intent is not None)
        if intent is not None:
            complete(target, intent)
        elif erased is not None and is_new:
            told(target, erased)
        target.look()

    def _tell_erased(self) -> None:
        """Write down in both stores what one says of an erasure: the sync that brought it may have ended before it."""
        for side, known, other in zip(self._sides, self._erased, reversed(self._erased), strict=True):
            if known is None and other is not None:
                told(side, other)

    @property
    def _tombstones(self) -> list[Mapping[str, int]]:
        return [one.clock for one in self._erased if one is not None]

    def _merge(self, target: Side, foreign: Held, *, erases: bool) -> None:
        """Write the merge of the target's head and another store's, whose events stand beside the line."""
        record, event = target.record, foreign.event
        assert record is not None
        author = author_of(None, target.runtime.actor)
        if standing(record, event.state()) is Ordering.BEFORE:
            self._check_follows(target, foreign, record)
            change = target_as(event)
        elif content_digest(record) == content_digest(event):
            change = target_as(event)
        else:
            change, author = self._resolved(target, foreign, author)
        runtime = target.runtime
        deadline = runtime.access.begin(target.timeout)
        merge = merge_change(target.paths, author, record, event, change, erases=erases)
        runtime.writer.write(merge, runtime.settings, deadline, None)
        self.merged += 1
        self._tell_noted()

    def _check_follows(self, target: Side, foreign: Held, record: StateRecord) -> None:
        """Refuse a version that says to know the target's, and does not follow from it: of a copy that kept its id."""
        found, was_all_there = version_of(target, [foreign.ref], clock_of(record))
        if found is None and not was_all_there:
            return
        if found is None or (found.hash != record.hash and not self._has_the_same_writes(target, found)):
            detail = "the clocks say that one knows the other, and it does not follow from it: was a store copied?"
            raise self._stopped("unequal", detail)

    @staticmethod
    def _has_the_same_writes(target: Side, found: EventRecord) -> bool:
        """Whether a version that knows what the target knows rests on the same writes: merges of them may differ."""
        head = target.head()
        if head is None:
            return False
        ours, theirs = [unseen_writes(target, [ref]) for ref in (head.ref, ref_of(found))]
        return {write.hash for write in ours} == {write.hash for write in theirs}

    def _resolved(self, target: Side, foreign: Held, author: Author) -> tuple[Target, Author]:
        """Return what becomes of concurrent versions, and an author who tells of it."""
        assert self._resolver is not None
        head = target.head()
        if head is None:
            # What it made is in no event: nobody could tell that it counts.
            raise self._lost_head()
        refs = [head.ref, foreign.ref]
        unseen = unseen_writes(target, refs)
        writes = left_by_erasures(unseen, self._tombstones)
        if len(writes) < len(unseen):
            self._report("concurrent", "resolved", "an erasure counts more than what does not know of it", unseen)
        if len(writes) == 1:
            return target_as(writes[0]), author
        meet = met(writes)
        base, was_all_there = None, True
        if meet.root:
            base, was_all_there = version_of(target, refs, meet)
        try:
            merged = resolved(writes, base, self._resolver)
            change = merged.target()
        except (ConflictResolutionError, InvalidDataError) as error:
            raise self._stopped("concurrent", str(error), writes) from error
        if base is None and meet.root:
            why = "there are several" if was_all_there else "it was trimmed"
            self._report("no_base", "reported", f"they were merged without a nearest common version: {why}", writes)
        self._report("concurrent", "resolved", "", writes, merged.fields)
        return change, told_in(author, self._resolver.name, merged.fields, merged.siblings)

    # What is told

    def _check_nodes(self, ours: StateRecord | None, theirs: StateRecord | None) -> None:
        node = same_node({} if ours is None else ours.causality, {} if theirs is None else theirs.causality)
        if node is not None:
            message = f"two stores write as node {node!r}: a node is one writer; give one of them another name"
            raise ConfigurationError(message)

    def _report_keys(self, sending: Sending, target: Side) -> None:
        """Tell of idempotency keys under which both stores have made a change: neither knew of the other's."""
        receipts = {target.paths.receipt(key): ref for key, ref in sending.keys.items()}
        if not receipts:
            return
        access = target.runtime.access
        found = access.read(list(receipts), access.begin(target.timeout), consistent=False)
        for path, document in found.documents.items():
            ref = receipts[path]
            version = document.fields.get("version")
            detail = "one idempotency key stands for a change of either: what was to be made once was made twice"
            told = ConflictVersion(ref.origin, ref.version)
            ours = ConflictVersion(target.store_id, version if type(version) is int else 0)
            self._noted.append(
                Conflict(
                    target.paths.governor_id,
                    target.paths.state_id,
                    (ours, told),
                    kind="key",
                    result="reported",
                    detail=detail,
                )
            )

    def _lost_head(self) -> _StoppedError:
        # No trimming takes the last event.
        return self._stopped("damaged", "the event that made the state is not there: look with verify")

    def _stopped(self, kind: str, detail: str, writes: list[EventRecord] | None = None) -> _StoppedError:
        self._report(kind, UNRESOLVED, detail, writes)
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
        strategy = self._resolver.name if kind == "concurrent" and self._resolver is not None else ""
        self._noted.append(
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

    def _tell_noted(self) -> None:
        for conflict in self._noted:
            self.tell(conflict)
        self._noted.clear()

    def tell(self, conflict: Conflict) -> None:
        """Note a conflict, in both stores."""
        ours, theirs = self._sides
        met = ours.runtime.meet(conflict)
        self.conflicts.append(theirs.runtime.meet(met))
        if met.result == UNRESOLVED:
            extra = {"event": "version_conflict", "governor_id": met.governor_id, "state_id": met.state_id}
            log.warning("the versions of %s/%s stay apart: %s", met.governor_id, met.state_id, met.kind, extra=extra)
