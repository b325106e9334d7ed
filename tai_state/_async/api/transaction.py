"""What the body of a transaction reads and writes with."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tai_state._async.api.persister import AsyncStateMachinePersister
from tai_state._async.transactions.attempt import AsyncAttempt
from tai_state.authors import author_of
from tai_state.errors import ConfigurationError, InvalidDataError, StateNotFoundError, UnsupportedOperationError
from tai_state.layout import check_id, state_layout
from tai_state.models import KEEP, BatchResult, ChangeMetadata, DataT, Keep, StateSnapshot, TransitionResult
from tai_state.rules.commits.change import Change, Settings
from tai_state.rules.commits.kinds import (
    Call,
    delete_change,
    log_change,
    save_change,
    start_change,
    transition_change,
    update_change,
)


def _same(value: Any) -> Any:
    return value


def _check_mapping(states: object) -> None:
    if not isinstance(states, Mapping):
        message = f"must be a mapping of state ids to data, not {type(states).__name__}"
        raise InvalidDataError(message, path="states")


class AsyncTransaction:
    """What a body reads and writes with. It lives as long as one attempt of the body.

    Reads see the writes that the body made before. Nothing is locked, and nothing is written before the body
    has ended. Every method raises StaleReadError once something that was read has changed (then the body is run
    again, whatever it makes of the error), and StoreError after the body has ended.
    """

    def __init__(self, attempt: AsyncAttempt) -> None:
        """Read and write in *attempt*; managers make transactions."""
        self._attempt = attempt

    @property
    def transaction_id(self) -> str:
        """Under which ``get_transaction`` finds the record once it is committed; the same in every attempt."""
        return self._attempt.transaction_id

    async def get_state(self, governor_id: str, state_id: str) -> tuple[StateSnapshot, int]:
        """Return the state and its version, the body's own writes included.

        Raises:
            StateNotFoundError: It does not exist, or is deleted.
        """
        (record,) = await self._attempt.records([state_layout(governor_id, state_id)])
        if record is None or record.deleted:
            raise StateNotFoundError(governor_id, state_id, deleted=record is not None)
        return record.public(_same), record.version

    async def find_state(self, governor_id: str, state_id: str) -> StateSnapshot | None:
        """Return the state, the body's own writes included; None when it does not exist, or is deleted."""
        (record,) = await self._attempt.records([state_layout(governor_id, state_id)])
        return None if record is None or record.deleted else record.public(_same)

    async def batch_get_states(self, governor_id: str, state_ids: Iterable[str]) -> BatchResult:
        """Return several states of a governor in one request, the body's own writes included."""
        if isinstance(state_ids, str):
            message = "must be several ids, not one str"
            raise InvalidDataError(message, path="state_ids")
        check_id(governor_id, "governor_id")
        wanted = [state_layout(governor_id, state_id) for state_id in dict.fromkeys(state_ids)]
        found: dict[str, StateSnapshot] = {}
        missing: list[str] = []
        for paths, record in zip(wanted, await self._attempt.records(wanted), strict=True):
            if record is None or record.deleted:
                missing.append(paths.state_id)
            else:
                found[paths.state_id] = record.public(_same)
        return BatchResult.model_construct(found=found, missing=missing)

    async def save_state(
        self,
        governor_id: str,
        state_id: str,
        data: object,
        metadata: ChangeMetadata | None = None,
        *,
        status: str | None = None,
        expected_version: int | None = None,
    ) -> int:
        """Create the state or replace its data with the commit; return the version that it will have.

        Raises:
            VersionConflictError: The state is not at *expected_version*.
            InvalidDataError, InvalidIdError: Something cannot be stored.
            UnsupportedOperationError: The transaction is read-only; so it is for every method that writes.
        """
        call = self._call(governor_id, state_id, metadata, expected_version)
        return await self._version(save_change(call, data, status))

    async def save_states(
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
        await self._attempt.records([call.paths for call in calls.values()])
        return {state_id: await self._version(change) for state_id, change in changes.items()}

    async def update_state(
        self,
        governor_id: str,
        state_id: str,
        data: object,
        expected_version: int,
        metadata: ChangeMetadata | None = None,
    ) -> int:
        """Replace the data of a state with the commit; return the version that it will have.

        Raises:
            StateNotFoundError: The state does not exist, or is deleted.
            VersionConflictError: It is at another version.
        """
        call = self._call(governor_id, state_id, metadata, expected_version)
        return await self._version(update_change(call, data))

    async def delete_state(
        self,
        governor_id: str,
        state_id: str,
        expected_version: int | None = None,
        metadata: ChangeMetadata | None = None,
    ) -> int:
        """Delete a state with the commit; return the version of its tombstone.

        Raises:
            StateNotFoundError: The state does not exist, or is deleted.
            VersionConflictError: It is at another version than *expected_version*.
        """
        call = self._call(governor_id, state_id, metadata, expected_version)
        return await self._version(delete_change(call))

    async def start(
        self,
        persister: AsyncStateMachinePersister[DataT],
        governor_id: str,
        state_id: str,
        data: DataT | Mapping[str, Any] | None = None,
        *,
        depends_on: Iterable[str] = (),
        metadata: ChangeMetadata | None = None,
    ) -> TransitionResult[DataT]:
        """Create a state in the initial status of *persister*'s machine with the commit.

        Args:
            depends_on: As for ``AsyncStateMachinePersister.start``; states that this body started are there, too.

        Raises:
            StateExistsError: It is there already.
            StateNotFoundError, DependencyCycleError: *depends_on* names a state that is not there, or makes a cycle.
        """
        call = self._call(governor_id, state_id, metadata, None, persister)
        change = start_change(call, persister.require_machine(), {} if data is None else data, depends_on)
        return await self._move(persister, change)

    async def transition(
        self,
        persister: AsyncStateMachinePersister[DataT],
        governor_id: str,
        state_id: str,
        action: str,
        payload: object = None,
        *,
        expected_version: int | None = None,
        metadata: ChangeMetadata | None = None,
        error: str | Keep | None = KEEP,
    ) -> TransitionResult[DataT]:
        """Move a state through the machine of *persister* with the commit; several moves make several events.

        What depends on the state reacts as it does to ``AsyncStateMachinePersister.transition``, with the same commit.

        Raises:
            StateNotFoundError: The state does not exist, or is deleted.
            TransitionNotAllowedError: The machine has no such move from its status, or its guards refuse.
            VersionConflictError: The state is not at *expected_version*.
            DependentMachineError: A dependent's machine is not known to *persister*.
            ConfigurationError: *persister* has no machine, or moves the states of another store.
        """
        call = self._call(governor_id, state_id, metadata, expected_version, persister)
        change = transition_change(call, persister.require_machine(), action, payload, error)
        return await self._move(persister, change)

    async def log_transition(
        self,
        persister: AsyncStateMachinePersister[DataT],
        governor_id: str,
        state_id: str,
        action: str,
        *,
        to_status: str,
        data: object,
        payload: object = None,
        expected_version: int | None = None,
        timestamp: datetime | None = None,
        occurred_at: datetime | None = None,
        metadata: ChangeMetadata | None = None,
        error: str | Keep | None = KEEP,
    ) -> TransitionResult[DataT]:
        """Record a move that was decided elsewhere with the commit; several of one state make several events.

        Arguments as for ``AsyncStateMachinePersister.log_transition``.

        Raises:
            InvalidDataError: Something cannot be stored, or *timestamp* is not between the last event and now.
            VersionConflictError: The state is not at *expected_version*, the body's own moves included.
            ConfigurationError: *persister* moves the states of another store.
        """
        call = self._call(governor_id, state_id, metadata, expected_version, persister)
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
        return await self._move(persister, change)

    async def _move(self, persister: AsyncStateMachinePersister[DataT], change: Change) -> TransitionResult[DataT]:
        applied = await self._attempt.write(persister.checked(change), persister.settings, persister.machines)
        return persister.result(applied)

    async def _version(self, change: Change) -> int:
        settings: Settings = self._attempt.runtime.settings
        return (await self._attempt.write(change, settings)).event.version

    def _call(
        self,
        governor_id: str,
        state_id: str,
        metadata: ChangeMetadata | None,
        expected_version: int | None,
        persister: AsyncStateMachinePersister[DataT] | None = None,
    ) -> Call:
        runtime = self._attempt.runtime
        if self._attempt.read_only:
            message = "a read_only transaction writes nothing"
            raise UnsupportedOperationError(message)
        if persister is not None and persister.store.runtime.access.backend is not runtime.access.backend:
            message = "the persister moves the states of another store than the transaction's"
            raise ConfigurationError(message)
        author = author_of(metadata, runtime.actor)
        schema_version = 1 if persister is None else persister.config.schema_version
        return Call(state_layout(governor_id, state_id), author, expected_version, None, schema_version)


class AsyncGovernorTransaction:
    """A transaction with one governor bound: the same methods, without their first id."""

    def __init__(self, tx: AsyncTransaction, governor_id: str) -> None:
        """Bind *governor_id*."""
        self._tx = tx
        self.governor_id = governor_id

    @property
    def transaction_id(self) -> str:
        """See ``AsyncTransaction.transaction_id``."""
        return self._tx.transaction_id

    async def get_state(self, state_id: str) -> tuple[StateSnapshot, int]:
        """See ``AsyncTransaction.get_state``."""
        return await self._tx.get_state(self.governor_id, state_id)

    async def find_state(self, state_id: str) -> StateSnapshot | None:
        """See ``AsyncTransaction.find_state``."""
        return await self._tx.find_state(self.governor_id, state_id)

    async def batch_get_states(self, state_ids: Iterable[str]) -> BatchResult:
        """See ``AsyncTransaction.batch_get_states``."""
        return await self._tx.batch_get_states(self.governor_id, state_ids)

    async def save_state(
        self,
        state_id: str,
        data: object,
        metadata: ChangeMetadata | None = None,
        *,
        status: str | None = None,
        expected_version: int | None = None,
    ) -> int:
        """See ``AsyncTransaction.save_state``."""
        return await self._tx.save_state(
            self.governor_id, state_id, data, metadata, status=status, expected_version=expected_version
        )

    async def save_states(
        self, states: Mapping[str, object], metadata: ChangeMetadata | None = None, *, status: str | None = None
    ) -> dict[str, int]:
        """See ``AsyncTransaction.save_states``."""
        return await self._tx.save_states(self.governor_id, states, metadata, status=status)

    async def update_state(
        self, state_id: str, data: object, expected_version: int, metadata: ChangeMetadata | None = None
    ) -> int:
        """See ``AsyncTransaction.update_state``."""
        return await self._tx.update_state(self.governor_id, state_id, data, expected_version, metadata)

    async def delete_state(
        self, state_id: str, expected_version: int | None = None, metadata: ChangeMetadata | None = None
    ) -> int:
        """See ``AsyncTransaction.delete_state``."""
        return await self._tx.delete_state(self.governor_id, state_id, expected_version, metadata)

    async def start(
        self,
        persister: AsyncStateMachinePersister[DataT],
        state_id: str,
        data: DataT | Mapping[str, Any] | None = None,
        *,
        depends_on: Iterable[str] = (),
        metadata: ChangeMetadata | None = None,
    ) -> TransitionResult[DataT]:
        """See ``AsyncTransaction.start``."""
        return await self._tx.start(
            persister, self.governor_id, state_id, data, depends_on=depends_on, metadata=metadata
        )

    async def transition(
        self,
        persister: AsyncStateMachinePersister[DataT],
        state_id: str,
        action: str,
        payload: object = None,
        *,
        expected_version: int | None = None,
        metadata: ChangeMetadata | None = None,
        error: str | Keep | None = KEEP,
    ) -> TransitionResult[DataT]:
        """See ``AsyncTransaction.transition``."""
        return await self._tx.transition(
            persister,
            self.governor_id,
            state_id,
            action,
            payload,
            expected_version=expected_version,
            metadata=metadata,
            error=error,
        )

    async def log_transition(
        self,
        persister: AsyncStateMachinePersister[DataT],
        state_id: str,
        action: str,
        *,
        to_status: str,
        data: object,
        payload: object = None,
        expected_version: int | None = None,
        timestamp: datetime | None = None,
        occurred_at: datetime | None = None,
        metadata: ChangeMetadata | None = None,
        error: str | Keep | None = KEEP,
    ) -> TransitionResult[DataT]:
        """See ``AsyncTransaction.log_transition``."""
        return await self._tx.log_transition(
            persister,
            self.governor_id,
            state_id,
            action,
            to_status=to_status,
            data=data,
            payload=payload,
            expected_version=expected_version,
            timestamp=timestamp,
            occurred_at=occurred_at,
            metadata=metadata,
            error=error,
        )
