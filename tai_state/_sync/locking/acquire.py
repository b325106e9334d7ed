# Generated from tai_state/_async/locking/acquire.py by .ci/generate_sync.py; do not edit.
"""One call of ``acquire``: it looks at the leases, and takes all of them in one commit, or none."""
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tai_state._sync.commits.protocol import Settlement, Settled, commit_once
from tai_state._sync.locking.attaching import attached
from tai_state._sync.locking.handle import Grantor, LockHandle
from tai_state._sync.locking.registry import LockRegistry
from tai_state._sync.locking.reserving import Reservations
from tai_state._platform.interrupts import Interruptible, shield
from tai_state._platform.processes import is_dead
from tai_state.clock import Deadline
from tai_state.config import LeaseTiming
from tai_state.documents import Capability, CommitResult, DocumentPath, Read, Write
from tai_state.errors import (
    DeadlineExceededError,
    DeadlockError,
    LockLostError,
    LockTimeoutError,
    OutcomeUnknownError,
    PreconditionFailedError,
    TaiStateError,
)
from tai_state.rules.commits.settle import Outcome
from tai_state.rules.locking.leases import (
    Claim,
    Grant,
    Held,
    Lease,
    decide_acquire,
    is_grant,
    lease_path,
    read_leases,
    released,
    unknown_outcome,
)
from tai_state.rules.locking.owners import Owner, ProcessStamp
from tai_state.rules.locking.requests import LockRequest
from tai_state.rules.locking.reservations import Waiter, clear_write, read_reservation, reservation_path

log = logging.getLogger("tai_state")

TRY_SECONDS = 2.0
"""What one request may take, however little time is left to wait: ``timeout=0`` tries once, too."""

GIVE_BACK_SECONDS = 2.0
"""How long a caller who failed or was cancelled waits for the store to take back what was granted meanwhile."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one read told: grants that can be had, and what stands in the way of the others."""

    grants: tuple[Grant, ...]
    held: tuple[Held, ...]
    clears: tuple[Write, ...]
    again: tuple[Lease, ...] = ()
    """What was granted to this very request already, all of it: its reply was lost."""


