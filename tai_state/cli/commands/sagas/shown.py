"""A saga as people see it."""

import json

from tai_state.cli.program.output import moment, record_of, write_one
from tai_state.cli.program.session import Session
from tai_state.sagas import SagaState
from tai_state.values import to_json


def write_saga(session: Session, saga: SagaState) -> None:
    """Write a saga: where it stands, each of its steps, and each error."""
    write_one(_fields_of(saga), as_json=session.as_json, record=record_of(saga))


def _fields_of(saga: SagaState) -> dict[str, object]:
    steps = {f"step {step.name}": _told(step.stage, step.attempts) for step in saga.steps}
    errors = {
        f"error {number}": f"{error.step}, {error.phase}, attempt {error.attempt}: {error.error}"
        for number, error in enumerate(saga.errors, 1)
    }
    return {
        "governor": saga.governor_id,
        "id": saga.saga_id,
        "saga": saga.saga,
        "status": saga.status,
        "due": None if saga.due_at is None else moment(saga.due_at),
        "asked to turn back": saga.reason,
        "created": moment(saga.created_at),
        "changed": moment(saga.changed_at),
        **steps,
        **errors,
        "data": _text(saga.data),
        "results": _text(saga.results),
    }


def _told(stage: str, attempts: int) -> str:
    return f"{stage}, attempt {attempts}" if attempts else stage


def _text(value: object) -> str:
    return json.dumps(json.loads(to_json(value)), ensure_ascii=False)
