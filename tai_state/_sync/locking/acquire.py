# Generated from tai_state/_async/locking/acquire.py by .ci/generate_sync.py; do not edit.
"""One call of ``acquire``: it looks at the leases, and takes all of them in one commit, or none."""
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tai_state._sync.access.access import Access
from tai_state._sync.commits.protocol import Settlement, Settled, commit_once
from tai_state._sync.locking.lock import Lock
from tai_state._sync.locking.registry import LockRegistry
from tai_state._platform.interrupts import shield
from tai_state.clock import Deadline
from tai_state.config import LeaseTiming
from tai_state.documents import CommitResult, Write
from tai_state.errors import (
    DeadlineExceededError,
    DeadlockError,
    LockTimeoutError,
    OutcomeUnknownError,
    PreconditionFailedError,
    TaiStateError,
)
from tai_state.rules.commits.settle import Outcome
from tai_state.rules.locking.leases import (
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
from tai_state.rules.locking.reservations import (
    Waiter,
    clear_write,
    may_reserve,
    read_reservation,
    reservation_path,
    reserve_write,
)

log = logging.getLogger("tai_state")

TRY_SECONDS = 5.0
"""What one try at the store may take, however little time is left to wait: ``timeout=0`` tries once, too."""

GIVE_BACK_SECONDS = 2.0
"""How long a caller who failed or was cancelled waits for the store to take back what was granted meanwhile."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one read told: grants that can be had, and what stands in the way of the others."""

    grants: tuple[Grant, ...]
    held: tuple[Held, ...]
    clears: tuple[Write, ...]


class Acquisition:
    """One caller who wants the locks of some resources.

    Attributes:
        granted: The locks, once they were granted; whoever fails behind that must give them back.
        blocked: What stood in the way at the last look.
        looked_at: When that was, by the monotonic clock.
    """

    def __init__(
        self, access: Access, locks: LockRegistry, resources: Sequence[str], owner: str, timing: LeaseTiming
    ) -> None:
        """Ask for nothing yet."""
        self._access = access
        self._locks = locks
        self._timing = timing
        self._nonce = access.new_id()
        self.resources = tuple(resources)
        self.owner = owner
        self.granted: list[Lock] = []
        self.blocked: tuple[Held, ...] = ()
        self.looked_at = access.clock.monotonic()
        self._waiter: Waiter | None = None
        self._first_token = 0
        self._doubt: TaiStateError | None = None
        self._reserved = 0

    @property
    def nonce(self) -> str:
        """What tells this call from every other."""
        return self._nonce

    @property
    def has_reserved(self) -> bool:
        """Whether this caller has reserved to be the next."""
        return self._reserved > 0

    def try_time(self, deadline: Deadline) -> Deadline:
        """Return the time of one try."""
        return Deadline(self._access.clock, max(deadline.remaining(), min(TRY_SECONDS, self._access.retry.deadline)))

    def give_up(self) -> TaiStateError:
        """Return the error of a caller who waited in vain.

        A store that did not answer is not a lock that is held; but a grant of which nobody knows is none.
        """
        if isinstance(self._doubt, DeadlineExceededError):
            return self._doubt
        holder = self.blocked[0].holder if self.blocked else None
        error = LockTimeoutError(self.blocked[0].lease.resource if self.blocked else self.resources[0], holder)
        error.__cause__ = self._doubt
        return error

    # Looking and taking

    def look(self, deadline: Deadline) -> _Seen:
        """Read the leases and who is next, in one request.

        Raises:
            DeadlockError: The owner holds one of the locks himself.
        """
        paths = [lease_path(resource) for resource in self.resources]
        next_paths = [reservation_path(resource) for resource in self.resources]
        read = self._access.read([*paths, *next_paths], deadline, consistent=False)
        self.looked_at = self._access.clock.monotonic()
        if self._waiter is None:
            self._waiter = Waiter(self.owner, self._nonce, read.read_time)
        nonce = self._access.new_id()
        grants: list[Grant] = []
        held: list[Held] = []
        clears: list[Write] = []
        leases = read_leases(paths, read.documents)
        for resource, current, next_path in zip(self.resources, leases, next_paths, strict=True):
            step = decide_acquire(
                current, read.read_time, resource=resource, owner=self.owner, nonce=nonce, ttl_seconds=self._timing.ttl
            )
            reservation = read_reservation(read.get(next_path))
            if isinstance(step, Held):
                held.append(step)
                continue
            if current is not None and reservation is not None and reservation.keeps_out(self._waiter, read.read_time):
                held.append(Held(current, reservation.remaining(read.read_time), reservation.waiter.owner))
            grants.append(step)
            clear = clear_write(next_path, reservation, self._waiter, read.read_time)
            if clear is not None:
                clears.append(clear)
        self._doubt = None
        self._note(held)
        return _Seen(tuple(grants), tuple(held), tuple(clears))

    def _note(self, held: Sequence[Held]) -> None:
        if any(self._locks.holds(one.lease, self.owner) for one in held):
            # Nobody else could end this wait.
            raise DeadlockError([self.owner, self.owner])
        if held and not self._first_token:
            self._first_token = held[0].lease.fencing_token
        self.blocked = tuple(held)

    def attempt(self, deadline: Deadline) -> bool:
        """Take all the locks in one commit if none is held; return whether they are ours now.

        A caller who is cancelled meanwhile finds in ``granted`` what he must give back.
        """
        try:
            return self._attempt(deadline)
        except OutcomeUnknownError as error:
            self._doubt = error
        except DeadlineExceededError as error:
            self._doubt = self._doubt or error
        return False

    def _attempt(self, deadline: Deadline) -> bool:
        while True:
            seen = self.look(deadline)
            if seen.held:
                return False
            try:
                if shield(self._take_all, seen, deadline):
                    return True
            except PreconditionFailedError:
                continue  # somebody was faster: the next look tells who

    def _take_all(self, seen: _Seen, deadline: Deadline) -> bool:
        # Before anything is sent: the store counts from a later moment.
        began = self._access.clock.monotonic()
        leases = self._take(seen, deadline)
        self.granted = [Lock(self._access, lease, self._timing, began, self._locks.discard) for lease in leases]
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
            try:
                lock.release(timeout=GIVE_BACK_SECONDS)
            except TaiStateError as error:
                log.info("lock %r is left to its ttl: %s", lock.resource, error)

    # Being next

    @property
    def was_passed_over(self) -> bool:
        """Whether somebody got the lock who did not hold it when we came."""
        return bool(self.blocked) and self.blocked[0].lease.fencing_token > self._first_token

    def reserve(self, deadline: Deadline) -> None:
        """Reserve to be the next, unless somebody does who came earlier; for the lock of one resource alone.

        Who waits for several could keep others from a lock that he cannot take himself.
        """
        resource, *others = self.resources
        if others or not self.was_passed_over or self._waiter is None:
            return
        path = reservation_path(resource)
        try:
            read = self._access.read([path], deadline)
            document = read.get(path)
            if not may_reserve(read_reservation(document), self._waiter, read.read_time):
                return
            self._reserved += 1
            write = reserve_write(resource, self._waiter, document, round_=self._reserved)
            self._access.backend.commit([write], timeout=self._access.attempt_seconds(deadline))
        except PreconditionFailedError:
            return  # another waiter was faster
        except TaiStateError as error:
            log.debug("the next place for %r was not reserved: %s", resource, error)

    def leave(self) -> None:
        """Take back the reservation of a caller who waits no more; one that stays behind ends by itself."""
        if not self._reserved or self.granted or self._waiter is None:
            return
        path = reservation_path(self.resources[0])
        deadline = Deadline(self._access.clock, GIVE_BACK_SECONDS)
        try:
            read = self._access.read([path], deadline)
            document = read.get(path)
            if document is None or document.fields.get("nonce") != self._nonce:
                return
            clear = clear_write(path, read_reservation(document), self._waiter, read.read_time)
            if clear is not None:
                self._access.backend.commit([clear], timeout=self._access.attempt_seconds(deadline))
        except TaiStateError as error:
            log.debug("the next place for %r stays reserved a moment: %s", self.resources[0], error)
