"""Reading a state's history: its events in order, the fold over them, and the state rebuilt from them."""

import logging
from collections.abc import AsyncIterator
from datetime import datetime

from tai_state._async.access.access import AsyncAccess
from tai_state.clock import TimeLimit
from tai_state.errors import CorruptLogError, StateNotFoundError
from tai_state.layout import StateLayout, versioned
from tai_state.rules.history.replay import Fold, Rerun, no_rerun
from tai_state.rules.history.segments import read_segment
from tai_state.rules.history.snapshots import read_snapshot
from tai_state.rules.records.documents import read_event
from tai_state.rules.records.record import EventRecord, StateRecord

log = logging.getLogger("tai_state")


class AsyncHistoryReader:
    """The histories of states, read in bounded memory."""

    def __init__(self, access: AsyncAccess) -> None:
        """Read through *access*."""
        self._access = access

    async def events(
        self,
        paths: StateLayout,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int | None = None,
        timeout: TimeLimit = None,
    ) -> AsyncIterator[EventRecord]:
        """Iterate over the event documents with ``after < version <= until``, in version order."""
        start = versioned(paths.stored_id, after + 1)
        # "A" is the character behind "@": the end of this state's range.
        stop = versioned(paths.stored_id, until + 1) if until is not None else f"{paths.stored_id}A"
        async for document in self._access.scan(
            paths.governor.events, start=start, stop=stop, limit=limit, timeout=timeout
        ):
            yield read_event(document, paths.governor_id, paths.state_id)

    async def replay(
        self,
        paths: StateLayout,
        *,
        until_version: int | None = None,
        until_time: datetime | None = None,
        rerun: Rerun = no_rerun,
        timeout: TimeLimit = None,
    ) -> StateRecord:
        """Fold the event documents, from the first to the version or time given, and return the state reached.

        Raises:
            StateNotFoundError: There is no event up to there.
            CorruptLogError: An event up to there is missing, damaged, or does not follow from the one before.
            ReplayError: The machine, run again, makes something else of an event.
        """
        fold = Fold(paths.governor_id, paths.state_id, rerun=rerun)
        last = until_version
        async for event in self.events(paths, until=until_version, timeout=timeout):
            if until_time is not None and event.timestamp > until_time:
                # It ends the replay, but only as the very next event: otherwise one is missing before it.
                last = event.version - 1
                break
            fold.step(event)
        reached = fold.state()
        if last is not None and fold.version < last:
            reason = f"the event is missing, the history goes on to version {last}"
            raise CorruptLogError(paths.governor_id, paths.state_id, fold.version + 1, reason)
        if reached is None:
            raise StateNotFoundError(paths.governor_id, paths.state_id)
        return reached

    async def rebuild(self, paths: StateLayout, *, timeout: TimeLimit = None) -> StateRecord | None:
        """Return the state as snapshots, segments and events tell it; None when there is nothing.

        Reads the newest sound snapshot and what follows it; without one, sealed segments before single events.

        Raises:
            CorruptLogError: What follows the snapshot is damaged or has a gap.
        """
        base = await self._newest_snapshot(paths, timeout)
        fold = Fold(paths.governor_id, paths.state_id, base=base)
        start, stop = versioned(paths.stored_id, 0), f"{paths.stored_id}A"
        if base is None:
            async for document in self._access.scan(paths.governor.segments, start=start, stop=stop, timeout=timeout):
                try:
                    segment = read_segment(document, paths.governor_id, paths.state_id)
                except CorruptLogError as error:
                    log.warning("a damaged segment is passed over: %s", error)
                    break
                for event in segment.events:
                    fold.step(event)
        async for event in self.events(paths, after=fold.version, timeout=timeout):
            fold.step(event)
        return fold.state()

    async def _newest_snapshot(self, paths: StateLayout, timeout: TimeLimit) -> StateRecord | None:
        start, stop = versioned(paths.stored_id, 0), f"{paths.stored_id}A"
        newest: StateRecord | None = None
        # Ascending, the only order that every engine offers; few are kept.
        async for document in self._access.scan(paths.governor.snapshots, start=start, stop=stop, timeout=timeout):
            try:
                newest = read_snapshot(document, paths.governor_id, paths.state_id)
            except CorruptLogError as error:
                log.warning("a damaged snapshot is passed over: %s", error)
        return newest
