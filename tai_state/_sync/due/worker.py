# Generated from tai_state/_async/due/worker.py by .ci/generate_sync.py; do not edit.
"""The worker: looks for what is due, and makes the moves."""
import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from tai_state._sync.access.inflight import InFlight
from tai_state._sync.api.persister import StateMachinePersister
from tai_state._sync.due.finder import DueFinder
from tai_state._sync.due.firing import Firing, Fired, Outcome
from tai_state._platform.iterators import ending
from tai_state._platform.tasks import together
from tai_state.authors import Author, author_of_due
from tai_state.clock import TimeLimit, seconds_of
from tai_state.config import DRAIN_SECONDS, check_colour, check_count, drain_seconds
from tai_state.documents import Document, DocumentPath
from tai_state.errors import (
    ConfigurationError,
    DeadlineExceededError,
    ReplayError,
    RetriesExhaustedError,
    StoreClosedError,
    StoreError,
)
from tai_state.layout import StateLayout, state_layout, state_of
from tai_state.models.due import DueState
from tai_state.rules.records.arguments import check_time
from tai_state.rules.records.documents import read_state
from tai_state.rules.records.record import EventRecord, StateRecord

log = logging.getLogger("tai_state")

POLL_SECONDS = 5.0
"""How often a worker looks where its owner does not say."""

BATCH = 100
"""How many states it holds at a time."""

PENDING = 1_000
"""How many states ``pending`` returns at most where nobody says."""

_AT_ONCE = 16
"""How many are read again together, and moved side by side."""


