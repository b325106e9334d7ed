"""What a recorder's change is made with: a transaction, or one change by itself where it concerns one state alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tai_state import BatchResult, StaleReadError, StateNotFoundError, Transaction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tai_state import StateMachinePersister, StateStore, TransitionResult


class OneChange:
    """Reads one state, and makes one change of it as it was read.

    That is a commit of two documents; a transaction has its record, too.
    """

    def __init__(self, store: StateStore) -> None:
        """Read nothing yet."""
        self._store = store
        self._version = 0

    def batch_get_states(self, governor_id: str, state_ids: Iterable[str]) -> BatchResult:
        """Return the one state.

        Raises:
            StaleReadError: It was deleted: a transaction tells what is to become of it before it is written.
        """
        (state_id,) = state_ids
        try:
            found, self._version = self._store.get_state(governor_id, state_id)
        except StateNotFoundError as error:
            if error.deleted:
                raise StaleReadError(governor_id=governor_id, state_id=state_id) from error
            return BatchResult(found={}, missing=[state_id])
        return BatchResult(found={state_id: found}, missing=[])

    def log_transition(
        self,
        persister: StateMachinePersister[Any],
        governor_id: str,
        state_id: str,
        action: str,
        *,
        to_status: str,
        data: object,
        payload: object = None,
    ) -> TransitionResult[Any]:
        """Record what was decided.

        Raises:
            VersionConflictError: Another writer was faster; nothing was written.
        """
        return persister.log_transition(
            governor_id,
            state_id,
            action,
            to_status=to_status,
            data=data,
            payload=payload,
            expected_version=self._version,
        )


Changes = Transaction | OneChange
