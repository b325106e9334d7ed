"""Migration: stored data brought to the schema of a persister, one ``migrate`` event for each state.

1. A state whose data is of that schema is passed over, so that a migration that was stopped goes on where it was.
2. Each is one change through the write path: a live writer that was faster makes it decide anew, on what there is then.
3. What cannot be brought there stays as it is, is told, and keeps no other state from being migrated.
"""

from collections.abc import Callable

from tai_state._async.recovery.verify import PROBLEMS_MAX, Progress, no_progress
from tai_state._async.runtime import AsyncRuntime
from tai_state.clock import Span
from tai_state.errors import (
    DocumentTooLargeError,
    InvalidDataError,
    MachineError,
    ReplayError,
    SchemaVersionError,
    StateNotFoundError,
    TaiStateError,
)
from tai_state.layout import GovernorLayout, StateLayout
from tai_state.models import MigrationReport, Problem
from tai_state.rules.commits.change import Change
from tai_state.rules.commits.kinds import AnyMachine
from tai_state.rules.commits.plain import UpToDateError, gained
from tai_state.rules.history.damaged import Damaged
from tai_state.rules.history.upcasting import Schema
from tai_state.rules.records.record import StateRecord


class AsyncMigration:
    """Brings the states of one governor to a schema, and counts what it did."""

    def __init__(
        self,
        runtime: AsyncRuntime,
        schema: Schema,
        change_of: Callable[[str], Change],
        progress: Progress | None,
        timeout: Span,
        *,
        machine: AnyMachine | None,
        is_dry_run: bool,
    ) -> None:
        """Migrate to *schema*, as the settings of *runtime* say; *change_of* makes the change of the state of an id.

        Args:
            machine: Arm timeouts that this definition gained; None: those of no machine.
        """
        self._runtime = runtime
        self._schema = schema
        self._machine = machine
        self._change_of = change_of
        self._progress = no_progress if progress is None else progress
        self._timeout = timeout
        self._is_dry_run = is_dry_run
        self._checked = 0
        self._migrated = 0
        self._problems: list[Problem] = []
        self._omitted = 0

    async def governor(self, governor_id: str) -> MigrationReport:
        """Migrate the governor's states that are of the schema's machine."""
        governor, damaged = GovernorLayout(governor_id), Damaged(governor_id)
        records = self._runtime.records(
            governor_id, damaged, machine=self._schema.machine, is_live=True, timeout=self._timeout
        )
        async for record in records:
            await self._state(governor.state(record.state_id), record)
        for state_id, reason in damaged.states.items():
            self._note(Problem(kind="corrupt_state", state_id=state_id, version=None, message=reason))
        try:
            damaged.tell(damaged=False)
        except SchemaVersionError as error:
            self._note(Problem(kind="newer_format", state_id="", version=None, message=str(error)))
        return self._report(governor_id)

    async def state(self, paths: StateLayout) -> MigrationReport:
        """Migrate one state.

        Raises:
            StateNotFoundError: It is not there, or deleted.
        """
        record = await self._runtime.record(paths, self._timeout)
        if record is None or record.deleted:
            raise StateNotFoundError(paths.governor_id, paths.state_id, deleted=record is not None)
        await self._state(paths, record)
        return self._report(paths.governor_id)

    async def _state(self, paths: StateLayout, record: StateRecord) -> None:
        self._progress(paths.governor_id, paths.stored_id)
        self._checked += 1
        # Asked before anything is read again: most of a migration that goes on is done.
        if record.schema_version == self._schema.version and gained(record, self._machine) is None:
            return
        try:
            await self._migrate(paths, record)
        except (UpToDateError, StateNotFoundError):
            # Somebody else migrated it meanwhile, or deleted it.
            return
        except (ReplayError, InvalidDataError, MachineError, DocumentTooLargeError) as error:
            self._note(_problem(paths, record, error))
        else:
            self._migrated += 1

    async def _migrate(self, paths: StateLayout, record: StateRecord) -> None:
        change = self._change_of(paths.state_id)
        if self._is_dry_run:
            change.target_of(record)
            return
        deadline = self._runtime.access.begin(self._timeout)
        await self._runtime.writer.write(change, self._runtime.settings, deadline)

    def _note(self, problem: Problem) -> None:
        if len(self._problems) < PROBLEMS_MAX:
            self._problems.append(problem)
        else:
            self._omitted += 1

    def _report(self, governor_id: str) -> MigrationReport:
        return MigrationReport(
            governor_id=governor_id,
            schema_version=self._schema.version,
            checked=self._checked,
            migrated=self._migrated,
            problems=self._problems,
            omitted=self._omitted,
            is_dry_run=self._is_dry_run,
        )


def _problem(paths: StateLayout, record: StateRecord, error: TaiStateError) -> Problem:
    return Problem(
        kind=error.code,
        state_id=paths.state_id,
        version=record.version,
        message=str(error),
        path=str(paths.state),
    )
