"""What a store tells of itself: batches, counts, findings, repairs, transactions, locks."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from tai_state.models.states import Model, StateSnapshot


class BatchResult(Model, frozen=True):
    """Several states of one governor as of one moment.

    Attributes:
        found: By state id.
        missing: Those that do not exist, or are deleted.
        damaged: Those whose documents are damaged, and whose events cannot rebuild them.
    """

    found: dict[str, StateSnapshot]
    missing: list[str]
    damaged: list[str] = Field(default_factory=list)


class StoreStats(Model, frozen=True):
    """What one governor holds: live states, tombstones, events, and live states by status.

    ``versions`` are all that its states ever had, trimmed ones too; ``highest_version`` is that of the state that
    changed most often, or 0. ``by_machine`` is how many versions the states have that each machine moved last, "" those
    of none; ``busiest`` names the ten that changed most often, with their versions. ``damaged`` names the states whose
    documents cannot be read, and are not counted. ``conflicts`` are the versions in conflict of its states that this
    store object met, as far as they are remembered; in a ``conflict_storm`` 20 came within a minute.
    """

    governor_id: str
    states: int
    deleted: int
    events: int
    versions: int
    highest_version: int
    by_status: dict[str, int]
    by_machine: dict[str, int] = Field(default_factory=dict)
    busiest: dict[str, int] = Field(default_factory=dict)
    damaged: list[str] = Field(default_factory=list)
    conflicts: int = 0
    conflict_storm: bool = False


class DocumentCount(Model, frozen=True):
    """How many documents there are of a kind, and how many bytes they take, as their engine stores or sends them."""

    count: int
    bytes: int


class StoreUsage(Model, frozen=True):
    """What all the documents of one governor add up to.

    What a month costs is counted as Firestore bills it, at the observed rate: a change writes its state and its event;
    one under a key a receipt, as often as events have one; and a snapshot as often as the store is configured to make
    one, which removes an old one, and segments as often as there are. It reads its state, which a process that
    moved it before need not do, and each event once more when it is sealed. Locks, transactions and what is
    read otherwise are not in it.

    Attributes:
        documents: By kind: states, events, snapshots, segments, branches, receipts, audit, quarantine.
        first_change, last_change: The times of the first and the last event; None where there is none.
        changes_a_month: Changes in the 30 days that end with the last change; where the first one is later than that,
            as many as there would be in 30 days at its rate; None where all are of one hour.
        reads_a_month, writes_a_month: The documents that they read and write; None where that rate is.
    """

    stats: StoreStats
    documents: dict[str, DocumentCount]
    first_change: datetime | None
    last_change: datetime | None
    changes_a_month: float | None
    reads_a_month: float | None
    writes_a_month: float | None

    @property
    def bytes(self) -> int:
        """What all of them take."""
        return sum(kind.bytes for kind in self.documents.values())


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


class Checkup(Model, frozen=True):
    """What ``examine`` thinks of one thing that a store stands on.

    Attributes:
        check: What was looked at, a stable name.
        status: "ok"; "warning", which works and wants somebody to look; "problem"; or "not checkable" from here.
        message: What was seen, a sentence for people.
        mend: The command that mends it, or what to do; "" where nothing is to be done.
    """

    check: str
    status: Literal["ok", "warning", "problem", "not checkable"]
    message: str
    mend: str = ""


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


class MigrationReport(Model, frozen=True):
    """What ``migrate`` did with the data of one governor.

    Attributes:
        schema_version: The one that the data was brought to.
        checked: How many states were looked at.
        migrated: How many were brought there, or would be in a dry run; the others were there already.
        problems: Those that could not be; they stay as they are.
        omitted: How many problems more there were than are told.
        is_dry_run: Whether nothing was written.
    """

    governor_id: str
    schema_version: int
    checked: int
    migrated: int
    problems: list[Problem]
    omitted: int = 0
    is_dry_run: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left, nor would be done."""
        return not self.problems and not (self.is_dry_run and self.migrated)


class GcReport(Model, frozen=True):
    """What ``gc`` or ``trim`` removed, or would in a dry run: documents by kind, and about how many bytes they took.

    Attributes:
        governor_id: "" where it is about all governors.
        states: How many states were looked at; ``trimmed``: of how many the history was trimmed.
        sealed: How many events were put into segments: of states that transactions change, which seal nothing.
        left: States that were left alone, since something of them cannot be read or contradicts itself.
        is_dry_run: Whether nothing was written.
    """

    governor_id: str
    states: int
    trimmed: int = 0
    sealed: int = 0
    events: int = 0
    segments: int = 0
    snapshots: int = 0
    receipts: int = 0
    transactions: int = 0
    waits: int = 0
    bytes: int = 0
    left: list[Problem] = Field(default_factory=list)
    is_dry_run: bool = False

    @property
    def documents(self) -> int:
        """How many documents were removed."""
        return self.events + self.segments + self.snapshots + self.receipts + self.transactions + self.waits


class ErasureReport(Model, frozen=True):
    """What an erasure did: how many documents lost what they held, or went.

    Attributes:
        state_id: "" where a whole governor was erased.
        states: How many states were erased; ``events``, ``segments``: documents that lost their values.
        snapshots, receipts: Documents that are gone.
        records: Copies in quarantine, records in audit and results of transactions that are gone.
    """

    governor_id: str
    state_id: str
    states: int
    events: int
    segments: int
    snapshots: int
    receipts: int
    records: int


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
    """A lock as the store tells it: ``holder`` may be a former one when it is not ``held``.

    Attributes:
        holder_host, holder_pid: On which host and in which process of it the holder lives; None where his id does not
            tell.
        since: When the holder got it, by the store's clock; None where nobody has it, or an earlier release granted it.
        expires_at: Until when it is held unless it is renewed, by the store's clock; None where nobody has it.
    """

    resource: str
    held: bool
    holder: str | None
    fencing_token: int
    ttl_seconds: float
    remaining_seconds: float
    holder_host: str | None = None
    holder_pid: int | None = None
    since: datetime | None = None
    expires_at: datetime | None = None


class LockWait(Model, frozen=True):
    """One who waits for a lock, as he told the store.

    Attributes:
        owner: What he is called.
        host, pid: On which host and in which process of it he lives; None where that is not told.
        fencing_token: Of the grant that he waits for to end; None: he is next, whoever has the lock.
        since: Since when he waits, by the store's clock; None where that is not told.
    """

    resource: str
    owner: str
    host: str | None = None
    pid: int | None = None
    fencing_token: int | None = None
    since: datetime | None = None

    @property
    def is_next(self) -> bool:
        """Whether later comers leave the lock to him."""
        return self.fencing_token is None
