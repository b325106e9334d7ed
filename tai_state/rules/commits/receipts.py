"""Receipts: the outcome of a keyed change, so that the same key is applied once."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tai_state.codec import Payload
from tai_state.documents import Document, DocumentPath, MustNotExist, Precondition, Put, UpdatedAt
from tai_state.errors import CorruptLogError, IdempotencyMismatchError
from tai_state.layout import FORMAT
from tai_state.rules.records.fields import FieldError, check_format, take, written_at


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a live receipt says: this request made that version."""

    fingerprint: str
    version: int
    transition_id: str


def request_fingerprint(kind: str, action: str, request: Payload) -> str:
    """Return what two calls must share to be the same request: not its metadata, lock or expected version."""
    return Payload.of([kind, action, request.digest]).digest


def live_receipt(document: Document | None, read_time: datetime, governor_id: str, state_id: str) -> Receipt | None:
    """Return the receipt in *document*, None when there is none or it has expired.

    Only the store's clock counts: expired when *read_time* is past the document's update_time plus the
    ttl stored in it. (Not its create_time: an expired receipt is replaced in place. Where it was imported, the time
    at which it was written there: a build that does not know that obeys it for longer, which does no harm.)

    Raises:
        CorruptLogError: The document is no receipt of ours.
    """
    if document is None:
        return None
    try:
        check_format(document.fields, document.path)
        receipt = Receipt(
            fingerprint=take(document.fields, "fingerprint", str),
            version=take(document.fields, "version", int),
            transition_id=take(document.fields, "transition_id", str),
        )
        expires = written_at(document) + timedelta(seconds=take(document.fields, "ttl_seconds", float))
    except (OverflowError, FieldError) as error:
        reason = f"receipt {document.path} is damaged: {error}"
        raise CorruptLogError(governor_id, state_id, None, reason) from error
    # At the very moment it still counts, as a lease does: one rule for all that expires.
    return None if read_time > expires else receipt


def check_same_request(receipt: Receipt, fingerprint: str, key: str, governor_id: str, state_id: str) -> None:
    """Refuse a key that was used for another request.

    Raises:
        IdempotencyMismatchError: The fingerprints differ.
    """
    if receipt.fingerprint != fingerprint:
        raise IdempotencyMismatchError(key, governor_id, state_id)


def receipt_write(
    path: DocumentPath,
    receipt: Receipt,
    *,
    key: str,
    state_id: str,
    expired: Document | None,
    ttl: timedelta,
    now: datetime,
) -> Put:
    """Return the write of a receipt: it must not exist, or be the *expired* one unchanged."""
    # Two callers under one key: the first receipt wins, and the other finds it when its commit is refused.
    precondition: Precondition = UpdatedAt(expired.update_time) if expired else MustNotExist()
    fields = {
        "format": FORMAT,
        "state_id": state_id,
        "idempotency_key": key,
        "fingerprint": receipt.fingerprint,
        "version": receipt.version,
        "transition_id": receipt.transition_id,
        "ttl_seconds": ttl.total_seconds(),
        # Feeds the engine's removal of what has expired; by the writer's clock, so nothing of ours goes by it alone.
        "tai_expires_at": now + ttl,
    }
    return Put(path, fields, precondition)
