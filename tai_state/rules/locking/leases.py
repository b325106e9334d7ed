"""Leases with fencing tokens: who holds a lock, decided by the store's clock alone.

Gray and Cheriton, Leases (1989), with the fencing token of Lamport's and Chubby's sequencers: the holder's
writes carry the lease document itself, so that the store refuses a holder who was replaced.

A lease is expired when a read's ``read_time`` is past the document's ``update_time`` plus the ttl stored in it.
Both times are the store's; no client's clock takes part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tai_state.config import TTL_SECONDS_MAX
from tai_state.documents import Document, DocumentPath, MustNotExist, Precondition, Put, UpdatedAt, Value
from tai_state.errors import InvalidIdError, OutcomeUnknownError, StoreError
from tai_state.frozen import quick_dataclass
from tai_state.layout import AUDIT, FORMAT, LOCKS, escape
from tai_state.models import LockInfo
from tai_state.rules.locking.owners import Owner, ProcessStamp, home_of, read_stamp, stamp_field
from tai_state.rules.records.fields import FieldError, check_format, take, take_or_none, take_time_or_none


@quick_dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The content of a lease document, and the times that the store gave it.

    Attributes:
        holder: The owner; None when it is free.
        nonce: Unique to a grant; how a holder whose reply was lost knows its own. Breaking the lock takes it away.
        fencing_token: One more with each grant, never less: the document is never deleted.
        renewals: Raised by each renewal and each guarded write, so that the document changes.
        update_time: When it was last changed, by the store's clock; None when it was never written.
        owner_id: Tells the holder from others of his name; None: a build before there were such ids, the name decides.
        process: The process without which the lease is nobody's; None: it may outlive every process.
        granted_at: When the store was asked for what it granted, by its clock; None: a build before that was kept.
        key_digest: Of the key under which it was asked for, and by whom; None: under none.
        fingerprint: Of what was asked for under that key.

    The last five are optional fields. An older build never writes a grant of ours anew but to end it (it breaks it, or
    takes it over), so it wipes nothing that still counts, and the document needs no higher format.
    """

    resource: str
    holder: str | None
    nonce: str
    fencing_token: int
    ttl_seconds: float
    renewals: int
    update_time: datetime | None
    owner_id: str | None = None
    process: ProcessStamp | None = None
    granted_at: datetime | None = None
    key_digest: str | None = None
    fingerprint: str | None = None

    @property
    def holder_id(self) -> str:
        """What tells the holder from all others."""
        return self.owner_id or self.holder or ""

    @property
    def path(self) -> DocumentPath:
        """Where the lease lives."""
        return lease_path(self.resource)

    def expires(self) -> datetime:
        """Return until when it is held, by the store's clock."""
        assert self.update_time is not None
        return self.update_time + timedelta(seconds=self.ttl_seconds)

    def is_held(self, read_time: datetime) -> bool:
        """Whether somebody holds it as of *read_time*."""
        return self.holder is not None and read_time <= self.expires()


@quick_dataclass(frozen=True, slots=True)
class Grant:
    """The lock can be had: commit the lease, and it is."""

    lease: Lease
    write: Put


@quick_dataclass(frozen=True, slots=True)
class Held:
    """It cannot be had for ``seconds`` more, unless its holder ends that sooner, or renews.

    Attributes:
        next_owner: Who is next, where the lock is free and somebody waited longer for it; None: it is held.
    """

    lease: Lease
    seconds: float
    next_owner: str | None = None

    @property
    def holder(self) -> str | None:
        """Who holds it; None: nobody does."""
        return self.lease.holder if self.next_owner is None else None


def lease_path(resource: str) -> DocumentPath:
    """Return where the lease of *resource* lives."""
    return DocumentPath(LOCKS, escape(resource, "resource"))


def read_lease(document: Document) -> Lease:
    """Return the lease in a document.

    Raises:
        StoreError: It is no lease of ours.
    """
    fields = document.fields
    try:
        check_format(fields, document.path)
        lease = Lease(
            resource=_field(fields, "resource", str),
            holder=_field(fields, "holder", str, type(None)),
            nonce=_field(fields, "nonce", str),
            fencing_token=_field(fields, "fencing_token", int),
            ttl_seconds=float(_field(fields, "ttl_seconds", int, float)),
            renewals=_field(fields, "renewals", int),
            update_time=document.update_time,
            owner_id=take_or_none(fields, "owner_id", str),
            process=None if fields.get("process") is None else read_stamp(take(fields, "process", dict)),
            granted_at=take_time_or_none(fields, "granted_at"),
            key_digest=take_or_none(fields, "key_digest", str),
            fingerprint=take_or_none(fields, "fingerprint", str),
        )
        _check_lease(lease, document.path)
    except (FieldError, InvalidIdError) as error:
        message = f"document {document.path} is no lease: {error}"
        raise StoreError(message) from error
    return lease


