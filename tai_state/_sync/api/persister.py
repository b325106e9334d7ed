# Generated from tai_state/_async/api/persister.py by .ci/generate_sync.py; do not edit.
"""The persister: a machine's life in a store, every move durable and logged in the same commit."""
from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from tai_state import models
from tai_state._sync.access import inflight
from tai_state._sync.api.persister_due import PersisterDue
from tai_state._sync.commits.coalescing import Wish
from tai_state._sync.commits.writer import Applied
from tai_state._sync.locking.guarding import guarding
from tai_state._sync.transactions import reactions
from tai_state.authors import NOBODY, Author, author_of, signed_by
from tai_state.clock import Deadline
from tai_state.codec import EMPTY
from tai_state.errors import (
    ConfigurationError,
    MachineError,
    TaiStateError,
)
from tai_state.layout import state_layout
from tai_state.machine.mover import driver_of
from tai_state.models import KEEP, DataT, Keep
from tai_state.models.results import result_of
from tai_state.rules.commits.judging import PAST_MACHINES, within
from tai_state.rules.commits.kinds import (
    Call,
    fitting,
    status_change,
    transition_change,
)
from tai_state.rules.commits.labelling import labelled
from tai_state.rules.commits.starting import start_change
from tai_state.rules.records.record import lenient
from tai_state.rules.transactions.dependents.reactions import alone_with

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tai_state._sync.api.store import StateStore
    from tai_state._sync.locking.lock import Lock
    from tai_state._sync.locking.lock_set import LockSet
    from tai_state.clock import Span, TimeLimit
    from tai_state.config import PersistenceConfig
    from tai_state.machine import ForeignMachine, Machine, Mover
    from tai_state.models import ChangeMetadata, Event, StateSnapshot, TransitionRequest, TransitionResult
    from tai_state.rules.commits.change import Change


