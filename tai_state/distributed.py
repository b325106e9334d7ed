"""Two stores, one decision: a transaction over several stores, all or none of them.

``DistributedTransaction(coordinator, stores={"orders": s1, "stock": s2}).run(fn)`` runs ``fn(dtx)``, in which
``dtx["orders"]`` is a transaction of that store. ``settle(store)`` ends what a process that died has left there; until
then a change of a state that it has in hand is a ``PreparedError``. A ``Participant`` is a resource of your own that
takes part. ``force`` is an operator's last resort.
"""

from typing import TYPE_CHECKING

from tai_state.late import late_names

if TYPE_CHECKING:
    from tai_state._async.api.distributed import AsyncDistributedTransaction
    from tai_state._async.api.distributed_body import AsyncDistributedBody
    from tai_state._async.api.settling import async_force, async_settle
    from tai_state._async.distributed.participant import AsyncParticipant
    from tai_state._sync.api.distributed import DistributedTransaction
    from tai_state._sync.api.distributed_body import DistributedBody
    from tai_state._sync.api.settling import force, settle
    from tai_state._sync.distributed.participant import Participant
    from tai_state.errors import PreparedError

HOMES: dict[str, tuple[str, ...]] = {
    "tai_state._async.api.distributed": ("AsyncDistributedTransaction",),
    "tai_state._async.api.distributed_body": ("AsyncDistributedBody",),
    "tai_state._async.api.settling": ("async_force", "async_settle"),
    "tai_state._async.distributed.participant": ("AsyncParticipant",),
    "tai_state._sync.api.distributed": ("DistributedTransaction",),
    "tai_state._sync.api.distributed_body": ("DistributedBody",),
    "tai_state._sync.api.settling": ("force", "settle"),
    "tai_state._sync.distributed.participant": ("Participant",),
    "tai_state.errors": ("PreparedError",),
}
"""The names that each module defines: who works with one colour waits for no other."""

__all__ = [
    "AsyncDistributedBody",
    "AsyncDistributedTransaction",
    "AsyncParticipant",
    "DistributedBody",
    "DistributedTransaction",
    "Participant",
    "PreparedError",
    "async_force",
    "async_settle",
    "force",
    "settle",
]

if not TYPE_CHECKING:  # A type checker would take it for a promise of any name.
    __getattr__ = late_names(__name__, HOMES)

    def __dir__() -> list[str]:
        """List what has not been imported yet, too."""
        return sorted({*globals(), *__all__})
