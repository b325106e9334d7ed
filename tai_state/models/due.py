"""What is due: as a worker sees it that looks for it."""

from datetime import datetime

from tai_state.models.states import Model


class DueState(Model, frozen=True):
    """A state of which something is due, now or later.

    Attributes:
        machine: The machine whose workers make the move.
        due_at: When, by the store's clock.
        due_action: The action that is taken then.
        tries: How often it was tried, and its guard or reducer raised.
    """

    governor_id: str
    state_id: str
    status: str
    version: int
    machine: str
    due_at: datetime
    due_action: str
    tries: int = 0
