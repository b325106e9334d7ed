# Generated from tai_state/_async/sagas/context.py by .ci/generate_sync.py; do not edit.
"""What a step's functions are given."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tai_state.layout import escape
from tai_state.rules.sagas.progress import UNKNOWN, results_of, step_of

if TYPE_CHECKING:
    from tai_state._sync.sagas.held import HeldSaga
    from tai_state.rules.records.record import StateRecord


class StepContext:
    """One attempt at a step's action, or at its compensation.

    Attributes:
        governor_id, saga_id, step: Which.
        data: What the saga was started with; a copy of this attempt's own.
        results: What the actions that finished have returned, by step; a copy, too.
        key: The step's idempotency key: the same at every attempt at its action and at its compensation, and no other
            step's of any saga. Letters, digits and ``-_:%``.
        attempt: The which, from 1 on.
        outcome: To a compensation, what is known of the action: "finished"; or "unknown", where nothing may have been
            done, or something may yet be. None to an action.
    """

    def __init__(self, held: HeldSaga, record: StateRecord, step: str, *, is_compensation: bool) -> None:
        """Made for each attempt."""
        data = record.data.value()
        found = step_of(data, step)
        self.governor_id = held.governor_id
        self.saga_id = record.state_id
        self.step = step
        self.data: Any = data["input"]
        self.results: dict[str, Any] = results_of(data)
        self.key = f"{data['key']}:{escape(step)}"
        self.attempt: int = found["attempts"]
        self.outcome: str | None = found["outcome"] if is_compensation else None
        self._held = held
        self._is_over = False

    @property
    def is_unknown(self) -> bool:
        """Whether nobody knows what the action has done."""
        return self.outcome == UNKNOWN

    def check(self) -> None:
        """Do nothing while this worker has the saga, and this attempt its time; no request is sent.

        Raises:
            LockLostError: The lease ended, or somebody else has taken the saga, or the attempt's ``timeout`` is over:
                another attempt may be under way.
        """
        self._held.check(is_over=self._is_over)

    def end(self) -> None:
        """Let ``check`` refuse from now on: the attempt's time is over."""
        self._is_over = True
