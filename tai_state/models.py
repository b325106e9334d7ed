"""The public values: frozen pydantic models that users read and pass around."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final, Generic, NamedTuple, Self

from pydantic import BaseModel, Field
from typing_extensions import TypeVar  # defaults of type variables came to typing with Python 3.13

from tai_state.causality.vector_clock import VectorClock

DataT = TypeVar("DataT", default=dict[str, Any])


class _Keep(Enum):
    """The type of ``KEEP``."""

    KEEP = "keep"

    def __repr__(self) -> str:
        return "KEEP"


Keep = _Keep
KEEP: Final = _Keep.KEEP
"""Leave ``last_error`` as it is."""


class Model(BaseModel, frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True):
    """The base of the public values: frozen, and strict about unknown names.

    Their checks are built when a first value is checked: what the package makes itself (``trusted``) needs none.
    """


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


class StateSnapshot(Model, Generic[DataT], frozen=True):
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
        recovered: Whether it was rebuilt from its events, since its document is missing or damaged. It tells how the
            state was read, not what it is: two snapshots that differ in it alone are equal.
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
    recovered: bool = False

    def __eq__(self, other: object) -> bool:
        """Whether both say the same of the state, however it was read."""
        if isinstance(other, StateSnapshot) and self.recovered is not other.recovered:
            other = other.model_copy(update={"recovered": self.recovered})
        return super().__eq__(other)

    def __hash__(self) -> int:
        """Return the same for snapshots that are equal."""
        return hash((self.governor_id, self.state_id, self.version))


class Event(Model, Generic[DataT], frozen=True):
    """One change of a state: immutable, written in the same commit as the state.

    Attributes:
        version: The version that this change made.
        action: The machine's action, or save, update, delete, start, rollback.
        kind: What made the change: transition, start, reaction, log, save, update, delete or rollback. A machine
            may have an action called "save"; the kind tells them apart.
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


class DeletedVersion(int):
    """The version of a tombstone: an int like any, which also tells what the delete took away.

    Attributes:
        event: The event of the delete, whose ``from_status`` and ``from_state`` are what was there. None where
            nothing was (``missing_ok=True``) and nothing was written; the version is that of the tombstone that
            stood there already, or 0.
    """

    event: Event | None

    def __new__(cls, version: int, event: Event | None = None) -> Self:
        """Make the version that *event* made."""
        deleted = super().__new__(cls, version)
        deleted.event = event
        return deleted


class TransitionResult(Model, Generic[DataT], frozen=True):
    """The outcome of a change: its event and the state that it made.

    Attributes:
        replayed: Whether the change had been made before, under the same idempotency key.
    """

    event: Event[DataT]
    snapshot: StateSnapshot[DataT]
    replayed: bool = False

    @property
    def version(self) -> int:
        """The version that the change made."""
        return self.event.version

    @property
    def from_status(self) -> str | None:
        """The status before; None at creation."""
        return self.event.from_status

    @property
    def to_status(self) -> str:
        """The status after."""
        return self.event.to_status


class LoadedState(Model, Generic[DataT], frozen=True):
    """A state as loaded; ``recovered`` when it had to be rebuilt from snapshots and events."""

    snapshot: StateSnapshot[DataT]
    recovered: bool


class BatchResult(Model, frozen=True):
    """Several states of one governor as of one moment.

    Attributes:
        found: By state id.
        missing: Those that do not exist, or are deleted.
        damaged: Those whose documents are damaged, and whose events cannot rebuild them.
    """

    found: dict[str, StateSnapshot]
    missing: list[str]
    damaged: list[str] = []


class StoreStats(Model, frozen=True):
    """What one governor holds: live states, tombstones, events, and live states by status.

    ``versions`` are all that its states ever had, also those whose events were trimmed; ``highest_version`` is that of
    the state that changed most often, 0 where there is none.
    ``damaged`` names the states whose documents cannot be read; they are not counted.
    """

    governor_id: str
    states: int
    deleted: int
    events: int
    versions: int
    highest_version: int
    by_status: dict[str, int]
    damaged: list[str] = []


class Problem(Model, frozen=True):
    """One finding: what is wrong (``kind``, a stable name), where, and a sentence for people.

    Attributes:
        state_id: "" where it is about no state.
        path: The document that it is about, as stored, or that should be there.
    """

    kind: str
    state_id: str
    version: int | None
    message: str
    path: str = ""


class ConsistencyReport(Model, frozen=True):
    """The outcome of a check of one governor; ``states`` and ``events`` count what was checked.

    Attributes:
        governor_id: "" where it is about no governor: the locks of a store.
        omitted: How many problems more were found than are told.
    """

    governor_id: str
    problems: list[Problem]
    states: int
    events: int
    omitted: int = 0

    @property
    def is_consistent(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


class Repair(Model, frozen=True):
    """What was repaired, or would be in a dry run: the finding, and what is done about it.

    Attributes:
        kind: That of the finding.
        path: The document that is written, removed or moved, as stored.
        message: A sentence about it.
        audit_id: Under which the record of it stands in ``audit``; "" in a dry run.
    """

    kind: str
    state_id: str
    version: int | None
    path: str
    message: str
    audit_id: str = ""


class RecoveryReport(Model, frozen=True):
    """What ``recover`` did in one governor.

    Attributes:
        governor_id: "" where it is about no governor: the locks of a store.
        checked: How many states were looked at.
        repaired: What was made sound again, or would be in a dry run.
        unresolved: What is left, since nothing determines what should be there.
        is_dry_run: Whether nothing was written.
    """

    governor_id: str
    checked: int
    repaired: list[Repair]
    unresolved: list[Problem]
    is_dry_run: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether nothing is left, nor would be done."""
        return not self.unresolved and not (self.is_dry_run and self.repaired)


class Health(Model, frozen=True):
    """Whether the store answered, and how long it took, in seconds."""

    ok: bool
    backend: str
    latency_seconds: float
    message: str = ""


class TransactionRecord(Model, frozen=True):
    """A transaction that was committed.

    Attributes:
        documents: The paths of what it wrote, as stored.
        result: What its body returned, where it ran under an idempotency key.
        timestamp: When it was committed, by the writer's clock; ``committed_at`` by the store's.
        request: What its idempotency key stands for; None without a key.
        expires_at: Until when it counts, by the store's clock; None: for ever.
    """

    transaction_id: str
    documents: list[str]
    result: Any = None
    changed_by: str
    reason: str
    timestamp: datetime
    committed_at: datetime
    request: str | None = None
    expires_at: datetime | None = None


class FailedTransaction(Model, frozen=True):
    """A transaction that was not committed, or of which that is not known, as its own process remembers it.

    Attributes:
        attempts: How often its body ran.
        reads: The paths of what its last attempt read, as stored.
        writes: The paths of what its last attempt would have written.
        code: The code of the error that ended it; "" for an exception that is none of the package's.
        reason: What that error said.
        failed_at: When, by this process's clock.
    """

    transaction_id: str
    attempts: int
    reads: list[str]
    writes: list[str]
    code: str
    reason: str
    failed_at: datetime


class LockInfo(Model, frozen=True):
    """A lock as the store tells it: ``holder`` may be a former one when it is not ``held``."""

    resource: str
    held: bool
    holder: str | None
    fencing_token: int
    ttl_seconds: float
    remaining_seconds: float


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
