"""Make one move that is due: fire it, record that it is refused, put it off, or step past it."""

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from tai_state._async.access import inflight
from tai_state._async.api.persister import AsyncStateMachinePersister
from tai_state._async.due.moving import async_move_due
from tai_state._async.transactions.reactions import async_write
from tai_state.authors import Author
from tai_state.clock import Deadline
from tai_state.documents import Document
from tai_state.errors import (
    ConfigurationError,
    DeadlineExceededError,
    DependentMachineError,
    HistoryTrimmedError,
    LockError,
    MachineVersionError,
    OutcomeUnknownError,
    PreconditionFailedError,
    PreparedError,
    ReplayError,
    RetriesExhaustedError,
    StateNotFoundError,
    StoredDataError,
    StoreError,
    TaiStateError,
    TransitionNotAllowedError,
)
from tai_state.layout import StateLayout
from tai_state.rules.commits.change import Change, Head
from tai_state.rules.commits.kinds import AnyMachine, Call, as_data, fitting
from tai_state.rules.commits.scheduled import NothingDueError, check_still, due_change, refused_change
from tai_state.rules.due.looking import TRIES_MAX, backoff_seconds, earliest, reason_of
from tai_state.rules.due.moved import moved
from tai_state.rules.history.upcasting import Schema
from tai_state.rules.records.occasional import Due
from tai_state.rules.records.record import StateRecord
from tai_state.rules.transactions.dependents.reactions import alone_with

log = logging.getLogger("tai_state")


class Outcome(Enum):
    """What became of what was found to be due."""

    FIRED = "the move was made"
    REFUSED = "it is not allowed, and an event says so"
    GONE = "it is not due any more: somebody was faster"
    LATER = "it is not due yet"
    STEPPED = "it cannot be made here and now"


@dataclass(frozen=True, slots=True)
class Fired:
    """What became of one.

    Attributes:
        again: From when on it may be made, by the store's clock; None: nobody knows.
        trouble: That the store did not answer.
    """

    outcome: Outcome
    again: datetime | None = None
    trouble: Exception | None = None


