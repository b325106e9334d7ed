"""Who waits for whom: the wait-for graph, and the one victim of a cycle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from datetime import datetime, timedelta

from tai_state.config import TTL_SECONDS_MAX
from tai_state.documents import Document, DocumentPath, Put, Value
from tai_state.errors import StoreError
from tai_state.layout import FORMAT, WAITS, escape
from tai_state.rules.locking.leases import Lease
from tai_state.rules.records.fields import FieldError, check_format


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One edge: *owner* waits for *resource*, held by *holder* under *token*.

    Attributes:
        nonce: Unique to this wait; the greatest of a cycle is its victim.
        ttl_seconds: How long the document counts without a renewal: a dead waiter closes no cycle.
        renewals: Raised by each renewal: a write that changes nothing would not move the document's time.
    """

    owner: str
    nonce: str
    resource: str
    holder: str
    token: int
    ttl_seconds: float
    renewals: int = field(default=0, compare=False)


_NAMES = tuple(each.name for each in dataclass_fields(Wait))


def wait_path(owner: str) -> DocumentPath:
    """Return where the wait of *owner* lives."""
    return DocumentPath(WAITS, escape(owner, "owner"))


def wait_write(wait: Wait) -> Put:
    """Return the write of a wait; an owner waits for one lock at a time, so the last word stands."""
    fields: dict[str, Value] = {
        "format": FORMAT,
        "owner": wait.owner,
        "nonce": wait.nonce,
        "resource": wait.resource,
        "holder": wait.holder,
        "token": wait.token,
        "ttl_seconds": wait.ttl_seconds,
        "renewals": wait.renewals,
    }
    # Without a precondition: nobody else writes under this owner, and sent twice it says the same.
    return Put(wait_path(wait.owner), fields)


def live_wait(document: Document | None, read_time: datetime) -> Wait | None:
    """Return the wait in a document; None when there is none, or its ttl has passed by the store's clock.

    Raises:
        StoreError: It is no wait of ours.
    """
    if document is None:
        return None
    fields = document.fields
    try:
        check_format(fields, document.path)
        wait = _checked(Wait(**{name: fields[name] for name in _NAMES}))
        ends = document.update_time + timedelta(seconds=wait.ttl_seconds)
    except (KeyError, FieldError) as error:
        message = f"document {document.path} is no wait: {error}"
        raise StoreError(message) from error
    # By the store's clock alone: a dead waiter must not convict the living, and no two hosts agree on the time.
    return wait if read_time <= ends else None


def _checked(wait: Wait) -> Wait:
    texts = (wait.owner, wait.nonce, wait.resource, wait.holder)
    # By exact type: an enum or a bool that compares equal would be written back as something else.
    if any(type(text) is not str for text in texts) or type(wait.token) is not int:
        message = "a field has another type"
        raise FieldError(message)
    if type(wait.ttl_seconds) not in {int, float} or not 0 < wait.ttl_seconds <= TTL_SECONDS_MAX:
        message = f"its ttl is {wait.ttl_seconds!r}"
        raise FieldError(message)
    return wait


def is_confirmed(cycle: list[Wait], leases: Mapping[str, Lease], read_time: datetime) -> bool:
    """Whether every edge stands as of one moment: each awaited lock is held by the next owner, under the same token."""
    # A cycle that was put together from reads of different moments may never have stood: each edge must hold in one.
    return all(
        (lease := leases.get(wait.resource)) is not None
        and lease.is_held(read_time)
        and (lease.holder, lease.fencing_token) == (wait.holder, wait.token)
        for wait in cycle
    )


def victim(cycle: list[Wait]) -> Wait:
    """Return the one wait of a cycle that gives up: all its members choose the same."""
    # The nonce is random and the same for everybody who looks: one victim, without a word between the members.
    return max(cycle, key=lambda wait: wait.nonce)
