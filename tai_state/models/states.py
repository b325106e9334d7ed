"""States, events and what a change returns: frozen pydantic models."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

from pydantic import BaseModel, Field

from tai_state.causality import VectorClock
from tai_state.models.requests import KEEP, DataT, Keep


class Model(BaseModel, frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True):
    """The base of the public values: frozen, and strict about unknown names.

    Their checks are built when a first value is checked: what the package makes itself (``trusted``) needs none.
    """


class LateModel(Model, frozen=True):
    """A value that is made of what was read when somebody looks at it; from then on it is like any (see ``later``)."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Return a field that was not made yet; pydantic asks for its own in the same way."""
            # Another thread may have made it since this one looked.
            is_there = _is_made_now(self) or name in _FIELDS.__get__(self)
            return getattr(self, name) if is_there else super().__getattr__(name)

        @property
        def __dict__(self) -> dict[str, Any]:
            """The fields: what compares, copies, shows or dumps a model begins here."""
            _is_made_now(self)
            return _FIELDS.__get__(self)

        @__dict__.setter
        def __dict__(self, fields: dict[str, Any]) -> None:
            _FIELDS.__set__(self, fields)


_FIELDS: Any = BaseModel.__dict__["__dict__"]
_MAKE, _MADE = "", "+"
"""Under what names, which no field has, a value that is not made yet holds what makes its fields, and those."""


def later(model: "type[LateModel]", make: Callable[[], dict[str, Any]]) -> Any:
    """Return a *model* of what *make* returns, every field of it, once somebody looks; it may be asked again."""
    made = model.__new__(model)
    _FIELDS.__set__(made, {_MAKE: make})
    return made


def _is_made_now(late: LateModel) -> bool:
    """Make what was not made yet; return whether there was something to make."""
    held = _FIELDS.__get__(late)
    make = held.get(_MAKE)
    if make is None:
        return False
    # Of two threads that look at once both get what one of them made.
    fields = held.setdefault(_MADE, make())
    # The fields last: who finds them finds the rest, too.
    object.__setattr__(late, "__pydantic_fields_set__", set(fields))
    object.__setattr__(late, "__pydantic_extra__", None)
    object.__setattr__(late, "__pydantic_private__", None)
    _FIELDS.__set__(late, fields)
    return True


class ChangeMetadata(Model, frozen=True):
    """Who changed a state, and why.

    Attributes:
        changed_by: The author; never empty.
        reason: Why, for people.
        parent_version: The version that was changed; filled in by the store.
        context: Anything JSON-like that helps to trace the change: a request id, a ticket.
    """

    changed_by: str = Field(min_length=1)
    reason: str = ""
    parent_version: int | None = None
    context: Mapping[str, Any] = Field(default_factory=dict)


class TransitionRequest(NamedTuple):
    """One call of ``transition``, for ``transition_many``."""

    governor_id: str
    state_id: str
    action: str
    payload: Any = None
    expected_version: int | None = None
    idempotency_key: str | None = None
    metadata: ChangeMetadata | None = None
    error: str | Keep | None = KEEP
    expected_status: str | None = None
    labels: Mapping[str, str | None] | None = None


class StateSnapshot(LateModel, Generic[DataT], frozen=True):
    """A state at one version.

    Attributes:
        status: The machine's status; "" where none was ever given.
        data: A dict of the caller's own, or the machine's ``data_type``.
        version: 1 at creation, one more with each change, never less.
        timestamp: When this version was made, by its writer's clock; never falls within a state.
        created_at: When the state was created, or created again after a delete.
        metadata: Who made this version, and why.
        causality: How many changes of each store this version knows of.
        last_error: The last error recorded with a transition, until it is cleared.
        deleted: Whether this version is a tombstone.
        schema_version: The version of the data's own schema, as configured where the data was made.
        machine_name: The machine that last moved the state, if one did.
        machine_version: That machine's version.
        depends_on: The states of the same governor whose statuses it reacts to.
        due_at: When something is to happen to it by itself, by the store's clock; None: nothing is.
        due_action: The action that is taken then.
        labels: What ``find`` finds it by.
        recovered: Whether it was rebuilt from its events, since its document is missing or damaged. It tells how the
            state was read, not what it is: two snapshots that differ in it alone are equal.
        prepared_by: The transaction over several stores that may be about to change it, and is not settled; None: none.
    """

    governor_id: str
    state_id: str
    status: str
    data: DataT
    version: int
    timestamp: datetime
    created_at: datetime
    metadata: ChangeMetadata
    causality: VectorClock
    last_error: str | None = None
    deleted: bool = False
    schema_version: int = 1
    machine_name: str | None = None
    machine_version: int | None = None
    depends_on: tuple[str, ...] = ()
    due_at: datetime | None = None
    due_action: str | None = None
    labels: Mapping[str, str] = Field(default_factory=dict)
    recovered: bool = False
    prepared_by: str | None = None

    def __eq__(self, other: object) -> bool:
        """Whether both say the same of the state, however it was read."""
        if isinstance(other, StateSnapshot) and self.recovered is not other.recovered:
            other = other.model_copy(update={"recovered": self.recovered})
        return super().__eq__(other)

    def __hash__(self) -> int:
        """Return the same for snapshots that are equal."""
        return hash((self.governor_id, self.state_id, self.version))


