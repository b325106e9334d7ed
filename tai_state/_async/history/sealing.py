"""Sealing: when a full run of a state's events is unsealed, the next change of the state carries its segment."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tai_state._async.access.access import AsyncAccess
from tai_state._async.access.damage import tell_damage
from tai_state.clock import Deadline
from tai_state.config import Maintenance
from tai_state.documents import DocumentPath
from tai_state.errors import CorruptLogError, ReplayError, TaiStateError
from tai_state.layout import StateLayout
from tai_state.rules.history.segments import (
    Segment,
    batches,
    build_segment,
    is_sound_run,
    packed_segment,
    segment_due,
)
from tai_state.rules.records.chain import Texts
from tai_state.rules.records.documents import read_event
from tai_state.rules.records.record import EventRecord, StateRecord

log = logging.getLogger("tai_state")

SHARE = 0.1
"""The part of a change's time that its sealing may take."""

SECONDS_MAX = 1.0
"""What it may take at most: a change with all the time of the world is not to wait for it either."""

_PUT_OFF_SECONDS_MIN = 1.0
_PUT_OFF_SECONDS_MAX = 300.0
_PUT_OFF_STATES_MAX = 1024


@dataclass(frozen=True, slots=True)
class _PutOff:
    """Until when, on the monotonic clock, a state is not sealed, and how long that is."""

    until: float
    seconds: float


class AsyncSealing:
    """Reads the runs that are due; whatever ails one, it is put off rather than fail or delay a change.

    What failed once is tried again after a second, then after two, and so on up to five minutes.
    """

    def __init__(self, access: AsyncAccess) -> None:
        """Read through *access*."""
        self._access = access
        self._put_off: dict[DocumentPath, _PutOff] = {}

    def over(self, access: AsyncAccess) -> "AsyncSealing":
        """Return one that reads through *access*; what is put off is put off for both."""
        other = AsyncSealing(access)
        other._put_off = self._put_off
        return other

    async def due_segment(
        self,
        paths: StateLayout,
        record: StateRecord,
        maintenance: Maintenance,
        deadline: Deadline,
        known: Callable[[int], Sequence[Texts]],
    ) -> Segment | None:
        """Return the segment that goes with the next change of a state; None where none is due, or can be made now.

        Where the events are not known, it takes a tenth of the time that *deadline* leaves, a second at most; what was
        read by then is sealed.

        Args:
            known: Returns the unsealed events up to a version, where this process wrote them all.
        """
        due = segment_due(record, maintenance)
        if due is None or self._is_put_off(paths.state):
            return None
        if written := known(due[-1]):
            segment = packed_segment(paths, written)
            if segment is not None:
                return segment
        events: list[EventRecord] = []
        part = Deadline(self._access.clock, min(SECONDS_MAX, SHARE * deadline.remaining()))
        try:
            for batch in batches(due, record):
                events += await self._events(paths, batch, part)
        except TaiStateError as error:
            log.warning("sealing events of %s/%s is put off: %s", paths.governor_id, paths.state_id, error)
            if isinstance(error, CorruptLogError):
                tell_damage(error)
            if isinstance(error, ReplayError):
                events = []
        segment = build_segment(paths, events) if is_sound_run(events) else None
        if segment is None:
            self.put_off(paths.state)
        else:
            self._put_off.pop(paths.state, None)
        return segment

    async def _events(self, paths: StateLayout, versions: range, deadline: Deadline) -> list[EventRecord]:
        """Read the events of *versions* at once.

        Raises:
            CorruptLogError: One of them is missing or damaged.
        """
        read = await self._access.read([paths.event(version) for version in versions], deadline, consistent=False)
        events = []
        for version in versions:
            document = read.get(paths.event(version))
            if document is None:
                raise CorruptLogError(paths.governor_id, paths.state_id, version, "the event is missing")
            events.append(read_event(document, paths.governor_id, paths.state_id))
        return events

    def put_off(self, state: DocumentPath) -> None:
        """Do not read a state's events again with every later change; longer with each time."""
        before = self._put_off.pop(state, None)
        if len(self._put_off) >= _PUT_OFF_STATES_MAX:
            self._put_off.clear()
        seconds = _PUT_OFF_SECONDS_MIN if before is None else min(2 * before.seconds, _PUT_OFF_SECONDS_MAX)
        self._put_off[state] = _PutOff(self._access.clock.monotonic() + seconds, seconds)

    def _is_put_off(self, state: DocumentPath) -> bool:
        found = self._put_off.get(state)
        return found is not None and self._access.clock.monotonic() < found.until
