# Generated from tai_state/_async/lock.py by .ci/generate_sync.py; do not edit.
"""A lock in hand: its lease, its heartbeat, and the news of its loss."""
import logging
import threading
import weakref
from collections.abc import Iterator, Callable, Iterable
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import TracebackType
from typing import Self

from tai_state._sync.commits import Settlement, Settled, commit_once
from tai_state._sync.engine import Engine
from tai_state._platform import Heart, Mutex, shield
from tai_state.clock import Deadline
from tai_state.documents import CommitResult, Put
from tai_state.errors import (
    DeadlineExceededError,
    LockLostError,
    OutcomeUnknownError,
    PreconditionFailedError,
    TaiStateError,
)
from tai_state.rules.leases import Lease, LeaseTiming, loss_reason, read_lease, released, renewed
from tai_state.rules.outcome import Outcome

Timeout = float | timedelta | None
log = logging.getLogger("tai_state")


def commit_lease(engine: Engine, later: Lease, write: Put, deadline: Deadline) -> Lease:
    """Commit one change of a lease, and return the lease with the store's time of it.

    Raises:
        PreconditionFailedError: Somebody changed it first.
        OutcomeUnknownError: The deadline passed while nobody could tell.
    """

    def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
        document = (engine.read([write.path], deadline)).get(write.path)
        stored = read_lease(document) if document is not None else None
        if stored is not None and replace(stored, update_time=None) == replace(later, update_time=None):
            return Settled(Outcome.APPLIED, CommitResult(document.update_time, (document.update_time,)))  # type: ignore[union-attr]
        return Settled(Outcome.REFUSED if refused else Outcome.PENDING)

    def unknown() -> OutcomeUnknownError:
        return OutcomeUnknownError(later.nonce, "", later.resource, later.fencing_token)

    commit = commit_once(engine, [write], deadline, Settlement(read, unknown))
    return replace(later, update_time=commit.update_times[0])


