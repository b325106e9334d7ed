# Generated from tai_state/_async/api/persister.py by .ci/generate_sync.py; do not edit.
"""The persister: a machine's life in a store, every move durable and logged in the same commit."""
from collections.abc import Iterator, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Generic

from tai_state._sync.access.inflight import InFlight
from tai_state._sync.api.store import StateStore, Timeout, check_version
from tai_state._sync.commits.writer import Applied
from tai_state._sync.history.snapshots import Snapshots
from tai_state._sync.locking.lock import Lock
from tai_state._sync.locking.lock_set import LockSet, locks_of
from tai_state._sync.recovery.verify import Verifier
from tai_state._sync.transactions.reactions import apply_together
from tai_state.authors import resolve_metadata
from tai_state.config import PersistenceConfig
from tai_state.errors import (
    ConfigurationError,
    CorruptLogError,
    OutcomeUnknownError,
    StateNotFoundError,
    TaiStateError,
    VersionNotFoundError,
)
from tai_state.layout import StateLayout, state_layout
from tai_state.machine import Machine
from tai_state.models import (
    KEEP,
    ChangeMetadata,
    ConsistencyReport,
    DataT,
    Event,
    Keep,
    LoadedState,
    StateSnapshot,
    TransitionRequest,
    TransitionResult,
)
from tai_state.rules.commits.change import Change, Settings
from tai_state.rules.commits.kinds import (
    Call,
    as_data,
    check_time,
    fitting,
    log_change,
    rollback_change,
    start_change,
    transition_change,
)
from tai_state.rules.history.replay import check_reached
from tai_state.rules.records.record import StateRecord
from tai_state.rules.recovery.rerun import rerun_of
from tai_state.rules.transactions.dependents.reactions import known_machines


