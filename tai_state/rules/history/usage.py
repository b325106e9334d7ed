"""How much a governor holds, how fast it changes, and what that costs a month where documents are billed."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tai_state import models
from tai_state.rules.history.costs import cost_of_change

if TYPE_CHECKING:
    from tai_state.causality.conflicts import ConflictHistory
    from tai_state.documents import Document
    from tai_state.models import DocumentCount, StoreStats, StoreUsage
    from tai_state.rules.history.damaged import Damaged
    from tai_state.rules.records.record import StateRecord

BUSIEST = 10
"""How many of the states that changed most often are named."""

MONTH = timedelta(days=30)

_HOUR_SECONDS = 3600.0


class Tally:
    """What the state documents of a governor tell."""

    def __init__(self, governor_id: str) -> None:
        """Begin with none."""
        self._governor_id = governor_id
        self._states = self._deleted = self._events = self.versions = self.sealed = 0
        self._by_status: Counter[str] = Counter()
        self._by_machine: Counter[str] = Counter()
        self._busiest: list[tuple[int, str]] = []

    def add(self, record: StateRecord) -> None:
        """Count a state."""
        marks = record.marks
        self._events += record.version - marks.trimmed_through
        self.versions += record.version
        self.sealed += max(marks.sealed_through, marks.trimmed_through)
        self._by_machine["" if record.machine is None else record.machine.name] += record.version
        # The most versions first, of equal ones the first id; kept short at every step, however many there are.
        self._busiest = sorted([*self._busiest, (-record.version, record.state_id)])[:BUSIEST]
        if record.deleted:
            self._deleted += 1
        else:
            self._states += 1
            self._by_status[record.status] += 1

    def stats(self, damaged: Damaged, met: ConflictHistory | None = None) -> StoreStats:
        """Return the counts; *met* remembers the conflicts, those of the governor's states among them."""
        return models.StoreStats(
            governor_id=self._governor_id,
            states=self._states,
            deleted=self._deleted,
            events=self._events,
            versions=self.versions,
            highest_version=-self._busiest[0][0] if self._busiest else 0,
            by_status=dict(sorted(self._by_status.items())),
            by_machine=dict(sorted(self._by_machine.items())),
            busiest={state_id: -negative for negative, state_id in self._busiest},
            damaged=list(damaged.states),
            conflicts=0 if met is None else met.count(self._governor_id),
            conflict_storm=met is not None and met.has_storm(governor_id=self._governor_id),
        )


class Usage:
    """What all the documents of a governor tell."""

    def __init__(self) -> None:
        """Begin with none."""
        self._documents: dict[str, DocumentCount] = {}
        self._days: Counter[int] = Counter()
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._events = self._keyed = 0

    def begin(self, kind: str) -> None:
        """Count the documents of one kind from now on."""
        self._documents[kind] = models.DocumentCount(count=0, bytes=0)

    def add(self, kind: str, document: Document) -> None:
        """Count a document."""
        before = self._documents[kind]
        self._documents[kind] = models.DocumentCount(count=before.count + 1, bytes=before.bytes + document.size)

    def add_event(self, timestamp: object, idempotency_key: object) -> None:
        """Count an event by its time."""
        # What is damaged has no time; it is found by a check, and counts as a document.
        if not isinstance(timestamp, datetime) or timestamp.utcoffset() is None:
            return
        self._events += 1
        self._keyed += idempotency_key is not None
        self._days[timestamp.toordinal()] += 1
        self._first = timestamp if self._first is None else min(self._first, timestamp)
        self._last = timestamp if self._last is None else max(self._last, timestamp)

    @property
    def changes_a_month(self) -> float | None:
        """The rate of the 30 days that end with the last change, or of the time from the first one, if that is less.

        None where that cannot be told: all changes are of one hour.
        """
        if self._first is None or self._last is None:
            return None
        seconds = (self._last - self._first).total_seconds()
        if seconds < _HOUR_SECONDS:
            return None
        begins = self._last - MONTH
        if self._first >= begins:
            return self._events * MONTH.total_seconds() / seconds
        # By whole days, of which the first one may be a part.
        return float(sum(count for day, count in self._days.items() if day > begins.toordinal()))

    def total(self, stats: StoreStats, tally: Tally, snapshot_interval: int) -> StoreUsage:
        """Return the whole, with what a month costs at the rate of ``changes_a_month``."""
        changes = self.changes_a_month
        writes = reads = None
        if changes is not None:
            versions = max(1, tally.versions)
            cost = cost_of_change(
                keyed=self._keyed / self._events,
                snapshot_interval=snapshot_interval,
                segments=self._documents["segments"].count / versions,
                sealed=tally.sealed / versions,
            )
            writes, reads = changes * cost.writes_and_deletes, changes * cost.reads
        return models.StoreUsage(
            stats=stats,
            documents=self._documents,
            first_change=self._first,
            last_change=self._last,
            changes_a_month=changes,
            reads_a_month=reads,
            writes_a_month=writes,
        )
