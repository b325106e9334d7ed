# Generated from tai_state/_async/locking/reserving.py by .ci/generate_sync.py; do not edit.
"""Being next: a waiter who was passed over reserves what he wants, so that later comers leave it to him."""
import logging
from collections.abc import Sequence

from tai_state._sync.access.access import Access
from tai_state.clock import Deadline
from tai_state.errors import PreconditionFailedError, TaiStateError
from tai_state.rules.locking.leases import Held, Lease
from tai_state.rules.locking.reservations import (
    Waiter,
    clear_write,
    may_reserve,
    read_reservation,
    reservation_path,
    reserve_write,
)

log = logging.getLogger("tai_state")

LEAVE_SECONDS_MAX = 2.0
"""How long a caller who waits no more waits for the store to forget that he did."""


class Reservations:
    """One waiter's place in the queue of each resource that he wants.

    Who wants several reserves all of them, the free ones too: else whoever wants one of them alone would pass him for
    ever, since they are rarely free at one moment.
    """

    def __init__(self, access: Access, resources: Sequence[str]) -> None:
        """Reserve nothing yet."""
        self._access = access
        self._resources = tuple(resources)
        self._first_tokens: dict[str, int] = {}
        self._was_passed_over = False
        self._rounds = 0

    @property
    def are_made(self) -> bool:
        """Whether this waiter has reserved to be the next."""
        return self._rounds > 0

    def note(self, leases: Sequence[Lease | None], held: Sequence[Held]) -> None:
        """Note what one look told: whether somebody got one of the locks who did not hold it when we came."""
        if not self._first_tokens:
            tokens = [0 if lease is None else lease.fencing_token for lease in leases]
            self._first_tokens = dict(zip(self._resources, tokens, strict=True))
        if any(one.lease.fencing_token > self._first_tokens[one.lease.resource] for one in held):
            self._was_passed_over = True

    def make(self, waiter: Waiter, deadline: Deadline) -> None:
        """Reserve to be the next, where nobody does who came earlier, once *waiter* was passed over."""
        if not self._was_passed_over:
            return
        paths = [reservation_path(resource) for resource in self._resources]
        try:
            read = self._access.read(paths, deadline, consistent=False)
            open_places = [
                (resource, path)
                for resource, path in zip(self._resources, paths, strict=True)
                if may_reserve(read_reservation(read.get(path)), waiter, read.read_time)
            ]
            if open_places:
                self._rounds += 1
                writes = [
                    reserve_write(one, waiter, read.get(path), round_=self._rounds, now=read.read_time)
                    for one, path in open_places
                ]
                self._access.backend.commit(writes, timeout=self._access.attempt_seconds(deadline))
        except PreconditionFailedError:
            return  # another waiter was faster
        except TaiStateError as error:
            log.debug("the next place for %r was not reserved: %s", self._resources, error)

    def end(self, waiter: Waiter | None) -> None:
        """Take back what was reserved by a waiter who got nothing; what stays behind ends by itself."""
        if not self._rounds or waiter is None:
            return
        paths = [reservation_path(resource) for resource in self._resources]
        deadline = Deadline(self._access.clock, LEAVE_SECONDS_MAX)
        try:
            read = self._access.read(paths, deadline, consistent=False)
            ours = {path: read_reservation(read.get(path)) for path in paths}
            clears = [
                clear_write(path, found, waiter, read.read_time)
                for path, found in ours.items()
                if found is not None and found.waiter.nonce == waiter.nonce
            ]
            writes = [clear for clear in clears if clear is not None]
            if writes:
                self._access.backend.commit(writes, timeout=self._access.attempt_seconds(deadline))
        except TaiStateError as error:
            log.debug("the next places for %r stay reserved a moment: %s", self._resources, error)