class StateMachinePersister(Generic[DataT]):
    """Moves states through a machine, and reads what they went through."""

    def __init__(
        self,
        store: StateStore,
        machine: Machine[DataT] | None = None,
        config: PersistenceConfig | None = None,
        *,
        machines: Iterable[Machine[Any]] = (),
    ) -> None:
        """Persist in *store*; without a *machine*, only ``start`` and ``transition`` are closed.

        Args:
            machines: Other machines, which drive states that depend on those of this persister.
        """
        self.store = store
        self.machine = machine
        self.config = config or PersistenceConfig()
        self.settings = Settings(
            store.runtime.settings.encoding, self.config.maintenance, store.runtime.settings.receipt_ttl
        )
        self.machines = known_machines(machine, machines)
        self._as_data = as_data(machine)
        self._inflight = InFlight("the persister", within=store.runtime.inflight)

    def drain(self, timeout: float = 10.0) -> bool:
        """Take no new calls, and wait up to *timeout* seconds for those under way; return whether all ended.

        The store and its other persisters go on; calls that come later get a StoreError.
        """
        return self._inflight.drain(timeout)

    # Moves

    def start(
        self,
        governor_id: str,
        state_id: str,
        data: DataT | Mapping[str, Any] | None = None,
        *,
        depends_on: Iterable[str] = (),
        metadata: ChangeMetadata | None = None,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
    ) -> TransitionResult[DataT]:
        """Create a state in the machine's initial status.

        Args:
            depends_on: States of the same governor, whatever machines drive them. When one of them enters a status
                that this machine's ``on_dependency`` names, the new state reacts in the same commit; to one that
                already is in such a status, it reacts at once, by a second event: then the result has the event of
                the start, and the snapshot as the reaction left it. Only a later start can change it.

        Raises:
            StateExistsError: It is there already. (A deleted one is created again, with the next version.)
            StateNotFoundError: A state in *depends_on* does not exist, or is deleted.
            DependencyCycleError: The state would depend on itself, at once or through others.
        """
        call = self._call(governor_id, state_id, metadata, None, idempotency_key)
        change = start_change(call, self.require_machine(), {} if data is None else data, depends_on)
        return self._apply(change, timeout)

    def transition(
        self,
        governor_id: str,
        state_id: str,
        action: str,
        payload: object = None,
        *,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
        metadata: ChangeMetadata | None = None,
        lock: Lock | LockSet | None = None,
        error: str | Keep | None = KEEP,
        timeout: Timeout = None,
    ) -> TransitionResult[DataT]:
        """Move a state by *action*, in one commit with its event.

        Guard and reducer run on the state read; on a conflict they run again on the fresh state.

        Where the state enters another status, the states that depend on it react in the same commit, as their
        machines' ``on_dependency`` says, and then those that depend on them, each once. One whose machine does not
        allow the reaction as it stands is left as it is, and so is what depends on it alone. (Other changes than
        ``start`` and ``transition``, such as ``log_transition``, ``rollback`` or ``save_state``, move nothing else.)

        Args:
            payload: JSON-like; goes to guard and reducer and into the event.
            expected_version: Move only from this version; without it a conflict is retried.
            idempotency_key: Makes the move once, however often it is asked for.
            lock: Guards the move: its lease goes with the commit, which renews it, and which the store refuses when
                the lock was taken over meanwhile.
            error: Sets ``last_error``, clears it (None), or keeps it.

        Raises:
            StateNotFoundError: The state does not exist, or is deleted.
            TransitionNotAllowedError: The machine has no such move from its status, or its guards refuse.
            VersionConflictError: The state is not at *expected_version*.
            IdempotencyMismatchError: The key was used for another request.
            LockLostError, FencedOutError: *lock* cannot be trusted any more, or the store refused it.
            DependentMachineError: A dependent that may have to react is driven by a machine that is not known here.
            DocumentTooLargeError: The move and what follows from it are larger than one commit; nothing was sent.
            OutcomeUnknownError: The deadline passed while the store may or may not have applied it.
        """
        call = self._call(governor_id, state_id, metadata, expected_version, idempotency_key)
        return self._apply(transition_change(call, self.require_machine(), action, payload, error), timeout, lock)

    def transition_many(
        self, requests: Iterable[TransitionRequest], *, timeout: Timeout = None
    ) -> list[TransitionResult[DataT] | TaiStateError]:
        """Make several moves in order; each stands or fails alone. ``timeout`` bounds each."""
        outcomes: list[TransitionResult[DataT] | TaiStateError] = []
        for request in requests:
            try:
                outcomes.append(
                    self.transition(
                        request.governor_id,
                        request.state_id,
                        request.action,
                        request.payload,
                        expected_version=request.expected_version,
                        idempotency_key=request.idempotency_key,
                        metadata=request.metadata,
                        error=request.error,
                        timeout=timeout,
                    )
                )
            except TaiStateError as error:
                outcomes.append(error)
        return outcomes

    def log_transition(
        self,
        governor_id: str,
        state_id: str,
        action: str,
        *,
        to_status: str,
        data: object,
        expected_version: int | None = None,
        timestamp: datetime | None = None,
        metadata: ChangeMetadata | None = None,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
    ) -> TransitionResult[DataT]:
        """Record a move that was decided elsewhere; no machine is asked, and an absent state is created.

        What depends on the state stays as it is.

        Args:
            timestamp: When it happened; not before the state's last change. None: now.
        """
        call = self._call(governor_id, state_id, metadata, expected_version, idempotency_key)
        return self._apply(log_change(call, action, to_status, data, timestamp), timeout)

    def rollback(
        self,
        governor_id: str,
        state_id: str,
        to_version: int,
        metadata: ChangeMetadata | None = None,
        *,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
    ) -> TransitionResult[DataT]:
        """Make a new version with the status, data and last_error of *to_version*; nothing is erased.

        The state keeps its dependencies, a deleted one those that it had, and what depends on it stays as it is.

        Raises:
            StateNotFoundError: The state never existed.
            VersionNotFoundError: It never had *to_version*.
            InvalidDataError: That version was a deletion.
        """
        call = self._call(governor_id, state_id, metadata, expected_version, idempotency_key)
        check_version(to_version, "to_version")
        deadline = self.store.runtime.access.begin(timeout)
        with self._inflight.one():
            old = self.store.runtime.writer.event(call.paths, to_version, deadline)
        if old is None:
            record = self.store.runtime.record(call.paths, timeout)
            if record is None:
                raise StateNotFoundError(governor_id, state_id)
            raise VersionNotFoundError(governor_id, state_id, to_version, record.version)
        return self._apply(rollback_change(call, old), timeout)

    def outcome(self, error: OutcomeUnknownError, *, timeout: Timeout = None) -> TransitionResult[DataT] | None:
        """Return what became of a change whose outcome was unknown; None when it is not in the store.

        While the first attempt may still be on its way (seconds, not minutes), None is not final: retrying with
        the same idempotency key is.
        """
        if error.version is None:
            return None
        paths = state_layout(error.governor_id, error.state_id)
        with self._inflight.one():
            event = self.store.runtime.writer.event(
                paths, error.version, self.store.runtime.access.begin(timeout)
            )
        if event is None or event.transition_id != error.transition_id:
            return None
        return self.result(Applied(event, event.state()))

    # Reads

    def load_state(self, governor_id: str, state_id: str, *, timeout: Timeout = None) -> LoadedState[DataT]:
        """Return the state; rebuilt from snapshots and events when its document is missing or damaged.

        Nothing is written.

        Raises:
            StateNotFoundError: It never existed, or is deleted.
            CorruptLogError: It cannot be rebuilt either.
        """
        paths = state_layout(governor_id, state_id)
        record = self._sound_head(paths, timeout)
        recovered = record is None
        if record is None:
            with self._inflight.one():
                record = self.store.runtime.history.rebuild(paths, timeout=timeout)
            # Created in the meantime, it was never missing.
            found = self._sound_head(paths, timeout)
            record, recovered = (record, True) if found is None else (found, False)
        if record is None or record.deleted:
            raise StateNotFoundError(governor_id, state_id, deleted=record is not None)
        loaded: LoadedState[DataT] = LoadedState.trusted(snapshot=record.public(self._as_data), recovered=recovered)
        return loaded

    def replay(
        self,
        governor_id: str,
        state_id: str,
        *,
        until_version: int | None = None,
        until_time: datetime | None = None,
        timeout: Timeout = None,
    ) -> StateSnapshot[DataT]:
        """Fold the state's events, trusting none of them, and return the state reached.

        Each event must follow from the one before, match its hash, and come out the same when this
        persister's machine is run again.

        Args:
            until_version: Stop behind this version.
            until_time: Stop at the last version before the first event later than this.
            timeout: Bounds each page that is read.

        Raises:
            StateNotFoundError: There is no event up to there.
            VersionNotFoundError: The state never had *until_version*.
            CorruptLogError: An event is missing, damaged, or does not follow.
            ReplayError: The machine makes something else of an event.
        """
        paths = state_layout(governor_id, state_id)
        if until_version is not None:
            check_version(until_version, "until_version")
        until = None if until_time is None else check_time(until_time, "until_time")
        head = self._sound_head(paths, timeout)
        last = head.version if head is not None else None
        if last is not None and until_version is not None and until_version > last:
            raise VersionNotFoundError(governor_id, state_id, until_version, last)
        with self._inflight.one():
            reached = self.store.runtime.history.replay(
                paths,
                until_version=last if until_version is None else until_version,
                until_time=until,
                rerun=rerun_of(self.machine),
                timeout=timeout,
            )
        if head is not None and reached.version == head.version:
            check_reached(head, reached)
        return reached.public(self._as_data)

    def _sound_head(self, paths: StateLayout, timeout: Timeout) -> StateRecord | None:
        """Return the state document's record; None when it is missing or damaged."""
        with self._inflight.one():
            try:
                return self.store.runtime.record(paths, timeout)
            except CorruptLogError:
                return None

    def history(self, governor_id: str, state_id: str, *, timeout: Timeout = None) -> Iterator[Event[DataT]]:
        """Iterate over the state's events, in version order.

        Raises:
            StateNotFoundError: It never had one.
        """
        paths = state_layout(governor_id, state_id)
        found = False
        for event in self._inflight.reading(self.store.runtime.history.events(paths, timeout=timeout)):
            found = True
            yield event.public(self._as_data)
        if not found:
            raise StateNotFoundError(governor_id, state_id)

    def validate_consistency(self, governor_id: str, *, timeout: Timeout = None) -> ConsistencyReport:
        """Check every state of a governor against the fold of its events; changes nothing."""
        with self._inflight.one():
            return Verifier(self.store.runtime.access).check(governor_id, rerun_of(self.machine), timeout)

    # Snapshots

    def create_snapshot(
        self, governor_id: str, state_id: str, *, timeout: Timeout = None
    ) -> StateSnapshot[DataT]:
        """Keep a snapshot of the state as it is now, and return it; the version stays.

        Raises:
            StateNotFoundError: The state never existed.
        """
        paths = state_layout(governor_id, state_id)
        with self._inflight.one():
            record = Snapshots(self.store.runtime.access).create(paths, self.settings, timeout)
        return record.public(self._as_data)

    def list_snapshots(
        self, governor_id: str, state_id: str, *, timeout: Timeout = None
    ) -> Iterator[StateSnapshot[DataT]]:
        """Iterate over the snapshots that are kept, oldest first."""
        paths = state_layout(governor_id, state_id)
        found = Snapshots(self.store.runtime.access).list(paths, timeout)
        for record in self._inflight.reading(found):
            yield record.public(self._as_data)

    # Inside

    def require_machine(self) -> Machine[DataT]:
        """Return the machine.

        Raises:
            ConfigurationError: This persister has none.
        """
        if self.machine is None:
            message = "this persister has no machine; give it one, or use log_transition"
            raise ConfigurationError(message)
        return self.machine

    def _call(
        self,
        governor_id: str,
        state_id: str,
        metadata: ChangeMetadata | None,
        expected_version: int | None,
        idempotency_key: str | None,
    ) -> Call:
        paths = state_layout(governor_id, state_id)
        author = resolve_metadata(metadata, self.store.actor)
        return Call(paths, author, expected_version, idempotency_key, self.config.schema_version)

    def _apply(
        self, change: Change, timeout: Timeout, lock: Lock | LockSet | None = None
    ) -> TransitionResult[DataT]:
        deadline = self.store.runtime.access.begin(timeout)
        with self._inflight.one():
            applied = apply_together(
                self.store,
                self.checked(change),
                deadline,
                settings=self.settings,
                machines=self.machines,
                locks=locks_of(lock),
            )
        return self.result(applied)

    def checked(self, change: Change) -> Change:
        """Return *change* with its outcome held against the machine's data type before it is written.

        Raises:
            StoreError: This persister is drained.
        """
        self._inflight.check()
        if self.machine is None or self.machine.data_type is None:
            return change
        return replace(change, decide=fitting(change.decide, self._as_data))

    def result(self, applied: Applied) -> TransitionResult[DataT]:
        """Return what a user sees of a change."""
        result: TransitionResult[DataT] = TransitionResult.trusted(
            event=applied.event.public(self._as_data),
            snapshot=applied.record.public(self._as_data),
            replayed=applied.replayed,
        )
        return result
