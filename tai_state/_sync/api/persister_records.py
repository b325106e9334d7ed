# Generated from tai_state/_async/api/persister_records.py by .ci/generate_sync.py; do not edit.
"""What a persister writes past its machine: moves that were decided elsewhere, and the way back."""
from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

from tai_state._sync.api.persister_upkeep import PersisterUpkeep
from tai_state._sync.commits.writer import Applied
from tai_state._sync.locking.guarding import guarding
from tai_state.authors import author_of
from tai_state.errors import ConfigurationError
from tai_state.layout import check_governor_id, check_id, layouts_told, state_layout
from tai_state.models import KEEP, DataT, Keep
from tai_state.rules.commits.change import Replay
from tai_state.rules.commits.labelling import labelled
from tai_state.rules.commits.plain import log_change, rollback_change
from tai_state.rules.commits.receipts import live_receipt
from tai_state.rules.records.arguments import check_version

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tai_state._sync.locking.lock import Lock
    from tai_state._sync.locking.lock_set import LockSet
    from tai_state._sync.recovery.verify import Progress
    from tai_state.clock import Span, TimeLimit
    from tai_state.errors import OutcomeUnknownError
    from tai_state.machine import ForeignMachine, Machine
    from tai_state.models import ChangeMetadata, MigrationReport, RecoveryReport, TransitionResult
    from tai_state.rules.commits.change import Change
    from tai_state.rules.commits.kinds import Call


