# Generated from tai_state/_async/sagas/runner.py by .ci/generate_sync.py; do not edit.
"""The runner: starts sagas, tells of them, and brings those forward that are due."""
from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tai_state._sync.access.inflight import InFlight
from tai_state._sync.api.lists import listed
from tai_state._sync.api.store import StateStore
from tai_state._sync.due.finder import DueFinder
from tai_state._sync.due.states import DueStates
from tai_state._sync.sagas.working import SagaWork
from tai_state._platform.bounded import check_bounded
from tai_state.authors import author_of
from tai_state.clock import seconds_of
from tai_state.config import DRAIN_SECONDS, LockConfig, check_colour, check_count, check_kind, drain_seconds
from tai_state.errors import (
    IdempotencyMismatchError,
    StateExistsError,
    StateNotFoundError,
)
from tai_state.layout import check_id, state_layout
from tai_state.rules.commits.kinds import Call, payload_of
from tai_state.rules.sagas.changes import by_hand_change, start_saga_change
from tai_state.rules.sagas.info import saga_state
from tai_state.rules.sagas.known import Known
from tai_state.rules.sagas.machine import RESUME, TURN_BACK, machine_name
from tai_state.rules.sagas.places import sagas_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Iterable
    from datetime import timedelta

    from tai_state.clock import Deadline, TimeLimit
    from tai_state.models import ChangeMetadata
    from tai_state.models.sagas import SagaState
    from tai_state.rules.records.record import EventRecord, StateRecord
    from tai_state.rules.sagas.definition import Saga

LEASE_SECONDS = 30.0
"""How long a saga is a runner's without a heartbeat, where its owner does not say."""

POLL_SECONDS = 5.0
"""How often a runner looks where its owner does not say."""

CONCURRENCY = 16
"""How many sagas a runner has in hand at once where its owner does not say."""

BATCH = 100
"""How many sagas a look holds at a time."""


