# Generated from tai_state/_async/recovery/leases.py by .ci/generate_sync.py; do not edit.
"""Leases that are held past their time: whoever held them is gone, and nobody has asked for them since."""
from collections.abc import Iterator
from typing import NamedTuple

from tai_state._sync.access.access import Access
from tai_state.clock import Span
from tai_state.documents import Document, DocumentPath
from tai_state.errors import InvalidIdError, ReplayError, SchemaVersionError, StoreError
from tai_state.layout import LOCKS, unescape
from tai_state.rules.locking.leases import Lease, read_lease
from tai_state.rules.recovery.findings import Finding


class Expired(NamedTuple):
    """A lock that is held past its time, as it was read."""

    document: Document
    lease: Lease


def lease_findings(access: Access, timeout: Span) -> Iterator[Finding]:
    """Iterate over what is wrong with the locks of a store.

    One that is held is read once more, and told as it is by then; one that cannot be read is told as it was found.
    """
    for document in access.scan(LOCKS, timeout=timeout):
        found: Lease | Expired | Finding | None = _judged(document)
        if isinstance(found, Lease):
            found = expired(access, document.path, timeout) if found.holder is not None else None
        if isinstance(found, Expired):
            lease = found.lease
            message = f"lock {lease.resource!r} is held by {lease.holder!r} past the end of its lease"
            found = Finding("expired_lease", "", None, message, document.path)
        if found is not None:
            yield found


def expired(access: Access, path: DocumentPath, timeout: Span) -> Expired | Finding | None:
    """Return the lock at *path* as it is now, where it is still held and past its time, or what is wrong with it."""
    # Each read tells the store's clock as of itself: no time of ours is compared with it.
    read = access.read([path], access.begin(timeout))
    document = read.get(path)
    if document is None:
        return None
    lease = _judged(document)
    if isinstance(lease, Finding):
        return lease
    is_expired = lease.holder is not None and not lease.is_held(read.read_time)
    return Expired(document, lease) if is_expired else None


def _judged(document: Document) -> Lease | Finding:
    """Return the lease in a document, or what is wrong with that."""
    try:
        unescape(document.path.id, document.path)
        return read_lease(document)
    except InvalidIdError as error:
        return Finding("foreign_document", "", None, f"it is none of ours: {error}", document.path)
    except SchemaVersionError as error:
        return Finding("newer_format", "", None, str(error), document.path)
    except (StoreError, ReplayError) as error:
        return Finding("corrupt_lease", "", None, str(error), document.path)
