# Generated from tai_state/_async/locking/deadlocks.py by .ci/generate_sync.py; do not edit.
"""Deadlock detection: a waiter's edges in the store, and the search for a cycle through one of them."""
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from tai_state._sync.access.access import Access
from tai_state.clock import Deadline
from tai_state.documents import Delete, Document, UpdatedAt
from tai_state.errors import (
    DeadlockError,
    InvalidIdError,
    PreconditionFailedError,
    SchemaVersionError,
    StoreError,
    TaiStateError,
)
from tai_state.rules.locking.deadlocks import (
    WAIT_SECONDS,
    Edge,
    Step,
    Wait,
    is_confirmed,
    live_wait,
    victim,
    wait_path,
    wait_write,
)
from tai_state.rules.locking.leases import Lease, lease_path, read_leases
from tai_state.rules.locking.owners import Owner

END_SECONDS_MAX = 2.0
"""How long a caller who has his answer waits for the store to forget that he waited."""

RENEWALS_IN_A_WAIT = 3
"""How often a wait is renewed before it would end: a slow store must not make a living waiter look dead."""

log = logging.getLogger("tai_state")

WAITERS_MAX = 64
"""The most waiters that one search follows."""


def _readable_wait(document: Document | None, read_time: datetime) -> Wait | None:
    """Return the wait in a document; None where there is none, or none of ours: it harms nobody else's search."""
    try:
        return live_wait(document, read_time)
    except (StoreError, SchemaVersionError) as error:
        log.info("passed over in a search for a deadlock: %s", error)
        return None


class WaitEdges:
    """One owner's wait for some resources, while it holds another lock."""

    def __init__(self, access: Access, *, owner: Owner, nonce: str) -> None:
        """Write nothing yet."""
        self._access = access
        self._owner = owner
        self._nonce = nonce
        self._written: Wait | None = None
        self._as_written: UpdatedAt | None = None
        self._is_unsure = False
        self._renewals = 0
        self._rewrite_at = 0.0

    def check(self, holders: Sequence[Lease], deadline: Deadline) -> None:
        """Say whom we wait for, and give up if that closes a cycle and the choice falls on us.

        A store that cannot tell is asked again the next time; until then the wait's own timeout stands.

        Raises:
            DeadlockError: We are the one victim of a cycle that stood as of one moment.
        """
        # An older build knows owners by their names alone: nobody waits for himself here.
        edges = tuple(edge for edge in map(Edge.to, holders) if edge.holder not in {self._owner.id, self._owner.label})
        if not edges:
            return
        wait = Wait(owner=self._owner, nonce=self._nonce, edges=edges)
        try:
            self._write(wait, deadline)
            cycle = self._cycle(wait, deadline)
        except TaiStateError as error:
            log.info("who waits for whom could not be told: %s", error)
            return
        if cycle is not None and victim(cycle).nonce == self._nonce:
            names = [step.wait.owner.label for step in cycle]
            raise DeadlockError([*names, names[0]], [step.edge.resource for step in cycle])

    def _write(self, wait: Wait, deadline: Deadline) -> None:
        now = self._access.clock.monotonic()
        if wait == self._written and now < self._rewrite_at:
            return
        self._renewals += 1
        write = wait_write(replace(wait, renewals=self._renewals), now=self._access.clock.now())
        self._is_unsure = True
        # Without a precondition: sent twice, it says the same.
        seconds = self._access.attempt_seconds(deadline)
        commit = self._access.backend.commit([write], timeout=seconds)
        self._is_unsure = False
        moment = commit.update_times[write.path]
        self._written, self._as_written = wait, UpdatedAt(moment)
        self._rewrite_at = now + WAIT_SECONDS / RENEWALS_IN_A_WAIT

    def _cycle(self, ours: Wait, deadline: Deadline) -> list[Step] | None:
        """Follow the waiters from our holders on, the nearest first; return a cycle back to us that one read confirms.

        A cycle further on is not ours: its own members find it.
        """
        chains: deque[list[Step]] = deque([Step(ours, edge)] for edge in ours.edges)
        seen = {ours.owner.id}
        while chains and len(seen) <= WAITERS_MAX:
            chain = chains.popleft()
            holder = chain[-1].edge.holder
            if holder == ours.owner.id:
                if self._is_confirmed(chain, deadline):
                    return chain
                continue
            if holder in seen:
                continue
            seen.add(holder)
            wait = self._wait_of(holder, deadline)
            if wait is not None:
                chains.extend([*chain, Step(wait, edge)] for edge in wait.edges)
        return None

    def _wait_of(self, owner_id: str, deadline: Deadline) -> Wait | None:
        """Return the wait of an owner; None where there is none, or none that can be read: the search goes on."""
        try:
            path = wait_path(owner_id)
        except InvalidIdError as error:
            # The holder that a foreign lease names.
            log.info("passed over in a search for a deadlock: %s", error)
            return None
        read = self._access.read([path], deadline)
        return _readable_wait(read.get(path), read.read_time)

    def _is_confirmed(self, chain: Sequence[Step], deadline: Deadline) -> bool:
        paths = [lease_path(step.edge.resource) for step in chain]
        waits = [wait_path(step.wait.owner.id) for step in chain]
        read = self._access.read([*paths, *waits], deadline)
        try:
            found = read_leases(paths, read.documents)
        except (StoreError, SchemaVersionError) as error:
            # Nobody waits in vain for a lock of which nobody can tell who holds it: its readers are told.
            log.info("a cycle that is none: %s", error)
            return False
        leases: Mapping[str, Lease] = {lease.resource: lease for lease in found if lease is not None}
        stands = all(
            _readable_wait(read.get(path), read.read_time) == step.wait for path, step in zip(waits, chain, strict=True)
        )
        return stands and is_confirmed(chain, leases, read.read_time)

    def end(self) -> None:
        """Take the wait back. One that stays behind counts no longer than some seconds."""
        if self._written is None and not self._is_unsure:
            return
        # As we wrote it: another wait of the same owner is not ours to take back.
        known = None if self._is_unsure else self._as_written
        try:
            self._access.backend.commit([Delete(wait_path(self._owner.id), known)], timeout=END_SECONDS_MAX)
        except PreconditionFailedError:
            return
        except TaiStateError as error:
            log.info("the wait of %r was left behind: %s", self._owner.label, error)
