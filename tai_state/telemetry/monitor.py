"""The monitor: what a store did in this process, counted in bounded memory."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict, deque
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from tai_state._platform.forks import anew_in_children
from tai_state.observers import Billed, Observer
from tai_state.telemetry.observing import observe
from tai_state.telemetry.prometheus import as_text
from tai_state.telemetry.tallies import Durations, Heaviest, OperationTally, Slowest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tai_state import AsyncStateStore, StateStore
    from tai_state.causality.conflicts import Conflict
    from tai_state.observers import HeldLock, Operation, Request


class Monitor(Observer):
    """Counts what a store does from now on, until it is closed; a context manager.

    Of each operation it keeps counts, errors, attempts and conflicts, and the last 1,000 durations; of all of them the
    ten most contended states and the ten slowest calls; of locks for how long they were held. Threads and event loops
    may share it. It knows this process alone: in a fork's child it begins anew, and another process is asked for its
    own.
    """

    def __init__(self, store: StateStore | AsyncStateStore) -> None:
        """Begin to count.

        Raises:
            ConfigurationError: *store* is none.
        """
        self.begin_anew()
        anew_in_children(self)
        self._observation = observe(store, self)
        self._met = store.conflicts

    def begin_anew(self) -> None:
        """Count from nothing."""
        self._guard = threading.Lock()
        self._heard: deque[Callable[[], None]] = deque()
        self._operations: defaultdict[str, OperationTally] = defaultdict(OperationTally)
        self._requests: Counter[tuple[str, str]] = Counter()
        self._billed: Counter[str] = Counter()
        self._holds, self._locks_lost = Durations(), 0
        self._conflicts: Counter[tuple[str, str]] = Counter()
        self._contended, self._slowest = Heaviest(), Slowest()

    # What it is told

    def operation_ended(self, operation: Operation) -> None:
        """Count an operation."""
        self._hear(partial(self._count_operation, operation))

    def request_ended(self, request: Request, operation: Operation | None) -> None:
        """Count a request, also one of the background."""
        del operation
        self._hear(partial(self._count_request, request))

    def lock_ended(self, lock: HeldLock) -> None:
        """Count a lock that was released or lost."""
        self._hear(partial(self._count_lock, lock))

    def conflict_met(self, conflict: Conflict) -> None:
        """Count versions that were in conflict."""
        self._hear(partial(self._count_conflict, conflict.kind, conflict.result))

    def _hear(self, count: Callable[[], None]) -> None:
        self._heard.append(count)
        # The guard is never waited for: an iteration that garbage collection ends, or a signal's handler, may tell of
        # itself in the middle of a count. Whoever is inside counts what came meanwhile.
        while self._heard and self._guard.acquire(blocking=False):
            try:
                self._count_heard()
            finally:
                self._guard.release()

    def _count_heard(self) -> None:
        while self._heard:
            self._heard.popleft()()

    def _count_operation(self, operation: Operation) -> None:
        self._operations[operation.name].add(operation)
        self._slowest.add(operation)
        met = operation.conflicts + operation.is_carried
        if met and operation.governor_id is not None and operation.state_id is not None:
            self._contended.add((operation.governor_id, operation.state_id), met)

    def _count_request(self, request: Request) -> None:
        self._requests[request.kind, request.error or "ok"] += 1
        for name in Billed._fields:
            self._billed[name] += getattr(request.billed, name)

    def _count_lock(self, lock: HeldLock) -> None:
        self._holds.add(lock.seconds)
        self._locks_lost += lock.is_lost

    def _count_conflict(self, kind: str, result: str) -> None:
        self._conflicts[kind, result] += 1

    # What it tells

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as JSON-like data.

        ``operations`` by name, with ``seconds`` (count, sum, p50, p95, p99, max), ``errors`` by code, and sums;
        ``requests`` to the backend by kind and outcome, and ``billed`` of all of them, the background included;
        ``locks`` with ``hold_seconds`` and ``lost`` (what was waited for them are the seconds of ``acquire``);
        ``version_conflicts`` that syncs and replicas met, by kind and result, and whether they come in a storm
        (``version_conflict_storm``, as by ``store.conflicts.has_storm()``);
        ``contended`` states with how often they were met, and the ``slowest`` calls. Ids are told as they are.
        Not for a signal's handler: it may wait for the very thread that it interrupts.
        """
        with self._guard:
            self._count_heard()
            requests: dict[str, dict[str, int]] = {}
            for (kind, outcome), count in self._requests.items():
                requests.setdefault(kind, {})[outcome] = count
            return {
                "operations": {name: tally.as_dict() for name, tally in self._operations.items()},
                "requests": requests,
                "billed": {name: self._billed[name] for name in Billed._fields},
                "locks": {"hold_seconds": self._holds.as_dict(), "lost": self._locks_lost},
                "version_conflicts": [
                    {"kind": kind, "result": result, "count": count}
                    for (kind, result), count in sorted(self._conflicts.items())
                ],
                "version_conflict_storm": self._met.has_storm(),
                "contended": [
                    {"governor_id": key[0], "state_id": key[1], "count": count} for key, count in self._contended.top()
                ],
                "slowest": self._slowest.top(),
            }

    def as_prometheus(self) -> str:
        """Return the counts as a text that Prometheus scrapes (format 0.0.4), without the id of anything.

        Serve it as ``text/plain; version=0.0.4``.
        """
        return as_text(self.as_dict())

    # Life

    def close(self) -> None:
        """Count no more; what was counted stays. A second call does nothing."""
        self._observation.close()

    def __enter__(self) -> Self:
        """Return itself; it has begun already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count no more."""
        self.close()