class DueWorker:
    """Makes the moves of a persister's machines that are due: timeouts and schedules.

    Any number of workers, in any number of processes, may serve one store: each move is made once, and what a worker
    that died left behind is made by the next one that looks. Only the store's clock counts: nothing is done before its
    time by that, whatever the hosts' clocks say.

    An action that is not allowed when it is due ends as an event of the kind "refused", and so does one whose guard or
    reducer raises, behind five tries with growing pauses. A state that cannot be moved here, since a newer definition
    moved it, it is damaged, or the engine does not take it, is left to others and comes again.

    Idle, it asks the store once in *poll* seconds for each of its machines and of the configured ``due_shards``. It
    looks before that when it knows that something is due, as it does of all that this process arms. ``run_once`` is for
    where nothing runs between requests, such as behind an endpoint that a scheduler calls.
    """

    def __init__(
        self, persister: StateMachinePersister[Any], *, poll: float = POLL_SECONDS, batch: int = BATCH
    ) -> None:
        """Serve the machines of *persister*, those of its ``machines=`` too.

        Args:
            poll: How many seconds at most are between two looks.
            batch: How many states it holds in memory at a time.

        Raises:
            ConfigurationError: *persister* is none, or of the other colour, or has no machine; or a number cannot be.
        """
        check_colour(persister, StateMachinePersister, self)
        if not persister.machines:
            message = "a worker makes moves: its persister needs a machine"
            raise ConfigurationError(message)
        self._inflight = InFlight("the due worker", within=persister.store.runtime.inflight)
        self._firing = Firing(persister, self._inflight)
        self._runtime = self._firing.runtime
        self._actor = persister.store.actor
        self._finder = DueFinder(
            self._runtime,
            persister.machines,
            shards=persister.settings.due_shards,
            poll=seconds_of(poll),
            batch=check_count(batch, "batch", least=1),
        )

    def run_once(self) -> int:
        """Make all moves that are due now, and return how many were made; refused ones are not counted.

        Raises:
            StoreClosedError: The worker, or its store, is drained.
            StoreError, DeadlineExceededError, RetriesExhaustedError: The store does not answer; what is due stays due.
        """
        with self._inflight.one("due"):
            fired = 0
            with ending(self._finder.look()) as pages:
                for paths in pages:
                    fired += self._fire_all(paths)
            return fired

    def run(self) -> None:
        """Make moves as they become due, until the worker or its store is drained.

        A store that does not answer is asked again with the next look.
        """
        with self._finder.listening(self):
            while not self._inflight_is_shut():
                try:
                    self.run_once()
                except StoreClosedError:
                    return
                except (StoreError, DeadlineExceededError, RetriesExhaustedError) as error:
                    log.warning("the due worker looks again in %g seconds: %s", self._finder.poll, error)
                    self._finder.lookout.begin()
                self._finder.rest(self._inflight_is_shut)

    def drain(self, timeout: TimeLimit = DRAIN_SECONDS) -> bool:
        """Make no more moves, and wait up to *timeout* seconds for those under way; return whether all ended.

        ``run`` returns then; what is due is left to other workers.
        """
        self._inflight.refuse()
        self.stop_soon()
        return self._inflight.drain(drain_seconds(timeout))

    def pending(
        self, *, until: datetime | None = None, limit: int = PENDING, timeout: TimeLimit = None
    ) -> list[DueState]:
        """Return what is due of the machines that this worker serves, now or later, in the order of time.

        What is damaged is left out.

        Args:
            until: What is due before that; None: all.
            limit: At most so many.
            timeout: Bounds each page that is read.

        Raises:
            InvalidDataError: *until* is no aware datetime.
            ConfigurationError: *limit* is no positive int.
        """
        # Imported here: it is for people.
        from tai_state._sync.due.listing import pending  # noqa: PLC0415

        before = None if until is None else check_time(until, "until")
        most = check_count(limit, "limit", least=1)
        with self._inflight.one("due_pending"):
            return pending(self._runtime.access, self._finder.keys(), before, most, timeout)

    # What the writer of this process tells

    def tell(self, event: EventRecord) -> None:
        """Take a change into account that this process made: what it armed may be due before the next look."""
        self._finder.tell(event)

    def stop_soon(self) -> None:
        """Let ``run`` see that it is to end."""
        self._finder.wake()

    def close(self, timeout: TimeLimit = None) -> bool:
        """End with the store; what is under way was waited for with its calls."""
        return self.drain(timeout)

    # Inside

    def _inflight_is_shut(self) -> bool:
        try:
            self._inflight.check()
        except StoreClosedError:
            return True
        return False

    def _fire_all(self, paths: list[DocumentPath]) -> int:
        """Make the moves of states that were found to be due, some at a time."""
        # Each worker in an order of its own: several that found the same meet at few.
        self._runtime.access.rng.shuffle(paths)
        fired = 0
        for first in range(0, len(paths), _AT_ONCE):
            self._inflight.check()
            outcomes = self._fire_some(paths[first : first + _AT_ONCE])
            fired += sum(outcome.outcome is Outcome.FIRED for outcome in outcomes)
            troubles = [outcome.trouble for outcome in outcomes if outcome.trouble is not None]
            # Where others could be moved, it is the state's own: it is stepped past, and holds up nobody.
            if troubles and len(troubles) == len(outcomes):
                raise troubles[0]
        return fired

    def _fire_some(self, paths: Sequence[DocumentPath]) -> list[Fired]:
        access = self._runtime.access
        read = access.read(paths, access.begin(None), consistent=False)
        # Here: what runs side by side may be threads, which know nothing of this context.
        author = author_of_due(self._actor)
        calls = [
            partial(self._fire, document, read.read_time, author)
            for path in paths
            if (document := read.get(path)) is not None
        ]
        # One alone, as most are, needs no task, and no thread, of its own.
        return [calls[0]()] if len(calls) == 1 else together(calls)

    def _fire(self, document: Document, read_time: datetime, author: Author) -> Fired:
        path, monotonic = document.path, self._runtime.access.clock.monotonic()
        found = readable(document)
        if found is None:
            self._finder.lookout.step_past(path, monotonic)
            return Fired(Outcome.STEPPED)
        paths, record = found
        if record.due is None:
            return Fired(Outcome.GONE)
        fired = self._firing.fire(paths, document, record, read_time, author)
        if fired.again is not None:
            self._finder.lookout.expect(fired.again)
        elif fired.outcome is Outcome.STEPPED:
            self._finder.lookout.step_past(path, monotonic)
        if fired.outcome in {Outcome.FIRED, Outcome.REFUSED}:
            self._finder.lookout.done(path)
        return fired


def readable(document: Document) -> tuple[StateLayout, StateRecord] | None:
    """Return the state in a document; None for one that is damaged, or that a newer release wrote."""
    governor_id, state_id = state_of(str(document.path))
    if not governor_id or not state_id:
        return None
    try:
        return state_layout(governor_id, state_id), read_state(document, governor_id, state_id)
    except ReplayError as error:
        log.warning("what is due of %s is stepped past: %s", document.path, error)
        return None
