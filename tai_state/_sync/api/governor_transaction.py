# Generated from tai_state/_async/api/governor_transaction.py by .ci/generate_sync.py; do not edit.
"""A transaction with one governor bound."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tai_state.models import KEEP, DataT, DeletedVersion, Keep

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from tai_state._sync.api.persister import StateMachinePersister
    from tai_state._sync.api.transaction import Transaction
    from tai_state.models import BatchResult, ChangeMetadata, StateSnapshot, TransitionResult


class GovernorTransaction:
    """A transaction with one governor bound: the same methods, without their first id."""

    def __init__(self, tx: Transaction, governor_id: str) -> None:
        """Bind *governor_id*."""
        self._tx = tx
        self.governor_id = governor_id

    @property
    def transaction_id(self) -> str:
        """See ``Transaction.transaction_id``."""
        return self._tx.transaction_id

    def get_state(self, state_id: str) -> tuple[StateSnapshot, int]:
        """See ``Transaction.get_state``."""
        return self._tx.get_state(self.governor_id, state_id)

    def find_state(self, state_id: str) -> StateSnapshot | None:
        """See ``Transaction.find_state``."""
        return self._tx.find_state(self.governor_id, state_id)

    def batch_get_states(self, state_ids: Iterable[str]) -> BatchResult:
        """See ``Transaction.batch_get_states``."""
        return self._tx.batch_get_states(self.governor_id, state_ids)

    def save_state(
        self,
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
        """See ``Transaction.save_state``."""
        return self._tx.save_state(
            self.governor_id,
            state_id,
            data,
            metadata,
            status=status,
            labels=labels,
            expected_version=expected_version,
            expected_status=expected_status,
            force=force,
        )

    def save_states(
        self, states: Mapping[str, object], metadata: ChangeMetadata | None = None, *, status: str | None = None
    ) -> dict[str, int]:
        """See ``Transaction.save_states``."""
        return self._tx.save_states(self.governor_id, states, metadata, status=status)

    def update_state(
        self,
        state_id: str,
        data: object,
        expected_version: int,
        metadata: ChangeMetadata | None = None,
        *,
        labels: Mapping[str, str | None] | None = None,
        expected_status: str | None = None,
        force: bool = False,
    ) -> int:
        """See ``Transaction.update_state``."""
        return self._tx.update_state(
            self.governor_id,
            state_id,
            data,
            expected_version,
            metadata,
            labels=labels,
            expected_status=expected_status,
            force=force,
        )

    def delete_state(
        self,
        state_id: str,
        expected_version: int | None = None,
        metadata: ChangeMetadata | None = None,
        *,
        expected_status: str | None = None,
        missing_ok: bool = False,
    ) -> DeletedVersion:
        """See ``Transaction.delete_state``."""
        return self._tx.delete_state(
            self.governor_id,
            state_id,
            expected_version,
            metadata,
            expected_status=expected_status,
            missing_ok=missing_ok,
        )

    def start(
        self,
        persister: StateMachinePersister[DataT],
        state_id: str,
        data: DataT | Mapping[str, Any] | None = None,
        *,
        depends_on: Iterable[str] = (),
        labels: Mapping[str, str | None] | None = None,
        metadata: ChangeMetadata | None = None,
    ) -> TransitionResult[DataT]:
        """See ``Transaction.start``."""
        return self._tx.start(
            persister, self.governor_id, state_id, data, depends_on=depends_on, labels=labels, metadata=metadata
        )

    def transition(
        self,
        persister: StateMachinePersister[DataT],
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
        """See ``Transaction.transition``."""
        return self._tx.transition(
            persister,
            self.governor_id,
            state_id,
            action,
            payload,
            expected_version=expected_version,
            expected_status=expected_status,
            labels=labels,
            metadata=metadata,
            error=error,
        )

    def update_status(
        self,
        persister: StateMachinePersister[DataT],
        state_id: str,
        status: str,
        *,
        payload: object = None,
        expected_version: int | None = None,
        expected_status: str | None = None,
        metadata: ChangeMetadata | None = None,
        error: str | Keep | None = KEEP,
    ) -> TransitionResult[DataT]:
        """See ``Transaction.update_status``."""
        return self._tx.update_status(
            persister,
            self.governor_id,
            state_id,
            status,
            payload=payload,
            expected_version=expected_version,
            expected_status=expected_status,
            metadata=metadata,
            error=error,
        )

    def log_transition(
        self,
        persister: StateMachinePersister[DataT],
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
        """See ``Transaction.log_transition``."""
        return self._tx.log_transition(
            persister,
            self.governor_id,
            state_id,
            action,
            to_status=to_status,
            data=data,
            payload=payload,
            labels=labels,
            expected_version=expected_version,
            expected_status=expected_status,
            timestamp=timestamp,
            occurred_at=occurred_at,
            metadata=metadata,
            error=error,
            force=force,
        )
