"""Who waits for a lock, as people are told it: by his edges in the wait-for graph, or by his place as the next one."""

from datetime import datetime

from tai_state.documents import Document
from tai_state.errors import InvalidIdError, StoreError
from tai_state.layout import unescape
from tai_state.models import LockWait
from tai_state.rules.locking.deadlocks import live_wait
from tai_state.rules.locking.owners import home_of
from tai_state.rules.locking.reservations import RESERVATION, read_reservation


def told_by(document: Document, now: datetime) -> list[LockWait]:
    """Return the waits that a document tells of as of *now*, by the store's clock; none once its time is over.

    Raises:
        StoreError: It is none of ours.
        SchemaVersionError: A newer release wrote it.
    """
    if document.path.id.startswith(RESERVATION):
        return _next_one(document, now)
    wait = live_wait(document, now)
    if wait is None:
        return []
    host, pid = home_of(wait.owner.id)
    return [
        LockWait(resource=edge.resource, owner=wait.owner.label, host=host, pid=pid, fencing_token=edge.token)
        for edge in wait.edges
    ]


def _next_one(document: Document, now: datetime) -> list[LockWait]:
    try:
        resource = unescape(document.path.id.removeprefix(RESERVATION), document.path)
    except InvalidIdError as error:
        message = f"document {document.path} is no reservation: {error}"
        raise StoreError(message) from error
    found = read_reservation(document)
    if found is None:
        message = f"document {document.path} is no reservation: it does not say whose it is"
        raise StoreError(message)
    if not found.remaining(now):
        return []
    # Who is called nothing else is called after his process.
    host, pid = home_of(found.waiter.owner)
    return [LockWait(resource=resource, owner=found.waiter.owner, host=host, pid=pid, since=found.waiter.since)]