class SagaRunner:
    """Runs sagas: any number of runners, in any number of processes, may serve one store.

    A saga is brought forward by whichever runner finds it due, and is that one's while its heartbeats renew the lease.
    When its process dies, another takes the saga up once the lease has ended, at the step where it stood, whose action
    runs again under its key. The one that was only slow is refused then, and ``ctx.check()`` tells it; until it asks,
    both may run the same action.

    A saga whose definition is not known here, since it was begun under another one, is left to others, with a warning.
    """

    def __init__(
        self,
        store: StateStore,
        sagas: Iterable[Saga] = (),
        *,
        lease: float | timedelta = LEASE_SECONDS,
        poll: float = POLL_SECONDS,
        concurrency: int = CONCURRENCY,
    ) -> None:
        """Serve *sagas*; nothing is read or written yet.

        Args:
            sagas: Their definitions, and so those in their ``versions``; without any, sagas can be looked at, and be
                told to turn back or go on.
            lease: For how many seconds a saga stays with a runner that renews its lease no more.
            poll: How many seconds at most are between two looks.
            concurrency: How many sagas are in hand at once: tasks, or threads.

        Raises:
            ConfigurationError: *store* is none, or of the other colour, and so a function; a number cannot be; or two
                definitions have one name.
        """
        check_colour(store, StateStore, self)
        self.sagas = tuple(sagas)
        known = Known(self.sagas)
        for step in known.steps():
            for function in (step.action, step.compensate):
                if function is not None:
                    check_bounded(function)
        self._store = store
        self._runtime = store.runtime
        self._known = known
        self._inflight = InFlight("the saga runner", within=store.runtime.inflight)
        self._states = DueStates(store)
        self._timing = LockConfig(ttl=seconds_of(lease)).timing()
        self._concurrency = check_count(concurrency, "concurrency", least=1)
        self._finder = DueFinder(
            self._runtime, known.machine_names(), shards=1, poll=seconds_of(poll), batch=BATCH
        )

    # Starting and telling

    def start(
        self,
        governor_id: str,
        saga_id: str,
        saga_name: str,
        data: object = None,
        idempotency_key: str | None = None,
        *,
        metadata: ChangeMetadata | None = None,
        timeout: TimeLimit = None,
    ) -> SagaState:
        """Start a saga, once, however often it is asked for, and return it as it is; a runner brings it forward.

        Args:
            data: JSON-like; what its steps are given.
            idempotency_key: Lets who asks again be told of this saga even where it was deleted meanwhile.

        Raises:
            ConfigurationError: This runner has no saga of that name.
            InvalidDataError, InvalidIdError: Something cannot be stored; nothing was written.
            IdempotencyMismatchError: There is a saga of that id, or a start under that key, of another definition or
                with other data.
        """
        saga = self._known.by_name(saga_name)
        deadline = self._runtime.access.begin(timeout)
        paths = state_layout(sagas_of(governor_id), saga_id)
        call = Call(paths, author_of(metadata, self._runtime.actor), None, idempotency_key)
        change = start_saga_change(call, saga, self._runtime.access.new_id(), data)
        try:
            record = self._states.write(change, deadline)
        except StateExistsError:
            record = self._found(governor_id, saga_id, deadline)
            found = record.data.value()
            if found["saga"] != saga.name or payload_of(found["input"]) != payload_of(data):
                raise IdempotencyMismatchError(saga_id, governor_id, saga_id) from None
        return saga_state(record, governor_id)

    def get(self, governor_id: str, saga_id: str, *, timeout: TimeLimit = None) -> SagaState:
        """Return a saga as it is.

        Raises:
            StateNotFoundError: There is none of that id.
        """
        record = self._found(governor_id, saga_id, self._runtime.access.begin(timeout))
        return saga_state(record, governor_id)

    def list_sagas(
        self,
        governor_id: str,
        *,
        status: str | None = None,
        saga_name: str | None = None,
        after: str | None = None,
        limit: int | None = None,
        timeout: TimeLimit = None,
    ) -> Iterator[SagaState]:
        """Iterate over the sagas of a governor, ascending by stored id.

        Args:
            status, saga_name: Only those in this status, and of this definition.
            after: Only those behind this id.
            limit: At most so many.
            timeout: Bounds each page.

        Raises:
            DamagedStatesError: Behind the last one: some could not be read.
        """
        machine = None if saga_name is None else machine_name(check_id(saga_name, "saga_name"))
        found = listed(
            self._runtime,
            sagas_of(governor_id),
            partial(saga_state, governor_id=governor_id),
            status=status,
            machine=machine,
            after=after,
            limit=limit,
            timeout=timeout,
        )
        for saga in found:
            yield saga

    # By hand

    def compensate(
        self,
        governor_id: str,
        saga_id: str,
        *,
        reason: str = "",
        metadata: ChangeMetadata | None = None,
        timeout: TimeLimit = None,
    ) -> SagaState:
        """Let a saga turn back: no further step is begun, and those that finished are compensated.

        Of one that runs this takes effect between two steps: a step that is under way ends first. One that has
        completed is undone as a whole.

        Args:
            reason: Why, for people.

        Raises:
            TransitionNotAllowedError: It goes back already, or did.
            StateNotFoundError: There is none of that id.
        """
        check_kind(reason, str, "reason")
        return self._by_hand(
            (governor_id, saga_id), TURN_BACK, {"reason": reason}, metadata=metadata, timeout=timeout
        )

    def retry(
        self,
        governor_id: str,
        saga_id: str,
        *,
        metadata: ChangeMetadata | None = None,
        timeout: TimeLimit = None,
    ) -> SagaState:
        """Let a saga go on at once that waits for its next attempt, or whose compensation has failed.

        What was passed over is compensated after all, each as often again as its policy says.

        Raises:
            TransitionNotAllowedError: A step of it is under way, or there is nothing to try again.
            StateNotFoundError: There is none of that id.
        """
        return self._by_hand((governor_id, saga_id), RESUME, {}, metadata=metadata, timeout=timeout)

    # Bringing forward

    def run_due(self) -> int:
        """Bring all sagas forward that are due now, until each has ended or has to wait; return how many they were.

        Raises:
            StoreClosedError: The runner, or its store, is drained.
            StoreError, DeadlineExceededError, RetriesExhaustedError: The store does not answer; what is due stays due.
        """
        return self._work().run_due()

    def run(self) -> None:
        """Bring sagas forward as they become due, until the runner or its store is drained.

        A store that does not answer is asked again with the next look.
        """
        with self._finder.listening(self):
            self._work().run()

    def drain(self, timeout: TimeLimit = DRAIN_SECONDS) -> bool:
        """Begin no more steps, and wait up to *timeout* seconds for those under way; return whether all ended.

        ``run`` returns then; the sagas are due at once, for other runners.
        """
        self._inflight.refuse()
        self.stop_soon()
        return self._inflight.drain(drain_seconds(timeout))

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

    def _work(self) -> SagaWork:
        return SagaWork(
            self._states,
            self._known,
            self._inflight,
            self._finder,
            timing=self._timing,
            concurrency=self._concurrency,
        )

    def _found(self, governor_id: str, saga_id: str, deadline: Deadline) -> StateRecord:
        record = self._runtime.record(state_layout(sagas_of(governor_id), saga_id), deadline)
        if record is None or record.deleted:
            raise StateNotFoundError(governor_id, saga_id, deleted=record is not None)
        return record

    def _by_hand(
        self,
        ids: tuple[str, str],
        action: str,
        payload: dict[str, Any],
        *,
        metadata: ChangeMetadata | None,
        timeout: TimeLimit,
    ) -> SagaState:
        governor_id, saga_id = ids
        deadline = self._runtime.access.begin(timeout)
        record = self._found(governor_id, saga_id, deadline)
        call = Call(state_layout(sagas_of(governor_id), saga_id), author_of(metadata, self._runtime.actor))
        moved = self._states.write(by_hand_change(call, record, action, payload), deadline)
        return saga_state(moved, governor_id)
