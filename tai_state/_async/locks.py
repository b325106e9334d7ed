"""Locks: leases in the store, with a fencing token that the store itself checks."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from tai_state._async.commits import AsyncSettlement, Settled, async_commit_once
from tai_state._async.guarding import AsyncLockSet
from tai_state._async.lock import AsyncLock, Timeout
from tai_state._async.store import AsyncStateStore
from tai_state._async.waiting import AsyncWaiting
from tai_state._platform import async_current_owner, async_shield, async_sleep
from tai_state.clock import Deadline
from tai_state.documents import CommitResult, DocumentPath
from tai_state.errors import (
    DeadlockError,
    FencedOutError,
    InvalidDataError,
    LockTimeoutError,
    OutcomeUnknownError,
    PreconditionFailedError,
)
from tai_state.layout import AUDIT, LOCKS, check_id
from tai_state.models import LockInfo
from tai_state.rules.leases import (
    Grant,
    Held,
    Lease,
    LeaseTiming,
    LockConfig,
    Ours,
    audit_write,
    decide_acquire,
    info,
    lease_path,
    read_lease,
    released,
)
from tai_state.rules.outcome import Outcome

_POLL_SECONDS_MIN = 0.005
_POLL_SECONDS_MAX = 0.25


class AsyncLockManager:
    """Acquires locks of a store.

    A lock is a lease: it ends by itself when its holder dies, by the store's clock alone. Pass it as ``lock=`` to
    changes and transactions: then the store itself refuses the writes of a holder who was replaced.
    """

    def __init__(self, store: AsyncStateStore, config: LockConfig | None = None) -> None:
        """Lock in *store*."""
        self.store = store
        self.config = config or LockConfig()
        self._engine = store.engine

    async def acquire(
        self,
        resource: str,
        *,
        owner: str | None = None,
        timeout: float = 10.0,
        ttl: float | None = None,
        heartbeat: bool = True,
    ) -> AsyncLock:
        """Wait for the lock and take it.

        Args:
            owner: Who takes it; None: the running task or thread.
            timeout: How many seconds to wait; 0: try once.
            ttl: How long the lease outlives its last renewal; None: as configured.
            heartbeat: Whether to renew it in the background.

        Raises:
            LockTimeoutError: Somebody else held it all the time.
            DeadlockError: Waiting would close a cycle; or *owner* holds the lock itself.
        """
        locks = await self._acquire([resource], owner, timeout, ttl, heartbeat=heartbeat)
        return locks[0]

    async def acquire_many(
        self,
        resources: Iterable[str],
        *,
        owner: str | None = None,
        timeout: float = 10.0,
        ttl: float | None = None,
        heartbeat: bool = True,
    ) -> AsyncLockSet:
        """Wait for all the locks and take them in one commit, or none.

        Raises:
            LockTimeoutError: One of them was always held by somebody else.
            DeadlockError: Waiting would close a cycle; or *owner* holds one of them itself.
        """
        if isinstance(resources, str):
            message = "must be several resources, not one str"
            raise InvalidDataError(message, path="resources")
        wanted = sorted({check_id(resource, "resource") for resource in resources})
        if not wanted:
            message = "must name at least one resource"
            raise InvalidDataError(message, path="resources")
        return AsyncLockSet(await self._acquire(wanted, owner, timeout, ttl, heartbeat=heartbeat))

    @asynccontextmanager
    async def hold(
        self,
        resource: str,
        *,
        owner: str | None = None,
        timeout: float = 10.0,
        ttl: float | None = None,
        heartbeat: bool = True,
    ) -> AsyncIterator[AsyncLock]:
        """Acquire the lock, and release it at the end of the block; arguments and errors as for ``acquire``."""
        async with await self.acquire(resource, owner=owner, timeout=timeout, ttl=ttl, heartbeat=heartbeat) as lock:
            yield lock

    async def _acquire(
        self, resources: Sequence[str], owner: str | None, timeout: float, ttl: float | None, *, heartbeat: bool
    ) -> list[AsyncLock]:
        name = check_id(owner, "owner") if owner is not None else async_current_owner()
        for resource in resources:
            check_id(resource, "resource")
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 <= timeout < float("inf"):
            message = f"must be a number of seconds of at least 0, not {timeout!r}"
            raise InvalidDataError(message, path="timeout")
        timing = self.config.timing(ttl)
        with self.store.inflight.one():
            locks = await self._wait_for(resources, name, Deadline(self._engine.clock, timeout), timing)
        if heartbeat:
            for lock in locks:
                lock.start_heartbeat()
        return locks

    async def _wait_for(
        self, resources: Sequence[str], owner: str, deadline: Deadline, timing: LeaseTiming
    ) -> list[AsyncLock]:
        """Try until the locks are granted, the time is over, or waiting has become hopeless."""
        nonce = self._engine.new_id()
        found = await self._try(resources, owner, nonce, timing)
        if not isinstance(found, Held):
            return found
        waiting = AsyncWaiting(self._engine, owner=owner, resource=found.lease.resource, ttl_seconds=timing.ttl)
        began = self._engine.clock.monotonic()
        try:
            while isinstance(found, Held):
                if found.lease.holder == owner:
                    raise DeadlockError([owner, owner])
                if deadline.passed:
                    raise LockTimeoutError(found.lease.resource, found.lease.holder)
                if self.store.locks.held_by(owner):
                    await waiting.check(found.lease, self._engine.begin(None))
                await self._pause(found, self._engine.clock.monotonic() - began, deadline)
                found = await self._try(resources, owner, nonce, timing)
        finally:
            await async_shield(waiting.end)
        return found

    async def _pause(self, found: Held, waited: float, deadline: Deadline) -> None:
        """Wait for a change of the lease, or a jittered moment; whoever waited longer looks more often."""
        eagerness = 1.0 + waited / _POLL_SECONDS_MAX
        seconds = self._engine.rng.uniform(0.2, 1.0) * _POLL_SECONDS_MAX / eagerness
        seconds = max(_POLL_SECONDS_MIN, min(seconds, found.seconds))
        await async_sleep(min(seconds, deadline.remaining() + 0.001))

    async def _try(
        self, resources: Sequence[str], owner: str, nonce: str, timing: LeaseTiming
    ) -> list[AsyncLock] | Held:
        """Read the leases, and take all of them in one commit if none is held.

        A caller who is cancelled meanwhile holds nothing afterwards: what was granted is released again.
        """
        granted: list[AsyncLock] = []

        async def attempt() -> Held | None:
            found = await self._grant(resources, owner, nonce, timing)
            if isinstance(found, Held):
                return found
            granted.extend(found)
            return None

        try:
            return await async_shield(attempt) or granted
        except BaseException:
            for lock in granted:
                await async_shield(lock.release)
            raise

    async def _grant(
        self, resources: Sequence[str], owner: str, nonce: str, timing: LeaseTiming
    ) -> list[AsyncLock] | Held:
        deadline = self._engine.begin(None)
        paths = [lease_path(resource) for resource in resources]
        # Before anything is sent, and never later: a grant whose reply was lost began with the first attempt.
        began = self._engine.clock.monotonic()
        while True:
            read = await self._engine.read(paths, deadline, consistent=False)
            steps: list[Grant | Ours] = []
            for resource, path in zip(resources, paths, strict=True):
                document = read.get(path)
                current = read_lease(document) if document is not None else None
                step = decide_acquire(
                    current, read.read_time, resource=resource, owner=owner, nonce=nonce, ttl_seconds=timing.ttl
                )
                if isinstance(step, Held):
                    return step
                steps.append(step)
            try:
                leases = await self._take(steps, deadline)
            except PreconditionFailedError:
                continue  # somebody was faster: the next read tells who
            locks = [AsyncLock(self._engine, lease, timing, began) for lease in leases]
            self.store.locks.add(locks)
            return locks

    async def _take(self, steps: Sequence[Grant | Ours], deadline: Deadline) -> list[Lease]:
        """Commit the grants together; a lost reply is settled by our nonce."""
        grants = [step for step in steps if isinstance(step, Grant)]
        if not grants:
            return [step.lease for step in steps]
        paths = [grant.lease.path for grant in grants]

        async def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            found = await self._engine.read(paths, deadline)
            documents = [found.get(path) for path in paths]
            times = tuple(
                document.update_time
                for document, grant in zip(documents, grants, strict=True)
                if document is not None and read_lease(document).nonce == grant.lease.nonce
            )
            if len(times) == len(grants):
                return Settled(Outcome.APPLIED, CommitResult(times[0], times))
            return Settled(Outcome.REFUSED if refused else Outcome.PENDING)

        def unknown() -> OutcomeUnknownError:
            lease = grants[0].lease
            return OutcomeUnknownError(lease.nonce, "", lease.resource, lease.fencing_token)

        writes = [grant.write for grant in grants]
        commit = await async_commit_once(self._engine, writes, deadline, AsyncSettlement(read, unknown))
        taken = {
            grant.lease.resource: replace(grant.lease, update_time=moment)
            for grant, moment in zip(grants, commit.update_times, strict=True)
        }
        return [taken.get(step.lease.resource, step.lease) for step in steps]

    async def list(self, *, timeout: Timeout = None) -> AsyncIterator[LockInfo]:
        """Iterate over the locks that were ever taken, held or free, ascending by stored resource id."""
        now = await self._engine.server_time(self._engine.begin(timeout))
        async for document in self._engine.scan(LOCKS, timeout=timeout):
            yield info(read_lease(document), now)

    async def inspect(self, resource: str, *, timeout: Timeout = None) -> LockInfo | None:
        """Return what the store says of a lock; None when it was never taken."""
        path = lease_path(resource)
        read = await self._engine.read([path], self._engine.begin(timeout))
        document = read.get(path)
        return info(read_lease(document), read.read_time) if document is not None else None

    async def break_lock(
        self, resource: str, token: int, reason: str, *, actor: str | None = None, timeout: Timeout = None
    ) -> None:
        """Free a lock by force, in one commit with an audit entry; its holder's guarded writes are refused from now on.

        Args:
            token: The fencing token of the grant that is meant; another holder's lock is never broken.
            reason: Why, for the audit.

        Raises:
            FencedOutError: The lock is not held under *token* any more.
        """
        if not isinstance(reason, str) or not reason.strip():
            message = "must say why the lock is broken"
            raise InvalidDataError(message, path="reason")
        path = lease_path(resource)
        deadline = self._engine.begin(timeout)
        entry = self._engine.new_id()

        async def attempt() -> None:
            document = (await self._engine.read([path], deadline)).get(path)
            lease = read_lease(document) if document is not None else None
            if lease is None or lease.holder is None or lease.fencing_token != token:
                current = lease.fencing_token if lease else 0
                raise FencedOutError(token, current, resource)
            _, write = released(replace(lease, nonce=entry))
            audit = audit_write(entry, lease, reason, actor or self.store.actor, self._engine.clock.now())
            seconds = self._engine.retry.attempt_seconds(deadline)
            await self._engine.backend.commit([write, audit], timeout=seconds)

        try:
            await self._engine.retried(attempt, deadline, also=(PreconditionFailedError,), what="breaking a lock")
        except FencedOutError:
            # The reply of an earlier attempt may have been lost: our audit entry tells.
            path = DocumentPath(AUDIT, entry)
            if (await self._engine.read([path], deadline)).get(path) is None:
                raise
