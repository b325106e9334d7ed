# Generated from tai_state/_async/history/sealing.py by .ci/generate_sync.py; do not edit.
"""Sealing: when a full run of a state's events is unsealed, the next change of the state carries its segment."""
import logging

from tai_state._sync.access.access import Access
from tai_state.clock import Deadline
from tai_state.config import Maintenance
from tai_state.documents import DocumentPath
from tai_state.errors import ReplayError, TaiStateError
from tai_state.layout import StateLayout
from tai_state.rules.history.replay import contradiction
from tai_state.rules.history.segments import Segment, build_segment, segment_due
from tai_state.rules.records.documents import read_event
from tai_state.rules.records.record import EventRecord, StateRecord

log = logging.getLogger("tai_state")

_UNSEALABLE_MAX = 1024


class Sealing:
    """Reads the runs that are due; whatever ails one, it is put off rather than fail a change."""

    def __init__(self, access: Access) -> None:
        """Read through *access*."""
        self._access = access
        # By state, the first version of a run of events that could not be sealed.
        self._unsealable: dict[DocumentPath, int] = {}

    def due_segment(
        self, paths: StateLayout, record: StateRecord, maintenance: Maintenance, deadline: Deadline
    ) -> Segment | None:
        """Return the segment that goes with the next change of a state; None where none is due, or can be made."""
        due = segment_due(record, maintenance)
        if due is None or self._unsealable.get(paths.state) == due.start:
            return None
        events: list[EventRecord] = []
        try:
            read = self._access.read([paths.event(version) for version in due], deadline, consistent=False)
            for version in due:
                document = read.get(paths.event(version))
                if document is None:
                    break
                event = read_event(document, paths.governor_id, paths.state_id)
                if events and contradiction(events[-1], event) is not None:
                    break
                events.append(event)
        except ReplayError as error:
            log.warning("events of %s/%s are damaged and not sealed: %s", paths.governor_id, paths.state_id, error)
        except TaiStateError as error:
            log.warning("sealing events of %s/%s is put off: %s", paths.governor_id, paths.state_id, error)
            return None
        segment = build_segment(paths, events) if len(events) == len(due) else None
        if segment is None:
            self._pass_over(paths.state, due.start)
        return segment

    def _pass_over(self, state: DocumentPath, first: int) -> None:
        """Do not read a run again with every later change: what is damaged stays so until it is repaired."""
        if len(self._unsealable) >= _UNSEALABLE_MAX:
            self._unsealable.clear()
        self._unsealable[state] = first