def _check_lease(lease: Lease, path: DocumentPath) -> None:
    if lease_path(lease.resource) != path:
        message = f"it names the resource {lease.resource!r}"
        raise FieldError(message)
    # Out of range it was not written by us; believing it could hold a lock for ever, or let two have it.
    if lease.fencing_token < 1 or not 0 < lease.ttl_seconds <= TTL_SECONDS_MAX:
        message = f"its token is {lease.fencing_token} and its ttl {lease.ttl_seconds:g} seconds"
        raise FieldError(message)


def _field(fields: Mapping[str, Value], name: str, *kinds: type) -> Value:
    value = fields.get(name)
    # By its exact type: to Python True is a number.
    if name not in fields or type(value) not in kinds:
        message = f"its field {name!r} is {value!r}"
        raise FieldError(message)
    return value


def read_leases(paths: Sequence[DocumentPath], documents: Mapping[DocumentPath, Document]) -> list[Lease | None]:
    """Return the lease at each path, None where no lock was ever taken.

    Raises:
        StoreError: One of the documents is no lease of ours.
    """
    found = [documents.get(path) for path in paths]
    return [None if document is None else read_lease(document) for document in found]


def lease_fields(lease: Lease) -> dict[str, Value]:
    """Return the fields of a lease document; an optional one is there only where it says something."""
    fields: dict[str, Value] = {
        "format": FORMAT,
        "resource": lease.resource,
        "holder": lease.holder,
        "nonce": lease.nonce,
        "fencing_token": lease.fencing_token,
        "ttl_seconds": lease.ttl_seconds,
        "renewals": lease.renewals,
    }
    if lease.owner_id is not None:
        fields["owner_id"] = lease.owner_id
    if lease.process is not None:
        fields["process"] = stamp_field(lease.process)
    if lease.granted_at is not None:
        fields["granted_at"] = lease.granted_at
    if lease.key_digest is not None:
        fields["key_digest"], fields["fingerprint"] = lease.key_digest, lease.fingerprint
    return fields


def _write(lease: Lease, based_on: Lease | None) -> Put:
    precondition: Precondition = MustNotExist()
    if based_on is not None and based_on.update_time is not None:
        precondition = UpdatedAt(based_on.update_time)
    return Put(lease.path, lease_fields(lease), precondition)


