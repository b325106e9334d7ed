"""The locks that a store's managers granted, and their end with it."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING

from tai_state._async.access.turns import AsyncLines
from tai_state._platform.callers import async_caller
from tai_state._platform.forks import anew_in_children
from tai_state._platform.tasks import async_within
from tai_state.clock import Deadline, SystemClock
from tai_state.errors import TaiStateError
from tai_state.observers import Observers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tai_state._async.access.inflight import AsyncInFlight
    from tai_state._async.locking.handle import AsyncGrantor, AsyncLockHandle
    from tai_state.rules.locking.leases import Lease
    from tai_state.rules.locking.owners import Owner

log = logging.getLogger("tai_state")

RELEASE_SECONDS_MAX = 2.0
"""What a drain keeps of its time for the release of locks."""


class AsyncLockRegistry:
    """The locks that a store's managers granted and that were neither released nor lost; and who waits for more."""

    def __init__(self, observers: Observers | None = None) -> None:
        """Begin with none; *observers* are told how long each was held."""
        self._observers = observers or Observers()
        self.lines = AsyncLines()
        self.begin_anew()
        anew_in_children(self)
        with _registries_guard:
            _registries.add(self)

    def begin_anew(self) -> None:
        """Hold no lock: what a fork's child inherited is its parent's."""
        # A map for its order: a drain releases the locks as they were granted.
        self._locks: dict[AsyncLockHandle, None] = {}
        self._guard = threading.Lock()

    def add(self, locks: Iterable[AsyncLockHandle]) -> None:
        """Remember *locks* until they are released or lost."""
        with self._guard:
            # Those that nobody renewed or released, and whose loss nobody noticed yet.
            self._locks = {lock: None for lock in self._locks if lock.remaining() > 0} | dict.fromkeys(locks)

    def discard(self, lock: AsyncLockHandle) -> None:
        """Forget *lock*."""
        with self._guard:
            self._locks.pop(lock, None)
        if self._observers.all:
            seconds = lock.access.clock.monotonic() - lock.began
            self._observers.lock_ended(lock.resource, seconds, is_lost=lock.lost)

    def held(self) -> list[AsyncLockHandle]:
        """Return those that are held now, by this process."""
        with self._guard:
            locks = list(self._locks)
        return [lock for lock in locks if lock.remaining() > 0]

    def held_by(self, owner: Owner) -> bool:
        """Whether *owner* holds a lock that some store of this process granted."""
        return any(lock.lease.holder_id == owner.id for registry in all_registries() for lock in registry.held())

    def holds(self, lease: Lease, owner: Owner) -> bool:
        """Whether *owner* holds that very grant, in this process: not a namesake, nor one who died before."""
        return any(
            (lock.lease.holder_id, lock.resource, lock.lease.nonce) == (owner.id, lease.resource, lease.nonce)
            for registry in all_registries()
            for lock in registry.held()
        )

    async def release_all(self, timeout: float, granted_by: AsyncGrantor | None = None) -> bool:
        """Release what is held, in *timeout* real seconds; return whether all of it was.

        What could not be released is renewed no more, and ends by itself.

        Args:
            granted_by: Release only what this manager granted; None: all.
        """
        held = [lock for lock in self.held() if granted_by is None or lock.grantor is granted_by]
        released: list[AsyncLockHandle] = []
        deadline = Deadline(SystemClock(), timeout)
        interrupted = async_caller()

        async def release() -> None:
            for lock in held:
                try:
                    await lock.release_beneath(interrupted, max(0.001, deadline.remaining()))
                except TaiStateError as error:
                    log.info("lock %r is left to its ttl: %s", lock.resource, error)
                else:
                    released.append(lock)

        if held:
            await async_within(release, timeout)
        is_done = len(released) == len(held)
        for lock in held:
            lock.forget()
        return is_done

    def forget_all(self) -> None:
        """Stop every heartbeat, and trust no lock any more: the store is closed."""
        for lock in self.held():
            lock.forget()


async def async_drain(
    inflight: AsyncInFlight, locks: AsyncLockRegistry, timeout: float, granted_by: AsyncGrantor | None = None
) -> bool:
    """Let no new call in, end what is under way, and then release *locks*; return whether all of that was done.

    Args:
        timeout: How many real seconds all of it may take. Where locks are held, a part of it is kept for them.
        granted_by: Release only what this manager granted; None: all.
    """
    deadline = Deadline(SystemClock(), timeout)
    for_locks = min(RELEASE_SECONDS_MAX, timeout / 4) if locks.held() else 0.0
    ended = await inflight.drain(timeout - for_locks)
    return await locks.release_all(deadline.remaining(), granted_by) and ended


_registries: weakref.WeakSet[AsyncLockRegistry] = weakref.WeakSet()
_registries_guard = threading.Lock()


def _free_registries() -> None:
    """In a fork's child nobody may be inside the guard for ever."""
    global _registries_guard  # noqa: PLW0603 - a lock of its own, as everything there
    _registries_guard = threading.Lock()


os.register_at_fork(after_in_child=_free_registries)


def all_registries() -> list[AsyncLockRegistry]:
    """Return those of every store of this process and colour."""
    with _registries_guard:
        return list(_registries)
