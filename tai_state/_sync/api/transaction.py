# Generated from tai_state/_async/api/transaction.py by .ci/generate_sync.py; do not edit.
"""What the body of a transaction reads and writes with."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tai_state._sync.api.store_changes import deleted_version, missing_version
from tai_state.authors import author_of
from tai_state.codec import Payload
from tai_state.errors import (
    ConfigurationError,
    CorruptLogError,
    InvalidDataError,
    StateNotFoundError,
    UnsupportedOperationError,
)
from tai_state.layout import StateLayout, check_id, state_layout
from tai_state.models import KEEP, BatchResult, DataT, DeletedVersion, Keep
from tai_state.rules.commits.change import Change, Settings
from tai_state.rules.commits.kinds import Call, status_change, transition_change
from tai_state.rules.commits.labelling import labelled
from tai_state.rules.commits.plain import delete_change, log_change, save_change, update_change
from tai_state.rules.commits.starting import start_change

if TYPE_CHECKING:
    from datetime import datetime

    from tai_state._sync.api.persister import StateMachinePersister
    from tai_state._sync.transactions.attempt import Attempt
    from tai_state.models import ChangeMetadata, StateSnapshot, TransitionResult
    from tai_state.rules.commits.change import Change, Head, Settings
    from tai_state.rules.records.record import EventRecord


def _check_mapping(states: object) -> None:
    if not isinstance(states, Mapping):
        message = f"must be a mapping of state ids to data, not {type(states).__name__}"
        raise InvalidDataError(message, path="states")


def _labelled(change: Change, labels: Mapping[str, str | None] | None) -> Change:
    return change if labels is None else labelled(change, labels)


def _snapshot(head: Head) -> StateSnapshot:
    return head.record.public(Payload.value, recovered=head.rebuilt is not None)


class Transaction:
    """What a body reads and writes with. It lives as long as one attempt of the body.

    Reads see the writes that the body made before. Nothing is locked, and nothing is written before the body
    has ended. Every method raises StaleReadError once something that was read has changed (then the body is run
    again, whatever it makes of the error), and StoreError after the body has ended.
    """

    def __init__(self, attempt: Attempt) -> None:
        """Read and write in *attempt*; managers make transactions."""
        self._attempt = attempt

    @property
    def transaction_id(self) -> str:
        """Under which ``get_transaction`` finds the record once it is committed; the same in every attempt."""
        return self._attempt.transaction_id

    def get_state(self, governor_id: str, state_id: str) -> tuple[StateSnapshot, int]:
        """Return the state and its version, the body's own writes included.

        Where its document is missing or damaged, it is rebuilt from snapshots and events, as outside of transactions;
        the snapshot's ``recovered`` says so. A change of it writes the document again, with the commit.

        Raises:
            StateNotFoundError: It does not exist, or is deleted.
            CorruptLogError: It is damaged, and cannot be rebuilt.
        """
        head = self._head(state_layout(governor_id, state_id))
        if head is None or head.record.deleted:
            raise StateNotFoundError(governor_id, state_id, deleted=head is not None and head.record.is_made)
        return _snapshot(head), head.record.version

    def find_state(self, governor_id: str, state_id: str) -> StateSnapshot | None:
        """Return the state, the body's own writes included; None when it does not exist, or is deleted."""
        head = self._head(state_layout(governor_id, state_id))
        return None if head is None or head.record.deleted else _snapshot(head)

    def _head(self, paths: StateLayout) -> Head | None:
        (head,) = self._attempt.heads([paths])
        if isinstance(head, CorruptLogError):
            raise head
        return head

    def batch_get_states(self, governor_id: str, state_ids: Iterable[str]) -> BatchResult:
        """Return several states of a governor in one request, the body's own writes included.

        Those whose documents are missing or damaged are rebuilt as by ``get_state``.
        """
        if isinstance(state_ids, str):
            message = "must be several ids, not one str"
            raise InvalidDataError(message, path="state_ids")
        check_id(governor_id, "governor_id")
        wanted = [state_layout(governor_id, state_id) for state_id in dict.fromkeys(state_ids)]
        found: dict[str, StateSnapshot] = {}
        missing: list[str] = []
        damaged: list[str] = []
        for paths, head in zip(wanted, self._attempt.heads(wanted), strict=True):
            if isinstance(head, CorruptLogError):
                damaged.append(paths.state_id)
            elif head is None or head.record.deleted:
                missing.append(paths.state_id)
            else:
                found[paths.state_id] = _snapshot(head)
        return BatchResult.model_construct(found=found, missing=missing, damaged=damaged)

    def save_state(
        self,
        governor_id: str,
        state_id: str,
        data: object,
        metadata: ChangeMetadata | None = None,
        *,
        status: str | None = None,
        labels: Mapping[str, str | None] | None = None,
        expected_version: int | None = None,
        expected_status: str | None = None,
        force: bool = False,
    ) -> int:
        """Create the state or replace its data with the commit; return the version that it will have.

        Args:
            labels: As for ``StateStore.save_state``.
            force: Set *status* though a machine moves the state; needs a reason.

        Raises:
            VersionConflictError, StatusConflictError: The state is not as expected.
            TransitionNotAllowedError: A machine moves the state, and another *status* was given without *force*.
            InvalidDataError, InvalidIdError: Something cannot be stored.
            UnsupportedOperationError: The transaction is read-only; so it is for every method that writes.
        """
        call = self._call(governor_id, state_id, metadata, expected_version, expected_status, force=force)
        return (self._change(_labelled(save_change(call, data, status), labels))).version

    def save_states(
        self,
        governor_id: str,
        states: Mapping[str, object],
        metadata: ChangeMetadata | None = None,
        *,
        status: str | None = None,
    ) -> dict[str, int]:
        """Do with the data of several states, by id, what ``save_state`` does; return the versions that they will have.

        They are read in one request. Where one cannot be stored, none is kept for the commit.
        """
        _check_mapping(states)
        calls = {state_id: self._call(governor_id, state_id, metadata, None) for state_id in states}
        changes = {state_id: save_change(call, states[state_id], status) for state_id, call in calls.items()}
        self._attempt.read_states([call.paths for call in calls.values()])
        return {state_id: (self._change(change)).version for state_id, change in changes.items()}

    def update_state(
        self,
        governor_id: str,
        state_id: str,
        data: object,
        expected_version: int,
        metadata: ChangeMetadata | None = None,
        *,
        labels: Mapping[str, str | None] | None = None,
        expected_status: str | None = None,
        force: bool = False,
    ) -> int:
        """Replace the data of a state with the commit; return the version that it will have.

        Args:
            labels: As for ``StateStore.save_state``.

        Raises:
            StateNotFoundError: The state does not exist, or is deleted.
            VersionConflictError, StatusConflictError: It is not as expected.
        """
        call = self._call(governor_id, state_id, metadata, expected_version, expected_status, force=force)
        return (self._change(_labelled(update_change(call, data), labels))).version

    def delete_state(
        self,
        governor_id: str,
        state_id: str,
        expected_version: int | None = None,
        metadata: ChangeMetadata | None = None,
        *,
        expected_status: str | None = None,
        missing_ok: bool = False,
    ) -> DeletedVersion:
        """Delete a state with the commit; return the version of its tombstone, which tells what was there.

        Args:
            missing_ok: Whether a state that does not exist, or is deleted, is in order; then nothing is written.

        Raises:
            StateNotFoundError: The state does not exist, or is deleted.
            VersionConflictError, StatusConflictError: It is not as expected.
        """
        call = self._call(governor_id, state_id, metadata, expected_version, expected_status)
        try:
            return deleted_version(self._change(delete_change(call)))
        except StateNotFoundError as error:
            return missing_version(error, missing_ok=missing_ok)

    def start(
        self,
        persister: StateMachinePersister[DataT],
        governor_id: str,
        state_id: str,
        data: DataT | Mapping[str, Any] | None = None,
        *,
        depends_on: Iterable[str] = (),
        labels: Mapping[str, str | None] | None = None,
        metadata: ChangeMetadata | None = None,
    ) -> TransitionResult[DataT]:
        """Create a state in the initial status of *persister*'s machine with the commit.

        Args:
            depends_on: As for ``StateMachinePersister.start``; states that this body started are there, too.
            labels: As for ``StateMachinePersister.start``.

        Raises:
            StateExistsError: It is there already.
            StateNotFoundError, DependencyCycleError: *depends_on* names a state that is not there, or makes a cycle.
        """
        call = self._call(governor_id, state_id, metadata, None, persister=persister)
        change = start_change(call, persister.require_machine(), {} if data is None else data, depends_on)
        return self._move(persister, _labelled(change, labels))

    def transition(
        self,
        persister: StateMachinePersister[DataT],
        governor_id: str,
        state_id: str,
        action: str,
        payload: object = None,
        *,
        expected_version: int | None = None,
        expected_status: str | None = None,
        labels: Mapping[str, str | None] | None = None,
        metadata: ChangeMetadata | None = None,
        error: str | Keep | None = KEEP,
    ) -> TransitionResult[DataT]:
        """Move a state through the machine of *persister* with the commit; several moves make several events.

        What depends on the state reacts as it does to ``StateMachinePersister.transition``, with the same commit.

        Raises:
            StateNotFoundError: The state does not exist, or is deleted.
            TransitionNotAllowedError: The machine has no such move from its status, or its guards refuse.
            VersionConflictError, StatusConflictError: The state is not as expected.
            DependentMachineError: A dependent's machine is not known to *persister*.
            ConfigurationError: *persister* has no machine, or moves the states of another store.
        """
        call = self._call(governor_id, state_id, metadata, expected_version, expected_status, persister=persister)
        change = transition_change(call, persister.require_machine(), action, payload, error)
        return self._move(persister, _labelled(change, labels))

    def update_status(
        self,
        persister: StateMachinePersister[DataT],
        governor_id: str,
        state_id: str,
        status: str,
        *,
        payload: object = None,
        expected_version: int | None = None,
        expected_status: str | None = None,
        metadata: ChangeMetadata | None = None,
        error: str | Keep | None = KEEP,
    ) -> TransitionResult[DataT]:
        """Move a state to *status* with the commit, by the one action of *persister*'s machine that leads there.

        Raises:
            TransitionNotAllowedError: No action leads there, more than one does, or its guards lead elsewhere.
            TaiStateError: As for ``transition``.
        """
        call = self._call(governor_id, state_id, metadata, expected_version, expected_status, persister=persister)
        change = status_change(call, persister.require_machine(), status, payload, error)
        return self._move(persister, change)

    def log_transition(
        self,
        persister: StateMachinePersister[DataT],
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
        error: str | Keep | None = KEEP,
        force: bool = False,
    ) -> TransitionResult[DataT]:
        """Record a move that was decided elsewhere with the commit; several of one state make several events.

        Arguments as for ``StateMachinePersister.log_transition``.

        Raises:
            InvalidDataError: Something cannot be stored, or *timestamp* is not between the last event and now.
            TransitionNotAllowedError: The machine that moved the state would not let it stand there.
            VersionConflictError, StatusConflictError: The state is not as expected, the body's own moves included.
            ConfigurationError: *persister* moves the states of another store.
        """
        call = self._call(
            governor_id, state_id, metadata, expected_version, expected_status, persister=persister, force=force
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
        )
        return self._move(persister, _labelled(change, labels))

    def _move(self, persister: StateMachinePersister[DataT], change: Change) -> TransitionResult[DataT]:
        applied = self._attempt.write(persister.checked(change), persister.settings, persister.machines)
        return persister.result(applied, is_forced=change.force)

    def _change(self, change: Change) -> EventRecord:
        settings: Settings = self._attempt.runtime.settings
        return (self._attempt.write(change, settings)).event

    def _call(
        self,
        governor_id: str,
        state_id: str,
        metadata: ChangeMetadata | None,
        expected_version: int | None,
        expected_status: str | None = None,
        *,
        persister: StateMachinePersister[DataT] | None = None,
        force: bool = False,
    ) -> Call:
        runtime = self._attempt.runtime
        if self._attempt.read_only:
            message = "a read_only transaction writes nothing"
            raise UnsupportedOperationError(message)
        if persister is not None and persister.store.runtime.access.backend is not runtime.access.backend:
            message = "the persister moves the states of another store than the transaction's"
            raise ConfigurationError(message)
        author = author_of(metadata, runtime.actor)
        paths = state_layout(governor_id, state_id)
        if persister is None:
            return Call(paths, author, expected_version, expected_status=expected_status, force=force)
        schema, notice = persister.schema, persister.redefinitions
        return Call(
            paths, author, expected_version, schema=schema, expected_status=expected_status, force=force, notice=notice
        )