class StateMachinePersister(PersisterDue[DataT]):
    """Moves states through a machine, and reads what they went through."""

    def __init__(
        self,
        store: StateStore,
        machine: Machine[DataT] | Mover | None = None,
        config: PersistenceConfig | None = None,
        *,
        machines: Iterable[Machine[Any] | Mover] = (),
    ) -> None:
        """Persist in *store*; without a *machine*, only ``start`` and ``transition`` are closed.

        Args:
            machine: Ours, or a ``Mover``, which stands for a machine of any library.
            config: Its settings; None: those of the store, see ``connect(settings=)``, or else the defaults.
            machines: Other machines, which drive states that depend on those of this persister.

        Raises:
            ConfigurationError: *store* is none, or one of the other colour; or *machine* is neither of the two.
            InvalidMachineError: It is a mover that cannot be one.
        """
        super().__init__(store, machine, config, machines)
        self._author = Author(store.actor, "", EMPTY)
        self._is_typed = self.machine is not None and self.machine.data_type is not None
        self._alone = replace(self.settings, alone=alone_with(self.machines))

    # Moves

    def start(
        self,
        governor_id: str,
        state_id: str,
        data: DataT | Mapping[str, Any] | None = None,
        *,
        depends_on: Iterable[str] = (),
        labels: Mapping[str, str | None] | None = None,
        metadata: ChangeMetadata | None = None,
        idempotency_key: str | None = None,
        timeout: TimeLimit = None,
    ) -> TransitionResult[DataT]:
        """Create a state in the machine's initial status.

        Args:
            depends_on: States of the same governor, whatever machines drive them. When one of them enters a status
                that this machine's ``on_dependency`` names, the new state reacts in the same commit; to one that
                already is in such a status, it reacts at once, by a second event: then the result has the event of
                the start, and the snapshot as the reaction left it. Only a later start can change it.
            labels: What ``store.find`` finds it by; see ``save_state``.

        Raises:
            StateExistsError: It is there already. (A deleted one is created again, with the next version.)
            StateNotFoundError: A state in *depends_on* does not exist, or is deleted.
            DependencyCycleError: The state would depend on itself, at once or through others.
        """
        call = self._call(governor_id, state_id, metadata, None, idempotency_key)
        change = start_change(call, self.require_machine(), {} if data is None else data, depends_on)
        return self._write(change if labels is None else labelled(change, labels), timeout)

    def transition(
        self,
        governor_id: str,
        state_id: str,
        action: str,
        payload: object = None,
        *,
        expected_version: int | None = None,
        expected_status: str | None = None,
        idempotency_key: str | None = None,
        labels: Mapping[str, str | None] | None = None,
        metadata: ChangeMetadata | None = None,
        lock: Lock | LockSet | None = None,
        error: str | Keep | None = KEEP,
        timeout: TimeLimit = None,
    ) -> TransitionResult[DataT]:
        """Move a state by *action*, in one commit with its event.

        Guard and reducer run on the state read; on a conflict they run again on the fresh state.

        Where the state enters another status, the states that depend on it react in the same commit, as their
        machines' ``on_dependency`` says, and then those that depend on them, each once. One whose machine does not
        allow the reaction as it stands is left as it is, and so is what depends on it alone. (Other changes than
        ``start`` and ``transition``, such as ``log_transition``, ``rollback`` or ``save_state``, move nothing else.)

        Args:
            payload: JSON-like; goes to guard and reducer and into the event.
            expected_version: Move only from this version; without it a conflict is retried.
            expected_status: Move only from this status.
            idempotency_key: Makes the move once, however often it is asked for.
            labels: Sets these, and takes those away whose value is None; the others stay. See ``save_state``.
            lock: Guards the move: its lease goes with the commit, which renews it, and which the store refuses when
                the lock was taken over meanwhile.
            error: Sets ``last_error``, clears it (None), or keeps it.

        Raises:
            StateNotFoundError: The state does not exist, or is deleted.
            TransitionNotAllowedError: The machine has no such move from its status, or its guards refuse.
            MoverError: The machine is a ``Mover``, and failed; what it raised is the cause.
            VersionConflictError: The state is not at *expected_version*.
            StatusConflictError: It is not in *expected_status*.
            IdempotencyMismatchError: The key was used for another request.
            LockLostError, FencedOutError: *lock* cannot be trusted any more, or the store refused it.
            DependentMachineError: A dependent that may have to react is driven by a machine that is not known here.
            DocumentTooLargeError: The move and what follows from it are larger than one commit; nothing was sent.
            OutcomeUnknownError: The deadline passed while the store may or may not have applied it.
        """
        call = self._call(
            governor_id, state_id, metadata, expected_version, idempotency_key, expected_status=expected_status
        )
        machine = self.machine or self.require_machine()
        change = transition_change(call, machine, action, payload, error)
        if labels is not None:
            change = labelled(change, labels)
        return self._write(change, timeout, lock)

    def update_status(
        self,
        governor_id: str,
        state_id: str,
        status: str,
        *,
        error: str | Keep | None = KEEP,
        payload: object = None,
        expected_version: int | None = None,
        expected_status: str | None = None,
        idempotency_key: str | None = None,
        metadata: ChangeMetadata | None = None,
        lock: Lock | LockSet | None = None,
        timeout: TimeLimit = None,
    ) -> TransitionResult[DataT]:
        """Move a state to *status*, where the machine has exactly one action that leads there from where it is.

        It is that action's move, with its guard, its reducer and its name in the event; all else is as for
        ``transition``.

        Raises:
            TransitionNotAllowedError: No action leads there, more than one does, or its guards lead elsewhere.
            TaiStateError: As for ``transition``.
        """
        call = self._call(
            governor_id, state_id, metadata, expected_version, idempotency_key, expected_status=expected_status
        )
        return self._write(status_change(call, self.require_machine(), status, payload, error), timeout, lock)

    def transition_many(
        self, requests: Iterable[TransitionRequest], *, timeout: TimeLimit = None
    ) -> list[TransitionResult[DataT] | TaiStateError]:
        """Make several moves; each stands or fails alone, those of one state in their order.

        Moves of many states go with one commit, as many as fit: they cost what one commit costs. ``timeout`` bounds
        each commit, and each move that goes alone.

        What a guard or reducer raises of its own is the cause of the ``MachineError`` in its move's place.

        Returns:
            The outcomes in the order of the requests.
        """
        asked = list(requests)
        refused: dict[int, TaiStateError] = {}
        changes: dict[int, Change] = {}
        for index, request in enumerate(asked):
            try:
                changes[index] = self.change_of(request)
            except TaiStateError as error:
                refused[index] = error
        outcomes = {**self.make_each(changes, timeout), **refused}
        return [outcomes[index] for index in range(len(asked))]

    def with_mover(self, mover: Mover) -> Self:
        """Return this persister with *mover* in the place of its machine: one call's own, which remembers what it did.

        Both are one persister in all else: a drain of either is one of both.

        Raises:
            ConfigurationError: It is no mover, or another definition than that of this persister's machine.
        """
        ours, theirs = self.require_machine(), driver_of(mover, "mover")
        if (ours.name, ours.version, ours.fingerprint) != (theirs.name, theirs.version, theirs.fingerprint):
            message = f"mover must be {ours!r} again, by name, version and fingerprint, not {theirs!r}"
            raise ConfigurationError(message)
        other = copy(self)
        other.machine = theirs
        return other

    def change_of(self, request: TransitionRequest) -> Change:
        """Return the move that is asked for, signed by who asks now.

        Raises:
            TaiStateError: It cannot be, whatever is stored.
        """
        call = self._call(
            request.governor_id,
            request.state_id,
            request.metadata,
            request.expected_version,
            request.idempotency_key,
            expected_status=request.expected_status,
        )
        change = transition_change(call, self.require_machine(), request.action, request.payload, request.error)
        return change if request.labels is None else labelled(change, request.labels)

    def make_each(
        self, changes: Mapping[int, Change], timeout: TimeLimit
    ) -> dict[int, TransitionResult[DataT] | TaiStateError]:
        """Make several moves, by their numbers, as ``transition_many`` does."""
        # Imported here: who moves one state at a time has no use for it.
        from tai_state._sync.commits.many import make_each  # noqa: PLC0415

        def alone(index: int) -> TransitionResult[DataT] | TaiStateError:
            try:
                return self._write(changes[index], timeout)
            except TaiStateError as error:
                return error
            except Exception as error:  # noqa: BLE001 - the outcomes of the others are not to be lost with it
                return _failed_alone(changes[index], error)

        wishes = {index: Wish(self._held(change), self._alone) for index, change in changes.items()}
        call = partial(self._inflight.one, "transition_many")
        made = make_each(self._runtime.writer, wishes, alone, timeout, call)
        return {index: self._outcome(changes[index], one) for index, one in made.items()}

    def _outcome(
        self, change: Change, made: Applied | TransitionResult[DataT] | TaiStateError
    ) -> TransitionResult[DataT] | TaiStateError:
        if not isinstance(made, Applied):
            return made
        try:
            return self.result(made, is_forced=change.force)
        except TaiStateError as error:
            return error

    # Inside

    def require_machine(self) -> Machine[DataT] | ForeignMachine:
        """Return the machine.

        Raises:
            ConfigurationError: This persister has none.
        """
        if self.machine is None:
            message = "this persister has no machine; give it one, or use log_transition"
            raise ConfigurationError(message)
        return self.machine

    def _call(
        self,
        governor_id: str,
        state_id: str,
        metadata: ChangeMetadata | None,
        expected_version: int | None,
        idempotency_key: str | None,
        *,
        expected_status: str | None = None,
        force: bool = False,
    ) -> Call:
        paths = state_layout(governor_id, state_id)
        # Most changes are signed by the store's actor, each time the same.
        is_plain = metadata is None and signed_by.get() is NOBODY
        author = self._author if is_plain else author_of(metadata, self._runtime.actor)
        return Call(
            paths,
            author,
            expected_version,
            idempotency_key,
            schema=self.schema,
            expected_status=expected_status,
            force=force,
            notice=self.redefinitions,
        )

    def _write(
        self, change: Change, timeout: Span, lock: Lock | LockSet | None = None
    ) -> TransitionResult[DataT]:
        access, paths = self._runtime.access, change.paths
        # Most calls say nothing of their time, and have no data type that their outcome is held against.
        deadline = Deadline(access.clock, access.retry.deadline) if timeout is None else access.begin(timeout)
        if self._is_typed or change.kind in PAST_MACHINES:
            change = self._held(change)
        with inflight.Call(self._inflight, change.kind, paths.governor_id, paths.state_id, is_new=True):
            applied = reactions.write(
                self._runtime,
                change,
                deadline,
                settings=self.settings,
                machines=self.machines,
                alone=self._alone,
                guarding=None if lock is None else guarding(self._runtime.access, lock),
            )
        if applied.replayed:
            return self.result(applied, is_forced=change.force)
        return result_of(applied.event, partial(self._public, applied, is_forced=change.force))

    def checked(self, change: Change) -> Change:
        """Return *change* with its outcome held against the machine before it is written; what is forced as it is.

        Raises:
            StoreClosedError: This persister is drained.
        """
        self._inflight.check()
        return self._held(change)

    def _held(self, change: Change) -> Change:
        if change.force:
            return change
        if change.kind in PAST_MACHINES:
            change = within(change, self.machines)
        if self.machine is None or self.machine.data_type is None:
            return change
        return fitting(change, self._as_data)

    def result(self, applied: Applied, *, is_forced: bool) -> TransitionResult[DataT]:
        """Return what a user sees of a change: data that was forced in, and does not fit, as the dict that it is.

        Raises:
            StoredDataError: The change was made before, and left data that does not fit.
        """
        if applied.replayed:
            # What was stored may not fit; what was just decided does.
            event, snapshot = self._public(applied, is_forced=is_forced)
            return models.TransitionResult(event, snapshot, replayed=True)
        return result_of(applied.event, partial(self._public, applied, is_forced=is_forced))

    def _public(self, applied: Applied, *, is_forced: bool) -> tuple[Event[DataT], StateSnapshot[DataT]]:
        if self.schema.upcasters:
            shown = self._shown_anyhow(applied.record) if is_forced else self._shown(applied.record)
            return self._shown_event(applied.event), shown
        as_data = lenient(self._as_data) if is_forced else self._as_data
        return applied.event.public(self._as_data), applied.record.public(as_data)


def _failed_alone(change: Change, error: Exception) -> MachineError:
    """Return what stands in the place of a move whose guard or reducer raised *error*."""
    paths = change.paths
    # Its text may quote data, and is left to the cause: ours goes to logs.
    failed = MachineError(
        f"action {change.action!r} of state {paths.state_id!r} of governor {paths.governor_id!r} raised "
        f"{type(error).__name__}, its cause; nothing of it was written"
    )
    failed.__cause__ = error
    return failed
