"""States and events as the package handles them: immutable, their payloads as canonical JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from tai_state import models
from tai_state.causality import VectorClock
from tai_state.codec import EMPTY, NULL, Payload
from tai_state.errors import InvalidDataError, OutcomeUnknownError, StoredDataError
from tai_state.frozen import quick_dataclass
from tai_state.rules.records.occasional import foreign_field, labels_shown
from tai_state.rules.records.trusted import trusted

if TYPE_CHECKING:
    from datetime import datetime

    from tai_state.models import ChangeMetadata, Event, StateSnapshot
    from tai_state.rules.records.occasional import Cause, Due, Foreign, Prepared

DataT = TypeVar("DataT")
AsData = Callable[[Payload], DataT]
"""Turns the stored data of a state into what the user sees, fresh each time: a dict, or a model."""


def lenient(as_data: AsData[DataT]) -> AsData[Any]:
    """Return *as_data*, but for data that does not fit: that is given as it is."""

    def shown(payload: Payload) -> Any:
        try:
            return as_data(payload)
        except InvalidDataError:
            return payload.value()

    return shown


def stored_data(as_data: AsData[DataT], data: Payload, governor_id: str, state_id: str, version: int) -> DataT:
    """Return *data*, which is stored of a state at *version*, as the user sees it.

    Raises:
        StoredDataError: It does not fit: that is no fault of whoever asks for it, or moves the state.
    """
    try:
        return as_data(data)
    except InvalidDataError as error:
        raise StoredDataError(governor_id, state_id, version, str(error)) from error


complete: Callable[[object, str, object], None] = object.__setattr__
"""Sets a field of a record that is in the making: nobody else has seen it yet.

``dataclasses.replace`` would copy thirty fields for one, which took a seventh of a transition's time.
"""


def _clock(counters: Mapping[str, int]) -> VectorClock:
    """Return the public clock of *counters* as they were stored: copied, and not checked."""
    made = VectorClock.__new__(VectorClock)
    object.__setattr__(made, "root", dict(counters))
    return made


@quick_dataclass(frozen=True, slots=True)
class MetadataRecord:
    """Who changed a state, and why."""

    changed_by: str
    reason: str
    parent_version: int | None
    context: Payload

    def public(self) -> ChangeMetadata:
        """Return the public model, its context a copy of its own."""
        metadata: ChangeMetadata = trusted(
            models.ChangeMetadata,
            changed_by=self.changed_by,
            reason=self.reason,
            parent_version=self.parent_version,
            context=self.context.value(),
        )
        return metadata


@quick_dataclass(frozen=True, slots=True)
class MachineStamp:
    """Which machine moved a state."""

    name: str
    version: int
    fingerprint: str

    def __str__(self) -> str:
        """Return ``name@version``."""
        return f"{self.name}@{self.version}"


stamp_of = lru_cache(maxsize=256, typed=True)(MachineStamp)
"""Returns the stamp of a machine by name, version and fingerprint: one object for each, seen to be the same at once."""


@quick_dataclass(frozen=True, slots=True)
class Signal:
    """That a state stands in a status: what its dependents may react to."""

    state_id: str
    status: str


@quick_dataclass(frozen=True, slots=True)
class Seal:
    """What lets the values of an event be erased without breaking the chain (see ``chain``).

    Attributes:
        salt: Random, in hexadecimal; without it a digest of a small value could be guessed. None once it is erased,
            and the values with it.
        digests: Of each value that the event was made with, by name.
    """

    salt: str | None
    digests: Mapping[str, str]


@quick_dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a state and the event that made it have in common.

    ``fences`` holds, for the locks that guarded the state last, by stored resource id, the highest token that wrote,
    the latest last (see ``rules.locking.fence``). ``depends_on`` names states of the same governor; ``signals`` are
    those that put the state where it stands, the nearest first: its own dependents may react to them as to its status.
    ``labels`` are ``key=value``, sorted: what a state is found by.
    """

    governor_id: str
    state_id: str
    version: int
    last_error: str | None
    deleted: bool
    schema_version: int
    machine: MachineStamp | None
    metadata: MetadataRecord
    causality: Mapping[str, int]
    fences: Mapping[str, int]
    transition_id: str
    timestamp: datetime
    created_at: datetime
    hash: str
    depends_on: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()
    due: Due | None = None
    labels: tuple[str, ...] = ()