class AsyncFiring:
    """Makes moves through the machines of one persister."""

    def __init__(self, persister: AsyncStateMachinePersister[Any], calls: inflight.AsyncInFlight) -> None:
        """Move as *persister* does: by its machines, its schema and its settings.

        Args:
            calls: Counts the moves.
        """
        self._inflight = calls
        runtime, retry = persister.store.runtime, persister.config.retry
        self.runtime = runtime if retry is None else runtime.with_retry(retry)
        self._persister = persister
        self._settings = persister.settings
        self._alone = replace(persister.settings, alone=alone_with(persister.machines))

    async def fire(
        self, paths: StateLayout, found: Document, record: StateRecord, read_time: datetime, author: Author
    ) -> Fired:
        """Make the move that is due of a state.

        Args:
            author: Who makes it.
            found, record: Its document as it was read, and what that says; something is due of it.
            read_time: As of when, by the store's clock.
        """
        due, at = record.due, record.due_at
        assert due is not None
        assert at is not None
        machine = self._persister.machines.get(due.machine)
        if machine is None:
            return Fired(Outcome.STEPPED)
        deadline = self.runtime.access.begin(None)
        try:
            again = await self._ripe_at(paths, found, record, read_time, deadline)
            if again is not None:
                return Fired(Outcome.LATER, again)
            # What was read a moment ago: the commit tells whether it still is so.
            self.runtime.writer.remember(paths.state, Head(record, found.update_time))
            return await self._fire(self._call(paths, machine, record, author), machine, due, at, deadline)
        except (NothingDueError, StateNotFoundError):
            return Fired(Outcome.GONE)
        except (DeadlineExceededError, RetriesExhaustedError, StoreError) as error:
            is_contended = isinstance(error.__cause__, PreconditionFailedError)
            return Fired(Outcome.STEPPED, trouble=None if is_contended else error)
        except TaiStateError as error:
            # Somebody else knows the definition, the function or the newer format, ``recover`` mends it, or the next
            # look tells, once a transaction over several stores is settled, say. Or it is too large for any event, one
            # that says that it is refused included.
            log.warning("what is due of %s is stepped past: %s", paths.state, error)
            return Fired(Outcome.STEPPED)

    async def _ripe_at(
        self, paths: StateLayout, found: Document, record: StateRecord, read_time: datetime, deadline: Deadline
    ) -> datetime | None:
        """Return from when on it may be made where that is not yet; None: it may."""
        due, at = record.due, record.due_at
        assert due is not None
        assert at is not None
        if at > read_time:
            return at
        if earliest(record, found.update_time) <= read_time:
            return None
        # The document was written since, or the commit that set it was long under way: its event tells.
        try:
            event = await self.runtime.history.event(paths, due.version, deadline)
        except HistoryTrimmedError:
            event = None
        # One that was trimmed is of long ago.
        if event is None or event.committed_at is None:
            return None
        again = earliest(record, event.committed_at)
        return None if again <= read_time else again

    async def _fire(self, call: Call, machine: AnyMachine, due: Due, at: datetime, deadline: Deadline) -> Fired:
        try:
            await self._write(due_change(call, machine, due, at), machine, deadline)
        except TransitionNotAllowedError:
            await self._write(refused_change(call, machine, due, at, None), machine, deadline)
            return Fired(Outcome.REFUSED)
        except StoredDataError as error:
            return await self._failed(call, machine, due, at, error)
        except _PASSED_ON:
            raise
        except Exception as error:  # noqa: BLE001 - a user's guard or reducer may raise anything
            return await self._failed(call, machine, due, at, error)
        return Fired(Outcome.FIRED)

    async def _failed(self, call: Call, machine: AnyMachine, due: Due, at: datetime, error: Exception) -> Fired:
        """Put off a move whose guard or reducer raised; after some tries, record that it is refused."""
        paths, deadline = call.paths, self.runtime.access.begin(None)
        again: datetime | None = None

        def put_off(record: StateRecord, now: datetime) -> StateRecord | None:
            nonlocal again
            check_still(record, due, at)
            tries = record.marks.due_tries + 1
            if tries >= TRIES_MAX:
                return None
            again = now + timedelta(seconds=backoff_seconds(tries, self.runtime.access.rng.random()))
            return moved(record, again, tries=tries)

        # Its type alone: what the error says may be of the state's data.
        log.warning("what is due of %s raised %s, and is tried again", paths.state, type(error).__name__)
        if await async_move_due(self.runtime, paths, deadline, put_off) is not None:
            return Fired(Outcome.STEPPED, again)
        await self._write(refused_change(call, machine, due, at, reason_of(error)), machine, deadline)
        return Fired(Outcome.REFUSED)

    def _call(self, paths: StateLayout, machine: AnyMachine, record: StateRecord, author: Author) -> Call:
        persister = self._persister
        author = author._replace(reason=author.reason or f"due at {record.due_at}")
        # Of another machine's data this persister knows no other schema than the one it has.
        schema = persister.schema if machine is persister.machine else Schema(record.schema_version)
        return Call(paths, author, schema=schema, notice=persister.redefinitions)

    async def _write(self, change: Change, machine: AnyMachine, deadline: Deadline) -> None:
        if machine.data_type is not None and change.kind == "transition":
            change = fitting(change, as_data(machine))
        paths = change.paths
        # One that was begun is brought to its end while the worker is drained.
        with inflight.AsyncCall(self._inflight, change.kind, paths.governor_id, paths.state_id, is_new=False):
            await async_write(
                self.runtime,
                change,
                deadline,
                settings=self._settings,
                machines=self._persister.machines,
                alone=self._alone,
            )


_PASSED_ON: tuple[type[Exception], ...] = (
    ConfigurationError,
    DeadlineExceededError,
    DependentMachineError,
    LockError,
    MachineVersionError,
    NothingDueError,
    OutcomeUnknownError,
    PreparedError,
    ReplayError,
    RetriesExhaustedError,
    StateNotFoundError,
    StoreError,
)
"""What is no fault of the move's functions."""