class Lock:
    """A lock that was acquired; ``with`` releases it.

    The holder trusts it until its own monotonic deadline: the ttl from before the last renewal was sent, less a
    margin. The store trusts it a little longer, so two holders never overlap. What cannot be seen from here (a
    takeover after a pause of this process) is caught by the store, when a change is made with ``lock=``.
    """

    def __init__(self, engine: Engine, lease: Lease, timing: LeaseTiming, began: float) -> None:
        """Hold *lease*, whose commit was sent at *began* of the engine's monotonic clock."""
        self.engine = engine
        self._timing = timing
        self._mutex = Mutex()
        self._heart = Heart(self._beat, f"tai-lock-{lease.fencing_token}")
        self._callbacks: list[Callable[[str], object]] = []
        self._lost: str | None = None
        self._released = False
        self._lease = lease
        self._trusted_until = began + timing.ttl - timing.margin

    @property
    def resource(self) -> str:
        """What is locked."""
        return self._lease.resource

    @property
    def owner(self) -> str:
        """Who holds it."""
        return self._lease.holder or ""

    @property
    def fencing_token(self) -> int:
        """The number of this grant: higher than that of every grant before."""
        return self._lease.fencing_token

    @property
    def held(self) -> bool:
        """Whether it can be trusted now."""
        return self._reason() is None

    @property
    def lost(self) -> bool:
        """Whether it was lost without being released."""
        return not self._released and self._reason() is not None

    def _reason(self) -> str | None:
        if self._released:
            return "released"
        if self._lost is None and self.remaining() <= 0:
            return "expired"
        return self._lost

    def remaining(self) -> float:
        """Return the seconds for which it can be trusted without another renewal."""
        return max(0.0, self._trusted_until - self.engine.clock.monotonic())

    def deadline(self, other: Deadline) -> Deadline:
        """Return *other*, or the end of our trust if that comes first."""
        return Deadline(self.engine.clock, min(other.remaining(), self.remaining()))

    def check(self) -> None:
        """Do nothing while the lock can be trusted, by the boot clock; no request is sent.

        Raises:
            LockLostError: It cannot.
        """
        self.check_held()

    def check_held(self) -> None:
        """Do what ``check`` does; the same in both colours."""
        reason = self._reason()
        if reason is not None:
            raise LockLostError(self.resource, reason)

    def on_lost(self, callback: Callable[[str], object]) -> None:
        """Call *callback* with the reason (expired, stolen, broken, unreachable) once, when the loss is noticed."""
        self._callbacks.append(callback)
        if self._lost is not None:
            self._call_back(callback, self._lost)

    def lose(self, reason: str) -> None:
        """Note that it is lost, and tell whoever asked to be told."""
        if self._lost is not None or self._released:
            return
        self._lost = reason
        log.warning("lock %r with token %s is lost: %s", self.resource, self.fencing_token, reason)
        for callback in self._callbacks:
            self._call_back(callback, reason)

    def _call_back(self, callback: Callable[[str], object], reason: str) -> None:
        try:
            callback(reason)
        except Exception:
            log.exception("the on_lost callback of lock %r failed", self.resource)

    # Renewal

    def start_heartbeat(self) -> None:
        """Renew in the background, three times in a ttl."""
        self._heart.start(self._timing.heartbeat_period)

    @contextmanager
    def turn(self, deadline: Deadline) -> Iterator[Lease]:
        """Keep renewals and guarded commits of this handle apart; gives the lease as last known.

        Raises:
            LockLostError: The lock cannot be trusted any more.
            DeadlineExceededError: The turn did not come in time.
        """
        if not self._mutex.acquire(deadline.remaining()):
            message = f"lock {self.resource!r} was busy for {deadline.seconds:g} seconds; nothing was written"
            raise DeadlineExceededError(message)
        try:
            self.check_held()
            yield self._lease
        finally:
            self._mutex.release()

    def adopt(self, lease: Lease, began: float) -> None:
        """Take over what a commit that was sent at *began* made of the lease."""
        self._lease = lease
        self._trusted_until = max(self._trusted_until, began + self._timing.ttl - self._timing.margin)

    def refresh(self, lease: Lease) -> None:
        """Take over the lease as it was read: ours still, renewed by an attempt whose reply was lost."""
        self._lease = lease

    def renew(self, *, timeout: Timeout = None) -> None:
        """Extend the lease by its ttl from now.

        Raises:
            LockLostError: It is lost; an expired lease is acquired anew, never renewed.
        """
        deadline = self.engine.begin(timeout)
        with self.turn(deadline):
            shield(self._change, renewed, deadline)

    def _change(self, change: Callable[[Lease], tuple[Lease, Put]], deadline: Deadline) -> None:
        while True:
            began = self.engine.clock.monotonic()
            later, write = change(self._lease)
            try:
                self.adopt(commit_lease(self.engine, later, write, deadline), began)
            except PreconditionFailedError:
                read = self.engine.read([write.path], deadline)
                document = read.get(write.path)
                found = read_lease(document) if document is not None else None
                reason = loss_reason(self._lease, found, read.read_time)
                if reason is not None or found is None:
                    self.lose(reason or "broken")
                    raise LockLostError(self.resource, reason or "broken") from None
                # Ours still: an earlier renewal whose reply was lost. Each turn of this loop needs another such.
                self.refresh(found)
            else:
                return

    def _beat(self) -> float | None:
        """Renew once; return the seconds to the next beat, None when there is nothing left to renew."""
        if self._released or self._lost is not None:
            return None
        try:
            self.renew(timeout=max(0.001, min(self._timing.renew_deadline, self.remaining())))
        except LockLostError as error:
            self.lose(error.reason)
            return None
        except TaiStateError as error:
            if self.remaining() <= 0:
                self.lose("unreachable")
                return None
            log.info("a heartbeat of lock %r failed and is tried again: %s", self.resource, error)
            return min(self._timing.retry_period, self.remaining())
        return self._timing.heartbeat_period

    # Release

    def release(self, *, timeout: Timeout = None) -> None:
        """Free the lock for others at once.

        Raises:
            LockLostError: It was released before, or it is lost; nothing was changed.
        """
        self._heart.stop()
        self.check_held()
        shield(self._release, self.engine.begin(timeout))

    def _release(self, deadline: Deadline) -> None:
        with self.turn(deadline):
            self._change(released, deadline)
            self._released = True

    def __enter__(self) -> Self:
        """Return the lock itself, which is held already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release it; the body's exception goes first.

        Raises:
            LockLostError: The lock was lost inside the body, which ended without an exception.
        """
        if self._released:
            return
        try:
            self.release()
        except TaiStateError as lost:
            if error is None:
                raise
            error.add_note(f"and on leaving: {lost}")


class HeldLocks:
    """The locks that this store's managers granted and that somebody still has in hand."""

    def __init__(self) -> None:
        """Begin with none."""
        self._locks: weakref.WeakSet[Lock] = weakref.WeakSet()
        self._guard = threading.Lock()

    def add(self, locks: Iterable[Lock]) -> None:
        """Remember *locks* for as long as they live."""
        with self._guard:
            self._locks.update(locks)

    def held(self) -> list[Lock]:
        """Return those that are held now."""
        with self._guard:
            return [lock for lock in self._locks if lock.held]

    def held_by(self, owner: str) -> bool:
        """Whether *owner* holds one of them."""
        return any(lock.owner == owner for lock in self.held())
