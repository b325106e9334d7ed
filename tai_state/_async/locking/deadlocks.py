"""Deadlock detection: a waiter's edge in the store, and the search for a cycle through it."""

import logging
from dataclasses import replace

from tai_state._async.access.access import AsyncAccess
from tai_state.clock import Deadline
from tai_state.documents import Delete, UpdatedAt
from tai_state.errors import DeadlockError, PreconditionFailedError, TaiStateError
from tai_state.rules.locking.deadlocks import Wait, is_confirmed, live_wait, victim, wait_path, wait_write
from tai_state.rules.locking.leases import Lease, lease_path, read_leases

END_SECONDS_MAX = 2.0
"""How long a caller who has his answer waits for the store to forget that he waited."""

log = logging.getLogger("tai_state")

CYCLE_MAX = 64
"""The longest chain of waiters that is followed."""


class AsyncWaitEdge:
    """One owner's wait for one resource, while it holds another lock."""

    def __init__(self, access: AsyncAccess, *, owner: str, nonce: str, ttl_seconds: float) -> None:
        """Write nothing yet."""
        self._access = access
        self._owner = owner
        self._nonce = nonce
        self._ttl_seconds = ttl_seconds
        self._written: Wait | None = None
        self._as_written: UpdatedAt | None = None
        self._is_unsure = False
        self._renewals = 0
        self._rewrite_at = 0.0

    async def check(self, holder: Lease, deadline: Deadline) -> None:
        """Say whom we wait for, and give up if that closes a cycle and the choice falls on us.

        A store that cannot tell is asked again the next time; until then the wait's own timeout stands.

        Raises:
            DeadlockError: We are the one victim of a cycle that stood as of one moment.
        """
        wait = Wait(
            owner=self._owner,
            nonce=self._nonce,
            resource=holder.resource,
            holder=holder.holder or "",
            token=holder.fencing_token,
            ttl_seconds=self._ttl_seconds,
        )
        if wait.holder == self._owner:
            return  # a namesake of another process, or of an earlier one: nobody waits for himself here
        try:
            await self._write(wait, deadline)
            cycle = await self._cycle(wait, deadline)
        except TaiStateError as error:
            log.info("who waits for whom could not be told: %s", error)
            return
        if cycle is not None and victim(cycle).nonce == self._nonce:
            raise DeadlockError([*(one.owner for one in cycle), self._owner])

    async def _write(self, wait: Wait, deadline: Deadline) -> None:
        now = self._access.clock.monotonic()
        if wait == self._written and now < self._rewrite_at:
            return
        self._renewals += 1
        write = wait_write(replace(wait, renewals=self._renewals))
        self._is_unsure = True
        # Without a precondition: sent twice, it says the same.
        seconds = self._access.attempt_seconds(deadline)
        commit = await self._access.backend.commit([write], timeout=seconds)
        self._is_unsure = False
        moment = commit.update_times[write.path]
        self._written, self._as_written = wait, UpdatedAt(moment)
        self._rewrite_at = now + self._ttl_seconds / 2

    async def _cycle(self, ours: Wait, deadline: Deadline) -> list[Wait] | None:
        """Follow the waiters from our holder on; return the cycle back to us, confirmed by one consistent read."""
        chain = [ours]
        while len(chain) <= CYCLE_MAX:
            path = wait_path(chain[-1].holder)
            read = await self._access.read([path], deadline)
            found = live_wait(read.get(path), read.read_time)
            if found is None:
                return None
            if found.nonce == ours.nonce:
                return chain if await self._is_confirmed(chain, deadline) else None
            if any(found.nonce == other.nonce for other in chain):
                return None  # a cycle further on: its own members find it
            chain.append(found)
        return None

    async def _is_confirmed(self, chain: list[Wait], deadline: Deadline) -> bool:
        paths = [lease_path(wait.resource) for wait in chain]
        read = await self._access.read([*paths, *(wait_path(wait.owner) for wait in chain)], deadline)
        leases = {lease.resource: lease for lease in read_leases(paths, read.documents) if lease is not None}
        stands = all(live_wait(read.get(wait_path(wait.owner)), read.read_time) == wait for wait in chain)
        return stands and is_confirmed(chain, leases, read.read_time)

    async def end(self) -> None:
        """Take the edge back. One that stays behind counts no longer than its ttl."""
        if self._written is None and not self._is_unsure:
            return
        # As we wrote it: another wait under the same owner's name is not ours to take back.
        known = None if self._is_unsure else self._as_written
        try:
            await self._access.backend.commit([Delete(wait_path(self._owner), known)], timeout=END_SECONDS_MAX)
        except PreconditionFailedError:
            return
        except TaiStateError as error:
            log.info("the wait of %r was left behind: %s", self._owner, error)
