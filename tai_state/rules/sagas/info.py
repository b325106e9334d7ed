"""A saga as users see it."""

from typing import Any

from tai_state.models.sagas import SagaError, SagaState, SagaStep
from tai_state.rules.records.record import StateRecord
from tai_state.rules.records.trusted import trusted
from tai_state.rules.sagas.progress import ENDED, next_of, results_of


def saga_state(record: StateRecord, governor_id: str) -> SagaState:
    """Return the saga that a state is; *governor_id* is the user's."""
    data: dict[str, Any] = record.data.value()
    following = next_of(data)
    state: SagaState = trusted(
        SagaState,
        governor_id=governor_id,
        saga_id=record.state_id,
        saga=data["saga"],
        status=record.status,
        step=None if following is None else following.step,
        data=data["input"],
        results=results_of(data),
        errors=[_error(error) for error in data["errors"]],
        steps=[_step(step) for step in data["steps"]],
        reason=data["asked"],
        last_error=record.last_error,
        due_at=record.due_at,
        version=record.version,
        fingerprint="" if record.machine is None else record.machine.fingerprint,
        created_at=record.created_at,
        changed_at=record.timestamp,
    )
    return state


def _error(told: dict[str, Any]) -> SagaError:
    error: SagaError = trusted(SagaError, **told)
    return error


def _step(step: dict[str, Any]) -> SagaStep:
    made: SagaStep = trusted(SagaStep, name=step["name"], stage=_stage(step), attempts=step["attempts"])
    return made


def _stage(step: dict[str, Any]) -> str:
    # What an action came to says more than that it runs no more.
    told: str = step["outcome"] if step["stage"] == ENDED else step["stage"]
    return told
