# Generated from tai_state/_async/transaction.py by .ci/generate_sync.py; do not edit.
"""One attempt of a transaction: reads as of one moment, writes that wait for the commit."""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tai_state._sync.changes import Applied
from tai_state._sync.guarding import Guard
from tai_state._sync.persister import StateMachinePersister
from tai_state._sync.store import StateStore
from tai_state.authors import resolve_metadata
from tai_state.clock import Deadline
from tai_state.documents import (
    Capability,
    Document,
    DocumentPath,
    MustNotExist,
    Precondition,
    Put,
    Read,
    UpdatedAt,
    Write,
)
from tai_state.errors import InvalidDataError, StaleReadError, StateNotFoundError, UnsupportedOperationError
from tai_state.layout import META, StateLayout, state_layout
from tai_state.models import KEEP, BatchResult, ChangeMetadata, DataT, Keep, StateSnapshot, TransitionResult
from tai_state.rules.changes import Change, Fresh, Head, Plan, Settings, View, decide
from tai_state.rules.guards import Guarded
from tai_state.rules.mapping import read_state
from tai_state.rules.records import StateRecord
from tai_state.rules.requests import (
    Call,
    delete_change,
    save_change,
    start_change,
    transition_change,
    update_change,
)


def _same(value: Any) -> Any:
    return value