@quick_dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a grant would write.

    Attributes:
        nonce: Unique to this grant.
        process: The process that the lease ends with; None: it ends by its ttl alone.
        key_digest: Of the key under which it is asked for, with the *fingerprint* of what is; None: under none.
    """

    owner: Owner
    nonce: str
    ttl_seconds: float
    process: ProcessStamp | None = None
    key_digest: str | None = None
    fingerprint: str | None = None


def decide_acquire(
    current: Lease | None, read_time: datetime, *, resource: str, claim: Claim, is_orphaned: bool = False
) -> Grant | Held:
    """Return whether the lock can be had now.

    1. Held, and not expired by the store's clock: wait, whoever holds it.
    2. Free, expired or never taken, or its holder's process is known to be dead (*is_orphaned*): granted with the next
       token, if nobody is faster.
    """
    # Also where the holder has our own name: whether it is us is known by the nonce, in this process.
    if current is not None and current.is_held(read_time) and not is_orphaned:
        return Held(current, (current.expires() - read_time).total_seconds())
    lease = Lease(
        resource=resource,
        holder=claim.owner.label,
        nonce=claim.nonce,
        fencing_token=current.fencing_token + 1 if current else 1,
        ttl_seconds=claim.ttl_seconds,
        renewals=0,
        update_time=None,
        owner_id=claim.owner.id,
        process=claim.process,
        granted_at=read_time,
        key_digest=claim.key_digest,
        fingerprint=claim.fingerprint,
    )
    return Grant(lease, _write(lease, current))


def is_grant(granted: Lease, found: Lease | None) -> bool:
    """Whether the lease in the store is the grant, renewed or not, and not released."""
    return found is not None and (found.nonce, found.holder, found.fencing_token) == (
        granted.nonce,
        granted.holder,
        granted.fencing_token,
    )


def renewed(lease: Lease, ttl_seconds: float | None = None) -> tuple[Lease, Put]:
    """Return the lease renewed, and its write: refused by the store if anybody changed it meanwhile.

    Args:
        ttl_seconds: How long it lasts from now on; None: as it did.
    """
    seconds = lease.ttl_seconds if ttl_seconds is None else ttl_seconds
    # Raised so that the document changes: a write of equal fields would not move its update_time.
    later = replace(lease, renewals=lease.renewals + 1, ttl_seconds=seconds)
    return later, _write(later, lease)


def last_renewed(lease: Lease, read_time: datetime, asked: float) -> float:
    """Return a moment no later than that at which the store last renewed a lease, by the clock that said *asked*.

    Args:
        lease: As it was read.
        read_time: When that was, by the store's clock.
        asked: What our monotonic clock said before it was asked for.
    """
    assert lease.update_time is not None
    age = (read_time - lease.update_time).total_seconds()
    return asked - max(age, 0.0)


def _freed(lease: Lease, nonce: str) -> Lease:
    return replace(_nobodys(lease), nonce=nonce, renewals=lease.renewals + 1, granted_at=None)


def _nobodys(lease: Lease) -> Lease:
    """Return the lease without what is said of a holder."""
    return replace(lease, holder=None, owner_id=None, process=None, key_digest=None, fingerprint=None)


def released(lease: Lease) -> tuple[Lease, Put]:
    """Return the lease free, and its write. The document stays: its token must never start over."""
    free = _freed(lease, lease.nonce)
    return free, _write(free, lease)


def broken(lease: Lease, entry_id: str) -> tuple[Lease, Put]:
    """Return the lease freed by force, and its write: its nonce goes too, so that its holder knows it no more."""
    free = _freed(lease, entry_id)
    return free, _write(free, lease)


def loss_reason(ours: Lease, found: Lease | None, read_time: datetime, *, maybe_released: bool = False) -> str | None:
    """Return how *ours* was lost, given what stands in the store; None when it is still held.

    Args:
        maybe_released: We asked for its release within our trust, and the reply was lost: then whoever holds it
            now could only come behind that.
    """
    # A later grant comes only behind our release or our expiry.
    if found is not None and found.fencing_token > ours.fencing_token:
        return "released" if maybe_released else "stolen"
    # Gone or set back, which only a hand does; or freed by break_lock, which takes the nonce away.
    if found is None or (found.fencing_token, found.nonce) != (ours.fencing_token, ours.nonce):
        return "broken"
    if found.holder is None:
        return "released"
    # Ours by its nonce, and nobody took it yet: still no lock, since anybody may at this moment.
    return None if found.is_held(read_time) else "expired"


def unknown_outcome(lease: Lease, what: str) -> OutcomeUnknownError:
    """Return the error that says that nobody knows whether *lease* was granted, renewed or released."""
    # Whatever is asked of one grant is asked under its token: a second time it does nothing more.
    error = OutcomeUnknownError(lease.nonce, "", lease.resource, lease.fencing_token, retryable=True)
    message = (
        f"whether lock {lease.resource!r} was {what} under token {lease.fencing_token} is unknown; "
        f"if nothing else is done, it ends by itself after its {lease.ttl_seconds:g} seconds"
    )
    error.args = (message,)
    return error


def info(lease: Lease, now: datetime) -> LockInfo:
    """Return what is shown of a lease as of *now* of the store's clock."""
    held = lease.is_held(now)
    host, pid = home_of(lease.owner_id)
    return LockInfo(
        resource=lease.resource,
        held=held,
        holder=lease.holder,
        fencing_token=lease.fencing_token,
        ttl_seconds=lease.ttl_seconds,
        remaining_seconds=max(0.0, (lease.expires() - now).total_seconds()) if held else 0.0,
        holder_host=host,
        holder_pid=pid,
        since=lease.granted_at,
        expires_at=lease.expires() if lease.holder is not None else None,
    )


TOKENS_LEFT_OUT = 2**20
"""How far a counter is raised that goes on from a copy: more tokens than were given out since the copy was made."""


def carried(lease: Lease) -> Lease:
    """Return what a copy of the store keeps of a lease: its counter. Who holds it here holds nothing there."""
    return replace(_nobodys(lease), nonce="", renewals=0)


def raised(copied: Lease, found: Lease | None) -> Put | None:
    """Return the write that keeps every token of a lease that was *copied* from being given out again.

    Its counter goes past all that were given out before the copy was made and, in all likelihood, since; whoever holds
    the lock holds it no more. None: it was raised before, also where it went on from there.

    Args:
        found: The lease as it stands where the copy goes; None: there is none.
    """
    token = copied.fencing_token + TOKENS_LEFT_OUT
    if found is not None and found.fencing_token >= token:
        return None
    return _write(replace(carried(copied), fencing_token=token), found)


def audit_write(entry_id: str, lease: Lease, reason: str, actor: str, now: datetime) -> Put:
    """Return the audit entry of a lock that is broken by hand."""
    fields = {
        "format": FORMAT,
        "kind": "lock_broken",
        "resource": lease.resource,
        "holder": lease.holder,
        "fencing_token": lease.fencing_token,
        "changed_by": actor,
        "reason": reason,
        "timestamp": now,
    }
    return Put(DocumentPath(AUDIT, entry_id), fields, MustNotExist())
