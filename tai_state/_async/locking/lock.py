"""A lock in hand, as its user sees it."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from tai_state._async.locking.handle import AsyncLockHandle
from tai_state.clock import TimeLimit


class AsyncLock:
    """A lock that was acquired; ``async with`` releases it.

    Pass it as ``lock=`` to changes and transactions: then the store itself refuses the writes of a holder who was
    replaced. Threads, tasks and event loops may share it. Once lost, it stays lost. It belongs to its process: in a
    fork's child it is lost (``forked``), and neither ``release`` nor the end of its block touches the parent's.
    """

    __slots__ = ("_handle",)

    def __init__(self, handle: AsyncLockHandle) -> None:
        """Show what stands behind it; made by ``acquire``."""
        self._handle = handle

    def __repr__(self) -> str:
        """Name the grant, and whether it is held."""
        state = "held" if self.held else "not held"
        return f"<{type(self).__name__} {self.resource!r} of {self.owner!r}, token {self.fencing_token}, {state}>"

    @property
    def resource(self) -> str:
        """What is locked."""
        return self._handle.resource

    @property
    def owner(self) -> str:
        """Who acquired it, by name."""
        return self._handle.owner

    @property
    def fencing_token(self) -> int:
        """The number of this grant: higher than that of every grant before."""
        return self._handle.fencing_token

    @property
    def held(self) -> bool:
        """Whether it can be trusted now, by the boot clock. Asking sends nothing, and calls nobody back."""
        return self._handle.held

    @property
    def lost(self) -> bool:
        """Whether it was lost without being released. Asking sends nothing, and calls nobody back."""
        return self._handle.lost

    @property
    def ticket(self) -> str:
        """This grant as opaque text: with ``LockManager.attach`` another process goes on with it, while it lasts.

        The handle outlives its process. On SQLite a lease that a heartbeat renews is free for others once its process
        has ended; that ends with the first renewal behind the one at which the ticket is read. Whoever may die before
        acquires with ``heartbeat=False``, or calls ``renew``.
        """
        return self._handle.ticket

    def detach(self) -> str:
        """Return the ticket, and let go of the grant without releasing it: ``attach`` goes on with it.

        This lock is not held from then on, as behind ``release``, and neither a drain of the store nor the end of its
        block touches the grant, which ends with its lease where nobody renews it. Call it when no change that it guards
        is under way. One that is lost stays lost, and so is its ticket.
        """
        return self._handle.detach()

    async def check(self) -> None:
        """Do nothing while the lock can be trusted; no request is sent.

        Raises:
            LockLostError: It cannot.
        """
        self._handle.check_held()

    def on_lost(self, callback: Callable[[str], object]) -> None:
        """Call *callback* with the reason once, when the loss is noticed.

        Reasons: expired, stolen, broken, unreachable; released, by somebody else than this handle; forked, when asked
        in a fork's child, where the parent's lock is lost from the beginning.

        It is called on the thread or task that notices: by the heartbeat, or by whoever checks, renews, releases or
        makes a change with it. Without a heartbeat nobody notices before that.

        Raises:
            ConfigurationError: *callback* is a coroutine function; nobody would await it.
        """
        self._handle.on_lost(callback)

    async def renew(self, ttl: float | None = None, *, timeout: TimeLimit = None) -> None:
        """Extend the lease from now.

        Args:
            ttl: By how many seconds, with this renewal and each later one, a heartbeat's and a guarded change's too;
                None: by the ttl that it has.

        Raises:
            LockLostError: It is lost; an expired lease is acquired anew, never renewed.
            ConfigurationError: The ttl cannot be.
            OutcomeUnknownError: The time was over before the store told; the lock is held until its old end.
        """
        await self._handle.renew(ttl, timeout=timeout)

    async def release(self, *, timeout: TimeLimit = None) -> None:
        """Free the lock for others at once.

        From its beginning on the lock is not held any more, whatever becomes of it. Where it fails, it may be
        called again until the lease has ended.

        Raises:
            LockLostError: It was released before, or it is lost; nothing was changed.
            OutcomeUnknownError: The time was over before the store told.
        """
        await self._handle.release(timeout=timeout)

    async def __aenter__(self) -> Self:
        """Return the lock itself, which is held already."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release it; the body's exception goes first.

        Raises:
            LockLostError: The lock was lost inside the body, which ended without an exception.
        """
        await self._handle.leave(error)


def async_handle_of(lock: AsyncLock) -> AsyncLockHandle:
    """Return what stands behind *lock*: the package's own way to it, which users have no need of."""
    return lock._handle  # noqa: SLF001 - see above
