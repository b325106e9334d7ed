"""Who is next: a waiter who was passed over reserves the lock, so that later comers leave it to him.

A reservation only makes callers wait; nobody holds anything by it, and it ends by itself, by the store's clock.
Without it a holder that takes a lock again at once would always be faster than whoever waits in another process.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tai_state.documents import Delete, Document, DocumentPath, MustNotExist, Precondition, Put, UpdatedAt, Value
from tai_state.layout import FORMAT, WAITS, escape

RESERVED_SECONDS = 1.0
"""How long a reservation counts without being renewed: what a dead waiter can cost the others."""

RESERVATION = "@"
"""How the ids of reservations begin, which stand beside the waits: no stored id holds one."""


@dataclass(frozen=True, slots=True)
class Waiter:
    """One who waits for a lock, or for several.

    Attributes:
        owner: What he is called.
        nonce: Unique to this wait.
        since: When it began, by the store's clock.
        wants_several: Whether he waits for more locks than this one.
    """

    owner: str
    nonce: str
    since: datetime
    wants_several: bool = False

    def came_before(self, other: "Waiter") -> bool:
        """Whether he waits longer; one order for all, so that two who want the same locks never wait for each other."""
        return (self.since, self.nonce) < (other.since, other.nonce)


@dataclass(frozen=True, slots=True)
class Reservation:
    """The waiter who is next, as it stands in the store."""

    waiter: Waiter
    update_time: datetime

    def remaining(self, read_time: datetime) -> float:
        """Return the seconds for which it counts, 0.0 when it is over."""
        left = self.update_time + timedelta(seconds=RESERVED_SECONDS) - read_time
        return max(0.0, left.total_seconds())

    def is_before(self, other: Waiter, read_time: datetime) -> bool:
        """Whether it counts, and its waiter came before *other*."""
        is_other = self.waiter.nonce != other.nonce
        return is_other and self.waiter.came_before(other) and self.remaining(read_time) > 0

    def keeps_out(self, other: Waiter, read_time: datetime, *, holds_locks: bool) -> bool:
        """Whether *other* has to leave the lock to the one who is next: he came later, and it still counts.

        Not where *other* holds locks already, and the next one waits for several: they may be waiting for each other
        then, and no cycle of waiters would tell.
        """
        return self.is_before(other, read_time) and not (self.waiter.wants_several and holds_locks)


def reservation_path(resource: str) -> DocumentPath:
    """Return where the reservation of *resource* lives: beside the waits, whose ids never hold an ``@``."""
    return DocumentPath(WAITS, f"{RESERVATION}{escape(resource, 'resource')}")


def read_reservation(document: Document | None) -> Reservation | None:
    """Return the reservation in a document; None when there is none, or none that can be read.

    It grants nothing, so what is damaged counts as nothing, and is written over by the next waiter.
    """
    if document is None:
        return None
    fields = document.fields
    owner, nonce, since = fields.get("owner"), fields.get("nonce"), fields.get("since")
    # Damage costs fairness for a second at most, so nothing is raised for it.
    if not isinstance(owner, str) or not isinstance(nonce, str) or not isinstance(since, datetime) or not since.tzinfo:
        return None
    several = fields.get("wants_several") is True
    return Reservation(Waiter(owner, nonce, since, several), document.update_time)


def may_reserve(found: Reservation | None, waiter: Waiter, read_time: datetime) -> bool:
    """Whether *waiter* should reserve: nobody else does who came earlier, and an own reservation is half over."""
    if found is None:
        return True
    if found.waiter.nonce == waiter.nonce:
        # Renewed at half time: one lost renewal does not lose the place.
        return found.remaining(read_time) < RESERVED_SECONDS / 2
    return not found.is_before(waiter, read_time)


def reserve_write(resource: str, waiter: Waiter, found: Document | None, *, round_: int, now: datetime) -> Put:
    """Return the write of a reservation over what was *found*; *round_* makes each one differ from the last."""
    precondition: Precondition = MustNotExist() if found is None else UpdatedAt(found.update_time)
    fields: dict[str, Value] = {
        "format": FORMAT,
        "resource": resource,
        "owner": waiter.owner,
        "nonce": waiter.nonce,
        "since": waiter.since,
        "round": round_,
        "ttl_seconds": RESERVED_SECONDS,
        # Feeds the engine's removal of what has expired: of a waiter who was killed, say.
        "tai_expires_at": now + timedelta(seconds=RESERVED_SECONDS),
    }
    if waiter.wants_several:
        fields["wants_several"] = True
    return Put(reservation_path(resource), fields, precondition)


def clear_write(path: DocumentPath, found: Reservation | None, waiter: Waiter, read_time: datetime) -> Delete | None:
    """Return what a grant takes away with it: the waiter's own reservation, or one that is over."""
    # Another waiter's place that still counts is his to clear.
    if found is None or (found.waiter.nonce != waiter.nonce and found.remaining(read_time) > 0):
        return None
    return Delete(path)
