# Generated from tai_state/_async/api/transaction_queue.py by .ci/generate_sync.py; do not edit.
"""The queue of transactions that go on meeting conflicts: the project's own fair lock, under reserved names."""
import logging
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager

from tai_state._sync.api.lock_manager import LockManager
from tai_state._sync.api.store import StateStore
from tai_state._sync.locking.lock_set import LockSet
from tai_state.clock import Deadline
from tai_state.config import QUEUE_TTL_SECONDS
from tai_state.documents import DocumentPath
from tai_state.errors import DeadlineExceededError, LockTimeoutError, TaiStateError
from tai_state.rules.transactions.queueing import queue_resources, serialize_resource

log = logging.getLogger("tai_state")

_RELEASE_SECONDS = 2.0


class ReservedLocks(LockManager):
    """A manager of locks under the package's own names, which no user can take."""

    def acquire_reserved(
        self, resources: Sequence[str], *, owner: str | None = None, timeout: float, ttl: float
    ) -> LockSet:
        """Take all of them or none, as ``acquire_many`` does."""
        return self._acquire(sorted(resources), owner, timeout, ttl, heartbeat=True)


class TransactionQueue:
    """Lets runs of all processes of a store go one after the other.

    A lock of this queue guards nothing: the commit's own checks do. Where it is lost, the runs are as many as before.
    """

    def __init__(self, store: StateStore) -> None:
        """Queue in *store*."""
        self._access = store.runtime.access
        self._locks = ReservedLocks(store)

    @contextmanager
    def fair(self, states: AbstractSet[DocumentPath], seconds: float) -> Iterator[None]:
        """Stand in the queues of *states* for as long as the block runs; who has no turn in *seconds* goes on without.

        The run has an owner of its own: what its body locks is another matter.
        """
        held: LockSet | None = None
        try:
            held = self._locks.acquire_reserved(
                queue_resources(states), owner=self._access.new_id(), timeout=seconds, ttl=QUEUE_TTL_SECONDS
            )
        except TaiStateError as error:
            log.debug("a transaction goes on without its turn: %s", error)
        try:
            yield
        finally:
            if held is not None:
                self._release(held)

    @contextmanager
    def serialized(self, name: str | None, deadline: Deadline) -> Iterator[None]:
        """Be the only run under *name* for as long as the block runs; None: one of many.

        Raises:
            DeadlineExceededError: The turn did not come in time.
            DeadlockError: The caller is inside such a block of the same name.
        """
        if name is None:
            yield
            return
        resources = [serialize_resource(name)]
        try:
            held = self._locks.acquire_reserved(resources, timeout=deadline.remaining(), ttl=QUEUE_TTL_SECONDS)
        except LockTimeoutError as error:
            message = (
                f"other transactions under serialize={name!r} took the {deadline.seconds:g} seconds allowed; "
                "nothing was written"
            )
            raise DeadlineExceededError(message) from error
        try:
            yield
        finally:
            self._release(held)

    def _release(self, held: LockSet) -> None:
        try:
            held.release(timeout=_RELEASE_SECONDS)
        except TaiStateError as error:
            log.debug("the next transaction has to wait for the end of a lease: %s", error)
