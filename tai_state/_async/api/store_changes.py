"""What a store changes by itself: states saved, updated and deleted, without a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tai_state._async.locking.guarding import async_guarding
from tai_state.authors import author_of
from tai_state.codec import Payload
from tai_state.errors import StateNotFoundError
from tai_state.layout import state_layout
from tai_state.models import DeletedVersion
from tai_state.rules.commits.kinds import Call
from tai_state.rules.commits.labelling import labelled
from tai_state.rules.commits.plain import delete_change, save_change, update_change

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tai_state._async.locking.lock import AsyncLock
    from tai_state._async.locking.lock_set import AsyncLockSet
    from tai_state._async.runtime import AsyncRuntime
    from tai_state.clock import TimeLimit
    from tai_state.models import ChangeMetadata
    from tai_state.rules.commits.change import Change
    from tai_state.rules.records.record import EventRecord


def deleted_version(event: EventRecord) -> DeletedVersion:
    """Return what a delete tells its caller."""
    return DeletedVersion(event.version, event.public(Payload.value))


def missing_version(error: StateNotFoundError, *, missing_ok: bool) -> DeletedVersion:
    """Return what a delete of nothing tells a caller who finds that in order.

    Raises:
        StateNotFoundError: Its caller does not.
    """
    if not missing_ok:
        raise error
    return DeletedVersion(error.last)


class AsyncStoreChanges:
    """The half of a store that changes states.

    A store knows no machines: it keeps the status that one gave a state, and its data is judged by whoever reads it
    with a persister.
    """

    runtime: AsyncRuntime

    async def save_state(
        self,
        governor_id: str,
        state_id: str,
        data: object,
        metadata: ChangeMetadata | None = None,
        *,
        status: str | None = None,
        labels: Mapping[str, str | None] | None = None,
        expected_version: int | None = None,
        expected_status: str | None = None,
        idempotency_key: str | None = None,
        lock: AsyncLock | AsyncLockSet | None = None,
        force: bool = False,
        timeout: TimeLimit = None,
    ) -> int:
        """Create the state or replace its data, and return the new version.

        Args:
            data: A JSON-like dict, or a pydantic model: stored by the names of its fields as
                ``model_dump(mode="json", round_trip=True)`` gives it, and refused where it would not come back equal.
                Models and enum members inside it are stored as dicts and as their values.
            status: The new status; None keeps the one there is. A state that a machine moves takes no other from here.
            labels: What ``find`` finds it by: at most 32 of a state, keys of 100 bytes without ``=``, values of 480.
                None in the place of a value takes that label away; those that are not named stay as they are.
            expected_version: Write only over this version; 0: it must not exist, or be deleted.
            expected_status: Write only while it is in this status.
            idempotency_key: Makes the change once, however often it is asked for.
            lock: Guards the change: its lease goes with the commit, and the store refuses it when the lock was
                taken over meanwhile.
            force: Set *status* all the same; needs a reason, in *metadata* or a ``change_context``.

        Raises:
            VersionConflictError: The state is not at *expected_version*.
            StatusConflictError: It is not in *expected_status*.
            TransitionNotAllowedError: A machine moves the state, and another *status* was given without *force*.
            IdempotencyMismatchError: The key was used for another request.
            LockLostError, FencedOutError: *lock* cannot be trusted any more, or the store refused it.
            InvalidDataError, InvalidIdError: Something cannot be stored; nothing was sent.
        """
        call = self._call(
            governor_id,
            state_id,
            metadata,
            expected_version,
            idempotency_key,
            expected_status=expected_status,
            force=force,
        )
        change = save_change(call, data, status)
        if labels is not None:
            change = labelled(change, labels)
        return (await self._change(change, lock, timeout)).version

    async def update_state(
        self,
        governor_id: str,
        state_id: str,
        data: object,
        expected_version: int,
        metadata: ChangeMetadata | None = None,
        *,
        labels: Mapping[str, str | None] | None = None,
        expected_status: str | None = None,
        idempotency_key: str | None = None,
        lock: AsyncLock | AsyncLockSet | None = None,
        force: bool = False,
        timeout: TimeLimit = None,
    ) -> int:
        """Replace the data of a state that is at *expected_version*, and return the new version.

        Args:
            labels: As for ``save_state``.
            force: As for ``save_state``; an update sets no status, so that it passes without.

        Raises:
            StateNotFoundError: The state does not exist, or is deleted.
            VersionConflictError: It is at another version.
            StatusConflictError: It is not in *expected_status*.
            LockLostError, FencedOutError: *lock* cannot be trusted any more, or the store refused it.
        """
        call = self._call(
            governor_id,
            state_id,
            metadata,
            expected_version,
            idempotency_key,
            expected_status=expected_status,
            force=force,
        )
        change = update_change(call, data)
        if labels is not None:
            change = labelled(change, labels)
        return (await self._change(change, lock, timeout)).version

    async def delete_state(
        self,
        governor_id: str,
        state_id: str,
        expected_version: int | None = None,
        metadata: ChangeMetadata | None = None,
        *,
        expected_status: str | None = None,
        missing_ok: bool = False,
        idempotency_key: str | None = None,
        lock: AsyncLock | AsyncLockSet | None = None,
        timeout: TimeLimit = None,
    ) -> DeletedVersion:
        """Leave a tombstone in the state's place; the history stays.

        Args:
            missing_ok: Whether a state that does not exist, or is deleted, is in order; then nothing is written.

        Returns:
            The tombstone's version, an int, whose ``event`` tells what was there: its ``from_status`` and
            ``from_state``. Where nothing was, ``event`` is None.

        Raises:
            StateNotFoundError: The state does not exist, or is deleted.
            VersionConflictError: It is at another version than *expected_version*.
            StatusConflictError: It is not in *expected_status*.
            LockLostError, FencedOutError: *lock* cannot be trusted any more, or the store refused it.
        """
        call = self._call(
            governor_id, state_id, metadata, expected_version, idempotency_key, expected_status=expected_status
        )
        try:
            return deleted_version(await self._change(delete_change(call), lock, timeout))
        except StateNotFoundError as error:
            return missing_version(error, missing_ok=missing_ok)

    def _call(
        self,
        governor_id: str,
        state_id: str,
        metadata: ChangeMetadata | None,
        expected_version: int | None,
        idempotency_key: str | None,
        *,
        expected_status: str | None,
        force: bool = False,
    ) -> Call:
        paths, author = state_layout(governor_id, state_id), author_of(metadata, self.runtime.actor)
        return Call(paths, author, expected_version, idempotency_key, expected_status=expected_status, force=force)

    async def _change(self, change: Change, lock: AsyncLock | AsyncLockSet | None, timeout: TimeLimit) -> EventRecord:
        deadline = self.runtime.access.begin(timeout)
        with self.runtime.inflight.one(change.kind, change.paths.governor_id, change.paths.state_id):
            applied = await self.runtime.writer.write(
                change, self.runtime.settings, deadline, async_guarding(self.runtime.access, lock)
            )
        return applied.event