class Transaction:
    """What a body reads and writes with. It lives as long as one attempt of the body.

    Reads see the writes that the body made before. Nothing is locked, and nothing is written before the body
    has ended.
    """

    def __init__(self, store: StateStore, guarded: Guarded, deadline: Deadline, *, read_only: bool) -> None:
        """Begin with nothing read and nothing written."""
        self._store = store
        self._engine = store.engine
        self._guarded = guarded
        self._deadline = deadline
        self._read_only = read_only
        self._new_store_id = store.engine.new_id()
        self.documents: dict[DocumentPath, Document | None] = {}
        self.heads: dict[DocumentPath, Head] = {}
        self.writes: dict[DocumentPath, Write] = {}

    # Reads

    def get_state(self, governor_id: str, state_id: str) -> tuple[StateSnapshot, int]:
        """Return the state and its version, the body's own writes included.

        Raises:
            StateNotFoundError: It does not exist, or is deleted.
        """
        record = self._record(state_layout(governor_id, state_id))
        if record is None or record.deleted:
            raise StateNotFoundError(governor_id, state_id, deleted=record is not None)
        return record.public(_same), record.version

    def find_state(self, governor_id: str, state_id: str) -> StateSnapshot | None:
        """Return the state, the body's own writes included; None when it does not exist, or is deleted."""
        record = self._record(state_layout(governor_id, state_id))
        return None if record is None or record.deleted else record.public(_same)

    def batch_get_states(self, governor_id: str, state_ids: Iterable[str]) -> BatchResult:
        """Return several states of a governor in one request, the body's own writes included."""
        if isinstance(state_ids, str):
            message = "must be several ids, not one str"
            raise InvalidDataError(message, path="state_ids")
        wanted = [state_layout(governor_id, state_id) for state_id in dict.fromkeys(state_ids)]
        self._read([paths.state for paths in wanted])
        found: dict[str, StateSnapshot] = {}
        missing: list[str] = []
        for paths in wanted:
            record = self._record(paths)
            if record is None or record.deleted:
                missing.append(paths.state_id)
            else:
                found[paths.state_id] = record.public(_same)
        return BatchResult.model_construct(found=found, missing=missing)

    def _record(self, paths: StateLayout) -> StateRecord | None:
        if paths.state not in self.heads:
            self._read([paths.state])
            document = self.documents[paths.state]
            if document is None:
                return None
            record = read_state(document, paths.governor_id, paths.state_id)
            self.heads[paths.state] = Head(record, document.update_time)
        return self.heads[paths.state].record

    def _read(self, paths: Sequence[DocumentPath]) -> None:
        """Read what was not read yet; everything read so far is then as of one moment, or the attempt begins anew.

        Raises:
            StaleReadError: Something read before has changed meanwhile.
        """
        new = [path for path in dict.fromkeys(paths) if path not in self.documents]
        if not new:
            return
        known = list(self.documents)
        meta = [] if self._store.writer.origin else [META]
        read = self._engine.read([*new, *known, *meta], self._deadline, consistent=self._read_only)
        self._compare(known, read)
        self.documents.update({path: read.get(path) for path in new})
        self._store.writer.learn_origin(read)

    def _compare(self, paths: Iterable[DocumentPath], read: Read) -> None:
        for path in paths:
            before, now = self.documents[path], read.get(path)
            if (before and before.update_time) != (now and now.update_time):
                message = f"{path} changed while the transaction read"
                raise StaleReadError(message)

    # Writes

    def save_state(
        self,
        governor_id: str,
        state_id: str,
        data: object,
        metadata: ChangeMetadata | None = None,
        *,
        status: str | None = None,
        expected_version: int | None = None,
    ) -> int:
        """Create the state or replace its data with the commit; return the version that it will have."""
        call = self._call(governor_id, state_id, metadata, expected_version)
        return (self._apply(save_change(call, data, status), self._store.settings)).event.version

    def update_state(
        self,
        governor_id: str,
        state_id: str,
        data: object,
        expected_version: int,
        metadata: ChangeMetadata | None = None,
    ) -> int:
        """Replace the data of a state with the commit; return the version that it will have."""
        call = self._call(governor_id, state_id, metadata, expected_version)
        return (self._apply(update_change(call, data), self._store.settings)).event.version

    def delete_state(
        self,
        governor_id: str,
        state_id: str,
        expected_version: int | None = None,
        metadata: ChangeMetadata | None = None,
    ) -> int:
        """Delete a state with the commit; return the version of its tombstone."""
        call = self._call(governor_id, state_id, metadata, expected_version)
        return (self._apply(delete_change(call), self._store.settings)).event.version

    def transition(
        self,
        persister: StateMachinePersister[DataT],
        governor_id: str,
        state_id: str,
        action: str,
        payload: object = None,
        *,
        expected_version: int | None = None,
        metadata: ChangeMetadata | None = None,
        error: str | Keep | None = KEEP,
    ) -> TransitionResult[DataT]:
        """Move a state through the machine of *persister* with the commit; several moves make several events."""
        call = self._call(governor_id, state_id, metadata, expected_version, persister.config.schema_version)
        change = persister.checked(transition_change(call, persister.require_machine(), action, payload, error))
        return persister.result(self._apply(change, persister.settings))

    def start(
        self,
        persister: StateMachinePersister[DataT],
        governor_id: str,
        state_id: str,
        data: DataT | Mapping[str, Any] | None = None,
        *,
        metadata: ChangeMetadata | None = None,
    ) -> TransitionResult[DataT]:
        """Create a state in the initial status of *persister*'s machine with the commit."""
        call = self._call(governor_id, state_id, metadata, None, persister.config.schema_version)
        change = start_change(call, persister.require_machine(), {} if data is None else data)
        return persister.result(self._apply(persister.checked(change), persister.settings))

    def _call(
        self,
        governor_id: str,
        state_id: str,
        metadata: ChangeMetadata | None,
        expected_version: int | None,
        schema_version: int = 1,
    ) -> Call:
        if self._read_only:
            message = "a read_only transaction writes nothing"
            raise UnsupportedOperationError(message)
        author = resolve_metadata(metadata, self._store.actor)
        return Call(state_layout(governor_id, state_id), author, expected_version, None, schema_version)

    def _apply(self, change: Change, settings: Settings) -> Applied:
        """Decide a change on what the body sees, and keep its writes for the commit."""
        self._record(change.paths)
        head = self.heads.get(change.paths.state)
        engine = self._engine
        fresh = Fresh(engine.clock.now(), engine.new_id(), self._new_store_id)
        plan = decide(change, View(head, self._store.writer.origin, self._guarded), fresh, settings)
        assert isinstance(plan, Plan)
        based = self.documents[change.paths.state]
        precondition: Precondition = MustNotExist() if based is None else UpdatedAt(based.update_time)
        self.writes.update({write.path: write for write in plan.writes})
        state = self.writes[change.paths.state]
        assert isinstance(state, Put)
        # Several changes of one state are one write of it: over what was read, with what came out last.
        self.writes[change.paths.state] = replace(state, precondition=precondition)
        self.heads[change.paths.state] = Head(plan.record, based.update_time if based is not None else None)
        return Applied(plan.event, plan.record)

    # What the manager asks

    def check_steady(self) -> None:
        """See whether all that was read stands as of one moment, where the engine may tear a batch.

        Raises:
            StaleReadError: Something has changed; the attempt must begin anew.
        """
        single = len(self.documents) <= 1
        if single or self._read_only or Capability.STEADY_READS in self._store.capabilities:
            return
        read = self._engine.read(list(self.documents), self._deadline)
        self._compare(self.documents, read)

    def forget_heads(self) -> None:
        """Drop the cached heads of what the commit changes, before it is sent."""
        for path in self.heads:
            self._store.writer.heads.drop(path)

    def remember_heads(self, times: Mapping[DocumentPath, datetime | None], guard: Guard) -> None:
        """Take over what the commit made: heads, the store's id, the leases.

        Args:
            times: The update_time of each write; empty where a lost reply left them unknown.
        """
        writer = self._store.writer
        if META in self.writes:
            writer.origin = self._new_store_id
        for path, head in self.heads.items():
            if (moment := times.get(path)) is not None:
                writer.heads.put(path, Head(head.record, moment))
        leases, _ = self._guarded.renewals()
        guard.renewed(leases, [times.get(lease.path) for lease in leases])