@quick_dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What a state document holds beside its content, of which no event tells.

    How far the maintenance of the state has come; all of it is derived from these. And ``dependents``: the states
    that name this one in their ``depends_on``, each with the machine that drives it, so that a move knows whom it
    concerns without reading them. The values of the events up to ``erased_through`` were erased.

    Of a state that is due: ``due_key`` says where workers look for it (see ``rules.due``), and follows from the rest.
    ``due_moved_to`` is when it is due instead, where that was moved without a change (a lease that was renewed, a
    firing that failed and is tried again), and ``due_tries`` how often its firing has failed.

    ``feed_key``: where it is looked for among what has changed, in a store that feeds by keys (see ``feeding``).
    ``prepared``: that a transaction over several stores has it in hand (see ``rules.distributed``).
    """

    sealed_through: int = 0
    trimmed_through: int = 0
    trimmed_hash: str = ""
    snapshots: tuple[int, ...] = ()
    dependents: Mapping[str, str] = field(default_factory=dict)
    erased_through: int = 0
    due_key: str = ""
    due_moved_to: datetime | None = None
    due_tries: int = 0
    feed_key: str = ""
    prepared: Prepared | None = None
    first_unsealed: int = field(init=False, compare=False, repr=False)
    newest_snapshot: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Find out once what each change asks: where the next segment begins, and what the newest snapshot is of."""
        complete(self, "first_unsealed", max(self.sealed_through, self.trimmed_through) + 1)
        complete(self, "newest_snapshot", max(self.snapshots, default=0))


@quick_dataclass(frozen=True, slots=True, kw_only=True)
class StateRecord(Content):
    """The content of a state document."""

    status: str
    data: Payload
    marks: Marks = field(default_factory=Marks)

    @property
    def is_made(self) -> bool:
        """Whether there ever was such a state: one that is only prepared to be holds its place, and is not seen."""
        return self.version > 0

    @property
    def due_at(self) -> datetime | None:
        """When it is due: as its event says, unless that was moved since."""
        return None if self.due is None else self.marks.due_moved_to or self.due.at

    def data_as(self, as_data: AsData[DataT]) -> DataT:
        """Return the data as the user sees it.

        Raises:
            StoredDataError: It does not fit.
        """
        return stored_data(as_data, self.data, self.governor_id, self.state_id, self.version)

    def public(self, as_data: AsData[DataT], *, recovered: bool = False) -> StateSnapshot[DataT]:
        """Return the public model, its data a copy of its own.

        Args:
            recovered: Whether it was rebuilt from the state's events.

        Raises:
            StoredDataError: The data does not fit.
        """
        # A tombstone's data is empty, and need not fit the machine's data type. What has no type fits.
        is_fitting = self.deleted or as_data is Payload.value
        typed = None if is_fitting else self.data_as(as_data)

        def fields() -> dict[str, Any]:
            return {
                "governor_id": self.governor_id,
                "state_id": self.state_id,
                "status": self.status,
                "data": self.data.value() if is_fitting else typed,
                "version": self.version,
                "timestamp": self.timestamp,
                "created_at": self.created_at,
                "metadata": self.metadata.public(),
                "causality": _clock(self.causality),
                "last_error": self.last_error,
                "deleted": self.deleted,
                "schema_version": self.schema_version,
                "machine_name": self.machine.name if self.machine else None,
                "machine_version": self.machine.version if self.machine else None,
                "depends_on": self.depends_on,
                "due_at": self.due_at,
                "due_action": self.due.action if self.due else None,
                "labels": labels_shown(self.labels) if self.labels else {},
                "recovered": recovered,
                "prepared_by": self.marks.prepared.transaction if self.marks.prepared else None,
            }

        snapshot: StateSnapshot[DataT] = models.later(models.StateSnapshot, fields)
        return snapshot