class Acquisition:
    """One caller who wants the locks of some resources.

    Attributes:
        granted: The locks, once they were granted; whoever fails behind that must give them back.
        blocked: What stood in the way at the last look.
        looked_at: When that was, by the monotonic clock.
        reservations: His places in the queues, once he was passed over.
    """

    def __init__(
        self,
        grantor: Grantor,
        locks: LockRegistry,
        resources: Sequence[str],
        owner: Owner,
        timing: LeaseTiming,
        *,
        process: ProcessStamp | None = None,
        request: LockRequest | None = None,
    ) -> None:
        """Ask for nothing yet.

        Args:
            process: The process that the leases end with; None: by their ttl alone.
            request: What is asked for under a key; None: it is under none.
        """
        self._access = grantor.access
        self._grantor = grantor
        self._locks = locks
        self._timing = timing
        self._process = process
        self._request = request
        self._is_again = False
        self.nonce = self._access.new_id()
        """What tells this call from every other."""
        self.resources = tuple(resources)
        self.owner = owner
        self.granted: list[LockHandle] = []
        self.blocked: tuple[Held, ...] = ()
        self.looked_at = self._access.clock.monotonic()
        self.reservations = Reservations(self._access, resources)
        self._waiter: Waiter | None = None
        self._doubt: TaiStateError | None = None

    def patience(self, deadline: Deadline) -> Deadline:
        """Return until when one step of a wait until *deadline* is tried again: a waiter looks up now and then."""
        return Deadline(self._access.clock, min(deadline.remaining(), self._access.retry.deadline))

    def _try_time(self, deadline: Deadline) -> Deadline:
        return Deadline(self._access.clock, max(deadline.remaining(), min(TRY_SECONDS, self._access.retry.deadline)))

    def give_up(self) -> TaiStateError:
        """Return the error of a caller who waited in vain.

        A store that did not answer is not a lock that is held; but a grant of which nobody knows is none.
        """
        if isinstance(self._doubt, DeadlineExceededError):
            return self._doubt
        resources = [held.lease.resource for held in self.blocked] or list(self.resources)
        first = self.blocked[0] if self.blocked else None
        error = LockTimeoutError(
            resources[0],
            first.holder if first else None,
            next_owner=first.next_owner if first else None,
            resources=resources,
        )
        error.__cause__ = self._doubt
        return error

    # Looking and taking

    def look(self, deadline: Deadline) -> _Seen:
        """Read the leases and who is next, in one request; one in any case, others until *deadline*.

        Raises:
            DeadlockError: The owner holds one of the locks himself.
        """
        paths = [lease_path(resource) for resource in self.resources]
        next_paths = [reservation_path(resource) for resource in self.resources]
        read = self._read([*paths, *next_paths], deadline)
        self.looked_at = self._access.clock.monotonic()
        if self._waiter is None:
            self._waiter = Waiter(self.owner.label, self.nonce, read.read_time, len(self.resources) > 1)
        leases = read_leases(paths, read.documents)
        if self._request is not None and self._request.is_met_by(leases, read.read_time):
            return _Seen((), (), (), tuple(lease for lease in leases if lease is not None))
        claim = self._claim()
        holds_locks = self._locks.held_by(self.owner)
        grants: list[Grant] = []
        held: list[Held] = []
        clears: list[Write] = []
        for resource, current, next_path in zip(self.resources, leases, next_paths, strict=True):
            step = decide_acquire(
                current, read.read_time, resource=resource, claim=claim, is_orphaned=self._is_orphaned(current)
            )
            reservation = read_reservation(read.get(next_path))
            if isinstance(step, Held):
                held.append(step)
                continue
            if (
                current is not None
                and reservation is not None
                and reservation.keeps_out(self._waiter, read.read_time, holds_locks=holds_locks)
            ):
                held.append(Held(current, reservation.remaining(read.read_time), reservation.waiter.owner))
            grants.append(step)
            clear = clear_write(next_path, reservation, self._waiter, read.read_time)
            if clear is not None:
                clears.append(clear)
        self._doubt = None
        self.reservations.note(leases, held)
        self._note(held)
        return _Seen(tuple(grants), tuple(held), tuple(clears))

    def _claim(self) -> Claim:
        return Claim(
            owner=self.owner,
            nonce=self._access.new_id(),
            ttl_seconds=self._timing.ttl,
            process=self._process,
            key_digest=None if self._request is None else self._request.key_digest,
            fingerprint=None if self._request is None else self._request.fingerprint,
        )

    def _read(self, paths: Sequence[DocumentPath], deadline: Deadline) -> Read:
        def attempt() -> Read:
            seconds = min(self._try_time(deadline).remaining(), self._access.retry.attempt_timeout)
            with Interruptible():
                return self._access.backend.get_many(paths, timeout=seconds, consistent=False)

        return self._access.retried(attempt, deadline, what="a look at a lock")

    def _is_orphaned(self, lease: Lease | None) -> bool:
        """Whether the process that a lease ends with is known to be dead, which takes a store of one host."""
        return (
            lease is not None
            and lease.process is not None
            and Capability.ONE_HOST in self._access.backend.capabilities
            and is_dead(lease.process)
        )

    def _note(self, held: Sequence[Held]) -> None:
        for one in held:
            if self._locks.holds(one.lease, self.owner):
                # Nobody else could end this wait.
                raise DeadlockError([self.owner.label, self.owner.label], [one.lease.resource])
        self.blocked = tuple(held)

    def attempt(self, deadline: Deadline) -> bool:
        """Take all the locks in one commit if none is held; return whether they are ours now.

        Tried again until *deadline*, and once in any case. A caller who is cancelled meanwhile finds in ``granted``
        what he must give back.
        """
        try:
            return self._attempt(deadline)
        except OutcomeUnknownError as error:
            self._doubt = error
        except DeadlineExceededError as error:
            self._doubt = self._doubt or error
        return False

    def peek(self, deadline: Deadline) -> None:
        """Look without taking anything, for a caller whose turn it is not."""
        try:
            self.look(deadline)
        except DeadlineExceededError as error:
            self._doubt = self._doubt or error

    def _attempt(self, deadline: Deadline) -> bool:
        while True:
            seen = self.look(deadline)
            if seen.held:
                return False
            if seen.again:
                try:
                    return self._go_on(seen.again, self._try_time(deadline))
                except LockLostError:
                    continue  # it has ended since: the next look tells who has it
            try:
                if shield(self._take_all, seen, self._try_time(deadline)):
                    return True
            except PreconditionFailedError:
                continue  # somebody was faster: the next look tells who

    def _go_on(self, leases: Sequence[Lease], deadline: Deadline) -> bool:
        """Go on with what was granted to this very request, renewed; nobody is waited for, and nothing is taken."""
        self._is_again = True
        for lease in leases:
            self.granted.append(attached(self._grantor, lease, deadline, process=self._process))
        self._locks.add(self.granted)
        return True

    def _take_all(self, seen: _Seen, deadline: Deadline) -> bool:
        # Before anything is sent: the store counts from a later moment.
        began = self._access.clock.monotonic()
        leases = self._take(seen, deadline)
        self.granted = [LockHandle(self._grantor, lease, began) for lease in leases]
        self._locks.add(self.granted)
        if all(lock.remaining() > 0 for lock in self.granted):
            return True
        # This process stood still for longer than the lease: it is nothing to go on with.
        self.give_back()
        return False

    def _take(self, seen: _Seen, deadline: Deadline) -> list[Lease]:
        """Commit the grants together; a lost reply is settled by their nonce."""
        grants = [grant.lease for grant in seen.grants]
        in_time = Deadline(self._access.clock, min(deadline.remaining(), self._timing.trusted_seconds))

        def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            found = self._found(grants, in_time)
            if all(is_grant(grant, lease) for grant, lease in zip(grants, found, strict=True)):
                times = {lease.path: lease.update_time for lease in found if lease is not None and lease.update_time}
                return Settled(Outcome.APPLIED, CommitResult(min(times.values()), times))
            if any(is_grant(grant, lease) for grant, lease in zip(grants, found, strict=True)):
                # It was applied, and part of it is gone already: all or none.
                raise unknown_outcome(grants[0], "granted")
            return Settled(Outcome.REFUSED if refused else Outcome.PENDING)

        def unknown() -> OutcomeUnknownError:
            return unknown_outcome(grants[0], "granted")

        writes: list[Write] = [*(grant.write for grant in seen.grants), *seen.clears]
        try:
            commit = commit_once(self._access, writes, in_time, Settlement(read, unknown))
        except BaseException as error:
            if isinstance(error, OutcomeUnknownError) or not isinstance(error, TaiStateError):
                shield(self._abandon, grants)
            raise
        return [replace(grant, update_time=commit.update_times[grant.path]) for grant in grants]

    def _found(self, grants: Sequence[Lease], deadline: Deadline) -> list[Lease | None]:
        paths = [grant.path for grant in grants]
        return read_leases(paths, (self._access.read(paths, deadline)).documents)

    def _abandon(self, grants: Sequence[Lease]) -> None:
        """Free what may have been granted; where the store cannot be asked, or applies it later, its ttl ends it."""
        deadline = Deadline(self._access.clock, GIVE_BACK_SECONDS)
        try:
            for grant, lease in zip(grants, self._found(grants, deadline), strict=True):
                if lease is not None and is_grant(grant, lease):
                    _, write = released(lease)
                    seconds = self._access.attempt_seconds(deadline)
                    self._access.backend.commit([write], timeout=seconds)
        except TaiStateError as error:
            log.info(
                "whether locks of %r were granted is unknown; if so, they end by themselves: %s", self.owner, error
            )

    def give_back(self) -> None:
        """Release what was granted, as far as the store answers."""
        granted, self.granted = self.granted, []
        for lock in granted:
            if self._is_again:
                # It was granted to an earlier call, which may have told its caller.
                lock.detach()
                continue
            try:
                lock.release(timeout=GIVE_BACK_SECONDS)
            except TaiStateError as error:
                log.info("lock %r is left to its ttl: %s", lock.resource, error)

    # Being next

    def reserve(self, deadline: Deadline) -> None:
        """Reserve to be the next, once somebody was faster who came later."""
        if self._waiter is not None:
            self.reservations.make(self._waiter, deadline)

    def leave(self) -> None:
        """Take back the reservations of a caller who waits no more."""
        if not self.granted:
            self.reservations.end(self._waiter)
