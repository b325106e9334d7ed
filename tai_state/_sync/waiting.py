# Generated from tai_state/_async/waiting.py by .ci/generate_sync.py; do not edit.
"""Deadlock detection: a waiter's edge in the store, and the search for a cycle through it."""
import logging

from tai_state._sync.engine import Engine
from tai_state.clock import Deadline
from tai_state.documents import Delete
from tai_state.errors import DeadlockError, TaiStateError
from tai_state.rules.leases import Lease, lease_path, read_lease
from tai_state.rules.waits import Wait, is_confirmed, live_wait, victim, wait_path, wait_write

log = logging.getLogger("tai_state")

CYCLE_MAX = 64
"""The longest chain of waiters that is followed."""


class Waiting:
    """One owner's wait for one resource, while it holds another lock."""

    def __init__(self, engine: Engine, *, owner: str, resource: str, ttl_seconds: float) -> None:
        """Write nothing yet."""
        self._engine = engine
        self._owner = owner
        self._resource = resource
        self._ttl_seconds = ttl_seconds
        self._nonce = engine.new_id()
        self._written: Wait | None = None
        self._rewrite_at = 0.0

    def check(self, holder: Lease, deadline: Deadline) -> None:
        """Say whom we wait for, and give up if that closes a cycle and the choice falls on us.

        Raises:
            DeadlockError: We are the one victim of a cycle that stood as of one moment.
        """
        wait = Wait(
            owner=self._owner,
            nonce=self._nonce,
            resource=self._resource,
            holder=holder.holder or "",
            token=holder.fencing_token,
            ttl_seconds=self._ttl_seconds,
        )
        now = self._engine.clock.monotonic()
        if wait != self._written or now >= self._rewrite_at:
            self._engine.backend.commit([wait_write(wait)], timeout=self._engine.retry.attempt_seconds(deadline))
            self._written, self._rewrite_at = wait, now + self._ttl_seconds / 2
        cycle = self._cycle(wait, deadline)
        if cycle is not None and victim(cycle).nonce == self._nonce:
            raise DeadlockError([*(one.owner for one in cycle), self._owner])

    def _cycle(self, ours: Wait, deadline: Deadline) -> list[Wait] | None:
        """Follow the waiters from our holder on; return the cycle back to us, confirmed by one consistent read."""
        chain = [ours]
        while len(chain) <= CYCLE_MAX:
            path = wait_path(chain[-1].holder)
            read = self._engine.read([path], deadline)
            found = live_wait(read.get(path), read.read_time)
            if found is None:
                return None
            if found.nonce == ours.nonce:
                return chain if self._is_confirmed(chain, deadline) else None
            if any(found.nonce == other.nonce for other in chain):
                return None  # a cycle further on: its own members find it
            chain.append(found)
        return None

    def _is_confirmed(self, chain: list[Wait], deadline: Deadline) -> bool:
        paths = [lease_path(wait.resource) for wait in chain]
        read = self._engine.read([*paths, *(wait_path(wait.owner) for wait in chain)], deadline)
        leases = {
            lease.resource: lease for path in paths if (document := read.get(path)) for lease in [read_lease(document)]
        }
        stands = all(live_wait(read.get(wait_path(wait.owner)), read.read_time) == wait for wait in chain)
        return stands and is_confirmed(chain, leases, read.read_time)

    def end(self) -> None:
        """Take the edge back. One that stays behind counts no longer than its ttl."""
        if self._written is None:
            return
        try:
            seconds = self._engine.retry.attempt_timeout
            self._engine.backend.commit([Delete(wait_path(self._owner))], timeout=seconds)
        except TaiStateError as error:
            log.info("the wait of %r was left behind: %s", self._owner, error)
