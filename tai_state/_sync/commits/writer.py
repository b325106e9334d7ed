# Generated from tai_state/_async/commits/writer.py by .ci/generate_sync.py; do not edit.
"""The write path: every change of a state, whoever asks for it, goes through ``ChangeWriter.apply``."""
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tai_state._sync.access.access import Access
from tai_state._sync.access.retry import retry
from tai_state._sync.access.turns import Lines
from tai_state._sync.commits.protocol import Settlement, Settled, commit_once
from tai_state._sync.locking.fence import Guard, guarded
from tai_state._sync.locking.lock import Lock
from tai_state._platform.tasks import shield
from tai_state.clock import Deadline
from tai_state.documents import CommitResult, DocumentPath, Read
from tai_state.errors import (
    CorruptLogError,
    DocumentTooLargeError,
    OutcomeUnknownError,
    PreconditionFailedError,
    ReplayError,
    SchemaVersionError,
    TaiStateError,
)
from tai_state.heads import HeadCache
from tai_state.layout import FORMAT, META, StateLayout
from tai_state.rules.commits.change import Change, Fresh, Head, Plan, Replay, Settings, View
from tai_state.rules.commits.decide import decide
from tai_state.rules.commits.settle import Outcome, lost_head, settle
from tai_state.rules.history.replay import contradiction
from tai_state.rules.history.segments import Segment, build_segment, segment_due
from tai_state.rules.records.documents import read_event, read_state
from tai_state.rules.records.record import EventRecord, StateRecord

log = logging.getLogger("tai_state")

UNSEALABLE_MAX = 1024


@dataclass(frozen=True, slots=True)
class Applied:
    """A change as it stands in the store."""

    event: EventRecord
    record: StateRecord
    replayed: bool = False


