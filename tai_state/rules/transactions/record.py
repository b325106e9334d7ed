"""Transactions: the record that one was committed, and what a commit checks beside what it writes."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tai_state.authors import Author
from tai_state.codec import Payload
from tai_state.config import Encoding
from tai_state.documents import (
    Check,
    Document,
    DocumentPath,
    MustNotExist,
    Precondition,
    Put,
    UpdatedAt,
    Value,
    Write,
)
from tai_state.errors import IdempotencyMismatchError, StaleReadError, StoreError
from tai_state.layout import FORMAT, TRANSACTIONS, check_id, escape, state_of
from tai_state.models import TransactionRecord
from tai_state.rules.records.fields import FieldError, check_format, take, written_at


@dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key of the whole store, and the request that it stands for."""

    text: str
    request: str

    def __post_init__(self) -> None:
        """Refuse what is no id."""
        check_id(self.text, "idempotency_key")
        check_id(self.request, "request")

    @property
    def transaction_id(self) -> str:
        """The id under it: every process that runs under it meets at one document."""
        # Hashed: a key may be any text, and longer than an id may be.
        return "key-" + hashlib.sha256(self.text.encode()).hexdigest()

    def check(self, record: TransactionRecord) -> None:
        """Refuse to take the transaction of another request for ours.

        Raises:
            IdempotencyMismatchError: The key was used for another request.
        """
        # Records of earlier releases do not say which it was.
        if record.request not in {None, self.request}:
            raise IdempotencyMismatchError(self.text)


def transaction_path(transaction_id: str) -> DocumentPath:
    """Return where the record of a transaction lives."""
    return DocumentPath(TRANSACTIONS, escape(transaction_id, "transaction_id"))


def record_write(
    transaction_id: str,
    *,
    attempt: str,
    changed: Iterable[DocumentPath],
    request: str | None,
    result: Payload,
    encoding: Encoding,
    author: Author,
    expired: Document | None,
    ttl: timedelta,
    now: datetime,
) -> Put:
    """Return the record of a commit: it must not exist, or be the *expired* one of the same key, unchanged.

    So no transaction is applied twice.

    Args:
        attempt: Unique to this commit; how our own lost reply is told from another process under the same key.
        request: What a key stands for; None without a key.
        result: What a keyed body returned, given back to whoever repeats the key.
        ttl: How long the record counts.
    """
    fields: dict[str, Value] = {
        "format": FORMAT,
        "transaction_id": transaction_id,
        "attempt": attempt,
        "documents": [str(path) for path in changed],
        "result": result.field(encoding),
        "changed_by": author.changed_by,
        "reason": author.reason,
        "timestamp": now,
        "ttl_seconds": ttl.total_seconds(),
        # Feeds the engine's removal of what has expired; by the writer's clock, so nothing of ours goes by it alone.
        "tai_expires_at": now + ttl,
    }
    precondition: Precondition = UpdatedAt(expired.update_time) if expired else MustNotExist()
    if request is not None:
        fields["request"] = request
    # The one precondition that makes a transaction happen once, whatever becomes of its other documents.
    return Put(transaction_path(transaction_id), fields, precondition)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The document by which a commit is known to have been applied: no other commit writes *value* there."""

    path: DocumentPath
    field: str
    value: str

    def is_in(self, document: Document | None) -> bool:
        """Whether the commit was applied."""
        return document is not None and document.fields.get(self.field) == self.value


def has_expired(record: TransactionRecord, read_time: datetime) -> bool:
    """Whether a record counts no more, by the store's clock."""
    return record.expires_at is not None and read_time > record.expires_at


def read_record(document: Document) -> TransactionRecord:
    """Return the record in a document, whether or not it has expired.

    Raises:
        StoreError: It is no record of ours.
    """
    fields = document.fields
    try:
        check_format(fields, document.path)
        # A record that was copied elsewhere would vouch for a transaction that never was.
        if transaction_path(fields["transaction_id"]) != document.path:
            message = "it names another transaction"
            raise FieldError(message)
        # Records of earlier releases never expire.
        ttl = timedelta(seconds=take(fields, "ttl_seconds", float)) if "ttl_seconds" in fields else None
        # Not its create_time: an expired record is replaced in place.
        committed_at = written_at(document)
        return TransactionRecord(
            transaction_id=fields["transaction_id"],
            documents=fields["documents"],
            result=Payload.stored(fields["result"]).value(),
            changed_by=fields["changed_by"],
            reason=fields["reason"],
            timestamp=fields["timestamp"],
            committed_at=committed_at,
            request=fields.get("request"),
            expires_at=None if ttl is None else committed_at + ttl,
        )
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        message = f"document {document.path} is no transaction record: {error}"
        raise StoreError(message) from error


def stale_read(path: str, transaction_id: str) -> StaleReadError:
    """Return the error that says that the document at *path* ("": not known which) changed after it was read."""
    governor_id, state_id = state_of(path)
    return StaleReadError(path, governor_id=governor_id, state_id=state_id, transaction_id=transaction_id)


def checks(read: Mapping[DocumentPath, Document | None], written: Mapping[DocumentPath, Write]) -> list[Write]:
    """Return what makes the commit serialisable: all that was only read must be as it was read."""
    return [
        Check(path, UpdatedAt(document.update_time) if document is not None else MustNotExist())
        for path, document in read.items()
        if path not in written
    ]


def changed_since(documents: Mapping[DocumentPath, Document], moment: datetime) -> bool:
    """Whether one of *documents* was changed after *moment*, so that at that moment it was another one.

    One that is absent was so before: a state is never removed, and a receipt only when it counts no more.
    """
    return any(document.update_time > moment for document in documents.values())


def first_change(
    read: Mapping[DocumentPath, Document | None], later: Mapping[DocumentPath, Document]
) -> DocumentPath | None:
    """Return a path at which *later* holds something else than what was *read*; None when all stands."""
    for path, before in read.items():
        now = later.get(path)
        # Times tell enough: a document that is deleted and made again never gets an earlier one.
        if (before and before.update_time) != (now and now.update_time):
            return path
    return None
