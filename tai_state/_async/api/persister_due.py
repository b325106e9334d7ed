"""What a persister says of when a state is moved by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tai_state._async.api.persister_records import AsyncPersisterRecords
from tai_state.models import DataT

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from tai_state._async.locking.lock import AsyncLock
    from tai_state._async.locking.lock_set import AsyncLockSet
    from tai_state.clock import TimeLimit
    from tai_state.models import ChangeMetadata, TransitionResult


class AsyncPersisterDue(AsyncPersisterRecords[DataT]):
    """The part of a persister that schedules; a ``DueWorker`` of ``tai_state.due`` makes the moves."""

    async def schedule(
        self,
        governor_id: str,
        state_id: str,
        action: str,
        *,
        at: datetime | None = None,
        after: timedelta | None = None,
        expected_version: int | None = None,
        expected_status: str | None = None,
        idempotency_key: str | None = None,
        metadata: ChangeMetadata | None = None,
        lock: AsyncLock | AsyncLockSet | None = None,
        timeout: TimeLimit = None,
    ) -> TransitionResult[DataT]:
        """Let *action* be taken by itself, at a time or after a delay; an event of the kind "schedule".

        A state has one due time: this one takes the place of its status's timeout, or of an earlier schedule. It
        stays while the status does, whatever else changes, and ends with it. Whether the action is allowed is
        decided when it is due; one that is not is recorded as an event of the kind "refused", and not tried again.

        Args:
            at: When, an aware datetime, by the store's clock; a time that has passed is now.
            after: How long after this change; it is not taken before so much has passed since its commit.

        Raises:
            InvalidDataError: Neither of the two is given, or both; or one cannot be.
            TransitionNotAllowedError: The machine has no such action, or the state is in a terminal status.
            StateNotFoundError: The state does not exist, or is deleted.
            MachineVersionError: Another machine moves the state, or a newer version of this one.
            VersionConflictError, StatusConflictError: The state is not as expected.
            ConfigurationError: This persister has no machine.
        """
        # Imported here, as below: most persisters schedule nothing.
        from tai_state.rules.commits.scheduled import schedule_change  # noqa: PLC0415

        call = self._call(
            governor_id, state_id, metadata, expected_version, idempotency_key, expected_status=expected_status
        )
        change = schedule_change(call, self.require_machine(), action, at=at, after=after)
        return await self._write(change, timeout, lock)

    async def unschedule(
        self,
        governor_id: str,
        state_id: str,
        *,
        expected_version: int | None = None,
        expected_status: str | None = None,
        metadata: ChangeMetadata | None = None,
        lock: AsyncLock | AsyncLockSet | None = None,
        timeout: TimeLimit = None,
    ) -> TransitionResult[DataT] | None:
        """Let nothing be taken by itself where the state is, neither a schedule nor its status's timeout.

        An event of the kind "unschedule". None, and no event, where nothing was due, or it has been done already.

        Raises:
            StateNotFoundError: The state does not exist, or is deleted.
            MachineVersionError: Another machine moves the state, or a newer version of this one.
            VersionConflictError, StatusConflictError: The state is not as expected.
            ConfigurationError: This persister has no machine.
        """
        from tai_state.rules.commits.scheduled import NothingDueError, unschedule_change  # noqa: PLC0415

        call = self._call(governor_id, state_id, metadata, expected_version, None, expected_status=expected_status)
        try:
            return await self._write(unschedule_change(call, self.require_machine()), timeout, lock)
        except NothingDueError:
            return None
