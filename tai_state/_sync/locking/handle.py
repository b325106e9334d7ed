# Generated from tai_state/_async/locking/handle.py by .ci/generate_sync.py; do not edit.
"""A lock in hand, from the inside: its lease, its heartbeat, its turns, and the news of its loss."""
import logging
from collections.abc import Iterator, Callable
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tai_state._sync.access.access import Access
from tai_state._sync.access.turns import Lines
from tai_state._sync.commits.protocol import Settlement, Settled, commit_once
from tai_state._sync.locking.trust_window import RELEASED, TrustWindow
from tai_state._platform.callers import caller
from tai_state._platform.hearts import Heart, Hearts
from tai_state._platform.interrupts import Deferral, shield
from tai_state.clock import Deadline, TimeLimit
from tai_state.config import LeaseTiming, LockConfig
from tai_state.documents import CommitResult, Put
from tai_state.errors import (
    ConfigurationError,
    DeadlineExceededError,
    LockLostError,
    OutcomeUnknownError,
    PreconditionFailedError,
    TaiStateError,
)
from tai_state.rules.commits.settle import Outcome
from tai_state.rules.locking.leases import (
    Lease,
    last_renewed,
    loss_reason,
    read_leases,
    released,
    renewed,
    unknown_outcome,
)
from tai_state.rules.locking.tickets import ticket_of

log = logging.getLogger("tai_state")

# A heartbeat that waits for a reply that never comes must have time for another try.
_BEAT_SECONDS_MIN = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Grantor:
    """Who grants locks, as far as they are concerned afterwards: one for each manager.

    Args:
        hearts: Renews all of them.
        when_ended: Called with a lock once it is released or lost.
    """

    access: Access
    config: LockConfig
    hearts: Hearts
    when_ended: Callable[["LockHandle"], None]

    def timing(self, ttl: float) -> LeaseTiming:
        """Return the seconds in force for a lease of *ttl*, also of one that a manager with other settings made."""
        try:
            return self.config.timing(ttl)
        except ConfigurationError:
            return LockConfig(ttl).timing()


