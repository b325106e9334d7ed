# Generated from tai_state/_async/api/store_events.py by .ci/generate_sync.py; do not edit.
"""What a store reads of events: those of a state, those that come, those of a governor."""
from __future__ import annotations

from typing import TYPE_CHECKING

from tai_state._sync.history.following import moments
from tai_state._platform.iterators import ending
from tai_state.codec import Payload
from tai_state.layout import state_layout
from tai_state.rules.history.late import stored_events
from tai_state.rules.records.arguments import check_branches, check_limit, check_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Callable
    from datetime import datetime

    from tai_state._sync.runtime import Runtime
    from tai_state.clock import TimeLimit
    from tai_state.models import Event


class StoreEvents:
    """The part of a store that reads events."""

    runtime: Runtime

    def get_events(
        self,
        governor_id: str,
        state_id: str,
        *,
        after: int = 0,
        until: int | None = None,
        limit: int | None = None,
        descending: bool = False,
        branches: bool = False,
        timeout: TimeLimit = None,
    ) -> Iterator[Event]:
        """Iterate over a state's events with ``after < version <= until``, in version order.

        A state that never was has none.

        Args:
            descending: The newest first; the state itself is read for its version.
            branches: Behind those of this store's line, those that other stores have made of the state and that are in
                no line here, by their ``origin``, then by their version there: what merges have merged.
            timeout: Bounds each page.

        Raises:
            HistoryTrimmedError: The next one was trimmed.
            CorruptLogError: The next one is damaged, or is nowhere though later ones are there.
            InvalidDataError: *branches* with *descending* or *limit*, which are of the line alone.
        """
        paths = state_layout(governor_id, state_id)
        check_limit(limit)
        check_version(after, "after")
        if until is not None:
            check_version(until, "until")
        if branches:
            check_branches(branches, limit, descending=descending)
        if descending:
            from tai_state._sync.history.backward import backward  # noqa: PLC0415 - few read so

            record = self.runtime.record(paths, timeout)
            newest = 0 if record is None else record.version if until is None else min(until, record.version)
            backwards = backward(
                self.runtime.history, paths, newest=newest, after=after, limit=limit, timeout=timeout
            )
            for event in self.runtime.inflight.reading(backwards, "get_events", governor_id, state_id):
                yield event.public(Payload.value)
            return
        parts = self.runtime.history.checked_parts(paths, after=after, until=until, limit=limit, timeout=timeout)
        for part in self.runtime.inflight.reading(parts, "get_events", governor_id, state_id):
            for each in stored_events(part):
                yield each
        if branches:
            from tai_state._sync.history.branches import branch_events  # noqa: PLC0415 - few have any

            found = branch_events(self.runtime.access, paths, timeout)
            for event in self.runtime.inflight.reading(found, "get_events", governor_id, state_id):
                if event.version > after and (until is None or event.version <= until):
                    yield event.public(Payload.value)

    def follow(
        self, governor_id: str, state_id: str, *, after: int = 0, timeout: TimeLimit = None
    ) -> Iterator[Event]:
        """Iterate over a state's events behind version *after*, then over those that come, in their order, without end.

        Each version is given once, and none is left out, however fast they come and however slowly they are taken: what
        is told of a change only leads to a look at the events. A new one is given soon after its commit, where the
        backend can be watched; else it is looked for each second. Whoever waits here holds up no ``drain``. A state
        that never was is waited for. ``timeout`` bounds each page.

        Raises:
            StoreClosedError: The store was drained or closed meanwhile.
            DeadlineExceededError, RetriesExhaustedError: It did not answer for that long; begin again with *after*.
        """
        paths = state_layout(governor_id, state_id)
        last = check_version(after, "after")
        with ending(moments(self.runtime.access, paths.state)) as moments_to_look:
            for _ in moments_to_look:
                found = self.runtime.history.events(paths, after=last, timeout=timeout)
                for event in self.runtime.inflight.reading(found, "follow", governor_id, state_id):
                    last = event.version
                    yield event.public(Payload.value)

    def find_events(
        self,
        governor_id: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        action: str | None = None,
        changed_by: str | None = None,
        after: Event | tuple[datetime, str, int] | None = None,
        limit: int | None = None,
        progress: Callable[[int], None] | None = None,
        timeout: TimeLimit = None,
    ) -> Iterator[Event]:
        """Iterate over the events of all states of a governor with ``since <= timestamp <= until``, ascending by time.

        Of equal times they are given by their own stored ids, ``STATE@VERSION``: those of a state by version, and
        those of ``order-10`` before those of ``order-1``. The engine finds them by the index of their time; *action*
        and *changed_by* are looked at here, so an event that is left out is read, too. *progress* is told how many
        documents were read so far.

        The time is the one that the event's writer gave it: an event that is committed while, or after, somebody reads
        may have an earlier one than those that were given. To miss none, ``follow`` the states.

        Event documents are read: events whose documents ``gc`` removed, since a sealed segment has them, are in
        ``get_events`` alone; ``finds_all_events`` tells whether there are such. Trimmed events are nowhere.

        Args:
            after: Go on behind this event, the last one that was given, or behind its ``(timestamp, state_id,
                version)``: among events of one time none is lost or given twice.
            limit: At most so many; what cannot be read does not count.
            timeout: Bounds each page.

        Raises:
            DamagedDocumentsError: Behind the last event: some could not be read.
        """
        # Imported here: few look for events past their states.
        from tai_state._sync.api.found_events import found_events  # noqa: PLC0415
        from tai_state.rules.history.finding import wanted_events  # noqa: PLC0415

        check_limit(limit)
        asked = wanted_events(governor_id, since=since, until=until, action=action, changed_by=changed_by, after=after)
        found = found_events(self.runtime, asked, limit=limit, progress=progress, timeout=timeout)
        for event in found:
            yield event.public(Payload.value)

    def finds_all_events(self, governor_id: str, *, timeout: TimeLimit = None) -> bool:
        """Whether ``find_events`` finds every event that a governor has: none is in a sealed segment alone."""
        from tai_state.rules.history.finding import alone_segments  # noqa: PLC0415 - as above

        found = self.runtime.access.query(alone_segments(governor_id), limit=1, timeout=timeout)
        with ending(self.runtime.inflight.reading(found, "finds_all_events", governor_id)) as events:
            for _ in events:
                return False
        return True
