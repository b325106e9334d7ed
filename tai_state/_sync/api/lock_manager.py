# Generated from tai_state/_async/api/lock_manager.py by .ci/generate_sync.py; do not edit.
"""Locks: leases in the store, with a fencing token that the store itself checks."""
import math
from collections.abc import Iterator, Iterable, Sequence
from functools import partial

from tai_state._sync.access.access import page_for
from tai_state._sync.access.inflight import InFlight
from tai_state._sync.api.hold import Hold
from tai_state._sync.api.store import StateStore
from tai_state._sync.commits.protocol import Settlement, Settled, commit_once
from tai_state._sync.locking.acquire import Acquisition
from tai_state._sync.locking.attaching import attached
from tai_state._sync.locking.handle import Grantor
from tai_state._sync.locking.lock import Lock
from tai_state._sync.locking.lock_set import LockSet
from tai_state._sync.locking.registry import drain
from tai_state._sync.locking.waiting import Waiting
from tai_state._platform.hearts import Hearts
from tai_state._platform.interrupts import shield
from tai_state._platform.iterators import ending
from tai_state._platform.owners import current_owner
from tai_state._platform.processes import this_process
from tai_state.authors import author_of
from tai_state.clock import Deadline, TimeLimit, seconds_of
from tai_state.config import ACQUIRE_SECONDS, DRAIN_SECONDS, LockConfig, check_colour, check_option, drain_seconds
from tai_state.documents import Capability, CommitResult
from tai_state.errors import (
    DeadlockError,
    FencedOutError,
    InvalidDataError,
    LockTimeoutError,
    OutcomeUnknownError,
    PreconditionFailedError,
    SchemaVersionError,
    StoreError,
)
from tai_state.layout import LOCKS, WAITS, escape
from tai_state.models import ChangeMetadata, LockInfo, LockWait
from tai_state.rules.commits.settle import Outcome
from tai_state.rules.locking.leases import (
    audit_write,
    broken,
    info,
    lease_path,
    read_lease,
    read_leases,
    unknown_outcome,
)
from tai_state.rules.locking.owners import ProcessStamp, check_users
from tai_state.rules.locking.requests import lock_request
from tai_state.rules.locking.tickets import lease_of
from tai_state.rules.locking.waits import told_by
from tai_state.rules.records.arguments import check_limit
from tai_state.rules.records.unreadable import Unreadable