class ChangeWriter:
    """Makes changes: reads what it must, decides purely, commits once, and settles what is in doubt."""

    def __init__(self, access: Access, *, cache_size: int) -> None:
        """Keep at most *cache_size* heads of states."""
        self._access = access
        self.heads: HeadCache[Head] = HeadCache(cache_size)
        # Callers of one process that change the same state go one after the other: their commits would only refuse
        # each other. Correctness never rests on it; here is where they can be coalesced into one commit.
        self._lines = Lines()
        # By state, the first version of a run of events that could not be sealed.
        self._unsealable: dict[DocumentPath, int] = {}
        # The id of the store, once ``tai/meta`` was read or written.
        self.origin: str | None = None

    def apply(
        self, change: Change, settings: Settings, deadline: Deadline, locks: Sequence[Lock] = ()
    ) -> Applied:
        """Make *change* in one commit, and return it once it is durable.

        With *locks* the commit carries their leases: the store refuses it when one of them was taken over.

        Raises:
            OutcomeUnknownError: The deadline passed while the store may or may not have applied it.
            TaiStateError: It was refused, or failed; nothing was written.
        """
        with self._lines.turn(change.paths.state, deadline):
            try:
                return self._apply(change, settings, deadline, locks)
            except DocumentTooLargeError:
                # Refused before anything was sent. Before the caller hears of it: everything compressed,
                # and maintenance put off.
                return self._apply(change, settings.lean(), deadline, locks)

    def _apply(
        self, change: Change, settings: Settings, deadline: Deadline, locks: Sequence[Lock]
    ) -> Applied:
        refused: Plan | None = None

        def attempt() -> Applied:
            nonlocal refused
            with guarded(locks, deadline) as guard:
                decision = self._decide(change, settings, guard, refused)
                if isinstance(decision, Replay):
                    return self.replayed(change.paths, decision, guard.deadline)
                refused = decision
                return shield(self._commit, change.paths, decision, guard)

        return retry(
            attempt,
            PreconditionFailedError,
            policy=self._access.retry,
            deadline=deadline,
            rng=self._access.rng,
            what=f"{change.kind} of {change.key}",
        )

    def _decide(
        self, change: Change, settings: Settings, guard: Guard, refused: Plan | None
    ) -> Plan | Replay:
        """Decide on the cached head if there is one; refuse on what was freshly read alone."""
        cached = self.heads.get(change.paths.state) if refused is None else None
        if cached is not None and self.origin is not None:
            try:
                return self._plan(change, settings, guard, View(cached, self.origin, guard.guarded))
            except Exception:  # noqa: BLE001 - a user's guard may raise anything on a stale state
                # What a stale head cannot allow, the fresh one may.
                self.heads.drop(change.paths.state)
        consistent = refused is not None
        try:
            view = self._view(change, guard, refused, consistent=consistent)
            return self._plan(change, settings, guard, view)
        except TaiStateError:
            if change.idempotency_key is None or consistent:
                raise
        # A read that was torn may hold a moved state without the receipt that explains it: before a keyed
        # change is refused, state and receipt are read as of one moment.
        view = self._view(change, guard, refused, consistent=True)
        return self._plan(change, settings, guard, view)

    def _view(self, change: Change, guard: Guard, refused: Plan | None, *, consistent: bool) -> View:
        """Read what the decision needs; after a refused plan, also whether it can ever succeed."""
        paths = change.paths
        wanted = [paths.state, *guard.guarded.paths]
        if self.origin is None:
            wanted.append(META)
        if change.idempotency_key is not None:
            wanted.append(paths.receipt(change.idempotency_key))
        if refused is not None:
            wanted.append(paths.event(refused.event.version))
        read = self._access.read(wanted, guard.deadline, consistent=consistent)
        state = read.get(paths.state)
        if refused is not None and lost_head(refused, state, read.get(paths.event(refused.event.version))):
            reason = "an event stands above the state's version"
            raise CorruptLogError(paths.governor_id, paths.state_id, refused.event.version, reason)
        self.learn_origin(read)
        head = None
        if state is not None:
            head = Head(read_state(state, paths.governor_id, paths.state_id), state.update_time)
        receipt = read.get(paths.receipt(change.idempotency_key)) if change.idempotency_key is not None else None
        return View(head, self.origin, guard.guarded, receipt, read.read_time, read.documents)

    def learn_origin(self, read: Read) -> None:
        """Take the store's id from a read that included ``tai/meta``."""
        meta = read.get(META)
        if meta is None:
            return
        stored, store_id = meta.fields.get("format"), meta.fields.get("store_id")
        if type(stored) is not int or type(store_id) is not str:
            message = f"document {META} is not one of tai_state's"
            raise CorruptLogError("", "", None, message)
        if stored > FORMAT:
            raise SchemaVersionError(stored, FORMAT, "the store")
        self.origin = store_id

    def _plan(self, change: Change, settings: Settings, guard: Guard, view: View) -> Plan | Replay:
        fresh = Fresh(self._access.clock.now(), self._access.new_id(), self._access.new_id())
        segment = self._due_segment(change.paths, settings, guard.deadline, view)
        return decide(change, view, fresh, settings, segment)

    def _due_segment(
        self, paths: StateLayout, settings: Settings, deadline: Deadline, view: View
    ) -> Segment | None:
        if view.head is None or settings.maintenance is None:
            return None
        due = segment_due(view.head.record, settings.maintenance)
        if due is None or self._unsealable.get(paths.state) == due.start:
            return None
        events: list[EventRecord] = []
        try:
            read = self._access.read([paths.event(version) for version in due], deadline, consistent=False)
            for version in due:
                document = read.get(paths.event(version))
                if document is None:
                    break
                event = read_event(document, paths.governor_id, paths.state_id)
                if events and contradiction(events[-1], event) is not None:
                    break
                events.append(event)
        except ReplayError as error:
            log.warning("events of %s/%s are damaged and not sealed: %s", paths.governor_id, paths.state_id, error)
        except TaiStateError as error:
            # Maintenance is put off rather than fail a change.
            log.warning("sealing events of %s/%s is put off: %s", paths.governor_id, paths.state_id, error)
            return None
        segment = build_segment(paths, events) if len(events) == len(due) else None
        if segment is None:
            # Not read again with every later change of the state: what is damaged stays so until it is repaired.
            if len(self._unsealable) >= UNSEALABLE_MAX:
                self._unsealable.clear()
            self._unsealable[paths.state] = due.start
        return segment

    def _commit(self, paths: StateLayout, plan: Plan, guard: Guard) -> Applied:
        self.heads.drop(paths.state)
        deadline = guard.deadline

        def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            return self._settle(paths, plan, deadline, refused=refused)

        def unknown() -> OutcomeUnknownError:
            event = plan.event
            return OutcomeUnknownError(event.transition_id, event.governor_id, event.state_id, event.version)

        commit = commit_once(self._access, plan.writes, deadline, Settlement(read, unknown))
        if self.origin is None:
            self.origin = plan.event.origin
        guard.renewed(plan.leases, commit.update_times[1:])
        state_time = commit.update_times[0]
        if state_time is not None:
            self.heads.put(paths.state, Head(plan.record, state_time))
        return Applied(replace(plan.event, committed_at=commit.commit_time), plan.record)

    def _settle(self, paths: StateLayout, plan: Plan, deadline: Deadline, *, refused: bool) -> Settled:
        event_path = paths.event(plan.event.version)
        read = self._access.read([paths.state, event_path], deadline)
        state, event = read.get(paths.state), read.get(event_path)
        outcome = settle(plan, state, event, refused=refused)
        if outcome is not Outcome.APPLIED or event is None:
            return Settled(outcome)
        # The state as our commit left it has our commit's time. One of a later time may be at our version all the
        # same: a snapshot taken since has put its mark there, and our own record knows nothing of it.
        moved = event.create_time if state is not None and state.update_time == event.create_time else None
        return Settled(outcome, CommitResult(event.create_time, (moved,)))

    def replayed(self, paths: StateLayout, replay: Replay, deadline: Deadline) -> Applied:
        """Return the change that a receipt names."""
        event = self.event(paths, replay.version, deadline)
        if event is None or event.transition_id != replay.transition_id:
            reason = "the event that a receipt names is not there"
            raise CorruptLogError(paths.governor_id, paths.state_id, replay.version, reason)
        return Applied(event, event.state(), replayed=True)

    def event(self, paths: StateLayout, version: int, deadline: Deadline) -> EventRecord | None:
        """Return the event that made *version*, None when it is not there."""
        path = paths.event(version)
        document = (self._access.read([path], deadline)).get(path)
        return read_event(document, paths.governor_id, paths.state_id) if document else None
