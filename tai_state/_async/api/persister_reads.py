"""What a persister reads: states as loaded or rebuilt, their histories, checks and snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from tai_state import models
from tai_state._async.access.inflight import AsyncInFlight
from tai_state._async.api.lists import async_listed
from tai_state._async.api.redefined import Redefinitions
from tai_state._async.api.store import AsyncStateStore
from tai_state._async.history.snapshots import async_kept_snapshots, async_snapshot_at
from tai_state.codec import Payload
from tai_state.config import DRAIN_SECONDS, PersistenceConfig, check_colour, check_option, drain_seconds
from tai_state.errors import (
    SchemaVersionError,
    SnapshotNotFoundError,
    StateNotFoundError,
    StoredDataError,
    VersionNotFoundError,
)
from tai_state.layout import StateLayout, state_layout
from tai_state.machine.mover import driver_of
from tai_state.models import DataT
from tai_state.rules.commits.change import Settings
from tai_state.rules.commits.kinds import as_data
from tai_state.rules.due.arming import known_timeouts
from tai_state.rules.history.late import LateEvent, late_events
from tai_state.rules.history.replay import check_reached
from tai_state.rules.history.upcasting import Schema
from tai_state.rules.records.arguments import check_time, check_version
from tai_state.rules.records.record import EventRecord, StateRecord, lenient
from tai_state.rules.records.trusted import trusted
from tai_state.rules.transactions.dependents.reactions import known_machines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from datetime import datetime

    from tai_state.clock import Deadline, TimeLimit
    from tai_state.machine import ForeignMachine, Machine, Mover
    from tai_state.models import ConsistencyReport, Event, LoadedState, StateSnapshot


class AsyncPersisterReads(Generic[DataT]):
    """The half of a persister that changes no state."""

    def __init__(
        self,
        store: AsyncStateStore,
        machine: Machine[DataT] | Mover | None,
        config: PersistenceConfig | None,
        machines: Iterable[Machine[Any] | Mover],
    ) -> None:
        """Read in *store*."""
        check_colour(store, AsyncStateStore, self)
        check_option(config, PersistenceConfig, "config")
        configured = store.runtime.configured
        if config is None:
            config = PersistenceConfig() if configured is None else configured.persistence
        self.store = store
        driver: Machine[DataT] | ForeignMachine | None = None if machine is None else driver_of(machine)
        self.machine = driver
        self.machines = known_machines(driver, [driver_of(one, "machines") for one in machines])
        self.config = config
        self._runtime = store.runtime if config.retry is None else store.runtime.with_retry(config.retry)
        self.settings = Settings(
            store.runtime.settings.encoding,
            config.maintenance,
            store.runtime.settings.receipt_ttl,
            timeouts=known_timeouts(self.machines.values(), None if driver is None else driver.name),
            due_shards=config.due_shards,
            node=store.runtime.settings.node,
        )
        self._as_data = as_data(driver)
        self.schema = Schema(config.schema_version, config.upcasters, None if driver is None else driver.name)
        self.redefinitions = Redefinitions()
        self._inflight = AsyncInFlight("the persister", within=store.runtime.inflight)

    async def drain(self, timeout: TimeLimit = DRAIN_SECONDS) -> bool:
        """Take no new calls, and wait up to *timeout* seconds for those under way; return whether all ended.

        The store and its other persisters go on; calls that come later get a StoreClosedError.
        """
        return await self._inflight.drain(drain_seconds(timeout))

    def _shown(self, record: StateRecord, *, recovered: bool = False) -> StateSnapshot[DataT]:
        """Return what a user of this persister sees of a state: its data as its schema and its machine have it.

        Raises:
            SchemaVersionError, UpcastError: The data is of a newer schema, or cannot be brought to this one.
            StoredDataError: It does not fit the machine's ``data_type``.
        """
        # Asked here: nearly all data is of the schema of today.
        if record.schema_version != self.schema.version:
            record = self.schema.seen(record)
        return record.public(self._as_data, recovered=recovered)

    def _shown_anyhow(self, record: StateRecord) -> StateSnapshot[DataT]:
        """Return what a user sees of a state; data that cannot be brought to our schema, or does not fit, as stored."""
        try:
            return self._shown(record)
        except (StoredDataError, SchemaVersionError):
            shown: StateSnapshot[DataT] = record.public(lenient(self._as_data))
            return shown

    def _shown_event(self, event: EventRecord | LateEvent, before_version: int | None = None) -> Event[DataT]:
        """Return what a user sees of an event: its data as stored, and typed where it is of our schema.

        Args:
            before_version: The schema version of the data before it; None: nobody knows.
        """
        if not self.schema.upcasters:
            return event.public(self._as_data)
        # Data of another schema may fit the type by chance, and mean something else.
        current, label = self.schema.version, event.schema_version
        after = self._as_data if label == current else Payload.value
        before = self._as_data if (label if before_version is None else before_version) == current else Payload.value
        return event.public(after, before)

    # Reads

    async def load_state(self, governor_id: str, state_id: str, *, timeout: TimeLimit = None) -> LoadedState[DataT]:
        """Return the state, its data as the machine's ``data_type``; ``recovered`` when it had to be rebuilt.

        It is rebuilt from snapshots and events where its document is missing or damaged, as by the store's
        ``get_state`` and ``find_state``; nothing is written.

        Raises:
            StateNotFoundError: It never existed, or is deleted.
            CorruptLogError: It cannot be rebuilt either.
            SchemaVersionError: Its data is of a newer schema than this persister's.
            UpcastError: Its data is of an older one, and cannot be brought to this.
            StoredDataError: It does not fit the machine's ``data_type``.
        """
        paths = state_layout(governor_id, state_id)
        with self._inflight.one("load_state", governor_id, state_id):
            found = await self._runtime.find(paths, timeout)
        if found is None or found.record.deleted:
            raise StateNotFoundError(governor_id, state_id, deleted=found is not None)
        snapshot = self._shown(found.record, recovered=found.recovered)
        loaded: LoadedState[DataT] = trusted(models.LoadedState, snapshot=snapshot, recovered=found.recovered)
        return loaded

    async def list_states(
        self,
        governor_id: str,
        *,
        status: str | None = None,
        prefix: str | None = None,
        after: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        include_deleted: bool = False,
        descending: bool = False,
        timeout: TimeLimit = None,
    ) -> AsyncIterator[StateSnapshot[DataT]]:
        """Iterate over the governor's states that this machine moved last, ascending by stored id, their data typed.

        Those that another machine moved, or none, are passed over; by the machine's name, whatever its version. A
        persister without a machine lists all. Documents that are damaged or somebody else's, and data that does not
        fit the machine's ``data_type``, are passed over too, and named at the end; else all is as for the store's
        ``list_states``.

        Args:
            status: Only the states in this status.
            prefix, after, until, descending: As for the store's ``list_states``.
            limit: At most so many; with it, or with a *status*, the engine is asked for this machine's states alone.
            timeout: Bounds each page.

        Raises:
            DamagedStatesError: Behind the last state: some could not be read, or their data does not fit.
            SchemaVersionError: Behind the last state: some are of a newer schema.
        """
        found = async_listed(
            self._runtime,
            governor_id,
            self._shown,
            machine=None if self.machine is None else self.machine.name,
            status=status,
            prefix=prefix,
            after=after,
            until=until,
            limit=limit,
            include_deleted=include_deleted,
            descending=descending,
            timeout=timeout,
        )
        async for snapshot in self._inflight.reading(found, "list_states", governor_id):
            yield snapshot

    async def replay(
        self,
        governor_id: str,
        state_id: str,
        *,
        until_version: int | None = None,
        until_time: datetime | None = None,
        timeout: TimeLimit = None,
    ) -> StateSnapshot[DataT]:
        """Fold the state's events, trusting none of them, and return the state reached.

        Each event must follow from the one before, match its hash, and come out the same when this
        persister's machine is run again.

        Args:
            until_version: Stop behind this version.
            until_time: Stop at the last version before the first event later than this.
            timeout: Bounds each page that is read.

        Raises:
            StateNotFoundError: There is no event up to there.
            VersionNotFoundError: The state never had *until_version*.
            CorruptLogError: An event is missing, damaged, or does not follow.
            ReplayError: The machine makes something else of an event.
        """
        from tai_state.rules.recovery.rerun import rerun_of  # noqa: PLC0415 - who only moves states reruns nothing

        paths = state_layout(governor_id, state_id)
        if until_version is not None:
            check_version(until_version, "until_version")
        until = None if until_time is None else check_time(until_time, "until_time")
        head = await self._head(paths, until_version, timeout)
        last = head.version if head is not None else None
        if last is not None and until_version is not None and until_version > last:
            raise VersionNotFoundError(governor_id, state_id, until_version, last)
        with self._inflight.one("replay", governor_id, state_id):
            reached = await self._runtime.history.replay(
                paths,
                until_version=last if until_version is None else until_version,
                until_time=until,
                rerun=rerun_of(self.machine, self.schema),
                timeout=timeout,
            )
        if head is not None and reached.version == head.version:
            check_reached(head, reached)
        return self._shown(reached)

    async def _head(self, paths: StateLayout, wanted: int | None, timeout: TimeLimit) -> StateRecord | None:
        """Return the state document's record; None when it is missing or damaged.

        Raises:
            StateNotFoundError: A version is *wanted* of a state of which there is nothing.
        """
        with self._inflight.one("get_state", paths.governor_id, paths.state_id):
            deadline = self._runtime.access.begin(timeout)
            record, damage = await self._runtime.document(paths, deadline)
            if record is not None or damage is not None or wanted is None:
                return record
            # Its log would be told as damaged otherwise: no event leads to the version.
            if not await self._runtime.history.first_events([paths], deadline):
                raise StateNotFoundError(paths.governor_id, paths.state_id)
            return None

    async def history(
        self, governor_id: str, state_id: str, *, after: int = 0, timeout: TimeLimit = None
    ) -> AsyncIterator[Event[DataT]]:
        """Iterate over the state's events above version *after*, in version order.

        Their data is given as it is stored, whatever its schema, which ``schema_version`` tells: no upcaster runs.

        Raises:
            StateNotFoundError: It never had one.
            HistoryTrimmedError: The first of them was trimmed; ``trimmed_through`` tells behind which there are some.
            CorruptLogError: One of them is missing or damaged.
        """
        paths = state_layout(governor_id, state_id)
        before: int | None = None
        parts = self._runtime.history.checked_parts(paths, after=check_version(after, "after"), timeout=timeout)
        async for part in self._inflight.reading(parts, "history", governor_id, state_id):
            for event in late_events(part):
                yield self._shown_event(event, before)
                before = event.schema_version
        if before is None and await self._runtime.record(paths, timeout) is None:
            raise StateNotFoundError(governor_id, state_id)

    async def export_history(
        self, governor_id: str, state_id: str, *, after: int = 0, timeout: TimeLimit = None
    ) -> AsyncIterator[dict[str, Any]]:
        """Iterate over the state's events as JSON objects, in version order: what ``history`` gives, for a file.

        Times are in ISO 8601; data, payloads and contexts in the form that ``tai_state.values.from_json`` reads back
        without loss. A whole store goes to a file by ``export_store``.

        Raises:
            StateNotFoundError, HistoryTrimmedError, CorruptLogError: As for ``history``.
        """
        from tai_state.models.json_form import record_of  # noqa: PLC0415 - it needs pydantic

        async for event in self.history(governor_id, state_id, after=after, timeout=timeout):
            yield record_of(event)

    async def validate_consistency(self, governor_id: str, *, timeout: TimeLimit = None) -> ConsistencyReport:
        """Check every state of a governor against the fold of its events; changes nothing.

        A state that one of this persister's machines moved is held against that machine, too: ``foreign_status`` is
        a status that it does not have, ``invalid_data`` is data that does not fit.
        """
        # Imported here: only a check needs them.
        from tai_state._async.recovery.verify import AsyncVerifier  # noqa: PLC0415
        from tai_state.rules.commits.judging import judge_of  # noqa: PLC0415
        from tai_state.rules.recovery.rerun import rerun_of  # noqa: PLC0415

        with self._inflight.one("validate_consistency", governor_id):
            judge, rerun = judge_of(self.machines, self.schema), rerun_of(self.machine, self.schema)
            return await AsyncVerifier(self._runtime.access, judge, rerun, timeout=timeout).check(governor_id)

    # Snapshots

    async def create_snapshot(
        self, governor_id: str, state_id: str, *, timeout: TimeLimit = None
    ) -> StateSnapshot[DataT]:
        """Keep a snapshot of the state as it is now, and return it; the version stays.

        Raises:
            StateNotFoundError: The state never existed.
            CorruptLogError: It is damaged, and its log does not tell it; or the store's own document is.
            SchemaVersionError, UpcastError, StoredDataError: Its data cannot be given out, or a newer release keeps the
                store; nothing is kept.
            OutcomeUnknownError: The time was over before the store told whether it is kept.
        """
        from tai_state._async.commits.snapshot import async_create_snapshot  # noqa: PLC0415 - made by hand, rarely

        paths = state_layout(governor_id, state_id)
        with self._inflight.one("create_snapshot", governor_id, state_id):
            await self._check_store(timeout)
            return await async_create_snapshot(self._runtime.access, paths, self.settings, self._shown, timeout)

    async def _check_store(self, timeout: TimeLimit) -> None:
        """Refuse to write to a store that a newer release keeps, or that is none; one that it has changed it knows."""
        from tai_state._async.recovery.newer import async_check_store  # noqa: PLC0415 - few write past the writer

        if self._runtime.writer.origin is None:
            await async_check_store(self._runtime.access, timeout)

    async def get_snapshot(
        self, governor_id: str, state_id: str, version: int, *, timeout: TimeLimit = None
    ) -> StateSnapshot[DataT]:
        """Return the snapshot of *version*; ``rollback`` to that version restores it.

        Raises:
            StateNotFoundError: The state never existed.
            SnapshotNotFoundError: No snapshot of that version is kept; says which are.
            CorruptLogError: It is damaged.
        """
        check_version(version, "version")
        paths, runtime = state_layout(governor_id, state_id), self._runtime
        deadline = runtime.access.begin(timeout)
        with self._inflight.one("get_snapshot", governor_id, state_id):
            record = await async_snapshot_at(runtime.access, paths, version, deadline)
        if record is not None:
            return self._shown(record)
        state = await runtime.record(paths, deadline)
        if state is None:
            raise StateNotFoundError(governor_id, state_id)
        raise SnapshotNotFoundError(governor_id, state_id, version, state.marks.snapshots)

    async def _state_at(self, paths: StateLayout, version: int, deadline: Deadline) -> StateRecord:
        """Return the state as it was at *version*, by its event, or else by its snapshot."""
        runtime = self._runtime
        with self._inflight.one("read_version", paths.governor_id, paths.state_id):
            event = await runtime.history.event(paths, version, deadline)
            if event is not None:
                return event.state()
            snapshot = await async_snapshot_at(runtime.access, paths, version, deadline)
        if snapshot is not None:
            return snapshot
        record = await runtime.record(paths, deadline)
        if record is None:
            raise StateNotFoundError(paths.governor_id, paths.state_id)
        raise VersionNotFoundError(paths.governor_id, paths.state_id, version, record.version)

    async def list_snapshots(
        self, governor_id: str, state_id: str, *, timeout: TimeLimit = None
    ) -> AsyncIterator[StateSnapshot[DataT]]:
        """Iterate over the snapshots that are kept, oldest first."""
        paths = state_layout(governor_id, state_id)
        found = async_kept_snapshots(self._runtime.access, paths, timeout)
        async for record in self._inflight.reading(found, "list_snapshots", governor_id, state_id):
            yield self._shown(record)
