"""The store that others have copies of: its states as they are, or as they were a while ago."""

from datetime import datetime, timedelta
from typing import NamedTuple

from tai_state._async.commits.feeding import store_id_in
from tai_state._async.runtime import AsyncRuntime
from tai_state.clock import Deadline
from tai_state.documents import Capability, Document
from tai_state.errors import CorruptLogError
from tai_state.layout import META, StateLayout
from tai_state.rules.records.again import read_state_again
from tai_state.rules.records.record import StateRecord
from tai_state.rules.replicas.caught_up import Sample, past


class Seen(NamedTuple):
    """A state as it is in a store, or as it was.

    Attributes:
        record: The state; None where there is none.
        is_rebuilt: Whether it was made of its events.
        lag: How long ago, at most, before the call it was so.
    """

    record: StateRecord | None
    is_rebuilt: bool
    lag: timedelta


class AsyncRemote:
    """The remote half of what is read of two stores."""

    def __init__(self, runtime: AsyncRuntime) -> None:
        """Read through *runtime*, whose clock is not known yet."""
        self.runtime = runtime
        self.store_id: str | None = None
        """The store's id; None: it was not asked yet, or has none, having no state."""
        self._sample: Sample | None = None

    async def place(self, deadline: Deadline) -> str | None:
        """Return the store's id, which is asked for once; None where it has none yet.

        Raises:
            CorruptLogError: The document that says it is damaged.
            SchemaVersionError: A newer release wrote that.
        """
        if self.store_id is None:
            meta = (await self.runtime.access.read([META], deadline)).get(META)
            self.store_id = None if meta is None else store_id_in(meta)
        return self.store_id

    async def now(self, paths: StateLayout, deadline: Deadline) -> Seen:
        """Return a state as it is.

        Raises:
            CorruptLogError: It is damaged, and cannot be rebuilt.
        """
        clock = self.runtime.access.clock
        asked = clock.monotonic()
        record, moment = await self._read(paths, deadline, None)
        self._sample = Sample(moment, asked, clock.monotonic())
        if record is not None:
            return Seen(record, False, timedelta())  # noqa: FBT003 - by its place
        found = await self.runtime.find(paths, deadline)
        return Seen(None, False, timedelta()) if found is None else Seen(found.record, found.recovered, timedelta())  # noqa: FBT003 - as above

    async def within(self, paths: StateLayout, max_lag: timedelta, deadline: Deadline) -> Seen:
        """Return a state as it was at most *max_lag* ago, where the engine can tell; else as it is.

        An engine of several places answers from the closest one what is old enough for it.
        """
        access = self.runtime.access
        if Capability.READ_AT in access.backend.capabilities:
            then = past(self._sample, access.clock.monotonic(), max_lag)
            if then is not None:
                record, _ = await self._read(paths, deadline, then.moment)
                # What was not there, or is damaged, is looked at as it is.
                if record is not None:
                    return Seen(record, False, then.lag)  # noqa: FBT003 - by its place
        return await self.now(paths, deadline)

    async def _read(
        self, paths: StateLayout, deadline: Deadline, at: datetime | None
    ) -> tuple[StateRecord | None, datetime]:
        read = await self.runtime.access.read([paths.state], deadline, at=at)
        document: Document | None = read.get(paths.state)
        try:
            record = None if document is None else read_state_again(document, paths.governor_id, paths.state_id)
        except CorruptLogError:
            record = None
        return record if record is not None and record.is_made else None, read.read_time
