"""A saga as its runner tells of it."""

from datetime import datetime
from typing import Any, Literal, TypeAlias

from tai_state.models.states import Model

SagaStatus: TypeAlias = Literal["running", "completed", "compensating", "compensated", "compensation_failed"]


class SagaError(Model, frozen=True):
    """That an attempt at a step failed.

    Attributes:
        phase: Which of the step's functions: "action" or "compensation".
        attempt: The which, from 1 on.
        error: The type and text of what it raised, or why it has no outcome.
        is_final: Whether it was not tried again.
    """

    step: str
    phase: Literal["action", "compensation"]
    attempt: int
    error: str
    is_final: bool


class SagaStep(Model, frozen=True):
    """A step of a saga, and where it stands.

    Attributes:
        stage: "waiting" (its action is to be run), "begun" (it runs), "finished", "failed" or "unknown" (nobody knows
            whether it did anything); then "compensating" (its compensation runs), "compensated" or
            "compensation_failed".
        attempts: How often what it is at was begun.
    """

    name: str
    stage: str
    attempts: int


class SagaState(Model, frozen=True):
    """A saga: what was asked for, how far it has come, and what became of it.

    Attributes:
        saga: The name of its definition.
        step: The step that is under way, or next; None: it has ended.
        results: What the actions that finished have returned, by step.
        errors: Every error of a step that was not tried again, and the newest of those that were.
        reason: Why it was asked to turn back; None: it was not.
        last_error: That of the last step that failed; None: none has.
        due_at: When it goes on, or when its worker's lease ends, by the store's clock; None: it has ended.
        version: Of its state: how many events it has.
        fingerprint: Of the definition by which it goes on.
        created_at, changed_at: When it was started, and moved last, by the clocks of those who did.
    """

    governor_id: str
    saga_id: str
    saga: str
    status: SagaStatus
    step: str | None
    data: Any
    results: dict[str, Any]
    errors: list[SagaError]
    steps: list[SagaStep]
    reason: str | None = None
    last_error: str | None = None
    due_at: datetime | None = None
    version: int
    fingerprint: str
    created_at: datetime
    changed_at: datetime