@quick_dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord(Content):
    """The content of an event document; its Content is that of the state that it made, unless it was ``brought``."""

    action: str
    kind: str
    payload: Payload
    idempotency_key: str | None
    from_status: str | None
    to_status: str
    from_state: Payload
    to_state: Payload
    origin: str
    parents: tuple[int, ...]
    fencing_token: int | None
    previous_hash: str
    occurred_at: datetime | None = None
    committed_at: datetime | None = None
    seal: Seal | None = None
    cause: Cause | None = None
    foreign_parent: Foreign | None = None
    brought: bool = False

    def unknown(self) -> OutcomeUnknownError:
        """Return the error that says that nobody knows whether this change was applied."""
        is_keyed = self.idempotency_key is not None
        return OutcomeUnknownError(
            self.transition_id, self.governor_id, self.state_id, self.version, retryable=is_keyed
        )

    def public(self, as_data: AsData[DataT], before: AsData[Any] | None = None) -> Event[DataT]:
        """Return the public model, its data and payload copies of its own.

        Args:
            before: Turns the data before the change into what is seen; None: as *as_data*.
        """
        event: Event[DataT]
        if self.is_late(as_data, before):
            event = models.later(models.Event, partial(self.shown, as_data, as_data))
        else:
            event = trusted(models.Event, **self.shown(as_data, before or as_data))
        return event

    @staticmethod
    def is_late(as_data: AsData[Any], before: AsData[Any] | None) -> bool:
        """Whether the public model is made when somebody looks: a data type's own checks run for those who read."""
        return as_data is Payload.value and (before is None or before is as_data)

    def shown(self, as_data: AsData[Any], before: AsData[Any]) -> dict[str, Any]:
        """Return the fields of the public model."""
        return {
            "governor_id": self.governor_id,
            "state_id": self.state_id,
            "version": self.version,
            "action": self.action,
            "kind": self.kind,
            "payload": self.payload.value(),
            "idempotency_key": self.idempotency_key,
            "from_status": self.from_status,
            "to_status": self.to_status,
            "from_state": self._data(self.from_state, before),
            "to_state": self._data(self.to_state, as_data),
            "last_error": self.last_error,
            "deleted": self.deleted,
            "schema_version": self.schema_version,
            "machine_name": self.machine.name if self.machine else None,
            "machine_version": self.machine.version if self.machine else None,
            "machine_fingerprint": self.machine.fingerprint if self.machine else None,
            "metadata": self.metadata.public(),
            "causality": _clock(self.causality),
            "origin": self.origin,
            "parents": self.parents,
            "transition_id": self.transition_id,
            "fencing_token": self.fencing_token,
            "timestamp": self.timestamp,
            "created_at": self.created_at,
            "previous_hash": self.previous_hash,
            "hash": self.hash,
            "occurred_at": self.occurred_at,
            "committed_at": self.committed_at,
            "depends_on": self.depends_on,
            "due_at": self.due.at if self.due else None,
            "due_action": self.due.action if self.due else None,
            "labels": labels_shown(self.labels) if self.labels else {},
            "cause": self.cause.event if self.cause else None,
            "depth": self.cause.depth if self.cause else 0,
            "foreign_parent": None
            if self.foreign_parent is None
            else models.ForeignParent(**foreign_field(self.foreign_parent)),
        }

    @staticmethod
    def _data(payload: Payload, as_data: AsData[DataT]) -> Any:
        # None before a creation, empty at a deletion. A log outlives its data types: what an older
        # or another writer stored is given as it is, so that a history can always be read.
        return payload.value() if payload.json in _NO_DATA else lenient(as_data)(payload)

    def state(self, marks: Marks | None = None) -> StateRecord:
        """Return the state that this event made: an event alone rebuilds every field of it."""
        return StateRecord(
            governor_id=self.governor_id,
            state_id=self.state_id,
            version=self.version,
            last_error=self.last_error,
            deleted=self.deleted,
            schema_version=self.schema_version,
            machine=self.machine,
            metadata=self.metadata,
            causality=self.causality,
            # One that was brought from another store tells of fences, due times and dependencies there.
            fences={} if self.brought else self.fences,
            transition_id=self.transition_id,
            timestamp=self.timestamp,
            created_at=self.created_at,
            hash=self.hash,
            depends_on=() if self.brought else self.depends_on,
            signals=() if self.brought else self.signals,
            due=None if self.brought else self.due,
            labels=self.labels,
            status=self.to_status,
            data=self.to_state,
            marks=marks or Marks(),
        )


_NO_DATA = (NULL.json, EMPTY.json)

NO_STATE = NULL
"""The ``from_state`` of a creation."""