class PersisterRecords(PersisterUpkeep[DataT]):
    """The part of a persister that records, goes back, and tells what became of a change.

    How a change is written says the persister itself, next to its moves.
    """

    def log_transition(
        self,
        governor_id: str,
        state_id: str,
        action: str,
        *,
        to_status: str,
        data: object,
        payload: object = None,
        labels: Mapping[str, str | None] | None = None,
        expected_version: int | None = None,
        expected_status: str | None = None,
        timestamp: datetime | None = None,
        occurred_at: datetime | None = None,
        metadata: ChangeMetadata | None = None,
        idempotency_key: str | None = None,
        lock: Lock | LockSet | None = None,
        error: str | Keep | None = KEEP,
        force: bool = False,
        timeout: TimeLimit = None,
    ) -> TransitionResult[DataT]:
        """Record a move that was decided elsewhere; an absent state is created.

        No machine makes the move, but one that moved the state is not passed by: its statuses are those it has, and
        nothing leaves a terminal one. A persister that does not know that machine records no other status. What
        depends on the state stays as it is.

        Args:
            payload: What came with the action, JSON-like; goes into the event.
            labels: Sets these, and takes those away whose value is None; the others stay. See ``save_state``.
            timestamp: The event's own time; not before the state's last change, and not later than the store's
                clock, since times never fall within a state. None: now.
            occurred_at: When it happened, where that is another time; kept in the event, and free: before other
                events, or in the future. No replay reads it.
            lock: Guards the change, as for ``transition``.
            error: Sets ``last_error``, clears it (None), or keeps it.
            force: Record it whatever the machine says of status and data; needs a reason, in *metadata* or a
                ``change_context``.

        Raises:
            InvalidDataError: Something cannot be stored, *timestamp* is not between those two, or the data does not
                fit the machine's ``data_type``.
            TransitionNotAllowedError: The machine that moved the state does not have *to_status*, or lets nothing
                out of the status it is in; or it is not known here.
            VersionConflictError, StatusConflictError: The state is not as expected.
        """
        call = self._call(
            governor_id,
            state_id,
            metadata,
            expected_version,
            idempotency_key,
            expected_status=expected_status,
            force=force,
        )
        change = log_change(
            call,
            action,
            to_status,
            data,
            payload=payload,
            error=error,
            timestamp=timestamp,
            occurred_at=occurred_at,
            machine=self.machine,
        )
        return self._write(change if labels is None else labelled(change, labels), timeout, lock)

    def rollback(
        self,
        governor_id: str,
        state_id: str,
        to_version: int,
        metadata: ChangeMetadata | None = None,
        *,
        expected_version: int | None = None,
        expected_status: str | None = None,
        idempotency_key: str | None = None,
        lock: Lock | LockSet | None = None,
        force: bool = False,
        timeout: TimeLimit = None,
    ) -> TransitionResult[DataT]:
        """Make a new version with the status, data and last_error of *to_version*; nothing is erased.

        So is a snapshot restored: where the event of its version is gone, the snapshot tells what was.

        The state keeps its dependencies, a deleted one those that it had, and what depends on it stays as it is.

        Args:
            force: Go back whatever the machine says of status and data; needs a reason, in *metadata* or a
                ``change_context``.

        Raises:
            StateNotFoundError: The state never existed.
            VersionNotFoundError: It never had *to_version*.
            InvalidDataError: That version was a deletion, or its data does not fit the machine's ``data_type``.
            TransitionNotAllowedError: The machine that moved the state does not have that status, or lets nothing
                out of the status it is in; or it is not known here.
            SchemaVersionError: That data is of a newer schema than this persister's.
            VersionConflictError, StatusConflictError: The state is not as expected.
        """
        call = self._call(
            governor_id,
            state_id,
            metadata,
            expected_version,
            idempotency_key,
            expected_status=expected_status,
            force=force,
        )
        guarding(self._runtime.access, lock)  # What is no lock is refused before anything is read.
        wanted, deadline = check_version(to_version, "to_version"), self._runtime.access.begin(timeout)
        old = self._state_at(call.paths, wanted, deadline)
        return self._write(rollback_change(call, old), deadline, lock)

    def outcome(self, error: OutcomeUnknownError, *, timeout: TimeLimit = None) -> TransitionResult[DataT] | None:
        """Return what became of a change whose outcome was unknown; None when it is not in the store.

        While the first attempt may still be on its way (seconds, not minutes), None is not final: retrying with
        the same idempotency key is.

        Raises:
            HistoryTrimmedError: Its version was trimmed since, and nobody can tell.
        """
        if error.version is None:
            return None
        deadline = self._runtime.access.begin(timeout)
        for paths in layouts_told(error.governor_id, error.state_id):
            with self._inflight.one("outcome", error.governor_id, error.state_id):
                event = self._runtime.history.event(paths, error.version, deadline)
            if event is not None and event.transition_id == error.transition_id:
                # What was not forced fitted when it was written.
                return self.result(Applied(event, event.state()), is_forced=True)
        return None

    def migrate(
        self,
        governor_id: str,
        state_id: str | None = None,
        *,
        dry_run: bool = False,
        progress: Progress | None = None,
        metadata: ChangeMetadata | None = None,
        timeout: TimeLimit = None,
    ) -> MigrationReport:
        """Bring what is stored to this persister's schema: a ``migrate`` event for each state whose data is older.

        So a timeout is armed that its status has gained, since an older definition of the machine moved it there.
        The states that the machine moved last are migrated, by its name; without a machine all of a governor. Status,
        ``last_error`` and dependencies stay, and the data must fit the machine's ``data_type``. What is deleted has no
        data. A state whose data cannot be brought there, or that a newer version of the machine moved, stays as it is,
        and the others are migrated.

        It can be stopped anywhere and called again: what is done is not done twice. It is safe beside live writers,
        whose changes it decides on anew. Those that know the older schema alone are refused from then on.

        Args:
            state_id: Migrate this state alone.
            dry_run: Write nothing, and tell what would be done.
            progress: Called before each state with its governor's id, and its own as stored.
            metadata: Who migrates, and why.
            timeout: Bounds each page that is read, and each change.

        Raises:
            ConfigurationError: This persister has no upcasters, and its machine no timeouts.
            StateNotFoundError: There is no *state_id*, or it is deleted.
            OutcomeUnknownError: The time was over before the store told whether a state is migrated; call it again.
        """
        # Imported here: only a migration needs it.
        from tai_state._sync.recovery.migration import Migration  # noqa: PLC0415
        from tai_state.rules.commits.plain import migrate_change  # noqa: PLC0415

        if not self.schema.upcasters and self.settings.timeouts is None:
            message = "this persister has no upcasters: PersistenceConfig(schema_version=..., upcasters={...})"
            raise ConfigurationError(message)

        def change_of(one: str) -> Change:
            call = self._call(governor_id, one, metadata, None, None)
            return self.checked(migrate_change(call, self.machine))

        runtime = replace(self._runtime, settings=self.settings)
        migration = Migration(
            runtime, self.schema, change_of, progress, timeout, machine=self.machine, is_dry_run=dry_run
        )
        with self._inflight.one("migrate", governor_id, state_id):
            if state_id is None:
                return migration.governor(check_governor_id(governor_id))
            return migration.state(state_layout(governor_id, state_id))

    @abstractmethod
    def checked(self, change: Change) -> Change:
        """Return *change* with its outcome held against the machine before it is written."""

    def result_of(
        self, governor_id: str, state_id: str, idempotency_key: str, *, timeout: TimeLimit = None
    ) -> TransitionResult[DataT] | None:
        """Return what was done to a state under a key; None where nothing was, or the key has been forgotten.

        A key is remembered as long as the store was told when the change was made, a week where it was not told.

        Raises:
            CorruptLogError: The receipt, or the event that it names, is damaged.
        """
        paths, runtime = state_layout(governor_id, state_id), self._runtime
        receipt_path = paths.receipt(check_id(idempotency_key, "idempotency_key"))
        deadline = runtime.access.begin(timeout)
        with self._inflight.one("result_of", governor_id, state_id):
            read = runtime.access.read([receipt_path], deadline)
            receipt = live_receipt(read.get(receipt_path), read.read_time, governor_id, state_id)
            if receipt is None:
                return None
            applied = runtime.writer.replayed(paths, Replay(receipt.version, receipt.transition_id), deadline)
        # What was not forced fitted when it was written.
        return self.result(applied, is_forced=True)

    @abstractmethod
    def require_machine(self) -> Machine[DataT] | ForeignMachine:
        """Return the machine."""

    @abstractmethod
    def _call(
        self,
        governor_id: str,
        state_id: str,
        metadata: ChangeMetadata | None,
        expected_version: int | None,
        idempotency_key: str | None,
        *,
        expected_status: str | None = None,
        force: bool = False,
    ) -> Call:
        """Return what every request of this persister has, checked."""

    @abstractmethod
    def _write(
        self, change: Change, timeout: Span, lock: Lock | LockSet | None = None
    ) -> TransitionResult[DataT]:
        """Make a change, and return what a user sees of it."""

    @abstractmethod
    def result(self, applied: Applied, *, is_forced: bool) -> TransitionResult[DataT]:
        """Return what a user sees of a change that is in the store."""

    def recover(
        self,
        governor_id: str,
        *,
        dry_run: bool = False,
        metadata: ChangeMetadata | None = None,
        timeout: TimeLimit = None,
    ) -> RecoveryReport:
        """Make a governor sound again after a crash or a damage, and tell what was done once it is.

        What ``validate_consistency`` finds is mended where the rest of the log proves what should be there, one commit
        and one record in ``audit`` for each; what nothing determines is copied to ``quarantine`` and told as
        unresolved. Nothing is guessed. It can be stopped anywhere and called again, and is safe beside live writers.

        Args:
            dry_run: Write nothing, and tell what would be done.
            metadata: Who repairs, and why.
            timeout: Bounds each page that is read, and each repair.

        Raises:
            SchemaVersionError: A newer release keeps the store.
        """
        # Imported here: only a recovery needs them.
        from tai_state._sync.recovery.newer import check_not_newer  # noqa: PLC0415
        from tai_state._sync.recovery.recover import Recovery  # noqa: PLC0415
        from tai_state._sync.recovery.repair import Repairer  # noqa: PLC0415
        from tai_state._sync.recovery.unmerged import Unmerged  # noqa: PLC0415
        from tai_state._sync.recovery.verify import Verifier  # noqa: PLC0415
        from tai_state.rules.commits.judging import judge_of  # noqa: PLC0415
        from tai_state.rules.recovery.rerun import rerun_of  # noqa: PLC0415

        runtime = self._runtime
        author = author_of(metadata, runtime.actor)
        judge, rerun = judge_of(self.machines, self.schema), rerun_of(self.machine, self.schema)
        with self._inflight.one("recover", governor_id):
            check_not_newer(runtime.access, timeout)
            verifier = Verifier(runtime.access, judge, rerun, timeout=timeout)
            repairer = Repairer(runtime.access, self.settings, author, timeout, is_dry_run=dry_run)
            unmerged = Unmerged(runtime, author, timeout, is_dry_run=dry_run)
            return Recovery(verifier, repairer, unmerged).governor(check_governor_id(governor_id))