class LockManager:
    """Acquires locks of a store.

    A lock is a lease: it ends by itself when its holder dies, by the store's clock alone. Pass it as ``lock=`` to
    changes and transactions: then the store itself refuses the writes of a holder who was replaced.
    """

    def __init__(self, store: StateStore, config: LockConfig | None = None) -> None:
        """Lock in *store*; *config* None: as the store's settings say, or else the defaults.

        Raises:
            ConfigurationError: It is no store, or one of the other colour.
        """
        check_colour(store, StateStore, self)
        check_option(config, LockConfig, "config")
        self.store = store
        configured = store.runtime.configured
        self.config = config or (LockConfig() if configured is None else configured.locks)
        self._access = store.runtime.access
        self._locks = store.runtime.locks
        self._inflight = InFlight("the lock manager", within=store.runtime.inflight)
        self._grantor = Grantor(self._access, self.config, Hearts("tai-locks"), self._locks.discard)

    def acquire(
        self,
        resource: str,
        *,
        owner: str | None = None,
        timeout: TimeLimit = ACQUIRE_SECONDS,
        ttl: float | None = None,
        heartbeat: bool = True,
        idempotency_key: str | None = None,
    ) -> Lock:
        """Wait for the lock and take it.

        Args:
            owner: What its owner is called; None: as the ``lock_owner`` block says, else after the running task or
                thread. The owner himself is the block, or that task or thread, under this name: whoever else is
                called the same is another one, whose locks are waited for like anybody's.
            timeout: How many seconds to wait; 0: try once; None: without end.
            ttl: How long the lease outlives its last renewal; None: as configured.
            heartbeat: Whether to renew it in the background.
            idempotency_key: Under which an owner of the same name, wherever he is, gets the same grant again, renewed,
                as long as it is held: for whoever may lose the reply. Without one each grant is another one.

        Raises:
            LockTimeoutError: Somebody else held it all the time; or whether it was granted is not known, and then
                it is nobody's after *ttl* at the latest.
            DeadlockError: Waiting would close a cycle; or the owner holds the lock itself.
            DeadlineExceededError: The store did not answer.
            IdempotencyMismatchError: It is held by another request under the same key.
            InvalidIdError: *resource* or *owner* is no id, or begins with ``tai_state:``, as the package's own do.
        """
        wanted = [check_users(resource, "resource")]
        return (self._acquire(wanted, owner, timeout, ttl, heartbeat=heartbeat, key=idempotency_key)).locks[0]

    def try_acquire(
        self,
        resource: str,
        *,
        owner: str | None = None,
        ttl: float | None = None,
        heartbeat: bool = True,
        idempotency_key: str | None = None,
    ) -> Lock | None:
        """Take the lock if it can be had at once; None when somebody holds it, also the caller himself.

        Arguments as for ``acquire``.

        Raises:
            LockTimeoutError: Whether it was granted is not known; it is nobody's after *ttl* at the latest.
            DeadlineExceededError: The store did not answer.
        """
        try:
            return self.acquire(
                resource, owner=owner, timeout=0, ttl=ttl, heartbeat=heartbeat, idempotency_key=idempotency_key
            )
        except DeadlockError:
            return None
        except LockTimeoutError as error:
            if error.__cause__ is not None:
                raise
            return None

    def attach(self, ticket: str, *, heartbeat: bool = True, timeout: TimeLimit = None) -> Lock:
        """Go on with a lock that was acquired elsewhere, by its ``ticket``: one read, and a renewal.

        Whoever has the first handle goes on with it, too, unless its process has ended.

        Args:
            heartbeat: Whether to renew it in the background.

        Raises:
            LockLostError: It was released, broken or taken over, or has expired.
            InvalidDataError: The ticket is none.
        """
        granted = lease_of(ticket)
        with self._inflight.one("attach"):
            handle = attached(
                self._grantor, granted, self._access.begin(timeout), process=self._process(heartbeat=heartbeat)
            )
            self._locks.add([handle])
            if heartbeat:
                handle.start_heartbeat()
        return Lock(handle)

    def acquire_many(
        self,
        resources: Iterable[str],
        *,
        owner: str | None = None,
        timeout: TimeLimit = ACQUIRE_SECONDS,
        ttl: float | None = None,
        heartbeat: bool = True,
        idempotency_key: str | None = None,
    ) -> LockSet:
        """Wait for all the locks and take them in one commit, or none; arguments as for ``acquire``.

        Raises:
            LockTimeoutError: One of them was always held by somebody else.
            DeadlockError: Waiting would close a cycle; or the owner holds one of them itself.
            IdempotencyMismatchError: One is held by another request under the same key.
        """
        if isinstance(resources, str):
            message = "must be several resources, not one str"
            raise InvalidDataError(message, path="resources")
        wanted = sorted({check_users(resource, "resource") for resource in resources})
        if not wanted:
            message = "must name at least one resource"
            raise InvalidDataError(message, path="resources")
        return self._acquire(wanted, owner, timeout, ttl, heartbeat=heartbeat, key=idempotency_key)

    def hold(
        self,
        resource: str,
        *,
        owner: str | None = None,
        timeout: TimeLimit = ACQUIRE_SECONDS,
        ttl: float | None = None,
        heartbeat: bool = True,
    ) -> Hold:
        """Acquire the lock, and release it at the end of the block; arguments and errors as for ``acquire``."""
        acquire = partial(self.acquire, resource, owner=owner, timeout=timeout, ttl=ttl, heartbeat=heartbeat)
        return Hold(acquire)

    def _acquire(
        self,
        resources: Sequence[str],
        owner: str | None,
        timeout: TimeLimit,
        ttl: float | None,
        *,
        heartbeat: bool,
        key: str | None = None,
    ) -> LockSet:
        holder = current_owner(None if owner is None else check_users(owner, "owner"))
        seconds = math.inf if timeout is None else seconds_of(timeout, may_be_zero=True)
        deadline = Deadline(self._access.clock, seconds)
        acquisition = Acquisition(
            self._grantor,
            self._locks,
            resources,
            holder,
            self.config.timing(ttl),
            process=self._process(heartbeat=heartbeat),
            request=None if key is None else lock_request(key, holder.label, resources, ttl),
        )
        try:
            with self._inflight.one("acquire"):
                self._obtain(acquisition, deadline)
                if heartbeat:
                    for lock in acquisition.granted:
                        lock.start_heartbeat()
                # Made here: behind this block there is no step at which an interrupt could lose what was granted.
                granted = LockSet([Lock(lock) for lock in acquisition.granted])
        except BaseException:
            # A caller who is cancelled, or fails behind the grant, holds nothing afterwards.
            shield(acquisition.give_back)
            raise
        return granted

    def _process(self, *, heartbeat: bool) -> ProcessStamp | None:
        """Return the process that a lease ends with: one that nobody renews in it may be meant to outlive it."""
        return this_process() if heartbeat and Capability.ONE_HOST in self.store.capabilities else None

    def _obtain(self, acquisition: Acquisition, deadline: Deadline) -> None:
        """Try at once, unless others stand in line already; then wait."""
        if deadline.passed or self._locks.lines.is_empty(acquisition.resources):
            if acquisition.attempt(acquisition.patience(deadline)):
                return
            if deadline.passed:
                raise acquisition.give_up()
        waiting = Waiting(
            self._access, self._locks, acquisition, deadline=deadline, may_go_on=self._inflight.check
        )
        waiting.wait()

    def break_lock(
        self, resource: str, token: int, reason: str, *, actor: str | None = None, timeout: TimeLimit = None
    ) -> None:
        """Free a lock by force, in one commit with an audit entry; its holder's guarded writes are refused from now on.

        Args:
            token: The fencing token of the grant that is meant; another holder's lock is never broken.
            reason: Why, for the audit.
            actor: Who breaks it; None: as for any change.

        Raises:
            FencedOutError: The lock is not held under *token* any more.
            OutcomeUnknownError: The time was over before the store told.
        """
        _check_break(token, reason)
        path = lease_path(resource)
        deadline = self._access.begin(timeout)
        entry = self._access.new_id()
        author = author_of(None if actor is None else ChangeMetadata(changed_by=actor), self.store.actor)

        def attempt() -> None:
            (lease,) = read_leases([path], (self._access.read([path], deadline)).documents)
            if lease is None or lease.holder is None or lease.fencing_token != token:
                raise FencedOutError(token, lease.fencing_token if lease else 0, resource)
            _, write = broken(lease, entry)
            audit = audit_write(entry, lease, reason, author.changed_by, self._access.clock.now())

            def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
                found = (self._access.read([audit.path], deadline)).get(audit.path)
                if found is not None:
                    return Settled(Outcome.APPLIED, CommitResult(found.create_time, {}))
                return Settled(Outcome.REFUSED if refused else Outcome.PENDING)

            def unknown() -> OutcomeUnknownError:
                return unknown_outcome(lease, "broken")

            settlement = Settlement(read, unknown)
            shield(commit_once, self._access, [write, audit], deadline, settlement)

        with self._inflight.one("break_lock"):
            self._access.retried(attempt, deadline, also=(PreconditionFailedError,), what="breaking a lock")

    def inspect(self, resource: str, *, timeout: TimeLimit = None) -> LockInfo | None:
        """Return what the store says of a lock; None when it was never taken."""
        path = lease_path(resource)
        with self._inflight.one("inspect_lock"):
            read = self._access.read([path], self._access.begin(timeout))
        (lease,) = read_leases([path], read.documents)
        return info(lease, read.read_time) if lease is not None else None

    def list(
        self, *, after: str | None = None, limit: int | None = None, timeout: TimeLimit = None
    ) -> Iterator[LockInfo]:
        """Iterate over the locks that were ever taken, held or free, ascending by stored resource id.

        All are told as of the moment at which the iteration began; ``timeout`` bounds each page. Documents that are
        damaged or somebody else's are passed over, and named at the end.

        Args:
            after: Begin behind this resource.
            limit: How many are told at most.

        Raises:
            DamagedDocumentsError: Behind the last lock: some could not be read.
        """
        check_limit(limit)
        start = None if after is None else escape(after, "after")
        unreadable, given = Unreadable(), 0
        with self._inflight.one("list_locks"):
            now = self._access.server_time(self._access.begin(timeout))
        scan = self._access.scan(LOCKS, after=start, page=page_for(limit), timeout=timeout)
        with ending(self._inflight.reading(scan, "list_locks")) as documents:
            while given != limit and (document := next(documents, None)) is not None:
                try:
                    lease = read_lease(document)
                except (StoreError, SchemaVersionError) as error:
                    unreadable.add(error, document)
                else:
                    yield info(lease, now)
                    given += 1
        unreadable.tell()

    def waits(self, *, timeout: TimeLimit = None) -> Iterator[LockWait]:
        """Iterate over those who wait for locks as they told the store; one who wants several is told for each.

        Told are those who hold another lock meanwhile, so that a deadlock can be found, and those who were passed over
        and are next. Who waits for his first lock alone writes nothing, and is seen by his own process only. All are
        told as of the moment at which the iteration began; ``timeout`` bounds each page. Documents that are damaged
        or somebody else's are passed over, and named at the end.

        Raises:
            DamagedDocumentsError: Behind the last wait: some could not be read.
        """
        unreadable = Unreadable()
        with self._inflight.one("list_waits"):
            now = self._access.server_time(self._access.begin(timeout))
        for document in self._inflight.reading(self._access.scan(WAITS, timeout=timeout), "list_waits"):
            try:
                found = told_by(document, now)
            except (StoreError, SchemaVersionError) as error:
                unreadable.add(error, document)
                continue
            for wait in found:
                yield wait
        unreadable.tell()

    def drain(self, timeout: TimeLimit = DRAIN_SECONDS) -> bool:
        """Take no new calls, end those that wait for a lock, and release what this manager granted.

        The store and its other managers go on. A lock that could not be released in time is renewed no more: it
        ends with its ttl.

        Args:
            timeout: How many seconds all of it may take, also where the store does not answer; None: 10.

        Returns:
            Whether all calls have ended and all locks are released.
        """
        return drain(self._inflight, self._locks, drain_seconds(timeout), granted_by=self._grantor)


def _check_break(token: object, reason: object) -> None:
    if type(token) is not int:
        message = f"must be the fencing token of a grant, an int, not {token!r}"
        raise InvalidDataError(message, path="token")
    if not isinstance(reason, str) or not reason.strip():
        message = "must say why the lock is broken"
        raise InvalidDataError(message, path="reason")