class ForeignParent(Model, frozen=True):
    """The event of another store that a merge has as its second parent.

    Attributes:
        origin: The id of the store that made it.
        version: Its version there.
        hash: Its hash: the event is among the branches that ``get_events(..., branches=True)`` gives.
    """

    origin: str
    version: int
    hash: str


class Event(LateModel, Generic[DataT], frozen=True):
    """One change of a state: immutable, written in the same commit as the state.

    Attributes:
        version: The version that this change made.
        action: The machine's action, or save, update, delete, start, rollback, migrate.
        kind: What made the change: transition, start, reaction, log, save, update, delete, rollback, migrate, key or
            merge. A machine may have an action called "save"; the kind tells them apart.
        payload: What came with the action; JSON-like. Of a reaction: the ``state_id`` and the ``status`` reacted to.
        from_status, from_state: Status and data before; None at creation.
        to_status, to_state: Status and data after. Data that does not fit the machine's ``data_type``, as
            another writer may have stored, is given as the dict that it is.
        origin: The id of the store that wrote it first.
        parents: The versions it follows: one, or none at creation.
        transition_id: Unique to this change; how a lost acknowledgement is recognised.
        fencing_token: The token of the lock that guarded it, if any.
        previous_hash, hash: The links of the hash chain, hexadecimal SHA-256.
        timestamp: When the change was made, by its writer's clock, or as its caller said; never falls within a state.
        occurred_at: When it happened elsewhere, as its caller said; free, and read by nothing.
        committed_at: When the store committed it, by the store's clock.
        depends_on: The states of the same governor whose statuses the state reacts to.
        due_at: When something was to happen to the state by itself, as of this change.
        due_action: The action that was to be taken then.
        labels: Those of the state, as of this change.
        cause: The change of which a handler was told when it made this one: ``governor/state@version``, in stored ids.
        depth: How many changes led to this one, each the cause of the next; 0: none did.
        foreign_parent: Of a merge, the event of another store that it merges with the version before.
    """

    governor_id: str
    state_id: str
    version: int
    action: str
    kind: str
    payload: Any = None
    idempotency_key: str | None = None
    from_status: str | None
    to_status: str
    from_state: DataT | None
    to_state: DataT
    last_error: str | None = None
    deleted: bool = False
    schema_version: int = 1
    machine_name: str | None = None
    machine_version: int | None = None
    machine_fingerprint: str | None = None
    metadata: ChangeMetadata
    causality: VectorClock
    origin: str
    parents: tuple[int, ...]
    transition_id: str
    fencing_token: int | None = None
    timestamp: datetime
    created_at: datetime
    previous_hash: str
    hash: str
    occurred_at: datetime | None = None
    committed_at: datetime | None = None
    depends_on: tuple[str, ...] = ()
    due_at: datetime | None = None
    due_action: str | None = None
    labels: Mapping[str, str] = Field(default_factory=dict)
    cause: str | None = None
    depth: int = 0
    foreign_parent: ForeignParent | None = None


class LoadedState(Model, Generic[DataT], frozen=True):
    """A state as loaded; ``recovered`` when it had to be rebuilt from snapshots and events."""

    snapshot: StateSnapshot[DataT]
    recovered: bool
