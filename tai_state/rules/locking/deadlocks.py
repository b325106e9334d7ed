"""Who waits for whom: the wait-for graph, and the one victim of a cycle.

A waiter waits for all the locks that it wants, so any of its edges may close a cycle (Knapp, Deadlock Detection in
Distributed Databases, 1987: the AND model). Owners are told apart by their ids; their names are for people.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tai_state.config import TTL_SECONDS_MAX
from tai_state.documents import Document, DocumentPath, Put, Value
from tai_state.errors import InvalidIdError, StoreError
from tai_state.layout import FORMAT, WAITS, check_id, escape
from tai_state.rules.locking.leases import Lease
from tai_state.rules.locking.owners import Owner
from tai_state.rules.records.fields import FieldError, check_format, take, take_list, take_or_none

WAIT_SECONDS = 5.0
"""How long a wait counts without being renewed: for how long one who was killed can convict the living."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One lock that is waited for, as its waiter last saw it: held by the owner *holder* (an id) under *token*."""

    resource: str
    holder: str
    token: int

    @classmethod
    def to(cls, lease: Lease) -> "Edge":
        """Return the edge to the holder of *lease*."""
        return cls(lease.resource, lease.holder_id, lease.fencing_token)

    def stands(self, lease: Lease | None, read_time: datetime) -> bool:
        """Whether the lock is held by that owner yet, under the same token."""
        return lease is not None and lease.is_held(read_time) and Edge.to(lease) == self


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One owner who waits.

    Attributes:
        nonce: Unique to this wait; the greatest of a cycle is its victim.
        edges: The locks that it waits for, one at least.
        renewals: Raised by each renewal: a write that changes nothing would not move the document's time.
    """

    owner: Owner
    nonce: str
    edges: tuple[Edge, ...]
    renewals: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One owner of a chain, and the lock by which it waits for the next one."""

    wait: Wait
    edge: Edge


def wait_path(owner_id: str) -> DocumentPath:
    """Return where the wait of an owner lives."""
    return DocumentPath(WAITS, escape(owner_id, "owner"))


def wait_write(wait: Wait, *, now: datetime) -> Put:
    """Return the write of a wait; the last word of an owner stands.

    The first edge has fields of its own, as in every build; older ones do not see the others.
    """
    first, *others = wait.edges
    fields: dict[str, Value] = {
        "format": FORMAT,
        "owner": wait.owner.id,
        "label": wait.owner.label,
        "nonce": wait.nonce,
        "resource": first.resource,
        "holder": first.holder,
        "token": first.token,
        "ttl_seconds": WAIT_SECONDS,
        "renewals": wait.renewals,
        # Feeds the engine's removal of what has expired; by the writer's clock, so nothing of ours goes by it alone.
        "tai_expires_at": now + timedelta(seconds=WAIT_SECONDS),
    }
    if others:
        fields["others"] = [{"resource": one.resource, "holder": one.holder, "token": one.token} for one in others]
    # Without a precondition: nobody else writes under this owner, and sent twice it says the same.
    return Put(wait_path(wait.owner.id), fields)


def live_wait(document: Document | None, read_time: datetime) -> Wait | None:
    """Return the wait in a document; None when there is none, or its time has passed by the store's clock.

    Raises:
        StoreError: It is no wait of ours.
    """
    if document is None:
        return None
    fields = document.fields
    try:
        check_format(fields, document.path)
        owner_id = take(fields, "owner", str)
        label = take_or_none(fields, "label", str)
        others = take_list(fields, "others", dict) if "others" in fields else ()
        wait = Wait(
            owner=Owner(owner_id if label is None else label, owner_id),
            nonce=take(fields, "nonce", str),
            edges=tuple(_edge(one) for one in (fields, *others)),
            renewals=take(fields, "renewals", int),
        )
        ends = document.update_time + timedelta(seconds=_seconds(fields.get("ttl_seconds")))
        _check_owner(owner_id, document.path)
    except (FieldError, InvalidIdError) as error:
        message = f"document {document.path} is no wait: {error}"
        raise StoreError(message) from error
    # By the store's clock alone: a dead waiter must not convict the living, and no two hosts agree on the time.
    return wait if read_time <= ends else None


def _check_owner(owner_id: str, path: DocumentPath) -> None:
    # One that was copied elsewhere would let somebody wait who does not.
    if wait_path(owner_id) != path:
        message = f"it names the owner {owner_id!r}"
        raise FieldError(message)


def _edge(fields: Mapping[str, Value]) -> Edge:
    edge = Edge(take(fields, "resource", str), take(fields, "holder", str), take(fields, "token", int))
    # What cannot be an id has no document that a search could follow.
    check_id(edge.resource, "resource")
    check_id(edge.holder, "holder")
    return edge


def _seconds(stored: Value) -> float:
    # By its exact type: to Python True is a number. An older build stores its lock's ttl, which is too long.
    if (type(stored) is not int and type(stored) is not float) or not 0 < stored <= TTL_SECONDS_MAX:
        message = f"its ttl is {stored!r}"
        raise FieldError(message)
    return min(float(stored), WAIT_SECONDS)


def is_confirmed(cycle: Sequence[Step], leases: Mapping[str, Lease], read_time: datetime) -> bool:
    """Whether every edge stands as of one moment: each awaited lock is held by the next owner, under the same token."""
    # A cycle that was put together from reads of different moments may never have stood: each edge must hold in one.
    return all(step.edge.stands(leases.get(step.edge.resource), read_time) for step in cycle)


def victim(cycle: Sequence[Step]) -> Wait:
    """Return the one wait of a cycle that gives up: all its members choose the same."""
    # The nonce is random and the same for everybody who looks: one victim, without a word between the members.
    return max((step.wait for step in cycle), key=lambda wait: wait.nonce)