class LockHandle:
    """What stands behind an ``Lock``.

    The holder trusts it until its own monotonic deadline: the ttl from before the last renewal was sent, less a
    margin. The store trusts it a little longer, so two holders never overlap. What cannot be seen from here (a
    takeover after a pause of this process) is caught by the store, when a change is made with ``lock=``.

    Threads, tasks and event loops may share it. Once lost, it stays lost. It belongs to its process: in a fork's child
    it is lost (``forked``), and nothing there touches the parent's.
    """

    def __init__(self, grantor: Grantor, lease: Lease, began: float) -> None:
        """Hold *lease*, whose commit was sent at *began* of the monotonic clock."""
        self.access = grantor.access
        self.lease = lease
        """The lease as last known: what a guarded commit carries."""
        self.began = began
        self.grantor = grantor
        timing = grantor.timing(lease.ttl_seconds)
        self._trust = TrustWindow(lease.resource, lease.fencing_token, self.access.clock, timing, began)
        self._line = Lines()
        self._turn_of: int | None = None
        self._heart: Heart | None = None
        self._may_outlive = False

    @property
    def resource(self) -> str:
        """What is locked."""
        return self.lease.resource

    @property
    def owner(self) -> str:
        """Who acquired it."""
        assert self.lease.holder is not None
        return self.lease.holder

    @property
    def fencing_token(self) -> int:
        """The number of this grant: higher than that of every grant before."""
        return self.lease.fencing_token

    @property
    def ticket(self) -> str:
        """What another process needs to go on with it; from now on it may outlive this one."""
        self._may_outlive = True
        self._keep(self.lease)
        return ticket_of(self.lease)

    @property
    def held(self) -> bool:
        """Whether it can be trusted now."""
        return self._trust.reason() is None

    @property
    def lost(self) -> bool:
        """Whether it was lost without being released."""
        return self._trust.is_lost

    def detach(self) -> str:
        """Return the ticket, and let go of the lease without releasing it: for this handle it has ended."""
        ticket = self.ticket
        self._trust.suspend()
        self._stop_heart()
        if self._trust.end(RELEASED):
            self.grantor.when_ended(self)
        return ticket

    def remaining(self) -> float:
        """Return the seconds for which it can be trusted without another renewal, 0.0 when it cannot."""
        return self._trust.remaining()

    def deadline(self, other: Deadline) -> Deadline:
        """Return *other*, or the end of our trust if that comes first."""
        return Deadline(self.access.clock, min(other.remaining(), self.remaining()))

    def check_held(self) -> None:
        """Do nothing while it can be trusted; the same in both colours.

        Raises:
            LockLostError: It cannot.
        """
        self._trust.check()

    def on_lost(self, callback: Callable[[str], object]) -> None:
        """Call *callback* with the reason once, when the loss is noticed."""
        self._trust.on_lost(callback)

    def lose(self, reason: str) -> None:
        """Note that it is lost, and tell whoever asked to be told; the first reason stands."""
        if self._trust.is_foreign:
            return  # a fork's child, and all of this is its parent's
        self._stop_heart()
        if self._trust.end(reason):
            self.grantor.when_ended(self)

    def _stop_heart(self) -> None:
        if self._heart is not None:
            self._heart.stop_soon()

    # Renewal

    def start_heartbeat(self) -> None:
        """Renew in the background, three times in a ttl."""
        self._heart = self.grantor.hearts.start(self._beat, self._trust.timing.heartbeat_period)

    @contextmanager
    def turn(self, deadline: Deadline) -> Iterator[Lease]:
        """Keep renewals and guarded commits of this handle apart; gives the lease as last known.

        Raises:
            LockLostError: The lock cannot be trusted any more.
            DeadlineExceededError: The turn did not come in time.
        """
        with self._first_in_line(deadline):
            self.check_held()
            yield self.lease

    @contextmanager
    def _first_in_line(self, deadline: Deadline, interrupted: int | None = None) -> Iterator[None]:
        if self._trust.is_foreign:
            self.check_held()
        if interrupted is not None and self._turn_of == interrupted:
            # Whose turn it is stands still beneath the handler of a signal, until that is done.
            yield
            return
        with self._line.join(self.resource) as place:
            if not place.wait(deadline.remaining()):
                message = f"lock {self.resource!r} was busy for {deadline.seconds:g} seconds; nothing was written"
                raise DeadlineExceededError(message)
            self._turn_of = caller()
            try:
                yield
            finally:
                self._turn_of = None

    def adopt(self, lease: Lease, began: float) -> None:
        """Take over what a commit that was sent at *began* made of the lease."""
        self._keep(lease)
        self._trust.renewed(began, self._timing_of(lease))

    def refresh(self, lease: Lease) -> None:
        """Take over the lease as it was read: ours still, renewed by an attempt whose reply was lost."""
        self._keep(lease)
        self._trust.retimed(self._timing_of(lease))

    def _keep(self, lease: Lease) -> None:
        # Whatever the store has, the next write of a lease that may outlive this process does not end it with it.
        self.lease = replace(lease, process=None) if self._may_outlive else lease

    def _timing_of(self, lease: Lease) -> LeaseTiming:
        timing = self._trust.timing
        return timing if lease.ttl_seconds == timing.ttl else self.grantor.timing(lease.ttl_seconds)

    def renew(self, ttl: float | None = None, *, timeout: TimeLimit = None) -> None:
        """Extend the lease by *ttl* from now, and so with each later renewal; None: by the ttl that it has.

        Raises:
            LockLostError: It is lost; an expired lease is acquired anew, never renewed.
            ConfigurationError: The ttl cannot be.
            OutcomeUnknownError: The time was over before the store told; the lock is held until its old end.
        """
        timing = None if ttl is None else self.grantor.config.timing(ttl)
        deadline = self.access.begin(timeout)
        with Deferral():
            with self.turn(deadline):
                shield(self._renew, timing, self.deadline(deadline))
        if timing is not None and self._heart is not None:
            self._heart.beat_in(timing.heartbeat_period)

    def _renew(self, timing: LeaseTiming | None, deadline: Deadline) -> None:
        if timing is not None:
            # From the moment at which it is sent the store may count by the new one, whatever becomes of the reply.
            self._trust.limit(self.access.clock.monotonic(), timing)

        def change(lease: Lease) -> tuple[Lease, Put]:
            return renewed(lease, None if timing is None else timing.ttl)

        self._change(change, "renewed", deadline)

    def _change(self, change: Callable[[Lease], tuple[Lease, Put]], what: str, deadline: Deadline) -> None:
        """Commit one change of the lease; what was read after a refusal tells whether it is ours still.

        A loop, since the first refusal may come from a change of ours whose reply was lost.
        """
        in_doubt: list[float] = []
        while True:
            began = self.access.clock.monotonic()
            later, write = change(self.lease)
            try:
                later, told = self._commit(later, write, what, deadline, in_doubt)
            except PreconditionFailedError:
                maybe_released = what == RELEASED and any(in_doubt)
                if self._is_released(write, deadline, maybe_released=maybe_released):
                    self.lose(RELEASED)
                    if what != RELEASED:
                        self._trust.check()
                    return
            except TaiStateError:
                self._trust.is_failing = True
                raise
            else:
                if what != RELEASED:
                    self.adopt(later, began if told is None else told)
                return

    def _is_released(self, write: Put, deadline: Deadline, *, maybe_released: bool) -> bool:
        """See whose the lease is after a refusal: released by a call of ours whose reply was lost, or ours still.

        Raises:
            LockLostError: Neither.
        """
        read = self.access.read([write.path], deadline)
        (found,) = read_leases([write.path], read.documents)
        reason = loss_reason(self.lease, found, read.read_time, maybe_released=maybe_released)
        if reason == RELEASED:
            return True
        if reason is not None or found is None:
            self.lose(reason or "broken")
            raise LockLostError(self.resource, reason or "broken") from None
        self.refresh(found)
        return False

    def _commit(
        self, later: Lease, write: Put, what: str, deadline: Deadline, in_doubt: list[float]
    ) -> tuple[Lease, float | None]:
        """Commit one change once; when a reply was lost, *in_doubt* gets the trust that was left by then.

        Returns:
            The lease, and from when on it lasts where a read has told it; None: from when the change was sent.
        """
        told: float | None = None

        def read(refused: bool) -> Settled:  # noqa: FBT001 - the protocol's one question
            nonlocal told
            in_doubt.append(self._trust.lease_seconds())
            asked = self.access.clock.monotonic()
            seen = self.access.read([write.path], deadline)
            (found,) = read_leases([write.path], seen.documents)
            if found is not None and found.update_time and replace(found, update_time=later.update_time) == later:
                # It may be the work of an earlier one of the same number, whose reply was lost.
                told = last_renewed(found, seen.read_time, asked)
                return Settled(Outcome.APPLIED, CommitResult(found.update_time, {write.path: found.update_time}))
            return Settled(Outcome.REFUSED if refused else Outcome.PENDING)

        def unknown() -> OutcomeUnknownError:
            return unknown_outcome(later, what)

        commit = commit_once(self.access, [write], deadline, Settlement(read, unknown))
        return replace(later, update_time=commit.update_times[write.path]), told

    def _beat(self) -> float | None:
        """Renew once; return the seconds to the next beat, None when there is nothing left to renew."""
        if self._trust.has_ended:
            return None
        seconds = max(self._trust.timing.heartbeat_period / 2, _BEAT_SECONDS_MIN)
        try:
            self.renew(timeout=max(0.001, min(self._trust.renewal_seconds(), seconds)))
        except LockLostError as error:
            self.lose(error.reason)
            return None
        except Exception as error:  # noqa: BLE001 - whatever it is, a heart that stops loses the lock silently
            left = self._trust.renewal_seconds()
            if left <= 0:
                self.lose(self._trust.running_out())
                return None
            log.info("a heartbeat of lock %r failed and is tried again: %s", self.resource, error)
            return min(self._trust.timing.retry_period, left)
        return self._trust.timing.heartbeat_period

    # Release

    def release(self, *, timeout: TimeLimit = None) -> None:
        """Free the lock for others at once.

        From its beginning on the lock is not held any more, whatever becomes of it. Where it fails, it may be
        called again until the lease has ended.

        Raises:
            LockLostError: It was released before, or it is lost; nothing was changed.
            OutcomeUnknownError: The time was over before the store told.
        """
        with Deferral():
            self._let_go(self.access.begin(timeout))

    def release_beneath(self, interrupted: int, timeout: float) -> None:
        """Do what ``release`` does, also where the caller of that number is interrupted in the middle of a turn."""
        with Deferral():
            self._let_go(self.access.begin(timeout), interrupted)

    def _let_go(self, deadline: Deadline, interrupted: int | None = None) -> None:
        if self._trust.reason() is not None and (self.lost or self._trust.is_released):
            self.check_held()
        self._trust.suspend()
        self._stop_heart()
        in_time = Deadline(self.access.clock, min(deadline.remaining(), self._trust.lease_seconds()))
        try:
            shield(self._release, in_time, interrupted)
        except (DeadlineExceededError, OutcomeUnknownError) as error:
            if self._trust.lease_seconds() > 0:
                raise
            # Its time is over by now: it is free, or will be before anybody could release it.
            self.lose(self._trust.running_out())
            raise LockLostError(self.resource, self._trust.running_out()) from error

    def _release(self, deadline: Deadline, interrupted: int | None) -> None:
        with self._first_in_line(deadline, interrupted):
            if self._trust.is_released:
                raise LockLostError(self.resource, RELEASED)  # by another thread or task, just now
            self._change(released, RELEASED, deadline)
            self._trust.end(RELEASED)
        self.grantor.when_ended(self)
        if self._heart is not None:
            self._heart.stop(deadline.remaining())

    def leave(self, error: BaseException | None) -> None:
        """Release it at the end of a block that ended with *error*, which goes first.

        Raises:
            LockLostError: The lock was lost inside the block, which ended without an exception.
        """
        with Deferral():
            if self._trust.is_released:
                return
            try:
                self.release()
            except Exception as failed:
                if error is None:
                    raise
                error.add_note(f"and on leaving: {failed}")

    def forget(self) -> None:
        """Stop renewing, and trust it no more; its lease ends by itself."""
        self.lose("unreachable")
