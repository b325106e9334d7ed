"""Transactions: the record that one was committed, and what a commit checks beside what it writes."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from tai_state.authors import Author
from tai_state.codec import Payload
from tai_state.config import Encoding
from tai_state.documents import Check, Document, DocumentPath, MustNotExist, Put, UpdatedAt, Value, Write
from tai_state.errors import StoreError
from tai_state.layout import FORMAT, TRANSACTIONS, check_id, escape
from tai_state.models import TransactionRecord
from tai_state.rules.records.fields import FieldError, check_format


def keyed_id(idempotency_key: str) -> str:
    """Return the transaction id of a key: every process that runs under it meets at one document."""
    # Hashed: a key may be any text, and longer than an id may be.
    return "key-" + hashlib.sha256(check_id(idempotency_key, "idempotency_key").encode()).hexdigest()


def transaction_path(transaction_id: str) -> DocumentPath:
    """Return where the record of a transaction lives."""
    return DocumentPath(TRANSACTIONS, escape(transaction_id, "transaction_id"))


def record_write(
    transaction_id: str,
    *,
    attempt: str,
    changed: Iterable[DocumentPath],
    result: Payload,
    encoding: Encoding,
    author: Author,
    now: datetime,
) -> Put:
    """Return the record of a commit: it must not exist, so that no transaction is applied twice.

    Args:
        attempt: Unique to this commit; how our own lost reply is told from another process under the same key.
        result: What a keyed body returned, given back to whoever repeats the key.
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
    }
    # The one precondition that makes a transaction happen once, whatever becomes of its other documents.
    return Put(transaction_path(transaction_id), fields, MustNotExist())


def made_by(record: Document | None, attempt: str) -> bool:
    """Whether *record* is there, and was written by the commit that *attempt* names."""
    return record is not None and record.fields.get("attempt") == attempt


def read_record(document: Document) -> TransactionRecord:
    """Return the record in a document.

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
        return TransactionRecord(
            transaction_id=fields["transaction_id"],
            documents=fields["documents"],
            result=Payload.stored(fields["result"]).value(),
            changed_by=fields["changed_by"],
            reason=fields["reason"],
            timestamp=fields["timestamp"],
            committed_at=document.create_time,
        )
    except (KeyError, TypeError, ValueError) as error:
        message = f"document {document.path} is no transaction record: {error}"
        raise StoreError(message) from error


def checks(read: Mapping[DocumentPath, Document | None], written: Mapping[DocumentPath, Write]) -> list[Write]:
    """Return what makes the commit serialisable: all that was only read must be as it was read."""
    return [
        Check(path, UpdatedAt(document.update_time) if document is not None else MustNotExist())
        for path, document in read.items()
        if path not in written
    ]


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
