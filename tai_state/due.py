"""What is due: timers of states, by the store's clock.

A ``DueWorker`` makes the moves that are due: timeouts, and what ``persister.schedule`` has set.

``Timeout`` says what becomes of a state that stays in a status. It is part of the machine: of its checks, its file,
its fingerprint and its diagram. ``Machine(..., timeouts={"boot": Timeout(timedelta(seconds=30), "fail")})``
"""

from typing import TYPE_CHECKING

from tai_state.late import late_names

if TYPE_CHECKING:
    from tai_state._async.due.worker import AsyncDueWorker
    from tai_state._sync.due.worker import DueWorker
    from tai_state.machine.timeouts import Timeout
    from tai_state.models.due import DueState

HOMES: dict[str, tuple[str, ...]] = {
    "tai_state._async.due.worker": ("AsyncDueWorker",),
    "tai_state._sync.due.worker": ("DueWorker",),
    "tai_state.machine.timeouts": ("Timeout",),
    "tai_state.models.due": ("DueState",),
}
"""The names that each module defines: who works with one colour waits for no other."""

__all__ = ["AsyncDueWorker", "DueState", "DueWorker", "Timeout"]

if not TYPE_CHECKING:  # A type checker would take it for a promise of any name.
    __getattr__ = late_names(__name__, HOMES)

    def __dir__() -> list[str]:
        """List what has not been imported yet, too."""
        return sorted({*globals(), *__all__})