class GovernorTransaction:
    """A transaction with one governor bound: the same methods, without their first argument."""

    def __init__(self, tx: Transaction, governor_id: str) -> None:
        """Bind *governor_id*."""
        self._tx = tx
        self.governor_id = governor_id

    def get_state(self, state_id: str) -> tuple[StateSnapshot, int]:
        """See ``Transaction.get_state``."""
        return self._tx.get_state(self.governor_id, state_id)

    def find_state(self, state_id: str) -> StateSnapshot | None:
        """See ``Transaction.find_state``."""
        return self._tx.find_state(self.governor_id, state_id)

    def batch_get_states(self, state_ids: Iterable[str]) -> BatchResult:
        """See ``Transaction.batch_get_states``."""
        return self._tx.batch_get_states(self.governor_id, state_ids)

    def save_state(
        self,
        state_id: str,
        data: object,
        metadata: ChangeMetadata | None = None,
        *,
        status: str | None = None,
        expected_version: int | None = None,
    ) -> int:
        """See ``Transaction.save_state``."""
        return self._tx.save_state(
            self.governor_id, state_id, data, metadata, status=status, expected_version=expected_version
        )

    def update_state(
        self, state_id: str, data: object, expected_version: int, metadata: ChangeMetadata | None = None
    ) -> int:
        """See ``Transaction.update_state``."""
        return self._tx.update_state(self.governor_id, state_id, data, expected_version, metadata)

    def delete_state(
        self, state_id: str, expected_version: int | None = None, metadata: ChangeMetadata | None = None
    ) -> int:
        """See ``Transaction.delete_state``."""
        return self._tx.delete_state(self.governor_id, state_id, expected_version, metadata)

    def transition(
        self,
        persister: StateMachinePersister[DataT],
        state_id: str,
        action: str,
        payload: object = None,
        *,
        expected_version: int | None = None,
        metadata: ChangeMetadata | None = None,
        error: str | Keep | None = KEEP,
    ) -> TransitionResult[DataT]:
        """See ``Transaction.transition``."""
        return self._tx.transition(
            persister,
            self.governor_id,
            state_id,
            action,
            payload,
            expected_version=expected_version,
            metadata=metadata,
            error=error,
        )
