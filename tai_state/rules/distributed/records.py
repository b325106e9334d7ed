"""What the coordinator's store holds of a transaction: its begin, its decision, and which parts are settled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tai_state.authors import Author
from tai_state.documents import Check, Delete, Document, DocumentPath, MustExist, MustNotExist, Put, UpdatedAt, Write
from tai_state.errors import StoreError
from tai_state.layout import DISTRIBUTED, FORMAT, check_id, escape
from tai_state.rules.records.fields import FieldError, check_format, take, take_list
from tai_state.rules.records.prepared import take_lease

KEPT = timedelta(hours=24)
"""How long begin and decision stay behind the last settlement: whatever was sent before has arrived by then."""


PARTIES_AT_ONCE = 200
"""Of how many parts it is looked for at once whether they are told as settled."""


class Verdict(StrEnum):
    """How a transaction was decided."""

    COMMIT = "commit"
    ABORT = "abort"


class Places:
    """Where the coordinator's store keeps what it knows of one transaction."""

    __slots__ = ("begin", "decision", "steps")

    def __init__(self, transaction_id: str) -> None:
        """Name its documents."""
        self.begin = DocumentPath(DISTRIBUTED, escape(transaction_id, "transaction_id"))
        self.steps = f"{self.begin}/steps"
        self.decision = DocumentPath(self.steps, "decision")

    def settled(self, name: str) -> DocumentPath:
        """Return where it stands that a part is settled; no stored name has an ``@``."""
        return DocumentPath(self.steps, f"settled@{escape(name, 'name')}")

    def steps_of(self, names: Iterable[str]) -> list[DocumentPath]:
        """Return where its decision stands, and behind that for each name that its part is settled."""
        return [self.decision, *map(self.settled, names)]


@dataclass(frozen=True, slots=True)
class Begin:
    """That a transaction was begun.

    Attributes:
        parties: What it calls those who take part, each with the id of the store; "" for a resource of a user's.
        began_at: When, by the clock of the coordinator's store.
        lease: How long it may take to decide.
    """

    transaction_id: str
    parties: Mapping[str, str]
    began_at: datetime
    lease: timedelta

    def is_over(self, read_time: datetime) -> bool:
        """Whether its lease is, by the same store's clock; at its very end it still counts, as every lease does."""
        return read_time > self.began_at + self.lease


def begin_put(transaction_id: str, parties: Mapping[str, str], lease: timedelta, author: Author, now: datetime) -> Put:
    """Return the write of a begin."""
    fields = {
        "format": FORMAT,
        "transaction_id": transaction_id,
        "parties": [{"name": name, "store_id": store_id} for name, store_id in parties.items()],
        "lease_seconds": lease.total_seconds(),
        "changed_by": author.changed_by,
        "reason": author.reason,
        "timestamp": now,
    }
    return Put(Places(transaction_id).begin, fields, MustNotExist())


def read_begin(document: Document) -> Begin:
    """Return the begin in a document.

    Raises:
        StoreError: It is none of ours, or damaged.
        SchemaVersionError: A newer release wrote it.
    """
    fields = document.fields
    try:
        check_format(fields, document.path)
        begin = Begin(
            transaction_id=take(fields, "transaction_id", str),
            parties={
                check_id(take(one, "name", str), "name"): take(one, "store_id", str)
                for one in take_list(fields, "parties", dict)
            },
            began_at=document.create_time,
            lease=take_lease(fields),
        )
        _check_place(Places(begin.transaction_id).begin, document)
    except (FieldError, ValueError) as error:
        message = f"document {document.path} begins no transaction: {error}"
        raise StoreError(message) from error
    return begin


@dataclass(frozen=True, slots=True)
class Decision:
    """How a transaction was decided.

    Attributes:
        decided_by: Unique to whoever decided: how a lost reply is told from somebody else's decision.
    """

    verdict: Verdict
    decided_by: str


def decision_writes(
    transaction_id: str, decision: Decision, began_at: datetime, author: Author, now: datetime
) -> list[Write]:
    """Return the commit that decides: no decision stands, and the begin does, which goes with every decision.

    Args:
        began_at: When it was begun, by the store's clock, as whoever decides knows: that begin, and no other.
    """
    places = Places(transaction_id)
    fields = {
        "format": FORMAT,
        "transaction_id": transaction_id,
        "verdict": decision.verdict.value,
        "decided_by": decision.decided_by,
        "changed_by": author.changed_by,
        "reason": author.reason,
        "timestamp": now,
    }
    # Else one who was frozen for days could decide anew what was decided, settled and cleared away.
    return [Put(places.decision, fields, MustNotExist()), Check(places.begin, UpdatedAt(began_at))]


def read_decision(document: Document, transaction_id: str) -> Decision:
    """Return the decision in a document that was read as that of a transaction.

    Raises:
        StoreError: It is none of ours, damaged, or another's.
        SchemaVersionError: A newer release wrote it.
    """
    fields = document.fields
    try:
        check_format(fields, document.path)
        decision = Decision(Verdict(take(fields, "verdict", str)), take(fields, "decided_by", str))
        _check_place(Places(take(fields, "transaction_id", str)).decision, document)
        _check_place(Places(transaction_id).decision, document)
    except (FieldError, ValueError) as error:
        message = f"document {document.path} decides no transaction: {error}"
        raise StoreError(message) from error
    return decision


def settled_writes(transaction_id: str, names: Sequence[str], verdict: Verdict, now: datetime) -> list[Write]:
    """Return the commit that tells that parts are settled, beside a begin that stands."""
    places = Places(transaction_id)
    fields = {"format": FORMAT, "transaction_id": transaction_id, "verdict": verdict.value, "timestamp": now}
    puts = [Put(places.settled(name), {**fields, "name": name}, MustNotExist()) for name in names]
    # Else it would be left behind for ever by one who comes when all is cleared away.
    return [*puts, Check(places.begin, MustExist())]


def clearing(
    begin: Document, decision: Document | None, settled: Sequence[Document], now: datetime
) -> list[Write] | None:
    """Return the commit that clears a transaction away; None: it is not decided and settled for long enough.

    Args:
        now: The store's clock.

    Raises:
        StoreError, SchemaVersionError: The begin cannot be read.
    """
    told = read_begin(begin)
    wanted = {Places(told.transaction_id).settled(name) for name in told.parties}
    found = {document.path: document for document in settled if document.path in wanted}
    if decision is None or found.keys() != wanted:
        return None
    if any(now <= document.create_time + KEPT for document in found.values()):
        return None
    return [Delete(one.path, UpdatedAt(one.update_time)) for one in (begin, decision, *found.values())]


def _check_place(path: DocumentPath, document: Document) -> None:
    # A document that was copied elsewhere would decide another transaction.
    if path != document.path:
        message = "it names another transaction"
        raise FieldError(message)
