"""A lease that is renewed: the due time of a state that somebody has in hand is moved, by its document alone."""

from collections.abc import Callable
from datetime import datetime, timedelta

from tai_state._async.due.moving import async_move_due
from tai_state._async.runtime import AsyncRuntime
from tai_state.clock import Deadline
from tai_state.errors import LockLostError, StateNotFoundError
from tai_state.layout import StateLayout
from tai_state.rules.due.moved import moved
from tai_state.rules.records.record import StateRecord


async def async_renew_lease(
    runtime: AsyncRuntime,
    paths: StateLayout,
    lease: timedelta,
    deadline: Deadline,
    loss_of: Callable[[StateRecord], str | None],
    *,
    resource: str,
) -> None:
    """Let the lease of a state end *lease* from now on: one write of its document, without an event.

    Args:
        loss_of: Tells how the lease was lost; None: it was not.
        resource: What was lost, as the error says it.

    Raises:
        LockLostError: It was.
    """

    def later(record: StateRecord, now: datetime) -> StateRecord:
        reason = loss_of(record)
        if reason is not None:
            raise LockLostError(resource, reason)
        at = record.due_at
        assert at is not None
        # What is written must differ from what is there, or the engine takes it for nothing.
        return moved(record, max(now + lease, at + timedelta(microseconds=1)))

    async with runtime.writer.lines.turn(paths.state, deadline):
        known = runtime.writer.heads.get(paths.state)
        found = None
        # What is remembered may lead to a write, never to a refusal.
        if known is not None and known.update_time is not None and loss_of(known.record) is None:
            found = (known.record, known.update_time)
        try:
            await async_move_due(runtime, paths, deadline, later, found=found)
        except StateNotFoundError as error:
            raise LockLostError(resource, "broken") from error
