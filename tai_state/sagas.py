"""Sagas: steps that are each done once by their key, or undone in reverse where one of them fails for good.

``Saga("order", [Step("reserve", reserve, release), Step("charge", charge, refund)])`` defines one, and a
``SagaRunner(store, [saga])`` starts sagas and brings them forward, through crashes and across processes. The functions
are given a ``StepContext``: the data, the results so far, and a key that is the same at every attempt. ``SagaState``
is what a runner tells of a saga.
"""

from typing import TYPE_CHECKING

from tai_state.late import late_names

if TYPE_CHECKING:
    from tai_state._async.sagas.context import AsyncStepContext
    from tai_state._async.sagas.runner import AsyncSagaRunner
    from tai_state._sync.sagas.context import StepContext
    from tai_state._sync.sagas.runner import SagaRunner
    from tai_state.models.sagas import SagaError, SagaState, SagaStatus, SagaStep
    from tai_state.rules.sagas.definition import Saga, Step

HOMES: dict[str, tuple[str, ...]] = {
    "tai_state._async.sagas.context": ("AsyncStepContext",),
    "tai_state._async.sagas.runner": ("AsyncSagaRunner",),
    "tai_state._sync.sagas.context": ("StepContext",),
    "tai_state._sync.sagas.runner": ("SagaRunner",),
    "tai_state.models.sagas": ("SagaError", "SagaState", "SagaStatus", "SagaStep"),
    "tai_state.rules.sagas.definition": ("Saga", "Step"),
}
"""The names that each module defines: who works with one colour waits for no other."""

__all__ = [
    "AsyncSagaRunner",
    "AsyncStepContext",
    "Saga",
    "SagaError",
    "SagaRunner",
    "SagaState",
    "SagaStatus",
    "SagaStep",
    "Step",
    "StepContext",
]

if not TYPE_CHECKING:  # A type checker would take it for a promise of any name.
    __getattr__ = late_names(__name__, HOMES)

    def __dir__() -> list[str]:
        """List what has not been imported yet, too."""
        return sorted({*globals(), *__all__})
